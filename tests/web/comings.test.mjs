/* comings.test.mjs - joining and leaving, gathered and said in one line */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Comings, merge, sentence } from "../../client/web/core/comings.js";
import { speaker } from "../../client/web/core/texts.js";
import de from "../../client/web/lang/de.js";
import en from "../../client/web/lang/en.js";

const add = (comings, joined, left, now) => comings.add({ joined, left }, now);

test("it waits until nobody else comes, but not for ever", () => {
  const comings = new Comings();
  assert.deepEqual([comings.nextAt(), comings.take(1e9)], [undefined, undefined]);
  add(comings, ["a"], [], 0);
  assert.deepEqual([comings.nextAt(), comings.take(1199)], [1200, undefined]);
  add(comings, ["b"], ["x"], 1000);
  assert.equal(comings.take(1200), undefined);
  assert.deepEqual(comings.take(2200), { joined: ["a", "b"], left: ["x"] });
  assert.equal(comings.nextAt(), undefined);
  for (let now = 0; now < 4000; now += 500) {
    add(comings, [`n${now}`], [], now);
  }
  assert.equal(comings.nextAt(), 4000);
});

test("who left and came back meanwhile has done neither", () => {
  const comings = new Comings();
  add(comings, [], ["a"], 0);
  add(comings, ["a", "b"], [], 10);
  add(comings, [], ["b"], 20);
  assert.equal(comings.take(5000), undefined);
  add(comings, [], [], 6000);
  assert.equal(comings.nextAt(), undefined, "nothing is no event");
});

test("two lines, one behind the other, become one", () => {
  assert.deepEqual(merge({ joined: ["a"], left: ["b"] }, { joined: ["b", "c"], left: ["a"] }), { joined: ["c"], left: [] });
});

test("few are named, many are counted", () => {
  const say = speaker(en);
  const line = (...names) => sentence(names, "joined", say);
  assert.equal(line("bob"), "bob joined");
  assert.equal(line("bob", "carol"), "bob and carol joined");
  assert.equal(line("bob", "carol", "dan"), "bob, carol, and dan joined");
  assert.equal(line("bob", "carol", ...Array.from({ length: 12 }, (_, i) => `u${i}`)), "bob, carol and 12 others joined");
  assert.equal(sentence(["bob"], "left", say), "bob left");
  assert.equal(sentence(["bob"], "left", speaker(de)), "bob ist gegangen");
  assert.equal(sentence(["a", "b", "c", "d"], "joined", speaker(de)), "a, b und 2 weitere sind gekommen");
});
