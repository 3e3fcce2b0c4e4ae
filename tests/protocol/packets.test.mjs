/* packets.test.mjs - Socket.IO packets: what is answered, what is ignored, what ends the connection,
 * all of it over WebSocket and over polling */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../support/wait.mjs";
import { RawPoll, RS } from "../support/raw_poll.mjs";
import { echo, joinWs, openWs, startApp } from "../support/raw_ws.mjs";

let app;
let wide; /* with room for more namespaces */
before(async () => {
  app = await startApp({ MAX_NAMESPACES: 1 });
  wide = await startApp();
});
after(async () => {
  await app.stop();
  await wide.stop();
});

/* ---- Both transports, to be used alike ---- */

/* Polling in the manner of RawWs.  What is said in one go leaves in one POST, when it is time to
 * read. */
class Polled {
  #out = [];
  #in = [];
  #seen = [];
  constructor(poll) {
    this.poll = poll;
  }
  static async open(server) {
    return new Polled(await RawPoll.open(server));
  }
  static async join(server) {
    return new Polled(await RawPoll.join(server));
  }
  text(packet) {
    this.#out.push(packet);
  }
  binary(bytes) {
    this.#out.push(`b${Buffer.from(bytes).toString("base64")}`);
  }
  async flush() {
    if (this.#out.length > 0) {
      const { status } = await this.poll.post(this.#out.splice(0).join(RS));
      this.status = status;
    }
  }
  async #get() {
    const res = await this.poll.get();
    const packets = res.status === 200 ? res.body.split(RS) : [];
    this.#seen.push(...packets);
    this.#in.push(...packets);
    return res;
  }
  async readText() {
    await this.flush();
    while (this.#in.length === 0) {
      const res = await this.#get();
      assert.equal(res.status, 200, res.body);
    }
    return this.#in.shift();
  }
  async readBinary() {
    const packet = await this.readText();
    assert.equal(packet[0], "b", packet);
    return Buffer.from(packet.slice(1), "base64");
  }
  /* To the end of the session. */
  async readClose() {
    await this.flush();
    for (;;) {
      const { status, json } = await this.#get();
      if (status !== 200) {
        assert.deepEqual([status, json.code], [400, 1]);
        return "gone";
      }
      assert.ok(!this.#seen.includes("2"), "it was alive till its next ping");
    }
  }
  texts() {
    return this.#seen;
  }
  destroy() {} /* it goes with the server */
}

const withBinary = (ws) => Object.assign(ws, { readBinary: async () => (await ws.read()).payload });
const WAYS = [
  { how: "WebSocket", open: async (server) => withBinary(await openWs(server)), join: async (server) => withBinary(await joinWs(server)), closed: 1005 },
  { how: "polling", open: Polled.open, join: Polled.join, closed: "gone" },
];
/* One test for each transport. */
function each(label, act) {
  for (const way of WAYS) {
    test(`${label}; ${way.how}`, () => act(way));
  }
}

const ID = '\\{"sid":"[A-Za-z0-9_-]{20}"\\}';

/* ---- Grammar and payloads: the connection ends ---- */

const bad = [
  /* nothing joined yet */
  ["no CONNECT before an event", ["42[\"message\"]"]],
  ["no CONNECT before an ack", ["431[]"]],
  ["no CONNECT before a DISCONNECT", ["41"]],
  ["event for a namespace that does not exist", ["40", "42/nope,[\"message\"]"]],
  ["event for a namespace that was not joined", ["40", "42/custom,[\"message\"]"]],
  ["event for a namespace that refused", ['40{"refuse":1}', '42["message"]']],
  ["event for a namespace that has not answered", ['40{"wait":1}', '42["message"]']],
  ["DISCONNECT for a namespace that has not answered", ['40{"wait":1}', "41"]],
  ["second CONNECT to a joined namespace", ["40", "40"]],
  ["second CONNECT while the first waits", ['40{"wait":1}', "40"]],
  ["event after one's own DISCONNECT", ["40", "41", '42["message"]']],
  ["DISCONNECT twice", ["40", "41", "41"]],
  /* CONNECT */
  ["CONNECT with an array", ["40[]"]],
  ["CONNECT with a string", ['40"x"']],
  ["CONNECT with null", ["40null"]],
  ["CONNECT with a comma", ["40,"]],
  ["CONNECT with a bare name", ["40custom"]],
  ["CONNECT with broken JSON", ['40{"a":}']],
  ["CONNECT with a BOM", ["40\ufeff{}"]],
  /* others, joined */
  ["DISCONNECT with payload", ["40", "41{}"]],
  ["event without payload", ["40", "42"]],
  ["event with an empty array", ["40", "42[]"]],
  ["event with a null name", ["40", "42[null]"]],
  ["event with an object as name", ["40", "42[{}]"]],
  ["event with a boolean name", ["40", "42[true]"]],
  ["event with an object", ["40", "42{}"]],
  ["event with a string", ["40", '42"x"']],
  ["event with letters for an ack id", ["40", '42abc["message"]']],
  ["event with a negative ack id", ["40", '42-1["message"]']],
  ["event with a fractional ack id", ["40", '421.5["message"]']],
  ["event with a space for an ack id", ["40", '421 2["message"]']],
  ["event with an ack id of 2^53", ["40", '429007199254740992["message"]']],
  ["event with an ack id of 2^64", ["40", '4218446744073709551616["message"]']],
  ["event with garbage behind", ["40", '42["message"]x']],
  ["event with a second array behind", ["40", '42["message"]["message"]']],
  ["event with an unfinished string", ["40", '42["message']],
  ["event with a raw control character", ["40", '42["message","\n"]']],
  ["event with a number of leading zero", ["40", '42["message",007]']],
  ["event 33 levels deep", ["40", `42["message",${"[".repeat(32)}${"]".repeat(32)}]`]],
  ["event 100,000 levels deep", ["40", `42["message",${"[".repeat(100000)}`]],
  ["ack with an object", ["40", "431{}"]],
  ["CONNECT_ERROR from a client", ["40", '44{"message":"x"}']],
  ["CONNECT_ERROR without payload", ["40", "44"]],
  ["type 7", ["40", "47"]],
  ["type 9", ["40", "49[]"]],
  ["a letter for the type", ["40", "4x"]],
  ["an empty message", ["40", "4"]],
  /* binary */
  ["binary event with text for its attachment", ["40", '451-["message",{"_placeholder":true,"num":0}]', '42["message"]']],
  ["binary event with num out of range", ["40", '451-["message",{"_placeholder":true,"num":1}]']],
  ["binary event with a negative num", ["40", '451-["message",{"_placeholder":true,"num":-1}]']],
  ["binary event with num as a string", ["40", '451-["message",{"_placeholder":true,"num":"0"}]']],
  ["binary event without num", ["40", '451-["message",[{"a":{"_placeholder":true}}]]']],
  ["binary event for nobody", ['451-["message",{"_placeholder":true,"num":0}]']],
  ["binary event without a number", ["40", '45-["message"]']],
  ["binary event without a dash", ["40", '451["message"]']],
  ["binary event of 0 attachments", ["40", '450-["message"]']],
  ["binary event of 11 attachments", ["40", '4511-["message"]']],
  ["binary event of 1e9 attachments", ["40", '451000000000-["message"]']],
  ["binary ack with num out of range", ["40", '461-1[{"_placeholder":true,"num":7}]']],
];
for (const name of ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]) {
  bad.push([`the reserved name ${name}`, ["40", `42["${name}"]`]]);
}
bad.push(["a reserved name in escapes", ["40", '42["\\u0063onnect"]']]);

