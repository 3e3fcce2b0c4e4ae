/* http.test.mjs - connections on which clients send requests: their order, their ends, their limits */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import net from "node:net";
import { after, before, test } from "node:test";
import { connections, openFiles, settled, ticks } from "../support/held.mjs";
import { request } from "../support/http.mjs";
import { RawPoll, target } from "../support/raw_poll.mjs";
import { echo, frame, joinWs, startApp, upgradeRequest } from "../support/raw_ws.mjs";
import { until } from "../support/wait.mjs";

const MAX = 100_000;
const HEAD_MAX = 16_384;
const FIELDS_MAX = 64;
const SETTINGS = { PING_INTERVAL_MS: 20_000, PING_TIMEOUT_MS: 20_000, MAX_PAYLOAD: MAX };
let app;
let idleFiles; /* open when nobody is there */
before(async () => {
  app = await startApp(SETTINGS);
  const ws = await joinWs(app); /* what is opened once, by the first of all */
  await echo(ws);
  ws.destroy();
  await settled(app);
  idleFiles = openFiles(app);
});
after(async () => { await app.stop(); });

/* ---- What the server holds ---- */

const nobodyIsLeft = () => until("nobody is left", () => connections(app) === 0 && openFiles(app) === idleFiles);

/* Whatever was written on other connections before has been read by then. */
const beRead = () => request(app.url, "/x");

/* ---- A client that hides nothing ---- */

const head = (method, path, lines = [], version = "1.1") => [`${method} ${path} HTTP/${version}`, ...(version === "1.1" ? ["Host: x"] : []), ...lines, "", ""].join("\r\n");
const post = (path, body, lines = []) => head("POST", path, [`Content-Length: ${Buffer.byteLength(body)}`, ...lines]) + body;
const OPTIONS = head("OPTIONS", target()); /* 204, and the connection stays */

class Client {
  text = "";
  ended = false; /* the server has shut down, or hung up */
  error = undefined;

  constructor(of = app) {
    this.socket = net.connect({ port: of.port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.socket.on("data", (data) => { this.text += data.toString("latin1"); });
    this.socket.on("end", () => { this.ended = true; });
    this.socket.on("close", () => { this.ended = true; });
    this.socket.on("error", (error) => { this.error = error; });
  }
  static async sending(bytes, of = app) {
    const client = new Client(of);
    await client.send(bytes);
    return client;
  }
  send(bytes) {
    return new Promise((resolve) => { this.socket.write(bytes, "latin1", resolve); });
  }
  /* The whole answers so far; those to HEAD have no body: `bodies` false. */
  answers(bodies = true) {
    const all = [];
    for (let at = 0; ;) {
      const end = this.text.indexOf("\r\n\r\n", at);
      if (end < 0) {
        return all;
      }
      const [first, ...lines] = this.text.slice(at, end).split("\r\n");
      assert.match(first, /^HTTP\/1\.1 \d{3} [A-Z]/);
      const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]));
      const size = bodies ? Number(headers["content-length"] ?? 0) : 0;
      if (this.text.length < end + 4 + size) {
        return all;
      }
      all.push({ status: Number(first.slice(9, 12)), headers, body: this.text.slice(end + 4, end + 4 + size) });
      at = end + 4 + size;
    }
  }
  async answered(count = 1) {
    await until(`answers: ${count}`, () => this.answers().length >= count || this.ended, { every: 2 });
    const all = this.answers();
    assert.equal(all.length, count, `${this.text}${this.error ?? ""}`);
    return all[count - 1];
  }
  statuses() {
    return this.answers().map(({ status }) => status);
  }
  async hungUp() {
    await until("the server hangs up", () => this.ended, { every: 2 });
  }
  /* It says that it closes, and does. */
  async ends() {
    assert.equal(this.answers().at(-1).headers.connection, "close");
    await this.hungUp();
    this.socket.destroy();
  }
  /* Says that it stays, and serves the next request. */
  async stays() {
    const before = this.answers();
    assert.equal(before.at(-1).headers.connection, "keep-alive");
    await this.send(OPTIONS);
    assert.equal((await this.answered(before.length + 1)).status, 204);
    this.socket.destroy();
  }
  reset() {
    this.socket.resetAndDestroy();
  }
}

/* ---- One after the other ---- */

