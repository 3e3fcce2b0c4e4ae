/* http_bodies.test.mjs - where requests end, bodies in chunks, and what the server's end does to requests that wait */
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { openFiles, settled, ticks } from "../support/held.mjs";
import { request } from "../support/http.mjs";
import { RawPoll, RS, target } from "../support/raw_poll.mjs";
import { askRaw, RawWs, startApp, upgradeRequest } from "../support/raw_ws.mjs";
import { until } from "../support/wait.mjs";

const MAX = 10_000;
let app; /* "one" */
let other; /* carries to it */
const settings = { PING_INTERVAL_MS: 20_000, PING_TIMEOUT_MS: 20_000, MAX_PAYLOAD: MAX };
before(async () => {
  app = await startApp({ ...settings, NODE: "one" });
  other = await startApp({ ...settings, NODE: "two", PEERS: `one=${app.port},gone=1` });
});
after(async () => {
  await app.stop();
  await other.stop();
});

const chunk = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const END = "0\r\n\r\n";
const head = (method, path, lines) => [`${method} ${path} HTTP/1.1`, "Host: x", ...lines, "", ""].join("\r\n");
const chunkedPost = (poll, bytes) => head("POST", poll.target(), ["Transfer-Encoding: chunked"]) + bytes;

/* Answers that came until the server hung up: [[status, body]...]. */
function answersUntilEnd(port, bytes) {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = net.connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.setTimeout(15_000, () => { socket.destroy(); reject(new Error(`still open after: ${text}`)); });
    socket.on("data", (data) => { text += data.toString("latin1"); });
    socket.on("error", reject);
    socket.on("end", () => {
      socket.destroy();
      resolve(text.split("HTTP/1.1 ").slice(1).map((answer) => [Number(answer.slice(0, 3)), answer.slice(answer.indexOf("\r\n\r\n") + 4)]));
    });
  });
}

/* ---- Chunks ---- */

const BODIES = [
  ["one chunk", chunk('42["message",1]') + END],
  ["one character each", [...'42["message",1]'].map(chunk).join("") + END],
  ["extensions and trailers", `f;a=b\r\n42["message",1]\r\n0;x\r\nTrailer: y\r\n\r\n`],
  ["a request behind it, which is not looked at", chunk('42["message",1]') + END + head("GET", "/x", [])],
];
for (const [what, bytes] of BODIES) {
  for (const where of ["here", "carried"]) {
    test(`chunks, ${where}: ${what}: one ok, then the connection ends, and the session lives on`, async () => {
      const poll = await RawPoll.join(app);
      const { port } = where === "here" ? app : other;
      assert.deepEqual(await answersUntilEnd(port, chunkedPost(poll, bytes)), [[200, "ok"]]);
      assert.deepEqual(await poll.messages(1), ['42["message-back",1]']);
    });
  }
}

test("chunks that come one by one", async () => {
  const poll = await RawPoll.join(app);
  const socket = net.connect(app.port, "127.0.0.1");
  socket.setNoDelay(true);
  let text = "";
  socket.on("data", (data) => { text += data; });
  for (const bytes of [chunkedPost(poll, "f"), "\r", '\n42["mess', 'age",1]\r\n0', "\r\n\r", "\n"]) {
    socket.write(bytes);
    await request(app.url, "/x"); /* what was written before has been read */
  }
  await until("the answer has come", () => text.endsWith("ok"));
  socket.destroy();
  assert.deepEqual(await poll.messages(1), ['42["message-back",1]']);
});

const exactly = (size) => { const start = '42["message","'; return `${start}${"x".repeat(size - start.length - 2)}"]`; };

test("exactly max_payload bytes in chunks are accepted; one more is 413", async () => {
  const poll = await RawPoll.join(app);
  const text = exactly(MAX);
  const parts = [text.slice(0, 1), text.slice(1, 4000), text.slice(4000)];
  assert.deepEqual(await answersUntilEnd(app.port, chunkedPost(poll, parts.map(chunk).join("") + END)), [[200, "ok"]]);
  assert.equal((await poll.messages(1))[0].length, MAX + "-back".length);
  const [[status]] = await answersUntilEnd(app.port, chunkedPost(poll, chunk(exactly(MAX + 1)) + END));
  assert.equal(status, 413);
});

