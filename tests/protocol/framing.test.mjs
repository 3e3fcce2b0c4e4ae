/* framing.test.mjs - RFC 6455 from the client's side of the wire: what is taken, what is refused
 *
 * Not refused, because libwebsockets 4.1 does not show it to us: frames without a mask. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../support/wait.mjs";
import { closeCode, echo, frame, joinWs, OP, openWs, startApp } from "../support/raw_ws.mjs";

let app;
before(async () => { app = await startApp(); });
after(async () => { await app.stop(); });

const RAW = "/engine.io/?EIO=4&transport=websocket"; /* echoes */
const openRaw = () => openWs(app, RAW);

/* ---- Taken ---- */

/* every length at which the header changes, and some that straddle our read size */
for (const length of [1, 124, 125, 126, 127, 255, 256, 257, 271, 272, 273, 511, 512, 513, 4096, 65534, 65535, 65536, 65537, 999_999]) {
  test(`echoes ${length} bytes, text and binary`, async () => {
    const ws = await openRaw();
    const text = `4${"x".repeat(length - 1)}`;
    ws.text(text);
    assert.equal(await ws.readText(), text);
    const bytes = Buffer.alloc(length, 0xc3); /* no UTF-8 */
    ws.binary(bytes);
    const back = await ws.read();
    assert.equal(back.opcode, OP.binary);
    assert.ok(back.payload.equals(bytes));
    assert.ok(back.fin);
    ws.destroy();
  });
}

test("a message in fragments, empty ones among them, is put together", async () => {
  const ws = await openRaw();
  const parts = ["4a", "", "b", "c".repeat(700), "", "d"];
  for (const opcode of [OP.text, OP.binary]) {
    parts.forEach((part, i) => ws.frame(part, { opcode: i === 0 ? opcode : OP.continued, fin: i === parts.length - 1 }));
    const back = await ws.read();
    assert.equal(back.opcode, opcode);
    assert.equal(back.payload.toString(), parts.join(""));
  }
  ws.destroy();
});

test("an empty last fragment ends the message", async () => {
  const ws = await openRaw();
  ws.frame("4ab", { fin: false });
  ws.frame("", { opcode: OP.continued });
  assert.equal(await ws.readText(), "4ab");
  ws.frame("", { fin: false });
  ws.frame("4cd", { opcode: OP.continued });
  assert.equal(await ws.readText(), "4cd");
  ws.destroy();
});

/* Each is nearly as long as a read, so that the end of one comes with the beginning of the next: were
 * that reason enough to read on, the others would wait for all of them. */
test("who has sent many messages at once does not keep the others waiting", async (t) => {
  const other = await startApp();
  t.after(() => other.stop());
  const [many, one] = [await joinWs(other), await joinWs(other)];
  other.signal("SIGSTOP");
  await new Promise((resolve) => { one.socket.write(frame('42["count"]'), resolve); });
  const message = frame(`42["count","${"x".repeat(138)}"]`);
  await new Promise((resolve) => { many.socket.write(Buffer.concat(Array(300).fill(message)), resolve); });
  other.signal("SIGCONT");
  const before = Number(/^42\["count",(\d+)\]$/.exec(await one.readText())[1]) - 1;
  assert.ok(before < 20, `${before} of 300 before the one`);
  await until("all are answered", () => many.texts().filter((text) => text.startsWith('42["count"')).length === 300);
  many.destroy();
  one.destroy();
});

test("every cut of the byte stream gives the same messages", async () => {
  const ws = await openRaw();
  const stream = Buffer.concat([frame("4one"), frame("4t", { fin: false }), frame("pi", { opcode: OP.ping }),
    frame("wo€", { opcode: OP.continued }), frame(`4${"x".repeat(300)}`)]);
  for (let cut = 1; cut < stream.length; cut += 1) {
    const seen = ws.frames.length;
    ws.send(stream.subarray(0, cut));
    await new Promise((resolve) => { setImmediate(resolve); }); /* a segment of its own, mostly */
    ws.send(stream.subarray(cut));
    await until("all are back", () => ws.frames.length === seen + 4, { every: 1 });
    const texts = ws.frames.slice(seen).filter((f) => f.opcode === OP.text).map((f) => f.payload.toString());
    assert.deepEqual(texts, ["4one", "4two€", `4${"x".repeat(300)}`], `cut at ${cut}`);
  }
  ws.destroy();
});

