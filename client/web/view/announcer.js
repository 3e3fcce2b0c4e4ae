/* announcer.js - what screen readers say: new messages and red ones, gathered, never the whole list */
import { byId, setText } from "./dom.js";

const EVERY_MS = 1000;

export class Announcer {
  #say;
  #waiting = [];
  #timer;

  constructor({ say }) { this.#say = say; }

  came(entry, isPrivate) {
    this.#waiting.push({ entry, isPrivate });
    this.#timer ??= setTimeout(() => this.#speak(), EVERY_MS);
  }

  polite(text) { setText(byId("announcer"), text); }
  urgent(text) { setText(byId("alarm"), text); }

  #speak() {
    const [first, ...rest] = this.#waiting;
    this.#waiting = [];
    this.#timer = undefined;
    if (rest.length > 0) {
      this.polite(this.#say("announce.many", { count: rest.length + 1 }));
    } else {
      const { sender: name, text } = first.entry;
      this.polite(this.#say(first.isPrivate ? "announce.private" : "announce.one", { name, text }));
    }
  }

  clear() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
  }
}