for (const [what, bytes] of [["a size that is none", "zz\r\n"], ["a bare LF", `2\n40\r\n${END}`], ["a chunk that is longer than it says", `1\r\n40\r\n${END}`],
  ["a sign", `+2\r\n40\r\n${END}`], ["a wide size", `${"0".repeat(16)}2\r\n40\r\n${END}`]]) {
  test(`chunks with ${what}: 400, and the connection ends`, async () => {
    const poll = await RawPoll.join(app);
    const answers = await answersUntilEnd(app.port, chunkedPost(poll, bytes));
    assert.deepEqual(answers.map(([status]) => status), [400]);
  });
}

/* ---- Requests whose end is not clear ---- */

const HIDDEN = head("GET", "/hidden", []);
const length = `Content-Length: ${HIDDEN.length}`;
const UNCLEAR = [
  ["a GET with a body", "GET", [length]],
  ["a GET in chunks", "GET", ["Transfer-Encoding: chunked"]],
  ["a HEAD with a body", "HEAD", [length]],
  ["both a length and chunks", "POST", [length, "Transfer-Encoding: chunked"]],
  ["two lengths", "POST", [length, length]],
  ["a length with a sign", "POST", [`Content-Length: +${HIDDEN.length}`]],
  ["a length with more behind it", "POST", [`Content-Length: ${HIDDEN.length}, 0`]],
  ["an unknown coding", "POST", ["Transfer-Encoding: xchunked"], 501],
  ["chunks of something else", "POST", ["Transfer-Encoding: gzip, chunked"], 501],
  ["chunks twice", "POST", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]],
  ["chunks, and then not", "POST", ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"]],
];
for (const [what, method, lines, status = 400] of UNCLEAR) {
  for (const path of ["/socket.io/?EIO=4&transport=polling", "/elsewhere"]) {
    test(`${what}, ${path}: one ${status}, and what is behind it is no request`, async () => {
      const answers = await answersUntilEnd(app.port, head(method, path, lines) + HIDDEN);
      assert.deepEqual(answers.map(([got]) => got), [status]);
    });
  }
}

test("a WebSocket handshake with a body: 400", async () => {
  const res = await askRaw(app.port, upgradeRequest({ headers: { "Content-Length": "5" } }));
  assert.equal(res.status, 400);
});

/* ---- Clients that do odd things to a request that waits ---- */

function heldGet(port, poll, extra = "") {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => {
      socket.write(head("GET", poll.target(), []) + extra, () => resolve(socket));
    });
    socket.on("error", reject);
    socket.on("data", (data) => { socket.text = (socket.text ?? "") + data; });
    socket.on("close", () => { socket.gone = true; });
  });
}

test("bytes behind a held GET: nothing spins, and they are the next request when it is answered", async () => {
  const poll = await RawPoll.join(app);
  const socket = await heldGet(app.port, poll, head("GET", "/next", []));
  await request(app.url, "/x"); /* it has been read */
  const before = ticks(app);
  const start = performance.now();
  await until("a second has gone by", () => performance.now() - start > 1000);
  assert.ok(ticks(app) - before < 15, `${ticks(app) - before} ticks of 10 ms in a second`);
  await poll.post('42["message",1]');
  await until("both answers are there", () => / 404 /.test(socket.text ?? ""));
  assert.match(socket.text, /^HTTP\/1\.1 200 [^]*42\["message-back",1\]HTTP\/1\.1 404 /);
  socket.destroy();
});

test("a client that has sent its GET and shuts down writing is gone: the session ends", async () => {
  const poll = await RawPoll.join(app);
  const socket = await heldGet(app.port, poll);
  await request(app.url, "/x");
  socket.end();
  await until("the server has hung up", () => socket.readableEnded || socket.gone);
  assert.ok(await poll.isGone());
  socket.destroy();
});

/* In one segment; an HTTP server that loses count of bodies reads one as a request, or loops for ever. */
const postOf = (path, body) => `${head("POST", path, [`Content-Length: ${body.length}`])}${body}`;
const BEHIND = [
  ["POST behind a refused POST", (path) => postOf(target({ sid: "x" }), "3") + postOf(path, "3")],
  ["POST behind chunks", (path) => head("POST", path, ["Transfer-Encoding: chunked"]) + chunk("3") + END + postOf(path, "3")],
];
for (const [what, bytes] of BEHIND) {
  test(`${what}, in one segment: the server goes on`, async () => {
    const poll = await RawPoll.join(app);
    const socket = net.connect(app.port, "127.0.0.1", () => socket.write(bytes(poll.target())));
    socket.on("error", () => {});
    const answered = new Promise((resolve) => { socket.once("data", resolve); });
    await answered;
    assert.equal((await request(app.url, target())).status, 200);
    assert.equal((await request(app.url, target())).status, 200);
    socket.destroy();
  });
}

