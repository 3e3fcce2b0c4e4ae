/* announcer.js - what screen readers say: new messages and red ones, gathered, never the whole list */
import { visible } from "../core/controls.js";
import { byId, setText } from "./dom.js";
import { reason } from "./message_row.js";

const EVERY_MS = 1000;

export class Announcer {
  #say;
  #waiting = [];
  #timer;
  #failed = 0;

  constructor({ say }) { this.#say = say; }

  came(entry, isPrivate) {
    this.#waiting.push({ entry, isPrivate });
    if (this.#timer === undefined) {
      setText(byId("announcer"), ""); /* or the same words would not be said again */
      this.#timer = setTimeout(() => this.#speak(), EVERY_MS);
    }
  }

  /* All red messages, whenever there may be others than before. */
  failed(entries) {
    if (entries.length > this.#failed) {
      setText(byId("alarm"), entries.length === 1 ? reason(this.#say, entries[0]) : this.#say("failed", { count: entries.length }));
    } else if (entries.length < this.#failed) {
      setText(byId("alarm"), "");
    }
    this.#failed = entries.length;
  }

  #speak() {
    const [first, ...rest] = this.#waiting;
    this.#waiting = [];
    this.#timer = undefined;
    if (rest.length > 0) {
      setText(byId("announcer"), this.#say("announce.many", { count: rest.length + 1 }));
    } else {
      const { sender: name, text } = first.entry;
      setText(byId("announcer"), this.#say(first.isPrivate ? "announce.private" : "announce.one", { name, text: visible(text) }));
    }
  }

  /* What was said can still be read where it stands, by whoever sits here next. */
  clear() {
    clearTimeout(this.#timer);
    setText(byId("announcer"), "");
    setText(byId("alarm"), "");
    this.#timer = undefined;
    this.#waiting = [];
    this.#failed = 0;
  }
}
