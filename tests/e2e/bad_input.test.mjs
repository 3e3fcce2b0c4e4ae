/* bad_input.test.mjs - what nobody should send: each gets its clear answer, and others lose nothing
 *
 * Beside every test a healthy pair chats, alice on gateway 1 with bob on gateway 2. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { connect, login, scene, user } from "../support/client.mjs";
import { BINARY, CONTINUED, enterRaw, frame, openRaw } from "../support/frames.mjs";
import { request } from "../support/http.mjs";
import { askRaw, upgradeRequest } from "../support/raw_ws.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const MAX_PAYLOAD = 1_000_000;
const QUEUE = 262_144;
const stack = useStack({ RATE_MESSAGES: "100000:100000", QUEUE_MAX_BYTES: `${QUEUE}`, RATE_LOGINS: "10000:10000" });

/* ---- The healthy pair ---- */

/* Two people who answer each other, one message at a time, all the while.  Each message must be
 * acknowledged and arrive once, in order, at both. */
class Pair {
  rounds = 0;
  #sent = [];
  #running = true;

  async start() {
    const people = await Promise.all(["healthy-alice", "healthy-bob"].map((name) => user(stack.door, name)));
    this.peers = await Promise.all(people.map(({ token }, i) => connect(stack.gateway(i + 1), { token })));
    this.names = people.map((p) => p.name);
    this.done = this.#chat();
    this.done.catch(() => {});
  }
  async #chat() {
    for (let n = 0; this.#running; n++) {
      const [from, to] = n % 2 ? [1, 0] : [0, 1];
      const text = `round ${n}`;
      const mark = this.peers[to].mark();
      const id = await this.peers[from].say(this.names[to], text, { client_id: `r${n}` });
      await this.peers[to].waitFor("message_in", (m) => m.message_id === id, { from: mark });
      this.#sent.push([id, text]);
      this.rounds++;
      await pause(2); /* a chat, not a flood */
    }
  }
  /* They go on: some more rounds, from now. */
  async goesOn() {
    const goal = this.rounds + 3;
    await Promise.race([this.done, until("the healthy pair chats on", () => this.rounds >= goal)]);
    assert.ok(this.rounds >= goal, "the healthy pair chats on");
  }
  async finish() {
    this.#running = false;
    await this.done;
    for (const peer of this.peers) {
      const got = peer.collect("message_in", (m) => m.message_text.startsWith("round "));
      assert.deepEqual(got.map((m) => [m.message_id, m.message_text]), this.#sent, "everything, once, in order");
      assert.equal(peer.collect(":disconnect").length, 0);
      assert.equal(peer.gaps, 0);
      assert.deepEqual(this.names.map((name) => peer.leaves(name)), [0, 0]);
      peer.close();
    }
    return this.rounds;
  }
}

const pair = new Pair();
test("a healthy pair begins to chat", () => pair.start());
after(() => pair.peers?.forEach((peer) => peer.close()));

function bad(label, run) {
  test(label, async (t) => {
    await run(t, scene(t, stack));
    await pair.goesOn();
  });
}

/* ---- The door ---- */

/* Whoever got a tunnel through the door would be past all its rules.  (Of "websocket, h2c" haproxy 3
 * takes h2c away, and a WebSocket is left: tests/security/forms.mjs.) */
