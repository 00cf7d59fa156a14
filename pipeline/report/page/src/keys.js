// @ts-check
// One key, one thing: the list that the help shows is the list that works.

import { clipName, heading } from "./card.js";
import { againCommand, commandRow } from "./commands.js";
import { openCompare } from "./compare.js";
import {
  clipInDetail,
  detailStage,
  focusNote,
  openDetail,
  seesEarlier,
  stepDetail,
  stepWithin,
} from "./detail.js";
import { button, find, make, openDialog, remember, remembered, say, toast } from "./dom.js";
import * as gallery from "./gallery.js";
import { isLive, startAgain } from "./live.js";
import { toggleFullScreen, togglePlay, toggleSound } from "./media.js";
import { posts, progress } from "./model.js";
import { judge, LONGEST_NOTE, save, undo } from "./verdicts.js";
import { brief, moment, number, VERDICT } from "./words.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./types").Word} Word */
/**
 * `keys` as `KeyboardEvent.key` has them, letters in lower case; `show` as people call them. `plain` ones
 * are single characters, which can be switched off; `about` ones need a clip that is current.
 * @typedef {{ keys: string[], show: string, help: string, run: (event: KeyboardEvent) => unknown, about?: boolean, repeats?: boolean }} Key
 */

const inDetail = () => clipInDetail() !== null;

/** @type {Record<string, Key[]>} */
const KEYS = {
  Go: [
    {
      keys: ["arrowright", "l"],
      show: "→ or L",
      help: "Next card; in the details the next clip",
      repeats: true,
      run: (event) => (inDetail() ? stepDetail(1) : gallery.move({ columns: 1 }, event.shiftKey)),
    },
    {
      keys: ["arrowleft", "h"],
      show: "← or H",
      help: "Previous card or clip",
      repeats: true,
      run: (event) => (inDetail() ? stepDetail(-1) : gallery.move({ columns: -1 }, event.shiftKey)),
    },
    {
      keys: ["arrowdown", "j"],
      show: "↓ or J",
      help: "A row down; in the details the next take",
      repeats: true,
      run: (event) => (inDetail() ? stepWithin(1) : gallery.move({ rows: 1 }, event.shiftKey)),
    },
    {
      keys: ["arrowup", "k"],
      show: "↑ or K",
      help: "A row up; in the details the previous take",
      repeats: true,
      run: (event) => (inDetail() ? stepWithin(-1) : gallery.move({ rows: -1 }, event.shiftKey)),
    },
    {
      keys: ["pagedown"],
      show: "Page down",
      help: "A screen down",
      repeats: true,
      run: () => gallery.move({ screens: 1 }),
    },
    {
      keys: ["pageup"],
      show: "Page up",
      help: "A screen up",
      repeats: true,
      run: () => gallery.move({ screens: -1 }),
    },
    {
      keys: ["home"],
      show: "Home",
      help: "The first card",
      run: (event) => gallery.move({ end: -1 }, event.shiftKey),
    },
    {
      keys: ["end"],
      show: "End",
      help: "The last card",
      run: (event) => gallery.move({ end: 1 }, event.shiftKey),
    },
    { keys: ["."], show: ".", help: "Next take or ratio of the card", about: true, run: () => within(1) },
    {
      keys: [","],
      show: ",",
      help: "Previous take or ratio of the card",
      about: true,
      run: () => within(-1),
    },
    {
      keys: ["1", "2", "3", "4", "5"],
      show: "1 – 5",
      help: "The first to fifth take or ratio of the card",
      about: true,
      run: (event) => within(0, Number(event.key)),
    },
    { keys: ["enter"], show: "Enter", help: "Open the details", about: true, run: openCurrent },
    { keys: ["escape"], show: "Esc", help: "Close, or select nothing", run: () => gallery.clearSelection() },
  ],
  Judge: [
    {
      keys: ["p"],
      show: "P",
      help: "Keep and move on; with Shift stay",
      about: true,
      run: (event) => word("kept", !event.shiftKey),
    },
    {
      keys: ["x"],
      show: "X",
      help: "Reject and move on; with Shift stay",
      about: true,
      run: (event) => word("rejected", !event.shiftKey),
    },
    { keys: ["u"], show: "U", help: "Clear the verdict", about: true, run: () => word(null, false) },
    {
      keys: ["o"],
      show: "O",
      help: "Keep only this take: reject the others of its ratio",
      about: true,
      run: onlyThis,
    },
    {
      keys: ["n"],
      show: "N",
      help: "Write a note",
      about: true,
      run: () => (inDetail() ? focusNote() : openNote(meant())),
    },
    { keys: ["z"], show: "Z", help: "Take the last verdict back", run: takeBack },
    { keys: ["r"], show: "R", help: "Render again", about: true, run: () => again(meant()) },
    { keys: ["s"], show: "S", help: "Save the picks as a file", run: () => save() },
  ],
  Look: [
    { keys: [" "], show: "Space", help: "Play or pause", about: true, run: () => togglePlay(stage()) },
    { keys: ["f"], show: "F", help: "Full screen", about: true, run: fullScreen },
    {
      keys: ["m"],
      show: "M",
      help: "Sound on or off",
      run: () => toast(toggleSound() ? "Sound on" : "Sound off"),
    },
    {
      keys: ["c"],
      show: "C",
      help: "Compare the takes and versions, or what is selected",
      about: true,
      run: compare,
    },
    {
      keys: ["v"],
      show: "V",
      help: "Reel: play what is shown, one after the other",
      run: () => gallery.playReel(),
    },
  ],
  Page: [
    {
      keys: ["/"],
      show: "/",
      help: "Search",
      run: () => inDetail() || find(".filters input[type=search]").focus(),
    },
    { keys: ["?"], show: "?", help: "This list", run: openHelp },
  ],
};
/** In the details these close and scroll, as in any dialog. */
const DIALOG_S_OWN = ["escape", "pageup", "pagedown", "home", "end"];
const WITH_MOUSE = [
  ["Shift + arrows", "Select several cards: verdicts are for all of them"],
  ["Ctrl or Shift + click", "The same with a mouse"],
];

