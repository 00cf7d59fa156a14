// @ts-check
// One clip after the other, as an editor would show the night.

import { comeback } from "./comeback.js";
import { announcer, button, make } from "./dom.js";
import { said } from "./ics.js";
import { byTask, natural, on, published } from "./model.js";
import { channelMark } from "./posts.js";
import { screenOf } from "./screen.js";
import { judge } from "./verdicts.js";
import { brief, DATE, number, plain, titled, VERDICT } from "./words.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./types").Word} Word */
/** @typedef {{ entry: Entry, element: HTMLElement, player: HTMLVideoElement | HTMLAudioElement | null, broken: boolean }} Slot */

const STILL = 3; // seconds
const KEYS = "Space play · ← → clip · P keep · X reject · U clear · M sound · Esc close";

/** @type {Reel | null} the one that is open */
let open = null;

/** @param {Entry[]} entries in the order to play */
export function openReel(entries) {
  open?.close();
  open = new Reel(entries);
}

on("said", () => open?.showWords());
on("entries", () => open?.showWords());

/** @param {Entry} entry */
function hasClip(entry) {
  return entry.status === "succeeded" && !entry.missing && Boolean(entry.src);
}

/** @param {Entry} entry */
function dated(entry) {
  const when = published(entry);
  return when ? `${when.day} ${when.time}` : "9999";
}

