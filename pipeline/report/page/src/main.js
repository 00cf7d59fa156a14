// @ts-check
// The page as a whole: views of the same entries under one set of filters.

import { calendar } from "./calendar.js";
import { closeDetail, openDetail } from "./detail.js";
import { announcer, button, find, make } from "./dom.js";
import { showFilters, startFilters } from "./filters.js";
import { gallery } from "./gallery.js";
import { startKeys } from "./keys.js";
import { extendBlock, isLive, startLive } from "./live.js";
import { ask, asked, byTask, entries, on, readAddress, selected } from "./model.js";
import { nights } from "./night.js";
import { extendCommands, unfinished } from "./unfinished.js";
import { register, views } from "./views.js";
import { moment, number } from "./words.js";

const countLine = announcer(find(".count"), 200);
let shown = "";

function openPage() {
  for (const time of document.querySelectorAll("header time")) {
    time.textContent = moment(time.getAttribute("datetime") ?? "");
  }
  for (const view of [gallery, calendar, unfinished, nights]) {
    register(view);
  }
  startFilters();
  startKeys();
  find("#toolbar").hidden = false;
  addEventListener("hashchange", () => {
    // A plain anchor such as the skip link's is not an address of the page's own.
    if (!location.hash || location.hash.includes("=")) {
      readAddress();
      refresh();
    }
  });
  on("asked", refresh);
  on("entries", refresh);
  on("said", refresh);
  extendCommands(extendBlock);
  readAddress();
  refresh();
  if (isLive) {
    startLive();
  }
}

function refresh() {
  const view = views.find((each) => each.name === asked.view) ?? views[0];
  const found = selected();
  showTabs(view?.name ?? "");
  for (const each of views) {
    find(`#${each.name}`).hidden = each !== view;
  }
  if (shown !== view?.name) {
    views.find((each) => each.name === shown)?.hide?.();
    shown = view?.name ?? "";
  }
  view?.show(found);
  showFilters();
  countLine(counted(found.length));
  const entry = byTask.get(asked.task);
  if (entry) {
    openDetail(entry, found);
  } else {
    closeDetail();
  }
}

/** @param {string} current */
function showTabs(current) {
  find(".views").replaceChildren(
    ...views.map((view, place) => {
      const tab = button(view.label, () => { ask({ view: place ? view.name : "" }); }, {
        "data-view": view.name,
        "aria-pressed": String(view.name === current),
      });
      const badge = view.badge?.();
      if (badge) {
        tab.append(make("span", { class: "badge" }, number(badge)));
      }
      return tab;
    }),
  );
}

/** @param {number} count */
function counted(count) {
  if (!entries.length) {
    return "No clips yet";
  }
  const all = `${number(entries.length)} ${entries.length === 1 ? "clip" : "clips"}`;
  return count === entries.length ? all : count ? `${number(count)} of ${all}` : `None of ${all} matches`;
}

openPage();
