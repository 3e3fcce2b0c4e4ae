/* controls.test.mjs - what would turn a text around is shown, what belongs to words and emoji is left alone */
import assert from "node:assert/strict";
import { test } from "node:test";
import { controls, visible } from "../../client/web/core/controls.js";

const SHOWN = [0x00, 0x08, 0x0b, 0x0c, 0x0e, 0x1b, 0x1f, 0x7f, 0x85, 0x9f, 0x61c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0x206f, 0xfff9, 0xfffb];
const LEFT = [0x09, 0x0a, 0x0d, 0x20, 0x7e, 0xa0, 0x61b, 0x61d, 0x200b, 0x200c, 0x200d, 0x2010, 0x2027, 0x202f, 0x2065, 0x2070, 0xfe0f, 0xfff8, 0xfffc, 0x1f389];

test("each is shown by its name, its neighbours are left", () => {
  for (const code of SHOWN) {
    const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    const text = `a${String.fromCodePoint(code)}b`;
    assert.deepEqual(controls(text), [{ text: "a" }, { control: name }, { text: "b" }]);
    assert.equal(visible(text), `a${name}b`);
  }
  for (const code of LEFT) {
    const text = `a${String.fromCodePoint(code)}b`;
    assert.deepEqual(controls(text), [{ text }], code.toString(16));
    assert.equal(visible(text), text);
  }
});

test("at either end, in a row, alone, and none", () => {
  assert.deepEqual(controls("\u202e\u2066x\u2069"), [{ control: "U+202E" }, { control: "U+2066" }, { text: "x" }, { control: "U+2069" }]);
  assert.deepEqual([controls("\u200f"), controls("")], [[{ control: "U+200F" }], []]);
});