test("byte by byte", async () => {
  const ws = await openRaw();
  for (const byte of Buffer.concat([frame("4ä€"), frame("4💬")])) {
    ws.send(Buffer.from([byte]));
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  assert.equal(await ws.readText(), "4ä€");
  assert.equal(await ws.readText(), "4💬");
  ws.destroy();
});

test("many messages in one segment keep their order", async () => {
  const ws = await openRaw();
  const texts = Array.from({ length: 500 }, (_, i) => `4${i}`);
  ws.send(Buffer.concat(texts.map((t) => frame(t))));
  for (const text of texts) {
    assert.equal(await ws.readText(), text);
  }
  ws.destroy();
});

test("pings are answered with their payload, also within a message", async () => {
  const ws = await openRaw();
  for (const payload of ["", "a", "x".repeat(125)]) {
    ws.frame(payload, { opcode: OP.ping });
    const pong = await ws.read();
    assert.equal(pong.opcode, OP.pong);
    assert.equal(pong.payload.toString(), payload);
  }
  ws.frame("4a", { fin: false });
  ws.frame("within", { opcode: OP.ping });
  assert.equal((await ws.read()).payload.toString(), "within");
  ws.frame("b", { opcode: OP.continued });
  assert.equal(await ws.readText(), "4ab");
  ws.destroy();
});

test("pongs are ignored", async () => {
  const ws = await openRaw();
  ws.frame("", { opcode: OP.pong });
  ws.frame("unasked", { opcode: OP.pong });
  ws.text("4x");
  assert.equal(await ws.readText(), "4x");
  ws.destroy();
});

test("10,000 pings do not pile up pongs", async () => {
  const ws = await openRaw();
  ws.send(Buffer.concat(Array.from({ length: 10_000 }, () => frame("p", { opcode: OP.ping }))));
  ws.text("4end");
  assert.equal(await ws.readText(), "4end");
  assert.ok(ws.frames.filter((f) => f.opcode === OP.pong).length <= 10_000);
  ws.destroy();
});

/* ---- UTF-8 ---- */

const split = (bytes, ...at) => [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
const sendParts = (ws, parts) => parts.forEach((part, i) => ws.frame(part, { opcode: i === 0 ? OP.text : OP.continued, fin: i === parts.length - 1 }));

test("UTF-8 may be cut anywhere by fragments", async () => {
  const bytes = Buffer.from("4aä€💬\u{10ffff}");
  for (let at = 1; at < bytes.length; at++) {
    const ws = await openRaw();
    sendParts(ws, split(bytes, at));
    assert.equal(await ws.readText(), bytes.toString(), `cut at ${at}`);
    ws.destroy();
  }
});

const notUtf8 = [
  ["a lone continuation byte", [0x80]],
  ["a byte that never occurs", [0xff]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["an overlong NUL of three bytes", [0xe0, 0x80, 0x80]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["above U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ["a character that ends early", [0xe2, 0x82]],
  ["a character cut by ASCII", [0xe2, 0x82, 0x41]],
];
for (const [label, bytes] of notUtf8) {
  test(`1007: ${label}, whole and over two fragments`, async () => {
    const text = Buffer.from([0x34, 0x61, ...bytes]);
    for (const parts of [[text], split(text, 3)]) {
      const ws = await openRaw();
      sendParts(ws, parts);
      assert.equal(await ws.readClose(), 1007);
      ws.destroy();
    }
  });
}

test("1007 comes before the packet is looked at, and is counted as a parse error", async () => {
  const before = app.log.length;
  const ws = await joinWs(app);
  ws.frame(Buffer.from([0x34, 0x32, 0x5b, 0x22, 0xff, 0x22, 0x5d]));
  assert.equal(await ws.readClose(), 1007);
  await until("it is told", () => app.log.slice(before).includes('disconnect reason="parse error"'));
});

/* ---- Refused ---- */

const ctl = (opcode, payload = "", options = {}) => frame(payload, { opcode, ...options });
const refused = [
  ["RSV1", frame("4x", { reserved: 4 })],
  ["RSV2", frame("4x", { reserved: 2 })],
  ["RSV3", frame("4x", { reserved: 1 })],
  ["RSV1 on a ping", ctl(OP.ping, "", { reserved: 4 })],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`opcode ${opcode}`, ctl(opcode, "x")]),
  ["a ping of 126 bytes", ctl(OP.ping, "x".repeat(126))],
  ["a close of 126 bytes", ctl(OP.close, "x".repeat(126))],
  ["a ping in fragments", Buffer.concat([ctl(OP.ping, "a", { fin: false }), ctl(OP.continued, "b")])],
  ["a continuation of nothing", ctl(OP.continued, "x")],
  ["an unfinished continuation of nothing", ctl(OP.continued, "x", { fin: false })],
  ["a continuation behind a finished message", Buffer.concat([frame("4x"), ctl(OP.continued, "x")])],
  ["a new text within a message", Buffer.concat([frame("4a", { fin: false }), frame("4b")])],
  ["a new binary within a message", Buffer.concat([frame("4a", { fin: false }), ctl(OP.binary, "b")])],
  ["a length with the top bit set", frame("4x", { announce: 1n << 63n })],
];
for (const [label, bytes] of refused) {
  test(`refused: ${label}`, async () => {
    const ws = await openRaw();
    ws.send(bytes);
    ws.text("4behind");
    const code = await ws.readClose();
    assert.ok(code === "ended" || code === 1002 || code === 1007, `close code ${code}`);
    assert.ok(!ws.texts().includes("4behind"));
    ws.destroy();
  });
}

/* ---- Closing ---- */

for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]) {
  test(`a close with code ${code} is answered with it`, async () => {
    const ws = await openRaw();
    ws.frame(Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from("why")]), { opcode: OP.close });
    assert.equal(await ws.readClose(), code);
    await until("the server hangs up", () => ws.gone);
  });
}

