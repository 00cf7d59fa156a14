// @ts-check
// Clips: loaded when they come near, let go when they leave, so that a thousand cost like a dozen.

import { make } from "./dom.js";
import { justify } from "./gallery.js";
import { brief, STATUS, titled } from "./words.js";

export const calm = matchMedia("(prefers-reduced-motion: reduce)");
const loaders = new WeakMap();
const loaded = new Set();
let playing = null;

const nearby = new IntersectionObserver(
  (changes) => {
    for (const { target, isIntersecting } of changes) {
      const loader = loaders.get(target);
      if (isIntersecting && !loaded.has(target)) {
        loaded.add(target);
        loader.load();
      } else if (!isIntersecting && loaded.has(target)) {
        loaded.delete(target);
        loader.unload();
      }
    }
  },
  { rootMargin: "300px 0px" },
);

// `holder` is what is watched: inside a card that the browser skips, nothing is ever near.
function watch(holder, loader) {
  loaders.set(holder, loader);
  nearby.observe(holder);
}

export function letGo(container) {
  for (const holder of loaded) {
    if (container.contains(holder)) {
      nearby.unobserve(holder);
      loaded.delete(holder);
      loaders.get(holder).unload();
    }
  }
}

export function ratio(entry) {
  if (entry.shape) {
    return entry.shape;
  }
  if (entry.media?.width > 0 && entry.media.height > 0) {
    return Math.min(Math.max(entry.media.width / entry.media.height, 0.1), 10);
  }
  const { aspect_ratio: aspect, width, height } = entry.params;
  const parts = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(aspect ?? "");
  const known = parts ? parts[1] / parts[2] : width / height;
  return known > 0.1 && known < 10 ? known : 0;
}

// What stands where a clip would be; `missing` clips are known before they are tried.
export function picture(entry, holder, { thumb = false } = {}) {
  if (entry.status !== "succeeded") {
    return reason(entry);
  }
  if (entry.missing || !entry.src) {
    return absent(entry);
  }
  const makers = { video: thumb ? still : player, image: image, audio: thumb ? noPicture : audio };
  return (makers[entry.kind] ?? noPicture)(entry, holder);
}

function reason(entry) {
  return make(
    "div",
    { class: `instead ${entry.status}` },
    make("strong", {}, STATUS[entry.status]),
    make("span", {}, entry.error ?? entry.words?.what ?? "No reason was given."),
  );
}

function absent(entry) {
  return make(
    "div",
    { class: "instead absent" },
    make("strong", {}, "Not here"),
    make(
      "span",
      {},
      entry.file
        ? `${entry.file} is not beside this page, or cannot be played here.`
        : "No file was recorded.",
    ),
  );
}

function noPicture(entry) {
  return make("div", { class: "instead" }, make("strong", {}, "File"), make("span", {}, entry.file));
}

function bindSource(element, entry, holder) {
  element.addEventListener("error", () => {
    if (element.hasAttribute("src")) {
      (element.closest(".screen") ?? element).replaceWith(absent(entry));
    }
  });
  watch(holder, {
    load() {
      element.src = entry.src;
    },
    unload() {
      element.removeAttribute("src");
      element.load?.();
    },
  });
}

function image(entry, holder) {
  const element = make("img", { alt: brief(titled(entry)), decoding: "async" });
  bindSource(element, entry, holder);
  return element;
}

function audio(entry, holder) {
  const element = make("audio", { controls: true, preload: "metadata", "aria-label": brief(titled(entry)) });
  bindSource(element, entry, holder);
  return element;
}

function video(entry) {
  const element = make("video", {
    playsinline: true,
    preload: "metadata",
    loop: entry.params.loop === true,
    "aria-label": brief(titled(entry)),
    disableremoteplayback: true,
  });
  element.muted = true;
  element.defaultMuted = true;
  return element;
}

function still(entry, holder) {
  const element = video(entry);
  element.setAttribute("aria-hidden", "true");
  bindSource(element, entry, holder);
  return element;
}

// At rest a clip shows its first frame and one button; the browser's controls come when it plays.
// A thousand sets of controls would be five thousand stops of the Tab key.
function player(entry, holder) {
  const clip = video(entry);
  const cover = make("button", {
    type: "button",
    class: "play",
    "aria-label": `Play: ${brief(titled(entry))}`,
  });
  const screen = make("div", { class: "screen" }, clip, cover);
  cover.addEventListener("click", () => {
    start(clip, cover);
  });
  clip.addEventListener("loadedmetadata", () => {
    fit(holder, entry, clip);
  });
  preview(screen, clip, cover);
  bindSource(clip, entry, holder);
  const loader = loaders.get(holder);
  loaders.set(holder, {
    load: loader.load,
    unload() {
      rest(clip, cover);
      loader.unload();
    },
  });
  return screen;
}

export function start(clip, cover) {
  if (playing && playing !== clip) {
    playing.pause();
  }
  playing = clip;
  clip.controls = true;
  cover.hidden = true;
  clip.focus({ preventScroll: true });
  clip.play().catch(() => {
    /* the browser's own controls are there to try again */
  });
}

function rest(clip, cover) {
  clip.pause();
  clip.controls = false;
  cover.hidden = false;
}

// A mouse that stays on a clip sees it move; leaving puts it back. Never for those who ask for calm.
function preview(screen, clip, cover) {
  let timer = 0;
  screen.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse" && !calm.matches) {
      timer = setTimeout(() => {
        clip.play().catch(() => {});
      }, 150);
    }
  });
  screen.addEventListener("pointerleave", () => {
    clearTimeout(timer);
    if (!cover.hidden && !clip.paused) {
      clip.pause();
      clip.currentTime = 0;
    }
  });
}

// Where the parameters do not tell the shape of a clip, its first frame does.
function fit(holder, entry, clip) {
  if (!ratio(entry) && clip.videoWidth) {
    entry.shape = clip.videoWidth / clip.videoHeight;
    holder.style.setProperty("--ratio", String(entry.shape));
    requestAnimationFrame(() => {
      justify();
    });
  }
}