for (const rounds of [16, 600]) { /* fewer bytes than a head may have; more than are kept */
  test(`${3 * rounds + 1} requests in one segment are answered in their order`, async () => {
    const poll = await RawPoll.join(app);
    const parts = Array.from({ length: rounds }, (_, i) => [post(poll.target(), `42["message",${i}]`), head("GET", poll.target()), i % 2 ? OPTIONS : head("GET", target())].join(""));
    const client = await Client.sending(`${parts.join("")}${head("GET", "/unknown")}${OPTIONS}`);
    await client.hungUp();
    const answers = client.answers();
    const wanted = Array.from({ length: rounds }, (_, i) => [[200, "ok"], [200, `42["message-back",${i}]`], i % 2 ? [204, ""] : [200, "0{"]]).flat();
    assert.deepEqual(answers.map(({ status, body }) => [status, body.startsWith("0{") ? "0{" : body]), [...wanted, [404, "not found\n"]]);
    client.socket.destroy();
  });
}

test("a POST behind a held GET on one connection waits for the GET's answer", async () => {
  const poll = await RawPoll.join(app);
  const client = await Client.sending(head("GET", poll.target()));
  await beRead();
  await client.send(post(poll.target(), '42["message","second"]'));
  await beRead();
  assert.equal(client.text, "");
  await poll.post('42["message","first"]');
  await client.answered(2);
  assert.deepEqual(client.answers().map(({ body }) => body), ['42["message-back","first"]', "ok"]);
  assert.deepEqual(await poll.messages(1), ['42["message-back","second"]']);
  client.socket.destroy();
});

test("the connection serves on after a while, and after other clients' requests", async () => {
  const client = await Client.sending(OPTIONS);
  assert.equal((await client.answered()).headers.connection, "keep-alive");
  for (let i = 0; i < 50; i++) {
    await request(app.url, target(), { method: "OPTIONS" });
  }
  await client.stays();
});

/* ---- Clients that hang up while their GET is held ---- */

const HANG_UPS = [
  ["nothing more", () => ""],
  ["half a head behind it", (poll) => head("GET", poll.target()).slice(0, 30)],
  ["a whole head behind it", (poll) => head("GET", poll.target())],
  ["a POST behind it", (poll) => post(poll.target(), "3")],
  ["a POST without its body behind it", (poll) => post(poll.target(), "333").slice(0, -2)],
];
for (const [what, behind] of HANG_UPS) {
  for (const how of ["end", "destroy", "resetAndDestroy"]) {
    test(`a client with ${what} that hangs up (${how}) is gone, and so is its session`, async () => {
      const poll = await RawPoll.join(app);
      const client = await Client.sending(head("GET", poll.target()) + behind(poll));
      await beRead();
      client.socket[how]();
      await nobodyIsLeft();
      assert.ok(await poll.isGone());
      assert.equal(client.text, "");
      client.socket.destroy();
    });
  }
}

test("more behind a held GET than is read: it waits, and all of it is answered", async () => {
  const poll = await RawPoll.join(app);
  const client = await Client.sending(head("GET", poll.target()) + OPTIONS.repeat(400));
  await beRead();
  await beRead();
  assert.equal(client.text, "");
  await poll.post('42["message",1]');
  assert.equal((await client.answered(401)).status, 204);
  assert.equal(client.answers()[0].body, '42["message-back",1]');
  client.socket.destroy();
});

test("a client with more behind its held GET than is read, that is reset: gone with the next answer", async () => {
  const poll = await RawPoll.join(app);
  const client = await Client.sending(head("GET", poll.target()) + OPTIONS.repeat(400));
  await beRead();
  client.reset();
  await beRead();
  const before = ticks(app);
  const start = performance.now();
  await until("half a second has gone by", () => performance.now() - start > 500);
  assert.ok(ticks(app) - before < 15, `${ticks(app) - before} ticks of 10 ms in half a second`);
  await poll.post('42["message",1]');
  await nobodyIsLeft();
});

/* ---- When a connection ends ---- */

