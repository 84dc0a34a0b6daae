// One answer as it stands on the page, in a conversation or in a column of Compare.

import { h, icon, safeHtml } from "./core.js";

const MARKS = { verified: "✓", fuzzy: "≈", attended: "○", not_found: "✗" };

export function answerBody(view, links) {
  const text = safeHtml(view.html, "ld-answer-text");
  links.name(text, view.citations);
  const counted = new Map();
  for (const cite of view.citations) counted.set(cite.status_words, (counted.get(cite.status_words) || 0) + 1);
  const summary = [...counted].map(([words, n]) => `${n} ${words.toLowerCase()}`).join(", ");
  return [
    view.stopped ? h("p", { class: "ld-flag" }, "Stopped. This is what there was.") : null,
    view.not_stated && view.mode !== "none" ? h("p", { class: "ld-flag" }, view.citations.length ? "The documents do not say. Nearest passages:" : "The documents do not say.") : null,
    text,
    view.citations.length ? h("details", { class: "ld-evidence", open: view.not_stated || view.citations.length <= 3 },
      h("summary", {}, `Evidence: ${summary}`),
      h("ol", {}, view.citations.map((cite) => h("li", {},
        h("span", { class: "ld-where" }, cite.place, h("span", { class: `ld-status ld-${cite.status}` }, ` ${MARKS[cite.status]} ${cite.status_words}${cite.deleted ? `, ${cite.deleted}` : ""}`)),
        h("blockquote", {}, cite.quote || "No words of it were found in the sources."))))) : null,
    view.warnings.map((warning) => h("p", { class: "ld-message" }, icon("warn"), h("span", {}, warning))),
  ];
}

export function whatWasRead(view) {
  const read = view.mode === "single" ? "Everything that was ticked, except what is listed here." : view.mode === "chunked" ? `${view.passages.length} passages were read; the rest was not.` : "Nothing: no document was read.";
  return h("details", { class: "ld-read" }, h("summary", {}, "What was read"),
    h("p", {}, view.mode === "single" && !view.omitted.length ? "All ticked sources, complete." : read),
    view.omitted.length ? h("ul", {}, view.omitted.map((text) => h("li", {}, text))) : null,
    view.zone ? h("p", { class: "ld-dim" }, `${view.zone}. ${view.reasons[0] || ""}`) : null);
}

export function statsLine(view) {
  return h("p", { class: "ld-stats" }, view.stats.map((row) => h("span", {}, `${row.name} `, h("b", {}, row.words))));
}
