// What every page's script uses: elements, calls to the server, small preferences, notices, dialogs.
// Text of documents and models is put on the page as text; the one exception is `safeHtml`, for
// answers that render.py has already made safe.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

export function safeHtml(html, className) {
  const element = h("div", { class: className });
  element.innerHTML = html; // made by render.py, which lets no script, image or foreign link through
  return element;
}

const PATHS = {
  file: "M6 2h8l5 5v15H6z M14 2v5h5",
  code: "M8 7l-5 5 5 5 M16 7l5 5-5 5",
  close: "M5 5l14 14 M19 5L5 19",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  search: "M10 4a6 6 0 1 0 0 12a6 6 0 0 0 0-12 M15 15l6 6",
  plus: "M12 5v14 M5 12h14",
  minus: "M5 12h14",
  down: "M12 4v12 M6 11l6 6 6-6 M4 21h16",
  menu: "M5 12h.01 M12 12h.01 M19 12h.01",
  stop: "M6 6h12v12H6z",
  warn: "M12 3l10 18H2z M12 10v5 M12 18h.01",
  send: "M4 12l16-8-6 16-3-7z",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24", width: "18", height: "18", fill: "none", stroke: "currentColor",
    "stroke-width": name === "menu" ? "3" : "1.8", "stroke-linecap": "round", "stroke-linejoin": "round",
    "aria-hidden": "true",
  })) svg.setAttribute(key, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

export function button(label, onclick, { icon: name, quiet, disabled, primary, hint, only } = {}) {
  const classes = ["ld-button", quiet && "ld-quiet", primary && "ld-primary", only && "ld-only"].filter(Boolean);
  return h(
    "button",
    { type: "button", class: classes.join(" "), onclick, disabled, title: hint || (only ? label : null), "aria-label": only ? label : null },
    name ? icon(name) : null,
    only ? null : label,
  );
}

// The server

let server = null;
let upload = null;
export const connection = { lost: false, listeners: [] };

export function connect(parts) {
  ({ server, upload } = parts);
}

export class Refused extends Error {
  constructor(reply) {
    super([reply.message, reply.next_step].filter(Boolean).join(" "));
    this.code = reply.code;
  }
}

export async function call(name, args = {}) {
  let reply;
  try {
    reply = await server.call({ name, args });
  } catch (error) {
    setLost(true);
    throw error;
  }
  if (!reply || typeof reply.ok !== "boolean") {
    setLost(true);
    throw new Error("The server gave no answer.");
  }
  setLost(false);
  if (!reply.ok) throw new Refused(reply);
  return reply.value;
}

// Runs an action of a person: what goes wrong is shown where they look.
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Refused) notice(error.message, "error");
    else if (!connection.lost) {
      console.error(error);
      notice("Something went wrong on this page. Reload it and try again.", "error");
    }
    return undefined;
  }
}

export async function sendFile(file) {
  const sent = await upload(file);
  return sent && (sent.path || (sent[0] && sent[0].path));
}

function setLost(lost) {
  if (connection.lost === lost) return;
  connection.lost = lost;
  for (const listener of connection.listeners) listener(lost);
}

// Small preferences of this browser; everything that matters is on the server

const KEY = "longdoc";
const USUAL = { how: {}, collection: null, ticks: [], thread: null, model: "", window: null, topK: 5, mode: "single", keys: true, seen: [], comparison: null, evaluation: null, evaluationWanted: null };

export const memory = {
  get(name) {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) || "{}");
      return name in kept ? kept[name] : USUAL[name];
    } catch {
      return USUAL[name];
    }
  },
  set(name, value) {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) || "{}");
      kept[name] = value;
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      // private windows may refuse; the page works without
    }
  },
};

// Words

export const number = (n) => Number(n).toLocaleString("en-US");
export const tokens = (n) => (n === null || n === undefined ? "counting…" : `${number(n)} tokens`);
export const bytes = (n) => (n < 1000 ? `${n} B` : n < 1e6 ? `${(n / 1e3).toFixed(0)} kB` : `${(n / 1e6).toFixed(1)} MB`);

// Notices stay until dismissed; the live region says what screen readers should hear once

let notices = null;
let live = null;

export function frame(root) {
  notices = h("div", { class: "ld-notices", role: "region", "aria-label": "Notices" });
  live = h("div", { class: "ld-sr", role: "status", "aria-live": "polite" });
  root.append(notices, live);
}

export function announce(text) {
  live.textContent = text;
}

export function notice(text, kind = "info") {
  for (const shown of notices.children) if (shown.dataset.text === text) shown.remove();
  const row = h("div", { class: `ld-notice ld-${kind}`, role: kind === "error" ? "alert" : "status" },
    kind === "error" ? icon("warn") : null, h("span", {}, text),
    button("Dismiss", () => row.remove(), { icon: "close", quiet: true, only: true }));
  row.dataset.text = text;
  notices.append(row);
  while (notices.children.length > 4) notices.firstChild.remove();
  return row;
}

export function dialog(title, content, actions) {
  const box = h("dialog", { class: "ld-dialog", "aria-labelledby": "ld-dialog-title" });
  const close = () => { box.close(); box.remove(); };
  const bar = h("div", { class: "ld-actions" });
  for (const [label, action, options] of actions) {
    bar.append(button(label, async () => { if ((await action()) !== false) close(); }, options));
  }
  box.append(h("h2", { id: "ld-dialog-title" }, title), content, bar);
  box.addEventListener("cancel", () => setTimeout(() => box.remove()));
  document.getElementById("longdoc").append(box);
  box.showModal();
  return { box, close };
}

export function save(name, text) {
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export function progressbar(share, words, label) {
  const bar = h("div", {
    class: `ld-progress${share === null ? " ld-unknown" : ""}`, role: "progressbar", "aria-label": label,
    "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuetext": words,
  }, h("span", { style: `width:${share === null ? 30 : Math.round(share * 1000) / 10}%` }));
  if (share !== null) bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  return bar;
}

// Replaces children only where something changed, so that focus and selection survive a refresh.
export function redraw(parent, key, make) {
  const made = JSON.stringify(key);
  if (parent.dataset.drawn === made) return;
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  parent.dataset.drawn = made;
  parent.replaceChildren(...[make()].flat().filter(Boolean));
  if (focused) parent.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
}
