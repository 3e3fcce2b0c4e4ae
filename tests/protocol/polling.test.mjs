/* polling.test.mjs - Engine.IO over long-polling, row by row, with raw requests */
import assert from "node:assert/strict";
import http from "node:http";
import { after, before, test } from "node:test";
import { handshake, request } from "../support/http.mjs";
import { PATH, RawPoll, RS, target } from "../support/raw_poll.mjs";
import { askRaw, startApp, upgradeRequest } from "../support/raw_ws.mjs";
import { until } from "../support/wait.mjs";

let app;
before(async () => { app = await startApp({ PING_INTERVAL_MS: 20_000, PING_TIMEOUT_MS: 20_000, MAX_PAYLOAD: 1_000_000 }); });
after(async () => { await app.stop(); });

/* ---- Handshake and errors ---- */

test("the handshake: status, headers, exactly five members", async () => {
  const { answer, hello } = await RawPoll.open(app);
  assert.equal(answer.headers["content-type"], "text/plain; charset=UTF-8");
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.deepEqual(Object.keys(hello), ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]);
  assert.match(hello.sid, /^[A-Za-z0-9_-]{22,}$/, "at least 128 bits");
  assert.deepEqual([hello.upgrades, hello.pingInterval, hello.pingTimeout, hello.maxPayload], [["websocket"], 20_000, 20_000, 1_000_000]);
});

test("the path without its last slash is the same, anything below it is not", async () => {
  assert.equal((await request(app.url, "/socket.io?EIO=4&transport=polling")).status, 200);
  assert.equal((await request(app.url, "/socket.io/x?EIO=4&transport=polling")).status, 404);
  assert.equal((await request(app.url, "/?EIO=4&transport=polling")).status, 404);
});

const MESSAGES = ["Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden", "Unsupported protocol version"];
const ERRORS = [
  /* what, method, query, code */
  ["no transport", "GET", { transport: undefined }, 0],
  ["an unknown transport", "GET", { transport: "tube" }, 0],
  ["webtransport", "GET", { transport: "webtransport" }, 0],
  ["__proto__", "GET", { transport: "__proto__" }, 0],
  ["constructor", "GET", { transport: "constructor" }, 0],
  ["an unknown transport and sid", "GET", { transport: "tube", sid: "x" }, 0],
  ["an unknown sid", "GET", { sid: "abc" }, 1],
  ["an unknown sid, POST", "POST", { sid: "abc" }, 1],
  ["a long sid", "GET", { sid: "a".repeat(5000) }, 1],
  ["a sid of a node, alone", "GET", { sid: "gateway-7.aaaaaaaaaaaaaaaaaaaaaaaa" }, 1],
  ["an unknown sid, DELETE", "DELETE", { sid: "abc" }, 1],
  ["POST without sid", "POST", {}, 2],
  ["PUT without sid", "PUT", {}, 2],
  ["HEAD without sid", "HEAD", {}, 2],
  ["websocket without Upgrade", "GET", { transport: "websocket" }, 3],
  ["JSONP", "GET", { j: "0" }, 3],
  ["no version", "GET", { EIO: undefined }, 5],
  ["version 3", "GET", { EIO: "3" }, 5],
  ["version 5", "GET", { EIO: "5" }, 5],
  ["version abc", "GET", { EIO: "abc" }, 5],
];
for (const [what, method, query, code] of ERRORS) {
  test(`error ${code}: ${what}`, async () => {
    const res = await request(app.url, target(query), { method });
    assert.equal(res.status, 400);
    assert.equal(res.headers["content-type"], "application/json");
    if (method !== "HEAD") {
      assert.deepEqual(res.json, { code, message: MESSAGES[code] });
    }
  });
}

test("error 4: the application refuses, with its own text", async () => {
  const res = await request(app.url, target(), { headers: { "x-refuse": "1" } });
  assert.deepEqual([res.status, res.json], [403, { code: 4, message: "No entry" }]);
});

