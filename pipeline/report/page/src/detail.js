// @ts-check
// One clip: large, with its verdict, its note, its other takes and versions, and all that is known of it.

import { clipName, heading, plan } from "./card.js";
import { commandRow, copier } from "./commands.js";
import { button, find, make } from "./dom.js";
import { letGo, player, ratio } from "./media.js";
import { ask, asked, byTask, posts } from "./model.js";
import { judge, LONGEST_NOTE } from "./verdicts.js";
import {
  brief,
  lasting,
  moment,
  money,
  named,
  number,
  plain,
  SETTLED,
  STATUS,
  size,
  VERDICT,
} from "./words.js";

export { copier } from "./commands.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./types").Clip} Clip */
/** @typedef {import("./types").Word} Word */

const MOST_THUMBS = 24;
const MOST_DIFFERENCES = 3;
export const dialog = /** @type {HTMLDialogElement} */ (find("#detail"));
/** @type {Entry[]} what Next goes through */
let around = [];
let place = 0;
let task = "";
let pictured = "";
let stage = make("div", { class: "stage" });
/** @type {Clip | null} an earlier version that is shown in place of the clip */
let earlier = null;
/** @type {Record<string, (entry: Entry) => unknown>} what the page has for the keys, and a press can do too */
const doing = {};

/**
 * Say what the buttons for comparing and rendering again do.
 * @param {Record<string, (entry: Entry) => unknown>} what
 */
export function provide(what) {
  Object.assign(doing, what);
}

dialog.addEventListener("close", () => {
  quiet();
  dialog.replaceChildren();
  [task, pictured, earlier] = ["", "", null];
  if (asked.task) {
    ask({ task: "" });
  }
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) {
    dialog.close();
  }
});

/** Release the film that is shown. */
function quiet() {
  letGo(dialog);
  for (const film of dialog.querySelectorAll("video, audio")) {
    film.removeAttribute("src");
    /** @type {HTMLMediaElement} */ (film).load();
  }
}

/**
 * @param {Entry} entry
 * @param {Entry[]} entries among which Previous and Next go
 */
export function openDetail(entry, entries) {
  around = entries;
  place = around.includes(entry) ? around.indexOf(entry) : place;
  if (asked.task !== entry.task) {
    ask({ task: entry.task });
    return;
  }
  const isOther = task !== entry.task;
  task = entry.task;
  if (isOther) {
    earlier = null;
  }
  draw(entry, isOther);
  if (!dialog.open) {
    dialog.showModal();
  }
  if (isOther) {
    dialog.scrollTop = 0;
    find(".detail-text", dialog).scrollTop = 0;
  }
}

/**
 * Make what has changed: a film plays on, and a note that is being written stays.
 * @param {Entry} entry
 * @param {boolean} isOther
 */
function draw(entry, isOther) {
  const clip = earlier ?? entry;
  const now = [task, clip.src, clip.sha256, entry.status, entry.missing].join("\n");
  const focused = document.activeElement;
  const by = focused instanceof HTMLElement && dialog.contains(focused) ? focused.dataset.focus : "";
  const written = noteField()?.value;
  if (!dialog.open) {
    dialog.replaceChildren(
      make("div", { class: "detail-bar" }),
      make(
        "div",
        { class: "detail-body" },
        make("div", { class: "detail-stage" }),
        make("div", { class: "detail-text" }),
      ),
      make("p", { class: "said unseen", role: "status" }),
    );
    pictured = "";
  }
  if (now !== pictured) {
    pictured = now;
    quiet();
    stage = make("div", { class: "stage" });
    stage.style.setProperty("--ratio", String(ratio(clip) || ratio(entry) || 16 / 9));
    stage.append(
      player(
        /** @type {Entry} */ ({
          ...entry,
          ...clip,
          status: entry.status,
          missing: earlier ? false : entry.missing,
        }),
      ),
    );
    find(".detail-stage", dialog).replaceChildren(stage, earlier ? earlierMark() : "");
  }
  find(".detail-bar", dialog).replaceChildren(...bar(entry));
  find(".detail-text", dialog).replaceChildren(...text(entry));
  const field = noteField();
  if (by === "note" && !isOther && field && written !== undefined) {
    field.value = written;
  }
  if (by) {
    const again =
      dialog.querySelector(`[data-focus="${by}"]:not(:disabled)`) ?? dialog.querySelector("#detail-title");
    /** @type {HTMLElement | null} */ (again)?.focus({ preventScroll: true });
  }
}

