// Starts a page once Gradio has drawn its frame: connects to the server and hands over to the page's script.

import { connect, frame } from "./core.js";

const PAGES = {
  documents: () => import("./documents.js").then((page) => page.documents),
  compare: () => import("./compare.js").then((page) => page.compare),
  recordings: () => import("./recordings.js").then((page) => page.recordings),
  evaluation: () => import("./evaluation.js").then((page) => page.evaluation),
  models: () => import("./models.js").then((page) => page.models),
};

async function begin() {
  const waiting = window.longdocReady || [];
  window.longdocReady = [];
  for (const parts of waiting) {
    const root = parts.element.querySelector("#longdoc");
    if (!root || root.dataset.started) continue;
    root.dataset.started = "yes";
    connect(parts);
    try {
      const page = await PAGES[root.dataset.page]();
      root.replaceChildren();
      frame(root);
      await page(root);
      root.dataset.started = "done";
    } catch (error) {
      console.error(error);
      const text = document.createElement("p");
      text.className = "ld-starting";
      text.setAttribute("role", "alert");
      text.textContent = "This page could not start. Reload it; if that does not help, look at the terminal LongDoc runs in.";
      root.prepend(text);
    }
  }
}

window.addEventListener("longdoc-ready", begin);
begin();
