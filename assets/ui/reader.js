// The Reader: pages as pictures with marks and text, code with line numbers, text by chapter.

import { attempt, button, call, h, icon, number } from "./core.js";

export function reader({ onStep, onClose }) {
  let about = null;
  let part = null;
  let mark = null;
  let zoom = 1;
  let back = null; // what had the focus before
  let found = [];
  let foundAt = -1;
  let asked = 0; // requests so far; an answer to an older one, or to one before a close, is dropped

  const title = h("h2", { tabindex: "-1" }, "Reader");
  const body = h("div", { class: "ld-reader-body", tabindex: "0", "aria-label": "Text of the source" });
  const select = h("select", { class: "ld-field", "aria-label": "Page", onchange: () => go(Number(select.value)) });
  const words = h("input", { type: "search", class: "ld-field", placeholder: "Search in it", "aria-label": "Search in this source" });
  const count = h("span", { class: "ld-dim", role: "status" });
  const before = button("Previous page", () => go(part.number - 1), { icon: "left", quiet: true, only: true });
  const after = button("Next page", () => go(part.number + 1), { icon: "right", quiet: true, only: true });
  const out = button("Zoom out", () => setZoom(zoom / 1.25), { icon: "minus", quiet: true, only: true });
  const into = button("Zoom in", () => setZoom(zoom * 1.25), { icon: "plus", quiet: true, only: true });
  const original = h("a", { class: "ld-button ld-quiet ld-only", "aria-label": "Download original", title: "Download original", download: true }, icon("down"));
  const steps = h("span", { class: "ld-steps" },
    button("Previous citation", () => onStep(-1), { quiet: true, hint: "Previous citation ( [ )" }),
    button("Next citation", () => onStep(1), { quiet: true, hint: "Next citation ( ] )" }));
  const player = h("audio", { controls: true, preload: "metadata", class: "ld-player", "aria-label": "Player", hidden: true });
  const searchForm = h("form", { class: "ld-row", role: "search", onsubmit: (event) => { event.preventDefault(); search(); } }, words, h("button", { class: "ld-button ld-quiet", type: "submit" }, "Find"), count);
  const tools = h("div", { class: "ld-reader-tools" }, h("div", { class: "ld-row" }, before, select, after, out, into, original), searchForm, steps, player);
  const region = h("section", { class: "ld-reader", "aria-label": "Reader" },
    h("div", { class: "ld-reader-top" }, title, button("Close the Reader", close, { icon: "close", quiet: true, only: true })), tools, body);
  empty();

  function empty() {
    tools.hidden = true;
    title.textContent = "Reader";
    body.replaceChildren(h("p", { class: "ld-empty" }, "Choose a citation or a source."));
  }

  async function openPlace(cite, from) {
    back = from || document.activeElement;
    await attempt(async () => {
      const mine = ++asked;
      const opened = await call("open_place", { document: cite.document, start: cite.start, end: cite.end });
      if (mine !== asked) return;
      mark = { start: cite.start, end: cite.end };
      show(opened, true);
      if (about.sound) playFrom(opened.part.said?.find((line) => line.pieces[1])?.start);
    });
  }

  async function openDocument(id, from) {
    back = from || document.activeElement;
    await attempt(async () => {
      const mine = ++asked;
      const opened = await call("open_document", { document: id });
      if (mine !== asked) return;
      mark = null;
      show(opened, false);
    });
  }

  function show(opened, marked) {
    if (!about || about.id !== opened.about.id) { found = []; count.textContent = ""; words.value = ""; }
    about = opened.about;
    document.getElementById("longdoc").classList.add("ld-reading");
    region.classList.add("ld-open");
    tools.hidden = false;
    title.textContent = about.title;
    steps.hidden = !marked;
    original.hidden = !about.kept;
    player.hidden = !about.sound;
    const sound = about.sound ? `/longdoc/sound/${encodeURIComponent(about.sound)}` : null;
    if (sound && player.getAttribute("src") !== sound) player.src = sound;
    if (!sound) silence();
    original.href = `/longdoc/original/${encodeURIComponent(about.id)}`;
    select.replaceChildren(...about.labels.map((label, i) => h("option", { value: String(i) }, label)));
    draw(opened.part);
    title.focus({ preventScroll: true });
  }

  async function go(n) {
    if (!about || n < 0 || n >= about.labels.length) return;
    await attempt(async () => {
      const mine = ++asked;
      const made = await call("part", { document: about.id, number: n, ...(mark || {}) });
      if (mine === asked) draw(made);
    });
  }

  function draw(next) {
    part = next;
    select.value = String(part.number);
    before.disabled = part.number === 0;
    after.disabled = part.number === about.labels.length - 1;
    out.hidden = into.hidden = part.kind !== "page";
    const pieces = [];
    if (part.page) pieces.push(picture());
    if (part.empty) pieces.push(h("p", { class: "ld-message" }, icon("warn"), h("span", {}, "This page has no readable text.")));
    else if (part.kind === "code") pieces.push(code());
    else if (part.kind === "transcript") pieces.push(spoken());
    else pieces.push(text());
    body.replaceChildren(...pieces);
    body.scrollTop = 0;
    const target = body.querySelector(".ld-rect, .ld-line.ld-marked, mark");
    if (target) target.scrollIntoView({ block: "center", behavior: "instant" });
  }

  function picture() {
    const width = Math.min(2000, Math.round(900 * Math.max(zoom, 1) * Math.min(window.devicePixelRatio || 1, 1.6)));
    const image = h("img", { src: `/longdoc/page/${encodeURIComponent(about.id)}/${part.page}.png?width=${width}`, alt: part.empty ? `${part.label}, a picture without text` : `Picture of ${part.label}; its text follows`, width: part.width, height: part.height });
    const sheet = h("div", { class: "ld-sheet", style: `width:${Math.round(zoom * 100)}%;aspect-ratio:${part.width || 210}/${part.height || 297}` }, image,
      part.rectangles.map(([x, y, w, hgt]) => h("span", { class: "ld-rect", style: `left:${x}%;top:${y}%;width:${w}%;height:${hgt}%` })));
    image.addEventListener("error", () => { sheet.replaceWith(h("p", { class: "ld-dim" }, "The picture of this page could not be made; its text follows.")); });
    return h("div", { class: "ld-sheet-frame" }, sheet);
  }

  function text() {
    const [head, marked, tail] = part.pieces;
    return h("div", { class: "ld-text" }, part.page ? h("h3", {}, `Text of ${part.label}`) : h("h3", {}, part.label),
      h("p", { class: "ld-plain" }, head, marked ? h("mark", {}, marked) : null, tail));
  }

  function spoken() {
    return h("ol", { class: "ld-said" }, part.said.map(({ start, clock, pieces: [head, marked, tail] }) => h("li", { class: "ld-line-said" },
      about.sound ? h("button", { type: "button", class: "ld-time", "aria-label": `Play from ${clock}`, onclick: () => playFrom(start) }, clock) : h("span", { class: "ld-time ld-only-time" }, clock),
      h("div", { class: "ld-line-body" }, head, marked ? h("mark", {}, marked) : null, tail))));
  }

  function playFrom(start) {
    if (start === null || start === undefined) return;
    player.currentTime = start;
    player.play()?.catch(() => undefined); // a browser without sound shows the line all the same
  }

  function silence() {
    player.pause();
    player.removeAttribute("src");
  }

  function code() {
    const [first, last] = part.marked_lines || [0, -1];
    const lines = part.lines.map((line, i) => {
      const n = part.first_line + i;
      const on = n >= first && n <= last;
      return h("div", { class: `ld-line${on ? " ld-marked" : ""}` }, h("span", { class: "ld-lineno", "data-n": n }), h(on ? "mark" : "span", { class: "ld-code" }, line || " "));
    });
    return h("div", { class: "ld-codebox" }, h("h3", {}, part.label, part.marked_lines ? h("span", { class: "ld-dim" }, first === last ? ` line ${first}` : ` lines ${first}-${last}`) : null), h("div", { class: "ld-lines", tabindex: "0", role: "group", "aria-label": `Lines of ${part.label}` }, lines));
  }

  function setZoom(next) {
    zoom = Math.max(0.5, Math.min(3, next));
    draw(part);
  }

  async function search() {
    await attempt(async () => {
      const again = words.dataset.last === `${about.id}:${words.value}` && found.length;
      if (!again) {
        found = await call("search_document", { document: about.id, words: words.value });
        words.dataset.last = `${about.id}:${words.value}`;
        foundAt = -1;
      }
      if (!found.length) { count.textContent = "Not found"; return; }
      foundAt = (foundAt + 1) % found.length;
      const place = found[foundAt];
      count.textContent = `${foundAt + 1} of ${number(found.length)}`;
      mark = { start: place.start, end: place.end };
      draw(await call("part", { document: about.id, number: place.part, ...mark }));
    });
  }

  function close() {
    asked += 1;
    document.getElementById("longdoc").classList.remove("ld-reading");
    region.classList.remove("ld-open");
    silence();
    about = part = mark = null;
    empty();
    onClose?.();
    if (back && back.isConnected) back.focus();
    back = null;
  }

  return { region, openPlace, openDocument, close, isOpen: () => region.classList.contains("ld-open") };
}
