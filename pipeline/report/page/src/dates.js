// @ts-check
// When a post goes out, as `publish` says it: read as `pipeline export` reads it.

/**
 * A day, the time of the day where it is known, and how far its zone is ahead of UTC where one is written.
 * @typedef {{ day: string, month: string, clock: string, zone: number | null, date: Date }} Moment
 */

const WRITTEN =
  /^(\d{4})-(\d\d)-(\d\d)(?:.(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/su;
export const A_DAY = 86_400_000;

/**
 * Read a day such as `2026-12-01`, or one with a time: `2026-12-01 09:00`, `2026-12-01T09:00Z`.
 * @param {string} text
 * @returns {Moment | null} null where it is no date; `clock` is HH:MM:SS or nothing, `zone` in minutes
 */
export function readMoment(text) {
  const [, year = "", month = "", day = "", hours = "", minutes = "00", seconds = "00", zone] =
    WRITTEN.exec(text.trim()) ?? [];
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const real =
    year && year !== "0000" && date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  if (!real || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) {
    return null;
  }
  return {
    day: `${year}-${month}-${day}`,
    month: `${year}-${month}`,
    clock: hours && `${hours}:${minutes}:${seconds}`,
    zone: zone === undefined ? null : ahead(zone),
    date,
  };
}

/** @param {string} zone such as `Z` or `+02:00` */
function ahead(zone) {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0));
}

/** @param {Date} date at midnight UTC */
export function dayName(date) {
  return date.toISOString().slice(0, 10);
}

/**
 * The Monday of the week that a day is in.
 * @param {Date} date at midnight UTC
 */
export function mondayOf(date) {
  return new Date(date.getTime() - ((date.getUTCDay() + 6) % 7) * A_DAY);
}

/** Today by the clock of whoever looks, as a day without a zone. */
export function today() {
  const now = new Date();
  return new Date(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()));
}
