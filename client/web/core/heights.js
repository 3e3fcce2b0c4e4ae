/* heights.js - the heights of a long list's rows, and which row is where
 *
 * Sums are kept for blocks of rows: appending costs nothing, finding a place few hundred additions,
 * whatever the length. */

const BLOCK = 128;

export class Heights {
  #rows = [];
  #sums = [];
  #total = 0;

  get length() { return this.#rows.length; }
  get total() { return this.#total; }
  at(index) { return this.#rows[index]; }

  set(index, height) {
    const more = height - this.#rows[index];
    this.#rows[index] = height;
    this.#sums[Math.floor(index / BLOCK)] += more;
    this.#total += more;
  }

  splice(at, removed, added, height) {
    this.#rows.splice(at, removed, ...new Array(added).fill(height));
    this.#sumFrom(Math.floor(at / BLOCK));
  }

  #sumFrom(block) {
    this.#sums.length = Math.ceil(this.#rows.length / BLOCK);
    for (let b = block; b < this.#sums.length; b++) {
      let sum = 0;
      for (let i = b * BLOCK; i < Math.min(this.#rows.length, (b + 1) * BLOCK); i++) {
        sum += this.#rows[i];
      }
      this.#sums[b] = sum;
    }
    this.#total = this.#sums.reduce((a, b) => a + b, 0);
  }

  /* How far from the top that row begins. */
  before(index) {
    let y = 0;
    const block = Math.floor(index / BLOCK);
    for (let b = 0; b < block; b++) {
      y += this.#sums[b];
    }
    for (let i = block * BLOCK; i < index; i++) {
      y += this.#rows[i];
    }
    return y;
  }

  /* The row at that distance from the top, or the nearest there is. */
  find(y) {
    let block = 0;
    while (block + 1 < this.#sums.length && y >= this.#sums[block]) {
      y -= this.#sums[block++];
    }
    let index = block * BLOCK;
    while (index + 1 < this.#rows.length && y >= this.#rows[index]) {
      y -= this.#rows[index++];
    }
    return index;
  }
}