/** @type {Map<string, Key>} */
const BY_KEY = new Map(
  Object.values(KEYS)
    .flat()
    .flatMap((key) => key.keys.map((each) => [each, key])),
);

/** The clips that a key is about. */
function meant() {
  const clip = clipInDetail();
  return clip ? [clip] : gallery.clipsMeant();
}

function stage() {
  return inDetail() ? detailStage() : (gallery.currentCard() ?? document.body);
}

/**
 * @param {number} by
 * @param {number} nth
 */
function within(by, nth = 0) {
  if (inDetail()) {
    stepWithin(by, nth);
  } else {
    const entry = gallery.changeClip(by, nth);
    say(entry ? clipName(entry) || heading(entry) : "No other take");
  }
}

function openCurrent() {
  const clip = gallery.currentClip();
  if (clip && !inDetail()) {
    openDetail(clip, gallery.clipsInOrder());
  }
}

async function fullScreen() {
  try {
    await toggleFullScreen(stage());
  } catch {
    toast("The browser does not allow full screen here.");
  }
}

/**
 * @param {Word | null} verdict
 * @param {boolean} movesOn
 */
function word(verdict, movesOn) {
  if (inDetail() && seesEarlier()) {
    toast("This is an earlier version: choose the present one to judge it.");
    return;
  }
  const clips = meant();
  const sayable = clips.filter((entry) => entry.sha256 && entry.status === "succeeded");
  if (!sayable.length) {
    toast("There is no clip to judge here.");
    return;
  }
  const detail = inDetail();
  const several = !detail && gallery.selectedCount() > 0;
  const next = several || detail ? null : gallery.onwards();
  const told = verdict ? (VERDICT[verdict] ?? "") : "Cleared";
  void judge(clips, { verdict });
  let there = sayable[0] ?? null;
  if (several) {
    gallery.clearSelection();
    gallery.enterGrid();
  } else if (movesOn && detail) {
    there = stepDetail(1) ?? there;
  } else if (movesOn && next) {
    there = next();
  } else if (!detail) {
    gallery.enterGrid();
  }
  tell(several ? `${told}: ${number(sayable.length)} clips` : told, there);
}

