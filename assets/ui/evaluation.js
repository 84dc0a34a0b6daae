// Evaluation: choose questions, lengths, ways of reading and models; see the cost; results run by run.

import { attempt, button, call, dialog, h, memory, number, progressbar, redraw, save, sendFile } from "./core.js";
import { keys } from "./keys.js";
import { legend, plot } from "./plot.js";
import { strip as makeStrip } from "./strip.js";

const MODES = [["single", "Single pass"], ["chunked", "Chunked"], ["none", "No document"]];
const WAIT_MS = 350;
const percent = (share) => `${Math.round(100 * share)} %`;
const lengthWords = (n) => (n ? number(n) : "whole");
const short = (n) => (n ? (n >= 1024 && n % 1024 === 0 ? `${n / 1024}K` : number(n)) : "whole");
const time = (s) => (s === null ? "" : s < 1 ? `${s.toFixed(2)} s` : s < 10 ? `${s.toFixed(1)} s` : s < 90 ? `${Math.round(s)} s` : `${Math.round(s / 60)} min`);

export async function evaluation(root) {
  const choices = await call("evaluation_choices");
  let wanted = { kind: "needles", limit: 20, lengths: [1024, 2048], modes: ["single", "chunked"], positions: [""], models: [], attention: "", documents: [], lines: "", upload: "", name: "", ...(memory.get("evaluationWanted") || {}) };
  if (!choices.kinds.some((kind) => kind.key === wanted.kind)) wanted.kind = "needles";
  let shown = memory.get("evaluation");
  let made = null;
  let picked = null; // which point's runs are listed
  let timer = null;
  let asked = 0;

  const kind = h("select", { class: "ld-field", "aria-label": "Questions", onchange: () => { set({ kind: kind.value, limit: usual(kind.value) }); details(); } },
    choices.kinds.map((row) => h("option", { value: row.key }, row.questions ? `${row.words} (${row.questions} questions)` : row.words)));
  const limit = h("input", { type: "number", class: "ld-field ld-short", min: "1", max: "1000", "aria-label": "How many questions", onchange: () => set({ limit: Math.max(1, Math.min(1000, Math.round(Number(limit.value)) || 1)) }) });
  const more = h("div", { class: "ld-eval-more" });
  const lengths = h("div", { class: "ld-chips" });
  const modes = h("div", { class: "ld-chips" });
  const positions = h("div", { class: "ld-chips" });
  const models = h("div", { class: "ld-chips" });
  const attention = h("select", { class: "ld-field", "aria-label": "Attention", onchange: () => set({ attention: attention.value }) },
    h("option", { value: "" }, "the planner's"), choices.attentions.map((name) => h("option", { value: name }, name)));
  const cost = h("div", { class: "ld-cost", role: "status" });
  const start = button("Start", begin, { primary: true, disabled: true });
  const form = h("section", { class: "ld-card ld-eval-form", "aria-label": "What to measure" },
    h("div", { class: "ld-row" }, h("label", { class: "ld-label ld-inline ld-grow" }, "Questions", kind), h("label", { class: "ld-label ld-inline" }, "How many", limit)), more,
    group("Lengths in tokens", lengths), group("How to read", modes), group("Position methods of Single pass", positions),
    choices.attentions.length > 1 ? h("div", { class: "ld-row" }, h("label", { class: "ld-label ld-inline ld-fit" }, "Attention", attention)) : null,
    group("Models", models), h("div", { class: "ld-row" }, cost, h("span", { class: "ld-grow" }), start));
  const earlier = h("select", { class: "ld-field ld-earlier-pick", "aria-label": "Evaluations", onchange: () => show(earlier.value ? Number(earlier.value) : null) });
  const results = h("div", { class: "ld-eval-results" });
  const main = h("div", { class: "ld-models ld-eval" }, h("h2", {}, "Evaluation"),
    h("p", { class: "ld-dim" }, "Measure how well a model finds what stands in a long text, on made-up sentences, on the samples or on your own sources. What is measured here also tells the planner which method to use."),
    form, h("div", { class: "ld-row" }, h("h3", { class: "ld-grow" }, "Results"), earlier), results);

  function group(words, chips) {
    const id = `ld-group-${words.toLowerCase().replace(/\W+/g, "-")}`;
    chips.setAttribute("role", "group");
    chips.setAttribute("aria-labelledby", id);
    return h("div", { class: "ld-eval-group" }, h("span", { class: "ld-dim", id }, words), chips);
  }

  const usual = (key) => choices.kinds.find((row) => row.key === key)?.questions || 20;

  function set(change) {
    wanted = { ...wanted, ...change };
    memory.set("evaluationWanted", { ...wanted, lines: wanted.lines.slice(0, 20000) });
    later();
  }

  function chip(container, words, on, change, hint) {
    const box = h("input", { type: "checkbox", onchange: () => change(box.checked) });
    box.checked = on;
    container.append(h("label", { class: "ld-chip", title: hint }, box, words));
  }

  const toggled = (list, value, on) => (on ? [...list.filter((v) => v !== value), value] : list.filter((v) => v !== value));

  function drawChoices() {
    kind.value = wanted.kind;
    limit.value = String(wanted.limit);
    attention.value = wanted.attention;
    const documents = !["needles", "keys"].includes(wanted.kind);
    lengths.replaceChildren();
    for (const n of [...new Set([...choices.lengths, ...wanted.lengths.filter(Boolean)])].sort((a, b) => a - b)) chip(lengths, number(n), wanted.lengths.includes(n), (on) => set({ lengths: toggled(wanted.lengths, n, on).sort((a, b) => a - b) }));
    if (documents) chip(lengths, "as long as they are", wanted.lengths.includes(0), (on) => set({ lengths: toggled(wanted.lengths, 0, on).sort((a, b) => a - b) }));
    else if (wanted.lengths.includes(0)) wanted.lengths = wanted.lengths.filter(Boolean);
    modes.replaceChildren();
    for (const [key, words] of MODES) chip(modes, words, wanted.modes.includes(key), (on) => set({ modes: toggled(wanted.modes, key, on) }));
    positions.replaceChildren();
    for (const name of ["", ...choices.methods]) chip(positions, name || "the planner's choice", wanted.positions.includes(name), (on) => set({ positions: toggled(wanted.positions, name, on) }));
  }

  async function drawModels() {
    const listed = await call("models");
    const usable = listed.rows.filter((row) => row.usable).map((row) => row.name);
    const chosen = wanted.models.filter((name) => usable.includes(name));
    wanted.models = chosen.length ? chosen : [usable.includes(memory.get("model")) ? memory.get("model") : listed.usual];
    models.replaceChildren();
    for (const name of usable) chip(models, name, wanted.models.includes(name), (on) => set({ models: toggled(wanted.models, name, on) }));
  }

  async function details() {
    drawChoices();
    const parts = [];
    if (["needles", "keys", "own"].includes(wanted.kind)) {
      const state = await call("library", { model: memory.get("model") });
      const here = state.cards.map((card) => card.id);
      wanted.documents = wanted.documents.filter((id) => here.includes(id));
      const pick = h("fieldset", { class: "ld-pick" }, h("legend", {}, wanted.kind === "own" ? "Asked of" : "Hidden in (nothing ticked: the sample book)"));
      for (const card of state.cards.slice(0, 200)) {
        const box = h("input", { type: "checkbox", onchange: () => set({ documents: toggled(wanted.documents, card.id, box.checked) }) });
        box.checked = wanted.documents.includes(card.id);
        pick.append(h("label", { class: "ld-check" }, box, card.title));
      }
      if (!state.cards.length) pick.append(h("p", { class: "ld-dim" }, wanted.kind === "own" ? "The Library is empty. " : "No source of yours is in the Library yet.", wanted.kind === "own" ? h("a", { href: "/" }, "Add a source") : null));
      parts.push(pick);
    } else wanted.documents = [];
    if (wanted.kind === "own") {
      const lines = h("textarea", { class: "ld-question", rows: "5", "aria-label": "Questions and answers, one a line", placeholder: "What notice must the tenant give? | thirty (30) days | 30 days\nWho is the dentist? |", onchange: () => set({ lines: lines.value }) });
      lines.value = wanted.lines;
      parts.push(h("label", { class: "ld-label" }, "One question a line, accepted answers behind bars; none: the sources do not say", lines));
    }
    if (wanted.kind === "file") {
      const input = h("input", { type: "file", class: "ld-sr", tabindex: "-1", "aria-hidden": "true", onchange: () => attempt(async () => {
        const file = input.files[0];
        input.value = "";
        const sent = file && (await sendFile(file));
        if (!sent) return;
        const taken = await call("take_questions", { path: sent, name: file.name });
        set({ upload: taken.upload, name: taken.name, limit: Math.min(1000, taken.questions) });
        details();
      }) });
      parts.push(h("div", { class: "ld-row" }, button("Choose a question file", () => input.click(), { icon: "file" }), input, h("span", {}, wanted.name || "JSON lines with text, question and answers, or multiple choice as in LongBench")));
    }
    more.replaceChildren(...parts);
    later();
  }

  function later() {
    clearTimeout(timer);
    start.disabled = true;
    timer = setTimeout(count, WAIT_MS);
  }

  async function count() {
    const mine = ++asked;
    cost.replaceChildren(h("span", { class: "ld-dim" }, "Counting…"));
    let told;
    try {
      told = await call("cost", { wanted: sent() });
    } catch (error) {
      if (mine === asked) cost.replaceChildren(h("span", { class: "ld-dim" }, error.message));
      return;
    }
    if (mine !== asked) return;
    start.disabled = !told.runs;
    cost.replaceChildren(
      h("p", { class: "ld-big" }, `${number(told.runs)} ${told.runs === 1 ? "run" : "runs"}, ${told.time}${told.memory ? `, ${told.memory}` : ""}`),
      told.few ? h("p", { class: "ld-dim" }, "Fewer than 20 questions at a length: too few to decide, intervals will be wide.") : "",
      told.too_big ? h("p", { class: "ld-message" }, told.too_big) : "",
      ...told.left_out.slice(0, 4).map((why) => h("p", { class: "ld-dim" }, why)),
      told.left_out.length > 4 ? h("p", { class: "ld-dim" }, `and ${told.left_out.length - 4} more left out`) : "");
  }

  const sent = () => ({ ...wanted, models: wanted.models, upload: wanted.kind === "file" ? wanted.upload : "", lines: wanted.kind === "own" ? wanted.lines : "" });

  function begin() {
    return attempt(async () => {
      start.disabled = true;
      const job = await call("evaluate", { wanted: sent() });
      start.disabled = false;
      await show(job);
      strip.poll();
    });
  }

  async function list() {
    const rows = await call("evaluations");
    if (!rows.some((row) => row.id === shown)) shown = rows.length ? rows[0].id : null;
    earlier.replaceChildren(...(rows.length ? rows.map((row) => h("option", { value: String(row.id) }, `${row.title}${row.state === "done" ? "" : ` (${row.state})`}`)) : [h("option", { value: "" }, "Nothing measured yet")]));
    earlier.value = shown === null ? "" : String(shown);
  }

  async function show(job) {
    shown = job;
    picked = null;
    memory.set("evaluation", job);
    await attempt(list);
    await draw();
  }

  async function draw() {
    if (shown === null) { results.replaceChildren(h("p", { class: "ld-empty" }, "Choose what to measure, look at the cost, and start.")); return; }
    made = await attempt(() => call("evaluation", { job: shown }));
    if (!made) return;
    redraw(results, [made, picked], drawn);
  }

  function drawn() {
    const { job } = made;
    const active = job.state === "queued" || job.state === "running";
    const series = [...new Set(made.rows.map((row) => row.series))];
    const stop = button(job.state === "queued" ? "Withdraw" : "Stop", () => attempt(async () => { stop.disabled = true; await call("stop", { job: job.id }); strip.poll(); }), { icon: "stop" });
    stop.dataset.focus = "stop-evaluation";
    const words = job.message || (job.state === "interrupted" ? "LongDoc ended while this was running. What was finished is kept." : "");
    return [
      active ? h("div", { class: "ld-row" }, h("p", { class: "ld-words ld-grow" }, job.words), stop) : null,
      active ? progressbar(job.share, job.words, "Evaluation") : null,
      words ? h("p", { class: "ld-message", role: "status" }, `${words} ${job.next_step}`) : null,
      made.left_out.length ? h("details", { class: "ld-small" }, h("summary", {}, `${made.left_out.length} left out`), h("ul", {}, made.left_out.map((why) => h("li", {}, why)))) : null,
      made.n_runs ? legend(series) : h("p", { class: "ld-empty" }, active ? "The first results come soon." : "No run was finished."),
      made.rows.some((row) => row.few) ? h("p", { class: "ld-flag" }, "Fewer than 20 questions in some rows: too few to decide.") : null,
      made.n_runs ? h("div", { class: "ld-plots" }, byLength(series), byDepth(series), byTime(series), byMemory(series)) : null,
      picked ? runs() : null,
      h("div", { class: "ld-row" },
        made.n_runs ? button("Show runs", () => pick({ series: null })) : null,
        ["stopped", "failed", "interrupted"].includes(job.state) ? button("Go on", () => attempt(async () => { await show(await call("go_on", { job: job.id })); strip.poll(); }), { primary: true, hint: "What is finished is not asked again" }) : null,
        made.n_runs ? button("Export", () => attempt(async () => { const file = await call("export_evaluation", { job: job.id }); save(file.name, file.text); }), { quiet: true }) : null,
        active ? null : button("Remove from the list", forget, { quiet: true })),
    ];
  }

  function figure(title, picture, head, rows) {
    return h("figure", { class: "ld-card ld-figure" }, h("figcaption", {}, h("h3", {}, title)), picture,
      h("details", { class: "ld-small" }, h("summary", {}, "Table"), h("div", { class: "ld-table-frame", tabindex: "0", role: "region", "aria-label": `Table: ${title}` },
        h("table", { class: "ld-table" }, h("thead", {}, h("tr", {}, head.map((words) => h("th", { scope: "col" }, words)))),
          h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, i) => (i ? h("td", {}, cell) : h("th", { scope: "row" }, cell))))))))));
  }

  const counted = (row) => `${percent(row.score)} of ${row.n} (${percent(row.low)} to ${percent(row.high)})`;
  const lengthsOf = (rows) => [...new Set(rows.map((row) => row.at))].sort((a, b) => (a || 1e12) - (b || 1e12));

  function byLength(series) {
    const title = `${made.metric} by length`;
    return figure(title, plot({
      title, series, places: lengthsOf(made.rows), placeWords: short, xTitle: "prompt length, tokens", yWords: percent, top: 1,
      rows: made.rows.map((row) => ({ ...row, y: row.score, label: `${row.series}, ${lengthWords(row.at)} tokens: ${counted(row)}` })), onPoint: (row) => pick({ series: row.series, length: row.at }),
    }), ["How", "Length", "Method", "Score", "95 % from", "to", "Runs"], made.rows.map((row) => [row.series, lengthWords(row.at), row.methods.join(", "), percent(row.score), percent(row.low), percent(row.high), String(row.n)]));
  }

  function byDepth(series) {
    if (!made.depths.length) return null;
    const title = `${made.metric} by depth`;
    return figure(title, plot({
      title, series, places: [...new Set(made.depths.map((row) => row.at))].sort((a, b) => a - b), placeWords: percent, xTitle: "where in the text it stands", yWords: percent, top: 1,
      rows: made.depths.map((row) => ({ ...row, y: row.score, label: `${row.series}, at ${percent(row.at)} of the text: ${counted(row)}` })), onPoint: (row) => pick({ series: row.series, depth: row.at }),
    }), ["How", "Depth", "Score", "95 % from", "to", "Runs"], made.depths.map((row) => [row.series, percent(row.at), percent(row.score), percent(row.low), percent(row.high), String(row.n)]));
  }

  function byTime(series) {
    const value = (row) => row.read_s ?? row.seconds;
    const top = Math.max(0.1, ...made.rows.map(value)) * 1.1;
    const title = "Time to read once";
    return figure(title, plot({
      title, series, places: lengthsOf(made.rows), placeWords: short, xTitle: "prompt length, tokens", yWords: time, top,
      rows: made.rows.map((row) => ({ ...row, y: value(row), low: undefined, label: `${row.series}, ${lengthWords(row.at)} tokens: ${time(value(row))}` })), onPoint: (row) => pick({ series: row.series, length: row.at }),
    }), ["How", "Length", "Reading", "A question"], made.rows.map((row) => [row.series, lengthWords(row.at), time(row.read_s) || "not read at once", time(row.seconds)]));
  }

  function byMemory(series) {
    const rows = made.rows.filter((row) => row.memory_bytes);
    if (!rows.length) return null;
    const top = Math.max(...rows.map((row) => row.memory_bytes)) * 1.1;
    const title = "Peak memory";
    return figure(title, plot({
      title, series, places: lengthsOf(rows), placeWords: short, xTitle: "prompt length, tokens", yWords: (n) => (top >= 2e9 ? `${(n / 1e9).toFixed(1)} GB` : `${Math.round(n / 1e6)} MB`), top,
      rows: rows.map((row) => ({ ...row, y: row.memory_bytes, low: undefined, label: `${row.series}, ${lengthWords(row.at)} tokens: ${row.memory}` })), onPoint: (row) => pick({ series: row.series, length: row.at }),
    }), ["How", "Length", "Memory"], rows.map((row) => [row.series, lengthWords(row.at), row.memory]));
  }

  function pick(which) {
    picked = which;
    redraw(results, [made, picked], drawn);
    const list_ = results.querySelector(".ld-runs");
    list_?.scrollIntoView({ block: "nearest" });
    list_?.focus();
  }

  function runs() {
    const fitting = made.runs.filter((run) => picked.series === null || (run.series === picked.series && (picked.length === undefined || run.length === picked.length) && (picked.depth === undefined || run.depth === picked.depth)));
    const where = picked.series === null ? "All runs" : `${picked.series}, ${picked.length === undefined ? `at ${percent(picked.depth)} of the text` : `${lengthWords(picked.length)} tokens`}`;
    return h("section", { class: "ld-card ld-runs", "aria-label": "Runs", tabindex: "-1" }, h("h3", {}, `${where}: ${fitting.length} ${fitting.length === 1 ? "run" : "runs"}`),
      h("ul", { class: "ld-run-list" }, fitting.slice(-300).map((run) => h("li", {}, h("span", { class: `ld-status ${run.score >= 1 ? "ld-verified" : run.score > 0 ? "ld-fuzzy" : "ld-not_found"}` }, run.score >= 1 ? "✓ right" : run.score > 0 ? `≈ ${percent(run.score)}` : "✗ wrong"), " ",
        h("button", { type: "button", class: "ld-title", "data-focus": `run-${run.key}`, onclick: () => openRun(run) }, run.question), h("span", { class: "ld-dim" }, ` ${run.series}, ${lengthWords(run.length)} tokens, ${time(run.seconds)}`)))),
      button("Close", () => pick(null), { quiet: true }));
  }

  function openRun(run) {
    attempt(async () => {
      const one = await call("evaluation_run", { job: shown, key: run.key });
      const facts = [["Expected", one.expected.join(" or ")], ["Answered", one.answer || "nothing"], ["Quoted", one.quote], ["How", `${one.series}${one.method && one.method !== "none" ? ` (${one.method})` : ""}`], ["Length", `${lengthWords(one.length)} tokens`],
        ["Depth", one.depth === null || one.depth === undefined ? "" : percent(one.depth)], ["Time", `${time(one.seconds)}${one.read_s ? `, reading ${time(one.read_s)}` : ""}`], ...one.scores.map(([name, value]) => [name, percent(value)])].filter(([, value]) => value);
      dialog(one.question, h("dl", { class: "ld-facts-list" }, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])), [["Close", () => true]]);
    });
  }

  function forget() {
    dialog("Remove this evaluation?", h("p", {}, "Its runs go from this list. What the planner learnt from it stays."), [
      ["Remove", async () => { await attempt(async () => { await call("forget_evaluation", { job: shown }); shown = null; await list(); await show(shown); }); }, { primary: true }],
      ["Keep", () => true, { quiet: true }]]);
  }

  let before = "";
  const strip = makeStrip(async (state) => {
    const now = state.jobs.filter((job) => job.kind === "evaluate").map((job) => [job.id, job.state, job.words]);
    const key = JSON.stringify(now);
    if (key !== before) { before = key; await list(); await draw(); }
  });
  root.append(strip.region, main);
  keys({ question: () => kind.focus() });
  await attempt(drawModels);
  await attempt(details);
  await attempt(list);
  await draw();
  strip.poll();
}
