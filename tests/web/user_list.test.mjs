/* user_list.test.mjs - who is active: order, parts, cursors, and what changed */
import assert from "node:assert/strict";
import { test } from "node:test";
import { UserList } from "../../client/web/core/user_list.js";

const names = (list) => Array.from({ length: list.length }, (_, i) => list.at(i));
const filled = (...users) => {
  const list = new UserList();
  list.apply({ users, cursor: "e.1" });
  return list;
};

test("the first list: sorted without regard to case, and said to be the first", () => {
  const list = new UserList();
  assert.deepEqual(list.apply({ users: ["bob", "Alice", "carol", "Zoe"], cursor: "e.1" }), { joined: ["Alice", "bob", "carol", "Zoe"], left: [], first: true });
  assert.deepEqual(names(list), ["Alice", "bob", "carol", "Zoe"]);
  assert.deepEqual([list.cursor, list.shown("ALICE"), list.has("x"), list.indexOf("CAROL"), list.indexOf("x")], ["e.1", "Alice", false, 2, -1]);
});

test("changes that continue are applied as on a set; only what really changed is told", () => {
  const list = filled("bob", "carol");
  assert.deepEqual(list.apply({ joined: ["Alice", "bob"], left: ["carol", "dora"], from: "e.1", cursor: "e.2" }), { joined: ["Alice"], left: ["carol"], first: false });
  assert.deepEqual([names(list), list.cursor], [["Alice", "bob"], "e.2"]);
});

test("somebody who left and came back in one bundle is there", () => {
  const list = filled("bob");
  list.apply({ joined: ["bob"], left: ["bob"], from: "e.1", cursor: "e.2" });
  assert.deepEqual(names(list), ["bob"]);
});

test("a gap: nothing is applied, somebody has to ask", () => {
  const list = filled("bob");
  assert.deepEqual(list.apply({ joined: ["x"], left: [], from: "e.5", cursor: "e.6" }), { ask: true });
  assert.deepEqual([names(list), list.cursor], [["bob"], "e.1"]);
  assert.deepEqual(list.apply({ joined: ["y"], left: [], from: "e.1", cursor: "e.6" }), { joined: ["y"], left: [], first: false }, "the answer");
  assert.deepEqual(new UserList().apply({ joined: [], left: [], from: "e.1", cursor: "e.2" }), { ask: true }, "changes before any list");
});

test("a full list later tells only what changed meanwhile", () => {
  const list = filled("Bob", "carol");
  assert.deepEqual(list.apply({ users: ["bob", "dora"], cursor: "f.9" }), { joined: ["dora"], left: ["carol"], first: false });
  assert.deepEqual([names(list), list.cursor], [["bob", "dora"], "f.9"]);
});

test("a list in parts counts when it is whole", () => {
  const list = filled("old");
  assert.equal(list.apply({ users: ["b"], cursor: "e.7", part: 1, parts: 3 }), undefined);
  assert.equal(list.apply({ users: ["a"], cursor: "e.7", part: 2, parts: 3 }), undefined);
  assert.deepEqual(names(list), ["old"]);
  assert.deepEqual(list.apply({ users: ["c"], cursor: "e.7", part: 3, parts: 3 }), { joined: ["a", "b", "c"], left: ["old"], first: false });
  assert.equal(list.cursor, "e.7");
});

test("parts that do not follow each other: ask; a new first part begins anew", () => {
  const list = filled("old");
  list.apply({ users: ["a"], cursor: "e.7", part: 1, parts: 3 });
  assert.deepEqual(list.apply({ users: ["c"], cursor: "e.7", part: 3, parts: 3 }), { ask: true });
  assert.deepEqual(list.apply({ users: ["b"], cursor: "e.7", part: 2, parts: 3 }), { ask: true });
  list.apply({ users: ["x"], cursor: "e.8", part: 1, parts: 2 });
  list.apply({ users: ["p"], cursor: "e.9", part: 1, parts: 2 });
  list.apply({ users: ["q"], cursor: "e.9", part: 2, parts: 2 });
  assert.deepEqual(names(list), ["p", "q"]);
});

test("5,000 users join and leave one by one: always sorted", () => {
  const list = filled();
  const all = Array.from({ length: 5000 }, (_, i) => `u${(i * 7919) % 5000}`);
  all.forEach((name, i) => list.apply({ joined: [name], left: [], from: `e.${i + 1}`, cursor: `e.${i + 2}` }));
  assert.deepEqual(names(list), [...all].sort());
  all.slice(0, 4000).forEach((name, i) => list.apply({ joined: [], left: [name], from: `e.${i + 5001}`, cursor: `e.${i + 5002}` }));
  assert.deepEqual(names(list), all.slice(4000).sort());
});

test("cleared: the next list is the first again", () => {
  const list = filled("a");
  list.clear();
  assert.deepEqual([list.length, list.cursor], [0, undefined]);
  assert.equal(list.apply({ users: ["b"], cursor: "e.1" }).first, true);
});