const ENDS = [
  ["HTTP/1.0", head("GET", target(), [], "1.0"), 200],
  ["HTTP/1.0 that wants to stay", head("GET", target(), ["Connection: keep-alive"], "1.0"), 200],
  ["Connection: close", head("GET", target(), ["Connection: close"]), 200],
  ["close in a list", head("GET", target(), ["Connection: x, Close"]), 200],
  ["a refusal", head("GET", "/unknown"), 404],
  ["no request", "\r\n\r\n", 400],
];
for (const [what, bytes, status] of ENDS) {
  test(`${what}: ${status}, and the connection ends; what is behind it is not answered`, async () => {
    const client = await Client.sending(bytes + OPTIONS);
    await client.hungUp();
    assert.deepEqual(client.statuses(), [status]);
    await client.ends();
  });
}

test("a held GET with Connection: close is answered, and then its connection ends", async () => {
  const poll = await RawPoll.join(app);
  const client = await Client.sending(head("GET", poll.target(), ["Connection: close"]));
  await beRead();
  await poll.post('42["message",1]');
  assert.equal((await client.answered()).body, '42["message-back",1]');
  await client.ends();
});

for (const [what, bytes, status] of [["a handshake", head("GET", target()), 200], ["no request", "GET\r\n", 400], ["several", OPTIONS.repeat(40), 204]]) {
  test(`a client that shuts down behind its request (${what}) has its answer`, async () => {
    const client = new Client();
    client.socket.end(bytes);
    await client.hungUp();
    assert.deepEqual(client.statuses(), Array(bytes.startsWith("OPTIONS") ? 40 : 1).fill(status));
    client.socket.destroy();
  });
}

test("a client that shuts down behind a POST: it is answered, and what it said counts", async () => {
  const poll = await RawPoll.join(app);
  const client = new Client();
  client.socket.end(post(poll.target(), '42["message",1]'));
  await client.hungUp();
  assert.deepEqual(client.answers().map(({ body }) => body), ["ok"]);
  assert.deepEqual(await poll.messages(1), ['42["message-back",1]']);
  client.socket.destroy();
});

/* ---- HEAD ---- */

for (const [path, size] of [["/unknown", "not found\n".length], [target(), '{"code":2,"message":"Bad handshake method"}'.length], [target({ sid: "x" }), '{"code":1,"message":"Session ID unknown"}'.length]]) {
  test(`HEAD of ${path}: the length of its body, and none`, async () => {
    const client = await Client.sending(head("HEAD", path));
    await client.hungUp();
    assert.equal(client.answers(false).length, 1);
    assert.equal(client.answers(false)[0].headers["content-length"], String(size));
    assert.ok(client.text.endsWith("\r\n\r\n"), client.text);
    client.socket.destroy();
  });
}

/* ---- Expect ---- */

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const EXPECT = "Expect: 100-continue";

test("Expect: 100-continue is answered before the body comes, and the body is read then", async () => {
  const poll = await RawPoll.join(app);
  const body = '42["message",1]';
  const bytes = post(poll.target(), body, [EXPECT]);
  const client = await Client.sending(bytes.slice(0, -body.length));
  await until("it may go on", () => client.text);
  assert.equal(client.text, CONTINUE);
  await client.send(body);
  assert.equal((await client.answered(2)).body, "ok");
  assert.deepEqual(await poll.messages(1), ['42["message-back",1]']);
  await client.stays();
});

test("in chunks too", async () => {
  const poll = await RawPoll.join(app);
  const client = await Client.sending(head("POST", poll.target(), ["Transfer-Encoding: chunked", EXPECT]));
  await until("it may go on", () => client.text);
  assert.equal(client.text, CONTINUE);
  await client.send("1\r\n3\r\n0\r\n\r\n");
  assert.equal((await client.answered(2)).body, "ok");
  await client.ends();
});

const POSTS = [ /* what is expected, what the answer is */
  ["a body that is there already needs no 100", (poll) => post(poll.target(), "3", [EXPECT]), 200],
  ["one that is too large: 413 instead", (poll) => head("POST", poll.target(), [`Content-Length: ${MAX + 1}`, EXPECT]), 413],
  ["one that nobody wants: 404 instead", () => head("POST", "/unknown", ["Content-Length: 5", EXPECT]), 404],
  ["an unknown session: 400 instead", () => head("POST", target({ sid: "x" }), ["Content-Length: 5", EXPECT]), 400],
  ["HTTP/1.0 does not know it", (poll) => head("POST", poll.target(), ["Content-Length: 1", EXPECT], "1.0") + "3", 200],
  ["another expectation", (poll) => post(poll.target(), "3", ["Expect: a-miracle"]), 417],
];
for (const [what, bytes, status] of POSTS) {
  test(`Expect, ${what}`, async () => {
    const poll = await RawPoll.join(app);
    const client = await Client.sending(bytes(poll));
    await client.answered();
    assert.deepEqual(client.statuses(), [status]);
    client.socket.destroy();
    await nobodyIsLeft();
  });
}

