/* resources.test.mjs - whatever was ever given to the parsers, sent by nobody in particular at every
 * state of the protocol: afterwards the server holds no more connections, files and memory than
 * before */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, test } from "node:test";
import { RawPoll, target } from "../support/raw_poll.mjs";
import { echo, joinWs, OP, openWs, RawWs, startApp, upgradeRequest } from "../support/raw_ws.mjs";
import { until } from "../support/wait.mjs";

/* What clients send, of whichever layer: each is also tried as what it was not meant to be. */
const FOLDERS = readdirSync("tests/corpus").filter((name) => /^(eio_|sio_|http_strict$|http_request$|json$|payload$)/.test(name) && !name.endsWith(".dict"));
const INPUTS = FOLDERS.flatMap((name) => readdirSync(path.join("tests/corpus", name)).map((file) => ({ name: `${name}/${file}`, bytes: readFileSync(path.join("tests/corpus", name, file)) })));

/* Short times: what is only ended by a deadline ends within this test. */
const TIMES = { PING_INTERVAL_MS: 1000, PING_TIMEOUT_MS: 1000, CONNECT_TIMEOUT_MS: 2000, UPGRADE_TIMEOUT_MS: 2000, MAX_PAYLOAD: 20_000, QUEUE_MAX_BYTES: 65_536 };
const RSS_MORE_KB = 2048; /* a second round makes about 1,000 connections: 2 KiB of each would be seen */

/* The sanitizer shall not keep much of what was freed: a leak would hide in it. */
const ASAN = "quarantine_size_mb=1:thread_local_quarantine_size_kb=64";
const SETTINGS = { ...TIMES, ASAN_OPTIONS: [process.env.ASAN_OPTIONS, ASAN].filter(Boolean).join(":") };

let app;
let files; /* open when nobody is there */
const polls = []; /* sessions that were opened, to be seen gone */