test("keys in any order, percent-encoded, twice: the last one counts", async () => {
  for (const query of ["transport=polling&b64=1&EIO=4", "EIO=%34&transport=pol%6cing&t=abc", "EIO=3&EIO=4&transport=x&transport=polling"]) {
    assert.equal((await request(app.url, `${PATH}?${query}`)).status, 200, query);
  }
});

test("another method with a living sid: 405, and the session lives on; OPTIONS is 204", async () => {
  const poll = await RawPoll.join(app);
  for (const [method, status] of [["PUT", 405], ["DELETE", 405], ["PATCH", 405], ["HEAD", 405], ["OPTIONS", 204]]) {
    assert.equal((await request(app.url, poll.target(), { method })).status, status, method);
  }
  await poll.post('42["message",1]');
  assert.deepEqual(await poll.messages(1), ['42["message-back",1]']);
});

test("a living sid with another version, without Upgrade, or for JSONP: 400 code 3, and the session lives on", async () => {
  const poll = await RawPoll.join(app);
  for (const query of [{ EIO: undefined }, { EIO: "3" }, { transport: "websocket" }, { j: "1" }]) {
    for (const res of [await poll.get(query), await poll.post('42["message",0]', { query })]) {
      assert.deepEqual([res.status, res.json.code], [400, 3], JSON.stringify(query));
    }
  }
  await poll.post('42["message",1]');
  assert.deepEqual(await poll.messages(1), ['42["message-back",1]']);
});

test("OPTIONS is 204 without a body, before anything else is looked at", async () => {
  for (const query of [{}, { transport: "tube" }, { EIO: "3" }, { sid: "abc" }]) {
    const res = await request(app.url, target(query), { method: "OPTIONS" });
    assert.deepEqual([res.status, res.body, res.headers["content-length"]], [204, "", "0"], JSON.stringify(query));
  }
});

test("an Origin with a control character in it: 400, over both transports", async () => {
  for (const Origin of ["http://a\x01b", "http://a\x7fb"]) {
    assert.equal((await askRaw(app.port, `GET ${target()} HTTP/1.1\r\nHost: x\r\nOrigin: ${Origin}\r\n\r\n`)).status, 400);
    assert.equal((await askRaw(app.port, upgradeRequest({ headers: { Origin } }))).status, 400);
  }
});

test("the public id is no part of the secret sid", async () => {
  const poll = await RawPoll.open(app);
  await poll.post("40");
  const [connected] = await poll.messages(2);
  assert.ok(!poll.sid.includes(JSON.parse(connected.slice(2)).sid));
});

/* ---- GET ---- */

test("a GET is held until there is something, and answered with all of it", async () => {
  const poll = await RawPoll.join(app);
  let answered = false;
  const held = poll.get().then((res) => { answered = true; return res; });
  for (let i = 0; i < 3; i++) { /* the server has had turns enough to answer */
    await RawPoll.open(app);
  }
  assert.equal(answered, false);
  await poll.post(`42["message",1]${RS}42["message","two"]`);
  const res = await held;
  assert.equal(res.body, `42["message-back",1]${RS}42["message-back","two"]`);
  assert.equal(res.headers["content-type"], "text/plain; charset=UTF-8");
  assert.equal(Number(res.headers["content-length"]), Buffer.byteLength(res.body));
  assert.equal(res.headers["cache-control"], "no-store");
});

test("at most 16 packets in an answer, in order", async () => {
  const poll = await RawPoll.join(app);
  await poll.post(Array.from({ length: 40 }, (_, i) => `42["message",${i}]`).join(RS));
  const sizes = [];
  const seen = [];
  while (seen.length < 40) {
    const packets = await poll.packets();
    sizes.push(packets.length);
    seen.push(...packets);
  }
  assert.deepEqual(sizes, [16, 16, 8]);
  assert.deepEqual(seen, Array.from({ length: 40 }, (_, i) => `42["message-back",${i}]`));
});

test("a second GET: the held one gets 1, the new one 400, the session ends", async () => {
  const poll = await RawPoll.join(app);
  const first = poll.get();
  await RawPoll.open(app); /* the first has arrived: same loop, in order */
  const second = await poll.get();
  const answers = [await first, second].map((res) => [res.status, res.body]).sort();
  assert.deepEqual(answers, [[200, "1"], [400, '{"code":3,"message":"Bad request"}']]);
  assert.ok(await poll.isGone());
});

