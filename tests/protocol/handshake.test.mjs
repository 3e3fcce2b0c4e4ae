/* handshake.test.mjs - who is let in, who is not, and what both are told */
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { until } from "../support/wait.mjs";
import { askRaw, openWs, RawWs, startApp, upgradeRequest, frame, WS_PATH } from "../support/raw_ws.mjs";

let app;
before(async () => { app = await startApp(); });
after(async () => { await app.stop(); });

const Q = "/socket.io/?";
/* label, request, status, Engine.IO code or undefined */
const refusals = [
  ["transport missing", { target: `${Q}EIO=4` }, 400, 0],
  ["transport empty", { target: `${Q}EIO=4&transport=` }, 400, 0],
  ["transport webtransport", { target: `${Q}EIO=4&transport=webtransport` }, 400, 0],
  ["transport __proto__", { target: `${Q}EIO=4&transport=__proto__` }, 400, 0],
  ["transport constructor", { target: `${Q}EIO=4&transport=constructor` }, 400, 0],
  ["transport in capitals", { target: `${Q}EIO=4&transport=WebSocket` }, 400, 0],
  ["no query at all", { target: "/socket.io/" }, 400, 0],
  ["upgrade with transport=polling", { target: `${Q}EIO=4&transport=polling` }, 400, 3],
  ["unknown sid", { target: `${WS_PATH}&sid=AAAAAAAAAAAAAAAAAAAAAAAA` }, 400, 1],
  ["sid of 4,000 bytes", { target: `${WS_PATH}&sid=${"A".repeat(4000)}` }, 400, 1],
  ["EIO=3", { target: `${Q}EIO=3&transport=websocket` }, 400, 5],
  ["EIO=5", { target: `${Q}EIO=5&transport=websocket` }, 400, 5],
  ["EIO missing", { target: `${Q}transport=websocket` }, 400, 5],
  ["EIO=abc", { target: `${Q}EIO=abc&transport=websocket` }, 400, 5],
  ["EIO=04", { target: `${Q}EIO=04&transport=websocket` }, 400, 5],
  ["EIO twice, the last one wrong", { target: `${Q}EIO=4&EIO=3&transport=websocket` }, 400, 5],
  ["transport twice, the last one wrong", { target: `${Q}EIO=4&transport=websocket&transport=x` }, 400, 0],
  ["the application says no", { headers: { "X-Refuse": "1" } }, 403, 4],
  ["forbidden is said before the version", { target: `${Q}EIO=3&transport=websocket`, headers: { "X-Refuse": "1" } }, 403, 4],
  ["POST", { method: "POST" }, 400, 2],
  ["PUT", { method: "PUT" }, 400, 2],
  ["DELETE", { method: "DELETE" }, 400, 2],
  ["version 777", { headers: { "Sec-WebSocket-Version": "777" } }, 426],
  ["version 8", { headers: { "Sec-WebSocket-Version": "8" } }, 426],
  ["version missing", { drop: ["Sec-WebSocket-Version"] }, 426],
  ["h2c", { headers: { Upgrade: "h2c", Connection: "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQAAP__" } }, 400],
  ["another path", { target: "/other/?EIO=4&transport=websocket" }, 404],
  ["a path that only starts like ours", { target: "/socket.io/x?EIO=4&transport=websocket" }, 404],
  ["a path that goes on", { target: "/socket.iox/?EIO=4&transport=websocket" }, 404],
];
for (const [label, request, status, code] of refusals) {
  test(`refused: ${label}`, async () => {
    const answer = await askRaw(app.port, upgradeRequest(request));
    assert.equal(answer.status, status, answer.body);
    assert.equal(answer.headers.connection, "close");
    if (code !== undefined) {
      assert.equal(answer.headers["content-type"], "application/json");
      assert.strictEqual(JSON.parse(answer.body).code, code);
    }
    if (status === 426) {
      assert.equal(answer.headers["sec-websocket-version"], "13");
    }
  });
}

test("the messages of the refusals are the official ones", async () => {
  const texts = {};
  for (const [, request, , code] of refusals.filter(([, , , c]) => c !== undefined)) {
    texts[code] ??= JSON.parse((await askRaw(app.port, upgradeRequest(request))).body).message;
  }
  assert.deepEqual(texts, {
    0: "Transport unknown", 1: "Session ID unknown", 2: "Bad handshake method", 3: "Bad request",
    4: "No entry", 5: "Unsupported protocol version",
  });
});

for (const [label, request] of [
  ["an upgrade to something unknown", { headers: { Upgrade: "tea" } }],
  ["two upgrades at once", { headers: { Upgrade: "websocket, h2c" } }],
  ["no key", { drop: ["Sec-WebSocket-Key"] }],
  ["CONNECT", { method: "CONNECT" }],
]) {
  test(`never 101: ${label}`, async () => {
    const answer = await askRaw(app.port, upgradeRequest(request));
    assert.equal(answer.status, 400);
  });
}