for (const [label, texts] of bad) {
  each(`closes: ${label}`, async ({ open, closed }) => {
    const ws = await open(app);
    texts.forEach((text) => ws.text(text));
    assert.equal(await ws.readClose(), closed);
    assert.equal(ws.status ?? 400, 400, "of the POST");
    ws.destroy();
  });
}

each("closes: a binary message that no packet announced", async ({ join, closed }) => {
  const ws = await join(app);
  ws.binary("x");
  assert.equal(await ws.readClose(), closed);
});

each("closes: one binary message more than was announced", async ({ join, closed }) => {
  const ws = await join(app);
  ws.text('451-["message",{"_placeholder":true,"num":0}]');
  ws.binary("x");
  ws.binary("y");
  assert.equal(await ws.readClose(), closed);
});

test("what follows a bad packet in the same segment is not acted on", async () => {
  const before = app.log.length;
  const ws = await joinWs(app);
  ws.text('42["message","before"]');
  ws.text("4x");
  ws.text('42["message","behind"]');
  assert.equal(await ws.readClose(), 1005);
  assert.ok(ws.texts().includes('42["message-back","before"]'), "what came before is answered");
  assert.ok(!ws.texts().includes('42["message-back","behind"]'));
  await until("the application is told", () => app.log.slice(before).includes('disconnect reason="parse error"'));
});

