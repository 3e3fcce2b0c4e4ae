/* limits.test.mjs - what one client may cost: message size, fragments, what waits for it */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { until } from "../support/wait.mjs";
import { echo, frame, joinWs, OP, openWs, startApp } from "../support/raw_ws.mjs";

const MAX = 1_000_000;
const QUEUE = 262_144;
let app;
let narrow; /* the same with a short queue */
before(async () => {
  app = await startApp({ MAX_PAYLOAD: MAX });
  narrow = await startApp({ QUEUE_MAX_BYTES: QUEUE });
});
after(async () => {
  await app.stop();
  await narrow.stop();
});

const RAW = "/engine.io/?EIO=4&transport=websocket";
const rssKb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${app.pid}/status`, "utf8"))[1]);

/* Sends a payload in frames of `size`. */
function sendIn(ws, payload, size, opcode = OP.text) {
  for (let at = 0; at < payload.length; at += size) {
    ws.frame(payload.subarray(at, at + size), { opcode: at === 0 ? opcode : OP.continued, fin: at + size >= payload.length });
  }
}

for (const [label, size] of [["one frame", MAX + 1], ["ten frames", 100_000], ["a thousand frames", 1000]]) {
  test(`a message of exactly max_payload in ${label} is taken, text and binary`, async () => {
    const ws = await openWs(app, RAW);
    const big = Buffer.alloc(MAX, "4");
    sendIn(ws, big, size);
    assert.equal((await ws.readText()).length, MAX);
    sendIn(ws, big, size, OP.binary);
    assert.equal((await ws.read()).payload.length, MAX);
    ws.destroy();
  });

  test(`one byte more in ${label} is 1009`, async () => {
    for (const opcode of [OP.text, OP.binary]) {
      const ws = await openWs(app, RAW);
      sendIn(ws, Buffer.alloc(MAX + 1, "4"), size, opcode);
      assert.equal(await ws.readClose(), 1009);
      ws.destroy();
    }
  });
}

test("a frame that announces too much is 1009 with its first bytes", async () => {
  for (const announce of [BigInt(MAX) + 1n, 1n << 31n, 1n << 32n, (1n << 63n) - 1n]) {
    const ws = await openWs(app);
    ws.frame("4x", { announce });
    const code = await ws.readClose();
    assert.ok(code === 1009 || code === "ended", `${announce}: close code ${code}`);
    ws.destroy();
  }
});

test("a fragment that announces more than is left is 1009", async () => {
  const ws = await openWs(app);
  ws.frame(Buffer.alloc(MAX - 10, "4"), { fin: false });
  ws.frame("4x", { opcode: OP.continued, announce: 11n });
  assert.equal(await ws.readClose(), 1009);
  ws.destroy();
});

test("1,024 fragments are taken, 1,025 are 1008, empty ones count", async () => {
  for (const [count, part, fine] of [[1024, "4", true], [1025, "4", false], [10_000, "", false], [10_000, "4", false]]) {
    const ws = await openWs(app, RAW);
    const frames = Array.from({ length: count }, (_, i) => frame(i === 0 ? "4" : part, { opcode: i === 0 ? OP.text : OP.continued, fin: i === count - 1 }));
    ws.send(Buffer.concat(frames));
    if (fine) {
      assert.equal((await ws.readText()).length, count);
    } else {
      assert.equal(await ws.readClose(), 1008, `${count} of ${JSON.stringify(part)}`);
    }
    ws.destroy();
  }
});

test("fragments are counted for each message anew", async () => {
  const ws = await openWs(app, RAW);
  const whole = Array.from({ length: 1500 }, () => frame("4x"));
  const halves = Array.from({ length: 1500 }, () => Buffer.concat([frame("4", { fin: false }), frame("y", { opcode: OP.continued })]));
  ws.send(Buffer.concat([...whole, ...halves]));
  for (let i = 0; i < 3000; i++) {
    assert.equal(await ws.readText(), i < 1500 ? "4x" : "4y");
  }
  ws.destroy();
});

test("the reasons are told", async () => {
  const before = app.log.length;
  const ws = await joinWs(app);
  ws.frame("4x", { announce: BigInt(MAX) + 1n });
  await ws.readClose();
  await until("it is logged", () => app.log.slice(before).includes('disconnect reason="message too large"'));
});

test("memory of unfinished messages goes with their connections", async () => {
  const warm = await openWs(app);
  sendIn(warm, Buffer.alloc(MAX, "4"), 100_000);
  warm.destroy();
  const before = rssKb();
  const many = await Promise.all(Array.from({ length: 20 }, () => openWs(app)));
  many.forEach((ws) => ws.frame(Buffer.alloc(MAX - 1, "4"), { fin: false }));
  await until("20 MB have come", () => rssKb() > before + 15_000);
  many.forEach((ws) => ws.destroy());
  const other = await joinWs(app);
  await echo(other);
  other.destroy();
});

/* ---- Slow readers ---- */

/* With nothing read, the kernel takes what its buffers hold, then our queue grows.  All in one turn:
 * who has much waiting is not listened to. */
async function floodUntilClosed(slow, other) {
  const before = narrow.log.length;
  const isTold = () => narrow.log.slice(before).includes('disconnect reason="slow client"');
  slow.socket.pause();
  slow.text(`42["flood",${JSON.stringify("x".repeat(10_000))},2000]`);
  await echo(other);
  await until("it is told", isTold);
}

test("who does not read is closed with 4008 when too much waits, and the others are served", async () => {
  const slow = await joinWs(narrow);
  const other = await joinWs(narrow);
  await floodUntilClosed(slow, other);
  await echo(other);
  /* it reads again in time: whole frames, then the close, and nothing behind */
  slow.socket.resume();
  assert.equal(await slow.readClose(), 4008);
  const floods = slow.frames.filter((f) => f.opcode === OP.text && f.payload.length > 10_000);
  assert.ok(floods.length > 20, "what the kernel took before the queue was full");
  assert.ok(floods.every((f) => f.payload.length === floods[0].payload.length && f.payload.toString().startsWith('42["flood","xxx')));
  assert.equal(slow.frames.at(-1).opcode, OP.close);
  slow.destroy();
  other.destroy();
});

test("who never reads again is cut off", async () => {
  const slow = await joinWs(narrow);
  const other = await joinWs(narrow);
  await floodUntilClosed(slow, other);
  const hex = (port) => port.toString(16).toUpperCase().padStart(4, "0");
  const established = new RegExp(`:${hex(narrow.port)} [0-9A-F]+:${hex(slow.socket.localPort)} 01 `, "m");
  assert.match(readFileSync("/proc/net/tcp", "latin1"), established, "the server still waits for it");
  await until("the server's end is closed", () => !established.test(readFileSync("/proc/net/tcp", "latin1")), { timeout: 12_000 });
  await echo(other);
  slow.destroy();
  other.destroy();
});

test("who does not read is not listened to: what it asks for waits with itself, and comes in order when it reads", async () => {
  const slow = await joinWs(narrow);
  const other = await joinWs(narrow);
  const from = narrow.log.length;
  slow.socket.pause();
  const asked = Array.from({ length: 1500 }, (_, i) => `${i}${"x".repeat(20_000)}`); /* 30 MB: far more than the queue and both kernels' buffers hold */
  asked.forEach((text) => slow.text(`42["message",${JSON.stringify(text)}]`));
  await until("it is not read any more", async () => {
    const { writableLength } = slow.socket;
    for (let i = 0; i < 20; i++) {
      await echo(other); /* a turn of the server's, in which it may read on */
    }
    assert.ok(writableLength > 0, "not all of it was read");
    return slow.socket.writableLength === writableLength;
  });
  assert.doesNotMatch(narrow.log.slice(from), /disconnect/);
  slow.socket.resume();
  for (const text of asked) {
    assert.equal(await slow.readText(), `42["message-back",${JSON.stringify(text)}]`);
  }
  await echo(slow);
  slow.destroy();
  other.destroy();
});

test("more than the queue holds, emitted in one turn for one who reads, is no reason to close", async () => {
  const ws = await joinWs(narrow);
  const count = Math.ceil((2 * QUEUE) / 1000);
  ws.text(`42["flood",${JSON.stringify("x".repeat(1000))},${count}]`);
  for (let i = 0; i < count; i++) {
    assert.match(await ws.readText(), /^42\["flood"/);
  }
  await echo(ws);
  ws.destroy();
});

test("the 16th refused CONNECT is answered, and ends the connection", async () => {
  const ws = await openWs(app);
  for (let i = 0; i < 15; i++) {
    ws.text("40/nope,");
    assert.equal(await ws.readText(), '44/nope,{"message":"Invalid namespace"}');
  }
  ws.text("40");
  assert.match(await ws.readText(), /^40\{"sid"/, "it is open until then");
  while (!(await ws.readText()).startsWith("42")); /* what the application says on connection */
  ws.text("40/nope,");
  assert.match(await ws.readText(), /^44/);
  await ws.readClose();
  ws.destroy();
});
