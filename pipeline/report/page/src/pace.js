// @ts-check
// Small pictures of a run: how far it is, and how fast clips have come in the last minutes.

import { draw, make } from "./dom.js";
import { entries } from "./model.js";
import { number } from "./words.js";

const MINUTES = 10;
const STEPS = 20;
const WIDTH = 80;
const HEIGHT = 18;

let at = 0;
/** @type {number[]} */
let counts = [];

/**
 * @param {number} now of the server, in Unix seconds
 * @returns {Node[]} nothing where none has come
 */
export function sparkline(now) {
  if (Math.abs(now - at) >= 1) {
    at = now;
    counts = arrivals(now);
  }
  const most = Math.max(...counts);
  if (!most) {
    return [];
  }
  // Of a run that has just begun only the time since its first clip counts.
  const first = counts.findIndex(Boolean);
  const minutes = ((STEPS - first) * MINUTES) / STEPS;
  const rate = counts.reduce((sum, each) => sum + each, 0) / minutes;
  const words = `${number(Number(rate.toFixed(rate < 10 ? 1 : 0)))} a minute`;
  const picture = draw("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    width: WIDTH,
    height: HEIGHT,
    "aria-hidden": "true",
  });
  const step = WIDTH / STEPS;
  picture.append(
    ...counts.map((each, place) => {
      const height = each ? Math.max(1.5, (each / most) * HEIGHT) : 1;
      return draw("rect", {
        x: place * step,
        y: HEIGHT - height,
        width: step - 1,
        height,
        class: each ? "bar-on" : "bar-off",
      });
    }),
  );
  return [picture, make("span", { title: `In the last ${MINUTES} minutes` }, words)];
}

/**
 * Draw how much of the job has succeeded, failed or is in doubt. The words beside it say the same.
 * @param {import("./types").State} state
 */
export function shares({ counts: { total, succeeded, failed, in_doubt: doubt } }) {
  const picture = draw("svg", {
    class: "shares",
    viewBox: "0 0 100 6",
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  let x = 0;
  for (const [kind, many] of /** @type {[string, number][]} */ ([
    ["succeeded", succeeded],
    ["failed", failed],
    ["in-doubt", doubt],
  ])) {
    const width = total ? Math.min((100 * many) / total, 100 - x) : 0;
    if (width > 0) {
      picture.append(draw("rect", { class: kind, x, y: 0, width, height: 6 }));
      x += width;
    }
  }
  return picture;
}

/** @param {number} now */
function arrivals(now) {
  const found = new Array(STEPS).fill(0);
  const since = new Date((now - MINUTES * 60) * 1000).toISOString().slice(0, 19);
  for (const { status, finished_at: finished } of entries) {
    // RFC 3339 in UTC sorts as text, which is cheaper than reading 1,500 dates a second.
    if (status === "succeeded" && finished && finished >= since) {
      const ago = now - Date.parse(finished) / 1000;
      const place = STEPS - 1 - Math.floor((Math.max(ago, 0) * STEPS) / (MINUTES * 60));
      if (place >= 0) {
        found[place] += 1;
      }
    }
  }
  return found;
}