/** The field of the note, where there is one. */
function noteField() {
  const field = dialog.querySelector("textarea");
  return field instanceof HTMLTextAreaElement ? field : null;
}

function earlierMark() {
  return make("p", { class: "earlier-mark" }, "An earlier version");
}

/** @param {Entry} entry */
function bar(entry) {
  const step = (/** @type {string} */ label, /** @type {number} */ by) => {
    const element = button(label, () => stepDetail(by), { class: "quiet", "data-focus": `step${by}` });
    element.disabled = !nextOf(by);
    return element;
  };
  const isThere = around.includes(entry);
  const where = isThere ? `${number(place + 1)} of ${number(around.length)}` : "";
  const others = (posts.get(entry.post)?.length ?? 1) > 1 || (entry.versions?.length ?? 0) > 0;
  return [
    step("Previous", -1),
    step("Next", 1),
    make("span", { class: "where" }, where),
    others && doing.compare
      ? button("Compare", () => doing.compare?.(entry), {
          class: "quiet",
          title: "Compare (c)",
          "data-focus": "compare",
        })
      : "",
    button("Close", () => dialog.close(), { class: "quiet", "data-focus": "close" }),
  ];
}

/** @param {Entry} entry */
function text(entry) {
  const told = plan(entry);
  return [
    make(
      "h2",
      {
        id: "detail-title",
        "data-focus": "title",
        tabindex: "-1",
        autofocus: true,
        dir: "auto",
        class: heading(entry).length > 240 ? "long" : null,
      },
      heading(entry),
    ),
    told.length ? make("p", { class: "plan", dir: "auto" }, told.join(" · ")) : "",
    entry.status === "succeeded" ? "" : trouble(entry),
    ...(entry.status === "succeeded" && entry.sha256 ? [verdicts(entry), note(entry)] : []),
    others(entry),
    actions(entry),
    facts(entry),
  ];
}

/** @param {Entry} entry */
function trouble(entry) {
  const { what, todo, command } = entry.words ?? {};
  return make(
    "div",
    { class: `trouble ${entry.status}` },
    make("strong", {}, what ?? STATUS[entry.status] ?? ""),
    todo ? make("p", {}, todo) : "",
    command ? commandRow(command) : "",
  );
}

/** @param {Entry} entry */
function verdicts(entry) {
  const word = (
    /** @type {Word | null} */ verdict,
    /** @type {string} */ label,
    /** @type {string} */ key,
  ) => {
    const element = button(label, () => void judge([entry], { verdict }), {
      class: `verdict ${verdict ?? "none"}`,
      "aria-pressed": verdict ? String(entry.verdict === verdict) : null,
      "data-focus": `verdict${verdict}`,
      "aria-keyshortcuts": key,
    });
    element.append(make("kbd", { "aria-hidden": "true" }, key));
    element.disabled = earlier !== null || (!verdict && !entry.verdict);
    return element;
  };
  const by = entry.verdict && (entry.by || entry.at || entry.said_by_row);
  const from = entry.said_by_row
    ? "as the sheet says"
    : [entry.by && `by ${entry.by}`, entry.at && moment(entry.at)].filter(Boolean).join(", ");
  return make(
    "div",
    { class: "verdicts", role: "group", "aria-label": "Verdict" },
    word("kept", "Keep", "P"),
    word("rejected", "Reject", "X"),
    word(null, "Clear", "U"),
    by ? make("span", { class: "said-by", dir: "auto" }, from) : "",
  );
}

