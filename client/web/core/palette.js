/* palette.js - a colour for each name: the same as long as the page is open, and its own as long as
 * there are enough */

export const HUES = 18; /* --hue-0 and so on, in theme.css; neighbours are far apart */

export class Palette {
  #names = new Array(HUES); /* whose colour it is */

  hue(name) {
    const folded = name.toLowerCase();
    const known = this.#names.indexOf(folded);
    if (known >= 0) {
      return known;
    }
    const wanted = hash(folded) % HUES;
    const free = this.#free(wanted);
    if (free === undefined) {
      return wanted;
    }
    this.#names[free] = folded;
    return free;
  }

  #free(wanted) {
    for (let i = 0; i < HUES; i++) {
      const hue = (wanted + i) % HUES;
      if (this.#names[hue] === undefined) {
        return hue;
      }
    }
    return undefined;
  }

  clear() { this.#names.fill(undefined); }
}

/* So that mostly it is the same the next time. */
function hash(name) {
  let value = 2166136261; /* FNV-1a */
  for (const char of name) {
    value = Math.imul(value ^ char.codePointAt(0), 16777619) >>> 0;
  }
  return Math.imul(value, 2654435761) >>> 16;
}
