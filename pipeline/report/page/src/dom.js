// @ts-check
// Elements are made here and nowhere else: from text and attributes, never from markup.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | null | undefined} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined>} Attributes */

/**
 * @template {Element} T
 * @param {T} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 * @returns {T}
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== "") {
      element.append(child);
    }
  }
  return element;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @param {string} label
 * @param {(press: MouseEvent) => void} pressed
 * @param {Attributes} attributes
 */
export function button(label, pressed, attributes = {}) {
  const element = make("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", pressed);
  return element;
}

/**
 * Find what the page is made to have.
 * @param {string} selector
 * @param {ParentNode} within
 * @returns {HTMLElement}
 */
export function find(selector, within = document) {
  const found = within.querySelector(selector);
  if (!(found instanceof HTMLElement || found instanceof SVGElement)) {
    throw new Error(`the page has no ${selector}`);
  }
  return /** @type {HTMLElement} */ (found);
}

/**
 * Read the data that the page carries.
 * @param {string} id
 * @returns {any}
 */
export function data(id) {
  return JSON.parse(document.getElementById(id)?.textContent || "null");
}

/**
 * Live regions speak only when their text changes, and not while it changes with every key.
 * @param {HTMLElement} element
 * @param {number} delay in milliseconds
 */
export function announcer(element, delay) {
  let timer = 0;
  return (/** @type {string} */ text) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      element.textContent = text;
    }, delay);
  };
}

/** A modal dialog silences the rest of the page: the region that speaks is in the dialog on top. */
const announcers = new Map();

/**
 * Tell screen readers.
 * @param {string} text
 */
export function say(text) {
  const region = [...document.querySelectorAll("dialog[open] .said")].at(-1) ?? find("#said");
  const speak = announcers.get(region) ?? announcer(/** @type {HTMLElement} */ (region), 50);
  announcers.set(region, speak);
  speak(text);
}

let toastTimer = 0;

/**
 * Show a message for some seconds above everything, and say it.
 * @param {string} text
 * @param {"" | "fault"} kind
 */
export function toast(text, kind = "") {
  const box = find("#toast");
  box.replaceChildren(text);
  box.className = kind;
  // Shown again, it lies above a dialog that was opened since.
  box.hidePopover();
  box.showPopover();
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.hidePopover(), kind ? 12_000 : 3_000);
  say(text);
}

/**
 * Open a dialog that is gone when it is closed.
 * @param {string} title
 * @param {Child[]} children
 * @param {Attributes} attributes
 */
export function openDialog(title, children, attributes = {}) {
  const heading = make("h2", { id: "dialog-title", tabindex: "-1" }, title);
  const close = button("Close", () => dialog.close(), { class: "quiet" });
  const dialog = make(
    "dialog",
    { "aria-labelledby": "dialog-title", ...attributes, class: `small ${attributes.class ?? ""}`.trim() },
    make("div", { class: "dialog-bar" }, heading, close),
    ...children,
    make("p", { class: "said unseen", role: "status" }),
  );
  const before = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    // The browser has put the focus back already, and a quick hand may have moved it on since.
    if (before instanceof HTMLElement && document.activeElement === document.body) {
      before.focus({ preventScroll: true });
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) {
      dialog.close();
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** @type {(name: string) => string} what was remembered, empty where nothing can be */
export function remembered(name) {
  try {
    return localStorage.getItem(`pipeline.${name}`) ?? "";
  } catch {
    return ""; // a browser may refuse it to pages from disk
  }
}

/**
 * Remember a text until another visit.
 * @param {string} name
 * @param {string} value
 * @returns {boolean} whether it is remembered
 */
export function remember(name, value) {
  try {
    if (value) {
      localStorage.setItem(`pipeline.${name}`, value);
    } else {
      localStorage.removeItem(`pipeline.${name}`);
    }
    return true;
  } catch {
    return false; // refused, or full
  }
}
