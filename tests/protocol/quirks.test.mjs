/* quirks.test.mjs - what one official client does and others do not, and a server must bear
 *
 * Bytes as those clients send them, read from their sources. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { request } from "../support/http.mjs";
import { RawPoll, RS } from "../support/raw_poll.mjs";
import { echo, frame, joinWs, openWs, RawWs, startApp, upgradeRequest } from "../support/raw_ws.mjs";

let app;
before(async () => { app = await startApp({ PING_INTERVAL_MS: 20_000, PING_TIMEOUT_MS: 20_000 }); });
after(async () => { await app.stop(); });

/* ---- Java ---- */

test("Java: base64 in lines of 76 characters, with one more at the end", async () => {
  const poll = await RawPoll.join(app);
  const bytes = Buffer.from(Array.from({ length: 300 }, (_, i) => i & 255));
  const lines = bytes.toString("base64").replace(/.{1,76}/g, "$&\n");
  assert.ok(lines.split("\n").length > 5);
  await poll.post(`451-["message",{"_placeholder":true,"num":0}]${RS}b${lines}`);
  assert.equal((await poll.messages(2))[1], `b${bytes.toString("base64")}`);
});

test("Java: ack ids of 32 bits come back as they are", async () => {
  const poll = await RawPoll.join(app);
  await poll.post(`420["message-with-ack",1]${RS}422147483647["message-with-ack",2]`);
  assert.deepEqual(await poll.messages(2), ["430[1]", "432147483647[2]"]);
});

