/* connection.test.mjs - the state that is shown, when to try again, and the countdown */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "../../client/web/core/connection.js";

const longest = () => new Connection(() => 1);

test("connecting, online, lost, trying, online", () => {
  const c = longest();
  assert.deepEqual([c.state, c.isOnline], ["connecting", false]);
  c.up();
  assert.deepEqual([c.state, c.isOnline, c.retryAt], ["online", true, undefined]);
  c.down(1000);
  assert.deepEqual([c.state, c.retryAt, c.isDue(1499), c.isDue(1500)], ["reconnecting", 1500, false, true]);
  c.trying();
  assert.deepEqual([c.state, c.retryAt, c.isDue(9e9)], ["reconnecting", undefined, false]);
  c.up();
  assert.equal(c.state, "online");
});

test("each failure doubles the wait up to 15 s, with jitter; success resets it", () => {
  for (const [random, share] of [[0, 0.5], [1, 1]]) {
    const c = new Connection(() => random);
    const waits = Array.from({ length: 8 }, () => { c.down(0); return c.retryAt; });
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000].map((ms) => ms * share));
    c.up();
    c.down(0);
    assert.equal(c.retryAt, 500 * share);
  }
});

test("the countdown shows whole seconds and says when it changes", () => {
  const c = longest();
  [1, 2, 3, 4].forEach(() => c.down(0)); /* 4 s */
  assert.deepEqual([0, 1, 999, 1000, 1001, 3000, 3999, 4000].map((now) => c.secondsLeft(now)), [4, 4, 4, 3, 3, 1, 1, 1]);
  assert.deepEqual([0, 1, 1000, 3000, 5000].map((now) => c.nextAt(now)), [1000, 1000, 2000, 4000, 5000]);
  c.trying();
  assert.deepEqual([c.secondsLeft(0), c.nextAt(0)], [undefined, undefined]);
});

test("without a network it is offline, and tried all the same", () => {
  const c = longest();
  c.up();
  c.network(false);
  assert.equal(c.state, "online", "as long as the connection lives");
  c.down(0);
  assert.deepEqual([c.state, c.retryAt], ["offline", 500]);
  c.trying();
  assert.equal(c.state, "offline");
  c.network(true);
  assert.equal(c.state, "reconnecting");
  c.network(false);
  assert.equal(c.state, "offline");
  c.up();
  assert.equal(c.state, "online");
});

test("ended is ended, and started it connects anew", () => {
  const c = longest();
  c.down(0);
  c.end();
  assert.deepEqual([c.state, c.retryAt], ["ended", undefined]);
  c.network(false);
  assert.equal(c.state, "ended");
  c.network(true);
  c.start();
  assert.equal(c.state, "connecting");
  c.down(0);
  assert.equal(c.retryAt, 500);
});
