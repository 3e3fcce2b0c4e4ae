/* upgrade.test.mjs - from polling to WebSocket: every step, every way it goes wrong, and the races */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { RawPoll, RS } from "../support/raw_poll.mjs";
import { askRaw, echo, OP, RawWs, startApp, upgradeRequest } from "../support/raw_ws.mjs";
import { until } from "../support/wait.mjs";

let app;
before(async () => { app = await startApp({ PING_INTERVAL_MS: 20_000, PING_TIMEOUT_MS: 20_000 }); });
after(async () => { await app.stop(); });

const wsTarget = (poll) => poll.target({ transport: "websocket" });

/* A WebSocket with the session's sid, accepted. */
async function openProbe(poll, server = app) {
  const ws = new RawWs(server.port, upgradeRequest({ target: wsTarget(poll) }));
  await until("the WebSocket is accepted", () => ws.head || ws.gone, { every: 2 });
  assert.match(ws.head, /^HTTP\/1.1 101 /);
  return ws;
}
async function say2probe(ws) {
  ws.text("2probe");
  assert.equal(await ws.readText("3probe"), "3probe");
}
async function openProbed(poll, server = app) {
  const ws = await openProbe(poll, server);
  await say2probe(ws);
  return ws;
}
async function upgraded(poll, server = app) {
  const ws = await openProbed(poll, server);
  ws.text("5");
  await echo(ws);
  return ws;
}
const isLate = async (promise) => {
  let settled = false;
  promise.then(() => { settled = true; }, () => { settled = true; });
  for (let i = 0; i < 5; i++) { /* the server has had turns enough to answer */
    await RawPoll.open(app);
  }
  return !settled;
};
/* Polling works, and its GETs are held again. */
async function pollingLives(poll) {
  const held = poll.get();
  assert.ok(await isLate(held), "a GET is held");
  assert.equal((await poll.post('42["message","alive"]')).body, "ok");
  assert.equal((await held).body, '42["message-back","alive"]');
}

/* ---- The way it should go ---- */

test("the handshake over polling offers the upgrade, that over WebSocket does not", async () => {
  const { hello } = await RawPoll.open(app);
  assert.deepEqual(hello.upgrades, ["websocket"]);
  const ws = new RawWs(app.port, upgradeRequest());
  assert.deepEqual(JSON.parse((await ws.readText()).slice(1)).upgrades, []);
  ws.destroy();
});

test("an accepted WebSocket alone changes nothing: the GET stays held, nothing is said on it", async () => {
  const poll = await RawPoll.join(app);
  const held = poll.get();
  const ws = await openProbe(poll);
  assert.ok(await isLate(held));
  assert.equal(ws.frames.length, 0);
  await poll.post('42["message",1]');
  assert.equal((await held).body, '42["message-back",1]');
  assert.equal(ws.frames.length, 0);
  ws.destroy();
});

test("2probe: a held GET gets 6, and so does every one that follows", async () => {
  const poll = await RawPoll.join(app);
  const held = poll.get();
  await RawPoll.open(app); /* it has arrived: same loop, in order */
  const ws = await openProbed(poll);
  const bodies = [(await held).body];
  for (let i = 0; i < 5; i++) {
    bodies.push((await poll.get()).body);
  }
  assert.deepEqual(bodies, Array(6).fill("6"));
  ws.text("5");
  await echo(ws);
  ws.destroy();
});