/** @param {Entry} entry */
function note(entry) {
  const field = make("textarea", {
    id: "detail-note",
    rows: 2,
    maxlength: LONGEST_NOTE,
    dir: "auto",
    "data-focus": "note",
    placeholder: "Why, or what to change",
    "aria-keyshortcuts": "N",
  });
  field.value = entry.note ?? "";
  const keep = () => {
    if (field.value.trim() !== (entry.note ?? "").trim()) {
      void judge([entry], { note: field.value });
    }
  };
  field.addEventListener("change", keep);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      find("#detail-title", dialog).focus({ preventScroll: true });
      keep();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      field.value = entry.note ?? "";
      find("#detail-title", dialog).focus({ preventScroll: true });
    }
  });
  return make("div", { class: "note-field" }, make("label", { for: "detail-note" }, "Note"), field);
}

/**
 * The other takes and ratios of the post, and the earlier versions of this clip.
 * @param {Entry} entry
 */
function others(entry) {
  const takes = posts.get(entry.post) ?? [entry];
  const versions = entry.versions ?? [];
  if (takes.length + versions.length < 2) {
    return "";
  }
  const here = takes.indexOf(entry);
  const from = Math.max(0, Math.min(here - MOST_THUMBS / 2, takes.length - MOST_THUMBS));
  const list = make("ul", { class: "others", role: "list" });
  for (const each of takes.slice(from, from + MOST_THUMBS)) {
    const label = clipName(each) || "Now";
    list.append(
      thumb(each, label, each === entry && !earlier, `${each.verdict ?? ""}`, differences(entry, each), () =>
        show(each, null),
      ),
    );
  }
  for (const each of versions) {
    const label = `Earlier${each.finished_at ? `, ${moment(each.finished_at)}` : ""}`;
    list.append(
      thumb(each, label, each === earlier, each.verdict ?? "", differences(entry, each), () =>
        show(entry, each),
      ),
    );
  }
  return list;
}

/**
 * @param {Entry} entry
 * @param {Clip | null} version
 */
function show(entry, version) {
  earlier = version;
  if (entry.task === task) {
    draw(entry, false);
  } else {
    openDetail(entry, around);
  }
}

/**
 * @param {Clip} clip
 * @param {string} label
 * @param {boolean} isShown
 * @param {string} verdict
 * @param {string[]} differing
 * @param {() => void} pressed
 */
function thumb(clip, label, isShown, verdict, differing, pressed) {
  const element = button("", pressed, {
    class: `other ${verdict}`,
    "aria-pressed": String(isShown),
    "data-focus": `other ${label}`,
    title: differing.join("\n") || null,
  });
  element.append(
    clip.poster
      ? make("img", { src: clip.poster, alt: "", decoding: "async", loading: "lazy" })
      : make("span", { class: "no-picture", "aria-hidden": "true" }, "▷"),
    make("span", { class: "label", dir: "auto" }, label),
    verdict ? make("span", { class: `mark ${verdict}` }, VERDICT[verdict] ?? "") : "",
    ...differing
      .slice(0, MOST_DIFFERENCES)
      .map((each) => make("span", { class: "difference", dir: "auto" }, brief(each, 60))),
  );
  return make("li", {}, element);
}

/**
 * What the parameters of another clip are where they are not the same.
 * @param {Clip} one
 * @param {Clip} other
 */
function differences(one, other) {
  const names = new Set([...Object.keys(one.params), ...Object.keys(other.params ?? {})]);
  return [...names]
    .filter((name) => plain(one.params[name] ?? null) !== plain(other.params?.[name] ?? null))
    .map((name) => `${named(name)}: ${plain(other.params?.[name] ?? "–")}`);
}

/** @param {number} by */
function nextOf(by) {
  const entry = byTask.get(task);
  const isThere = entry !== undefined && around.includes(entry);
  // What a verdict has taken out of the selection has left its place to the next one.
  return around[isThere ? place + by : by > 0 ? place + by - 1 : place + by];
}

/** The clip whose details are open. */
export function clipInDetail() {
  return dialog.open ? (byTask.get(task) ?? null) : null;
}

/** Whether an earlier version is shown in place of the clip. */
export function seesEarlier() {
  return earlier !== null;
}

export function detailStage() {
  return stage;
}

/**
 * Open the next or the previous clip.
 * @param {number} by
 * @returns {Entry | null} null at the end
 */
export function stepDetail(by) {
  const next = nextOf(by);
  if (next) {
    openDetail(next, around);
  }
  return next ?? null;
}

