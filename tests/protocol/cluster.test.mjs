/* cluster.test.mjs - three servers behind a door without memory: any of them answers any request */
import assert from "node:assert/strict";
import http from "node:http";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { request } from "../support/http.mjs";
import { RandomDoor, startCluster } from "../support/random_door.mjs";
import { RawPoll, RS, target } from "../support/raw_poll.mjs";
import { askRaw, echo, OP, RawWs, startApp, upgradeRequest } from "../support/raw_ws.mjs";
import { until } from "../support/wait.mjs";

const NAMES = ["anna", "bert", "carl"];
const MAX_PAYLOAD = 100_000;
const AT_ONCE_MS = 5000; /* far below any timeout of a server's */
let apps;
let door;
const doors = []; /* more of them */
before(async () => {
  apps = await startCluster(NAMES, { PING_INTERVAL_MS: 20_000, PING_TIMEOUT_MS: 20_000, MAX_PAYLOAD });
  door = await RandomDoor.open(apps.map((app) => app.port));
});
after(async () => {
  await Promise.all([door, ...doors].map((one) => one.close()));
  await Promise.all(apps.map((app) => app.stop()));
});

/* A session that lives on `apps[owner]`, and asks `apps[by]`. */
async function foreign(owner = 0, by = 1, open = RawPoll.join) {
  const poll = await open(apps[owner]);
  assert.ok(poll.sid.startsWith(`${NAMES[owner]}.`), poll.sid);
  poll.url = apps[by].url;
  return poll;
}
const openRaw = (app) => RawPoll.open(app, { path: "/engine.io/" });
/* What came before on other connections of that server has been read. */
async function arrived(...servers) {
  await Promise.all(servers.map((app) => RawPoll.open(app)));
  await Promise.all(servers.map((app) => RawPoll.open(app)));
}

/* ---- The official client, whatever its transports ---- */

for (const transports of [["polling", "websocket"], ["polling"], ["websocket"]]) {
  test(`30 clients, ${transports.join(" and ")}, 100 messages each: none lost, double or out of order`, async () => {
    const own = await RandomDoor.open(apps.map((app) => app.port));
    doors.push(own);
    const sockets = await Promise.all(Array.from({ length: 30 }, () => talk(own, transports)));
    assert.equal(own.perServer.size, apps.length, "all were asked");
    assert.equal(own.unknownSids, 0);
    assert.equal(own.statuses.get(400) ?? 0, 0);
    /* Not before: its last GET may come behind the POST that ends it, and is unknown then. */
    sockets.forEach((socket) => socket.disconnect());
  });
}
async function talk({ url }, transports) {
  const socket = io(url, { transports, forceNew: true, reconnection: false });
  const back = [];
  let trouble;
  socket.on("message-back", (...args) => back.push(args));
  socket.on("connect_error", (err) => { trouble = err; });
  socket.on("disconnect", (reason) => { trouble = reason; });
  await until("it is connected", () => socket.connected || trouble);
  for (let i = 0; i < 100; i++) {
    socket.emit("message", i, Buffer.alloc(i, i));
    if (i % 10 === 0) {
      await new Promise(setImmediate);
    }
  }
  await until("all are back", () => back.length >= 100 || trouble);
  await until("it has upgraded", () => trouble || transports.at(-1) === socket.io.engine.transport.name);
  assert.deepEqual(await socket.timeout(15_000).emitWithAck("message-with-ack", "last"), "last");
  assert.equal(trouble, undefined);
  assert.deepEqual(back.map(([n]) => n), Array.from({ length: 100 }, (_, i) => i));
  assert.ok(back.every(([n, bytes]) => bytes.equals(Buffer.alloc(n, n))));
  return socket;
}

