// Citations: one listener for all links `#cite-…`. Hover or focus shows the quote, activation opens
// the Reader there. Links get their names here, because what they say is data, not markup.

import { h } from "./core.js";

const MARKS = { verified: "✓", fuzzy: "≈", attended: "○", not_found: "✗" };

export function citations(root, onOpen) {
  const known = new Map(); // href -> {cite, all}
  let current = null;
  const tip = h("div", { class: "ld-tip", role: "tooltip", id: "ld-tip", hidden: true });
  root.append(tip);

  const linkOf = (event) => event.target instanceof Element ? event.target.closest('a[href^="#cite-"]') : null;

  root.addEventListener("click", (event) => {
    const link = linkOf(event);
    if (!link) return;
    event.preventDefault();
    open(link.getAttribute("href"), link);
  });
  for (const type of ["mouseover", "focusin"]) root.addEventListener(type, (event) => { const link = linkOf(event); if (link) show(link); });
  for (const type of ["mouseout", "focusout"]) root.addEventListener(type, (event) => { if (linkOf(event)) hide(); });

  function show(link) {
    const entry = known.get(link.getAttribute("href"));
    if (!entry) return;
    const { cite } = entry;
    tip.replaceChildren(
      h("strong", {}, cite.place),
      h("span", { class: `ld-status ld-${cite.status}` }, `${MARKS[cite.status]} ${cite.status_words}${cite.deleted ? `, ${cite.deleted}` : ""}`),
      h("q", {}, cite.quote.length > 400 ? `${cite.quote.slice(0, 400)}…` : cite.quote || "No words of it were found."));
    tip.hidden = false;
    const box = link.getBoundingClientRect();
    const width = Math.min(380, window.innerWidth - 24);
    tip.style.width = `${width}px`;
    tip.style.left = `${Math.max(12, Math.min(box.left, window.innerWidth - width - 12))}px`;
    const above = box.top - tip.offsetHeight - 8;
    tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
    link.setAttribute("aria-describedby", "ld-tip");
  }

  function hide() { tip.hidden = true; }

  function open(href, from) {
    const entry = known.get(href);
    if (!entry) return;
    hide();
    current = { href, from: from || root.querySelector(`a[href="${CSS.escape(href)}"]`) };
    for (const link of root.querySelectorAll("a.ld-cite.ld-current")) link.classList.remove("ld-current");
    current.from?.classList.add("ld-current");
    if (entry.cite.status === "not_found" || !entry.cite.document || entry.cite.deleted) return;
    onOpen(entry.cite, current.from);
  }

  return {
    // Gives the links of an answer their names and statuses.
    name(element, cites) {
      for (const cite of cites) {
        known.set(cite.href, { cite, all: cites });
        for (const link of element.querySelectorAll(`a[href="${CSS.escape(cite.href)}"]`)) {
          link.setAttribute("aria-label", cite.name);
          link.classList.add(`ld-${cite.status}`);
          link.replaceChildren(cite.status === "not_found" ? h("s", {}, String(cite.number)) : String(cite.number), h("span", { "aria-hidden": "true" }, MARKS[cite.status]));
        }
      }
    },
    // Opens the next (+1) or previous (-1) citation of the same answer.
    step(by) {
      const entry = current && known.get(current.href);
      if (!entry) return;
      const usable = entry.all.filter((cite) => cite.status !== "not_found" && !cite.deleted);
      const at = usable.findIndex((cite) => cite.href === current.href);
      const next = usable[(at + by + usable.length) % usable.length];
      if (next) open(next.href);
    },
    hide,
  };
}
