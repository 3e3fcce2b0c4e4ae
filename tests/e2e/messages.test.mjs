/* messages.test.mjs - what people write reaches whom it is for, once, in order, from any gateway */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scene } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const stack = useStack();
const MAX = 4096;

/* alice on gateway 1, bob and carol on gateway 2. */
async function three(t) {
  const s = scene(t, stack);
  const [alice, bob, carol] = await Promise.all([
    s.enter("Alice", stack.gateway(1)), s.enter("Bob", stack.gateway(2)), s.enter("Carol", stack.gateway(2)),
  ]);
  return { ...s, alice, bob, carol };
}

const message = (peer, id) => peer.waitFor("message_in", (m) => m.message_id === id);
const increasing = (ids) => ids.every((id, i) => i === 0 || ids[i - 1] < id);

/* Proves that nothing else is on its way: a later message to the group has arrived at everybody. */
async function everybodyHas(speaker, peers) {
  const id = await speaker.say("group", "marker");
  await Promise.all(peers.map((peer) => message(peer, id)));
}

/* ---- To one user ---- */

test("alice on gateway 1 writes to bob on gateway 2: both get it with one id, carol nothing", async (t) => {
  const { alice, bob, carol } = await three(t);
  const before = Date.now();
  const ack = await alice.ask("message_out", { receiver: bob.name, message_text: "hello bob", client_id: "c-1" });
  assert.deepEqual(Object.keys(ack).sort(), ["message_id", "ok"]);
  assert.equal(ack.ok, true);
  assert.ok(Number.isSafeInteger(ack.message_id) && ack.message_id > 0);
  const got = (await message(bob, ack.message_id)).data;
  const echo = (await message(alice, ack.message_id)).data;
  assert.deepEqual({ ...got, sent_at: 0 }, {
    message_id: ack.message_id, sender: alice.name, receiver: bob.name, message_text: "hello bob", sent_at: 0,
  });
  assert.ok(got.sent_at >= before - 1000 && got.sent_at <= Date.now() + 1000, `sent_at ${got.sent_at} is now`);
  assert.deepEqual(echo, { ...got, client_id: "c-1" }, "the echo is the same and names the client's id");
  await everybodyHas(bob, [alice, bob, carol]);
  assert.deepEqual(carol.texts(), ["marker"]);
  assert.deepEqual(alice.texts(), ["hello bob", "marker"]);
  assert.deepEqual(bob.texts(), ["hello bob", "marker"]);
});

test("every socket of receiver and sender gets it once, wherever it is", async (t) => {
  const { join, user, enter } = scene(t, stack);
  const [anna, bert] = [await user("anna"), await user("bert")];
  const [a1, a2, a3] = [await join(anna, stack.gateway(1)), await join(anna, stack.gateway(1)), await join(anna, stack.gateway(2))];
  const [b1, b2] = [await join(bert, stack.gateway(1)), await join(bert, stack.gateway(2))];
  const other = await enter("other", stack.gateway(2));
  const id = await a1.say(bert.name, "to all your tabs", { client_id: "tab" });
  await Promise.all([a1, a2, a3, b1, b2].map((peer) => message(peer, id)));
  await everybodyHas(other, [a1, a2, a3, b1, b2, other]);
  for (const [peer, clientId] of [[a1, "tab"], [a2, "tab"], [a3, "tab"], [b1, undefined], [b2, undefined]]) {
    assert.deepEqual(peer.texts(), ["to all your tabs", "marker"]);
    assert.equal(peer.collect("message_in")[0].client_id, clientId, "client_id only to the sender's sockets");
  }
  assert.deepEqual(other.texts(), ["marker"]);
});

test("to oneself: once per socket", async (t) => {
  const { enter } = scene(t, stack);
  const solo = await enter("solo", stack.gateway(1));
  const id = await solo.say(solo.name, "note to self");
  await message(solo, id);
  await everybodyHas(solo, [solo]);
  assert.deepEqual(solo.texts(), ["note to self", "marker"]);
});

test("names and the word group have no case; the receiver is shown as typed at login", async (t) => {
  const { alice, bob, carol } = await three(t);
  const id = await alice.say(bob.name.toUpperCase(), "shouting", { sender: alice.name.toLowerCase() });
  assert.equal((await message(bob, id)).data.receiver, bob.name);
  const toAll = await alice.say("GROUP", "everybody");
  assert.equal((await message(carol, toAll)).data.receiver, "group");
});