const TUNNELS = [
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["upgrade to h2c", upgradeRequest({ headers: { Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA" } }), 400],
  ["upgrade to two things", upgradeRequest({ headers: { Upgrade: "websocket, TLS/1.0" } }), 400],
  ["upgrade by POST", upgradeRequest({ method: "POST" }), 400],
  ["WebSocket version 777", upgradeRequest({ headers: { "Sec-WebSocket-Version": "777" } }), 426],
  ["CONNECT", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n", 404],
];

bad(`${TUNNELS.length} ways to a tunnel through the door are refused`, async () => {
  for (const [label, bytes, status] of TUNNELS) {
    const res = await askRaw(stack.run.door.port, bytes);
    assert.equal(res.status, status, `${label}: ${JSON.stringify(res)}`);
  }
});

/* ---- Names ---- */

const NAMES = [
  "", ".", "..", "%2e", "%2e%2e", "..%2f..%2fsession", "a%2fb", "a%5cb", "%zz", "%", "a%", "a%4", "%25%32%65", "%2541",
  "x".repeat(33), "x".repeat(10_000), "%ff", "%c3%28", "%c0%80", "%ed%a0%80", "a%0d%0ab", "a%0d%0aSet-Cookie:%20x=y", "a%0a", "a%09b",
  "a%20b", "+", "a+b", "%e2%80%ae", "a%e2%80%8bb", "%d0%b0lice", "%ef%bb%bfalice", "%f0%9f%98%80", "-alice", "_alice", ".alice",
  "*", "a*", "a%3f", "a%5bb%5d", "%7bchat%7d:x", "a:b", "a%22b", "%3Cscript%3E", "a'b", "a;b", "a&b", "a=b", "a@b", "~a", "a$b", "a%7f", "a%01b",
  "group", "Group", "ALL", "everyone", "here", "admin", "Root", "system", "server", "null", "undefined", "me", "anonymous",
  "__proto__", "login", "logout", "oidc", "metrics", "health", "%67roup",
];

bad(`${NAMES.length} names that are none: 400 invalid_username, echoed nowhere, no key made`, async () => {
  const bodies = new Set();
  for (const name of NAMES) {
    for (const method of ["GET", "POST"]) {
      const res = await request(stack.door, `/login/${name}`, { method });
      assert.deepEqual([res.status, res.json?.error?.code], [400, "invalid_username"], `${method} ${name.slice(0, 40)}: ${res.body}`);
      assert.equal(res.headers["set-cookie"], undefined);
      bodies.add(res.body);
    }
    const out = await request(stack.door, `/logout/${name}`, { headers: { Authorization: `Bearer ${"A".repeat(43)}` } });
    assert.equal(out.status, 400, `logout ${name.slice(0, 40)}: ${out.body}`);
  }
  assert.equal(bodies.size, 1, "always the same words: the name is echoed nowhere");
  for (const path of ["/login/a%00b", "/login/%00", "/login/alice%00"]) {
    assert.equal((await request(stack.door, path)).status, 400, path);
  }
  for (const path of ["/login/a/b", "/login//a", "/login/a/"]) {
    const { status } = await request(stack.door, path);
    assert.ok([400, 404].includes(status), `${path}: ${status}`);
  }
  const keys = (await stack.redis("--scan")).split("\n");
  assert.deepEqual(keys.filter((key) => !key.startsWith("{chat}:")), []);
  const users = keys.filter((key) => key.startsWith("{chat}:user:"));
  assert.deepEqual(users.filter((key) => !/^\{chat\}:user:[a-z0-9][a-z0-9._-]{0,31}$/.test(key)), []);
});

bad("names at their limits are fine", async () => {
  for (const name of ["a", "0", "A.b_c-d", "x".repeat(32), "a..", "1-", "%61%4c"]) {
    const res = await login(stack.door, name);
    assert.equal(res.status, 200, `${name}: ${res.body}`);
    const out = await request(stack.door, `/logout/${name}`, { headers: { Authorization: `Bearer ${res.json.token}` } });
    assert.equal(out.status, 200, `${name}: ${out.body}`);
  }
});

/* ---- Frames ---- */

const invalidText = (bytes) => Buffer.concat([Buffer.from('42["message_out",{"receiver":"group","message_text":"'), Buffer.from(bytes), Buffer.from('"}]')]);
const nested = (depth) => `42["message_out",${"[".repeat(depth)}${"]".repeat(depth)}]`;
const filled = (bytes) => {
  const head = '42["message_out",{"receiver":"group","message_text":"';
  return `${head}${"x".repeat(bytes - head.length - 3)}"}]`;
};

const FRAMES = [
  /* label, what is sent, close codes that are right ("ended": without a close frame) */
  ["a payload one byte too large", () => [frame(filled(MAX_PAYLOAD + 1))], [1009]],
  ["fragments whose sum is one byte too large", () => {
    const text = filled(MAX_PAYLOAD + 1);
    return [frame(text.slice(0, 600_000), { fin: false }), frame(text.slice(600_000), { opcode: CONTINUED })];
  }, [1009]],
  ["a frame that announces 2^63-1 bytes", () => [frame("x", { announce: 2n ** 63n - 1n })], [1009]],
  ["a frame whose length has its top bit set", () => [frame("x", { announce: 2n ** 63n })], [1002, 1009, "ended"]],
  ["a continuation that announces 2^63-1 bytes", () => [frame("42", { fin: false }), frame("x", { opcode: CONTINUED, announce: 2n ** 63n - 1n })], [1009]],
  ["10,000 fragments", () => [frame("42", { fin: false }), ...Array.from({ length: 10_000 }, () => frame("", { opcode: CONTINUED, fin: false }))], [1008]],
  ["10,000 fragments of one byte", () => [frame("42", { fin: false }), ...Array.from({ length: 10_000 }, () => frame(" ", { opcode: CONTINUED, fin: false }))], [1008]],
  ["invalid UTF-8", () => [frame(invalidText([0xff, 0xfe]))], [1007]],
  ["overlong UTF-8", () => [frame(invalidText([0xc0, 0x80]))], [1007]],
  ["a surrogate in UTF-8", () => [frame(invalidText([0xed, 0xa0, 0x80]))], [1007]],
  ["invalid UTF-8 split over two frames", () => {
    const text = invalidText([0xc3, 0x28]);
    const middle = text.indexOf(0xc3) + 1;
    return [frame(text.subarray(0, middle), { fin: false }), frame(text.subarray(middle), { opcode: CONTINUED })];
  }, [1007]],
  ["a continuation of nothing", () => [frame("x", { opcode: CONTINUED })], [1002, "ended"]],
  ["a reserved opcode", () => [frame("x", { opcode: 3 })], [1002, "ended"]],
  ["a reserved bit", () => [frame("x", { reserved: 4 })], [1002, "ended"]],
];

const closes = (raw, codes, label) => raw.waitClosed().then((code) =>
  assert.ok(codes.includes(code), `${label}: closed with ${code}, right is ${codes}`));

for (const [label, bytes, codes] of FRAMES) {
  for (const [state, open] of [
    ["before CONNECT", () => openRaw(stack.door)],
    ["in the chat", async (s) => enterRaw(stack.door, (await s.user("rude")).token)],
  ]) {
    bad(`${label}, ${state}: the connection is closed`, async (t, s) => {
      const raw = await open(s);
      raw.send(Buffer.concat(bytes()));
      await closes(raw, codes, label);
      raw.destroy();
    });
  }
}

bad("a payload of exactly MAX_PAYLOAD bytes is read, and its text refused as too_large", async (t, s) => {
  const raw = await enterRaw(stack.door, (await s.user("full")).token);
  raw.text(filled(MAX_PAYLOAD));
  const answer = await raw.waitText("message_error", (text) => text.startsWith('42["message_error"'));
  assert.equal(JSON.parse(answer.slice(2))[1].error.code, "too_large");
  raw.destroy();
});

/* ---- Packets ---- */

const PACKETS = [
  /* label, text frame */
  ["an unknown Engine.IO type", "9"],
  ["an empty frame", ""],
  ["an unknown Socket.IO type", "49"],
  ["CONNECT_ERROR from a client", '44{"message":"x"}'],
  ["JSON that is none", '42["message_out",{]'],
  ["something behind the JSON", '42["message_out",{}]x'],
  ["two lists", '42["message_out"]["message_out"]'],
  ["JSON 1,000 levels deep", nested(1000)],
  ["JSON 100,000 levels deep", nested(100_000)],
  ["an event without a name", "42[]"],
  ["an event whose name is an object", '42[{"a":1}]'],
  ["an object for an event", '42{"message_out":1}'],
  ["a reserved event name", '42["connect_error",{}]'],
  ["a second CONNECT", '40{"token":"x"}'],
  ["an event in a namespace that was not joined", '42/other,["message_out",{}]'],
  ["an ack id beyond all numbers", '42999999999999999999999["message_out",{}]'],
];

for (const [label, packet] of PACKETS) {
  bad(`${label}: the connection is closed`, async (t, s) => {
    const raw = await enterRaw(stack.door, (await s.user("odd")).token);
    raw.text(packet);
    await raw.waitClosed();
    raw.destroy();
  });
}

bad("an event before CONNECT: the connection is closed", async () => {
  const raw = await openRaw(stack.door);
  raw.event("message_out", { receiver: "group", message_text: "let me in" });
  await raw.waitClosed();
  raw.destroy();
});

bad("binary where none is announced: the connection is closed", async (t, s) => {
  const raw = await enterRaw(stack.door, (await s.user("bin")).token);
  raw.send(frame(Buffer.from([4, 0x32]), { opcode: BINARY }));
  await raw.waitClosed();
  raw.destroy();
});

bad("CONNECT with an auth that is no object: refused, not closed with an error of ours", async () => {
  for (const auth of ["[1]", '"x"', "5", "true"]) {
    const raw = await openRaw(stack.door);
    raw.text(`40${auth}`);
    await until("an answer", () => raw.closed || raw.gone || raw.texts.some((text) => text.startsWith("44")));
    assert.ok(!raw.texts.some((text) => text.startsWith("40")), `auth ${auth}: let in`);
    raw.destroy();
  }
});

bad("events that nobody knows are ignored, acks are not given, and the client stays", async (t, s) => {
  const raw = await enterRaw(stack.door, (await s.user("curious")).token);
  for (const name of ["message_in", "user_change_in", "session", "nothing", "__proto__", "constructor", "message_out ", "MESSAGE_OUT", "", "x".repeat(10_000), "\u0000"]) {
    raw.text(`427${JSON.stringify([name, { receiver: "group", message_text: "no" }])}`);
  }
  const before = raw.texts.length;
  raw.text(`428${JSON.stringify(["user_change_out"])}`);
  await raw.waitText("the answer to a known one", (text) => text.startsWith("438"));
  assert.deepEqual(raw.texts.slice(before).filter((text) => text.startsWith("437")), []);
  assert.equal(raw.closed, undefined);
  raw.destroy();
});

const WRONG = [
  /* label, arguments as raw JSON */
  ["depth 20", `{"receiver":"group","message_text":${"[".repeat(20)}${"]".repeat(20)}}`],
  ["1e999", '{"receiver":"group","message_text":1e999}'],
  ["a number of 10,000 digits", `{"receiver":"group","message_text":${"9".repeat(10_000)}}`],
  ["receiver twice", '{"receiver":"group","receiver":"healthy-bob","message_text":"x"}'],
  ["message_text twice", '{"receiver":"group","message_text":"x","message_text":"y"}'],
  ["client_id twice", '{"receiver":"group","message_text":"x","client_id":"a","client_id":"b"}'],
  ["sender twice", '{"receiver":"group","message_text":"x","sender":"a","sender":"b"}'],
  ["two payloads", '{"receiver":"group","message_text":"x"},{"receiver":"group","message_text":"y"}'],
  ["a lone surrogate, escaped", '{"receiver":"group","message_text":"\\udead"}'],
];

for (const [label, args] of WRONG) {
  bad(`JSON that is right but not for us (${label}): invalid`, async (t, s) => {
    const raw = await enterRaw(stack.door, (await s.user("wrong")).token);
    raw.text(`425["message_out",${args}]`);
    const ack = await raw.waitText("the ack", (text) => text.startsWith("435"));
    assert.equal(JSON.parse(ack.slice(3))[0].error?.code, "invalid", ack);
    assert.equal(raw.closed, undefined);
    raw.destroy();
  });
}

/* ---- Slow and half-dead ---- */

bad("a client that never reads is closed; in a busy group the others lose nothing", async (t, s) => {
  const slow = await s.user("sleeper");
  const raw = await enterRaw(stack.gateway(2), slow.token);
  raw.socket.pause();
  const speaker = await s.enter("speaker", stack.gateway(1));
  const listener = await s.enter("listener", stack.gateway(2));
  const text = "x".repeat(4096);
  const BURST = 32; /* half of what may wait for one */
  let sent = 0;
  await until("the one that never reads is closed", async () => {
    const ids = await Promise.all(Array.from({ length: BURST }, () => speaker.say("group", text)));
    sent += BURST;
    /* All that is healthy keeps up: on a busy machine it would be closed as slow, too. */
    const last = Math.max(...ids);
    await Promise.all([speaker, listener, ...pair.peers].map((peer) =>
      peer.waitFor("message_in", (m) => m.message_id >= last, { from: Math.max(0, peer.mark() - 2 * BURST) })));
    assert.ok(sent < 20_000, "its queue is capped");
    return (await stack.servedBy(slow.name)).length === 0;
  }, { timeout: 60_000, every: 1 });
  const last = await speaker.say("group", "the end");
  await listener.waitFor("message_in", (m) => m.message_id === last);
  assert.equal(listener.collect("message_in", (m) => m.message_text === text).length, sent, "others got all of it");
  t.diagnostic(`closed after ${sent} messages of ${text.length} bytes, queue limit ${QUEUE}`);
  raw.socket.resume();
  await closes(raw, [4008, "ended"], "the one that never reads");
  assert.ok(!raw.texts.some((frameText) => frameText.startsWith("41")), "no DISCONNECT: the client may come back");
  raw.destroy();
});

bad("100 handshakes cut at every byte", async () => {
  const text = frame('40{"token":"x"}');
  for (let n = 0; n < 100; n++) {
    const raw = await openRaw(stack.door);
    raw.send(text.subarray(0, n % text.length));
    raw.destroy();
  }
});

test("the healthy pair lost nothing", async (t) => {
  const rounds = await pair.finish();
  t.diagnostic(`${rounds} rounds`);
  assert.ok(rounds > 50, `${rounds} rounds`);
});

stack.lastTest();