/* ---- CONNECT ---- */

for (const [sent, answer, auth] of [
  ["40", `^40${ID}$`, '42["auth",{}]'],
  ["40{}", `^40${ID}$`, '42["auth",{}]'],
  ["40/", `^40${ID}$`, '42["auth",{}]'],
  ["40/,", `^40${ID}$`, '42["auth",{}]'],
  ['40/,{"token":"t"}', `^40${ID}$`, '42["auth",{"token":"t"}]'],
  ['40{"token":"t"}', `^40${ID}$`, '42["auth",{"token":"t"}]'],
  ['40 {"a":1} ', `^40${ID}$`, '42["auth",{"a":1}]'],
  ["40/custom", `^40/custom,${ID}$`, '42/custom,["auth",{}]'],
  ["40/custom,", `^40/custom,${ID}$`, '42/custom,["auth",{}]'],
  ['40/custom,{"token":"t"}', `^40/custom,${ID}$`, '42/custom,["auth",{"token":"t"}]'],
]) {
  each(`joins: ${sent}`, async ({ open }) => {
    const ws = await open(app);
    ws.text(sent);
    assert.match(await ws.readText(), new RegExp(answer));
    assert.equal(await ws.readText(), auth);
    ws.destroy();
  });
}

each("an unknown namespace is an error, and the connection lives", async ({ open }) => {
  const ws = await open(app);
  for (const [sent, nsp] of [["40/nope", "/nope"], ["40/nope,", "/nope"], ['40/nope,{"a":1}', "/nope"],
    ["40/custom?x=1", "/custom?x=1"], ["40/CUSTOM", "/CUSTOM"], [`40/${"n".repeat(10000)}`, `/${"n".repeat(10000)}`]]) {
    ws.text(sent);
    assert.equal(await ws.readText(), `44${nsp},{"message":"Invalid namespace"}`);
  }
  ws.text("40");
  assert.match(await ws.readText(), /^40\{/);
  ws.destroy();
});

each("a refusal carries message and data, and may be followed by another try", async ({ open }) => {
  const ws = await open(app);
  ws.text('40{"refuse":{"code":"x"}}');
  assert.equal(await ws.readText(), '44{"message":"refused by \\"request\\"","data":{"code":"x"}}');
  ws.text("40");
  assert.match(await ws.readText(), /^40\{/);
  ws.destroy();
});

each("namespaces of one connection are limited; one that was left makes room", async ({ join }) => {
  const ws = await join(app);
  ws.text("40/custom");
  assert.equal(await ws.readText(), '44/custom,{"message":"Too many namespaces"}');
  ws.text("41");
  ws.text("40/custom");
  assert.match(await ws.readText(), /^40\/custom,\{/);
  ws.destroy();
});

/* ---- Events and acks ---- */

/* the arguments come back byte for byte */
const args = [
  '""', '"x"', "1.0", "-0", "12345678901234567890", "1e999", "1E+2", "[1, 2]", '{"b":1,"a":2,"b":3}', "null,true,false",
  '"\\u0000"', '"\\ud800"', '"💬\\ud83d\\udcac"', '"\u2028"', '{"__proto__":1}', '{"_placeholder":true,"num":0}',
  `${"[".repeat(31)}${"]".repeat(31)}`, `"${"x".repeat(200000)}"`, '"</script>\\"\\\\"',
];
each("arguments pass through unchanged, in events and in acks", async ({ join }) => {
  const ws = await join(app);
  for (const arg of args) {
    ws.text(`42["message",${arg}]`);
    assert.equal(await ws.readText(), `42["message-back",${arg}]`);
    ws.text(`4217["message-with-ack",${arg}]`);
    assert.equal(await ws.readText(), `4317[${arg}]`);
  }
  ws.destroy();
});

/* PHP writes "\/", Python all that is not ASCII as \\u. */
for (const name of ["mess\\u0061ge", "\\u006D\\u0065ssage"]) {
  each(`a name is the same however it is written: ${name}`, async ({ join }) => {
    const ws = await join(wide);
    ws.text(`42["${name}",1]`);
    ws.text(`421["${name}-with-ack",2]`);
    assert.equal(await ws.readText(), '42["message-back",1]');
    assert.equal(await ws.readText(), "431[2]");
    ws.text(`451-["${name}",{"_placeholder":true,"num":0}]`);
    ws.binary([7]);
    assert.match(await ws.readText(), /^451-\["message-back",/);
    ws.destroy();
  });
}

each("white space around the payload and between its parts is allowed", async ({ join }) => {
  const ws = await join(app);
  ws.text('42 [ "message" , 1 , 2 ] ');
  assert.equal(await ws.readText(), '42["message-back",1 , 2]');
  ws.text('42["message" ]');
  assert.equal(await ws.readText(), '42["message-back"]');
  ws.destroy();
});

for (const [sent, answer] of [
  ['420["message-with-ack"]', "430[]"],
  ['4210["message-with-ack","x"]', '4310["x"]'],
  ['42007["message-with-ack",1]', "437[1]"],
  ['429007199254740991["message-with-ack",1]', "439007199254740991[1]"],
  ['42/,5["message-with-ack",1]', "435[1]"],
  ['42/,["message",1]', '42["message-back",1]'],
]) {
  each(`answers: ${sent}`, async ({ join }) => {
    const ws = await join(app);
    ws.text(sent);
    assert.equal(await ws.readText(), answer);
    ws.destroy();
  });
}

each("ignored: unknown events, unknown acks, an ack without payload, numbers as names", async ({ join }) => {
  const ws = await join(app);
  for (const text of ['42["nobody-listens"]', '429["nobody-listens"]', "431[]", '43999["x"]', "43", "43[]", "42[5]", "42[-1.5e3]",
    '42["connection"]', '42["error"]', '42["Connect"]', '42[""]']) {
    ws.text(text);
  }
  await echo(ws);
  ws.destroy();
});

/* ---- Leaving ---- */

each("a client leaves: the application hears of it, nothing is answered, the connection stays", async ({ join }) => {
  const before = app.log.length;
  const ws = await join(app);
  ws.text("41");
  ws.text("40");
  assert.match(await ws.readText(), /^40\{/, "the next thing that comes is the answer to the new CONNECT");
  await until("the reason is logged", () => app.log.slice(before).includes('disconnect reason="client namespace disconnect"'));
  ws.text("41/,");
  ws.text("40/,");
  ws.destroy();
});

each("the server leaves: 41, and what was on its way is not held against the client", async ({ join, closed }) => {
  const ws = await join(app);
  ws.text('42["kick"]');
  ws.text('42["message","too late"]');
  ws.text("41");
  assert.equal(await ws.readText(), "41");
  ws.text('42["message","still too late"]');
  ws.text("40");
  assert.match(await ws.readText(), /^40\{/);
  await ws.readText("auth");
  await echo(ws);
  assert.ok(!ws.texts().some((t) => t.includes("too late")));
  /* joined anew, the forgiveness is over */
  ws.text("41");
  ws.text('42["message"]');
  assert.equal(await ws.readClose(), closed);
});

each("the server leaves and closes: what was emitted before, 41, then the close", async ({ join, closed }) => {
  const ws = await join(app);
  ws.text('42["message",1]');
  ws.text('42["kick-all"]');
  assert.equal(await ws.readText(), '42["message-back",1]');
  assert.equal(await ws.readText(), "41");
  assert.equal(await ws.readClose(), closed);
});

each("the server closes with a code: without 41", async ({ join, closed }) => {
  const ws = await join(app);
  ws.text('42["message",1]');
  ws.text('42["close"]');
  assert.equal(await ws.readText(), '42["message-back",1]');
  assert.equal(await ws.readClose(), closed === 1005 ? 4000 : closed);
  assert.ok(!ws.texts().includes("41"));
});

test("the connection is lost: the application hears of it", async () => {
  const before = app.log.length;
  const ws = await joinWs(app);
  ws.destroy();
  await until("the reason is logged", () => app.log.slice(before).includes('disconnect reason="transport close"'));
});

each("the server leaves and closes: 41 for every namespace, and nothing for one that was left before", async ({ join, closed }) => {
  const ws = await join(wide);
  ws.text("40/custom");
  assert.match(await ws.readText(), /^40\/custom,\{/);
  assert.equal(await ws.readText(), '42/custom,["auth",{}]');
  ws.text('42["kick-all"]');
  assert.equal(await ws.readClose(), closed);
  assert.deepEqual(ws.texts().filter((text) => text.startsWith("41")), ["41", "41/custom,"]);
  assert.equal(ws.texts().includes("1"), closed === "gone", "a packet 1 belongs to polling alone");
  const other = await join(wide);
  other.text("40/custom");
  other.text("41");
  other.text('42/custom,["kick-all"]');
  assert.equal(await other.readClose(), closed);
  assert.deepEqual(other.texts().filter((text) => text.startsWith("41")), ["41/custom,"]);
});

each("two namespaces of one connection do not mix, nor do their ack ids", async ({ join }) => {
  const ws = await join(wide);
  ws.text("40/custom,");
  await ws.readText();
  await ws.readText();
  for (const text of ['42/custom,1["message-with-ack","c"]', '421["message-with-ack","r"]', '42/custom,["message","c"]', "41", '42/custom,["message","still"]']) {
    ws.text(text);
  }
  for (const text of ['43/custom,1["c"]', '431["r"]', '42/custom,["message-back","c"]', '42/custom,["message-back","still"]']) {
    assert.equal(await ws.readText(), text);
  }
  ws.destroy();
});

/* ---- Binary ---- */

const P = (num) => `{"_placeholder":true,"num":${num}}`;
for (const [label, args] of [["one named twice", `${P(0)},${P(0)}`], ["one named by nobody", P(1)],
  ["in another order", `[${P(1)}],{"a":{"b":${P(0)}}}`], ["none named at all", "1"]]) {
  each(`two attachments, ${label}: they come back behind the event, and behind the ack`, async ({ join }) => {
    const ws = await join(app);
    for (const [sent, back] of [[`452-["message",${args}]`, `452-["message-back",${args}]`],
      [`452-9["message-with-ack",${args}]`, `462-9[${args}]`]]) {
      ws.text(sent);
      ws.binary([1, 2]);
      ws.binary([]);
      assert.equal(await ws.readText(), back);
      assert.deepEqual([...await ws.readBinary()], [1, 2]);
      assert.deepEqual([...await ws.readBinary()], []);
    }
    ws.destroy();
  });
}

each("Engine.IO packets between an event and its attachments are none of its business", async ({ join }) => {
  const ws = await join(app);
  ws.text(`452-["message",${P(0)},${P(1)}]`);
  ws.text("3");
  ws.binary([1]);
  ws.text("6");
  ws.binary([2]);
  assert.equal(await ws.readText(), `452-["message-back",${P(0)},${P(1)}]`);
  assert.deepEqual([...await ws.readBinary(), ...await ws.readBinary()], [1, 2]);
  await echo(ws);
  ws.destroy();
});

for (const between of ['42["message"]', "40/custom", "41", '431["x"]', `451-["message",${P(0)}]`]) {
  each(`closes: ${between} where an attachment is due`, async ({ join, closed }) => {
    const ws = await join(wide);
    ws.text(`452-["message",${P(0)},${P(1)}]`);
    ws.binary([1]);
    ws.text(between);
    assert.equal(await ws.readClose(), closed);
    ws.destroy();
  });
}

each("an event without attachments may speak of placeholders", async ({ join }) => {
  const ws = await join(app);
  ws.text(`42["message",${P(0)},{"_placeholder":true}]`);
  assert.equal(await ws.readText(), `42["message-back",${P(0)},{"_placeholder":true}]`);
  ws.destroy();
});