test("HTTP/1.0 with Expect waits for no 100", async () => {
  const poll = await RawPoll.join(app);
  const client = await Client.sending(head("POST", poll.target(), ["Content-Length: 1", EXPECT], "1.0"));
  await beRead();
  assert.equal(client.text, "");
  await client.send("3");
  assert.equal((await client.answered()).body, "ok");
  await client.ends();
});

/* ---- Heads ---- */

test("a head that comes byte by byte", async () => {
  const poll = await RawPoll.join(app);
  const client = new Client();
  for (const byte of post(poll.target(), '42["message",1]')) {
    await client.send(byte);
    await beRead();
  }
  assert.equal((await client.answered()).body, "ok");
  await client.stays();
});

/* A head of exactly that many bytes. */
function headOf(bytes) {
  const empty = head("OPTIONS", target(), ["X-Long: "]);
  return head("OPTIONS", target(), [`X-Long: ${"x".repeat(bytes - empty.length)}`]);
}
const fields = (count) => head("OPTIONS", target(), Array.from({ length: count - 1 }, (_, i) => `X-${i}: ${i}`));

const LIMITS = [
  [`${HEAD_MAX} bytes`, headOf(HEAD_MAX), 204],
  ["one byte more", headOf(HEAD_MAX + 1), 431],
  ["and many more", headOf(HEAD_MAX + 100_000), 431],
  ["a line that never ends", `GET /${"x".repeat(HEAD_MAX)}`, 431],
  [`${FIELDS_MAX} fields`, fields(FIELDS_MAX), 204],
  ["one field more", fields(FIELDS_MAX + 1), 431],
  ["an address of its own", OPTIONS.replace(" /", " http://elsewhere/"), 204],
  ["one of https", OPTIONS.replace(" /", " https://elsewhere/"), 400],
  ["an empty line before it", `\r\n${OPTIONS}`, 204],
  ["two of them", `\r\n\r\n${OPTIONS}`, 400],
];
for (const [what, bytes, status] of LIMITS) {
  test(`a head, ${what}: ${status}`, async () => {
    const client = await Client.sending(bytes);
    assert.equal((await client.answered()).status, status);
    await (status === 204 ? client.stays() : client.ends());
  });
}

test(`heads of ${HEAD_MAX} bytes, one behind the other`, async () => {
  const client = await Client.sending(headOf(HEAD_MAX).repeat(8) + headOf(HEAD_MAX + 1));
  await client.hungUp();
  assert.deepEqual(client.statuses(), [...Array(8).fill(204), 431]);
  client.socket.destroy();
});

/* ---- Bodies that nobody wants ---- */

for (const [what, path, status] of [["a path that is not there", "/unknown", 404], ["a session that is not there", target({ sid: "x" }), 400], ["a length above the limit", undefined, 413]]) {
  test(`5 MB for ${what}: a client that writes on has its ${status}, and the connection ends`, async () => {
    const to = path ?? (await RawPoll.join(app)).target();
    const client = new Client();
    const size = 5_000_000;
    void client.send(head("POST", to, [`Content-Length: ${size}`]) + "x".repeat(size));
    await client.answered();
    assert.deepEqual(client.statuses(), [status]);
    await client.ends();
    await nobodyIsLeft();
  });
}

test("a client that writes without end is hung up on", async () => {
  const client = new Client();
  let gone = false;
  client.socket.on("close", () => { gone = true; });
  await client.send(head("POST", "/unknown", ["Content-Length: 999999999999"]));
  await client.answered();
  const start = performance.now();
  while (!gone) {
    await client.send("x".repeat(1_000_000));
    await new Promise(setImmediate); /* a socket that is gone says so then */
    assert.ok(performance.now() - start < 15_000, "it is still read");
  }
  assert.deepEqual(client.statuses(), [404]);
  await nobodyIsLeft();
});

/* A client that reads nothing before it has written everything: what it wrote is taken, or the
 * answer would be lost. */
