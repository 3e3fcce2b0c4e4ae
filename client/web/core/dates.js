/* dates.js - local days and times in words */

const DAY_MS = 86_400_000;

/* The local day as a number that grows by one each day. */
export function dayOf(time) {
  const date = new Date(time);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS);
}

/* Milliseconds until the next day begins, there where we are. */
export function untilTomorrow(now) {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime() - now;
}

export class Dates {
  #time;
  #day;
  #dayAndYear;
  #full;
  #say;

  constructor(say, timeZone) {
    const format = (options) => new Intl.DateTimeFormat(say.locale, { ...options, timeZone });
    this.#say = say;
    this.#time = format({ hour: "numeric", minute: "2-digit" });
    this.#day = format({ weekday: "long", day: "numeric", month: "long" });
    this.#dayAndYear = format({ day: "numeric", month: "long", year: "numeric" });
    this.#full = format({ dateStyle: "full", timeStyle: "medium" });
  }

  time(time) { return this.#time.format(time); }
  full(time) { return this.#full.format(time); }

  day(time, now) {
    const age = dayOf(now) - dayOf(time);
    if (age === 0 || age === 1) {
      return this.#say(age === 0 ? "day.today" : "day.yesterday");
    }
    const isSameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
    return (isSameYear ? this.#day : this.#dayAndYear).format(time);
  }
}
