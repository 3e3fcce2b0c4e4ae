/* comings.js - who came and went, gathered for a moment so that one quiet line says it */

const QUIET_MS = 1200; /* nobody else came or went for so long */
const LONGEST_MS = 4000;
const NAMES = 3; /* are said, the rest is counted */

export class Comings {
  #joined = new Set();
  #left = new Set();
  #since = undefined;
  #last = 0;

  add({ joined, left }, now) {
    if (joined.length + left.length === 0) {
      return;
    }
    /* Who left and came back in between has done neither. */
    joined.forEach((name) => this.#left.delete(name) || this.#joined.add(name));
    left.forEach((name) => this.#joined.delete(name) || this.#left.add(name));
    this.#since ??= now;
    this.#last = now;
  }

  nextAt() {
    return this.#since === undefined ? undefined : Math.min(this.#last + QUIET_MS, this.#since + LONGEST_MS);
  }

  /* What there is to say by now, or undefined. */
  take(now) {
    if (this.#since === undefined || now < this.nextAt()) {
      return undefined;
    }
    const said = { joined: [...this.#joined], left: [...this.#left] };
    this.clear();
    return said.joined.length + said.left.length > 0 ? said : undefined;
  }

  clear() {
    this.#joined.clear();
    this.#left.clear();
    this.#since = undefined;
  }
}

/* Two such lines, one behind the other, as one. */
export function merge(a, b) {
  const joined = new Set(a.joined);
  const left = new Set(a.left);
  b.joined.forEach((name) => left.delete(name) || joined.add(name));
  b.left.forEach((name) => joined.delete(name) || left.add(name));
  return { joined: [...joined], left: [...left] };
}

/* "bob, carol and 12 others joined" in words of that language. */
export function sentence(names, verb, say) {
  const shown = names.length <= NAMES ? names : names.slice(0, NAMES - 1);
  const rest = names.length - shown.length;
  const all = rest > 0 ? say("names.more", { names: shown.join(", "), count: rest }) : say.list(shown);
  return say(`comings.${verb}`, { names: all, count: names.length });
}