test("the door does send requests of one connection to different servers", async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const seen = new Set();
  await until("all three have answered on one connection", async () => {
    const req = http.get(`${door.url}${target()}`, { agent });
    const [res] = await once(req, "response");
    let text = "";
    for await (const chunk of res) {
      text += chunk;
    }
    seen.add(`${JSON.parse(text.slice(1)).sid.split(".")[0]} ${seen.size === 0 || req.reusedSocket}`);
    return seen.size === 3;
  });
  assert.deepEqual([...seen].sort(), NAMES.map((name) => `${name} true`));
  agent.destroy();
});

/* ---- Sids that lead nowhere ---- */

async function unknownAtOnce(poll) {
  const start = performance.now();
  for (const res of [await poll.get(), await poll.post('42["message",1]')]) {
    assert.deepEqual([res.status, res.json], [400, { code: 1, message: "Session ID unknown" }]);
    assert.equal(res.headers["content-type"], "application/json");
  }
  const answer = await askRaw(Number(new URL(poll.url).port), upgradeRequest({ target: poll.target({ transport: "websocket" }) }));
  if (answer.status === 101) { /* accepted before the other server was asked: closed at once */
    const ws = new RawWs(Number(new URL(poll.url).port), upgradeRequest({ target: poll.target({ transport: "websocket" }) }));
    assert.equal(await ws.readClose(), 1005);
  } else {
    assert.equal(answer.status, 400);
  }
  const took = performance.now() - start;
  assert.ok(took < AT_ONCE_MS, `${took} ms`);
}

test("a sid of a server that never was: 400 code 1 at once", async () => {
  for (const sid of [`nobody.${"a".repeat(24)}`, `${"x".repeat(48)}.${"a".repeat(24)}`, `${"x".repeat(49)}.${"a".repeat(24)}`, `.${"a".repeat(24)}`, "anna.", `${"y".repeat(500)}.z`]) {
    const poll = Object.assign(new RawPoll(apps[1].url, sid), { path: "/socket.io/" });
    await unknownAtOnce(poll);
  }
});

test("a sid that its server does not know (any more), asked elsewhere: 400 code 1 at once", async () => {
  const poll = await foreign();
  assert.equal((await poll.post("1")).body, "ok");
  await unknownAtOnce(poll);
});

test("a sid of a server that was killed: 400 code 1 at once; a GET that it held ends at once", async () => {
  const [ida, jon] = await startCluster(["ida", "jon"], { PING_INTERVAL_MS: 20_000 });
  try {
    const [one, two] = [await RawPoll.join(ida), await RawPoll.join(ida)];
    one.url = two.url = jon.url;
    const held = one.get();
    await arrived(jon, ida, jon);
    ida.signal("SIGKILL");
    const res = await held;
    assert.deepEqual([res.status, res.json?.code], [400, 1]);
    await until("it is dead", () => ida.ended);
    await unknownAtOnce(two);
  } finally {
    await jon.stop();
  }
});

test("what was carried once is not carried on: two servers that are wrong about each other do not play ball", async () => {
  const poll = Object.assign(new RawPoll(apps[1].url, `anna.${"a".repeat(24)}`), { path: "/socket.io/" });
  const res = await poll.get({}, { headers: { "x-parley-carried": "1" } });
  assert.deepEqual([res.status, res.json.code], [400, 1]);
  const own = await foreign();
  assert.equal((await own.get({}, { headers: { "x-parley-carried": "1" } })).json.code, 1, "nor for a session that exists");
});

/* ---- Polls, carried ---- */

test("a carried GET is held, and answered byte for byte", async () => {
  const poll = await foreign();
  const held = poll.get();
  await arrived(apps[1], apps[0]);
  poll.url = apps[2].url;
  assert.equal((await poll.post(`42["message","ä\u2028💬"]${RS}42["message",2]`)).body, "ok");
  const res = await held;
  assert.equal(res.body, `42["message-back","ä\u2028💬"]${RS}42["message-back",2]`);
  assert.deepEqual([res.headers["content-type"], res.headers["cache-control"]], ["text/plain; charset=UTF-8", "no-store"]);
  assert.equal(Number(res.headers["content-length"]), Buffer.byteLength(res.body));
});

