// @ts-check
// What is looked for: one row with a search, a choice of filters, an order, and chips for what is set.

import { button, find, make, remember } from "./dom.js";
import {
  clearSelection,
  clipsMeant,
  DENSITIES,
  onSelection,
  selectedCount,
  selectionWords,
} from "./gallery.js";
import {
  ask,
  asked,
  askFacet,
  clearFilters,
  facets,
  isFiltered,
  ORDERS,
  on,
  posts,
  progress,
} from "./model.js";
import { judge } from "./verdicts.js";
import { brief, DAY, named, number, STATUS, titled } from "./words.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {{ name: string, label: string, value: string, choices: [string, string][], set: (value: string) => void }} Choice */

/** @type {[string, string][]} */
const STATUSES = [...Object.entries(STATUS), ["missing", "File missing"], ["flagged", "Not as expected"]];
/** @type {[string, string][]} */
const VERDICTS = [
  ["kept", "Kept"],
  ["rejected", "Rejected"],
  ["none", "Not seen"],
];

const search = make("input", {
  type: "search",
  placeholder: "Search",
  "aria-label": "Search prompts, names, notes and reasons",
  autocomplete: "off",
  spellcheck: "false",
});
const popover = make("div", {
  id: "filter-box",
  class: "filter-box",
  popover: "auto",
  role: "group",
  "aria-label": "Filters",
});
const opener = make(
  "button",
  { type: "button", class: "quiet", popovertarget: "filter-box", "aria-expanded": "false" },
  "Filter",
);
const order = make("select", { "aria-label": "Order", class: "quiet" });
const densities = make("div", { class: "densities", role: "group", "aria-label": "Size of the clips" });
const chips = find(".chips");
const line = find(".progress");
const selecting = find(".selecting-line");
let drawn = "";

export function startFilters() {
  search.addEventListener("input", () => ask({ q: search.value.trim() }));
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || event.key === "ArrowDown") {
      event.preventDefault();
      search.blur();
      find("#work").focus({ preventScroll: true });
    }
  });
  popover.addEventListener("toggle", (event) => {
    const isOpen = /** @type {ToggleEvent} */ (event).newState === "open";
    opener.ariaExpanded = String(isOpen);
    if (isOpen) {
      const { left, bottom } = opener.getBoundingClientRect();
      popover.style.setProperty(
        "--left",
        `${Math.max(8, Math.min(left, innerWidth - popover.offsetWidth - 8))}px`,
      );
      popover.style.setProperty("--top", `${bottom + 6}px`);
    }
  });
  for (const [value, [label]] of Object.entries(ORDERS)) {
    order.append(make("option", { value }, label));
  }
  order.addEventListener("change", () => ask({ sort: order.value }));
  for (const [name, { label }] of Object.entries(DENSITIES)) {
    densities.append(
      button(
        "",
        () => {
          remember("density", name === "medium" ? "" : name);
          ask({ density: name === "medium" ? "" : name });
        },
        { "aria-label": label, title: label, class: `density ${name}`, "data-density": name },
      ),
    );
  }
  find(".filters").append(search, opener, popover, order, densities);
  onSelection(showSelecting);
  on("said", showProgress);
  on("entries", showProgress);
  showProgress();
}

export function showFilters() {
  if (document.activeElement !== search) {
    search.value = asked.q;
  }
  order.value = asked.sort;
  const shown = find("#gallery .clips").dataset.density ?? "medium";
  for (const each of densities.children) {
    each.ariaPressed = String(each instanceof HTMLElement && each.dataset.density === shown);
  }
  densities.hidden = find("#gallery").hidden;
  const said = JSON.stringify([
    asked.status,
    asked.verdict,
    asked.day,
    asked.post,
    [...asked.facets].map(([facet, value]) => [facet.key, value]),
    facets.map((facet) => [facet.key, facet.values]),
  ]);
  if (said !== drawn) {
    drawn = said;
    showPopover();
    showChips();
  } else if (asked.q || chips.children.length) {
    showChips();
  }
}

/** @returns {Choice[]} */
function choices() {
  return [
    {
      name: "verdict",
      label: "Verdict",
      value: asked.verdict,
      choices: VERDICTS,
      set: (value) => ask({ verdict: value }),
    },
    {
      name: "status",
      label: "Status",
      value: asked.status,
      choices: STATUSES,
      set: (value) => ask({ status: value }),
    },
    ...facets.map((facet) => ({
      name: facet.key,
      label: named(facet.name),
      value: asked.facets.get(facet) ?? "",
      choices: facet.values.map((value) => /** @type {[string, string]} */ ([value, value])),
      set: (/** @type {string} */ value) => askFacet(facet, value),
    })),
  ];
}

function showPopover() {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.id : "";
  popover.replaceChildren(
    ...choices().map(({ name, label, value, choices: given, set }) => {
      const select = make("select", { id: `by-${name}` }, make("option", { value: "" }, "Any"));
      select.append(...given.map(([each, text]) => make("option", { value: each }, text)));
      select.value = value;
      select.addEventListener("change", () => set(select.value));
      return make(
        "div",
        { class: value ? "chooser set" : "chooser" },
        make("label", { for: `by-${name}` }, label),
        select,
      );
    }),
  );
  if (focused.startsWith("by-")) {
    document.getElementById(focused)?.focus();
  }
}

function showChips() {
  /** @type {[string, () => void][]} */
  const set = choices()
    .filter(({ value }) => value)
    .map(({ label, value, choices: given, set: change }) => [
      `${label}: ${given.find(([each]) => each === value)?.[1] ?? value}`,
      () => change(""),
    ]);
  if (asked.day) {
    const date = new Date(`${asked.day}T00:00:00`);
    set.push([Number.isNaN(date.getTime()) ? asked.day : DAY.format(date), () => ask({ day: "" })]);
  }
  if (asked.post) {
    set.push([
      `Post: ${brief(titled(posts.get(asked.post)?.[0] ?? /** @type {Entry} */ ({ task: asked.post })), 40)}`,
      () => ask({ post: "" }),
    ]);
  }
  chips.replaceChildren(
    ...set.map(([label, remove]) =>
      button(
        label,
        () => {
          remove();
          search.focus({ preventScroll: true });
        },
        { class: "chip", "aria-label": `Remove the filter ${label}` },
      ),
    ),
    isFiltered()
      ? button(
          "Clear filters",
          () => {
            search.value = "";
            clearFilters();
            search.focus({ preventScroll: true });
          },
          { class: "chip clear" },
        )
      : "",
  );
}

function showProgress() {
  const { clips, seen, kept, rejected } = progress();
  line.textContent = clips
    ? `${number(seen)} of ${number(clips)} seen · ${number(kept)} kept · ${number(rejected)} rejected`
    : "";
}

function showSelecting() {
  const count = selectedCount();
  selecting.hidden = count === 0;
  if (count) {
    const word = (/** @type {string} */ label, /** @type {import("./types").Word | null} */ verdict) =>
      button(
        label,
        () => {
          void judge(clipsMeant(), { verdict });
        },
        { class: "quiet" },
      );
    selecting.replaceChildren(
      make("span", {}, selectionWords()),
      word("Keep", "kept"),
      word("Reject", "rejected"),
      word("Clear", null),
      button("Select none", () => clearSelection(), { class: "link" }),
    );
  }
}