test("a receiver in grace exists; one who only logged in, or nobody, does not", async (t) => {
  const { alice, bob, user } = await three(t);
  const pending = await user("pending");
  bob.cut();
  await until("bob is in grace", async () => (await stack.redis("EXISTS", `{chat}:grace:${bob.name.toLowerCase()}`)) === "1");
  assert.equal((await alice.ask("message_out", { receiver: bob.name, message_text: "are you there?" })).ok, true);
  for (const receiver of [pending.name, "nobody-here", "", "*", "{chat}:user:x", "a b", "x".repeat(33), "x".repeat(4000), "\u0000", "é", "__proto__"]) {
    const ack = await alice.ask("message_out", { receiver, message_text: "hello?" });
    assert.deepEqual([ack.ok, ack.error?.code], [false, "no_such_user"], JSON.stringify(receiver).slice(0, 60));
    assert.deepEqual(Object.keys(ack.error).sort(), ["code", "message"]);
  }
});

/* ---- To everybody ---- */

test("group reaches everyone on both gateways once, the sender too", async (t) => {
  const s = scene(t, stack);
  const peers = await Promise.all([1, 2, 1, 2].map((g) => s.enter("member", stack.gateway(g))));
  const id = await peers[0].say("group", "good morning", { client_id: "gm" });
  const got = await Promise.all(peers.map(async (peer) => (await message(peer, id)).data));
  await everybodyHas(peers[1], peers);
  for (const [i, peer] of peers.entries()) {
    assert.deepEqual(peer.texts(), ["good morning", "marker"]);
    assert.deepEqual(got[i], {
      message_id: id, sender: peers[0].name, receiver: "group", message_text: "good morning",
      sent_at: got[0].sent_at, ...(i === 0 ? { client_id: "gm" } : {}),
    });
  }
});

test("8 senders at once on two gateways: ids strictly increase, in the same order, at every receiver", async (t) => {
  const EACH = 40;
  const s = scene(t, stack);
  const senders = await Promise.all([...Array(8).keys()].map((i) => s.enter("s", stack.gateway(1 + (i % 2)))));
  const listeners = await Promise.all([1, 2].map((g) => s.enter("listener", stack.gateway(g))));
  const all = [...senders, ...listeners];
  const acks = await Promise.all(senders.flatMap((peer, i) =>
    [...Array(EACH).keys()].map((n) => peer.say("group", `${i}:${n}`))));
  const last = Math.max(...acks);
  await Promise.all(all.map((peer) => message(peer, last)));
  const reference = listeners[0].collect("message_in").map((m) => [m.message_id, m.message_text]);
  assert.equal(new Set(acks).size, 8 * EACH, "every message has an id of its own");
  assert.deepEqual(reference.map(([id]) => id), acks.sort((a, b) => a - b), "all accepted ones, in order of their ids");
  for (const peer of all) {
    assert.deepEqual(peer.collect("message_in").map((m) => [m.message_id, m.message_text]), reference);
  }
  for (const i of senders.keys()) {
    const own = reference.map(([, text]) => text).filter((text) => text.startsWith(`${i}:`));
    assert.deepEqual(own, [...Array(EACH).keys()].map((n) => `${i}:${n}`), "one sender's messages keep their order");
  }
});

test("direct and group messages mixed from both gateways: ids strictly increase at every receiver", async (t) => {
  const { alice, bob, carol } = await three(t);
  const ids = await Promise.all([...Array(30).keys()].flatMap((n) => [
    alice.say("group", `g${n}`), alice.say(bob.name, `d${n}`), carol.say("group", `c${n}`), bob.say(alice.name, `b${n}`),
  ]));
  await everybodyHas(carol, [alice, bob, carol]);
  for (const [peer, count] of [[alice, 121], [bob, 121], [carol, 61]]) {
    const got = peer.collect("message_in").map((m) => m.message_id);
    assert.equal(got.length, count, peer.name);
    assert.ok(increasing(got), `${peer.name}: ${got}`);
  }
  assert.equal(new Set(ids).size, 120);
});

/* ---- The same message again ---- */

