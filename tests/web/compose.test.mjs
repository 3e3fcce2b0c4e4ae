/* compose.test.mjs - to whom a typed text goes, and what of it */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesLeft, isName, parse, startedName, unparse } from "../../client/web/core/compose.js";

const TABLE = [
  ["hello", "group", "hello"],
  ["@bob hello", "bob", "hello"],
  ["@Bob.x_y-z  two  words", "Bob.x_y-z", "two  words"],
  ["@bob: hello", "bob", "hello"],
  ["@bob, hello", "bob", "hello"],
  ["  @bob hello", "bob", "hello"],
  ["@bob\nhello", "bob", "hello"],
  ["@bob hello\nthere", "bob", "hello\nthere"],
  ["@bob", "bob", ""],
  ["@bob   ", "bob", ""],
  ["@bob:", "bob", ""],
  ["@@bob hello", "group", "@bob hello"],
  ["@group hello", "group", "hello"],
  ["@", "group", "@"],
  ["@ bob", "group", "@ bob"],
  ["@-bob x", "group", "@-bob x"],
  ["@bob's hat", "group", "@bob's hat"],
  [`@${"a".repeat(32)} x`, "a".repeat(32), "x"],
  [`@${"a".repeat(33)} x`, "group", `@${"a".repeat(33)} x`],
  ["hello @bob", "group", "hello @bob"],
  ["", "group", ""],
  [" \n ", "group", ""],
  ["  indented", "group", "  indented"],
  ["\n\n  code\n", "group", "  code"],
  ["text   \n\n", "group", "text"],
  ["@bob @carol hi", "bob", "@carol hi"],
  ["half \ud83d a \udc4b character", "group", "half \ufffd a \ufffd character"],
  ["whole 👋", "group", "whole 👋"],
];
for (const [typed, receiver, text] of TABLE) {
  test(`${JSON.stringify(typed)} goes to ${receiver}`, () => {
    assert.deepEqual(parse(typed), { receiver, text });
    if (text !== "") {
      assert.deepEqual(parse(unparse({ receiver, text })), { receiver, text }, "edited again it means the same");
    }
  });
}

test("a receiver that was chosen counts unless the text names another", () => {
  assert.deepEqual(parse("hello", "carol"), { receiver: "carol", text: "hello" });
  assert.deepEqual(parse("@bob hello", "carol"), { receiver: "bob", text: "hello" });
  assert.deepEqual(parse("@@x", "carol"), { receiver: "carol", text: "@x" });
});

test("names, as the server allows them", () => {
  for (const name of ["a", "Z9", "a.b_c-d", "0", "a".repeat(32)]) {
    assert.ok(isName(name), name);
  }
  for (const name of ["", ".a", "-a", "_a", "a b", "ä", "a".repeat(33), "a\n", "a/b", "<b>"]) {
    assert.ok(!isName(name), JSON.stringify(name));
  }
});

test("a name that is being typed", () => {
  assert.deepEqual(["@", "@b", " @Bo-1", "@bob ", "x @b", "b", "@b@", "@@b"].map(startedName), ["", "b", "Bo-1", undefined, undefined, undefined, undefined, undefined]);
});

test("near is a quarter of a small limit", () => {
  const rows = [["x".repeat(74), undefined], ["x".repeat(75), 25], ["x".repeat(100), 0], ["ä".repeat(51), -2], ["", undefined]];
  rows.forEach(([text, left]) => assert.equal(bytesLeft(text, 100), left, `${text.length} of ${text[0]}`));
});

test("the bytes that are left are told near the limit, in UTF-8", () => {
  const rows = [["", undefined], ["x".repeat(3695), undefined], ["x".repeat(3696), 400], ["x".repeat(4096), 0], ["x".repeat(4097), -1], ["ä".repeat(2048), 0], ["ä".repeat(1847), undefined],
    ["€".repeat(1232), 400], ["€".repeat(1231), undefined], ["👋".repeat(1024), 0], ["👋".repeat(1025), -4]];
  rows.forEach(([text, left]) => assert.equal(bytesLeft(text, 4096), left, `${text.length} of ${text[0]}`));
});
