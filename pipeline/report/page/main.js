// The page as a whole: three views of the same entries under one set of filters.

const VIEWS = {
  gallery: ["Clips", showGallery],
  calendar: ["Calendar", showCalendar],
  unfinished: ["Unfinished", showUnfinished],
};
const countLine = announcer(find(".count"), 200);
const controls = new Map();

function openPage() {
  for (const time of document.querySelectorAll("header time")) {
    time.textContent = moment(time.dateTime);
  }
  makeViews();
  makeFilters();
  document.getElementById("toolbar").hidden = false;
  addEventListener("hashchange", () => {
    // A plain anchor such as the skip link's is not an address of the page's own.
    if (!location.hash || location.hash.includes("=")) {
      readAddress();
      refresh();
    }
  });
  find(".skip").addEventListener("click", (press) => {
    press.preventDefault();
    document.getElementById("toolbar").scrollIntoView();
    find(".views button").focus();
  });
  readAddress();
  startNight();
  refresh();
}

function ask(changes) {
  if (dialog.open) {
    dialog.close();
  }
  Object.assign(asked, changes);
  writeAddress();
  refresh();
}

function makeViews() {
  const row = find(".views");
  const left = unfinishedCount();
  for (const [name, [label]] of Object.entries(VIEWS)) {
    const element = button(label, () => { ask({ view: name === "gallery" ? "" : name }); }, { "data-view": name });
    if (name === "unfinished" && left) {
      element.append(make("span", { class: "badge" }, number(left)));
    }
    row.append(element);
  }
}

function makeFilters() {
  const row = find(".filters");
  const search = make("input", { type: "search", placeholder: "Search prompts", "aria-label": "Search prompts, names and reasons", autocomplete: "off", spellcheck: "false" });
  let timer = 0;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => { ask({ q: search.value.trim() }); }, 120);
  });
  controls.set("q", search);
  const choosers = make("div", { class: "choosers" }, chooser("status", "Status", statuses(), (value) => { ask({ status: value }); }));
  for (const facet of facets) {
    choosers.append(chooser(facet.key, named(facet.name), facet.values.map((value) => [value, value]), (value) => {
      asked.facets.delete(facet);
      if (value) {
        asked.facets.set(facet, value);
      }
      ask({});
    }));
  }
  const orders = Object.entries(ORDERS).filter(([value]) => value).map(([value, [words]]) => [value, words]);
  choosers.append(chooser("sort", "Order", orders, (value) => { ask({ sort: value }); }, ORDERS[""][0]));
  row.append(search, folded(choosers));
}

// On a phone the choices fold away; on a wide screen there is nothing to unfold them with.
function folded(choosers) {
  const fold = make("details", { class: "fold" }, make("summary", {}, "Filters and order"), choosers);
  const phone = matchMedia("(max-width: 46rem)");
  const unfold = () => { fold.open = !phone.matches; };
  phone.addEventListener("change", unfold);
  unfold();
  return fold;
}

function statuses() {
  const there = Object.entries(STATUS).filter(([status]) => ENTRIES.some((entry) => entry.status === status));
  const special = [["missing", "Missing", isMissing], ["flagged", "Not as expected", isFlagged]];
  return [...there, ...special.filter(([, , is]) => ENTRIES.some(is)).map(([name, words]) => [name, words])];
}

function chooser(key, name, values, chosen, any = "Any") {
  const select = make("select", {}, make("option", { value: "" }, any));
  select.append(...values.map(([value, words]) => make("option", { value }, brief(words, 40))));
  select.addEventListener("change", () => { chosen(select.value); });
  controls.set(key, select);
  return make("label", { class: "chooser" }, make("span", {}, name), select);
}

function refresh() {
  const view = asked.view in VIEWS ? asked.view : "gallery";
  const entries = selected();
  showControls(view);
  for (const name of Object.keys(VIEWS)) {
    document.getElementById(name).hidden = name !== view;
  }
  VIEWS[view][1](entries);
  countLine(counted(entries.length));
  const entry = byTask.get(asked.task);
  if (entry) {
    openDetail(entry, entries);
  } else if (dialog.open) {
    dialog.close();
  }
}

function counted(count) {
  if (!ENTRIES.length) {
    return "No clips yet";
  }
  const all = `${number(ENTRIES.length)} ${ENTRIES.length === 1 ? "clip" : "clips"}`;
  return count === ENTRIES.length ? all : count ? `${number(count)} of ${all}` : `None of ${all} matches`;
}

function showControls(view) {
  for (const element of document.querySelectorAll(".views button")) {
    element.setAttribute("aria-pressed", String(element.dataset.view === view));
  }
  for (const [key, control] of controls) {
    const facet = facets.find((each) => each.key === key);
    const value = facet ? asked.facets.get(facet) ?? "" : asked[key];
    if (document.activeElement !== control || control.value.trim() !== value) {
      control.value = value;
    }
    control.classList.toggle("set", Boolean(value));
  }
  find(".chips").replaceChildren(...chips());
}

function chips() {
  const chipsMade = [];
  const chip = (words, changes) => {
    chipsMade.push(button(words, () => {
      ask(changes);
      find(".views [aria-pressed=true]").focus();
    }, { class: "chip", "aria-label": `Remove the filter: ${words}` }));
  };
  if (asked.day) {
    chip(asked.day, { day: "" });
  }
  if (asked.takes) {
    chip("Takes of one prompt", { takes: "" });
  }
  const set = [asked.q, asked.status, ...asked.facets.keys()].filter(Boolean).length;
  if (set) {
    chipsMade.push(button("Clear filters", () => {
      asked.facets.clear();
      ask({ q: "", status: "", day: "", takes: "" });
      controls.get("q").focus();
    }, { class: "chip clear" }));
  }
  return chipsMade;
}

openPage();