/** Keep the clip, and reject the other takes of its ratio. */
function onlyThis() {
  const [clip] = meant();
  if (!clip) {
    return;
  }
  const name = clipName(clip).split(", take")[0];
  const others = (posts.get(clip.post) ?? []).filter(
    (each) => each !== clip && clipName(each).split(", take")[0] === name,
  );
  void judge([clip], { verdict: "kept" });
  void judge(others, { verdict: "rejected" });
  tell(others.length ? `Kept, ${number(others.length)} rejected` : "Kept", clip);
}

/**
 * @param {string} told
 * @param {Entry | null} there
 */
function tell(told, there) {
  const { seen, clips } = progress();
  say(`${told}. ${number(seen)} of ${number(clips)} seen${there ? `: ${brief(heading(there), 100)}` : ""}`);
}

function takeBack() {
  const clips = undo();
  if (clips[0] && !inDetail()) {
    gallery.goTo(clips[0]);
  }
  toast(
    clips.length
      ? `Taken back: ${clips.length === 1 && clips[0] ? brief(heading(clips[0]), 60) : `${number(clips.length)} clips`}`
      : "There is nothing to take back.",
  );
}

/** @param {Entry[]} clips */
export function openNote(clips) {
  const [first] = clips;
  const sayable = clips.filter((entry) => entry.sha256 && entry.status === "succeeded");
  if (!first || !sayable.length) {
    toast("There is no clip to write a note for.");
    return;
  }
  const field = make("textarea", {
    id: "note-text",
    rows: 4,
    maxlength: LONGEST_NOTE,
    dir: "auto",
    autofocus: true,
  });
  field.value = clips.length === 1 ? (first.note ?? "") : "";
  const done = () => {
    dialog.close();
    void judge(clips, { note: field.value });
    say("Noted.");
  };
  const named = sayable.length === 1 ? brief(heading(first), 80) : `${number(sayable.length)} clips`;
  const dialog = openDialog(`Note: ${named}`, [
    make("label", { for: "note-text" }, "Enter saves, Shift + Enter begins a line, Esc leaves it as it was."),
    field,
    make("p", { class: "actions" }, button("Save the note", done, { class: "main" })),
  ]);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      done();
    }
  });
}

/**
 * Have clips rendered again: started from the page where it is served, otherwise told as a command.
 * @param {Entry[]} clips
 */
export function again(clips) {
  if (!clips.length) {
    return;
  }
  if (isLive) {
    void startAgain(clips);
    return;
  }
  const many = clips.length === 1 ? "this clip" : `these ${number(clips.length)} clips`;
  openDialog("Render again", [
    make(
      "p",
      {},
      `This command renders ${many} again, at the usual price. The present one is kept in superseded/.`,
    ),
    commandRow(againCommand(clips)),
  ]);
}

/** Show side by side what is selected, or the takes and earlier versions of the current card. */
export function compare() {
  const [first, ...others] = meant();
  if (!first) {
    return;
  }
  const clips = others.length ? [first, ...others] : (posts.get(first.post) ?? [first]);
  const ordered = others.length ? clips : [first, ...clips.filter((each) => each !== first)];
  const sides = ordered
    .filter((entry) => entry.status === "succeeded" && entry.src && !entry.missing)
    .flatMap((entry) => [
      { clip: entry, label: sideName(entry, others.length > 0), task: entry.task },
      ...(others.length ? [] : versionsOf(entry)),
    ]);
  if (sides.length > 1) {
    openCompare(sides);
  } else {
    toast("There is nothing to compare it with: select several cards with Shift and the arrows.");
  }
}