test("the client hangs up on a held GET: the session ends at once", async () => {
  const poll = await RawPoll.join(app);
  const url = new URL(app.url);
  const req = http.request({ host: url.hostname, port: url.port, path: poll.target(), agent: false });
  req.on("error", () => {});
  req.end();
  await RawPoll.open(app);
  req.destroy();
  await until("the server has noticed", () => /transport close/.test(app.log));
  assert.ok(await poll.isGone());
});

test("keep-alive: many requests on one connection", async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (method, path, body) => new Promise((resolve, reject) => {
    const url = new URL(app.url);
    const req = http.request({ host: url.hostname, port: url.port, path, method, agent, headers: body === undefined ? {} : { "content-length": Buffer.byteLength(body) } }, (res) => {
      let text = "";
      res.on("data", (c) => { text += c; });
      res.on("end", () => resolve({ text, port: req.reusedSocket }));
    });
    req.on("error", reject);
    req.end(body);
  });
  const hello = JSON.parse((await ask("GET", target())).text.slice(1));
  const path = target({ sid: hello.sid });
  assert.equal((await ask("POST", path, "40")).text, "ok");
  await ask("GET", path);
  for (let i = 0; i < 5; i++) {
    assert.equal((await ask("POST", path, `42["message",${i}]`)).text, "ok");
    const { text, port } = await ask("GET", path);
    assert.equal(text, `42["message-back",${i}]`);
    assert.ok(port, "the connection was used again");
  }
  agent.destroy();
});

/* ---- POST ---- */

test("a POST: 200, ok, text/html", async () => {
  const poll = await RawPoll.open(app);
  for (const type of ["text/plain;charset=UTF-8", "text/plain; charset=UTF-8", "text/plain", undefined]) {
    const res = await poll.post("3", { headers: type ? { "content-type": type } : {} });
    assert.deepEqual([res.status, res.body, res.headers["content-type"], res.headers["content-length"], res.headers["cache-control"]],
      [200, "ok", "text/html", "2", "no-store"]);
  }
});

test("packets out of place are ignored: 0, 3, 5, 6", async () => {
  const poll = await RawPoll.join(app);
  assert.equal((await poll.post(["0", "3", "5", "6", '42["message",7]'].join(RS))).body, "ok");
  assert.deepEqual(await poll.messages(1), ['42["message-back",7]']);
});

const BAD_BODIES = [
  ["an empty body", ""], ["a trailing separator", `42["message",1]${RS}`], ["a doubled separator", `3${RS}${RS}3`],
  ["an unknown type", "7"], ["a letter", "abc"], ["a ping", "2"], ["2probe", "2probe"],
  ["bad base64", "b*"], ["base64 of one character", "bA"], ["an empty message", "4"], ["no Socket.IO packet", "4x"],
  ["separators alone", RS.repeat(1000)], ["binary that no packet announced", "bAQ=="],
  ["text that is no UTF-8", Buffer.from('42["message","\xff"]', "latin1")],
  ["a namespace that is no UTF-8", Buffer.from("40/\xc3\x28,", "latin1")],
  ["attachments of more than max_payload together", ['452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
    ...Array(2).fill(`b${Buffer.alloc(501_000).toString("base64")}`)].join(RS), { apart: true }],
];
for (const [what, body, { apart } = {}] of BAD_BODIES) {
  test(`a POST with ${what}: 400, a held GET gets its answer, the session ends`, async () => {
    const poll = await RawPoll.join(app);
    const held = poll.get();
    await RawPoll.open(app); /* the GET has arrived: same loop, in order */
    const parts = apart ? body.split(RS) : [body]; /* of which only the last one is too much */
    for (const part of parts.slice(0, -1)) {
      assert.equal((await poll.post(part)).body, "ok");
    }
    const res = await poll.post(parts.at(-1));
    assert.equal(res.status, 400);
    const last = await held;
    assert.equal(last.status, 200);
    assert.match(last.body, /^(1|42[^\x1e]*(\x1e42[^\x1e]*)*)$/, "a 1, or what was queued, never both");
    assert.ok(await poll.isGone());
  });
}