test("a resent client_id is answered with the first id and dup, and delivered to nobody again", async (t) => {
  const { alice, bob, carol } = await three(t);
  for (const receiver of [bob.name, "group"]) {
    const payload = { receiver, message_text: `once to ${receiver}`, client_id: `id-${receiver}` };
    const first = await alice.ask("message_out", payload);
    assert.deepEqual(first, { ok: true, message_id: first.message_id });
    for (const again of [payload, { ...payload, receiver: receiver.toUpperCase() }, { ...payload, extra: 1 }]) {
      assert.deepEqual(await alice.ask("message_out", again), { ok: true, message_id: first.message_id, dup: true });
    }
  }
  await everybodyHas(carol, [alice, bob, carol]);
  assert.deepEqual(alice.texts(), [`once to ${bob.name}`, "once to group", "marker"]);
  assert.deepEqual(bob.texts(), [`once to ${bob.name}`, "once to group", "marker"]);
  assert.deepEqual(carol.texts(), ["once to group", "marker"]);
});

test("the same client_id twice at the same time: one message", async (t) => {
  const { alice, bob } = await three(t);
  const payload = { receiver: bob.name, message_text: "double click", client_id: "dc" };
  const acks = await Promise.all([1, 2, 3, 4].map(() => alice.ask("message_out", payload)));
  assert.deepEqual([...new Set(acks.map((a) => a.message_id))].length, 1, JSON.stringify(acks));
  assert.deepEqual(acks.map((a) => a.dup ?? false), [false, true, true, true]);
  await everybodyHas(bob, [alice, bob]);
  assert.deepEqual(bob.texts(), ["double click", "marker"]);
});

test("a client_id sent again after reconnecting on the other gateway: still the first id", async (t) => {
  const { user, join, enter } = scene(t, stack);
  const olga = await user("olga");
  const bob = await enter("bob", stack.gateway(2));
  const first = await join(olga, stack.gateway(1));
  const payload = { receiver: bob.name, message_text: "did it arrive?", client_id: "retry" };
  const id = await first.say(bob.name, payload.message_text, { client_id: "retry" });
  first.cut();
  await first.waitFor(":disconnect");
  const second = await join(olga, stack.gateway(2));
  assert.deepEqual(await second.ask("message_out", payload), { ok: true, message_id: id, dup: true });
  await everybodyHas(second, [second, bob]);
  assert.deepEqual(bob.texts(), ["did it arrive?", "marker"]);
});

test("resent without an ack: the echo comes to that socket alone", async (t) => {
  const { user, join, enter } = scene(t, stack);
  const pia = await user("pia");
  const bob = await enter("bob", stack.gateway(2));
  const [one, two] = [await join(pia, stack.gateway(1)), await join(pia, stack.gateway(1))];
  const payload = { receiver: bob.name, message_text: "echo", client_id: "e" };
  const id = await one.say(bob.name, "echo", { client_id: "e" });
  await Promise.all([one, two, bob].map((peer) => message(peer, id)));
  one.socket.emit("message_out", payload);
  const again = await until("the echo again", () => one.collect("message_in", (m) => m.message_id === id)[1]);
  assert.deepEqual(again, one.collect("message_in")[0], "exactly as the first time");
  await everybodyHas(two, [one, two, bob]);
  assert.deepEqual(one.texts(), ["echo", "echo", "marker"]);
  assert.deepEqual(two.texts(), ["echo", "marker"]);
  assert.deepEqual(bob.texts(), ["echo", "marker"]);
});

test("a client_id belongs to a user: two users may use the same", async (t) => {
  const { alice, bob, carol } = await three(t);
  const one = await alice.say(bob.name, "mine", { client_id: "same" });
  const two = await carol.say(bob.name, "mine", { client_id: "same" });
  assert.notEqual(one, two);
  await message(bob, two);
});

/* ---- Texts ---- */

const TEXTS = [
  ["one byte", "x"],
  ["NUL inside", "before\u0000after"],
  ["only NUL", "\u0000"],
  ["controls", "\u0001\b\t\n\f\r\u001b\u007f"],
  ["emoji and joined emoji", "\u{1f600} \u{1f468}\u200d\u{1f469}\u200d\u{1f467}"],
  ["right to left, combining marks, U+2028", "\u202e\u05d0 e\u0301\u0301\u0301 \u2028\u2029"],
  ["quotes, backslashes, slashes", "\"'\\/\\u0041\\\\"],
  ["markup", "<script>alert(1)</script>&amp;"],
  ["noncharacters", "\uffff\ufdd0\u{10ffff}"],
  ["4,096 bytes", "x".repeat(MAX)],
  ["4,096 bytes of emoji", "\u{1f600}".repeat(MAX / 4)],
  ["4,096 NUL", "\u0000".repeat(MAX)],
];

