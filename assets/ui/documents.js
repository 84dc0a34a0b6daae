// Documents: Library, conversation and Reader beside each other; one above another where there is less room.

import { budget as makeBudget } from "./budget.js";
import { citations } from "./citations.js";
import { conversation } from "./conversation.js";
import { h, memory } from "./core.js";
import { keys } from "./keys.js";
import { library as makeLibrary } from "./library.js";
import { reader as makeReader } from "./reader.js";
import { strip as makeStrip } from "./strip.js";

export async function documents(root) {
  const reader = makeReader({ onStep: (by) => links.step(by) });
  const links = citations(root, (cite, from) => reader.openPlace(cite, from));
  const library = makeLibrary({
    onTicks: () => { budget?.later(); talk?.check(); },
    onOpen: (id) => reader.openDocument(id),
    onSample: (thread) => talk.openNew(thread),
    question: () => talk.question(),
  });
  const talk = conversation({
    links,
    onBudget: () => { budget.later(); library.onQuestion(talk.question()); },
    getBudget: () => budget?.last(),
    addFiles: library.addFiles,
    refreshLibrary: library.refresh,
  });
  const budget = makeBudget({ question: talk.question, library, onChange: (made) => { talk.check(); library.setHow(made.sources); }, onChunked: talk.chunked });
  talk.region.append(budget.region, talk.composer);
  let stamp = "";
  const strip = makeStrip(async (state) => {
    await talk.onPoll(state);
    if (state.library !== stamp) {
      stamp = state.library;
      await library.refresh();
    } else {
      const reading = state.jobs.filter((job) => job.kind === "ingest" || job.kind === "look");
      if (reading.length || library.active()) await library.watch();
    }
    talk.setHasCards(library.hasCards());
  });
  document.addEventListener("longdoc-poll", strip.poll);
  root.append(strip.region, h("div", { class: "ld-columns" }, library.region, talk.region, reader.region));
  keys({
    question: talk.focus, find: library.focusSearch, previous: () => links.step(-1), next: () => links.step(1),
    escape: () => { links.hide(); if (reader.isOpen()) reader.close(); else talk.stop(); },
  });
  await talk.listModels();
  await talk.listThreads();
  await library.refresh();
  talk.setHasCards(library.hasCards());
  await talk.open(memory.get("thread"));
  await budget.update();
  talk.check();
  strip.poll();
}
