/* polling_door.test.mjs - long-polling through the real door, and between gateways: the largest POST,
 * a poll that is given up, requests at the wrong gateway, the client's files */
import assert from "node:assert/strict";
import http from "node:http";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { scene } from "../support/client.mjs";
import { request } from "../support/http.mjs";
import { numbers } from "../support/metrics.mjs";
import { RawPoll, RS } from "../support/raw_poll.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const MAX_PAYLOAD = 1_000_000;
const PING_MS = 60_000; /* nobody is missed for silence here */
const stack = useStack({ PING_INTERVAL_MS: `${PING_MS}`, PING_TIMEOUT_MS: `${PING_MS}`, GRACE_S: "60" });

/* A session over polling, joined to "/" and greeted. */
async function joined(base, token) {
  const poll = await RawPoll.open({ url: base });
  assert.equal((await poll.post(`40${JSON.stringify({ token })}`)).body, "ok");
  let seen = [];
  while (!seen.some((packet) => packet.startsWith('42["user_change_in"'))) {
    seen = seen.concat(await poll.packets());
  }
  assert.match(seen[0], /^40\{"sid":/);
  return poll;
}

test("a POST of exactly MAX_PAYLOAD is taken, one byte more is 413, over http and https", async (t) => {
  for (const base of [stack.door, stack.tlsDoor]) {
    const poll = await joined(base, (await scene(t, stack).user("large")).token);
    const packet = (size) => `42["nothing","${"a".repeat(size - '42["nothing",""]'.length)}"]`;
    for (let i = 0; i < 4; i++) { /* to either gateway */
      assert.equal((await poll.post(packet(MAX_PAYLOAD))).body, "ok");
    }
    const res = await poll.post(packet(MAX_PAYLOAD + 1));
    assert.equal(res.status, 413, res.body);
    await poll.post("1");
  }
});

/* A GET that is held.  (What is still to be told comes at once, and the next GET takes its place.)
 * That it is there is seen by POSTs that were sent behind it, on the same way, and are answered.
 * destroy() gives it up. */
async function held(base, poll) {
  const { hostname: host, port } = new URL(base);
  const behind = Object.assign(Object.create(RawPoll.prototype), poll, { url: base });
  for (;;) {
    let answered = false;
    const req = http.get({ host, port, path: poll.target(), agent: false });
    req.on("error", () => {});
    req.on("response", (res) => { assert.equal(res.statusCode, 200); answered = true; res.resume(); });
    await until("it is sent", () => req.writableFinished);
    for (let i = 0; i < 10; i++) {
      assert.equal((await behind.post('42["nothing"]')).body, "ok");
    }
    if (!answered) {
      return req;
    }
  }
}

const isServed = async (name) => (await stack.servedBy(name)).length > 0;

const SEEN_MS = 3000; /* then an answer was on its way, which nobody got: the session goes on */

test("a poll that is given up ends the session at once, at the door and at either gateway", async (t) => {
  for (const base of [stack.door, stack.door, stack.gateway(1), stack.gateway(2)]) {
    const user = await scene(t, stack).user("fickle");
    const poll = await joined(stack.gateway(1), user.token);
    const started = performance.now();
    assert.equal(await isServed(user.name), true);
    let given_up = -Infinity;
    await until(`${user.name} is served no more`, async () => {
      if (performance.now() - given_up > SEEN_MS) { /* one that is still held would make this one 400 */
        (await held(base, poll)).destroy();
        given_up = performance.now();
      }
      return !(await isServed(user.name));
    });
    assert.ok(performance.now() - started < PING_MS / 2, "not for its silence");
    assert.equal(await poll.isGone(), true);
  }
});

/* Requests that a gateway has carried to the other one, ever. */
async function carried() {
  const all = await Promise.all([1, 2].map((i) => numbers(stack, `gateway-${i}`)));
  return ["get", "post", "websocket"].map((kind) => all.reduce((sum, n) => sum + n.get(`parley_requests_carried_total{kind="${kind}"}`), 0));
}

test("our own door keeps each connection at its gateway: nothing is carried, neither polling nor the upgrade", async (t) => {
  const s = scene(t, stack);
  const before = await carried();
  const handshake = "/socket.io/?EIO=4&transport=polling";
  const res = await request(stack.gateway(1), handshake);
  assert.equal(JSON.parse(res.body.slice(1)).sid.split(".")[0], res.headers["x-parley-node"], "a gateway names itself");
  assert.equal((await request(stack.door, handshake)).headers["x-parley-node"], undefined, "to the door");
  const people = await Promise.all(Array.from({ length: 8 }, () => s.enter("homely", stack.door, { transports: ["polling", "websocket"] })));
  const pollers = await Promise.all(Array.from({ length: 8 }, () => s.enter("homelier", stack.door, { transports: ["polling"] })));
  await until("they are upgraded", () => people.every(({ socket }) => socket.io.engine.transport.name === "websocket"));
  const at = await Promise.all([...people, ...pollers].map(({ name }) => stack.servedBy(name)));
  assert.equal(new Set(at.flat()).size, 2, "both gateways have some");
  for (const peer of [...people, ...pollers]) {
    await peer.say("group", "at home");
  }
  assert.deepEqual(await carried(), before);
});

test("gateways tell each other where they are, and carry what is meant for another", async (t) => {
  const ids = (await stack.redis("ZRANGE", "{chat}:gateways", "0", "-1")).split("\n");
  const told = await Promise.all(ids.map(async (id) => JSON.parse(await stack.redis("GET", `{chat}:gateway:${id}`)).address));
  assert.deepEqual(told.sort(), [1, 2].map((i) => `127.0.0.1:${stack.process(`gateway-${i}`).port}`).sort());
  const user = await scene(t, stack).user("wanderer");
  const home = await joined(stack.gateway(1), user.token);
  const away = Object.assign(Object.create(RawPoll.prototype), home, { url: stack.gateway(2) });
  for (const [asks, answers] of [[away, away], [away, home], [home, away]]) {
    assert.equal((await asks.post(`421["message_out",{"receiver":"group","message_text":"to all"}]`)).body, "ok");
    const seen = [];
    while (seen.length < 2) {
      seen.push(...await answers.packets());
    }
    assert.ok(seen.some((packet) => /^431\[\{"ok":true/.test(packet)), seen.join(RS));
  }
  assert.equal((await stack.servedBy(user.name)).length, 1, "by one gateway");
  assert.deepEqual(await stack.refusals(), [], "Redis refuses nothing to a gateway that asks for another");
  await home.post("1");
});

test("a sid of a gateway that never was is unknown at once", async () => {
  for (const sid of ["gateway-1-AAAAAAAA.AAAAAAAAAAAAAAAAAAAA", "x", "{chat}:online.aaaaaaaaaaaaaaaaaaaa", `${"a".repeat(60)}.aaaaaaaaaaaaaaaaaaaa`]) {
    for (const method of ["GET", "POST"]) {
      const res = await request(stack.door, `/socket.io/?EIO=4&transport=polling&sid=${encodeURIComponent(sid)}`, { method, ...(method === "POST" ? { body: "3", headers: { "content-length": "1" } } : {}) });
      assert.deepEqual([res.status, res.json], [400, { code: 1, message: "Session ID unknown" }], `${method} ${sid}`);
    }
  }
});

test("the client's two files through the door: GET, HEAD and 304; nothing beside them", async () => {
  for (const name of ["socket.io.min.js", "socket.io.esm.min.js"]) {
    const wanted = await readFile(new URL(`../../client/web/socket.io/${name}`, import.meta.url), "utf8");
    for (const base of [stack.door, stack.tlsDoor]) {
      const res = await request(base, `/socket.io/${name}`);
      assert.deepEqual([res.status, res.body === wanted], [200, true], name);
      const head = await request(base, `/socket.io/${name}`, { method: "HEAD" });
      assert.deepEqual([head.status, head.body, head.headers.etag, head.headers["content-length"]], [200, "", res.headers.etag, `${Buffer.byteLength(wanted)}`]);
      const known = await request(base, `/socket.io/${name}`, { headers: { "If-None-Match": res.headers.etag } });
      assert.deepEqual([known.status, known.body], [304, ""]);
      assert.equal((await request(base, `/socket.io/${name}`, { method: "POST" })).status, 405);
    }
  }
  assert.equal((await request(stack.door, "/socket.io/socket.io.js")).status, 404);
});

stack.lastTest();
