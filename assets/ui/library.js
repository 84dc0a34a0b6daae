// The Library column: drop area, cards, samples, and the menu of a source.

import { announce, attempt, button, call, dialog, h, icon, memory, notice, number, progressbar, redraw, sendFile, tokens } from "./core.js";
import { collectionsAre } from "./how.js";
import { chooseFiles } from "./tree.js";

const ROWS = 100;

export function library({ onTicks, onOpen, onSample, question }) {
  let state = { cards: [], adding: [], samples: [], local: false };
  let sending = []; // files on their way to the server
  let shown = ROWS;
  let words = "";
  let order = "listed";
  let ranks = new Map(); // document -> place for the question
  let ranked = null; // the question they are for
  let ranking = null;
  let hows = {}; // in words, how ticked sources are read that are not read whole
  const asked = new Set(); // trees that were opened
  const known = new Set(); // cards seen, so that new ones are ticked once

  const input = h("input", { type: "file", multiple: true, class: "ld-sr", tabindex: "-1", "aria-hidden": "true", onchange: () => { addFiles([...input.files]); input.value = ""; } });
  const drop = h("div", { class: "ld-drop", role: "group", "aria-label": "Add sources" },
    h("p", {}, "Drop files here: PDF, Word, slides, tables, text, e-books, recordings, code as .zip"),
    button("Choose files", () => input.click(), { icon: "plus" }), input);
  const pathBox = h("details", { class: "ld-path" }, h("summary", {}, "Add a folder by its path"));
  const search = h("input", { type: "search", class: "ld-field", placeholder: "Find a source", "aria-label": "Find a source", oninput: () => { words = search.value.toLowerCase(); shown = ROWS; draw(); } });
  const sort = h("select", { class: "ld-field", "aria-label": "Order", onchange: () => { order = sort.value; if (order === "relevant") rankBy(question()); draw(); } },
    h("option", { value: "listed" }, "As added"), h("option", { value: "newest" }, "Newest first"), h("option", { value: "name" }, "By name"), h("option", { value: "relevant" }, "Most relevant to the question"));
  const sets = h("select", { class: "ld-field", "aria-label": "Collection", onchange: () => chooseSet(sets.value) });
  const tools = h("div", { class: "ld-tools" }, search, sort);
  const adding = h("div", { class: "ld-cards", "aria-label": "Being added", role: "list" });
  const cards = h("div", { class: "ld-cards", role: "list", "aria-label": "Sources" });
  const samples = h("div", { class: "ld-samples" });
  const region = h("section", { class: "ld-library", "aria-label": "Library" },
    h("h2", {}, "Library"), drop, pathBox, samples, tools, sets, adding, cards);

  for (const type of ["dragenter", "dragover"]) {
    region.addEventListener(type, (event) => { event.preventDefault(); drop.classList.add("ld-over"); });
  }
  region.addEventListener("dragleave", () => drop.classList.remove("ld-over"));
  region.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("ld-over");
    addFiles([...event.dataTransfer.files]);
  });

  const path = h("input", { class: "ld-field", "aria-label": "Path of a folder or file", placeholder: "/home/me/project" });
  pathBox.append(h("form", { class: "ld-row", onsubmit: (event) => {
    event.preventDefault();
    attempt(async () => { await call("add_path", { path: path.value, model: memory.get("model") }); path.value = ""; refresh(); });
  } }, path, h("button", { class: "ld-button", type: "submit" }, "Add folder")));

  async function addFiles(files) {
    sending = sending.concat(files.map((file) => file.name));
    draw();
    for (const file of files) {
      await attempt(async () => {
        const sent = await sendFile(file);
        if (!sent) throw new Error("refused");
        await call("add_upload", { path: sent, name: file.name, model: memory.get("model") });
      });
      sending.splice(sending.indexOf(file.name), 1);
      await refresh();
    }
  }

  async function refresh() {
    state = await call("library", { model: memory.get("model") });
    collectionsAre(state.collections);
    const first = known.size === 0;
    const here = new Set(state.cards.map((card) => card.id));
    let ticks = memory.get("ticks").filter((tick) => here.has(tick.id));
    for (const card of state.cards) {
      if (known.size && !known.has(card.id) && !ticks.some((tick) => tick.id === card.id)) ticks.push({ id: card.id, how: "whole" });
    }
    known.clear();
    known.add("");
    for (const card of state.cards) known.add(card.id);
    setTicks(ticks);
    if (state.notice) notice(state.notice);
    draw();
    for (const card of state.cards) if (card.tokens === null) count(card);
    for (const job of state.adding) {
      if (job.kind !== "look" || job.state !== "done" || asked.has(job.id)) continue;
      asked.add(job.id); // opened by itself once, and not again after a reload
      if (!first && !document.querySelector("dialog[open]")) openTree(job);
    }
  }

  async function count(card) {
    await attempt(async () => { card.tokens = await call("count", { document: card.id, model: memory.get("model") }); draw(); onTicks(); });
  }

  const openTree = (job) => attempt(async () => chooseFiles(job, await call("tree", { job: job.id }), refresh));

  function setTicks(ticks) {
    memory.set("ticks", ticks);
    const set = (state.collections || []).find((row) => row.id === memory.get("collection"));
    const same = set && set.documents.length === ticks.length && set.documents.every((id) => ticks.some((tick) => tick.id === id));
    if (!same) memory.set("collection", null); // its own way of reading is for it alone
    onTicks();
  }

  function chooseSet(choice) {
    sets.value = "";
    const [what, id] = choice.split("-");
    const set = (state.collections || []).find((row) => String(row.id) === id);
    if (what === "tick" && set) { memory.set("collection", set.id); setTicks(set.documents.map((document_) => tickOf(document_) || { id: document_, how: "whole" })); draw(); }
    if (what === "drop" && set) attempt(async () => { await call("delete_collection", { collection: set.id }); await refresh(); });
    if (what !== "save") return;
    const field = h("input", { class: "ld-field", "aria-label": "Name of the collection" });
    dialog("Save the ticked sources as a collection", field, [
      ["Save", async () => (await attempt(async () => { await call("save_collection", { name: field.value, documents: memory.get("ticks").map((tick) => tick.id) }); await refresh(); return true; })) === true, { primary: true }],
      ["Cancel", () => true, { quiet: true }],
    ]);
  }

  // Puts sources in the order of a question; again while some are still being indexed.
  function rankBy(words_) {
    if (ranked === words_) return;
    ranked = words_;
    clearTimeout(ranking);
    ranking = setTimeout(() => attempt(async () => {
      const made = await call("relevance", { question: words_ });
      if (ranked !== words_) return;
      ranks = new Map(made.order.map((id, place) => [id, place]));
      draw();
      if (made.left) { ranked = null; rankBy(words_); }
    }), 500);
  }

  const tickOf = (id) => memory.get("ticks").find((tick) => tick.id === id);

  function draw() {
    const order_ = { listed: () => 0, newest: (a, b) => b.added - a.added, name: (a, b) => a.title.localeCompare(b.title), relevant: (a, b) => (ranks.get(a.id) ?? 1e9) - (ranks.get(b.id) ?? 1e9) }[order];
    const busy = new Set(state.adding.filter((job) => job.state === "running").map((job) => job.name));
    const counting = new Set(state.adding.map((job) => job.adds));
    const found = state.cards.filter((card) => card.title.toLowerCase().includes(words) && !counting.has(card.id) && !(card.tokens === null && busy.has(card.title))).sort(order_);
    tools.hidden = state.cards.length < 4;
    pathBox.hidden = !state.local;
    sets.hidden = state.cards.length < 2;
    redraw(sets, state.collections, () => [
      h("option", { value: "" }, "Collections"), h("option", { value: "save" }, "Save the ticked sources…"),
      ...(state.collections || []).map((set) => h("option", { value: `tick-${set.id}` }, `Tick ${set.name}`)),
      ...(state.collections || []).map((set) => h("option", { value: `drop-${set.id}` }, `Forget ${set.name}`)),
    ]);
    redraw(samples, [state.samples, state.adding.length], () => state.samples.length && !state.adding.length ? [
      h("p", {}, "Add a source and ask about all of it. Everything stays on this computer."),
      h("p", { class: "ld-dim" }, "Or try a sample:"),
      h("div", { class: "ld-row" }, state.samples.map((sample) => button(sample.label, () => attempt(async () => {
        const begun = await call("ask_sample", { sample: sample.key, model: memory.get("model") });
        await onSample(begun.thread);
        await refresh();
      }), { icon: sample.key === "code" ? "code" : "file", hint: sample.file }))),
    ] : []);
    redraw(adding, [sending, state.adding], () => [
      ...sending.map((name) => h("div", { class: "ld-card", role: "listitem" }, h("strong", {}, name), h("span", { class: "ld-state" }, "Waiting"), progressbar(null, "Sending", name))),
      ...state.adding.map(addingCard),
    ]);
    redraw(cards, [found.slice(0, shown), shown, memory.get("ticks"), hows], () => [
      ...found.slice(0, shown).map(sourceCard),
      found.length > shown ? button(`Show ${number(Math.min(ROWS, found.length - shown))} more of ${number(found.length)}`, () => { shown += ROWS; draw(); }, { quiet: true }) : null,
    ]);
  }

  function addingCard(job) {
    const active = job.state === "queued" || job.state === "running";
    const duplicate = job.state === "done" && job.result.duplicate;
    const looked = job.kind === "look" && job.state === "done";
    const state_ = duplicate ? `Already here as ${job.result.title}.` : looked ? "Choose its files" : job.state === "interrupted" ? "Interrupted" : job.words;
    const card = h("div", { class: `ld-card ld-${job.state}`, role: "listitem", "aria-label": job.name },
      h("strong", {}, job.name), h("span", { class: "ld-state" }, state_),
      active ? progressbar(job.share, job.words, job.name) : null,
      job.message && !duplicate ? h("p", { class: "ld-message" }, icon("warn"), h("span", {}, `${job.message} ${job.next_step}`)) : null,
      job.code && job.state === "failed" ? h("details", { class: "ld-small" }, h("summary", {}, "Details"), `Code: ${job.code}`) : null);
    const row = h("div", { class: "ld-row" });
    const act = (name) => () => attempt(async () => { await call(name, { job: job.id }); refresh(); });
    const heard = job.kind === "transcribe";
    if (heard) row.append(h("a", { class: "ld-button ld-quiet", href: "/recordings", "aria-label": `Open ${job.name} in Recordings` }, "Open in Recordings"));
    if (looked) row.append(named(button("Choose files", () => openTree(job)), job.name));
    if (!heard && (job.state === "failed" || job.state === "interrupted")) row.append(named(button(job.state === "failed" ? "Retry" : "Run again", act("retry")), job.name));
    row.append(named(button(active ? (heard ? "Stop" : "Cancel") : "Dismiss", act("dismiss"), { quiet: true }), job.name));
    card.append(row);
    return card;
  }

  const named = (element, name) => { element.setAttribute("aria-label", `${element.textContent} ${name}`); return element; };

  function sourceCard(card) {
    const tick = tickOf(card.id);
    const box = h("input", { type: "checkbox", id: `tick-${card.id}`, "data-focus": `tick-${card.id}`, "aria-label": `Include ${card.title}`, onchange: () => {
      const ticks = memory.get("ticks").filter((t) => t.id !== card.id);
      if (box.checked) ticks.push({ id: card.id, how: "whole" });
      setTicks(ticks);
      draw();
    } });
    box.checked = Boolean(tick);
    const how = tick && (tick.how || "whole") !== "whole" ? hows[card.id] || "…" : null;
    const open = h("button", { type: "button", class: "ld-title", onclick: () => onOpen(card.id), "data-focus": `open-${card.id}`, title: "Open in the Reader" }, card.title);
    const menu = button(`Menu of ${card.title}`, () => openMenu(card), { icon: "menu", quiet: true, only: true });
    menu.dataset.focus = `menu-${card.id}`;
    return h("div", { class: "ld-card ld-ready", role: "listitem", "aria-label": card.title },
      h("div", { class: "ld-card-top" }, box, open, menu),
      h("p", { class: "ld-facts" }, h("span", { class: "ld-state" }, "Ready"), ` ${card.size} · ${tokens(card.tokens)} · ${new Date(card.added * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short" }).replace(" ", "\u00a0")}`),
      how ? h("p", { class: "ld-how" }, how) : null,
      card.warnings.slice(0, 3).map((text) => h("p", { class: "ld-message" }, icon("warn"), h("span", {}, text))),
      card.warnings.length > 3 ? h("details", { class: "ld-small" }, h("summary", {}, `${card.warnings.length - 3} more`), card.warnings.slice(3).map((text) => h("p", {}, text))) : null);
  }

  function openMenu(card) {
    const items = h("div", { class: "ld-menu" });
    const { close } = dialog(card.title, items, [["Close", () => true, { quiet: true }]]);
    const add = (label, action) => items.append(button(label, () => { close(); action(); }, { quiet: true }));
    const change = (choice) => { setTicks([...memory.get("ticks").filter((t) => t.id !== card.id), { id: card.id, ...choice }]); draw(); };
    add("Whole", () => change({ how: "whole" }));
    if (card.parts > 1) add("Part…", () => choosePart(card, change));
    if (card.code) add("Outline…", () => chooseOutline(card, change));
    add("Rename…", () => rename(card));
    add("Delete…", () => remove(card));
  }

  function choosePart(card, change) {
    attempt(async () => {
      const sections = await call("sections", { document: card.id });
      const field = h("input", { class: "ld-field", "aria-label": card.paged ? "Pages" : "Parts", placeholder: "1-40, 87", value: tickOf(card.id)?.part || "" });
      const list = h("div", { class: "ld-sections" });
      const now = tickOf(card.id);
      const listed = now?.how === "part" ? numbers(now.part) : null;
      if (!card.paged && sections.length <= 300) {
        sections.forEach((label, i) => {
          const box = h("input", { type: "checkbox", onchange: () => { field.value = runs([...list.querySelectorAll("input")].flatMap((b, n) => (b.checked ? [n + 1] : []))); } });
          box.checked = listed ? listed.has(i + 1) : tickOf(card.id)?.how !== "part" && card.code;
          list.append(h("label", { class: "ld-check" }, box, `${i + 1}. ${label}`));
        });
      }
      dialog(`Part of ${card.title}`, h("div", {}, h("label", { class: "ld-label" }, card.paged ? "Pages, counted from the first of the file" : "Parts, by number", field), list), [
        ["Use this part", () => { if (!field.value.trim()) return false; change({ how: "part", part: field.value.trim() }); return true; }, { primary: true }],
        ["Cancel", () => true, { quiet: true }],
      ]);
    });
  }

  function chooseOutline(card, change) {
    attempt(async () => {
      const files = await call("sections", { document: card.id });
      const folders = [...new Set(files.filter((f) => f.includes("/")).map((f) => f.split("/")[0] + "/"))];
      const boxes = folders.map((folder) => h("input", { type: "checkbox", value: folder }));
      dialog(`Outline of ${card.title}`, h("div", {}, h("p", {}, "Files of these folders are given as outline: names and signatures, without bodies."), boxes.map((box, i) => h("label", { class: "ld-check" }, box, folders[i]))), [
        ["Use outline", () => { change({ how: "outline", outline: boxes.filter((b) => b.checked).map((b) => b.getAttribute("value") || b.value) }); return true; }, { primary: true }],
        ["Cancel", () => true, { quiet: true }],
      ]);
    });
  }

  function rename(card) {
    const field = h("input", { class: "ld-field", "aria-label": "Name", value: card.title });
    dialog("Rename", field, [
      ["Rename", async () => (await attempt(async () => { await call("rename", { document: card.id, title: field.value }); await refresh(); return true; })) === true, { primary: true }],
      ["Cancel", () => true, { quiet: true }],
    ]);
  }

  function remove(card) {
    attempt(async () => {
      const known_ = await call("citing", { document: card.id });
      const text = known_.threads.length
        ? h("div", {}, h("p", {}, "These conversations cite it. Their quotes stay, marked “source deleted”:"), h("ul", {}, known_.threads.slice(0, 10).map((t) => h("li", {}, t))))
        : h("p", {}, "No conversation cites it.");
      dialog(`Delete ${known_.title}?`, text, [
        ["Delete", async () => { await attempt(async () => { await call("delete", { document: card.id }); announce("Deleted."); await refresh(); }); }, { primary: true }],
        ["Keep", () => true, { quiet: true }],
      ]);
    });
  }

  return {
    region, refresh, addFiles,
    onQuestion(words_) { if (order === "relevant") rankBy(words_); },
    focusSearch: () => { tools.hidden = false; search.focus(); },
    async watch() { state.adding = await call("adding"); draw(); },
    part: (id) => { const card = state.cards.find((c) => c.id === id); if (card) choosePart(card, (choice) => { setTicks([...memory.get("ticks").filter((t) => t.id !== id), { id, ...choice }]); draw(); }); },
    outline: (id) => { const card = state.cards.find((c) => c.id === id); if (card) chooseOutline(card, (choice) => { setTicks([...memory.get("ticks").filter((t) => t.id !== id), { id, ...choice }]); draw(); }); },
    untickNamed(names) { setTicks(memory.get("ticks").filter((t) => !names.includes(state.cards.find((c) => c.id === t.id)?.title))); draw(); },
    setHow(sources) { hows = Object.fromEntries(sources.map((source) => [source.id, source.how_words])); draw(); },
    hasCards: () => state.cards.length > 0,
    active: () => state.adding.some((job) => job.state === "queued" || job.state === "running"),
  };
}

// "1-3, 7" to numbers, and back
function numbers(part) {
  const found = new Set();
  for (const piece of part.split(",")) {
    const [low, high] = piece.split("-").map((text) => Number(text.trim()));
    for (let n = low; n <= (high || low) && found.size < 5000; n += 1) found.add(n);
  }
  return found;
}

function runs(list) {
  const pieces = [];
  for (const n of list) {
    const last = pieces.at(-1);
    if (last && last[1] === n - 1) last[1] = n;
    else pieces.push([n, n]);
  }
  return pieces.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(", ");
}
