// How sources are read when a person does not leave it to the planner: position method, attention, tier.

import { call, h, memory } from "./core.js";

const NAMES = { position: "Position method", attention: "Attention", tier: "Where it is kept" };
let choices = null;
let sets = []; // collections with what was chosen for them

export const collectionsAre = (rows) => { sets = rows; };
export const active = () => sets.find((set) => set.id === memory.get("collection")) || null;

// What is sent with every question: the collection's own choice, else this browser's.
export function how() {
  const set = active();
  return set ? set.how : memory.get("how");
}

export const howWords = (given) => Object.values(given).filter(Boolean).join(", ");

// Fields for a choice; `onChange` gets {position, attention, tier} without empty ones.
export async function howFields(now, onChange) {
  choices = choices || (await call("models")).choices;
  const given = { ...now };
  return Object.entries(NAMES).filter(([name]) => choices[name].length > 1 || name === "position").map(([name, words]) => {
    const pick = h("select", { class: "ld-field", "aria-label": words, onchange: () => {
      given[name] = pick.value;
      onChange(Object.fromEntries(Object.entries(given).filter(([, value]) => value)));
    } }, h("option", { value: "" }, "the planner's choice"), choices[name].map((one) => h("option", { value: one }, one)));
    pick.value = given[name] || "";
    return h("label", { class: "ld-label" }, words, pick);
  });
}