test("at most 16 packets in a carried answer too", async () => {
  const poll = await foreign();
  await poll.post(Array.from({ length: 20 }, (_, i) => `42["message",${i}]`).join(RS));
  assert.deepEqual([(await poll.packets()).length, (await poll.packets()).length], [16, 4]);
});

test("binary passes in both directions", async () => {
  const poll = await foreign();
  await poll.post(['451-["message",{"_placeholder":true,"num":0}]', "bAAECAw=="].join(RS));
  assert.deepEqual(await poll.messages(2), ['451-["message-back",{"_placeholder":true,"num":0}]', "bAAECAw=="]);
});

test("a carried POST of exactly max_payload bytes is accepted, of one more is 413", async () => {
  const text = (size) => { const head = '42["message","'; return `${head}${"x".repeat(size - head.length - 2)}"]`; };
  const poll = await foreign();
  assert.equal((await poll.post(text(MAX_PAYLOAD))).body, "ok");
  assert.equal((await poll.messages(1))[0].length, MAX_PAYLOAD + "-back".length);
  assert.equal((await poll.post(text(MAX_PAYLOAD + 1))).status, 413);
  await poll.post('42["message",1]');
  assert.deepEqual(await poll.messages(1), ['42["message-back",1]'], "and the session lives on");
});

test("errors come through: a bad packet, a second GET, the version, a method", async () => {
  const bad = await foreign();
  assert.deepEqual([(await bad.post("7")).status, await bad.isGone()], [400, true]);
  const two = await foreign();
  const first = two.get();
  await arrived(apps[1], apps[0]);
  two.url = apps[2].url;
  const second = await two.get();
  assert.deepEqual([(await first).body, second.status, second.json.code], ["1", 400, 3]);
  const old = await foreign();
  assert.equal((await old.get({ EIO: "3" })).json.code, 3);
  assert.ok([400, 405].includes((await request(old.url, old.target(), { method: "PUT" })).status));
  await old.post('42["message",1]');
  assert.deepEqual(await old.messages(1), ['42["message-back",1]']);
});

test("a binary body, carried: 400, and the session ends", async () => {
  const poll = await foreign();
  assert.equal((await poll.post("\x00", { headers: { "content-type": "application/octet-stream" } })).status, 400);
  assert.ok(await poll.isGone());
});

test("a carried answer has the same headers as a direct one, with Origin and without", async () => {
  const own = await RawPoll.join(apps[0]);
  const far = await foreign();
  for (const origin of [undefined, apps[0].url, "http://elsewhere.example"]) {
    const headers = { host: `127.0.0.1:${apps[0].port}`, ...(origin ? { origin } : {}) };
    const answers = [];
    for (const poll of [own, far]) {
      const res = await poll.post("3", { headers });
      delete res.headers.date;
      answers.push({ status: res.status, headers: res.headers, body: res.body });
    }
    assert.deepEqual(answers[1], answers[0], `origin ${origin}`);
  }
});

test("a preflight is answered by whoever is asked", async () => {
  const poll = await foreign();
  assert.equal((await request(apps[1].url, poll.target(), { method: "OPTIONS" })).status, 204);
});

test("a carried GET that the client aborts ends the session at its owner", async () => {
  const poll = await foreign();
  const url = new URL(poll.url);
  const req = http.get({ host: url.hostname, port: url.port, path: poll.target(), agent: false });
  req.on("error", () => {});
  await arrived(apps[1], apps[0]);
  const from = apps[0].log.length;
  req.destroy();
  await until("the owner has noticed", () => /disconnect reason="transport close"/.test(apps[0].log.slice(from)));
  assert.ok(await poll.isGone());
});

