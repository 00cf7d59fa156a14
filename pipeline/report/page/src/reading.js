// @ts-check
// What the server tells, taken as it may be used: a field of another kind than expected is left out.

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./types").Said} Said */
/** @typedef {import("./types").State} State */
/** @typedef {import("./types").Action} Action */
/** @typedef {Record<string, unknown>} Fields */
/** @typedef {(value: unknown) => boolean} Test */

const LAST = 4e9; // Unix seconds: times after the year 2096 are no times of a run

/** @type {Test} */
const isText = (value) => typeof value === "string";
/** @type {Test} */
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
/** @type {Test} */
const isYes = (value) => typeof value === "boolean";
/** @type {(value: unknown) => value is Fields} */
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
/** @type {Test} */
const isAddress = (value) => typeof value === "string" && /^(\.\/|https?:\/\/)/.test(value);

/** @type {Record<string, Test>} */
const CLIP = {
  ...each(isAddress, "src", "poster", "strip"),
  ...each(isText, "file", "kind", "sha256", "finished_at", "note"),
  ...each(isNumber, "cost", "poster_w", "poster_h"),
  verdict: (value) => value === "kept" || value === "rejected",
  params: isObject,
};

/** @type {Record<string, Test>} */
const ENTRY = {
  ...CLIP,
  ...each(
    isText,
    "task",
    "prompt",
    "model",
    "group",
    "post",
    "own_id",
    "publish",
    "channel",
    "caption",
    "campaign",
  ),
  ...each(isText, "name", "request_id", "error", "standing", "settled", "by", "at"),
  ...each(isNumber, "take", "bytes", "http_status", "attempts", "at_risk", "duration_s"),
  ...each(isYes, "missing", "said_by_row", "small"),
  ...each(isObject, "values", "meta", "media", "words"),
  status: (value) => ["succeeded", "failed", "in_doubt", "pending"].includes(String(value)),
  flags: (value) => Array.isArray(value) && value.every(isText),
};

/** @type {Record<string, Test>} */
const STATE = {
  ...each(isText, "reason", "detail", "rate", "started_at"),
  ...each(isNumber, "concurrency", "budget", "eta_s", "remaining_credits"),
};

/**
 * @param {Test} test
 * @param {string[]} names
 */
function each(test, ...names) {
  return Object.fromEntries(names.map((name) => [name, test]));
}

/**
 * @param {Fields} given
 * @param {Record<string, Test>} tests
 * @returns {any}
 */
function passing(given, tests) {
  return Object.fromEntries(
    Object.entries(tests).flatMap(([name, test]) => (test(given[name]) ? [[name, given[name]]] : [])),
  );
}

/**
 * @param {unknown} given
 * @returns {Fields[]}
 */
export function objects(given) {
  return Array.isArray(given) ? given.filter(isObject) : [];
}

/**
 * @param {unknown} given
 * @returns {Entry[]}
 */
export function readEntries(given) {
  const read = objects(given).map((fields) => {
    const versions = objects(fields.versions).map((clip) => ({ params: {}, ...passing(clip, CLIP) }));
    return {
      prompt: "",
      model: "",
      params: {},
      meta: {},
      attempts: 1,
      ...passing(fields, ENTRY),
      ...(versions.length && { versions }),
    };
  });
  return read
    .filter((entry) => entry.task && entry.status)
    .map((entry) => ({
      ...entry,
      group: entry.group ?? entry.task,
      post: entry.post ?? entry.group ?? entry.task,
    }));
}

/**
 * @param {unknown} given
 * @returns {Said[]}
 */
export function readSaid(given) {
  return objects(given).map(({ task, verdict, note, by, at, sha256 }) => ({
    task: String(task),
    verdict: verdict === "kept" || verdict === "rejected" ? verdict : null,
    note: typeof note === "string" ? note : null,
    by: typeof by === "string" ? by : null,
    // Without a time nothing is said of the clip any more.
    at: typeof at === "string" && !Number.isNaN(Date.parse(at)) ? at : "",
    sha256: String(sha256),
  }));
}

/**
 * @param {unknown} given
 * @returns {State | null}
 */
export function readState(given) {
  if (!isObject(given)) {
    return null;
  }
  const counts = isObject(given.counts) ? given.counts : {};
  return {
    remaining_credits: null,
    ...passing(given, STATE),
    until: seconds(given.until),
    running: given.running === true,
    state: /** @type {State["state"]} */ (
      ["running", "paused", "waiting", "stopping"].find(
        (word) => given.running === true && word === given.state,
      ) ?? (given.running === true ? "running" : "ended")
    ),
    in_flight: given.running === true ? count(given.in_flight) : 0,
    accepted: count(given.accepted),
    counts: {
      total: count(counts.total),
      succeeded: count(counts.succeeded),
      failed: count(counts.failed),
      in_doubt: count(counts.in_doubt),
      pending: count(counts.pending),
    },
    spent: amount(given.spent),
    at_risk: amount(given.at_risk),
    now: seconds(given.now) ?? Date.now() / 1000,
  };
}

/**
 * @param {unknown} given
 * @returns {Action | null}
 */
export function readAction(given) {
  if (!isObject(given) || given.id === undefined) {
    return null;
  }
  return {
    id: String(given.id),
    what: isText(given.what) ? String(given.what) : "command",
    running: given.running === true,
    code: isNumber(given.code) ? Number(given.code) : null,
    lines: Array.isArray(given.lines) ? given.lines.filter(isText).slice(-200) : [],
  };
}

/**
 * A time in Unix seconds, which may be told as RFC 3339.
 * @param {unknown} value
 */
function seconds(value) {
  const at = typeof value === "string" ? Date.parse(value) / 1000 : value;
  return isNumber(at) && Math.abs(Number(at)) < LAST ? Number(at) : null;
}

/** @param {unknown} value */
export function count(value) {
  return isNumber(value) ? Math.max(0, Math.round(Number(value))) : 0;
}

/** @param {unknown} value */
export function amount(value) {
  return isNumber(value) ? Number(value) : 0;
}