test("packets before a bad one count", async () => {
  const poll = await RawPoll.join(app);
  const held = poll.get();
  await RawPoll.open(app);
  assert.equal((await poll.post(`42["message",1]${RS}nonsense`)).status, 400);
  assert.equal((await held).body, '42["message-back",1]');
  assert.ok(await poll.isGone());
});

test("exactly max_payload bytes are accepted, one more is 413", async () => {
  const poll = await RawPoll.join(app);
  const text = (size) => { const head = '42["message","'; return `${head}${"x".repeat(size - head.length - 2)}"]`; };
  assert.equal((await poll.post(text(1_000_000))).status, 200);
  assert.equal((await poll.messages(1))[0].length, 1_000_000 + "-back".length);
  const other = await RawPoll.join(app);
  assert.equal((await other.post(text(1_000_001))).status, 413);
});

test("raw Engine.IO: text that is no UTF-8 ends the session, though nobody reads JSON there", async () => {
  for (const hex of ["34ff", "34c3", "34eda080", "34c0af", "34f4908080"]) {
    const poll = await RawPoll.open(app, { path: "/engine.io/" });
    assert.equal((await poll.post(Buffer.from(hex, "hex"))).status, 400, hex);
    assert.ok(await poll.isGone(), hex);
  }
  const poll = await RawPoll.open(app, { path: "/engine.io/" });
  assert.equal((await poll.post("4\u{10ffff}\u0000")).body, "ok");
  assert.deepEqual(await poll.messages(1), ["4\u{10ffff}\u0000"]);
});

test("a POST is answered though the application has not decided yet", async () => {
  const poll = await RawPoll.open(app);
  assert.equal((await poll.post('40{"wait":1}')).body, "ok");
});

test("a client that does not poll while too much waits for it is ended", async () => {
  const poll = await RawPoll.join(app);
  const log = app.log.length;
  await until("the session is gone", async () => (await poll.post(`42["flood","${"x".repeat(10_000)}",20]`)).json?.code === 1);
  assert.match(app.log.slice(log), /disconnect reason="slow client"/);
});

test("a binary body: 400, and the session ends", async () => {
  const poll = await RawPoll.join(app);
  const res = await poll.post("\x00\x01", { headers: { "content-type": "application/octet-stream" } });
  assert.equal(res.status, 400);
  assert.ok(await poll.isGone());
});

test("two POSTs at once: the second is 400, the first is hung up on, the session ends", async () => {
  const poll = await RawPoll.join(app);
  const url = new URL(app.url);
  let first;
  const broke = new Promise((resolve) => {
    first = http.request({ host: url.hostname, port: url.port, path: poll.target(), method: "POST", agent: false, headers: { "content-length": 10 } }, (res) => resolve(res.statusCode));
    first.on("error", (err) => resolve(err.code));
    first.write("42");
  });
  await RawPoll.open(app);
  const second = await poll.post("3");
  assert.equal(second.status, 400);
  assert.match(String(await broke), /ECONNRESET|EPIPE|400/);
  assert.ok(await poll.isGone());
});

test("a POST that breaks off: the session ends", async () => {
  const poll = await RawPoll.join(app);
  const url = new URL(app.url);
  const req = http.request({ host: url.hostname, port: url.port, path: poll.target(), method: "POST", agent: false, headers: { "content-length": 10 } });
  req.on("error", () => {});
  req.write("42");
  await RawPoll.open(app);
  req.destroy();
  await until("the session is gone", () => poll.isGone());
});

test("a POST without a length is refused, and the session lives on", async () => {
  const poll = await RawPoll.join(app);
  const res = await askRaw(app.port, `POST ${poll.target()} HTTP/1.1\r\nHost: x\r\n\r\n`);
  assert.ok([400, 411].includes(res.status), String(res.status));
  await poll.post('42["message",1]');
  assert.deepEqual(await poll.messages(1), ['42["message-back",1]']);
});

