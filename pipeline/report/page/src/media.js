// @ts-check
// Clips on the screen: stills until they are played, loaded when near, let go when they leave.

import { make } from "./dom.js";
import { brief, STATUS, titled } from "./words.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {{ load: () => void, unload: () => void }} Loader */
/** @typedef {{ thumb?: boolean }} Options */

export const calm = matchMedia("(prefers-reduced-motion: reduce)");
const REST = 250; // milliseconds a mouse stays on a clip before it moves
const TILES = 9;
const WIDE_ENOUGH = 260; // CSS pixels that the browser's controls need
/** @type {WeakMap<Element, Loader>} */
const loaders = new WeakMap();
/** @type {Set<Element>} */
const loaded = new Set();
/** @type {WeakMap<Element, Screen>} */
const screens = new WeakMap();
/** @type {Screen | null} the one that plays, or was played last */
let playing = null;
let muted = true;

// Chromium never frees an image that was in the page, nor the card that was around it: so they are used
// again, and a thousand clips need as many images as are on the screen.
/** @type {HTMLImageElement[]} */
const spare = [];

const nearby = new IntersectionObserver(
  (changes) => {
    for (const { target, isIntersecting } of changes) {
      const loader = loaders.get(target);
      if (isIntersecting && !loaded.has(target)) {
        loaded.add(target);
        loader?.load();
      } else if (!isIntersecting && loaded.has(target)) {
        loaded.delete(target);
        loader?.unload();
      }
    }
  },
  { rootMargin: "300px 0px" },
);

/**
 * @param {Element} holder what is watched
 * @param {Loader} loader
 */
function watch(holder, loader) {
  loaders.set(holder, loader);
  nearby.observe(holder);
}

/**
 * Release what the clips within an element hold, before it leaves the page.
 * @param {Element} container
 */
export function letGo(container) {
  for (const holder of loaded) {
    if (container.contains(holder)) {
      nearby.unobserve(holder);
      loaded.delete(holder);
      loaders.get(holder)?.unload();
    }
  }
  for (const box of container.querySelectorAll(".screen")) {
    screens.get(box)?.rest();
  }
  for (const image of container.querySelectorAll("img.poster")) {
    if (image instanceof HTMLImageElement) {
      image.onerror = null;
      image.onload = null;
      image.classList.remove("drawn");
      image.removeAttribute("src");
      image.remove();
      spare.push(image);
    }
  }
}

/**
 * Width ÷ height of a clip; 0 where nothing tells it.
 * @param {Partial<Entry>} entry
 */
export function ratio(entry) {
  if (entry.shape) {
    return entry.shape;
  }
  if (entry.poster_w && entry.poster_h) {
    return bounded(entry.poster_w / entry.poster_h);
  }
  if (entry.media?.width && entry.media.height) {
    return bounded(entry.media.width / entry.media.height);
  }
  const { aspect_ratio: aspect, width, height } = entry.params ?? {};
  const parts = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(String(aspect ?? ""));
  const known = parts ? Number(parts[1]) / Number(parts[2]) : Number(width) / Number(height);
  return known > 0.1 && known < 10 ? known : 0;
}

/** @param {number} shape */
function bounded(shape) {
  return Math.min(Math.max(shape, 0.1), 10);
}

/**
 * Make what stands where a clip would be; `missing` clips are known before they are tried.
 * @param {Entry} entry
 * @param {HTMLElement} holder
 * @param {Options} options
 */
export function picture(entry, holder, { thumb = false } = {}) {
  if (entry.status !== "succeeded") {
    return reason(entry);
  }
  if (!entry.src && entry.poster) {
    return onlyStills(entry, holder, thumb); // a bundle has no room for the clip itself
  }
  if (entry.missing || !entry.src) {
    return absent(entry);
  }
  if (entry.kind === "image") {
    return image(entry, holder);
  }
  if (entry.kind === "audio" && !thumb) {
    return audio(entry, holder);
  }
  if (entry.kind === "video") {
    return thumb ? still(entry, holder) : new Screen(entry, holder).box;
  }
  return instead("", "File", entry.file ?? "");
}

