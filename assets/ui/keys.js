// The keyboard. Single keys are off while typing and can be switched off.

import { dialog, h, memory } from "./core.js";

const LIST = [["/", "question"], ["Ctrl K", "find a source"], ["Esc", "stop or close"], ["[ and ]", "previous and next citation"], ["?", "this list"]];

export function keys(actions) {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const typing = event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && actions.find) { event.preventDefault(); actions.find(); return; }
    if (event.key === "Escape") { actions.escape?.(); return; }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !memory.get("keys")) return;
    const action = { "/": actions.question, "[": actions.previous, "]": actions.next, "?": show }[event.key];
    if (action) { event.preventDefault(); action(); }
  });
}

export function show() {
  const box = h("input", { type: "checkbox", onchange: () => memory.set("keys", box.checked) });
  box.checked = memory.get("keys");
  dialog("Keyboard", h("div", {}, h("dl", { class: "ld-keys" }, LIST.flatMap(([key, what]) => [h("dt", {}, key), h("dd", {}, what)])), h("label", { class: "ld-check" }, box, "Single keys act at once")), [["Close", () => true]]);
}
