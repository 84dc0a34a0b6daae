// Compare: one question, Single pass beside Chunked, if wanted without a document.

import { answerBody, statsLine } from "./answers.js";
import { citations } from "./citations.js";
import { attempt, button, call, h, memory, notice, number, progressbar, save } from "./core.js";
import { keys } from "./keys.js";
import { reader as makeReader } from "./reader.js";
import { strip as makeStrip } from "./strip.js";

const NAMES = { single: "Single pass", chunked: "Chunked", none: "No document" };

export async function compare(root) {
  const reader = makeReader({ onStep: (by) => links.step(by) });
  const links = citations(root, (cite, from) => reader.openPlace(cite, from));
  let shown = null; // what is drawn, as JSON
  const box = h("textarea", { class: "ld-question", rows: "2", "aria-label": "Question", placeholder: "One question, asked both ways", onkeydown: (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); begin(); }
  } });
  const sources = h("fieldset", { class: "ld-pick" }, h("legend", {}, "Sources"));
  const none = h("input", { type: "checkbox" });
  none.checked = true;
  const topK = h("input", { type: "number", class: "ld-field ld-short", min: "1", max: "100", value: String(memory.get("topK")), "aria-label": "Passages for Chunked", onchange: () => memory.set("topK", Math.max(1, Math.min(100, Number(topK.value) || 5))) });
  const earlier = h("select", { class: "ld-field", "aria-label": "Earlier comparisons", onchange: () => { memory.set("comparison", earlier.value ? Number(earlier.value) : null); shown = null; draw(); } });
  const form = h("form", { class: "ld-compare-form", onsubmit: (event) => { event.preventDefault(); begin(); } },
    sources, box, h("div", { class: "ld-row" }, h("label", { class: "ld-check" }, none, "Also without a document"), h("label", { class: "ld-label ld-inline" }, "Passages for Chunked", topK), h("span", { class: "ld-grow" }), h("button", { class: "ld-button ld-primary", type: "submit" }, "Compare")));
  const head = h("div", { class: "ld-compare-head" });
  const columns = h("div", { class: "ld-compare-columns" });
  const foot = h("div", { class: "ld-compare-foot" });
  const main = h("div", { class: "ld-compare" }, h("div", { class: "ld-row" }, h("h2", {}, "Compare"), h("span", { class: "ld-grow" }), earlier), form, head, columns, foot);

  async function pickSources() {
    const state = await call("library", { model: memory.get("model") });
    const ticks = memory.get("ticks");
    sources.replaceChildren(h("legend", {}, "Sources"), ...state.cards.map((card) => {
      const tick = h("input", { type: "checkbox", onchange: () => memory.set("ticks", [...memory.get("ticks").filter((t) => t.id !== card.id), ...(tick.checked ? [{ id: card.id, how: "whole" }] : [])]) });
      tick.checked = ticks.some((t) => t.id === card.id);
      return h("label", { class: "ld-check" }, tick, `${card.title} (${card.tokens === null ? card.size : `${number(card.tokens)} tokens`})`);
    }));
    if (!state.cards.length) sources.append(h("p", {}, "The Library is empty. ", h("a", { href: "/" }, "Add a source"), " first."));
  }

  async function listEarlier() {
    const rows = await call("comparisons");
    const mine = memory.get("comparison");
    earlier.replaceChildren(h("option", { value: "" }, rows.length ? "New comparison" : "No earlier comparisons"), ...rows.map((row) => h("option", { value: String(row.id) }, row.question.slice(0, 70))));
    earlier.value = rows.some((row) => row.id === mine) ? String(mine) : "";
    if (!earlier.value) memory.set("comparison", null);
  }

  function begin(extra = {}) {
    return attempt(async () => {
      if (!box.value.trim()) return;
      const job = await call("compare", { choices: memory.get("ticks"), question: box.value, model: memory.get("model"), no_document: none.checked, top_k: memory.get("topK"), window: memory.get("window"), how: memory.get("how"), ...extra });
      memory.set("comparison", job);
      shown = null;
      await listEarlier();
      await draw();
      strip.poll();
    });
  }

  async function draw() {
    const job = memory.get("comparison");
    if (job === null) {
      head.replaceChildren();
      foot.replaceChildren();
      columns.replaceChildren(h("p", { class: "ld-empty" }, "Ask one question and see what reading everything finds that passages miss."));
      return null;
    }
    const made = await call("comparison", { job });
    const key = JSON.stringify(made);
    if (key === shown) return made;
    shown = key;
    const active = made.job.state === "queued" || made.job.state === "running";
    head.replaceChildren(h("h3", { class: "ld-asked" }, made.question));
    columns.replaceChildren(...made.modes.map((mode) => column(mode, made, active)));
    foot.replaceChildren(...(active ? [] : footer(made, job)));
    return made;
  }

  function column(mode, made, active) {
    const view = made.columns[mode];
    const top = h("h3", { id: `ld-column-${mode}` }, NAMES[mode]);
    const box_ = h("section", { class: "ld-column", "aria-labelledby": `ld-column-${mode}` }, top);
    if (view && view.failed) { box_.append(h("p", { class: "ld-message", role: "status" }, view.text)); return box_; }
    if (view) {
      box_.append(h("div", { class: "ld-answer" }, answerBody(view, links)), ...measures(view));
      return box_;
    }
    if (!active) { box_.append(h("p", { class: "ld-empty" }, "Not finished.")); return box_; }
    if (made.job.now === mode) {
      box_.append(h("p", { class: "ld-words" }, made.job.words), made.job.stage === "reading" ? progressbar(made.job.share, made.job.words, NAMES[mode]) : null, made.job.text ? h("p", { class: "ld-stream" }, made.job.text) : "");
    } else if (made.job.modes_done.includes(mode)) box_.append(h("p", { class: "ld-words" }, "Done; waiting for the others"));
    else box_.append(h("p", { class: "ld-words" }, made.job.state === "queued" ? made.job.words : `Waiting for ${NAMES[made.job.now] || "the model"}`));
    return box_;
  }

  function measures(view) {
    const counted = Object.entries(view.counted).filter(([, n]) => n).map(([words, n]) => `${n} ${words.toLowerCase()}`).join(", ");
    return [
      h("div", { class: "ld-strips" }, view.strips.map((row) => h("figure", { class: "ld-strip-row" },
        h("figcaption", {}, row.name),
        h("div", { class: "ld-track", role: "img", "aria-label": `${row.name}: read ${row.read_words}; cited ${row.cited_words}` },
          row.read.map(([a, b]) => h("span", { class: "ld-was-read", style: `left:${100 * a}%;width:${Math.max(0.4, 100 * (b - a))}%` })),
          row.cited.map(([a, b]) => h("span", { class: "ld-was-cited", style: `left:${100 * a}%;width:${Math.max(0.8, 100 * (b - a))}%` }))),
        h("p", { class: "ld-dim" }, `Read: ${row.read_words}. Cited: ${row.cited_words}.`)))),
      statsLine(view),
      h("p", { class: "ld-stats" }, view.share ? h("span", {}, "Share of the documents read ", h("b", {}, view.share)) : null, h("span", {}, "Citations ", h("b", {}, counted || "none"))),
    ];
  }

  function footer(made, job) {
    const rows = made.differences.map((row) => h("li", {},
      h("strong", {}, `Only ${row.mode}: `), row.claim ? `${row.claim} ` : "", h("span", { class: "ld-where" }, row.place), h("blockquote", {}, row.quote),
      h("span", { class: "ld-dim" }, row.other_read_it ? `${row.other} read this without citing it.` : `${row.other} did not read this.`), " ",
      button("Open", (event) => reader.openPlace(row, event.currentTarget), { quiet: true })));
    const message = made.job.message || (made.job.state === "interrupted" ? "LongDoc ended while this was running." : "");
    return [
      message ? h("p", { class: "ld-message", role: "status" }, `${message} ${made.job.next_step}`) : null,
      made.job.state !== "done" ? button("Run again", () => { box.value = made.question; begin(); }) : null,
      Object.keys(made.columns).length ? h("section", { "aria-label": "Differences" }, h("h3", {}, "Differences"), rows.length ? h("ul", { class: "ld-differences" }, rows) : h("p", { class: "ld-dim" }, "Both ways cite the same places, or one of them cites nothing.")) : null,
      made.job.state === "done" ? h("div", { class: "ld-row" }, h("span", {}, "Which is better?"), ["Single pass", "Chunked", "Same"].map((vote) => h("button", { type: "button", class: "ld-button ld-quiet", "aria-pressed": String(made.vote === vote), onclick: () => attempt(async () => { await call("vote", { job, vote }); shown = null; await draw(); }) }, vote)),
        h("span", { class: "ld-grow" }), button("Export", () => attempt(async () => { const file = await call("export_comparison", { job }); save(file.name, file.text); }))) : null,
    ].filter(Boolean);
  }

  const strip = makeStrip(async () => { if (memory.get("comparison") !== null) await draw(); });
  root.append(strip.region, h("div", { class: "ld-columns ld-two" }, main, reader.region));
  keys({ question: () => box.focus(), previous: () => links.step(-1), next: () => links.step(1), escape: () => { links.hide(); if (reader.isOpen()) reader.close(); } });
  await pickSources();
  const wanted = memory.get("compareTurn");
  if (wanted) {
    memory.set("compareTurn", null);
    box.value = wanted.question;
    await listEarlier();
    await begin({ turn: wanted.turn, thread: wanted.thread });
    if (memory.get("comparison") === null) notice("Tick the sources and press Compare.");
  } else {
    await listEarlier();
    await draw();
  }
  strip.poll();
}