/**
 * @param {Entry} entry
 * @param {HTMLElement} holder
 * @param {boolean} thumb
 */
function onlyStills(entry, holder, thumb) {
  return entry.kind === "video" && entry.strip && !thumb
    ? new Screen(entry, holder).box
    : make("img", { src: entry.poster, alt: thumb ? "" : brief(titled(entry)), decoding: "async" });
}

/**
 * Make the large player of a clip: it plays at once where motion is welcome.
 * @param {Entry} entry
 */
export function player(entry) {
  if (entry.kind !== "video" || entry.status !== "succeeded" || entry.missing || !entry.src) {
    const box = make("div", { class: "screen" });
    box.append(picture(entry.src ? { ...entry, poster: undefined } : entry, box));
    return box;
  }
  const film = video(entry);
  film.controls = true;
  film.autoplay = !calm.matches;
  if (entry.poster) {
    film.poster = entry.poster;
  }
  film.preload = calm.matches && entry.poster ? "none" : "auto";
  film.addEventListener("error", () => film.hasAttribute("src") && film.replaceWith(absent(entry)));
  film.addEventListener("volumechange", () => {
    muted = film.muted;
  });
  film.src = entry.src;
  return film;
}

/**
 * @param {string} kind
 * @param {string} what
 * @param {...string} words
 */
function instead(kind, what, ...words) {
  const lines = words.filter(Boolean).map((text) => make("span", { dir: "auto" }, brief(text, 400)));
  return make("div", { class: `instead ${kind}` }, make("strong", {}, what), ...lines);
}

/** @param {Entry} entry */
function reason(entry) {
  const label = entry.standing === "accepted" ? "Waiting at the provider" : (STATUS[entry.status] ?? "");
  const why = entry.words?.what ?? entry.error ?? (entry.status === "pending" ? "" : "No reason was given.");
  return instead(entry.status, label, why, entry.words?.todo ?? "");
}

/** @param {Entry} entry */
function absent(entry) {
  const why = entry.file
    ? `${entry.file} is not beside this page, or cannot be played here.`
    : "No file was recorded.";
  return instead("absent", "Not here", why);
}

/**
 * @param {HTMLImageElement | HTMLMediaElement} element
 * @param {Entry} entry
 * @param {HTMLElement} holder
 * @param {() => void} gone
 */
function bindSource(element, entry, holder, gone) {
  element.addEventListener("error", () => {
    if (element.hasAttribute("src")) {
      gone();
    }
  });
  watch(holder, {
    load() {
      element.src = entry.src ?? "";
    },
    unload() {
      release(element);
    },
  });
}

/** @param {HTMLImageElement | HTMLMediaElement} element */
function release(element) {
  element.removeAttribute("src");
  if (element instanceof HTMLMediaElement) {
    element.load();
  }
}

/**
 * @param {Entry} entry
 * @param {HTMLElement} holder
 */
function image(entry, holder) {
  const element = make("img", { alt: brief(titled(entry)), decoding: "async" });
  if (entry.poster) {
    element.addEventListener("error", () => element.replaceWith(absent(entry)), { once: true });
    element.src = entry.poster;
  } else {
    bindSource(element, entry, holder, () => element.replaceWith(absent(entry)));
  }
  return element;
}

/**
 * @param {Entry} entry
 * @param {HTMLElement} holder
 */
function audio(entry, holder) {
  const element = make("audio", { controls: true, preload: "metadata", "aria-label": brief(titled(entry)) });
  bindSource(element, entry, holder, () => element.replaceWith(absent(entry)));
  return element;
}

/** @param {Entry} entry */
function video(entry) {
  const element = make("video", {
    playsinline: true,
    preload: "metadata",
    loop: entry.params.loop === true,
    "aria-label": brief(titled(entry)),
    disableremoteplayback: true,
  });
  element.muted = muted;
  element.defaultMuted = muted;
  return element;
}

/**
 * A picture that never plays: the poster, or the first frame of the film.
 * @param {Entry} entry
 * @param {HTMLElement} holder
 */
