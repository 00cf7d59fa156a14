// @ts-check
// How values are put into words: one locale, so that the page reads as one text.

export const LOCALE = "en-GB";
export const DAY = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", year: "numeric" });
export const MOMENT = new Intl.DateTimeFormat(LOCALE, {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
export const CLOCK = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
export const WEEKDAY = new Intl.DateTimeFormat(LOCALE, { weekday: "short", timeZone: "UTC" });
export const MONTH = new Intl.DateTimeFormat(LOCALE, { month: "long", year: "numeric", timeZone: "UTC" });
export const DATE = new Intl.DateTimeFormat(LOCALE, {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

export const SHORT_DATE = new Intl.DateTimeFormat(LOCALE, {
  weekday: "short",
  day: "numeric",
  month: "short",
  timeZone: "UTC",
});

/** @type {Record<string, string>} */
export const STATUS = { succeeded: "Succeeded", failed: "Failed", in_doubt: "In doubt", pending: "To do" };
/** @type {Record<string, string>} */
export const VERDICT = { kept: "Kept", rejected: "Rejected" };
/** @type {Record<string, string>} */
export const SETTLED = {
  found: "found in the provider's list of requests",
  billed: "charged, by a person's word",
  not_billed: "not charged, by a person's word",
};

/** @param {number} value */
export function number(value) {
  return value.toLocaleString(LOCALE);
}

/** @param {number} amount in US dollars */
export function money(amount) {
  const size = Math.abs(amount);
  // In cents, and finer where cents are off by more than 1 %.
  const fits = (/** @type {number} */ digits) =>
    size >= 1 || Math.abs(Number(size.toFixed(digits)) - size) <= size / 100;
  const digits = [2, 4, 6].find(fits) ?? 6;
  const text = size.toLocaleString(LOCALE, {
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  });
  return `${amount < 0 && Number(size.toFixed(digits)) ? "-" : ""}$${text}`;
}

/** @param {number} seconds */
export function lasting(seconds) {
  if (seconds < 10) {
    return `${Number(seconds.toFixed(1))} s`;
  }
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours) {
    return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  }
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/** @param {number} bytes */
export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const value = bytes / 1000 ** unit;
  return `${number(Number(value.toFixed(unit && value < 10 ? 1 : 0)))} ${units[unit]}`;
}

/** @param {string} text as RFC 3339 */
export function moment(text) {
  const when = new Date(text);
  return Number.isNaN(when.getTime()) ? text : MOMENT.format(when);
}

/**
 * @param {unknown} value
 * @returns {string}
 */
export function plain(value) {
  if (typeof value === "boolean") {
    return value ? "yes" : "no";
  }
  return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** @param {string} name */
export function named(name) {
  const words = name.replace(/[_-]+/g, " ").trim();
  return words ? words.charAt(0).toUpperCase() + words.slice(1) : name;
}

/**
 * A parameter as a reader would say it: "16:9", "loop", "no loop", "duration 5".
 * @param {string} name
 * @param {unknown} value
 */
export function spoken(name, value) {
  if (typeof value === "boolean") {
    return value ? named(name).toLowerCase() : `no ${named(name).toLowerCase()}`;
  }
  return name === "aspect_ratio" ? plain(value) : `${named(name).toLowerCase()} ${plain(value)}`;
}

/** @param {import("./types").Entry} entry */
export function titled(entry) {
  return entry.prompt || entry.task;
}

/**
 * @param {string} text
 * @param {number} longest in characters
 */
export function brief(text, longest = 120) {
  return text.length <= longest ? text : `${text.slice(0, longest).trimEnd()}…`;
}