/**
 * Open another take or ratio of the post.
 * @param {number} by
 * @param {number} nth counted from one, where it is a certain one
 */
export function stepWithin(by, nth = 0) {
  const entry = byTask.get(task);
  const all = entry ? (posts.get(entry.post) ?? []) : [];
  const next = entry && all[nth ? nth - 1 : all.indexOf(entry) + by];
  if (next) {
    show(next, null);
  }
}

export function focusNote() {
  noteField()?.focus();
}

/** @param {Entry} entry */
function actions(entry) {
  const row = make("p", { class: "actions" });
  if (entry.prompt) {
    row.append(copier("Copy prompt", entry.prompt));
  }
  if (entry.caption) {
    row.append(copier("Copy caption", entry.caption));
  }
  if (entry.src && entry.status === "succeeded" && !entry.missing && !entry.small) {
    row.append(
      make(
        "a",
        { href: (earlier ?? entry).src, class: "quiet", target: "_blank", rel: "noopener" },
        "Open the file",
      ),
    );
  }
  if (doing.again && entry.status === "succeeded") {
    row.append(
      button("Render again", () => doing.again?.(entry), {
        class: "quiet",
        title: "Render again (r)",
        "data-focus": "again",
      }),
    );
  }
  return row;
}

/** @typedef {(name: string, value: string | null | undefined) => void} Fact */

/** @param {Entry} entry */
function facts(entry) {
  const list = make("dl", { class: "facts" });
  /** @type {Fact} */
  const fact = (name, value) => {
    if (value !== undefined && value !== null && value !== "") {
      list.append(make("div", {}, make("dt", {}, name), make("dd", { dir: "auto" }, value)));
    }
  };
  fact("Prompt", entry.caption ? entry.prompt : null);
  fact("Status", (STATUS[entry.status] ?? "") + standing(entry));
  fact("Shown", entry.small ? "a smaller copy of the clip" : null);
  fact("Settled", SETTLED[entry.settled ?? ""]);
  fact("Reason", entry.error);
  fact("Not as expected", entry.flags?.join("; "));
  fact("Model", entry.model);
  for (const [name, value] of Object.entries((earlier ?? entry).params)) {
    fact(named(name), name === "prompt" ? null : plain(value));
  }
  for (const [name, value] of Object.entries(entry.meta)) {
    fact(named(name), plain(value));
  }
  fact("Cost", entry.cost === undefined ? null : money(entry.cost));
  fact("At risk", entry.at_risk ? money(entry.at_risk) : null);
  fact("Took", entry.duration_s === undefined ? null : lasting(entry.duration_s));
  fact("Attempts", entry.attempts > 1 ? number(entry.attempts) : null);
  fact("Take", takeOf(entry));
  fact("Finished", entry.finished_at ? moment(entry.finished_at) : null);
  fact("File", (earlier ?? entry).file);
  media(entry.media ?? {}, fact);
  fact("Size", entry.bytes === undefined ? null : size(entry.bytes));
  fact("HTTP status", entry.http_status === undefined ? null : String(entry.http_status));
  fact("Request", entry.request_id);
  fact("Task", entry.task);
  return list;
}

/**
 * @param {NonNullable<Entry["media"]>} found
 * @param {Fact} fact
 */
function media(found, fact) {
  const { width, height, duration_s: duration, audio, content_credentials: credentials } = found;
  fact("Picture", width && height ? `${width} × ${height}` : null);
  fact("Duration", duration === undefined || duration === null ? null : lasting(duration));
  fact("Codec", found.codec);
  fact("Sound", audio === undefined || audio === null ? null : plain(audio));
  fact("Content credentials", credentials === undefined || credentials === null ? null : plain(credentials));
}

/** @param {Entry} entry */
function standing(entry) {
  const words = {
    changed: " · changed in the job since",
    former: " · no longer in the job",
    accepted: " · waiting at the provider",
    saved: " · not in place yet",
  };
  return entry.standing ? words[entry.standing] : "";
}

/** @param {Entry} entry */
export function takeOf(entry) {
  return clipName(entry) || null;
}

export function closeDetail() {
  if (dialog.open) {
    dialog.close();
  }
}
