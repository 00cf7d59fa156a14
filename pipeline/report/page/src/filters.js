// @ts-check
// What is looked for: one row with a search, a choice of filters, an order, and chips for what is set.

import { find, make } from "./dom.js";
import { ask, asked } from "./model.js";

const search = make("input", {
  type: "search", placeholder: "Search", "aria-label": "Search prompts, names, notes and reasons", autocomplete: "off", spellcheck: "false",
});

export function startFilters() {
  search.addEventListener("input", () => { ask({ q: search.value.trim() }); });
  find(".filters").append(search);
}

export function showFilters() {
  if (document.activeElement !== search) {
    search.value = asked.q;
  }
}
