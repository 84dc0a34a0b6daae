// The budget bar: what ticked sources, question and answer take of the window, and what would make them fit.

import { attempt, button, call, dialog, h, memory, number, redraw } from "./core.js";
import { active, how, howFields, howWords } from "./how.js";

const WAIT_MS = 120;

export function budget({ question, library, onChange, onChunked }) {
  let last = null;
  let timer = null;
  let asked = 0;
  const bar = h("div", { class: "ld-bar", "aria-hidden": "true" });
  const words = h("div", { class: "ld-bar-words" });
  const offers = h("div", { class: "ld-offers", role: "status" });
  const region = h("div", { class: "ld-budget", role: "group", "aria-label": "Budget" }, bar, words, offers);

  function later() {
    clearTimeout(timer);
    timer = setTimeout(update, WAIT_MS);
  }

  async function update() {
    clearTimeout(timer);
    const mine = ++asked;
    const ticks = memory.get("ticks");
    const made = await attempt(() => call("budget", { choices: ticks, question: question(), model: memory.get("model"), window: memory.get("window"), how: how() }));
    if (!made || mine !== asked) return;
    last = made;
    draw();
    onChange(made);
  }

  function draw() {
    redraw(region.firstChild, [last.sources, last.question, last.reserve, last.window], () => {
      const whole = Math.max(last.window, last.total);
      const piece = (n, name, kind) => h("span", { class: `ld-piece ld-${kind}`, style: `width:${(100 * n) / whole}%`, title: `${name}: ${number(n)} tokens` });
      return [
        ...last.sources.map((source, i) => piece(source.tokens, source.name, `source${i % 2}`)),
        piece(last.question, "Question", "asked"), piece(last.reserve, "Room for the answer", "reserve"),
        last.over ? h("span", { class: "ld-limit", style: `left:${(100 * last.window) / whole}%` }) : null,
      ];
    });
    bar.classList.toggle("ld-full", last.over > 0);
    const sum = last.sources.reduce((n, source) => n + source.tokens, 0);
    redraw(words, [last, how(), active()?.id], () => [
      h("span", { class: "ld-sum" }, `${number(last.total)} of ${number(last.window)} tokens`),
      h("span", { class: `ld-zone ld-zone-${last.zone}` }, last.zone_words),
      h("span", {}, `sources ${number(sum)}, question ${number(last.question)}, answer ${number(last.reserve)}${last.estimate ? " (estimated)" : ""}`),
      last.sources.length ? h("span", {}, `reading: ${last.time}${last.memory ? `, ${last.memory}` : ""}`) : null,
      howWords(how()) ? h("span", { class: "ld-how-read" }, `${howWords(how())}${active() ? ` for ${active().name}` : ""}`) : null,
      h("span", { class: "ld-links" }, button("How", chooseHow, { quiet: true, hint: "How the sources are read" }), button("Why", showReasons, { quiet: true }), last.sources.length ? button("Show prompt", showPrompt, { quiet: true }) : null),
    ]);
    redraw(offers, last.offers, () => {
      if (!last.offers) return [];
      const { remove, part, outline } = last.offers;
      return [
        h("strong", {}, `${number(last.over)} tokens over the window.`),
        remove.length ? button(`Untick ${remove.join(", ")}`, () => library.untickNamed(remove)) : null,
        part ? button(`Part of ${part.name}…`, () => library.part(part.id)) : null,
        outline.length ? button("Outline…", () => library.outline(outline[0])) : null,
        button("Ask in Chunked", onChunked),
      ];
    });
  }

  function showReasons() {
    dialog("How this will be read", h("ul", {}, last.reasons.map((reason) => h("li", {}, reason))), [["Close", () => true]]);
  }

  function chooseHow() {
    attempt(async () => {
      const set = active();
      let chosen = { ...how() };
      const fields = await howFields(chosen, (made) => { chosen = made; });
      const text = set ? `Kept for the collection ${set.name}, on the server.` : "Kept in this browser, for questions outside a collection.";
      dialog("How to read", h("div", {}, h("p", {}, "The planner chooses by length, memory and what was measured. ", text), fields), [
        ["Use", async () => {
          const kept = await attempt(async () => {
            if (set) set.how = await call("plan_collection", { collection: set.id, how: chosen });
            else memory.set("how", chosen);
            return true;
          });
          if (kept) update();
          return kept === true;
        }, { primary: true }],
        ["Cancel", () => true, { quiet: true }]]);
    });
  }

  function showPrompt() {
    attempt(async () => {
      const made = await call("prompt", { choices: memory.get("ticks"), question: question(), model: memory.get("model") });
      const rows = made.regions.map((region_) => h("details", { open: region_.role !== "document" || made.regions.length < 12 },
        h("summary", {}, `${{ system: "Frame", document: "Source", question: "Question" }[region_.role]}, ${number(region_.tokens)} tokens`), h("pre", {}, region_.text)));
      dialog("Exact prompt", h("div", { class: "ld-prompt" }, h("p", {}, `${number(made.tokens)} tokens`),
        made.omitted.length ? h("ul", {}, made.omitted.map((text) => h("li", {}, `Not read: ${text}`))) : null,
        rows.length ? rows : h("p", {}, "A server makes its own prompt; its text is not known here.")), [["Close", () => true]]);
    });
  }

  return { region, update, later, last: () => last };
}