/**
 * @param {Entry} entry
 * @param {boolean} isOther of another post
 */
function sideName(entry, isOther) {
  return (isOther ? [brief(heading(entry), 60), clipName(entry)] : [clipName(entry) || "Now"])
    .filter(Boolean)
    .join(", ");
}

/** @param {Entry} entry */
function versionsOf(entry) {
  return (entry.versions ?? []).map((clip) => ({
    clip,
    label: [clipName(entry), `earlier${clip.finished_at ? `, ${moment(clip.finished_at)}` : ""}`]
      .filter(Boolean)
      .join(", "),
    task: entry.task,
  }));
}

function openHelp() {
  const switching = make("input", { type: "checkbox", id: "single-keys" });
  switching.checked = areOn();
  switching.addEventListener("change", () => remember("keys", switching.checked ? "" : "off"));
  const group = (/** @type {string} */ title, /** @type {string[][]} */ rows) =>
    make(
      "section",
      {},
      make("h3", {}, title),
      make(
        "dl",
        {},
        ...rows.map(([show = "", help = ""]) =>
          make("div", {}, make("dt", {}, make("kbd", {}, show)), make("dd", {}, help)),
        ),
      ),
    );
  openDialog(
    "Keys",
    [
      make(
        "div",
        { class: "key-groups" },
        ...Object.entries(KEYS).map(([title, keys]) =>
          group(
            title,
            keys.map(({ show, help }) => [show, help]),
          ),
        ),
        group("Select", WITH_MOUSE),
      ),
      make(
        "p",
        { class: "switch-row" },
        switching,
        make("label", { for: "single-keys" }, "Keys of a single character work"),
      ),
    ],
    { class: "help" },
  );
}

function areOn() {
  return remembered("keys") !== "off";
}

/**
 * The key as the list names it. On a keyboard of another alphabet the place of the key counts.
 * @param {KeyboardEvent} event
 */
function nameOf(event) {
  const { key, code } = event;
  if (key.length === 1 && key > "~") {
    return /^Key[A-Z]$/.test(code) ? code.slice(3).toLowerCase() : key;
  }
  return key.toLowerCase();
}

/** @param {KeyboardEvent} event */
function isTyping({ target }) {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button])"))
  );
}

/**
 * Whether the browser has a use of its own for the key where it was pressed.
 * @param {KeyboardEvent} event
 */
function isNative({ key, target }) {
  if (!(target instanceof HTMLElement)) {
    return false;
  }
  const presses = key === "Enter" || key === " ";
  return (
    (presses && target.matches("button, a, summary, input, video[controls], audio")) ||
    (key.startsWith("Arrow") && target.matches("video[controls], audio, input, [role=slider]"))
  );
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
    return;
  }
  const top = [...document.querySelectorAll("dialog[open]")].at(-1);
  const key = BY_KEY.get(nameOf(event));
  if (!key || isTyping(event) || isNative(event) || (top && top.id !== "detail")) {
    return;
  }
  const isCharacter = nameOf(event).length === 1 && event.key !== " ";
  if ((isCharacter && !areOn()) || (event.repeat && !key.repeats)) {
    return;
  }
  if (!inDetail() && (key.about || KEYS.Go?.includes(key)) && !gallery.isReady()) {
    return;
  }
  if (inDetail() && DIALOG_S_OWN.includes(nameOf(event))) {
    return;
  }
  event.preventDefault();
  if (key.about && !inDetail() && !gallery.enterGrid()) {
    return; // the first press shows which card it would be about
  }
  key.run(event);
}

export function startKeys() {
  document.addEventListener("keydown", pressed);
  find(".tools").append(
    gallery.reelButton(),
    button("?", openHelp, { class: "quiet help-button", "aria-label": "Keys", title: "Keys (?)" }),
  );
}
