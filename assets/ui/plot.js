// Small line plots as SVG: series told apart by colour, dash and mark, intervals as whiskers, every
// point a button. Each plot stands beside a table with the same numbers.

const NS = "http://www.w3.org/2000/svg";
const WIDEST = 560;
const NARROWEST = 280;
const AROUND = 70; // what stands beside a plot on a narrow screen
const LABEL = 36; // of a place on the x axis
const HEIGHT = 250;
const SIDE = { left: 52, right: 14, top: 12, bottom: 40 };
const DASHES = ["", "6 3", "2 3", "8 3 2 3", "1 2", "10 4"];

function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) element.setAttribute(name, value);
  element.append(...children.filter(Boolean));
  return element;
}

// A mark of its own for each series, so that colour is never the only difference.
export function mark(index, x, y, r = 5) {
  const shape = index % 4;
  const attributes = { class: `ld-mark ld-s${index % 6}` };
  if (shape === 0) return s("circle", { ...attributes, cx: x, cy: y, r });
  if (shape === 1) return s("rect", { ...attributes, x: x - r, y: y - r, width: 2 * r, height: 2 * r });
  const points = shape === 2 ? [[0, -r - 1], [r + 1, r], [-r - 1, r]] : [[0, -r - 2], [r + 2, 0], [0, r + 2], [-r - 2, 0]];
  return s("polygon", { ...attributes, points: points.map(([a, b]) => `${x + a},${y + b}`).join(" ") });
}

// rows: {series, at, y, low?, high?, label}. `places` are the values on the x axis, evenly spaced.
export function plot({ title, rows, series, places, placeWords, xTitle, yWords, top, onPoint }) {
  // On a narrow screen the plot is narrower, not smaller: its words and points keep their size.
  const width = Math.max(NARROWEST, Math.min(WIDEST, window.innerWidth - AROUND));
  const inner = { w: width - SIDE.left - SIDE.right, h: HEIGHT - SIDE.top - SIDE.bottom };
  const x = (at) => SIDE.left + (places.length < 2 ? inner.w / 2 : (inner.w * (places.indexOf(at) + 0.25)) / (places.length - 0.5));
  const y = (value) => SIDE.top + inner.h * (1 - Math.min(1, value / top));
  const svg = s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, class: "ld-plot", role: "group", "aria-label": title });
  for (let step = 0; step <= 4; step += 1) {
    const value = (top * step) / 4;
    svg.append(s("line", { class: "ld-grid", x1: SIDE.left, x2: width - SIDE.right, y1: y(value), y2: y(value) }),
      s("text", { class: "ld-axis", x: SIDE.left - 8, y: y(value) + 4, "text-anchor": "end" }, yWords(value)));
  }
  const every = Math.ceil((LABEL * places.length) / inner.w);
  for (const place of places.filter((_, n) => n % every === 0)) svg.append(s("text", { class: "ld-axis", x: x(place), y: HEIGHT - 22, "text-anchor": "middle" }, placeWords(place)));
  svg.append(s("text", { class: "ld-axis", x: SIDE.left + inner.w / 2, y: HEIGHT - 5, "text-anchor": "middle" }, xTitle));
  series.forEach((name, index) => {
    const own = rows.filter((row) => row.series === name && row.y !== null && places.includes(row.at)).sort((a, b) => places.indexOf(a.at) - places.indexOf(b.at));
    if (own.length > 1) svg.append(s("polyline", { class: `ld-line-of ld-s${index % 6}`, "stroke-dasharray": DASHES[index % 6], points: own.map((row) => `${x(row.at) + shift(index, series.length)},${y(row.y)}`).join(" ") }));
    for (const row of own) {
      const px = x(row.at) + shift(index, series.length);
      if (row.low !== undefined) svg.append(s("path", { class: `ld-whisker ld-s${index % 6}`, d: `M${px} ${y(row.low)}V${y(row.high)}M${px - 4} ${y(row.low)}h8M${px - 4} ${y(row.high)}h8` }));
      const point = s("g", { class: "ld-point", role: "button", tabindex: "0", "aria-label": row.label, "data-focus": `${title}-${name}-${row.at}` },
        s("title", {}, row.label), s("rect", { x: px - 12, y: y(row.y) - 12, width: 24, height: 24, fill: "transparent" }), mark(index, px, y(row.y)));
      point.addEventListener("click", () => onPoint(row));
      point.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); onPoint(row); } });
      svg.append(point);
    }
  });
  return svg;
}

// Series lie a little beside each other, so that equal values do not hide each other.
const shift = (index, n) => (n < 2 ? 0 : (index - (n - 1) / 2) * Math.min(9, 36 / n));

export function legend(series) {
  const list = document.createElement("ul");
  list.className = "ld-legend";
  series.forEach((name, index) => {
    const row = document.createElement("li");
    const svg = s("svg", { viewBox: "0 0 44 16", width: "44", height: "16", "aria-hidden": "true" },
      s("line", { class: `ld-line-of ld-s${index % 6}`, "stroke-dasharray": DASHES[index % 6], x1: 1, x2: 43, y1: 8, y2: 8 }), mark(index, 22, 8));
    row.append(svg, name);
    list.append(row);
  });
  return list;
}