class Reel {
  /** @type {Slot | null} */
  #now = null;
  /** @type {Slot | null} */
  #next = null;
  #place = 0;
  #playing = true;
  #sound = false;
  #kept = false;
  #byDate = false;
  #skipped = 0;
  /** How long a still has been shown, and since when. */
  #shownFor = 0;
  #since = 0;
  #frame = 0;
  #back = comeback();
  #dialog = make("dialog", { class: "theatre reel", "aria-label": "Reel" });
  #stage = make("div", { class: "reel-stage", tabindex: "-1", role: "group", "aria-label": "The clip" });
  #caption = make("div", { class: "reel-caption" });
  #progress = make("progress", {
    class: "reel-progress",
    max: 1,
    value: 0,
    "aria-label": "How much of the reel was shown",
  });
  #where = make("span", { class: "where" });
  #acts = make("span", { class: "side-acts" });
  #status = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
  #tell = announcer(this.#status, 50);
  #play = button("Pause", () => this.#toggle(), { class: "quiet transport-play" });
  #mute = button("Sound", () => this.#setSound(), { class: "quiet", "aria-pressed": "false" });

  /** @param {Entry[]} entries */
  constructor(entries) {
    this.all = entries;
    /** @type {Entry[]} */
    this.list = [];
    this.#build();
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#stage.focus({ preventScroll: true });
    this.#order();
  }

  close() {
    this.#dialog.close();
  }

  #build() {
    const kept = button(
      "Kept only",
      () => {
        this.#kept = !this.#kept;
        kept.setAttribute("aria-pressed", String(this.#kept));
        this.#order();
      },
      { class: "quiet", "aria-pressed": "false" },
    );
    const order = make(
      "select",
      { "aria-label": "Order" },
      make("option", { value: "" }, "As listed"),
      make("option", { value: "date" }, "By date"),
    );
    order.addEventListener("change", () => {
      this.#byDate = order.value === "date";
      this.#order();
    });
    this.#stage.append(this.#caption);
    this.#dialog.append(
      make(
        "div",
        { class: "theatre-bar" },
        make("h2", {}, "Reel"),
        kept,
        order,
        button("Close", () => this.close(), { class: "quiet" }),
      ),
      this.#stage,
      this.#progress,
      make(
        "div",
        { class: "reel-foot" },
        button("‹", () => this.#go(-1), { class: "quiet", "aria-label": "Previous clip" }),
        this.#play,
        button("›", () => this.#go(1), { class: "quiet", "aria-label": "Next clip" }),
        this.#mute,
        this.#where,
        this.#acts,
      ),
      make("p", { class: "hint" }, KEYS),
      this.#status,
    );
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("click", (event) => {
      // A mouse leaves the keys with the clip, as in every player.
      if (event.detail && this.#dialog.open && !(/** @type {Element} */ (event.target).matches("select"))) {
        this.#stage.focus({ preventScroll: true });
      }
    });
    this.#dialog.addEventListener("close", () => this.#closed());
  }

  #closed() {
    cancelAnimationFrame(this.#frame);
    this.#drop(this.#now);
    this.#drop(this.#next);
    this.#dialog.remove();
    open = open === this ? null : open;
    this.#back();
  }

  // What is shown stays the same while it plays, whatever is said of the clips meanwhile.
  #order() {
    const wanted = this.all
      .map((entry) => byTask.get(entry.task) ?? entry)
      .filter((entry) => !this.#kept || entry.verdict === "kept");
    this.list = wanted.filter(hasClip);
    this.#skipped = wanted.length - this.list.length;
    if (this.#byDate) {
      this.list.sort((one, other) => natural(dated(one), dated(other)));
    }
    this.#show(0);
  }

  /** @param {number} by */
  #go(by) {
    this.#show(Math.min(Math.max(0, this.#place + by), this.list.length));
  }

  /** @param {number} place */
  #show(place) {
    this.#place = place;
    const entry = this.list[place];
    const ready = entry && this.#next?.entry === entry ? this.#next : null;
    if (!ready) {
      this.#drop(this.#next);
    }
    this.#next = null;
    this.#drop(this.#now);
    this.#now = entry ? (ready ?? this.#slot(entry)) : null;
    this.#shownFor = 0;
    this.#since = performance.now();
    if (this.#now) {
      this.#now.element.classList.remove("waiting");
      this.#start();
      const after = this.list[place + 1];
      if (after) {
        this.#next = this.#slot(after);
        this.#next.element.classList.add("waiting");
      }
    }
    this.showWords();
    cancelAnimationFrame(this.#frame);
    this.#tick();
  }

  /** @param {Entry} entry @returns {Slot} */
  #slot(entry) {
    /** @type {Slot} */
    const slot = { entry, element: make("div", { class: "reel-slot" }), player: null, broken: false };
    const { screen, player } = screenOf(entry, brief(titled(entry)), () => {
      slot.broken = true;
      if (slot === this.#now) {
        this.#skip();
      }
    });
    slot.player = player;
    slot.element.append(screen);
    player?.addEventListener("ended", () => {
      if (slot === this.#now) {
        this.#go(1);
      }
    });
    this.#stage.prepend(slot.element);
    return slot;
  }

  /** @param {Slot | null} slot */
  #drop(slot) {
    slot?.player?.pause();
    slot?.player?.removeAttribute("src");
    slot?.player?.load();
    slot?.element.remove();
  }

  #skip() {
    this.#skipped += 1;
    this.#tell(
      `${brief(titled(this.#now?.entry ?? /** @type {any} */ ({})), 60)} cannot be played: skipped.`,
    );
    this.#go(1);
  }

  #start() {
    const slot = this.#now;
    if (slot?.broken) {
      this.#skip();
      return;
    }
    this.#since = performance.now();
    if (slot?.player) {
      slot.player.muted = !this.#sound;
      if (this.#playing) {
        slot.player.play().catch(() => {
          /* paused again before it began, or not to be played: its error says so */
        });
      } else {
        slot.player.pause();
      }
    }
  }

  #toggle() {
    if (!this.#now) {
      this.#playing = true;
      this.#show(0);
      return;
    }
    this.#shownFor = this.#gone();
    this.#playing = !this.#playing;
    this.#start();
    this.#showState();
  }

  #setSound() {
    this.#sound = !this.#sound;
    this.#mute.setAttribute("aria-pressed", String(this.#sound));
    if (this.#now?.player) {
      this.#now.player.muted = !this.#sound;
    }
  }

  // Seconds that a still was shown.
  #gone() {
    return this.#shownFor + (this.#playing ? (performance.now() - this.#since) / 1000 : 0);
  }

  #tick() {
    this.#frame = requestAnimationFrame(() => {
      const { player } = this.#now ?? {};
      const part = player
        ? player.currentTime / (player.duration || Number.POSITIVE_INFINITY)
        : this.#gone() / STILL;
      this.#progress.value = this.list.length
        ? (this.#place + Math.min(1, this.#now ? part : 0)) / this.list.length
        : 1;
      if (this.#now && !player && this.#gone() >= STILL) {
        this.#go(1);
      } else if (this.#now) {
        this.#tick();
      }
    });
  }

  #showState() {
    const left = this.#skipped ? ` · ${number(this.#skipped)} without a clip to play left out` : "";
    const at = this.#now
      ? `${number(this.#place + 1)} of ${number(this.list.length)}`
      : `${number(this.list.length)} shown`;
    this.#where.textContent = at + left;
    this.#play.textContent = this.#now ? (this.#playing ? "Pause" : "Play") : "Play again";
    this.#play.disabled = !this.list.length;
  }

  /** What is under the clip: the words for it, and those that people have said. */
  showWords() {
    this.#showState();
    const held = this.#acts.contains(document.activeElement)
      ? document.activeElement?.getAttribute("data-do")
      : null;
    const entry = this.#now && (byTask.get(this.#now.entry.task) ?? this.#now.entry);
    if (!entry) {
      const words = this.list.length
        ? "The end"
        : this.#kept
          ? "None of these clips is kept"
          : "None of these has a clip that can be played";
      this.#caption.replaceChildren(make("h3", {}, words));
      this.#acts.replaceChildren();
      return;
    }
    const when = published(entry);
    const channel = said(entry, "channel");
    this.#caption.replaceChildren(
      make("h3", { dir: "auto" }, said(entry, "caption") || titled(entry)),
      make(
        "p",
        { class: "reel-facts" },
        channel
          ? make(
              "span",
              { dir: "auto" },
              channelMark(channel),
              make("span", { "aria-hidden": "true" }, brief(channel, 40)),
            )
          : null,
        when
          ? make("span", {}, `${DATE.format(when.date)}${when.time ? `, ${when.time}` : ""}`)
          : make("span", {}, "no date"),
        ...Object.values(entry.values ?? {}).map((value) =>
          make("span", { dir: "auto" }, brief(plain(value), 40)),
        ),
        said(entry, "campaign") ? make("span", { dir: "auto" }, brief(said(entry, "campaign"), 60)) : null,
      ),
    );
    /** @param {string} label @param {Word | null} word */
    const act = (label, word) =>
      button(label, () => this.#say(word, true), {
        class: "quiet",
        "data-do": word ?? "clear",
        ...(word ? { "aria-pressed": String(entry.verdict === word) } : {}),
      });
    this.#acts.replaceChildren(
      act("Keep", "kept"),
      act("Reject", "rejected"),
      entry.verdict ? act("Clear", null) : "",
    );
    /** @type {HTMLElement | null} */ (
      held ? this.#acts.querySelector(`[data-do="${held}"]`) : null
    )?.focus();
  }

  /** @param {Word | null} verdict @param {boolean} stay with the clip */
  async #say(verdict, stay) {
    const slot = this.#now;
    const entry = slot && byTask.get(slot.entry.task);
    // A clip that was made again meanwhile is not the one that is shown.
    if (!entry || entry.sha256 !== slot.entry.sha256) {
      this.#tell("Another clip has taken the place of this one.");
      return;
    }
    try {
      await judge([entry], { verdict });
      this.#tell(`${verdict ? VERDICT[verdict] : "No verdict"}: ${brief(titled(entry), 60)}`);
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error));
      return;
    }
    if (!stay && slot === this.#now) {
      this.#go(1);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // The keys of the page below have nothing to do here.
    event.stopPropagation();
    const target = /** @type {HTMLElement} */ (event.target);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      target.matches("select") ||
      (key === " " && target.matches("button"))
    ) {
      return;
    }
    /** @type {Record<string, () => unknown>} */
    const keys = {
      " ": () => this.#toggle(),
      ArrowLeft: () => this.#go(-1),
      ArrowRight: () => this.#go(1),
      ArrowUp: () => this.#go(-1),
      ArrowDown: () => this.#go(1),
      Home: () => this.#show(0),
      p: () => this.#say("kept", event.shiftKey),
      x: () => this.#say("rejected", event.shiftKey),
      u: () => this.#say(null, true),
      m: () => this.#setSound(),
    };
    const act = keys[key];
    if (act) {
      event.preventDefault();
      act();
    }
  }
}
