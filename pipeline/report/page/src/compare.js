// @ts-check
// Two to four clips side by side, playing in step, and what differs between them.

import { Clock } from "./clock.js";
import { comeback } from "./comeback.js";
import { differenceTable } from "./difference.js";
import { announcer, button, make } from "./dom.js";
import { on } from "./model.js";
import { screenOf } from "./screen.js";
import { present } from "./sides.js";
import { judge } from "./verdicts.js";
import { VERDICT } from "./words.js";

export { sidesOf } from "./sides.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./types").Word} Word */
/** @typedef {import("./sides.js").Side} Side */
/** @typedef {{ side: Side, element: HTMLElement, foot: HTMLElement, player: HTMLVideoElement | HTMLAudioElement | null }} Shown */

const MOST = 4;
const KEYS =
  "1–4 choose · P keep · X reject · U clear · Space play · , . frame · ← → second · D wipe · M sound · L loop · Esc close";

/** @type {Compare | null} the one that is open */
let open = null;

/**
 * Show clips side by side: two to four of `sides` at once, the first ones first.
 * @param {Side[]} sides
 */
export function openCompare(sides) {
  if (sides.length > 1) {
    open?.close();
    open = new Compare(sides);
  }
}

on("said", () => open?.showWords());
on("entries", () => open?.showWords());

