// @ts-check
// The posts as a calendar file (RFC 5545), with the same events as `pipeline export --to ics` makes.

import { readMoment } from "./dates.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {{ publish: string, channel: string, caption: string, entries: Entry[] }} Dated */

const LONGEST_LINE = 75; // bytes of UTF-8
const LONGEST_SUMMARY = 75; // characters
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a text of the file must not have
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]|\p{Cs}/gu;
const ENCODER = new TextEncoder();

/**
 * What a job says of an entry's post.
 * @param {Entry} entry
 * @param {"publish" | "channel" | "caption" | "campaign"} name
 */
export function said(entry, name) {
  return String(entry[name] ?? entry.meta[name] ?? "").trim();
}

/**
 * Write the finished clips that have a date as a calendar; the same clips give the same bytes.
 * @param {string} job its name
 * @param {Entry[]} entries in the order of the job
 */
export async function calendarFile(job, entries) {
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//overnight-pipeline//export//EN",
    `X-WR-CALNAME:${escaped(job)}`,
  ];
  /** @type {Map<string, number>} */
  const before = new Map();
  for (const post of postsOf(entries)) {
    const task = post.entries[0]?.task ?? "";
    const twins = before.get(task) ?? 0;
    before.set(task, twins + 1);
    lines.push(...event(post, await uid(job, task, twins)));
  }
  return [...lines, "END:VCALENDAR", ""].flatMap((line) => (line ? folded(line) : [""])).join("\r\n");
}

/**
 * What goes out at one time on one channel: one clip, or the shapes and takes of one.
 * @param {Entry[]} entries
 */
function postsOf(entries) {
  /** @type {Map<string, Dated>} */
  const found = new Map();
  for (const entry of entries) {
    const [publish, channel, caption] = [
      said(entry, "publish"),
      said(entry, "channel"),
      said(entry, "caption"),
    ];
    if (entry.status !== "succeeded" || entry.standing || !readMoment(publish)) {
      continue;
    }
    const key = JSON.stringify([publish, channel, caption]);
    const post = found.get(key) ?? { publish, channel, caption, entries: [] };
    post.entries.push(entry);
    found.set(key, post);
  }
  return found.values();
}

/**
 * An event is named by its task, not by what it says: one moved or reworded stays the same.
 * @param {string} job
 * @param {string} task
 * @param {number} before how many posts above have the same task
 */
async function uid(job, task, before) {
  const name = ENCODER.encode(`${job}/${task}${before ? `/${before}` : ""}`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", name));
  return `${[...hash]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .slice(0, 20)}@overnight-pipeline`;
}

/**
 * @param {Dated} post
 * @param {string} name
 */
function event(post, name) {
  const addresses = post.entries.map(address).filter(Boolean);
  return [
    "BEGIN:VEVENT",
    `SUMMARY:${escaped(summary(post))}`,
    start(post.publish),
    `DTSTAMP:${stamp(new Date(Math.max(...post.entries.map(finished))))}`,
    `UID:${name}`,
    ...(post.caption ? [`DESCRIPTION:${escaped(post.caption)}`] : []),
    ...addresses.map((each) => `ATTACH:${each}`),
    ...(post.channel ? [`CATEGORIES:${escaped(post.channel)}`] : []),
    "TRANSP:TRANSPARENT",
    ...(/^https?:/.test(addresses[0] ?? "") ? [`URL:${addresses[0]}`] : []),
    "END:VEVENT",
  ];
}

/**
 * A day, or a time: in UTC where its zone is written, else by the reader's own clock.
 * @param {string} publish
 */
function start(publish) {
  const when = readMoment(publish);
  if (!when?.clock) {
    return `DTSTART;VALUE=DATE:${when?.day.replaceAll("-", "")}`;
  }
  if (when.zone === null) {
    return `DTSTART:${when.day.replaceAll("-", "")}T${when.clock.replaceAll(":", "")}`;
  }
  return `DTSTART:${stamp(new Date(Date.parse(`${when.day}T${when.clock}Z`) - when.zone * 60_000))}`;
}

/** @param {Date} moment */
function stamp(moment) {
  return moment.toISOString().replace(/\.\d+/, "").replace(/[-:]/g, "");
}

/** @param {Entry} entry */
function finished(entry) {
  return Date.parse(entry.finished_at ?? "") || 0;
}

/** @param {Dated} post */
function summary(post) {
  const first = (post.caption || post.entries[0]?.task || "").split("\n", 1)[0] ?? "";
  const letters = [...first];
  const words =
    letters.length <= LONGEST_SUMMARY ? first : `${letters.slice(0, LONGEST_SUMMARY - 1).join("")}…`;
  return post.channel ? `${post.channel}: ${words}` : words;
}

/**
 * Where the clip is; nothing where the page has it inside itself.
 * @param {Entry} entry
 */
function address(entry) {
  const found =
    entry.src && URL.canParse(entry.src, document.baseURI) ? new URL(entry.src, document.baseURI) : null;
  return found && /^(https?|file):$/.test(found.protocol) ? found.href : "";
}

/** @param {string} text */
function escaped(text) {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(CONTROL, "\ufffd")
    .replace(/[\\;,]/g, "\\$&")
    .replaceAll("\n", "\\n");
}

/**
 * Break a line before it is too long, never inside a character.
 * @param {string} line
 */
function folded(line) {
  const parts = [];
  let [part, length] = ["", 0];
  for (const letter of line) {
    const bytes = ENCODER.encode(letter).length;
    if (length + bytes > LONGEST_LINE) {
      parts.push(part);
      [part, length] = [" ", 1];
    }
    part += letter;
    length += bytes;
  }
  return [...parts, part];
}