for (const [label, text] of TEXTS) {
  test(`text is delivered unchanged: ${label}`, async (t) => {
    const { alice, bob } = await three(t);
    const id = await alice.say(bob.name, text, { client_id: text.slice(0, 8) });
    assert.equal((await message(bob, id)).data.message_text, text);
    const echo = (await message(alice, id)).data;
    assert.equal(echo.message_text, text);
    assert.equal(echo.client_id, text.slice(0, 8));
  });
}

/* ---- Refusals ---- */

const ok = { receiver: "group", message_text: "fine" };
const BAD = [
  /* label, arguments, code */
  ["no payload", [], "invalid"],
  ["null", [null], "invalid"],
  ["a string", ["hello"], "invalid"],
  ["a number", [1], "invalid"],
  ["a list", [[ok]], "invalid"],
  ["an empty object", [{}], "invalid"],
  ["no receiver", [{ message_text: "x" }], "invalid"],
  ["no text", [{ receiver: "group" }], "invalid"],
  ["a receiver that is a number", [{ ...ok, receiver: 5 }], "invalid"],
  ["a receiver that is a list", [{ ...ok, receiver: ["group"] }], "invalid"],
  ["a receiver that is null", [{ ...ok, receiver: null }], "invalid"],
  ["a receiver with half a character", [{ ...ok, receiver: "\ud800" }], "invalid"],
  ["a text that is a number", [{ ...ok, message_text: 5 }], "invalid"],
  ["a text that is an object", [{ ...ok, message_text: { a: 1 } }], "invalid"],
  ["a text that is true", [{ ...ok, message_text: true }], "invalid"],
  ["an empty text", [{ ...ok, message_text: "" }], "invalid"],
  ["a lone high surrogate", [{ ...ok, message_text: "a\ud83d" }], "invalid"],
  ["a lone low surrogate", [{ ...ok, message_text: "\ude00b" }], "invalid"],
  ["surrogates the wrong way round", [{ ...ok, message_text: "\ude00\ud83d" }], "invalid"],
  ["keys in another case", [{ Receiver: "group", Message_Text: "x" }], "invalid"],
  ["another's name as sender", [{ ...ok, sender: "somebody-else" }], "invalid"],
  ["a sender that is a number", [{ ...ok, sender: 5 }], "invalid"],
  ["an empty client_id", [{ ...ok, client_id: "" }], "invalid"],
  ["a client_id of 65 bytes", [{ ...ok, client_id: "x".repeat(65) }], "invalid"],
  ["a client_id of 33 two-byte characters", [{ ...ok, client_id: "é".repeat(33) }], "invalid"],
  ["a client_id that is a number", [{ ...ok, client_id: 7 }], "invalid"],
  ["a client_id with half a character", [{ ...ok, client_id: "\ud800" }], "invalid"],
  ["4,097 bytes", [{ ...ok, message_text: "x".repeat(MAX + 1) }], "too_large"],
  ["4,098 bytes in 1,366 characters", [{ ...ok, message_text: "€".repeat(1366) }], "too_large"],
  ["100,000 bytes", [{ ...ok, message_text: "x".repeat(100_000) }], "too_large"],
  ["nobody", [{ ...ok, receiver: "nobody-here" }], "no_such_user"],
];

test("every refusal comes with its code: in the ack when asked for, else as message_error", async (t) => {
  const { alice, bob, carol } = await three(t);
  for (const [label, args, code] of BAD) {
    await t.test(`${code}: ${label}`, async () => {
      const ack = await alice.ask("message_out", ...args);
      assert.deepEqual(Object.keys(ack).sort(), ["error", "ok"]);
      assert.equal(ack.ok, false);
      assert.deepEqual(Object.keys(ack.error).sort(), ["code", "message"]);
      assert.equal(ack.error.code, code);
      assert.equal(typeof ack.error.message, "string");
      const from = carol.mark();
      carol.socket.emit("message_out", ...args);
      const { data } = await carol.waitFor("message_error", () => true, { from });
      assert.equal(data.error.code, code);
      const clientId = args[0]?.client_id;
      const good = typeof clientId === "string" && clientId !== "" && !/\p{Surrogate}/u.test(clientId) && Buffer.byteLength(clientId) <= 64;
      assert.equal(data.client_id, good ? clientId : undefined);
    });
  }
  await everybodyHas(bob, [alice, bob, carol]);
  assert.deepEqual(bob.texts(), ["marker"], "nothing of it was delivered");
  assert.equal(alice.collect("message_error").length, 0, "who asked for an ack gets no message_error");
});