const rssKb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${app.pid}/status`, "utf8"))[1]);

/* The open files, by what they are: "socket", "anon_inode:[eventpoll]" ... */
function openFiles() {
  const count = {};
  for (const fd of readdirSync(`/proc/${app.pid}/fd`)) {
    try {
      const kind = readlinkSync(`/proc/${app.pid}/fd/${fd}`).replace(/:\[\d+\]$/, "");
      count[kind] = (count[kind] ?? 0) + 1;
    } catch { /* it has just been closed */ }
  }
  return JSON.stringify(count, Object.keys(count).sort());
}

/* TCP connections to the port that the process still holds. */
function connections() {
  const port = app.port.toString(16).toUpperCase().padStart(4, "0");
  const rows = readFileSync(`/proc/${app.pid}/net/tcp`, "utf8").split("\n").map((line) => line.trim().split(/\s+/));
  return rows.filter(([, local, , state, , , , , , inode]) => local?.endsWith(`:${port}`) && state !== "0A" && inode !== "0").length;
}

async function openPoll() {
  const poll = await RawPoll.open(app);
  polls.push(poll);
  return poll;
}

/* ---- States, and what is done to each of them with one input ---- */

/* Bytes on a connection of their own, which the client leaves, or shuts down, in turn. */
function throwAt(bytes, greet = "", leave = true) {
  return new Promise((resolve) => {
    const socket = net.connect(app.port, "127.0.0.1", () => {
      socket.write(Buffer.concat([Buffer.from(greet, "latin1"), bytes]), () => (leave ? socket.destroy() : socket.end()));
    });
    socket.resume();
    socket.on("error", () => {});
    socket.on("close", resolve);
  });
}

const ignore = () => {};
const post = (poll, body) => poll.post(body).catch(ignore);

/* A WebSocket that is there with `poll`'s sid. */
async function probe(poll) {
  const ws = await openProbe(poll);
  ws.text("2probe");
  assert.equal(await ws.readText("3probe"), "3probe");
  return ws;
}

async function openProbe(poll) {
  const ws = new RawWs(app.port, upgradeRequest({ target: target({ sid: poll.sid, transport: "websocket" }) }));
  await until("the WebSocket is there", () => ws.head || ws.gone, { every: 2 });
  assert.match(ws.head, /^HTTP\/1\.1 101 /);
  return ws;
}

function wsBytes(ws, bytes) {
  ws.frame(bytes);
  ws.frame(bytes, { opcode: OP.binary });
  ws.send(bytes);
}

const STATES = {
  "before the handshake, as it is": (bytes, i) => throwAt(bytes, "", i % 2 === 0),
  "as a query": (bytes, i) => throwAt(Buffer.from(" HTTP/1.1\r\nHost: x\r\n\r\n"), `GET /socket.io/?${encodeURI(bytes.toString("latin1"))}`, i % 2 === 0),
  "as the body of a request without a session": (bytes, i) => throwAt(bytes, `POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\n\r\n`, i % 2 === 0),
  "polling, not joined: as a POST": async (bytes) => {
    const poll = await openPoll();
    await post(poll, bytes);
  },
  "polling, not joined: as half a POST beside a GET": async (bytes) => {
    const poll = await openPoll();
    await Promise.all([
      throwAt(Buffer.alloc(0), `GET ${poll.target()} HTTP/1.1\r\nHost: x\r\n\r\n`),
      throwAt(bytes, `POST ${poll.target()} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length + 1}\r\n\r\n`),
    ]);
  },
  "WebSocket, not joined": async (bytes) => {
    const ws = await openWs(app);
    wsBytes(ws, bytes);
    ws.socket.end();
  },
  "a probe": async (bytes) => {
    const ws = await openProbe(await openPoll());
    wsBytes(ws, bytes);
    ws.socket.end();
  },
  "a probe that was answered": async (bytes) => {
    const poll = await openPoll();
    const ws = await probe(poll);
    wsBytes(ws, bytes);
    await post(poll, bytes);
    ws.destroy();
  },
  "upgraded, not joined": async (bytes) => {
    const ws = await probe(await openPoll());
    ws.text("5");
    wsBytes(ws, bytes);
    ws.destroy();
  },
};

const idle = () => connections() === 0 && openFiles() === files;

/* Every input, a few at a time, as clients come; then no connection is left. */
async function round(state) {
  const queue = [...INPUTS.keys()];
  const work = async () => {
    for (let i = queue.shift(); i !== undefined; i = queue.shift()) {
      await STATES[state](INPUTS[i].bytes, i).catch((error) => { throw new Error(`${state}, ${INPUTS[i].name}: ${error.message}`, { cause: error }); });
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  await until(`no connection is left, and these files are open: ${files}`, idle);
  assert.equal(app.ended, undefined, app.log);
}

/* Sessions that nobody left are ended by their deadlines. */
async function sessionsEnd() {
  await until("every session is unknown", async () => {
    const gone = await Promise.all(polls.splice(0, 50).map(async (poll) => [poll, await poll.isGone()]));
    polls.push(...gone.filter(([, is]) => !is).map(([poll]) => poll));
    return polls.length === 0;
  }, { every: 5 });
}

async function serves() {
  const ws = await joinWs(app);
  await echo(ws);
  ws.destroy();
}

before(async () => {
  app = await startApp(SETTINGS);
  await serves(); /* what is opened once, by the first of all */
  await until("nobody is there", () => connections() === 0);
  files = openFiles();
});
after(async () => { await app.stop(); });

test("there are inputs of every kind", () => {
  assert.ok(INPUTS.length >= 60, `${INPUTS.length} inputs`);
  for (const name of ["eio_query", "eio_ws_lws", "sio_packet", "sio_session"]) {
    assert.ok(FOLDERS.includes(name), name);
  }
});

for (const state of Object.keys(STATES)) {
  test(`${state}: nothing is left open`, async () => {
    await round(state);
    await serves();
    await until("nobody is there", idle);
  });
}

test("every session that was left there ends by itself", sessionsEnd);

/* The rounds above were the first ones: whatever is kept for good has been allocated. */
test("more of the same needs no more memory", async () => {
  const start = rssKb();
  for (const state of Object.keys(STATES)) {
    await round(state);
  }
  await sessionsEnd();
  await until("nobody is there", idle);
  const more = rssKb() - start;
  assert.ok(more <= RSS_MORE_KB, `${more} KiB more after ${INPUTS.length * Object.keys(STATES).length} inputs`);
});
