/* rows.test.mjs - small things that a row shows: initial, large emoji */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clientIds } from "../../client/web/core/client_id.js";
import { initial, isJumbo } from "../../client/web/core/rows.js";

test("initials", () => {
  assert.deepEqual(["bob", "_x", "9lives", "..", "émile"].map(initial), ["B", "X", "9", "?", "É"]);
});

test("a few emoji and nothing else are large", () => {
  for (const text of ["👋", "🎉🎉", "👩‍👩‍👧", "👍🏽", "🇩🇪 🇫🇷", "❤️"]) {
    assert.ok(isJumbo(text), text);
  }
  for (const text of ["", " ", "a", "👋 hi", "👋".repeat(30), "12", "#"]) {
    assert.ok(!isJumbo(text), text);
  }
});

test("ids of messages: unique here and in another tab, within the protocol's 64 bytes", () => {
  const [one, two] = [clientIds(new Uint8Array(12).fill(1)), clientIds(new Uint8Array(12).fill(255))];
  const all = new Set();
  for (let i = 0; i < 1000; i++) {
    all.add(one()).add(two());
  }
  assert.equal(all.size, 2000);
  all.forEach((id) => assert.match(id, /^[\x21-\x7e]{1,64}$/));
});