test("keep-alive: requests for several sessions on one connection, each carried to its owner", async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async (method, path, body) => {
    const url = new URL(apps[2].url);
    const req = http.request({ host: url.hostname, port: url.port, path, method, agent, headers: body ? { "content-length": Buffer.byteLength(body) } : {} });
    req.end(body);
    const [res] = await once(req, "response");
    let text = "";
    for await (const chunk of res) {
      text += chunk;
    }
    return { text, reused: req.reusedSocket };
  };
  const polls = [await RawPoll.join(apps[0]), await RawPoll.join(apps[1]), await RawPoll.join(apps[2])];
  let reused = 0;
  for (let i = 0; i < 4; i++) {
    for (const poll of polls) {
      assert.equal((await ask("POST", poll.target(), `42["message",${i}]`)).text, "ok");
      const answer = await ask("GET", poll.target());
      assert.equal(answer.text, `42["message-back",${i}]`);
      reused += answer.reused;
    }
  }
  assert.equal(reused, 12);
  agent.destroy();
});

/* ---- Ends and heartbeats ---- */

test("a close by the server reaches a carried GET", async () => {
  const poll = await foreign();
  const held = poll.get();
  await arrived(apps[1], apps[0]);
  await poll.post('42["kick-all"]');
  assert.equal((await held).body, "41");
  assert.deepEqual(await poll.packets(), ["1"]);
  assert.ok(await poll.isGone());
});

test("a ping timeout reaches a carried GET and a carried WebSocket", async () => {
  const pair = await startCluster(["lea", "max"], { PING_INTERVAL_MS: 300, PING_TIMEOUT_MS: 2000 });
  try {
    const poll = await RawPoll.open(pair[0]);
    poll.url = pair[1].url;
    assert.deepEqual(await poll.packets(), ["2"]);
    const before = pair[0].log.length;
    assert.equal((await poll.get()).json?.code, 1);
    await until("the end came behind the GET", () => pair[0].log.slice(before).includes('reason="ping timeout"'));
    assert.ok(await poll.isGone());
    const other = await RawPoll.open(pair[0]);
    const ws = await carriedWs(other, pair[1]);
    assert.equal(await ws.readClose(), 1005);
    assert.ok(ws.texts().includes("2"));
  } finally {
    await Promise.all(pair.map((app) => app.stop()));
  }
});

/* ---- WebSockets, carried ---- */

async function carriedWs(poll, by) {
  const ws = new RawWs(by.port, upgradeRequest({ target: poll.target({ transport: "websocket" }) }));
  await until("it is accepted", () => ws.head, { every: 2 });
  ws.text("2probe");
  assert.equal(await ws.readText(), "3probe");
  ws.text("5");
  return ws;
}

test("an upgrade on another server: probe, noops, and the session lives there", async () => {
  const poll = await foreign(0, 1);
  const held = poll.get();
  await arrived(apps[1], apps[0]);
  const ws = new RawWs(apps[2].port, upgradeRequest({ target: poll.target({ transport: "websocket" }) }));
  await until("it is accepted", () => ws.head);
  ws.text("2probe");
  assert.equal(await ws.readText(), "3probe");
  assert.equal((await held).body, "6");
  assert.equal((await poll.get()).body, "6");
  await poll.post('42["message","queued"]');
  ws.text("5");
  assert.equal(await ws.readText(), '42["message-back","queued"]');
  await echo(ws);
  for (const url of apps.map((app) => app.url)) {
    poll.url = url;
    assert.deepEqual([(await poll.get()).json.code, (await poll.post("3")).json.code], [3, 3]);
  }
  ws.destroy();
  await until("its end is heard of at the owner", () => poll.isGone());
});

test("fragments and control frames between them, carried", async () => {
  const ws = await carriedWs(await foreign(), apps[2]);
  ws.frame('42["mess', { fin: false });
  ws.frame("knock", { opcode: OP.ping });
  ws.frame("", { opcode: OP.continued, fin: false });
  ws.frame('age","ä"]', { opcode: OP.continued });
  const seen = [await ws.read(), await ws.read()].map((f) => `${f.opcode} ${f.payload}`).sort();
  assert.deepEqual(seen, ['1 42["message-back","ä"]', `${OP.pong} knock`]);
  await echo(ws);
  ws.destroy();
});