test("2probe without any GET, as python-socketio does it: 3probe at once, 5, and joined over WebSocket", async () => {
  const poll = await RawPoll.open(app);
  const ws = await openProbed(poll);
  ws.text("5");
  ws.text("40");
  assert.match(await ws.readText(), /^40\{"sid":/);
  assert.equal(await ws.readText(), '42["auth",{}]');
  await echo(ws);
  ws.destroy();
});

test("POSTs during the probe are processed; what is queued waits for 5 and then comes in order", async () => {
  const poll = await RawPoll.join(app);
  const ws = await openProbed(poll);
  for (let i = 0; i < 40; i++) {
    assert.equal((await poll.post(`42["message",${i}]`)).body, "ok");
  }
  assert.deepEqual(ws.texts(), ["3probe"], "nothing before 5");
  ws.text("5");
  ws.text('42["message",40]');
  for (let i = 0; i <= 40; i++) {
    assert.equal(await ws.readText(), `42["message-back",${i}]`);
  }
  ws.destroy();
});

test("a GET during the probe takes what is queued, the next one gets 6, the rest goes to the WebSocket", async () => {
  const poll = await RawPoll.join(app);
  const ws = await openProbed(poll);
  await poll.post(Array.from({ length: 20 }, (_, i) => `42["message",${i}]`).join(RS));
  assert.deepEqual(await poll.packets(), Array.from({ length: 16 }, (_, i) => `42["message-back",${i}]`));
  await poll.post('42["message",20]');
  ws.text("5");
  for (let i = 16; i <= 20; i++) {
    assert.equal(await ws.readText(), `42["message-back",${i}]`);
  }
  ws.destroy();
  const other = await RawPoll.join(app);
  const probe = await openProbed(other);
  await other.post('42["message",1]');
  assert.deepEqual([await other.packets(), await other.packets()], [['42["message-back",1]'], ["6"]]);
  probe.destroy();
});

test("5 without a probe is accepted; a GET that is held gets 6", async () => {
  const poll = await RawPoll.join(app);
  const held = poll.get();
  await RawPoll.open(app);
  const ws = await openProbe(poll);
  ws.text("5");
  assert.equal((await held).body, "6");
  await echo(ws);
  ws.destroy();
});

test("binary, begun over polling, is finished over WebSocket, in its place", async () => {
  const poll = await RawPoll.join(app);
  await poll.post(`452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]${RS}bAQ==`);
  const ws = await openProbed(poll);
  ws.text("5");
  ws.binary(Buffer.from([2]));
  assert.match(await ws.readText(), /^452-\["message-back",/);
  assert.deepEqual([...(await ws.read()).payload, ...(await ws.read()).payload], [1, 2]);
  ws.destroy();
});

test("/engine.io/ upgrades too, and a sid of the other path does not", async () => {
  const poll = await RawPoll.open(app, { path: "/engine.io/" });
  const ws = await openProbed(poll);
  ws.text("5");
  ws.text("4hello");
  assert.equal(await ws.readText(), "4hello");
  ws.destroy();
  const other = await RawPoll.open(app);
  const res = await askRaw(app.port, upgradeRequest({ target: wsTarget(other).replace("/socket.io/", "/engine.io/") }));
  assert.deepEqual([res.status, JSON.parse(res.body).code], [400, 1]);
});

/* ---- After it ---- */

test("GET and POST after the upgrade: 400, code 3, and the session does not mind", async () => {
  const poll = await RawPoll.join(app);
  const ws = await upgraded(poll);
  for (const res of [await poll.get(), await poll.post('42["message","late"]')]) {
    assert.deepEqual([res.status, res.json.code], [400, 3]);
  }
  await echo(ws);
  assert.ok(!ws.texts().some((text) => text.includes("late")));
  ws.destroy();
});

test("a second WebSocket with that sid: refused while one probes, and after it took over", async () => {
  const poll = await RawPoll.join(app);
  const ws = await openProbed(poll);
  const again = () => askRaw(app.port, upgradeRequest({ target: wsTarget(poll) }));
  assert.equal((await again()).status, 400);
  ws.text("5");
  await echo(ws);
  assert.equal((await again()).status, 400);
  await echo(ws);
  ws.destroy();
});

test("2probe after the upgrade ends the session: it is a ping from the client", async () => {
  const ws = await upgraded(await RawPoll.join(app));
  ws.text("2probe");
  assert.equal(await ws.readClose(), 1005);
});

test("5 once more after the upgrade is ignored", async () => {
  const ws = await upgraded(await RawPoll.join(app));
  ws.text("5");
  await echo(ws);
  ws.destroy();
});

test("the WebSocket is lost after the upgrade: the session has ended", async () => {
  const poll = await RawPoll.join(app);
  const ws = await upgraded(poll);
  ws.destroy();
  await until("its sid is unknown", () => poll.isGone());
});

test("the usual suite's race: 2probe and 5, and a GET beside them, without waiting: 400", async () => {
  for (let i = 0; i < 20; i++) {
    const poll = await RawPoll.open(app);
    const ws = await openProbe(poll);
    ws.text("2probe");
    ws.text("5");
    const res = await poll.get();
    assert.deepEqual([res.status, res.json?.code], [400, 3], `round ${i}`);
    assert.equal(await ws.readText(), "3probe");
    ws.destroy();
  }
});

/* ---- Probes that come to nothing ---- */

const WRONG = [
  ["40", (ws) => ws.text("40")], ["2", (ws) => ws.text("2")], ["2prob", (ws) => ws.text("2prob")], ["2probes", (ws) => ws.text("2probes")],
  ["3probe", (ws) => ws.text("3probe")], ["5x", (ws) => ws.text("5x")], ["1", (ws) => ws.text("1")], ["an event", (ws) => ws.text('42["message",1]')],
  ["an empty text", (ws) => ws.text("")], ["2probe as binary", (ws) => ws.binary("2probe")], ["a letter", (ws) => ws.text("x")],
  ["much", (ws) => ws.text("2".repeat(100_000))], ["more than max_payload", (ws) => ws.frame("2probe", { announce: 1n << 21n })],
];
for (const probedBefore of [false, true]) {
  for (const [what, act] of WRONG) {
    test(`${probedBefore ? "after 3probe" : "first"}: ${what}: that WebSocket alone is closed`, async () => {
      const poll = await RawPoll.join(app);
      const ws = probedBefore ? await openProbed(poll) : await openProbe(poll);
      act(ws);
      assert.match(String(await ws.readClose()), /^(1005|1009)$/);
      await pollingLives(poll);
      (await upgraded(poll)).destroy(); /* and another try may succeed */
    });
  }
}

for (const [what, act] of [["broken off", (ws) => ws.destroy()], ["closed", (ws) => ws.frame(Buffer.alloc(0), { opcode: OP.close })]]) {
  test(`the WebSocket is ${what} while it probes: polling goes on, and it may try again`, async () => {
    const poll = await RawPoll.join(app);
    const ws = await openProbed(poll);
    assert.equal((await poll.get()).body, "6");
    act(ws);
    await until("another may try", async () => (await askRaw(app.port, upgradeRequest({ target: wsTarget(poll) }))).status === 101);
    /* askRaw has hung up on that one too */
    const next = await until("and another", async () => {
      try {
        return await openProbe(poll);
      } catch {
        return undefined;
      }
    });
    next.destroy();
    await until("GETs are held again", async () => (await poll.post('42["message",1]')).body === "ok");
    assert.deepEqual(await poll.packets(), ['42["message-back",1]']);
  });
}

const UPGRADE_MS = 1000; /* enough for those who are to be in time, also on a busy machine */

test("a probe that does not finish in time is closed alone, not sooner", async () => {
  const quick = await startApp({ PING_INTERVAL_MS: 20_000, UPGRADE_TIMEOUT_MS: UPGRADE_MS });
  try {
    for (const open of [openProbe, openProbed]) {
      const poll = await RawPoll.join(quick);
      const ws = await open(poll, quick);
      assert.equal(await ws.readClose(), 1005);
      const took = ws.frames.at(-1).at - ws.asked;
      assert.ok(took >= UPGRADE_MS - 1, `after ${took} ms`);
      const held = poll.get();
      await poll.post('42["message",1]');
      assert.equal((await held).body, '42["message-back",1]');
      (await upgraded(poll, quick)).destroy();
    }
  } finally {
    await quick.stop();
  }
});

test("an upgrade that was in time is left alone when that time is over", async () => {
  const quick = await startApp({ PING_INTERVAL_MS: 20_000, UPGRADE_TIMEOUT_MS: UPGRADE_MS });
  try {
    const ws = await upgraded(await RawPoll.join(quick), quick);
    const control = await openProbe(await RawPoll.join(quick), quick);
    assert.equal(await control.readClose(), 1005, "its time is over by now");
    await echo(ws);
    ws.destroy();
  } finally {
    await quick.stop();
  }
});

test("the session ends while a WebSocket probes: both hear of it", async () => {
  const poll = await RawPoll.join(app);
  const ws = await openProbe(poll);
  const held = poll.get();
  await RawPoll.open(app);
  await poll.post('42["kick-all"]');
  assert.equal((await held).body, "41");
  assert.deepEqual(await poll.packets(), ["1"]);
  assert.equal(await ws.readClose(), 1005);
  assert.ok(await poll.isGone());
});

test("the server closes behind 3probe: a client that polls no more hears of it over the WebSocket", async () => {
  const poll = await RawPoll.join(app);
  const ws = await openProbed(poll);
  assert.equal((await poll.post('42["close"]')).body, "ok");
  await RawPoll.open(app);
  ws.text("5");
  assert.equal(await ws.readClose(), 4000);
  ws.destroy();
  await until("the session is gone", () => poll.isGone());
});

test("the client says 1 while a WebSocket probes: the WebSocket is closed, a later 5 changes nothing", async () => {
  const poll = await RawPoll.join(app);
  const ws = await openProbed(poll);
  assert.equal((await poll.post("1")).body, "ok");
  ws.text("5");
  assert.equal(await ws.readClose(), 1005);
  assert.ok(await poll.isGone());
});

/* ---- Heartbeats ---- */

test("a ping that came over polling may be answered over the WebSocket, and heartbeats go on there", async () => {
  const quick = await startApp({ PING_INTERVAL_MS: 300, PING_TIMEOUT_MS: 3000 });
  try {
    const poll = await RawPoll.join(quick);
    assert.deepEqual(await poll.packets(), ["2"]);
    const ws = await openProbed(poll, quick);
    ws.text("5");
    for (let i = 0; i < 3; i++) {
      ws.text("3");
      await until("a ping over the WebSocket", () => ws.texts().filter((text) => text === "2").length > i);
    }
    await echo(ws);
    ws.destroy();
  } finally {
    await quick.stop();
  }
});

test("the time to answer a ping goes on running through the upgrade", async () => {
  const quick = await startApp({ PING_INTERVAL_MS: 300, PING_TIMEOUT_MS: 1500 });
  try {
    const poll = await RawPoll.join(quick);
    assert.deepEqual(await poll.packets(), ["2"]);
    const ws = await openProbed(poll, quick);
    ws.text("5");
    assert.equal(await ws.readClose(), 1005);
    assert.deepEqual(ws.texts(), ["3probe"], "no second ping");
    assert.match(quick.log, /ping timeout/);
  } finally {
    await quick.stop();
  }
});

/* ---- Under load ---- */

const CLIENTS = 20;
const MESSAGES = 200;

/* Sends all the time from before the upgrade till well after it.  The client begins the upgrade by
 * itself, or, `late`, when it is in the middle of sending.  Resolves to how many messages had come
 * back when the WebSocket took over. */
async function talkThroughUpgrade(late) {
  const socket = io(app.url, { forceNew: true, reconnection: false, upgrade: !late });
  const back = [];
  let floods = 0;
  let backAtUpgrade = -1;
  let ended;
  socket.on("message-back", (n) => back.push(n));
  socket.on("flood", () => { floods++; });
  socket.on("disconnect", (reason) => { ended = reason; });
  await once(socket.io, "open");
  const { engine } = socket.io;
  engine.once("upgrade", () => { backAtUpgrade = back.length; });
  await once(socket, "connect");
  let sent = 0;
  for (; sent < MESSAGES || backAtUpgrade < 0 || sent % MESSAGES !== 0; sent++) {
    socket.emit("message", sent);
    if (sent % 20 === 0) {
      socket.emit("flood", "x", 20);
    }
    await new Promise(setImmediate);
    if (late && sent === MESSAGES / 2) {
      await until("some are back", () => back.length > 0);
      assert.equal(engine.transport.name, "polling");
      engine._probe("websocket"); /* what it does by itself otherwise */
    }
    assert.equal(ended, undefined);
  }
  await until("all are back", () => back.length >= sent && floods >= sent);
  assert.deepEqual(await socket.timeout(15_000).emitWithAck("message-with-ack", "last"), "last");
  assert.deepEqual(back, Array.from({ length: sent }, (_, i) => i), "none lost, double or out of order");
  assert.equal(floods, sent);
  socket.disconnect();
  return backAtUpgrade;
}

test(`${CLIENTS} clients upgrade while ${MESSAGES} messages and more go each way: none lost, double or out of order`, async () => {
  const before = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => talkThroughUpgrade(i % 2 === 1)));
  assert.ok(before.filter((_, i) => i % 2 === 1).every((n) => n > 0), `messages came before the upgrade: ${before}`);
});