class Compare {
  /** @type {Shown[]} */
  #shown = [];
  #focused = 0;
  #sounding = -1;
  #wiping = false;
  #clock;
  #back = comeback();
  #dialog = make("dialog", { class: "theatre compare", "aria-label": "Compare" });
  #grid = make("div", { class: "sides" });
  #table = make("div", { class: "difference", role: "region", "aria-label": "What differs", tabindex: "0" });
  #strip = make("ul", { class: "choice", role: "list", "aria-label": "Clips to choose from" });
  #status = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
  #tell = announcer(this.#status, 50);
  #time = make("output", { class: "clock" });
  #scrubber = make("input", {
    type: "range",
    min: 0,
    max: 0,
    step: 0.01,
    value: 0,
    "aria-label": "Position",
  });
  #wipe = make("input", {
    type: "range",
    class: "wipe-at",
    min: 0,
    max: 100,
    step: 0.5,
    value: 50,
    "aria-label": "Where the two meet",
  });
  #play = button("", () => this.#toggle(), { class: "quiet transport-play" });
  #loop = button("Loop", () => this.#setLoop(), { class: "quiet", "aria-pressed": "true" });
  #wiper = button("Wipe", () => this.#setWipe(!this.#wiping), { class: "quiet", "aria-pressed": "false" });

  /** @param {Side[]} sides */
  constructor(sides) {
    this.all = sides;
    /** @type {Side[]} */
    this.chosen = sides.slice(0, MOST);
    this.#clock = new Clock(() => this.#showTime());
    this.#build();
    this.#showSides();
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#focus(0);
  }

  close() {
    this.#dialog.close();
  }

  #build() {
    const close = button("Close", () => this.close(), { class: "quiet" });
    const transport = make(
      "div",
      { class: "transport" },
      button("‹", () => this.#clock.step(-1), { class: "quiet", "aria-label": "One frame back" }),
      this.#play,
      button("›", () => this.#clock.step(1), { class: "quiet", "aria-label": "One frame forward" }),
      this.#scrubber,
      this.#time,
      this.#loop,
    );
    this.#dialog.append(
      make("div", { class: "theatre-bar" }, make("h2", {}, "Compare"), this.#wiper, close),
      this.#grid,
      this.#wipe,
      transport,
      this.#table,
      this.#strip,
      make("p", { class: "hint" }, KEYS),
      this.#status,
    );
    this.#scrubber.addEventListener("input", () => this.#clock.seek(Number(this.#scrubber.value)));
    this.#wipe.addEventListener("input", () =>
      this.#grid.style.setProperty("--wipe", `${this.#wipe.value}%`),
    );
    this.#grid.addEventListener("pointermove", (event) => this.#drag(event));
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("click", (event) => this.#refocus(event));
    this.#dialog.addEventListener("close", () => this.#closed());
  }

  #closed() {
    this.#clock.close();
    for (const each of this.#shown) {
      release(each.player);
    }
    this.#dialog.remove();
    open = open === this ? null : open;
    this.#back();
  }

  // A mouse leaves the keys with the clip: the next space plays, and does not press the button again.
  /** @param {MouseEvent} event */
  #refocus(event) {
    const target = /** @type {Element} */ (event.target);
    const place = this.#shown.findIndex((each) => each.element.contains(target));
    if (event.detail && this.#dialog.open && !target.closest(".choice, input")) {
      this.#focus(place < 0 ? this.#focused : place);
    }
  }

  #showSides() {
    const position = this.#clock.position;
    const { loop } = this.#clock;
    this.#clock.close();
    for (const each of this.#shown) {
      release(each.player);
    }
    this.#clock = new Clock(() => this.#showTime());
    this.#clock.loop = loop;
    this.#shown = this.chosen.map((side, place) => this.#side(side, place));
    this.#grid.replaceChildren(...this.#shown.map((each) => each.element));
    this.#grid.dataset.count = String(this.#shown.length);
    this.#clock.seek(position);
    const players = this.#shown.filter((each) => each.player);
    this.#sounding =
      players.length && players.every((each) => each.player instanceof HTMLAudioElement) ? 0 : -1;
    this.#focused = Math.min(this.#focused, this.#shown.length - 1);
    this.#showSound();
    this.#showWipe();
    this.showWords();
    this.#showTable();
    this.#showStrip();
    this.#showTime();
  }

  /** @param {Side} side @param {number} place @returns {Shown} */
  #side(side, place) {
    const foot = make("div", { class: "side-foot" });
    const { screen, player } = screenOf(side.clip, side.label, () => {
      if (player) {
        this.#clock.remove(player);
      }
    });
    const element = make(
      "section",
      { class: "side", tabindex: "-1", "aria-label": `${place + 1}: ${side.label}` },
      make("div", { class: "side-stage" }, screen),
      foot,
    );
    element.addEventListener("focusin", () => this.#mark(place));
    if (player) {
      this.#clock.add(player);
      player.addEventListener("loadedmetadata", () => this.#showTable());
    }
    return { side, element, foot, player };
  }

  /** The verdicts and their buttons; what is no longer the task's clip has none. */
  showWords() {
    for (const [place, { side, foot, player }] of this.#shown.entries()) {
      const held = foot.contains(document.activeElement)
        ? document.activeElement?.getAttribute("data-do")
        : null;
      const entry = present(side);
      const word = entry ? undefined : side.clip.verdict;
      const sound = player
        ? button("♪", () => this.#setSound(place), {
            class: "quiet",
            "data-do": "sound",
            "aria-pressed": String(this.#sounding === place),
            "aria-label": `Sound of ${place + 1}`,
            title: "Sound",
          })
        : null;
      foot.replaceChildren(
        make("span", { class: "side-number", "aria-hidden": "true" }, String(place + 1)),
        make("span", { class: "side-label", dir: "auto" }, side.label),
        word ? make("span", { class: `side-word ${word}` }, VERDICT[word] ?? "") : "",
        make(
          "span",
          { class: "side-acts" },
          ...(entry ? this.#acts(place, entry) : [make("span", { class: "side-none" }, "earlier version")]),
          sound,
        ),
      );
      /** @type {HTMLElement | null} */ (held ? foot.querySelector(`[data-do="${held}"]`) : null)?.focus();
    }
  }

  /** @param {number} place @param {Entry} entry */
  #acts(place, entry) {
    /** @param {string} label @param {Word | null} word */
    const act = (label, word) =>
      button(label, () => this.#say(place, word), {
        class: "quiet",
        "data-do": word ?? "clear",
        "aria-label": `${label} ${place + 1}`,
        ...(word ? { "aria-pressed": String(entry.verdict === word) } : {}),
      });
    return [act("Keep", "kept"), act("Reject", "rejected"), ...(entry.verdict ? [act("Clear", null)] : [])];
  }

  /** @param {number} place @param {Word | null} verdict */
  async #say(place, verdict) {
    const side = this.#shown[place]?.side;
    const entry = side && present(side);
    if (!entry) {
      this.#tell("This is an earlier version: what is said counts for the clip that is there now.");
      return;
    }
    try {
      await judge([entry], { verdict });
      this.#tell(`${place + 1}: ${verdict ? VERDICT[verdict] : "no verdict"}.`);
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {number} place */
  #focus(place) {
    this.#shown[place]?.element.focus({ preventScroll: true });
  }

  /** @param {number} place */
  #mark(place) {
    this.#focused = place;
    for (const [at, each] of this.#shown.entries()) {
      each.element.classList.toggle("focused", at === place);
    }
    this.#showWipe();
  }

  #toggle() {
    if (this.#clock.playing) {
      this.#clock.pause();
    } else {
      this.#clock.play();
    }
  }

  #setLoop() {
    this.#clock.loop = !this.#clock.loop;
    this.#loop.setAttribute("aria-pressed", String(this.#clock.loop));
  }

  /** @param {number} place */
  #setSound(place) {
    this.#sounding = this.#sounding === place ? -1 : place;
    this.#showSound();
    this.showWords();
  }

  #showSound() {
    for (const [place, each] of this.#shown.entries()) {
      if (each.player) {
        each.player.muted = place !== this.#sounding;
      }
    }
  }

  /** @param {boolean} wiping */
  #setWipe(wiping) {
    this.#wiping = wiping;
    this.#showWipe();
  }

  // Over the first side lies the one in focus, or the second.
  #showWipe() {
    const top = this.#focused || 1;
    this.#grid.classList.toggle("wipe", this.#wiping);
    this.#wiper.setAttribute("aria-pressed", String(this.#wiping));
    this.#wipe.hidden = !this.#wiping;
    for (const [place, each] of this.#shown.entries()) {
      const hidden = this.#wiping && place !== 0 && place !== top;
      each.element.classList.toggle("over", this.#wiping && place === top);
      each.element.classList.toggle("away", hidden);
    }
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    if (this.#wiping && event.buttons === 1) {
      const { left, width } = this.#grid.getBoundingClientRect();
      this.#wipe.value = String(((event.clientX - left) / width) * 100);
      this.#grid.style.setProperty("--wipe", `${this.#wipe.value}%`);
    }
  }

  #showTime() {
    const { length, position, playing, held } = this.#clock;
    const words = `${position.toFixed(2)} of ${length.toFixed(2)} s${held ? " · waiting" : ""}`;
    this.#scrubber.max = String(length);
    this.#scrubber.value = String(position);
    this.#scrubber.setAttribute("aria-valuetext", `${position.toFixed(1)} of ${length.toFixed(1)} seconds`);
    this.#time.textContent = words;
    const label = playing ? "Pause" : "Play";
    if (this.#play.textContent !== label) {
      this.#play.textContent = label;
    }
    for (const { element, player } of this.#shown) {
      element.classList.toggle(
        "ended",
        Boolean(player && player.duration < length - 0.1 && position >= player.duration),
      );
    }
  }

  #showTable() {
    const sides = this.#shown.map((each) => each.side);
    const players = new Map(this.#shown.map((each) => [each.side, each.player]));
    this.#table.replaceChildren(differenceTable(sides, (side) => measured(players.get(side) ?? null)));
  }

  #showStrip() {
    this.#strip.hidden = this.all.length <= MOST;
    const keep = [...this.#strip.querySelectorAll("button")].indexOf(
      /** @type {any} */ (document.activeElement),
    );
    this.#strip.replaceChildren(
      ...this.all.map((side) => {
        const choice = button("", () => this.#choose(side), {
          "aria-pressed": String(this.chosen.includes(side)),
        });
        choice.append(
          side.clip.poster
            ? make("img", { src: side.clip.poster, alt: "", loading: "lazy", decoding: "async" })
            : make("span", { class: "no-still" }),
          make("span", { dir: "auto" }, side.label),
        );
        return make("li", {}, choice);
      }),
    );
    this.#strip.querySelectorAll("button")[keep]?.focus();
  }

  /** @param {Side} side */
  #choose(side) {
    const there = this.chosen.includes(side);
    if (there && this.chosen.length === 2) {
      this.#tell("Two at least are compared.");
      return;
    }
    if (there) {
      this.chosen = this.chosen.filter((each) => each !== side);
    } else if (this.chosen.length === MOST) {
      this.chosen = this.chosen.with(this.#focused, side);
    } else {
      this.chosen = [...this.chosen, side];
    }
    this.#showSides();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // The keys of the page below have nothing to do here.
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const target = /** @type {HTMLElement} */ (event.target);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const pressing =
      (key === " " && target.matches("button")) || (target === this.#wipe && key.startsWith("Arrow"));
    const act = pressing ? undefined : this.#does(key, event.shiftKey);
    if (act) {
      event.preventDefault();
      act();
    }
  }

  /** @param {string} key @param {boolean} fine @returns {(() => unknown) | undefined} */
  #does(key, fine) {
    const clock = this.#clock;
    const second = fine ? 0.1 : 1;
    /** @type {Record<string, () => unknown>} */
    const keys = {
      " ": () => this.#toggle(),
      ",": () => clock.step(-1),
      ".": () => clock.step(1),
      ArrowLeft: () => clock.seek(clock.position - second),
      ArrowRight: () => clock.seek(clock.position + second),
      Home: () => clock.seek(0),
      End: () => clock.seek(clock.length),
      p: () => this.#say(this.#focused, "kept"),
      x: () => this.#say(this.#focused, "rejected"),
      u: () => this.#say(this.#focused, null),
      d: () => this.#setWipe(!this.#wiping),
      m: () => this.#setSound(this.#focused),
      l: () => this.#setLoop(),
    };
    return /^[1-4]$/.test(key) ? () => this.#focus(Number(key) - 1) : keys[key];
  }
}

/** @param {HTMLVideoElement | HTMLAudioElement | null} player */
function measured(player) {
  const picture =
    player instanceof HTMLVideoElement && player.videoWidth
      ? { width: player.videoWidth, height: player.videoHeight }
      : {};
  return player?.duration && Number.isFinite(player.duration)
    ? { ...picture, duration: player.duration }
    : picture;
}

/** @param {HTMLVideoElement | HTMLAudioElement | null} player */
function release(player) {
  player?.pause();
  player?.removeAttribute("src");
  player?.load();
}
