/* diary.mjs - what clients and the suite write down, one line per event, for the checker to judge
 *
 * A line is a JSON array: [ms, kind, ...].  The clock is the machine's monotonic one, the same for all
 * processes, so diaries can be put together.  A user has one or more tabs, "u7" and "u7#2"; a key is a
 * message's client_id, unique in the run, and the beginning of its text.
 *
 *   login user              the user has a new session          logout user      it was ended, and answered
 *   connect tab             Socket.IO is connected              disconnect tab reason
 *   session tab recovered   the event of that name              end tab code     session_end
 *   refused tab code        connect_error with a code           lost tab         gone without a word, on purpose
 *   dark tab on             0: the cable of that tab is pulled from here on; 1: plugged in again
 *   send tab key receiver   one attempt                         ack tab key "ok" id dup | "error" code
 *   unsent tab key why      told as unsent: no answer in time ("timeout"), or the connection went ("gone")
 *   recv tab id key sender receiver
 *   seen tab "+"|"-" [names]     what a list of users gained or lost;  full tab count: a whole list came
 *   roster tab [names]      the list of a connected tab at the end
 *   fault what text         "begin", "end", or "lost": Redis lost data between two such lines
 *   online [names]          SMEMBERS online at the end;  log [[version, "+a -b"], ...]: presence:log */
import { appendFileSync, readFileSync } from "node:fs";

/* Milliseconds, the same in every process of this machine. */
export function now() {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

const FLUSH_MS = 100;

export class Diary {
  #lines = [];
  #timer;

  constructor(path) {
    this.path = path;
    this.#timer = setInterval(() => this.flush(), FLUSH_MS);
    this.#timer.unref();
    appendFileSync(path, "");
  }
  note(kind, ...more) {
    this.#lines.push(JSON.stringify([now(), kind, ...more]));
  }
  flush() {
    if (this.#lines.length) {
      appendFileSync(this.path, this.#lines.join("\n") + "\n");
      this.#lines = [];
    }
  }
  close() {
    clearInterval(this.#timer);
    this.flush();
  }
}

/* All lines of those diaries, in the order of their times. */
export function readDiaries(paths) {
  const lines = [];
  for (const path of paths) {
    const rows = readFileSync(path, "utf8").split("\n");
    for (const row of rows) {
      if (row) {
        lines.push(JSON.parse(row));
      }
    }
  }
  return lines.sort((a, b) => a[0] - b[0]);
}

export const userOf = (tab) => tab.split("#", 1)[0];