function still(entry, holder) {
  if (entry.poster) {
    const element = spare.pop() ?? make("img", { class: "poster", alt: "", decoding: "async" });
    element.onerror = () => element.replaceWith(firstFrame(entry, holder));
    element.src = entry.poster;
    return element;
  }
  return firstFrame(entry, holder);
}

/** @type {(() => Promise<void>)[]} */
const toDraw = [];
const AT_LATEST = 150; // milliseconds that stills wait for the page to be at rest
// Safari has none.
const whenIdle = globalThis.requestIdleCallback ?? ((work) => setTimeout(work, 16));

/** Draw stills, the latest first, while nobody needs the page for anything else. */
async function drawSome(/** @type {IdleDeadline | undefined} */ rest) {
  do {
    await toDraw.pop()?.();
  } while (toDraw.length && rest && rest.timeRemaining() > 3);
  if (toDraw.length) {
    whenIdle(drawSome, { timeout: AT_LATEST });
  }
}

/**
 * @param {HTMLImageElement} image
 * @param {HTMLCanvasElement} canvas
 */
async function draw(image, canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const fits = Math.min(width / image.naturalWidth, height / image.naturalHeight);
  const scale = Math.min(1, fits * devicePixelRatio || 1);
  try {
    const bitmap = await createImageBitmap(image, {
      resizeWidth: Math.max(1, Math.round(image.naturalWidth * scale)),
      resizeHeight: Math.max(1, Math.round(image.naturalHeight * scale)),
      resizeQuality: "medium",
    });
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
  } catch {
    canvas.remove();
    image.classList.remove("drawn");
  }
}

/**
 * A still that is drawn as large as it is shown. What a browser decodes for an image it keeps, whole, for
 * a thousand images; so the image is there for print, and where it cannot be drawn.
 * @param {Entry} entry
 * @param {HTMLElement} holder
 * @returns {Element[]}
 */
function drawn(entry, holder) {
  const image = still(entry, holder);
  if (!(image instanceof HTMLImageElement)) {
    return [image];
  }
  const canvas = make("canvas", { class: "still", "aria-hidden": "true" });
  image.classList.add("drawn");
  image.onload = () => {
    const { src } = image;
    toDraw.push(async () => {
      if (image.src === src && canvas.isConnected) {
        await draw(image, canvas);
      }
    });
    if (toDraw.length === 1) {
      whenIdle(drawSome, { timeout: AT_LATEST });
    }
  };
  return [image, canvas];
}

/**
 * @param {Entry} entry
 * @param {HTMLElement} holder
 */
function firstFrame(entry, holder) {
  const element = video(entry);
  element.muted = true;
  element.setAttribute("aria-hidden", "true");
  element.tabIndex = -1;
  bindSource(element, entry, holder, () =>
    (element.closest(".screen") ?? element).replaceWith(absent(entry)),
  );
  return element;
}

/** A still that plays in its place: when it is asked to, or while a mouse rests on it. */
class Screen {
  /** @type {HTMLVideoElement | null} */
  film = null;
  isPreview = false;
  timer = 0;

  /**
   * @param {Entry} entry
   * @param {HTMLElement} holder
   */
  constructor(entry, holder) {
    this.entry = entry;
    this.cover = make("button", {
      type: "button",
      class: "play",
      tabindex: "-1",
      "aria-label": "Play",
    });
    this.strip = make("div", { class: "strip", "aria-hidden": "true", hidden: true });
    this.box = make("div", { class: "screen" }, ...drawn(entry, holder), this.strip, this.cover);
    this.cover.hidden = !entry.src;
    this.cover.addEventListener("click", () => this.toggle());
    this.box.addEventListener("pointerenter", (event) => this.hover(event));
    this.box.addEventListener("pointermove", (event) => this.scrub(event));
    this.box.addEventListener("pointerleave", () => this.leave());
    screens.set(this.box, this);
  }

  toggle() {
    if (!this.entry.src) {
      return;
    }
    if (this.film && !this.isPreview) {
      if (this.film.paused) {
        this.run();
      } else {
        this.film.pause();
      }
      return;
    }
    clearTimeout(this.timer);
    this.start(false);
  }

