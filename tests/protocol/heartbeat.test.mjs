/* heartbeat.test.mjs - pings from the server, and what becomes of those who do not answer */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../support/wait.mjs";
import { echo, joinWs, openWs, OP, startApp } from "../support/raw_ws.mjs";

const INTERVAL = 300;
const TIMEOUT = 500;
const JOIN = 1000;
const ROOMY_TIMEOUT = 2000;
const NEVER = 60_000; /* longer than any test waits */
let app; /* ends those who do not answer */
let lobby; /* ends those who do not join; pongs may take as long as a busy machine makes them */
let patient; /* ends nobody for being late */
before(async () => {
  app = await startApp({ PING_INTERVAL_MS: INTERVAL, PING_TIMEOUT_MS: TIMEOUT, CONNECT_TIMEOUT_MS: JOIN });
  lobby = await startApp({ PING_INTERVAL_MS: INTERVAL, PING_TIMEOUT_MS: ROOMY_TIMEOUT, CONNECT_TIMEOUT_MS: JOIN });
  patient = await startApp({ PING_INTERVAL_MS: INTERVAL, PING_TIMEOUT_MS: NEVER, CONNECT_TIMEOUT_MS: NEVER });
});
after(async () => {
  await app.stop();
  await lobby.stop();
  await patient.stop();
});

const LATE_MS = 50;
const TRIES = 5;

/* Something that the server does `ms` after it has acted, or has heard from us, which was between
 * `earliest` and `latest`: never before that, and in time unless the machine is busy: then, another
 * time.  attempt() -> [[earliest, latest], at]. */
async function comesAfter(ms, attempt) {
  const late = [];
  while (late.length < TRIES) {
    const [[earliest, latest], at] = await attempt();
    assert.ok(at - earliest >= ms - 1, `${(at - earliest).toFixed(1)} ms, but not before ${ms}`);
    if (at - latest <= ms + LATE_MS) {
      return;
    }
    late.push((at - latest).toFixed(1));
  }
  assert.fail(`${late} ms instead of ${ms}`);
}
/* When the server opened the session. */
const openedAt = (ws) => [ws.asked, ws.frames[0].at];

const isPing = (f) => f.opcode === OP.text && f.payload.toString() === "2";
const pings = (ws) => ws.frames.filter(isPing);
/* Again and again, as long as the connection is there. */
function keepSaying(ws, text, everyMs) {
  const timer = setInterval(() => ws.text(text), everyMs);
  ws.socket.on("close", () => clearInterval(timer));
}
const closeFrame = (ws) => ws.frames.find((f) => f.opcode === OP.close);
async function nthPing(ws, n) {
  await until(`ping ${n}, or the end`, () => pings(ws)[n - 1] ?? closeFrame(ws) ?? ws.gone, { every: 1 });
  assert.ok(pings(ws)[n - 1], `the end came before ping ${n}`);
  return pings(ws)[n - 1];
}

test("the first ping comes the interval after the open packet, the next one the interval after the pong", async () => {
  let ws;
  await comesAfter(INTERVAL, async () => {
    ws?.destroy();
    ws = await openWs(patient);
    return [openedAt(ws), (await nthPing(ws, 1)).at];
  });
  let count = 1;
  await comesAfter(INTERVAL, async () => {
    const ponged = performance.now();
    ws.text("3");
    return [[ponged, ponged], (await nthPing(ws, ++count)).at];
  });
  ws.destroy();
});

test("without a pong the connection is closed, without a code, the timeout after the ping", async () => {
  await comesAfter(INTERVAL + TIMEOUT, async () => {
    const ws = await openWs(app);
    assert.equal(await ws.readClose(), 1005);
    assert.equal(pings(ws).length, 1);
    assert.deepEqual(ws.frames.map((f) => f.opcode), [OP.text, OP.text, OP.close], "the open packet, a ping, the close: no packet 1, no ping frame");
    return [openedAt(ws), closeFrame(ws).at];
  });
});

test("the reason is told to the application", async () => {
  const before = app.log.length;
  const ws = await joinWs(app);
  assert.equal(await ws.readClose(), 1005);
  await until("the reason is logged", () => app.log.slice(before).includes('disconnect reason="ping timeout"'));
});