test("binary and messages of every length of length, carried both ways", async () => {
  const poll = await foreign(0, 1, openRaw);
  const ws = await carriedWs(poll, apps[2]);
  for (const size of [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, MAX_PAYLOAD]) {
    const bytes = Buffer.alloc(size, size & 255);
    ws.binary(bytes);
    const back = await ws.read();
    assert.equal(back.opcode, OP.binary);
    assert.ok(back.payload.equals(bytes), `${size} bytes`);
  }
  ws.destroy();
});

test("too much for one message, carried: 1009", async () => {
  const ws = await carriedWs(await foreign(), apps[2]);
  ws.text("4".repeat(MAX_PAYLOAD + 1));
  assert.equal(await ws.readClose(), 1009);
});

test("text that is no UTF-8, carried: 1007", async () => {
  const ws = await carriedWs(await foreign(), apps[2]);
  ws.frame(Buffer.from([0x34, 0x32, 0xff, 0xfe]));
  assert.equal(await ws.readClose(), 1007);
});

test("closes, carried: with the server's code, and the client's own close is answered", async () => {
  const closed = await carriedWs(await foreign(), apps[2]);
  closed.text('42["close"]');
  assert.equal(await closed.readClose(), 4000);
  const kicked = await carriedWs(await foreign(), apps[2]);
  kicked.text('42["kick-all"]');
  assert.equal(await kicked.readText(), "41");
  assert.equal(await kicked.readClose(), 1005);
  const poll = await foreign();
  const leaving = await carriedWs(poll, apps[2]);
  await echo(leaving);
  leaving.frame(Buffer.from([0x03, 0xe8]), { opcode: OP.close });
  assert.equal(await leaving.readClose(), 1000);
  await until("the owner knows", () => poll.isGone());
});

test("a carried probe that says something wrong is closed alone", async () => {
  const poll = await foreign();
  const ws = new RawWs(apps[2].port, upgradeRequest({ target: poll.target({ transport: "websocket" }) }));
  await until("it is accepted", () => ws.head, { every: 2 });
  ws.text("40");
  assert.equal(await ws.readClose(), 1005);
  await poll.post('42["message",1]');
  assert.deepEqual(await poll.messages(1), ['42["message-back",1]']);
});

test("a second WebSocket for a session that probes, by way of another server, does not live", async () => {
  const poll = await foreign();
  const ws = await carriedWs(poll, apps[1]);
  await echo(ws);
  const second = new RawWs(apps[2].port, upgradeRequest({ target: poll.target({ transport: "websocket" }) }));
  await until("it has ended", () => second.gone);
  await echo(ws);
  ws.destroy();
});

test("much at once to a carried client that reads nothing: its owner holds it, and gives it all later", async () => {
  const ws = await carriedWs(await foreign(), apps[2]);
  await echo(ws);
  ws.socket.pause();
  ws.text(`42["flood","${"x".repeat(10_000)}",90]`);
  await arrived(apps[2], apps[0]);
  ws.socket.resume();
  for (let i = 0; i < 90; i++) {
    assert.equal((await ws.readText()).length, 10_000 + '42["flood",""]'.length);
  }
  await echo(ws);
  ws.destroy();
});

test("a server that ends lets go of the WebSockets that it carries", async () => {
  const [nils, olga] = await startCluster(["nils", "olga"], { PING_INTERVAL_MS: 20_000 });
  const poll = await RawPoll.join(nils);
  const ws = await carriedWs(poll, olga);
  await echo(ws);
  await nils.stop();
  assert.equal(await ws.readClose(), 1001);
  await olga.stop();
});

test("alone, a server knows no other: a sid with a name is unknown", async () => {
  const alone = await startApp();
  try {
    const poll = Object.assign(new RawPoll(alone.url, `anna.${"a".repeat(24)}`), { path: "/socket.io/" });
    assert.ok(await poll.isGone());
  } finally {
    await alone.stop();
  }
});
