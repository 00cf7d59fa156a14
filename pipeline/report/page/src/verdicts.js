// @ts-check
// What the person at the page says of clips: sent to `pipeline view`, or kept until "Save picks".

import { commandRow } from "./commands.js";
import { button, find, make, openDialog, remember, remembered, toast } from "./dom.js";
import { isLive, post } from "./live.js";
import { byTask, entries, hold, job, take } from "./model.js";
import { number } from "./words.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./types").Word} Word */
/** @typedef {import("./types").Said} Said */
/** @typedef {{ verdict?: Word | null, note?: string }} Saying what is not there stays as it is */

export const LONGEST_NOTE = 4000;
const LONGEST_NAME = 200;
const MOST_UNDONE = 200;

const name = job?.name ?? find("h1").textContent ?? "";
/** One page's words are not another's: pages from disk share what a browser remembers. */
const KEY = `picks ${name} ${location.pathname}`;
/** @type {Map<string, Said>} what was said here, by task and clip */
const mine = new Map();
/** @type {Set<string>} what of it is in no file yet */
const unsaved = new Set();
/** @type {{ entry: Entry, verdict: Word | null, note: string }[][]} how things were before, the last one first */
const undone = [];
const saveButton = button("", () => save(), {
  class: "quiet save",
  title: "Save the verdicts as a file (s)",
});
let sending = Promise.resolve();

/**
 * Say something of clips: a verdict, null to take it back, or a note alone.
 * @param {Entry[]} clips
 * @param {Saying} word
 */
export async function judge(clips, word) {
  const meant = clips.filter((entry) => entry.sha256 && entry.status === "succeeded");
  if (!meant.length) {
    return;
  }
  undone.unshift(meant.map(before));
  undone.length = Math.min(undone.length, MOST_UNDONE);
  await tell(meant, word);
}

/** @param {Entry} entry */
function before(entry) {
  return { entry, verdict: entry.verdict ?? null, note: entry.note ?? "" };
}

/**
 * Take the last word back.
 * @returns {Entry[]} the clips it was about
 */
export function undo() {
  const last = (undone.shift() ?? []).filter(({ entry }) => byTask.get(entry.task)?.sha256 === entry.sha256);
  /** @type {Map<string, typeof last>} */
  const alike = new Map();
  for (const each of last) {
    const key = JSON.stringify([each.verdict, each.note]);
    alike.set(key, [...(alike.get(key) ?? []), each]);
  }
  const clips = [];
  for (const some of alike.values()) {
    const those = some.map(({ entry }) => byTask.get(entry.task) ?? entry);
    void tell(those, { verdict: some[0]?.verdict, note: some[0]?.note });
    clips.push(...those);
  }
  return clips;
}

/**
 * @param {Entry[]} clips
 * @param {Saying} word
 */
async function tell(clips, word) {
  const note = word.note === undefined ? undefined : wellFormed(word.note.trim()).slice(0, LONGEST_NOTE);
  const words = clips.map((entry) => said(entry, { ...word, note }));
  if (isLive) {
    await send(clips, words, { ...word, note });
  } else {
    keep(words);
    take(words);
  }
}

/**
 * @param {Entry} entry
 * @param {Saying} word
 * @returns {Said}
 */
function said(entry, word) {
  return {
    task: entry.task,
    verdict: word.verdict === undefined ? (entry.verdict ?? null) : word.verdict,
    note: (word.note === undefined ? entry.note : word.note) || null,
    sha256: entry.sha256 ?? "",
    by: null,
    at: isLive ? (entry.at ?? "") : later(entry.at),
  };
}

/**
 * Of two words the later one counts: a clock that is behind must not make a new one the older.
 * @param {string | undefined} at of the word before
 */
function later(at) {
  const then = at ? Date.parse(at) : Number.NaN;
  return new Date(Math.max(Date.now(), Number.isNaN(then) ? 0 : then + 1)).toISOString();
}

/**
 * Half a character, as a paste may leave it, is not text for other programs.
 * @param {string} text
 */
function wellFormed(text) {
  return text.replace(/\p{Surrogate}/gu, "\u{FFFD}");
}

/**
 * Show the words at once, and take them back where the server refuses them.
 * @param {Entry[]} clips
 * @param {Said[]} words
 * @param {Saying} word
 */
async function send(clips, words, word) {
  const was = clips.map((entry) => said(entry, {}));
  const tasks = clips.map((entry) => entry.task);
  hold(tasks, 1);
  take(words, true);
  const sha256 = Object.fromEntries(clips.map((entry) => [entry.task, entry.sha256]));
  const request = { tasks, ...word, sha256 };
  sending = sending.then(async () => {
    try {
      const answer = await post("verdicts", request);
      hold(tasks, -1);
      take(answer.said ?? []);
    } catch (error) {
      hold(tasks, -1);
      take(was);
      toast(`Not recorded: ${error instanceof Error ? error.message : error}`, "fault");
    }
  });
  await sending;
}

