// @ts-check
// A clip on a dark screen, loaded at once; what cannot be played says so.

import { make } from "./dom.js";

/** @typedef {import("./types").Clip} Clip */

/**
 * @param {Clip} clip
 * @param {string} label
 * @param {() => void} failed called when it turns out that it cannot be played
 * @returns {{ screen: HTMLElement, player: HTMLVideoElement | HTMLAudioElement | null }}
 */
export function screenOf(clip, label, failed) {
  if (!clip.src || /** @type {Partial<import("./types").Entry>} */ (clip).missing) {
    return { screen: absent(clip), player: null };
  }
  const element = made(clip, label);
  if (!element) {
    return { screen: absent(clip), player: null };
  }
  element.addEventListener("error", () => {
    if (element.hasAttribute("src")) {
      element.replaceWith(absent(clip));
      failed();
    }
  });
  element.setAttribute("src", clip.src);
  return { screen: element, player: element instanceof HTMLMediaElement ? element : null };
}

/** @param {Clip} clip @param {string} label @returns {HTMLVideoElement | HTMLAudioElement | HTMLImageElement | null} */
function made(clip, label) {
  if (clip.kind === "image") {
    return make("img", { alt: label, decoding: "async" });
  }
  if (clip.kind !== "audio" && clip.kind !== "video") {
    return null;
  }
  const player = make(clip.kind, { preload: "auto", "aria-label": label });
  if (player instanceof HTMLVideoElement) {
    player.playsInline = true;
    player.disableRemotePlayback = true;
    player.poster = clip.poster ?? "";
    // A still is smaller than the film: the film's own frame takes its place as soon as there is one.
    player.addEventListener("loadeddata", () => {
      player.poster = "";
    });
  }
  player.muted = true;
  return player;
}

/** @param {Clip} clip */
function absent(clip) {
  return make(
    "div",
    { class: "cannot" },
    make("strong", {}, "Cannot be played here"),
    make(
      "span",
      {},
      clip.file
        ? `${clip.file} is not beside this page, or this browser cannot show it.`
        : "No file was recorded.",
    ),
  );
}
