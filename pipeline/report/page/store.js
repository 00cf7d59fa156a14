// The entries, what is asked of them, and the address that says it: a link opens the same view.

const ENTRIES = data("entries");
const MOST_CHOICES = 24;
const MOST_FACETS = 6;
const SINGLE = ["view", "q", "status", "sort", "day", "takes", "task"];

const byTask = new Map();
const takes = new Map();
for (const entry of ENTRIES) {
  entry.attempts ??= 1;
  entry.params ??= {};
  entry.meta ??= {};
  byTask.set(entry.task, entry);
  if (!takes.has(entry.group)) {
    takes.set(entry.group, []);
  }
  takes.get(entry.group).push(entry);
}

const facets = [...choices("meta", 8), ...choices("params", 8)].slice(0, MOST_FACETS);
const asked = { facets: new Map() };
for (const name of SINGLE) {
  asked[name] = "";
}

// A field is worth a filter when few values tell the entries apart.
function choices(field, fewest) {
  const values = new Map();
  for (const entry of ENTRIES) {
    for (const [name, value] of Object.entries(entry[field])) {
      if (!values.has(name)) {
        values.set(name, new Set());
      }
      values.get(name).add(plain(value));
    }
  }
  const telling = [...values].filter(([name, distinct]) => name !== "publish"
    && distinct.size > 1 && distinct.size <= MOST_CHOICES
    && (distinct.size <= fewest || distinct.size <= ENTRIES.length / 3)
    && [...distinct].every((value) => value.length <= 60));
  return telling.map(([name, distinct]) => ({
    key: `${field}.${name}`, field, name, values: [...distinct].sort(natural),
  }));
}

function natural(one, other) {
  return one.localeCompare(other, LOCALE, { numeric: true });
}

function published(entry) {
  const parts = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d))?/.exec(entry.meta.publish ?? "");
  if (!parts) {
    return null;
  }
  const [, year, month, day, time = ""] = parts;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const real = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  return real ? { day: `${year}-${month}-${day}`, month: `${year}-${month}`, time, date } : null;
}

function text(entry) {
  entry.text ??= [
    entry.prompt, entry.task, entry.file, entry.name, entry.error, entry.model, entry.request_id,
    ...Object.values(entry.meta).map(plain), ...Object.values(entry.params).map(plain),
  ].join("\n").toLowerCase();
  return entry.text;
}

function matches(entry) {
  const { q, status, day, takes: group } = asked;
  const special = { missing: isMissing, flagged: isFlagged }[status];
  return (!status || (special ? special(entry) : entry.status === status))
    && (!day || published(entry)?.day === day)
    && (!group || entry.group === group)
    && [...asked.facets].every(([facet, value]) => facet.name in entry[facet.field]
      && plain(entry[facet.field][facet.name]) === value)
    && q.toLowerCase().split(/\s+/).every((word) => text(entry).includes(word));
}

function isFlagged(entry) {
  return Boolean(entry.flags?.length);
}

function isMissing(entry) {
  return entry.status === "succeeded" && Boolean(entry.missing);
}

const ORDERS = {
  "": ["Job order", null],
  newest: ["Newest first", (one, other) => natural(other.finished_at ?? "", one.finished_at ?? "")],
  slowest: ["Slowest first", (one, other) => (other.duration_s ?? -1) - (one.duration_s ?? -1)],
  prompt: ["By prompt", (one, other) => natural(titled(one), titled(other))],
};

function selected() {
  const entries = ENTRIES.filter(matches);
  const [, order] = ORDERS[asked.sort];
  return order ? entries.sort(order) : entries;
}

function readAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const name of SINGLE) {
    asked[name] = said.get(name) ?? "";
  }
  asked.sort = asked.sort in ORDERS ? asked.sort : "";
  asked.facets.clear();
  for (const facet of facets) {
    const value = said.get(facet.key);
    if (value !== null && facet.values.includes(value)) {
      asked.facets.set(facet, value);
    }
  }
}

function writeAddress() {
  const said = new URLSearchParams();
  for (const name of SINGLE) {
    if (asked[name]) {
      said.set(name, asked[name]);
    }
  }
  for (const [facet, value] of asked.facets) {
    said.set(facet.key, value);
  }
  const hash = String(said);
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}