/* ---- Ends ---- */

test("the client's 1: ok, a held GET gets 6, the next is unknown", async () => {
  const poll = await RawPoll.join(app);
  const held = poll.get();
  await RawPoll.open(app);
  const res = await poll.post("1");
  assert.deepEqual([res.status, res.body], [200, "ok"]);
  const last = await held;
  assert.deepEqual([last.status, last.body], [200, "6"]);
  assert.ok(await poll.isGone());
});

test("nothing behind the client's 1 counts", async () => {
  const poll = await RawPoll.join(app);
  const log = app.log.length;
  assert.equal((await poll.post(`1${RS}42["message",1]${RS}nonsense`)).body, "ok");
  assert.ok(await poll.isGone());
  await until("the reason is logged", () => /disconnect reason="transport close"/.test(app.log.slice(log)));
});

test("the server's end of a connection waits for the next GET, and comes behind what was sent before", async () => {
  const poll = await RawPoll.join(app);
  await poll.post(`42["message",1]${RS}42["kick-all"]`);
  assert.deepEqual(await poll.packets(), ['42["message-back",1]', "41"]);
  assert.deepEqual(await poll.packets(), ["1"], "in an answer of its own: clients keep what is beside it for when they are back");
  assert.ok(await poll.isGone());
});

test("a client that is to come back is not told 1, but that its sid is unknown", async () => {
  const poll = await RawPoll.join(app);
  await poll.post(`42["message",1]${RS}42["close"]`);
  assert.deepEqual(await poll.packets(), ['42["message-back",1]']);
  const res = await poll.get();
  assert.deepEqual([res.status, res.json?.code], [400, 1]);
});

/* ---- Binary ---- */

const BINARY = [
  ["plain", "bAQIDBA=="], ["in lines", "bAQID\nBA==\n"], ["with CR LF", "bAQID\r\nBA==\r\n"],
  ["without padding", "bAQIDBA"], ["with half of its padding", "bAQIDBA="], ["with blanks and tabs", "b AQ\tID BA = ="],
];
for (const [what, packet] of BINARY) {
  test(`base64 ${what}`, async () => {
    const poll = await RawPoll.open(app, { path: "/engine.io/" });
    assert.equal((await poll.post(packet)).body, "ok");
    assert.deepEqual(await poll.messages(1), ["bAQIDBA=="]);
  });
}

test("the standard alphabet and the URL alphabet are the same bytes; empty binary", async () => {
  const poll = await RawPoll.open(app, { path: "/engine.io/" });
  await poll.post(`b-_-_${RS}b+/+/${RS}b`);
  assert.deepEqual(await poll.messages(3), ["b+/+/", "b+/+/", "b"]);
});

test("an event with attachments, back with its attachments behind it", async () => {
  const poll = await RawPoll.join(app);
  await poll.post(['452-["message",{"_placeholder":true,"num":1},[{"_placeholder":true,"num":0}]]', "bAQ==", "bAg=="].join(RS));
  assert.deepEqual(await poll.messages(3), ['452-["message-back",{"_placeholder":true,"num":1},[{"_placeholder":true,"num":0}]]', "bAQ==", "bAg=="]);
});

test("an ack with attachments", async () => {
  const poll = await RawPoll.join(app);
  await poll.post(['451-7["message-with-ack",{"_placeholder":true,"num":0}]', "bAQ=="].join(RS));
  assert.deepEqual(await poll.messages(2), ['461-7[{"_placeholder":true,"num":0}]', "bAQ=="]);
});

/* ---- The raw endpoint, and what does not belong here ---- */

test("/engine.io/: messages come back; a sid of one path is unknown on the other", async () => {
  const poll = await RawPoll.open(app, { path: "/engine.io/" });
  await poll.post(`4hello${RS}4`);
  assert.deepEqual(await poll.messages(2), ["4hello", "4"]);
  assert.equal((await request(app.url, target({ sid: poll.sid }))).json.code, 1);
});

test("a WebSocket handshake that asks for polling is refused", async () => {
  assert.equal((await handshake(app.url, {}, target())).status, 400);
});