test("plain requests to our path get the Engine.IO errors", async () => {
  const ask = async (method, target) => {
    const answer = await askRaw(app.port, `${method} ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
    return [answer.status, JSON.parse(answer.body || "{}").code];
  };
  assert.deepEqual(await ask("GET", `${Q}EIO=4&transport=nothing`), [400, 0]);
  assert.deepEqual(await ask("GET", "/socket.io?EIO=4"), [400, 0]);
  assert.deepEqual(await ask("POST", `${Q}EIO=4`), [400, 0]);
  assert.deepEqual(await ask("GET", WS_PATH), [400, 3], "websocket without Upgrade");
  assert.deepEqual(await ask("POST", WS_PATH), [400, 2]);
  assert.deepEqual(await ask("GET", `${WS_PATH}&sid=x`), [400, 1]);
});

test("other paths: the application's on its own port, and GET alone", async () => {
  const ask = (port, method, path) => askRaw(port, `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  assert.equal((await ask(app.port, "GET", "/healthz")).status, 404, "not on the clients' port");
  assert.equal((await ask(app.port, "GET", "/nothing")).status, 404);
  assert.equal((await ask(app.port, "DELETE", "/healthz")).status, 404);
  assert.equal((await ask(app.healthPort, "DELETE", "/healthz")).status, 405);
  assert.equal((await ask(app.healthPort, "GET", "/healthz")).body, "ok\n");
  assert.equal((await ask(app.healthPort, "GET", "/socket.io/")).status, 404);
  assert.equal((await askRaw(app.healthPort, upgradeRequest())).status, 404, "no WebSocket on the health port");
});

test("a connection to the application's own port is kept for the next request", async () => {
  const plain = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
  const socket = net.connect(app.healthPort, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => { text += chunk.toString("latin1"); });
  for (let i = 1; i <= 3; i++) {
    socket.write(plain);
    await until(`answer ${i}`, () => text.split("HTTP/1.1 200 ").length === i + 1 && text.endsWith("ok\n"));
  }
  socket.destroy();
});

for (const [label, target] of [
  ["without the last slash", "/socket.io?EIO=4&transport=websocket"],
  ["query in another order with a cache buster", "/socket.io/?t=abc&transport=websocket&b64=1&EIO=4"],
  ["percent-encoded", "/socket.io/?%45IO=%34&transport=web%73ocket"],
  ["a long argument first", `/socket.io/?x=${"y".repeat(5000)}&EIO=4&transport=websocket`],
  ["an empty sid", `${WS_PATH}&sid=`],
  ["EIO twice, the last one right", "/socket.io/?EIO=3&EIO=4&transport=websocket"],
]) {
  test(`let in: ${label}`, async () => {
    const ws = await openWs(app, target);
    assert.match(ws.head, /^HTTP\/1\.1 101 /);
    ws.destroy();
  });
}

test("the open packet has its five members and no more", async () => {
  const first = await openWs(app);
  const second = await openWs(app);
  const { sid, ...rest } = first.hello;
  assert.deepEqual(rest, { upgrades: [], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000 });
  assert.match(sid, /^[A-Za-z0-9_-]{22,}$/);
  assert.notEqual(sid, second.hello.sid);
  first.destroy();
  second.destroy();
});

test("the public id is another one than the secret sid", async () => {
  const ws = await openWs(app);
  ws.text("40");
  const reply = JSON.parse((await ws.readText()).slice(2));
  assert.deepEqual(Object.keys(reply), ["sid"]);
  assert.match(reply.sid, /^[A-Za-z0-9_-]{20}$/);
  assert.ok(!ws.hello.sid.includes(reply.sid));
  ws.destroy();
});

test("CONNECT may come in the same segment as the request, before the open packet is read", async () => {
  const ws = new RawWs(app.port, upgradeRequest(), frame("40"));
  assert.match(await ws.readText(), /^0\{/);
  assert.match(await ws.readText(), /^40\{"sid":/);
  ws.destroy();
});

test("subprotocols are tolerated, the first is taken", async () => {
  for (const [offered, chosen] of [["chat", "chat"], ["v1.chat-x, other", "v1.chat-x"], ["engine.io", "engine.io"]]) {
    const ws = await openWs(app, WS_PATH, { headers: { "Sec-WebSocket-Protocol": offered } });
    assert.match(ws.head, new RegExp(`Sec-WebSocket-Protocol: ${chosen}(\r|$)`, "i"));
    ws.destroy();
  }
  const plain = await openWs(app);
  assert.doesNotMatch(plain.head, /Sec-WebSocket-Protocol/i);
  plain.destroy();
});

test("no extension is ever accepted", async () => {
  const ws = await openWs(app, WS_PATH, {
    headers: { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame" },
  });
  assert.doesNotMatch(ws.head, /Sec-WebSocket-Extensions/i);
  ws.destroy();
});

test("headers above the limit close the connection, and harm nobody else", async () => {
  const other = await openWs(app);
  const answer = await askRaw(app.port, upgradeRequest({ headers: { "X-Long": "x".repeat(30000) } }));
  assert.notEqual(answer.status, 101);
  other.text("40");
  assert.match(await other.readText(), /^40/);
  other.destroy();
});