test("Java: 40 and 44 carry objects", async () => {
  const poll = await RawPoll.open(app);
  await poll.post(`40{"refuse":"x"}${RS}40/nowhere,${RS}40`);
  const payloads = (await poll.messages(4)).map((packet) => JSON.parse(packet.slice(packet.search(/[{[]/))));
  assert.ok(payloads.slice(0, 3).every((payload) => payload && typeof payload === "object" && !Array.isArray(payload)));
  assert.deepEqual(payloads.slice(0, 2).map(({ message }) => typeof message), ["string", "string"]);
});

/* ---- Swift ---- */

/* Its query, its name of the root namespace. */
async function swift() {
  const res = await request(app.url, "/socket.io/?transport=polling&b64=1&EIO=4");
  assert.equal(res.status, 200);
  const hello = JSON.parse(res.body.slice(1));
  const poll = Object.assign(new RawPoll(app.url, hello.sid, hello, "/socket.io/"));
  assert.equal((await poll.post('40/,{"token":"t"}')).body, "ok");
  const [connected, auth] = await poll.messages(2);
  assert.match(connected, /^40\{"sid":/, "answered without a name");
  assert.equal(auth, '42["auth",{"token":"t"}]');
  return poll;
}

test('Swift: b64=1, and the root namespace written as "/,"', async () => {
  const poll = await swift();
  await poll.post('42/,["message",1]');
  await poll.post('42/,7["message-with-ack",2]');
  assert.deepEqual(await poll.messages(2), ['42["message-back",1]', "437[2]"]);
  assert.equal((await poll.post("41/,")).body, "ok");
  await poll.post("40/,");
  assert.match((await poll.messages(1))[0], /^40\{"sid":/, "it had left, and may join again");
});

test("Swift: a POST of 6 before it upgrades; its GET is let go by 6", async () => {
  const poll = await swift();
  const held = poll.get();
  await RawPoll.open(app); /* it has arrived: same loop, in order */
  const ws = new RawWs(app.port, upgradeRequest({ target: poll.target({ transport: "websocket" }) }));
  ws.socket.once("data", () => ws.text("2probe"));
  assert.equal(await ws.readText(), "3probe");
  assert.equal((await held).body, "6");
  assert.equal((await poll.post("6")).body, "ok");
  ws.text("5");
  await echo(ws);
  ws.destroy();
});

test("Swift: 1 over the WebSocket closes at once", async () => {
  const ws = await joinWs(app);
  ws.text("41/,");
  ws.text("1");
  assert.equal(await ws.readClose(), 1005, "long before a ping could run out");
});

/* ---- C++ ---- */

test("C++: 40 right behind the handshake, before the open packet can have been read", async () => {
  const ws = new RawWs(app.port, upgradeRequest({ target: "/socket.io/?EIO=4&transport=websocket&t=1700000000" }), Buffer.concat([frame("40"), frame("40/custom")]));
  assert.match(await ws.readText(), /^0\{"sid":/);
  const texts = [];
  while (texts.length < 4) {
    texts.push((await ws.readText()).replace(/"sid":"[^"]+"/, '"sid":"S"'));
  }
  assert.deepEqual(texts, ['40{"sid":"S"}', '42["auth",{}]', '40/custom,{"sid":"S"}', '42/custom,["auth",{}]']);
  ws.destroy();
});

test("C++: a namespace without its comma, joined and left", async () => {
  const ws = await openWs(app);
  for (let i = 0; i < 2; i++) {
    ws.text("40/custom");
    assert.match(await ws.readText(), /^40\/custom,\{"sid":/);
    assert.equal(await ws.readText(), '42/custom,["auth",{}]');
    ws.text("41/custom");
  }
  ws.text("40");
  assert.match(await ws.readText(), /^40\{/);
  ws.destroy();
});

test("C++: no close of ours has the code 1000, which it takes for a wish not to come back", async () => {
  for (const act of ['42["kick-all"]', "7", "1", "42[]", '42["close"]']) {
    const ws = await joinWs(app);
    ws.text(act);
    assert.notEqual(await ws.readClose(), 1000, act);
  }
  const other = await startApp();
  const ws = await joinWs(other);
  await other.stop();
  assert.equal(await ws.readClose(), 1001);
});

/* ---- Python ---- */

test("Python: never more than 16 packets in one answer, an event and its attachments contiguous", async () => {
  const poll = await RawPoll.join(app);
  const event = (i) => `452-["message",${i},{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`;
  await poll.post(Array.from({ length: 15 }, (_, i) => [event(i), `b${Buffer.from([i]).toString("base64")}`, `b${Buffer.from([i, i]).toString("base64")}`].join(RS)).join(RS));
  const seen = [];
  const sizes = [];
  while (seen.length < 45) {
    const packets = await poll.packets();
    sizes.push(packets.length);
    seen.push(...packets);
  }
  assert.deepEqual(sizes, [16, 16, 13]);
  for (let i = 0; i < 15; i++) {
    const [head, one, two] = seen.slice(3 * i, 3 * i + 3);
    assert.ok(head.startsWith(`452-["message-back",${i},`), head);
    assert.deepEqual([one, two], [`b${Buffer.from([i]).toString("base64")}`, `b${Buffer.from([i, i]).toString("base64")}`]);
  }
});

test("Python: more than 16 packets in one POST are welcome", async () => {
  const poll = await RawPoll.join(app);
  assert.equal((await poll.post(Array.from({ length: 100 }, (_, i) => `42["message",${i}]`).join(RS))).body, "ok");
  assert.equal((await poll.messages(100)).length, 100);
});

/* ---- JavaScript ---- */

const TRANSPORTS = [
  ["polling", async (packets) => {
    const poll = await RawPoll.join(app);
    const { status } = await poll.post(packets.map((p) => (typeof p === "string" ? p : `b${p.toString("base64")}`)).join(RS));
    return status === 200 ? poll.messages(packets.length) : "closed";
  }],
  ["WebSocket", async (packets) => {
    const ws = await joinWs(app);
    packets.forEach((p) => (typeof p === "string" ? ws.text(p) : ws.binary(p)));
    const seen = [];
    try {
      while (seen.length < packets.length) {
        const f = await ws.read();
        if (f.opcode === 8) {
          return "closed";
        }
        seen.push(f.opcode === 1 ? f.payload.toString() : `b${f.payload.toString("base64")}`);
      }
    } finally {
      ws.destroy();
    }
    return seen;
  }],
];
const withData = (count, name = "message") => [
  `45${count}-["${name}"${Array.from({ length: count }, (_, i) => `,{"_placeholder":true,"num":${i}}`).join("")}]`,
  ...Array.from({ length: count }, (_, i) => Buffer.from([i])),
];
/* Those packets are ignored, and what follows is answered. */
async function lives(how, packets) {
  if (how === "polling") {
    const poll = await RawPoll.join(app);
    await poll.post([...packets, '42["message","after"]'].join(RS));
    assert.deepEqual(await poll.messages(1), ['42["message-back","after"]']);
    return;
  }
  const ws = await joinWs(app);
  packets.forEach((packet) => ws.text(packet));
  await echo(ws);
  ws.destroy();
}
const RESERVED = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
for (const [how, send] of TRANSPORTS) {
  test(`JavaScript: 10 attachments pass, 11 end the connection, 0 too; ${how}`, async () => {
    const back = await send(withData(10));
    assert.equal(back.length, 11);
    assert.ok(back[0].startsWith('4510-["message-back",'));
    assert.deepEqual(back.slice(1), withData(10).slice(1).map((bytes) => `b${bytes.toString("base64")}`));
    assert.equal(await send(withData(11)), "closed");
    assert.equal(await send(withData(0)), "closed");
  });
  test(`JavaScript: reserved names end the connection, names like them do not; ${how}`, async () => {
    for (const name of RESERVED) {
      assert.equal(await send([`42["${name}",1]`]), "closed", name);
      assert.equal(await send([`42["${name.replace("n", "\\u006e")}",1]`]), "closed", `${name}, escaped`);
      assert.equal(await send(withData(1, name)), "closed", `${name} with an attachment`);
    }
    const ordinary = ["connection", "error", "connect ", "Connect", "disconnected"].map((name) => `42["${name}",1]`);
    await lives(how, ordinary);
  });
}

/* ---- Any: Engine.IO packets out of place ---- */

test("0, 5, 6 and a pong that nobody asked for are ignored over WebSocket", async () => {
  const ws = await joinWs(app);
  for (const packet of ["0", '0{"sid":"x"}', "5", "6", "3", "3x"]) {
    ws.text(packet);
    await echo(ws);
  }
  ws.destroy();
});

for (const packet of ["4", "2", "2probe", "7", "x", "", "b*"]) {
  test(`${JSON.stringify(packet)} ends the connection, over WebSocket and over polling`, async () => {
    const ws = await joinWs(app);
    ws.text(packet);
    assert.equal(await ws.readClose(), 1005);
    const poll = await RawPoll.join(app);
    assert.equal((await poll.post(packet)).status, 400);
    assert.ok(await poll.isGone());
  });
}

test("a client that has no binary frames sends b and base64 as text, over WebSocket too", async () => {
  const ws = await joinWs(app);
  ws.text('451-["message",{"_placeholder":true,"num":0}]');
  ws.text("bAQID\nBA==\n");
  assert.match(await ws.readText(), /^451-\["message-back"/);
  assert.deepEqual([...(await ws.read()).payload], [1, 2, 3, 4]);
  ws.destroy();
});

for (const connect of ["40", "40/", "40/,", "40/,{}", "40{}"]) {
  test(`joins the root, over polling: ${connect}`, async () => {
    const poll = await RawPoll.open(app);
    await poll.post(connect);
    assert.match((await poll.messages(2))[0], /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
  });
}