test("900 kB that nobody wants: the answer can still be read behind them", async () => {
  const client = new Client();
  client.socket.pause();
  await client.send(head("POST", "/unknown", ["Content-Length: 900000"]) + "x".repeat(900_000));
  client.socket.resume();
  await client.answered();
  assert.deepEqual([client.statuses(), client.error], [[404], undefined]);
  await client.ends();
});

/* ---- Resets ---- */

const upgrade = (poll) => upgradeRequest({ target: poll.target({ transport: "websocket" }) });
const PHASES = {
  "before anything": () => "",
  "in a head": () => OPTIONS.slice(0, 20),
  "behind an answer": () => OPTIONS,
  "behind a refusal": () => head("GET", "/unknown"),
  "in a body": (poll) => post(poll.target(), "42333").slice(0, -2),
  "in a body in chunks": (poll) => `${head("POST", poll.target(), ["Transfer-Encoding: chunked"])}5\r\n42`,
  "in a body that nobody wants": () => post("/unknown", "x".repeat(1000)).slice(0, -2),
  "while its GET is held": (poll) => head("GET", poll.target()),
  "while its GET is held, with a POST behind it": (poll) => head("GET", poll.target()) + post(poll.target(), "42"),
  "behind an upgrade": (poll) => upgrade(poll),
  "in the first frame": (poll) => upgrade(poll) + frame("2probe").toString("latin1").slice(0, -2),
  "behind the probe": (poll) => upgrade(poll) + frame("2probe").toString("latin1"),
  "behind the upgrade packet": (poll) => upgrade(poll) + frame("2probe").toString("latin1") + frame("5").toString("latin1"),
  "behind a new WebSocket": () => upgradeRequest() + frame("40").toString("latin1"),
};
for (const [phase, bytes] of Object.entries(PHASES)) {
  for (const read of [true, false]) {
    test(`a reset ${phase}${read ? "" : ", at once"}: nothing is left open`, async () => {
      for (let i = 0; i < 4; i++) {
        const client = await Client.sending(bytes(await RawPoll.join(app)));
        if (read) {
          await beRead();
        }
        client.reset();
      }
      await nobodyIsLeft();
      assert.equal((await request(app.url, target())).status, 200);
      assert.equal(app.ended, undefined, app.log);
    });
  }
}

/* ---- No file descriptor is left ---- */

test("more clients than the process may open files: they wait their turn, nothing spins, and one line says so", async (t) => {
  const small = await startApp(SETTINGS);
  t.after(() => small.stop());
  await settled(small);
  const limit = idleFiles + 10;
  execFileSync("prlimit", ["--pid", String(small.pid), `--nofile=${limit}:${limit}`]);
  const lines = () => small.log.split("cannot accept").length - 1;
  const clients = await Promise.all(Array.from({ length: 40 }, () => Client.sending(OPTIONS, small)));
  const served = () => clients.filter((client) => client.answers().length > 0);
  await until("the log says so", () => lines() > 0);
  assert.match(small.log, /cannot accept, connections wait: [^=]+ suppressed=0\n/);
  await until("those who are in are served", () => served().length > 0 && served().length === connections(small));

  const [before, said, start] = [ticks(small), lines(), performance.now()];
  await until("two seconds have gone by", () => performance.now() - start > 2000);
  assert.ok(ticks(small) - before < 30, `${ticks(small) - before} ticks of 10 ms in 2 s`);
  assert.ok(lines() - said <= 1 + (performance.now() - start) / 1000, small.log);
  const full = served().length; /* about 10: it may have inherited files with high numbers */
  assert.ok(full >= 5 && full <= 15, `${full} are in`);
  await served()[0].send(OPTIONS); /* those that are in are served on */
  await until("two answers", () => served()[0].answers().length === 2);
  const ws = served()[1]; /* and a WebSocket needs no more than it has */
  await ws.send(upgradeRequest());
  await until("a WebSocket", () => ws.text.includes("HTTP/1.1 101 "));

  const seen = new Set();
  while (seen.size < clients.length) { /* one goes, one comes */
    const next = await until("another is served", () => served().find((client) => !seen.has(client)));
    seen.add(next);
    next.socket.destroy();
  }
  await until("nobody is left", () => connections(small) === 0);
  assert.equal((await request(small.url, target())).status, 200);
});
