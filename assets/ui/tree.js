// The tree of a code base before it is added: ticks, tokens a folder, reasons, a filter; all by keyboard.

import { attempt, call, dialog, h, memory, number } from "./core.js";

export function chooseFiles(job, looked, onAdded) {
  const ticked = new Set(looked.rows.filter((row) => row.ticked).map((row) => row.path));
  const open = new Set([""]);
  let filter = "";
  let costs = new Map();
  let replace = looked.earlier ? "replace" : null;
  const root = build(looked.rows);

  const total = h("p", { class: "ld-total", role: "status" });
  const warning = h("p", { class: "ld-message", role: "alert" });
  const tree = h("ul", { class: "ld-tree", role: "tree", "aria-label": `Files of ${looked.title}`, "aria-multiselectable": "true" });
  const field = h("input", { class: "ld-field", "aria-label": "Filter", placeholder: "Filter, for example *.py", oninput: () => { filter = field.value.trim(); draw(); } });
  const content = h("div", { class: "ld-treebox" }, h("div", { class: "ld-row" }, field, total), warning, earlier(), tree);

  tree.addEventListener("keydown", onKey);
  draw();
  dialog(looked.title, content, [
    ["Add", async () => (await attempt(async () => {
      await call("add_tree", { job: job.id, paths: chosen(), replace: replace === "replace", model: memory.get("model") });
      onAdded();
      return true;
    })) === true, { primary: true }],
    ["Not now", () => true, { quiet: true }],
  ]);

  function earlier() {
    if (!looked.earlier) return null;
    const { counts } = looked.earlier;
    const list = (kind) => looked.earlier[kind].length ? h("li", {}, `${number(counts[kind])} ${kind}: ${looked.earlier[kind].slice(0, 8).join(", ")}`) : null;
    const radio = (value, label) => {
      const box = h("input", { type: "radio", name: "ld-earlier", onchange: () => { replace = value; } });
      box.checked = replace === value;
      return h("label", { class: "ld-check" }, box, label);
    };
    return h("fieldset", { class: "ld-earlier" }, h("legend", {}, `${looked.earlier.title} is here in an earlier version`),
      h("ul", {}, list("new"), list("changed"), list("gone")), radio("replace", "Replace"), radio("both", "Keep both"));
  }

  function matches(path) {
    if (!filter) return true;
    const glob = filter.split(/[*]+/).map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*");
    return new RegExp(filter.includes("*") ? `^(.*/)?${glob}$` : glob, "i").test(path);
  }
  function chosen() { return looked.rows.filter((row) => ticked.has(row.path) && !row.locked && matches(row.path)).map((row) => row.path); }

  function filesOf(node) {
    return node.row ? [node.row] : [...node.children.values()].flatMap(filesOf);
  }

  // What each ticked file takes in the prompt: its text, and a header whose number counts the files before it.
  function cost(files) {
    const costs = new Map();
    for (const row of looked.rows) {
      if (files.has(row.path)) costs.set(row.path, row.tokens ? row.tokens + row.headers[Math.min(String(costs.size + 1).length, 4) - 1] : 0);
    }
    return costs;
  }
  function draw() {
    const files = new Set(chosen());
    costs = cost(files);
    const sum = [...costs.values()].reduce((n, tokens) => n + tokens, 0);
    total.textContent = `${number(files.size)} files, ${number(sum)} tokens`;
    const secret = looked.rows.find((row) => row.secret && files.has(row.path));
    warning.textContent = secret ? `${secret.path}, line ${secret.secret} may hold a secret. The model will read it if you add it.` : "";
    const focused = document.activeElement?.dataset?.path;
    tree.replaceChildren(...items(root, 1, files));
    const again = focused !== undefined ? tree.querySelector(`[data-path="${CSS.escape(focused)}"]`) : null;
    const first = again || tree.querySelector("[role=treeitem]");
    if (first) first.tabIndex = 0;
    if (again) again.focus();
  }

  function items(node, level, files) {
    const rows = [];
    for (const child of node.children.values()) {
      const all = filesOf(child).filter((row) => !row.locked);
      if (filter && !filesOf(child).some((row) => matches(row.path))) continue;
      const on = all.filter((row) => files.has(row.path));
      const locked = all.length === 0;
      const state = locked ? null : on.length === 0 ? "false" : on.length === all.filter((row) => matches(row.path)).length ? "true" : "mixed";
      const sum = on.reduce((n, row) => n + costs.get(row.path), 0);
      const reason = child.row ? child.row.reason : locked ? [...new Set(filesOf(child).map((row) => row.reason))].join(", ") : "";
      const folder = !child.row;
      rows.push(h("li", {
        role: "treeitem", "aria-level": level, tabindex: "-1", "data-path": child.path, "aria-checked": state,
        "aria-expanded": folder ? String(open.has(child.path)) : null, "aria-disabled": locked ? "true" : null,
        "aria-label": `${child.name}, ${locked ? reason : `${number(sum)} tokens`}${!locked && reason ? `, ${reason}` : ""}`,
        class: locked || reason ? "ld-grey" : "", style: `--level:${level}`,
        onclick: (event) => { event.stopPropagation(); if (event.target.closest(".ld-box")) toggle(child); else if (folder) fold(child); else toggle(child); },
      },
      h("span", { class: "ld-fold", "aria-hidden": "true" }, folder ? (open.has(child.path) ? "▾" : "▸") : ""),
      h("span", { class: "ld-box", "aria-hidden": "true" }, locked ? "–" : { true: "☑", false: "☐", mixed: "◪" }[state]),
      h("span", { class: "ld-name" }, child.name),
      h("span", { class: "ld-reason" }, reason),
      h("span", { class: "ld-number" }, locked ? "" : `${number(sum)}`)));
      if (folder && (open.has(child.path) || filter)) rows.push(...items(child, level + 1, files));
    }
    return rows;
  }

  function fold(node) { if (open.has(node.path)) open.delete(node.path); else open.add(node.path); draw(); }

  function toggle(node) {
    const files = filesOf(node).filter((row) => !row.locked && matches(row.path));
    const on = files.every((row) => ticked.has(row.path));
    for (const row of files) { if (on) ticked.delete(row.path); else ticked.add(row.path); }
    draw();
  }

  function find(path, node = root) {
    for (const child of node.children.values()) {
      if (child.path === path) return child;
      if (path.startsWith(`${child.path}/`) || child.path === "") { const found = find(path, child); if (found) return found; }
    }
    return null;
  }

  function onKey(event) {
    const all = [...tree.querySelectorAll("[role=treeitem]")];
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    const node = find(all[at].dataset.path);
    const go = (element) => { if (element) { all[at].tabIndex = -1; element.tabIndex = 0; element.focus(); } };
    const level = Number(all[at].getAttribute("aria-level"));
    const keys = {
      ArrowDown: () => go(all[at + 1]), ArrowUp: () => go(all[at - 1]), Home: () => go(all[0]), End: () => go(all.at(-1)),
      ArrowRight: () => { if (!node.row && !open.has(node.path)) fold(node); else if (!node.row) go(all[at + 1]); },
      ArrowLeft: () => {
        if (!node.row && open.has(node.path)) fold(node);
        else go(all.slice(0, at).reverse().find((row) => Number(row.getAttribute("aria-level")) < level));
      },
      " ": () => toggle(node), Enter: () => toggle(node),
    };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  }
}

function build(rows) {
  const root = { name: "", path: "", children: new Map(), row: null };
  for (const row of rows) {
    const parts = row.path.replace(/\/$/, "").split("/");
    let node = root;
    parts.forEach((name, i) => {
      const path = parts.slice(0, i + 1).join("/");
      if (!node.children.has(name)) node.children.set(name, { name, path, children: new Map(), row: null });
      node = node.children.get(name);
    });
    node.row = row;
    if (row.path.endsWith("/")) node.name += "/";
  }
  return root;
}
