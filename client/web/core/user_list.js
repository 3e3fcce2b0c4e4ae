/* user_list.js - who is active: names in order, and the cursor that says up to when we know
 *
 * Treats what the server tells as a set.  Changes that do not continue from our cursor are not
 * applied: somebody has to ask the server (user_change_out) for what we missed. */

const fold = (name) => name.toLowerCase();
const compare = (a, b) => (fold(a) < fold(b) ? -1 : fold(a) > fold(b) ? 1 : 0);

export class UserList {
  #names = []; /* sorted */
  #folded = new Map(); /* folded name -> as shown */
  #parts = null; /* a full list that is still coming: {names, next} */

  cursor = undefined;

  get length() { return this.#names.length; }
  at(index) { return this.#names[index]; }
  /* As the user typed it at login; undefined: not active. */
  shown(name) { return this.#folded.get(fold(name)); }
  has(name) { return this.#folded.has(fold(name)); }
  indexOf(name) {
    const i = this.#place(name);
    return i < this.#names.length && compare(this.#names[i], name) === 0 ? i : -1;
  }

  /* A user_change_in.  Returns {joined, left, first}, what changed by it; {ask: true} if something is
   * missing in between; undefined if nothing can be said yet. */
  apply(event) {
    return Array.isArray(event.users) ? this.#full(event) : this.#change(event);
  }

  #full({ users, cursor, part = 1, parts = 1 }) {
    if (part === 1) {
      this.#parts = { names: [], next: 1 };
    }
    if (!this.#parts || this.#parts.next !== part) {
      this.#parts = null;
      return { ask: true };
    }
    this.#parts.names.push(...users);
    this.#parts.next++;
    if (part < parts) {
      return undefined;
    }
    const { names } = this.#parts;
    this.#parts = null;
    return this.#replace(names, cursor);
  }

  #replace(names, cursor) {
    const first = this.cursor === undefined;
    const now = new Map(names.map((name) => [fold(name), name]));
    const joined = [...now.values()].filter((name) => !this.has(name));
    const left = this.#names.filter((name) => !now.has(fold(name)));
    this.#folded = now;
    this.#names = [...now.values()].sort(compare);
    this.cursor = cursor;
    return { joined: joined.sort(compare), left, first };
  }

  #change({ joined = [], left = [], from, cursor }) {
    if (from !== this.cursor || this.cursor === undefined) {
      return { ask: true };
    }
    this.cursor = cursor;
    return {
      left: left.filter((name) => this.#remove(name)),
      joined: joined.filter((name) => this.#add(name)),
      first: false,
    };
  }

  clear() {
    this.#names = [];
    this.#folded.clear();
    this.#parts = null;
    this.cursor = undefined;
  }

  /* ---- The order ---- */

  #place(name) {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.#names[middle], name) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  #add(name) {
    if (this.has(name)) {
      return false;
    }
    this.#folded.set(fold(name), name);
    this.#names.splice(this.#place(name), 0, name);
    return true;
  }

  #remove(name) {
    if (!this.has(name)) {
      return false;
    }
    this.#folded.delete(fold(name));
    this.#names.splice(this.#place(name), 1);
    return true;
  }
}

export const isSameName = (a, b) => fold(a) === fold(b);
