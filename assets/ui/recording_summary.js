// The summary of a recording: sections of points, each with the time at which it is said.

import { attempt, button, call, h, icon, memory, redraw } from "./core.js";

const MARKS = { verified: "✓", fuzzy: "≈", attended: "○", not_found: "✗" };

export function summary({ play, poll }) {
  let row = null;
  let running = null;
  const template = h("select", { class: "ld-field", "aria-label": "Template" }, h("option", { value: "meeting" }, "Meeting"), h("option", { value: "general" }, "General"));
  const way = h("select", { class: "ld-field", "aria-label": "How to read" }, h("option", { value: "single" }, "Single pass"), h("option", { value: "chunked" }, "Chunked"), h("option", { value: "extractive" }, "Without a model"));
  const model = h("select", { class: "ld-field", "aria-label": "Model", onchange: () => memory.set("model", model.value) });
  const note = h("p", { class: "ld-limits" });
  const make = h("button", { type: "submit", class: "ld-button ld-primary" }, "Summarise");
  const form = h("form", { class: "ld-row ld-summary-form", onsubmit: (event) => { event.preventDefault(); begin(); } }, template, way, model, make);
  const body = h("div", { class: "ld-summary-body" });
  const region = h("section", { class: "ld-summary" }, form, note, body);

  function begin() {
    return attempt(async () => {
      make.disabled = true;
      running = await call("summarize", { transcript: row.transcript, template: template.value, way: way.value, model: memory.get("model") });
      await draw();
      poll();
    }).finally(() => { check(); });
  }

  function check() {
    make.disabled = !row || !row.lines || running !== null;
    make.title = row && !row.lines ? "There are no words yet" : "";
  }

  async function show(next) {
    row = next;
    check();
    await draw();
  }

  function update(next) { row = next; check(); }

  async function onPoll(polled) {
    if (!row) return;
    const mine = polled.jobs.find((job) => job.kind === "summarize" && job.id === running);
    if (running !== null && !mine) await draw();
    else if (mine) body.querySelector(".ld-words")?.replaceChildren(mine.words);
  }

  async function draw() {
    const made = await call("summary", { transcript: row.transcript });
    running = made.running;
    check();
    redraw(body, made, () => [
      running !== null ? h("p", { class: "ld-words", role: "status" }, "Reading") : null,
      made.message ? h("p", { class: "ld-message", role: "status" }, icon("warn"), h("span", {}, made.message)) : null,
      ...(made.summary ? drawn(made.summary) : running === null ? [h("p", { class: "ld-empty" }, "Overview, decisions, action items and open questions, each with the time at which it is said.")] : []),
    ]);
  }

  function drawn(made) {
    return [
      h("p", { class: made.method === "extractive" ? "ld-how-made ld-extractive" : "ld-how-made" }, made.how),
      ...made.sections.map((section) => h("section", { class: "ld-summary-section", "aria-label": section.title }, h("h3", {}, section.title), section.tasks ? tasks(section.items) : points(section.items))),
      made.omitted.length ? h("details", { class: "ld-read" }, h("summary", {}, `Not in it (${made.omitted.length})`), h("ul", {}, made.omitted.map((text) => h("li", {}, text)))) : null,
      made.warnings.map((text) => h("p", { class: "ld-message" }, icon("warn"), h("span", {}, text))),
      h("p", { class: "ld-stats" }, `${made.way_words}${made.parts > 1 ? `, ${made.parts} parts` : ""} · ${made.model} · ${made.took}`),
    ];
  }

  function points(items) {
    return h("ul", { class: "ld-points" }, items.map((item) => h("li", {}, item.stated ? [h("span", {}, item.text), " ", place(item)] : h("span", { class: "ld-dim" }, item.text))));
  }

  // Tasks with a date are rows; what was promised without one stands below.
  function tasks(items) {
    const stated = items.filter((item) => item.stated);
    if (!stated.length) return points(items);
    const dated = stated.filter((item) => item.dated);
    const rows = dated.length ? dated : stated;
    const rest = dated.length ? stated.filter((item) => !item.dated) : [];
    return [
      h("div", { class: "ld-table-frame", tabindex: "0", role: "region", "aria-label": "Action items table" }, h("table", { class: "ld-table ld-tasks" },
        h("thead", {}, h("tr", {}, ["Owner", "Task", "Due", "Time"].map((label) => h("th", { scope: "col" }, label)))),
        h("tbody", {}, rows.map((item) => h("tr", {}, h("td", {}, item.owner), h("td", {}, item.text), h("td", {}, item.due), h("td", {}, place(item))))))),
      rest.length ? [h("p", { class: "ld-dim" }, "Also said, without a date:"), points(rest.map((item) => ({ ...item, text: item.owner === "None stated" || item.text.startsWith(item.owner) ? item.text : `${item.owner}: ${item.text}` })))] : null,
    ];
  }

  function place(item) {
    if (!item.supported) return h("span", { class: "ld-status ld-not_found ld-no-evidence" }, "✗ No evidence found");
    const cite = item.cites.find((one) => one.status !== "not_found");
    const words = `${MARKS[cite.status]} ${cite.status_words}`;
    if (item.start === null) return h("span", { class: `ld-status ld-${cite.status}` }, `${cite.place}, ${words}`);
    return h("button", { type: "button", class: "ld-time ld-time-link", "aria-label": `Play from ${item.clock}, ${cite.status_words.toLowerCase()}`, title: `${words}: ${cite.quote}`, onclick: (event) => play(item.start, event.currentTarget) }, item.clock);
  }

  async function listModels() {
    const made = await call("models");
    const usable = made.rows.filter((one) => one.usable);
    const chosen = usable.some((one) => one.name === memory.get("model")) ? memory.get("model") : made.usual;
    memory.set("model", chosen);
    model.replaceChildren(...made.rows.map((one) => h("option", { value: one.name, disabled: !one.usable }, one.usable ? one.name : `${one.name} (cannot be used)`)));
    model.value = chosen;
    const say = () => { const one = made.rows.find((other) => other.name === model.value); note.replaceChildren(one?.remote ? h("strong", {}, "The transcript leaves this computer: a server reads it. ") : "", h("a", { href: "/models" }, "Other models")); };
    say();
    model.addEventListener("change", say);
  }

  return { region, show, update, onPoll, listModels };
}
