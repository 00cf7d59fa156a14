// How values are put into words: one locale, so that the page reads as one text.

const LOCALE = "en-GB";
const DAY = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", year: "numeric" });
const MOMENT = new Intl.DateTimeFormat(LOCALE, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
});
const CLOCK = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat(LOCALE, { weekday: "short", timeZone: "UTC" });
const MONTH = new Intl.DateTimeFormat(LOCALE, { month: "long", year: "numeric", timeZone: "UTC" });
const DATE = new Intl.DateTimeFormat(LOCALE, {
  weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC",
});

const STATUS = { succeeded: "Succeeded", failed: "Failed", in_doubt: "In doubt", pending: "Left to do" };
const SETTLED = {
  found: "found in the provider's list of requests",
  billed: "charged, by a person's word",
  not_billed: "not charged, by a person's word",
};

function number(value) {
  return value.toLocaleString(LOCALE);
}

function money(amount) {
  const size = Math.abs(amount);
  // In cents, and finer where cents are off by more than 1 %.
  const fits = (digits) => size >= 1 || Math.abs(Number(size.toFixed(digits)) - size) <= size / 100;
  const digits = [2, 4, 6].find(fits) ?? 6;
  const text = size.toLocaleString(LOCALE, {
    minimumFractionDigits: 2, maximumFractionDigits: digits,
  });
  return `${amount < 0 && Number(size.toFixed(digits)) ? "-" : ""}$${text}`;
}

function lasting(seconds) {
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

function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return `${number(Number(bytes.toFixed(unit && bytes < 10 ? 1 : 0)))} ${units[unit]}`;
}

function moment(text) {
  const when = new Date(text);
  return Number.isNaN(when.getTime()) ? text : MOMENT.format(when);
}

function plain(value) {
  if (typeof value === "boolean") {
    return value ? "yes" : "no";
  }
  return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
}

function named(name) {
  const words = name.replace(/[_-]+/g, " ").trim();
  return words ? words[0].toUpperCase() + words.slice(1) : name;
}

// A parameter as a reader would say it: "16:9", "loop", "no loop", "duration 5".
function spoken(name, value) {
  if (typeof value === "boolean") {
    return value ? named(name).toLowerCase() : `no ${named(name).toLowerCase()}`;
  }
  return name === "aspect_ratio" ? plain(value) : `${named(name).toLowerCase()} ${plain(value)}`;
}

function titled(entry) {
  return entry.prompt || entry.task;
}

function brief(text, longest = 120) {
  return text.length <= longest ? text : `${text.slice(0, longest).trimEnd()}…`;
}
