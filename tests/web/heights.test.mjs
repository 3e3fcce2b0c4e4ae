/* heights.test.mjs - sums of row heights, and what of a long list is in sight */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Heights } from "../../client/web/core/heights.js";
import { isAtEnd, moved, place, scrollTopOf, visible } from "../../client/web/core/viewport.js";

/* The same by plain counting. */
class Slow {
  rows = [];
  splice(at, removed, added, height) { this.rows.splice(at, removed, ...new Array(added).fill(height)); }
  before(index) { return this.rows.slice(0, index).reduce((a, b) => a + b, 0); }
  get total() { return this.before(this.rows.length); }
  find(y) {
    let index = 0;
    for (; index + 1 < this.rows.length && y >= this.rows[index]; index++) {
      y -= this.rows[index];
    }
    return index;
  }
}

function agree(heights, slow) {
  assert.deepEqual([heights.length, heights.total], [slow.rows.length, slow.total]);
  for (const share of [0, 0.1, 0.5, 0.99, 1, 1.1]) {
    const y = Math.floor(slow.total * share);
    assert.equal(heights.find(y), slow.find(y), `find ${y}`);
    const index = Math.floor((slow.rows.length - 1) * Math.min(1, share));
    assert.equal(heights.before(Math.max(0, index)), slow.before(Math.max(0, index)));
  }
}

test("sums and places agree with plain counting, after any changes", () => {
  const [heights, slow] = [new Heights(), new Slow()];
  let seed = 7;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  for (let i = 0; i < 3000; i++) {
    const at = random(slow.rows.length + 1);
    if (random(3) > 0 || slow.rows.length === 0) {
      const [removed, added] = [Math.min(random(4), slow.rows.length - at), random(i % 100 === 0 ? 400 : 5)];
      [heights, slow].forEach((h) => h.splice(at, removed, added, 40));
    } else {
      const [row, height] = [random(slow.rows.length), random(200)];
      heights.set(row, height);
      slow.rows[row] = height;
    }
    if (i % 25 === 0) {
      agree(heights, slow);
    }
  }
});

test("edges of rows: n-1, n, n+1", () => {
  const heights = new Heights();
  heights.splice(0, 0, 300, 10);
  for (const row of [1, 127, 128, 129, 255, 256, 299]) {
    assert.deepEqual([heights.find(row * 10 - 1), heights.find(row * 10), heights.before(row)], [row - 1, row, row * 10]);
  }
  assert.equal(heights.find(1e9), 299);
});

test("the rows in sight, with some beyond", () => {
  const heights = new Heights();
  assert.deepEqual(visible(heights, 0, 500, 100), { first: 0, end: 0 });
  heights.splice(0, 0, 1000, 50);
  assert.deepEqual(visible(heights, 0, 500, 100), { first: 0, end: 13 });
  assert.deepEqual(visible(heights, 5000, 500, 100), { first: 98, end: 113 });
  assert.deepEqual(visible(heights, 49_500, 500, 100), { first: 988, end: 1000 });
});

test("who reads somewhere keeps the place, whatever changes above", () => {
  const heights = new Heights();
  heights.splice(0, 0, 1000, 50);
  const here = place(heights, 5020);
  assert.deepEqual(here, { row: 100, above: 20 });
  heights.splice(3, 0, 2, 80);
  heights.set(50, 10);
  here.row = moved(here.row, 3, 0, 2);
  assert.equal(scrollTopOf(heights, here), 5020 + 160 - 40);
});

test("an index after a splice", () => {
  assert.deepEqual([moved(5, 6, 1, 0), moved(5, 5, 0, 2), moved(5, 5, 1, 0), moved(5, 0, 3, 1), moved(5, 4, 3, 0)], [5, 7, 5, 3, 4]);
});

test("at the end, or just about; who scrolls up leaves it at once", () => {
  assert.deepEqual([isAtEnd(500, 500, 1000), isAtEnd(480, 500, 1000), isAtEnd(400, 500, 1000), isAtEnd(0, 500, 300)], [true, true, false, true]);
  assert.deepEqual([isAtEnd(500, 500, 1000, true), isAtEnd(495, 500, 1000, true)], [true, false]);
});
