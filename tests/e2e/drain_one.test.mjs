/* drain_one.test.mjs - one service that is stopped: what it still does, and in which order it ends */
import assert from "node:assert/strict";
import { test } from "node:test";
import { login, Peer, user } from "../support/client.mjs";
import { frame } from "../support/frames.mjs";
import { handshake, request } from "../support/http.mjs";
import { numbers } from "../support/metrics.mjs";
import { RawPoll } from "../support/raw_poll.mjs";
import { RawWs, upgradeRequest } from "../support/raw_ws.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

/* Far longer than any test waits: who ends sooner did so for another reason.  Redis has 2 s to answer. */
const slow = useStack({ DRAIN_S: "60", LEASE_MS: "10000", GRACE_S: "20" });
const quick = useStack({ DRAIN_S: "1", LEASE_MS: "10000", GRACE_S: "20" });

const health = (stack, name, path = "/readyz") => request(`http://127.0.0.1:${stack.process(name).health_port}`, path).catch(() => undefined);
const draining = (stack, name) => until("it is draining", async () => (await health(stack, name))?.body === "draining\n");
async function guest(stack, name, i, options = {}) {
  const { token } = await user(stack.door, name);
  const peer = new Peer(stack.gateway(i), { token, transports: ["websocket"], ...options });
  await peer.waitFor("session");
  return peer;
}

test("a gateway that drains: not ready, alive, refuses new connections, and serves those that it has", async () => {
  const [one, two] = [await guest(slow, "one", 1), await guest(slow, "two", 1, { transports: ["polling"] })];
  await slow.term("gateway-1");
  await draining(slow, "gateway-1");
  assert.equal((await health(slow, "gateway-1")).status, 503);
  assert.equal((await health(slow, "gateway-1", "/healthz")).status, 200);
  const poll = await request(slow.gateway(1), "/socket.io/?EIO=4&transport=polling");
  assert.deepEqual([poll.status, poll.body], [503, "going away\n"]);
  assert.equal((await handshake(slow.gateway(1))).status, 503);
  assert.equal((await request(slow.gateway(1), "/")).status, 200, "files are served on");
  await one.say("two", "still here");
  await two.waitFor("message_in", (m) => m.message_text === "still here");
  await two.say("one", "me too");
  await one.waitFor("message_in", (m) => m.message_text === "me too");

  /* the door asks the other gateway, before and after it has noticed */
  for (let i = 0; i < 20; i++) {
    assert.equal((await request(slow.door, "/socket.io/?EIO=4&transport=polling")).status, 200);
    assert.equal((await handshake(slow.door)).status, 101);
  }

  await slow.term("gateway-1"); /* once more: at once */
  assert.equal(await slow.endOf("gateway-1"), 0);
  for (const peer of [one, two]) {
    assert.match((await peer.waitFor(":disconnect")).data, /^transport (close|error)$/);
  }
  assert.equal(await slow.redis("ZCARD", "{chat}:gateways"), "1", "its lease is given back");
  await slow.startAgain("gateway-1");
});

test("one that nobody is connected to ends at once", async () => {
  await slow.term("gateway-1");
  assert.equal(await slow.endOf("gateway-1"), 0);
  await slow.startAgain("gateway-1");
});

test("SIGINT ends at once", async () => {
  const peer = await guest(slow, "three", 2);
  await slow.term("gateway-2", "SIGINT");
  assert.equal(await slow.endOf("gateway-2"), 0);
  await peer.waitFor(":disconnect");
  await slow.startAgain("gateway-2");
});

/* Goes on also when the test has failed meanwhile. */
async function stopRedis(t) {
  await quick.signal("redis", "SIGSTOP");
  t.after(() => quick.signal("redis", "SIGCONT"));
}

test("who waits for an answer of Redis gets it, and the echo, before the connection closes", async (t) => {
  const idle = await guest(quick, "idle", 1);
  const writers = await Promise.all(Array.from({ length: 5 }, (_, i) => guest(quick, `writer${i}`, 1)));
  await stopRedis(t);
  const said = writers.map((peer, i) => (i % 2 === 0 ? peer.ask("message_out", { receiver: "idle", message_text: "late" })
    : peer.socket.emit("message_out", { receiver: "idle", message_text: "late" })));
  await request(quick.gateway(1), "/"); /* they have been read by then */
  await quick.term("gateway-1");
  await idle.waitFor(":disconnect"); /* it was the first to come: the others were asked before */
  assert.deepEqual(writers.flatMap((peer) => peer.collect(":disconnect")), []);
  await quick.signal("redis", "SIGCONT");
  for (const [i, peer] of writers.entries()) {
    await peer.waitFor(":disconnect");
    assert.ok(i % 2 === 1 || (await said[i]).ok, "its ack");
    assert.equal(peer.texts().filter((text) => text === "late").length, 1, `its echo:\n${peer.tail()}`);
  }
  assert.equal(await quick.endOf("gateway-1"), 0);
});

test("a WebSocket that is carried for another gateway is closed in good order, too", async () => {
  const { token } = await user(quick.door, "carried");
  const poll = await RawPoll.open({ url: quick.gateway(2) });
  assert.equal((await poll.post(`40${JSON.stringify({ token })}`)).body, "ok");
  await quick.startAgain("gateway-1");
  const ws = new RawWs(quick.process("gateway-1").port, upgradeRequest({ target: poll.target({ transport: "websocket" }) }), frame("2probe"));
  assert.equal(await ws.readText(), "3probe");
  ws.text("5");
  await until("it is let in, through the other gateway", () => ws.texts().some((text) => text.startsWith("42[\"user_change_in\"")));
  await quick.term("gateway-1");
  assert.equal(await ws.readClose(), 1001);
  assert.equal(await quick.endOf("gateway-1"), 0);
  assert.deepEqual(await quick.servedBy("carried"), [], "its own gateway has seen it go");
  ws.destroy();
});

test("what auth-svc has begun it answers, though it is stopped meanwhile", async (t) => {
  await stopRedis(t);
  const answer = login(quick.auth(1), "patient");
  await until("it has asked Redis", async () => /./.test((await health(quick, "auth-1"))?.body));
  await quick.term("auth-1");
  await until("it drains", async () => /draining/.test((await health(quick, "auth-1"))?.body));
  await quick.signal("redis", "SIGCONT");
  assert.equal((await answer).status, 200);
  assert.equal(await quick.endOf("auth-1"), 0);
});

/* Has one more sweep begun than were answered? */
async function sweepWaits() {
  const now = await numbers(quick, "presence-1");
  const begun = 1 + now.get("parley_sweep_interval_seconds_count"); /* from the first to the last */
  const answered = ["done", "more", "failed"].reduce((sum, result) => sum + now.get(`parley_sweeps_total{result="${result}"}`), 0);
  return begun > answered;
}

test("presence-svc waits for the answer to its sweep", async (t) => {
  await stopRedis(t);
  /* twice: an answer that had come before Redis stood still has been read by the second time */
  await until("a sweep waits for Redis", async () => await sweepWaits() && await sweepWaits());
  await quick.term("presence-1");
  await until("it waits", async () => /stopping/.test((await health(quick, "presence-1"))?.body));
  await quick.signal("redis", "SIGCONT");
  assert.equal(await quick.endOf("presence-1"), 0);
});

slow.lastTest();
quick.lastTest();