test("message_error names the client_id", async (t) => {
  const { alice } = await three(t);
  alice.socket.emit("message_out", { receiver: "nobody-here", message_text: "x", client_id: "mine \u{1f600} \"1\"" });
  const { data } = await alice.waitFor("message_error");
  assert.deepEqual(Object.keys(data).sort(), ["client_id", "error"]);
  assert.equal(data.client_id, "mine \u{1f600} \"1\"");
  assert.equal(data.error.code, "no_such_user");
});

test("the same client_id with another text or receiver: invalid, and nothing delivered", async (t) => {
  const { alice, bob, carol } = await three(t);
  await alice.say(bob.name, "first", { client_id: "k" });
  for (const other of [{ receiver: bob.name, message_text: "second" }, { receiver: "group", message_text: "first" }]) {
    const ack = await alice.ask("message_out", { ...other, client_id: "k" });
    assert.deepEqual([ack.ok, ack.error?.code], [false, "invalid"]);
  }
  await everybodyHas(carol, [alice, bob, carol]);
  assert.deepEqual(bob.texts(), ["first", "marker"]);
  assert.deepEqual(carol.texts(), ["marker"]);
});

test("fields at their limits, unknown fields, and a sender that agrees are fine", async (t) => {
  const { alice, bob } = await three(t);
  for (const more of [
    { client_id: "x" }, { client_id: "y".repeat(64) }, { client_id: "é".repeat(32) }, { client_id: "*{chat}:\n" },
    { sender: alice.name }, { sender: alice.name.toUpperCase() },
    { client_id: null, sender: null },
    { whatever: { deep: [1, 2, { three: null }] }, message_id: 5, sent_at: "never", __proto: 1 },
  ]) {
    const id = await alice.say(bob.name, "ok", more);
    const { data } = await message(bob, id);
    assert.deepEqual(Object.keys(data).sort(), ["message_id", "message_text", "receiver", "sender", "sent_at"]);
    assert.equal(data.message_id, id, "ours, not the client's");
  }
});

test("above the rate: rate_limited with retry_after_ms; others are not touched; later it works again", async (t) => {
  const { alice, bob } = await three(t);
  const acks = await Promise.all([...Array(160).keys()].map((n) =>
    alice.ask("message_out", { receiver: bob.name, message_text: `${n}`, client_id: `r${n}` })));
  assert.ok(acks.slice(0, 100).every((a) => a.ok), "the burst of 100 passes");
  const limited = acks.filter((a) => !a.ok);
  assert.ok(limited.length > 0, "the limit was met");
  for (const { error } of limited) {
    assert.equal(error.code, "rate_limited");
    assert.ok(Number.isSafeInteger(error.retry_after_ms) && error.retry_after_ms >= 1 && error.retry_after_ms <= 1000, JSON.stringify(error));
  }
  await bob.say("group", "I may");
  for (let n = 0; n < 50; n++) {
    alice.socket.emit("message_out", { receiver: bob.name, message_text: "no ack" });
  }
  const { data } = await alice.waitFor("message_error");
  assert.equal(data.error.code, "rate_limited");
  assert.ok(data.error.retry_after_ms >= 1);
  const id = await until("alice may write again", async () => {
    const ack = await alice.ask("message_out", { receiver: bob.name, message_text: "again", client_id: "again" });
    return ack.ok && ack.message_id;
  }, { every: 60 });
  await message(bob, id);
  const delivered = bob.texts().filter((text) => /^\d+$/.test(text));
  assert.deepEqual(delivered, acks.flatMap((a, n) => (a.ok ? [`${n}`] : [])), "exactly what was accepted");
});

test("all this with a Redis that has loaded parley.so", { skip: process.env.REDIS_MODULE === "0" }, async () => {
  assert.match(await stack.redis("MODULE", "LIST"), /^parley$/m);
});

test("a session that ended meanwhile: session_expired", async (t) => {
  const { alice, bob } = await three(t);
  /* By hand, so that the gateway has not been told yet: the name belongs to another session now. */
  const key = `{chat}:user:${alice.name.toLowerCase()}`;
  const hash = await stack.redis("HGET", key, "session");
  await stack.redis("HSET", key, "session", "0".repeat(64));
  const ack = await alice.ask("message_out", { receiver: bob.name, message_text: "still me?" });
  await stack.redis("HSET", key, "session", hash);
  assert.deepEqual([ack.ok, ack.error?.code], [false, "session_expired"]);
});

stack.lastTest();
