/* settings.js - what the reader has chosen, kept in this browser where it lets us */

const PREFIX = "parley.";

export class Settings {
  #values = new Map(); /* for a browser that keeps nothing */

  get(name) {
    try {
      return localStorage.getItem(PREFIX + name) ?? undefined;
    } catch {
      return this.#values.get(name);
    }
  }

  /* undefined: forget it. */
  set(name, value) {
    this.#values.set(name, value);
    try {
      if (value === undefined) {
        localStorage.removeItem(PREFIX + name);
      } else {
        localStorage.setItem(PREFIX + name, value);
      }
    } catch {
      /* kept in #values alone */
    }
  }
}