  /** @param {boolean} isPreview */
  start(isPreview) {
    if (playing !== this) {
      playing?.rest();
    }
    playing = this;
    this.isPreview = isPreview;
    this.strip.hidden = true;
    this.film ??= this.load();
    this.film.muted = isPreview || muted;
    this.film.controls = !isPreview && this.box.clientWidth >= WIDE_ENOUGH;
    this.box.classList.toggle("plays", !isPreview);
    this.cover.hidden = this.film.controls;
    this.run();
  }

  run() {
    this.film?.play().catch(() => {
      /* it was let go meanwhile, or cannot be played: then the error is shown in its place */
    });
  }

  load() {
    const film = video(this.entry);
    film.addEventListener("error", () => {
      if (film.hasAttribute("src")) {
        this.box.replaceWith(absent(this.entry));
      }
    });
    film.addEventListener("volumechange", () => {
      muted = this.isPreview ? muted : film.muted;
    });
    film.preload = "auto";
    film.src = this.entry.src ?? "";
    this.strip.before(film);
    return film;
  }

  /** Back to the still. */
  rest() {
    clearTimeout(this.timer);
    if (this.film) {
      this.film.pause();
      release(this.film);
      this.film.remove();
      this.film = null;
    }
    this.cover.hidden = !this.entry.src;
    this.strip.hidden = true;
    this.isPreview = false;
    this.box.classList.remove("plays");
    playing = playing === this ? null : playing;
  }

  /** @param {PointerEvent} event */
  hover(event) {
    clearTimeout(this.timer);
    if (event.pointerType === "mouse" && !calm.matches && !this.film && this.entry.src) {
      this.timer = setTimeout(() => this.start(true), REST);
    }
  }

  /**
   * A mouse that moves over the strip leafs through its stills; the film waits until it rests.
   * @param {PointerEvent} event
   */
  scrub(event) {
    if (event.pointerType !== "mouse" || !this.entry.strip || this.film) {
      return;
    }
    const { left, width } = this.box.getBoundingClientRect();
    const tile = Math.min(Math.max(Math.floor(((event.clientX - left) / width) * TILES), 0), TILES - 1);
    if (!this.strip.style.backgroundImage) {
      this.strip.style.setProperty(
        "background-image",
        `url("${this.entry.strip.replace(/["\\\n]/g, encodeURIComponent)}")`,
      );
      this.strip.style.setProperty("--ratio", String(ratio(this.entry) || 16 / 9));
    }
    this.strip.style.setProperty("--tile", String(tile));
    this.strip.hidden = false;
    this.hover(event);
  }

  leave() {
    clearTimeout(this.timer);
    this.strip.hidden = true;
    if (this.isPreview) {
      this.rest();
    }
  }
}

/**
 * Play or pause the clip within an element.
 * @param {Element} container
 * @returns {boolean} whether there is one
 */
export function togglePlay(container) {
  const screen = screens.get(container.querySelector(".screen") ?? container);
  if (screen) {
    screen.toggle();
    return true;
  }
  const film = container.querySelector("video, audio");
  if (film instanceof HTMLMediaElement) {
    if (film.paused) {
      film.play().catch(() => {});
    } else {
      film.pause();
    }
  }
  return film !== null;
}

/** Put the clip that plays in a card back to rest. */
export function stopPlaying() {
  playing?.rest();
}

/**
 * Switch the sound of what plays on or off, and of what is played next.
 * @returns {boolean} whether it is on now
 */
export function toggleSound() {
  muted = !muted;
  for (const film of document.querySelectorAll("video")) {
    if (!film.paused) {
      film.muted = muted;
    }
  }
  return !muted;
}

/**
 * Show a clip on the whole screen, or no longer.
 * @param {Element} container
 */
export async function toggleFullScreen(container) {
  if (document.fullscreenElement) {
    await document.exitFullscreen();
    return;
  }
  const stage = container.querySelector(".stage") ?? container;
  await stage.requestFullscreen();
}
