// The transcript beside its player: the current line is lit, a time plays, words and speakers can be corrected.

import { attempt, button, call, dialog, h } from "./core.js";

const SAVE_AFTER_MS = 700;

export function transcript({ onEdited }) {
  let row = null;
  let held = []; // lines as the server gave them
  let elements = [];
  let loading = null;
  let now = -1;
  let hits = [];
  let hitAt = -1;

  const player = h("audio", { controls: true, preload: "metadata", class: "ld-player", "aria-label": "Player" });
  const list = h("ol", { class: "ld-said", "aria-label": "Lines" });
  const none = h("p", { class: "ld-dim ld-no-lines" });
  const region = h("div", { class: "ld-lines-frame", tabindex: "0", role: "group", "aria-label": "Lines of the transcript" }, none, list);
  const words = h("input", { type: "search", class: "ld-field", placeholder: "Search in the transcript", "aria-label": "Search in the transcript", oninput: () => search(0) });
  const count = h("span", { class: "ld-dim", role: "status" });
  const speakers = h("p", { class: "ld-dim ld-separated" });
  const tools = h("div", { class: "ld-transcript-tools" },
    h("form", { class: "ld-row", role: "search", onsubmit: (event) => { event.preventDefault(); search(1); } }, words, count,
      button("Previous match", () => search(-1), { icon: "left", quiet: true, only: true }), button("Next match", () => search(1), { icon: "right", quiet: true, only: true })),
    speakers);

  player.addEventListener("timeupdate", light);
  player.addEventListener("seeked", light);

  async function show(next) {
    const other = !row || row.transcript !== next.transcript;
    const changed = other || next.lines !== held.length || next.updated !== row.updated;
    const sound = `/longdoc/sound/${encodeURIComponent(next.source)}`;
    if (player.getAttribute("src") !== sound) player.src = sound;
    if (other) { held = []; elements = []; now = -1; list.replaceChildren(); words.value = ""; count.textContent = ""; }
    row = next;
    speakers.textContent = "";
    if (changed) await load();
    const named = held.some((line) => line.speaker);
    speakers.textContent = row.lines && !named ? row.not_separated : "";
    none.textContent = row.lines ? "" : row.job !== null ? "Lines appear here as they are heard." : "";
    none.hidden = Boolean(row.lines);
  }

  // Only what is new is asked for, so that lines arrive one after another and none twice.
  async function load() {
    if (loading) return loading;
    loading = (async () => {
      for (;;) {
        const mine = row.transcript;
        const from = held.length <= row.lines ? held.length : 0;
        if (from === 0) { held = []; elements = []; list.replaceChildren(); }
        const made = await call("transcript", { transcript: mine, after: from });
        if (mine !== row.transcript) return;
        for (const line of made.lines) {
          if (line.n !== held.length) continue;
          held.push(line);
          const element = lineElement(line);
          elements.push(element);
          list.append(element);
        }
        if (!made.more) break;
      }
    })().finally(() => { loading = null; });
    return loading;
  }

  function lineElement(line) {
    const time = h("button", { type: "button", class: "ld-time", "aria-label": `Play from ${line.clock}`, onclick: () => play(line.start) }, line.clock);
    const text = h("span", { class: "ld-words-said", contenteditable: "plaintext-only", role: "textbox", "aria-label": `Words at ${line.clock}`, spellcheck: "false",
      oninput: () => { clearTimeout(text.timer); text.timer = setTimeout(() => keep(line, text), SAVE_AFTER_MS); },
      onblur: () => { clearTimeout(text.timer); keep(line, text); },
      onkeydown: (event) => { if (event.key === "Enter" || event.key === "Escape") { event.preventDefault(); if (event.key === "Escape") text.textContent = line.text; text.blur(); } } }, line.text);
    const speaker = line.speaker ? h("button", { type: "button", class: "ld-speaker", "aria-label": `Rename ${line.speaker}, at ${line.clock}`, onclick: () => rename(line) }, line.speaker) : null;
    return h("li", { class: `ld-line-said${line.doubtful ? " ld-doubtful" : ""}`, "data-n": line.n }, time, h("div", { class: "ld-line-body" }, speaker, text,
      line.doubtful ? h("span", { class: "ld-mark-doubtful" }, "doubtful ", button("Listen", () => play(line.start), { quiet: true })) : null,
      line.edited ? h("span", { class: "ld-edited", title: "Corrected by hand" }, "✎", h("span", { class: "ld-sr" }, " corrected")) : null));
  }

  function keep(line, text) {
    const said = text.textContent.replace(/\s+/g, " ").trim();
    if (said === line.text) return;
    attempt(async () => {
      const made = await call("edit_line", { transcript: row.transcript, number: line.n, text: said });
      Object.assign(line, made);
      const body = elements[line.n].querySelector(".ld-line-body");
      if (!body.querySelector(".ld-edited")) body.append(h("span", { class: "ld-edited", title: "Corrected by hand" }, "✎", h("span", { class: "ld-sr" }, " corrected")));
      onEdited();
    });
  }

  function rename(line) {
    const name = h("input", { class: "ld-field", "aria-label": "Name", value: line.speaker });
    const others = held.filter((one) => one.speaker === line.speaker).length;
    const send = (number) => attempt(async () => {
      const changed = await call("rename_speaker", { transcript: row.transcript, old: line.speaker, new: name.value, ...(number === null ? {} : { number }) });
      if (changed) { held = []; elements = []; list.replaceChildren(); await load(); light(); onEdited(); }
    });
    dialog(`Rename ${line.speaker}`, h("label", { class: "ld-label" }, "Name", name), [
      [`Everywhere (${others} ${others === 1 ? "line" : "lines"})`, () => send(null), { primary: true }],
      ["Only this line", () => send(line.n)],
      ["Cancel", () => true, { quiet: true }]]);
    name.select();
  }

  function play(start, from) {
    if (start === null || start === undefined) return;
    player.currentTime = start;
    const begun = player.play();
    if (begun) begun.catch(() => undefined); // a browser without sound shows the line all the same
    light();
    if (from) elements[now]?.querySelector(".ld-time")?.focus({ preventScroll: true });
  }

  // The last line that has begun is lit, by halves of what is left.
  function light() {
    const at = player.currentTime + 0.05;
    let low = 0;
    let high = held.length;
    while (low < high) { const middle = (low + high) >> 1; if (held[middle].start <= at) low = middle + 1; else high = middle; }
    const next = low - 1;
    if (next === now && elements[now]?.classList.contains("ld-now")) return;
    elements[now]?.classList.remove("ld-now");
    elements[now]?.removeAttribute("aria-current");
    now = next;
    const lit = elements[now];
    if (!lit) return;
    lit.classList.add("ld-now");
    lit.setAttribute("aria-current", "true");
    if (document.activeElement?.closest?.(".ld-words-said")) return; // never move what is being typed in
    const box = lit.getBoundingClientRect();
    const frame = region.getBoundingClientRect();
    if (box.top < frame.top || box.bottom > frame.bottom) region.scrollTop += box.top - frame.top - frame.height / 3;
  }

  function search(by) {
    const wanted = words.value.trim().toLowerCase();
    CSS.highlights?.delete("ld-found");
    if (!wanted) { hits = []; count.textContent = ""; return; }
    const before = hits[hitAt];
    hits = held.filter((line) => line.text.toLowerCase().includes(wanted)).map((line) => line.n);
    if (!hits.length) { hitAt = -1; count.textContent = "Not found"; return; }
    const same = hits.indexOf(before);
    hitAt = by === 0 || same < 0 ? 0 : (same + by + hits.length) % hits.length;
    count.textContent = `${hitAt + 1} of ${hits.length}`;
    const element = elements[hits[hitAt]];
    const node = element.querySelector(".ld-words-said").firstChild;
    const start = node ? node.data.toLowerCase().indexOf(wanted) : -1;
    if (start >= 0 && window.Highlight) {
      const range = new Range();
      range.setStart(node, start);
      range.setEnd(node, start + wanted.length);
      CSS.highlights.set("ld-found", new Highlight(range));
    }
    element.scrollIntoView({ block: "nearest" });
  }

  return { region, player, tools, show, play, find: () => words.focus() };
}