/* ---- The most packets of an answer ---- */

test("a close behind 16 packets comes with the next GET", async () => {
  const poll = await RawPoll.join(app);
  const sixteen = Array.from({ length: 15 }, (_, i) => `42["message",${i}]`);
  await poll.post([...sixteen, '42["kick-all"]'].join(RS));
  const packets = await poll.packets();
  assert.deepEqual(packets.slice(14), ['42["message-back",14]', "41"]);
  assert.deepEqual(await poll.packets(), ["1"]);
  assert.ok(await poll.isGone());
});

/* ---- A WebSocket for a connection that is nowhere ---- */

test("a WebSocket whose sid names a server that is not there: 400 code 1, and no frame before it", async () => {
  const sid = `nowhere.${"a".repeat(24)}`;
  const res = await askRaw(other.port, upgradeRequest({ target: target({ sid, transport: "websocket" }) }));
  assert.deepEqual([res.status, JSON.parse(res.body).code], [400, 1]);
});

test("a large message over a carried WebSocket, and back", async () => {
  const poll = await RawPoll.join(app);
  const ws = new RawWs(other.port, upgradeRequest({ target: poll.target({ transport: "websocket" }) }));
  await until("it is a WebSocket", () => ws.head);
  ws.text("2probe");
  assert.equal(await ws.readText(), "3probe");
  ws.text("5");
  for (let i = 0; i < 200; i++) { /* more than what holds the client back */
    ws.text(exactly(MAX - 10));
  }
  for (let i = 0; i < 200; i++) {
    assert.equal((await ws.readText()).length, MAX - 10 + "-back".length);
  }
  ws.destroy();
});

/* ---- The end of the server ---- */

test("SIGTERM with held GETs, probes, upgraded and carried clients: each hears of it, and it ends in 2 s", async (t) => {
  const ending = await startApp({ ...settings, NODE: "ending", PEERS: `one=${app.port}` });
  t.after(() => ending.stop());
  const outside = await startApp({ ...settings, NODE: "outside", PEERS: `ending=${ending.port}` });
  t.after(() => outside.stop());
  await settled(outside);
  const before = openFiles(outside);
  const polls = await Promise.all(Array.from({ length: 100 }, () => RawPoll.join(ending)));
  const held = polls.map((poll) => poll.get());
  const probes = await Promise.all(polls.slice(0, 10).map(async (poll) => {
    const ws = new RawWs(ending.port, upgradeRequest({ target: poll.target({ transport: "websocket" }) }));
    await until("the probe is accepted", () => ws.head);
    return ws;
  }));
  /* carried to the one that ends, and by it */
  const carried = await Promise.all(Array.from({ length: 5 }, async () => (await RawPoll.join(ending)).target()));
  const through = carried.map((path) => request(outside.url, path));
  const away = await RawPoll.join(app);
  const by = request(ending.url, away.target()).then(() => "answered", () => "hung up");
  await until("all have arrived", () => openFiles(ending) > 100 + 10 + 5 + 1 && openFiles(outside) >= before + 10);
  const start = performance.now();
  ending.signal("SIGTERM");
  await until("it has ended", () => ending.ended, { every: 5 });
  const took = performance.now() - start;
  assert.deepEqual(ending.ended, { code: 0, signal: null }, ending.log);
  assert.ok(took < 2000, `${took} ms`);
  const codes = async (answers) => (await Promise.all(answers)).map((res) => [res.status, JSON.parse(res.body).code]);
  assert.deepEqual(await codes(held), held.map(() => [400, 1]));
  assert.deepEqual(await codes(through), through.map(() => [400, 1]));
  assert.equal(await by, "hung up");
  for (const ws of probes) {
    await until("the probe is closed", () => ws.gone);
  }
  await until("the descriptors are back", () => openFiles(outside) <= before);
});
