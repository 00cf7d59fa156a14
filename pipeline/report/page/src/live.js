// @ts-check
// The page as `pipeline view` serves it: it hears what happens, and can have things done.

import { showAction } from "./action-log.js";
import { startAgain } from "./again.js";
import { showConnection, showFault, showState, startControl } from "./control.js";
import { byTask, differs, job, merge, replaceAll, take } from "./model.js";
import { objects, readAction, readEntries, readSaid, readState } from "./reading.js";
import { AWAY, base, get, HOW_BACK, isLive, OVER, post, Refused } from "./server.js";
import { fillDo } from "./settling.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./types").Said} Said */

export { isLive, post, startAgain };

const PATIENCE = 2_000; // milliseconds that a connection may be away before it is worth a word
const RETRY = 4_000; // milliseconds between two attempts, where the browser makes none
const PAUSE = 4; // times what taking in has cost are left to the person between two times

/** @type {Map<string, Entry>} */
const news = new Map();
/** @type {Map<string, Said>} */
const words = new Map();
let planned = false;
let away = 0;
let wasAway = false;
/** @type {Promise<void> | null} */
let loading = null;
let stale = false;
/** The last event that the page knew when it was made or loaded: those after it are news. */
let after = job?.live?.after ?? "";

/** Begin to listen. */
export function startLive() {
  startControl();
  void reload();
  listen();
}

/**
 * Put what can be done about some entries beside them; nothing where the page is not served live.
 * @param {HTMLElement} container
 * @param {import("./settling.js").Doing} doing
 */
export function extendBlock(container, doing) {
  if (isLive) {
    fillDo(container, doing);
  }
}

function listen() {
  const source = new EventSource(`${base}events${after ? `?after=${encodeURIComponent(after)}` : ""}`);
  const hear = (/** @type {string} */ kind, /** @type {(told: any) => void} */ heard) => {
    source.addEventListener(kind, (event) => {
      const told = parsed(event.data);
      if (told !== undefined) {
        heard(told);
      }
    });
  };
  hear("entries", (told) => {
    for (const entry of readEntries(told)) {
      news.set(entry.task, entry);
    }
    plan();
  });
  hear("said", (told) => {
    for (const word of readSaid(told)) {
      words.set(`${word.task}\n${word.sha256}`, word);
    }
    plan();
  });
  hear("state", hearState);
  hear("reload", () => {
    void reload();
  });
  hear("action", hearAction);
  source.addEventListener("open", () => {
    clearTimeout(away);
    away = 0;
    showConnection("");
    if (wasAway) {
      wasAway = false;
      void reload();
    }
  });
  source.addEventListener("error", () => {
    wasAway = true;
    away ||= setTimeout(() => {
      showConnection(`${AWAY}. The page connects again by itself.`);
    }, PATIENCE);
    if (source.readyState === EventSource.CLOSED) {
      source.close();
      void askWhy();
      setTimeout(listen, RETRY);
    }
  });
}

/** A stream that was refused does not say why; an ordinary question is told. */
async function askWhy() {
  try {
    await get("data");
  } catch (error) {
    clearTimeout(away);
    showConnection(
      error instanceof Refused && error.status === 401
        ? `${OVER}: ${HOW_BACK}.`
        : `${AWAY}. The page connects again by itself.`,
    );
  }
}

/**
 * @param {string} text
 * @returns {any} undefined where it is no JSON
 */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Load everything again; while that is under way once more, for what has changed since it began. */
async function reload() {
  stale = true;
  loading ??= load().finally(() => {
    loading = null;
  });
  await loading;
}

async function load() {
  while (stale) {
    stale = false;
    try {
      const told = await get("data");
      news.clear();
      if (Array.isArray(told.entries)) {
        replaceAll(readEntries(told.entries));
      }
      hearState(told.state);
      for (const action of objects(told.actions)) {
        hearAction(action);
      }
      after = typeof told.after === "string" ? told.after : "";
    } catch (error) {
      if (error instanceof Refused && error.status > 0) {
        showFault(error.message);
      }
      return;
    }
  }
}

/** @param {any} told */
function hearState(told) {
  const state = readState(told);
  if (typeof told?.error === "string") {
    showFault([told.error, told.hint].filter((each) => typeof each === "string").join(": "));
  } else if (state) {
    showFault("");
    showState(state);
  }
}

/** @param {unknown} told */
function hearAction(told) {
  const action = readAction(told);
  if (action) {
    showAction(action);
  }
}

/** Take in what was heard with the next picture; a page that is slow with it does so less often. */
function plan() {
  if (!planned) {
    planned = true;
    requestAnimationFrame(takeIn);
  }
}

function takeIn() {
  const began = performance.now();
  const changed = [...news.values()].filter((entry) => differs(entry, byTask.get(entry.task)));
  const said = [...words.values()];
  news.clear();
  words.clear();
  const back = focused();
  if (changed.length) {
    merge(changed);
  }
  if (said.length) {
    take(said);
  }
  back();
  setTimeout(
    () => {
      planned = false;
      if (news.size || words.size) {
        plan();
      }
    },
    PAUSE * (performance.now() - began),
  );
}

/**
 * Note what has the focus.
 * @returns {() => void} gives the focus to what stands for it, where it was made again
 */
function focused() {
  const element = document.activeElement;
  const home = element?.closest("[data-task]");
  if (!(element instanceof HTMLElement) || !home) {
    return () => {};
  }
  const task = CSS.escape(home.getAttribute("data-task") ?? "");
  const place = [home, ...home.querySelectorAll("a, button, input, textarea, [tabindex]")].indexOf(element);
  return () => {
    if (!element.isConnected) {
      const again = document.querySelector(`[data-task="${task}"]`);
      const found =
        again && [again, ...again.querySelectorAll("a, button, input, textarea, [tabindex]")][place];
      if (found instanceof HTMLElement) {
        found.focus({ preventScroll: true });
      }
    }
  };
}