/** @param {Said} word */
function keyOf(word) {
  return `${word.sha256} ${word.task}`;
}

/** @param {Said[]} words */
function keep(words) {
  for (const word of words) {
    mine.set(keyOf(word), word);
    unsaved.add(keyOf(word));
  }
  store();
}

function store() {
  const kept = remember(
    KEY,
    mine.size ? JSON.stringify({ words: [...mine.values()], unsaved: [...unsaved] }) : "",
  );
  saveButton.classList.toggle("volatile", !kept);
  saveButton.textContent = unsaved.size ? `Save picks (${number(unsaved.size)})` : "Save picks";
  saveButton.classList.toggle("due", unsaved.size > 0);
  saveButton.hidden = mine.size === 0;
}

/** Bring back what was said here on an earlier visit, except what the report has taken in since. */
function restore() {
  let there;
  try {
    there = JSON.parse(remembered(KEY) || "{}");
  } catch {
    there = {};
  }
  const open = new Set(Array.isArray(there.unsaved) ? there.unsaved : []);
  for (const word of Array.isArray(there.words) ? there.words.filter(isSaid) : []) {
    const entry = byTask.get(word.task);
    if (!(entry?.sha256 === word.sha256 && entry?.at && Date.parse(entry.at) >= Date.parse(word.at))) {
      mine.set(keyOf(word), word);
      if (open.has(keyOf(word))) {
        unsaved.add(keyOf(word));
      }
    }
  }
  take([...mine.values()]);
}

/**
 * @param {any} word
 * @returns {word is Said}
 */
function isSaid(word) {
  return (
    typeof word?.task === "string" &&
    /^[0-9a-f]{64}$/.test(word.sha256) &&
    [null, "kept", "rejected"].includes(word.verdict) &&
    (word.note === null || typeof word.note === "string") &&
    !Number.isNaN(Date.parse(word.at))
  );
}

/** The words as the lines of `verdicts.jsonl`. @param {string} by who said them, or nothing */
function lines(by) {
  const words = [...mine.values()].map(({ task, verdict, note, sha256, at }) => ({
    task,
    verdict,
    note,
    sha256,
    by: by || null,
    at,
  }));
  return words
    .map((word, place) => `${JSON.stringify(place ? word : { ...word, format: job?.format })}\n`)
    .join("");
}

/** Give the verdicts back as a file: the first time after asking who picks. */
export function save() {
  if (isLive) {
    toast("Verdicts are recorded as you say them: there is nothing to save.");
  } else if (!mine.size) {
    toast("Nothing to save yet: keep (P) or reject (X) a clip first.");
  } else {
    openSave();
  }
}

function openSave() {
  const field = make("input", {
    id: "by",
    type: "text",
    maxlength: LONGEST_NAME,
    autocomplete: "name",
    value: remembered("by"),
    autofocus: true,
  });
  const form = make(
    "form",
    { method: "dialog", class: "saving" },
    make("label", { for: "by" }, "Your name, if the picks should carry it"),
    field,
    make("button", { type: "submit", class: "main" }, "Save the file"),
  );
  const next = [
    make("p", {}, "Whoever runs the job takes the file in, and renders the rejected clips again:"),
    commandRow(importCommand()),
    job?.again ? commandRow(job.again) : "",
  ];
  const { kept, rejected, notes } = counted();
  const told = `${number(kept)} kept, ${number(rejected)} rejected, ${number(notes)} with a note.`;
  const dialog = openDialog("Save picks", [make("p", {}, told), form, ...next]);
  field.select();
  form.addEventListener("submit", () => {
    const by = wellFormed(field.value.trim()).slice(0, LONGEST_NAME);
    remember("by", by);
    download(by);
    dialog.close();
  });
}

function counted() {
  const words = [...mine.values()];
  return {
    kept: words.filter((word) => word.verdict === "kept").length,
    rejected: words.filter((word) => word.verdict === "rejected").length,
    notes: words.filter((word) => word.note).length,
  };
}

function fileName() {
  const safe = name
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}._-]+/gu, "-")
    .replace(/^[-.]+|[-.]+$/g, "");
  return `picks-${safe.slice(0, 80) || "job"}.jsonl`;
}

function importCommand() {
  const command = job?.import ?? "pipeline pick JOB.yaml --import FILE";
  return command.replace(/\bFILE\b(?!.*\bFILE\b)/, fileName());
}

/** @param {string} by */
function download(by) {
  const address = URL.createObjectURL(new Blob([lines(by)], { type: "application/x-ndjson" }));
  const link = make("a", { href: address, download: fileName() });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  unsaved.clear();
  store();
  toast(`Saved as ${fileName()}, in your downloads.`);
}

export function startVerdicts() {
  if (isLive || !entries.some((entry) => entry.sha256)) {
    return;
  }
  find(".tools").append(saveButton);
  restore();
  store();
  addEventListener("beforeunload", (event) => {
    if (unsaved.size) {
      event.preventDefault();
    }
  });
}
