// Whisper's models beside the form of a recording: get one, see it come, go on after a Stop.

import { attempt, button, call, dialog, h, icon, progressbar, redraw } from "./core.js";

export function speechModels({ poll, refresh }) {
  const why = h("p", { class: "ld-dim" });
  const get = button("Get Whisper…", offer, { icon: "down", hint: "Size and licence are shown before anything is fetched" });
  const cards = h("div", { class: "ld-cards", role: "list", "aria-label": "Downloads of speech models" });
  const region = h("div", { class: "ld-speech-models" }, why, get, cards);
  let active = 0; // downloads that were running when they were last drawn

  // The hub is asked only after Download is pressed here.
  function offer() {
    return attempt(async () => {
      const made = await call("speech_models");
      const rows = made.rows.filter((row) => !row.here);
      if (!rows.length) return;
      const facts = h("dl", { class: "ld-facts-list" });
      const pick = h("select", { class: "ld-field", "aria-label": "Size of Whisper", onchange: tell }, rows.map((row) => h("option", { value: row.name }, `${row.name}: ${row.size}, ${row.note}${row.suited ? " (suits this computer)" : ""}`)));
      pick.value = (rows.find((row) => row.suited) || rows[0]).name;
      function tell() {
        const row = rows.find((one) => one.name === pick.value);
        facts.replaceChildren(...[["Size", row.size], ["Licence", row.licence], ["From", `${row.from} on the Hugging Face hub`], ["Free here", made.free]].flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]));
      }
      tell();
      dialog("Get Whisper", h("div", { class: "ld-form" },
        h("p", {}, "Whisper mishears far less than the engine that comes with LongDoc, and knows many languages. A model is fetched once and then works without a network; recordings stay on this computer."),
        h("label", { class: "ld-label" }, "Size", pick), facts), [
        ["Download", async () => (await attempt(async () => { await call("download_speech_model", { size: pick.value }); await draw(); poll(); return true; })) === true, { primary: true }],
        ["Cancel", () => true, { quiet: true }]]);
    });
  }

  async function draw() {
    const { downloads } = await call("speech_models");
    const before = active;
    active = downloads.filter((job) => job.state === "queued" || job.state === "running").length;
    if (active < before) await refresh(); // it can be chosen from now on
    redraw(cards, downloads, () => downloads.map((job) => {
      const runs = job.state === "queued" || job.state === "running";
      const act = (action) => () => attempt(async () => { await action(); await draw(); poll(); });
      const stop = runs ? button("Stop", act(() => call("stop", { job: job.id })), { icon: "stop" }) : null;
      if (stop) stop.dataset.focus = `stop-model-${job.id}`;
      return h("div", { class: `ld-card ld-${job.state}`, role: "listitem", "aria-label": job.name },
        h("strong", {}, job.name), h("span", { class: "ld-state" }, runs ? `Downloading ${job.words}` : job.words),
        runs ? progressbar(job.share, job.words, job.name) : h("p", { class: "ld-message", role: "status" }, icon("warn"), h("span", {}, `${job.message || "LongDoc ended while this was running."} ${job.next_step}`)),
        h("div", { class: "ld-row" }, runs ? stop : [
          button("Go on", act(() => call("download_speech_model", { size: job.size }))),
          button("Dismiss", act(() => call("dismiss_speech_download", { job: job.id })), { quiet: true })]));
    }));
  }

  // What engines there are decides how the button is worded.
  function update(engines) {
    why.textContent = engines.map((one) => one.why).filter(Boolean).join(" ");
    get.lastChild.textContent = why.textContent ? "Get Whisper…" : "Get another size of Whisper…";
    get.classList.toggle("ld-quiet", !why.textContent);
  }

  async function onPoll(polled) {
    // One may begin and end between two polls: what is drawn as running is looked at until it is not.
    if (active || polled.jobs.some((job) => job.kind === "speech_model")) await draw();
  }

  return { region, update, onPoll, draw };
}
