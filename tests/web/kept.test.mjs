/* kept.test.mjs - what outlives a reload: the same comes back, of too much the first, of nonsense nothing */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pack, unpack } from "../../client/web/core/kept.js";

const draft = { receiver: "group", text: "half" };
const message = (i, more = {}) => ({ clientId: `c${i}`, sender: "Al", receiver: "bob", text: `t${i}`, time: i, ...more });

test("what is kept comes back as it was", () => {
  const kept = { username: "Al", draft, unsent: [message(1), message(2, { reason: "lost", after: 7 })] };
  assert.deepEqual(unpack(pack(kept)), kept);
  assert.deepEqual(unpack(pack({ ...kept, unsent: [] })), { ...kept, unsent: [] });
});

test("nothing to keep is nothing", () => {
  assert.equal(pack({ username: "Al", draft: { receiver: "bob", text: "" }, unsent: [] }), undefined);
});

test("of too much the first is kept, within the limit", () => {
  const unsent = Array.from({ length: 500 }, (_, i) => message(i, { text: "\u0000".repeat(4000) }));
  const packed = pack({ username: "Al", draft, unsent });
  const kept = unpack(packed);
  assert.ok(packed.length <= 500_000, `${packed.length}`);
  assert.ok(kept.unsent.length >= 15 && kept.unsent.length < 500, `${kept.unsent.length}`);
  assert.deepEqual(kept.unsent, unsent.slice(0, kept.unsent.length));
});

test("what we have not written is nothing", () => {
  const good = { username: "Al", draft, unsent: [message(1)] };
  assert.ok(unpack(JSON.stringify(good)));
  const wrong = [
    { ...good, username: 7 }, { ...good, draft: undefined }, { ...good, draft: { receiver: "x" } }, { ...good, unsent: undefined }, { ...good, unsent: [null] },
    ...[{ clientId: 1 }, { text: null }, { time: "now" }, { reason: 7, after: 1 }, { reason: "lost" }, { reason: "lost", after: null }].map((more) => ({ ...good, unsent: [message(1, more)] })),
  ];
  for (const text of [undefined, "", "null", "7", "{", ...wrong.map((one) => JSON.stringify(one))]) {
    assert.equal(unpack(text), undefined, text);
  }
});