test("other packets put the end off once, not for ever", async () => {
  await comesAfter(TIMEOUT, async () => {
    const ws = await joinWs(app);
    await nthPing(ws, 1);
    const start = performance.now();
    ws.text('42["message",1]');
    keepSaying(ws, '42["message",2]', 20);
    assert.equal(await ws.readClose(), 1005);
    return [[start, start], closeFrame(ws).at];
  });
});

test("a pong in the time that was put off counts", async () => {
  const ws = await joinWs(app);
  await nthPing(ws, 1);
  ws.text('42["message",1]');
  ws.text("3");
  await nthPing(ws, 2);
  ws.text("3");
  await echo(ws);
  ws.destroy();
});

test("pongs that nobody asked for change nothing", async () => {
  await comesAfter(INTERVAL, async () => {
    const ws = await openWs(patient);
    for (let i = 0; i < 1000; i++) {
      ws.text("3");
    }
    const first = await nthPing(ws, 1);
    ws.destroy();
    return [openedAt(ws), first.at];
  });
});

test("a ping from the client is a parse error", async () => {
  for (const packet of ["2", "2probe"]) {
    const ws = await openWs(patient);
    ws.text(packet);
    assert.equal(await ws.readClose(), 1005);
  }
});

test("the client's close packet closes at once", async () => {
  const ws = await openWs(app);
  ws.text("1");
  assert.equal(await ws.readClose(), 1005);
  assert.equal(pings(ws).length, 0, "not by the heartbeat");
});

test("open, upgrade and noop packets are ignored", async () => {
  const ws = await joinWs(app);
  for (const packet of ["0", '0{"sid":"x"}', "5", "6", "6x"]) {
    ws.text(packet);
  }
  await echo(ws);
  ws.destroy();
});

test("what is no packet is a parse error", async () => {
  for (const packet of ["", "7", "9", "x", "é", "b4AQ=", " 3"]) {
    const ws = await openWs(patient);
    ws.text(packet);
    assert.equal(await ws.readClose(), 1005, JSON.stringify(packet));
  }
});

test("who joins nothing is closed after the connect timeout; refused attempts do not count", async () => {
  await comesAfter(JOIN, async () => {
    const ws = await openWs(lobby);
    keepSaying(ws, "3", 100);
    ws.text('40{"refuse":1}');
    ws.text("40/nowhere");
    assert.equal(await ws.readClose(), 1005);
    assert.equal(ws.texts().filter((t) => t.startsWith("44")).length, 2);
    return [openedAt(ws), closeFrame(ws).at];
  });
});

test("who is kept waiting by the application runs into it too", async () => {
  const before = lobby.log.length;
  const ws = await openWs(lobby);
  keepSaying(ws, "3", 100);
  ws.text('40{"wait":1}');
  assert.equal(await ws.readClose(), 1005);
  await until("it is logged", () => lobby.log.slice(before).includes('disconnect reason="connect timeout"'));
});

/* The ping behind all ends that there could have been by then: of the time to join, and of the time
 * to answer the first ping. */
const PINGS = Math.ceil((INTERVAL + ROOMY_TIMEOUT) / INTERVAL) + 1;

test("who joined once and answers may stay, also with nothing joined", async () => {
  const ws = await joinWs(lobby);
  ws.text("41");
  keepSaying(ws, "3", 100);
  await nthPing(ws, PINGS);
  assert.equal(closeFrame(ws), undefined);
  ws.text("40");
  assert.match(await ws.readText(), /^40/);
  ws.destroy();
});

test("raw Engine.IO has no connect timeout, and echoes text and binary", async () => {
  const ws = await openWs(lobby, "/engine.io/?EIO=4&transport=websocket");
  keepSaying(ws, "3", 100);
  ws.text("4hello");
  assert.equal(await ws.readText(), "4hello");
  ws.text("4");
  assert.equal(await ws.readText(), "4");
  ws.binary(Buffer.from([0, 255, 52]));
  ws.binary("");
  const noPing = async () => { for (;;) { const f = await ws.read(); if (!isPing(f)) { return f; } } };
  const whole = await noPing();
  assert.deepEqual([whole.opcode, [...whole.payload]], [OP.binary, [0, 255, 52]]);
  const empty = await noPing();
  assert.deepEqual([empty.opcode, empty.payload.length], [OP.binary, 0]);
  await nthPing(ws, PINGS);
  ws.destroy();
});