for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999]) {
  test(`a close with code ${code}, which must not be sent, is not echoed`, async () => {
    const ws = await openRaw();
    ws.frame(Buffer.from([code >> 8, code & 0xff]), { opcode: OP.close });
    const got = await ws.readClose();
    assert.ok(got === 1002 || got === "ended", `close code ${got}`);
    await until("the server hangs up", () => ws.gone);
  });
}

test("a close with half a code is a protocol error", async () => {
  const ws = await openRaw();
  ws.frame(Buffer.from([3]), { opcode: OP.close });
  assert.equal(await ws.readClose(), 1002);
  await until("the server hangs up", () => ws.gone);
});

test("an empty close is answered, and nothing comes behind it", async () => {
  const ws = await openRaw();
  ws.text("4before");
  ws.frame("", { opcode: OP.close });
  ws.text("4behind");
  await until("the server hangs up", () => ws.gone);
  const closes = ws.frames.filter((f) => f.opcode === OP.close);
  assert.equal(closes.length, 1);
  assert.equal(closeCode(closes[0]), 1005);
  assert.equal(ws.frames.at(-1), closes[0]);
});

test("our own close is not answered twice: when the peer follows, the connection ends at once", async () => {
  const ws = await joinWs(app);
  ws.text('42["close"]');
  assert.equal(await ws.readClose(), 4000);
  const followed = performance.now();
  ws.frame(Buffer.from([4000 >> 8, 4000 & 0xff]), { opcode: OP.close });
  await until("the server hangs up", () => ws.gone, { every: 1 });
  assert.ok(performance.now() - followed < 2000, "not by the 5 s limit");
  assert.equal(ws.frames.filter((f) => f.opcode === OP.close).length, 1);
});

test("a peer that does not follow our close is cut off after 5 s", async () => {
  const ws = await joinWs(app);
  ws.text('42["close"]');
  assert.equal(await ws.readClose(), 4000);
  const closed = performance.now();
  await until("the server hangs up", () => ws.gone);
  const took = performance.now() - closed;
  assert.ok(took > 4500 && took < 9000, `${took} ms`);
});

test("a connection that is dropped in the middle of a frame harms nobody", async () => {
  const other = await joinWs(app);
  for (let i = 0; i < 20; i++) {
    const ws = await openWs(app);
    ws.send(frame("4".repeat(5000)).subarray(0, 1 + i * 200));
    ws.destroy();
  }
  await echo(other);
  other.destroy();
});
