// Models & memory: what there is, what each can take, and what a length would cost before anything is loaded.

import { attempt, button, call, dialog, h, icon, memory, number, progressbar, redraw } from "./core.js";
import { howFields } from "./how.js";
import { keys } from "./keys.js";
import { strip as makeStrip } from "./strip.js";

export async function models(root) {
  const table = h("div", { class: "ld-table-frame", tabindex: "0", role: "region", "aria-label": "Models" });
  const name = h("input", { class: "ld-field", "aria-label": "Folder, name or address of a model", placeholder: "Folder, Qwen/Qwen3-4B, or http://127.0.0.1:8000" });
  const add = h("form", { class: "ld-row", onsubmit: (event) => { event.preventDefault(); attempt(async () => { const row = await call("add_model", { name: name.value }); memory.set("model", row.name); name.value = ""; await list(); }); } }, name, h("button", { class: "ld-button", type: "submit" }, "Add model"), button("Download…", lookUp, { icon: "down", hint: "Ask the Hugging Face hub for a model by OWNER/NAME" }));
  const fetching = h("div", { class: "ld-cards", role: "list", "aria-label": "Downloads" });
  const slider = h("input", { type: "range", min: "9", max: "20", step: "0.25", "aria-label": "Length to plan for", oninput: () => { length = Math.round(2 ** Number(slider.value)); later(); } });
  const windowBox = h("input", { type: "number", class: "ld-field", min: "256", step: "1", "aria-label": "Window in tokens", placeholder: "the model's own", onchange: () => { const n = Number(windowBox.value); memory.set("window", n >= 1 ? Math.round(n) : null); later(); } });
  windowBox.value = memory.get("window") ?? "";
  const own = button("Use the model's own", () => { windowBox.value = ""; memory.set("window", null); later(); }, { quiet: true });
  const plan = h("div", { class: "ld-plan", role: "status" });
  let length = 32768;
  let timer = null;
  let rows = [];
  let how = memory.get("how");
  const overrides = h("div", { class: "ld-how-fields" });
  slider.value = String(Math.log2(length));

  async function list() {
    const made = await call("models");
    rows = made.rows;
    if (!rows.some((row) => row.usable && row.name === memory.get("model"))) memory.set("model", made.usual);
    table.replaceChildren(h("table", { class: "ld-table" },
      h("thead", {}, h("tr", {}, ["Use", "Model", "Training length", "Window", "By method", "Tested up to", "Size", "Licence", "Fits here"].map((label) => h("th", { scope: "col" }, label)))),
      h("tbody", {}, rows.map(row_))));
    later();
  }

  function row_(row) {
    const pick = h("input", { type: "radio", name: "ld-model", "aria-label": `Use ${row.name}`, disabled: !row.usable, onchange: () => { memory.set("model", row.name); later(); } });
    pick.checked = row.name === memory.get("model");
    if (!row.usable) return h("tr", {}, h("td", {}, pick), h("th", { scope: "row" }, row.name), h("td", { colspan: "7" }, row.why));
    const fits = row.fits.map((f) => h("li", {}, `${number(f.tokens)}: ${f.word}`));
    return h("tr", {},
      h("td", {}, pick),
      h("th", { scope: "row" }, row.name, row.remote ? h("p", { class: "ld-message" }, "The documents leave this computer.") : null, h("p", { class: "ld-dim" }, row.note || row.architecture), row.remote || row.name.includes("/") ? button("Remove from the list", () => attempt(async () => { await call("forget_model", { name: row.name }); await list(); }), { quiet: true }) : null),
      h("td", {}, number(row.native)), h("td", {}, number(row.window)), h("td", {}, methods(row)), h("td", {}, row.tested ? number(row.tested) : "not measured", measured(row)),
      h("td", {}, (row.size || "on a server").replaceAll(" ", "\u00a0")), h("td", {}, row.licence || "not stated"), h("td", {}, h("ul", { class: "ld-fits" }, fits)));
  }

  function methods(row) {
    if (!row.methods.length) return "the server's";
    const take = row.methods.filter((one) => one.window);
    const refused = row.methods.filter((one) => !one.window);
    return h("details", { class: "ld-small" }, h("summary", {}, `${take.length} of ${row.methods.length} methods`),
      h("ul", { class: "ld-fits" }, take.map((one) => h("li", {}, `${one.name}: ${number(one.window)}`)), refused.map((one) => h("li", { title: one.why }, `${one.name}: not with this model`))));
  }

  function measured(row) {
    if (!row.measured.length) return h("p", { class: "ld-dim" }, h("a", { href: "/evaluation" }, "Measure here"));
    return h("details", { class: "ld-small" }, h("summary", {}, `here: ${number(row.measured.at(-1).length)}`),
      h("ul", { class: "ld-fits" }, row.measured.map((one) => h("li", {}, `${number(one.length)}: ${Math.round(100 * one.score)} % of ${one.n}, ${one.method === "none" ? "own positions" : one.method}`))));
  }

  // The hub is asked only when a person presses Download; size and licence come before anything is fetched.
  function lookUp() {
    attempt(async () => {
      const wanted = name.value.trim();
      const offer = await call("look_up", { name: wanted });
      dialog(`Download ${offer.name}?`, h("dl", { class: "ld-facts-list" }, [["Size", offer.size], ["Licence", offer.licence || "not stated"], ["Free here", offer.free], ["From", "the Hugging Face hub"]].flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value)])), [
        ["Download", async () => (await attempt(async () => { await call("download", { name: offer.name }); name.value = ""; await drawDownloads(); strip.poll(); return true; })) === true, { primary: true }],
        ["Cancel", () => true, { quiet: true }]]);
    });
  }

  async function drawDownloads() {
    const jobs = await call("downloads");
    redraw(fetching, jobs, () => jobs.map((job) => {
      const active = job.state === "queued" || job.state === "running";
      const act = (action) => () => attempt(async () => { await action(); await drawDownloads(); strip.poll(); });
      return h("div", { class: `ld-card ld-${job.state}`, role: "listitem", "aria-label": job.name },
        h("strong", {}, job.name), h("span", { class: "ld-state" }, active ? `Downloading ${job.words}` : job.words),
        active ? progressbar(job.share, job.words, job.name) : h("p", { class: "ld-message" }, icon("warn"), h("span", {}, `${job.message || "LongDoc ended while this was running. Files that came whole are kept."} ${job.next_step}`)),
        h("div", { class: "ld-row" }, active ? button("Stop", act(() => call("stop", { job: job.id })), { icon: "stop" }) : [
          button("Go on", act(async () => { await call("download", { name: job.name }); await call("dismiss_download", { job: job.id }); })),
          button("Dismiss", act(() => call("dismiss_download", { job: job.id })), { quiet: true })]));
    }));
    return jobs.length;
  }

  async function drawHow() {
    overrides.replaceChildren(...(await howFields(how, (made) => { how = made; memory.set("how", made); later(); })));
  }

  function later() { clearTimeout(timer); timer = setTimeout(preview, 120); }

  function preview() {
    return attempt(async () => {
      const made = await call("preview", { model: memory.get("model"), tokens: length, window: memory.get("window"), how });
      const words = { native: "within training length", extended_tested: "extended, tested", extended_untested: "extended, untested at this length", over: "over the window" };
      slider.setAttribute("aria-valuetext", `${number(length)} tokens`);
      plan.replaceChildren(h("p", { class: "ld-big" }, `${number(length)} tokens with ${memory.get("model")}`),
        h("dl", { class: "ld-facts-list" }, [["Zone", words[made.zone]], ["Positions", made.method === "none" ? "the model's own" : made.method], ["Attention", made.attention], ["Kept in", made.tier], ["Memory", made.memory || "on the server"], ["Reading", made.time], ["Window", number(made.window)]].flatMap(([k, v]) => [h("dt", {}, k), h("dd", {}, v)])),
        h("ul", { class: "ld-reasons" }, made.reasons.map((reason) => h("li", {}, reason))));
    });
  }

  let fetched = 0;
  const strip = makeStrip(async (state) => {
    const running = state.jobs.filter((job) => job.kind === "download").length;
    if (running || fetched) await drawDownloads();
    if (running < fetched) await list();
    fetched = running;
  });
  root.append(strip.region, h("div", { class: "ld-models" },
    h("h2", {}, "Models & memory"),
    h("p", {}, "The bundled reader finds and quotes: it answers with the sentence that says it, and says so when nothing does. It does not reason, summarise freely or count. For that, name a larger model below: a folder with safetensors weights, a model already in the Hugging Face cache, or the address of a server that speaks the OpenAI protocol. Nothing is downloaded unless you press Download."),
    table, add, fetching,
    h("section", { class: "ld-card", "aria-label": "What a length costs" }, h("h3", {}, "What a length costs"), h("label", { class: "ld-label" }, "Length", slider),
      h("div", { class: "ld-row" }, h("label", { class: "ld-label ld-inline" }, "Window", windowBox), own),
      overrides, h("p", { class: "ld-dim" }, "What is chosen here also holds for questions outside a collection; a collection keeps its own, under How beside the question."), plan)));
  keys({});
  await list();
  await drawHow();
  await attempt(drawDownloads);
  strip.poll();
}
