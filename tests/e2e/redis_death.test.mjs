/* redis_death.test.mjs - Redis stands still, or comes back empty: people stay, the list is whole */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, login, logout, scene } from "../support/client.mjs";
import { sayWhenPossible } from "../support/delivery.mjs";
import { request } from "../support/http.mjs";
import { numbers } from "../support/metrics.mjs";
import { useStack } from "../support/stack.mjs";
import { lateness, until } from "../support/wait.mjs";

const stack = useStack({ PRESENCE_SVCS: "2", GRACE_S: "2", LEASE_MS: "2000", RATE_MESSAGES: "1000:1000" });
const NOBODYS = "B".repeat(43); /* a token that was never given out */

const settling = async () => (await stack.redis("HEXISTS", "{chat}:presence", "settle")) === "1";

/* The probe must succeed while Redis still settles, else it has proven nothing. */
async function whileSettling(what, probe) {
  await until(what, probe);
  assert.ok(await settling(), `${what}, and it still settles`);
}

async function pair(s) {
  const one = await s.enter("one", stack.gateway(1));
  const two = await s.enter("two", stack.gateway(2));
  await Promise.all([one.sees(two.name), two.sees(one.name)]);
  return [one, two];
}

function nobodyLeft(peers, names) {
  for (const peer of peers) {
    assert.equal(peer.collect(":disconnect").length, 0, `${peer.name} stayed connected`);
    for (const name of names) {
      assert.equal(peer.leaves(name), 0, `${name} was never seen leaving`);
    }
  }
}

test("Redis stands still: messages are unavailable, logins 503 within three seconds, nobody leaves; then all goes on", async (t) => {
  const s = scene(t, stack);
  const [one, two] = await pair(s);
  const before = await one.say(two.name, "before");
  await stack.signal("redis", "SIGSTOP");
  const late = lateness();
  const slowest = [];
  for (const [path, headers] of [
    ["/login/nobody", {}], ["/session", { cookie: `session=${NOBODYS}` }], ["/logout/nobody", { Authorization: `Bearer ${NOBODYS}` }],
  ]) {
    const start = performance.now();
    const res = await request(stack.door, path, { headers });
    slowest.push(performance.now() - start);
    assert.deepEqual([res.status, res.json?.error?.code], [503, "unavailable"], `${path}: ${res.body}`);
  }
  const took = Math.max(...slowest);
  const slack = late.stop();
  t.diagnostic(`answered after at most ${took.toFixed(0)} ms (this process was late by up to ${slack} ms)`);
  assert.ok(took <= 3000 + slack, `${took} ms`); /* auth-svc waits 1.5 s for Redis */
  const ack = await one.ask("message_out", { receiver: two.name, message_text: "meanwhile" });
  assert.deepEqual([ack.ok, ack.error?.code], [false, "unavailable"]);
  two.socket.emit("message_out", { receiver: one.name, message_text: "meanwhile", client_id: "m" });
  const { data } = await two.waitFor("message_error");
  assert.deepEqual([data.error.code, data.client_id], ["unavailable", "m"]);
  await until("no service claims to be ready", () => stack.noneReady());
  await stack.signal("redis", "SIGCONT");
  await until("every service is ready again", () => stack.ready());
  const id = await sayWhenPossible(one, two.name, "after");
  assert.ok(id > before, "ids go up");
  await two.waitFor("message_in", (m) => m.message_id === id);
  const back = await sayWhenPossible(two, one.name, "after");
  await one.waitFor("message_in", (m) => m.message_id === back);
  nobodyLeft([one, two], [one.name, two.name]);
});

test("Redis killed and started empty: connected users stay, the list is whole, ids go up, messages within 5 s of settling", async (t) => {
  const s = scene(t, stack);
  const [one, two] = await pair(s);
  const others = await Promise.all([1, 2, 1, 2].map((g) => s.enter("more", stack.gateway(g))));
  const names = [one, two, ...others].map((p) => p.name);
  await Promise.all([one, two].flatMap((p) => names.map((name) => p.sees(name))));
  const before = await one.say("group", "before");
  const epochs = async (g) => (await numbers(stack, `gateway-${g}`)).get("parley_epochs_total");
  const lived = await Promise.all([1, 2].map(epochs));

  await stack.signal("redis", "SIGKILL");
  const away = await one.ask("message_out", { receiver: two.name, message_text: "while it is away" });
  assert.deepEqual([away.ok, away.error?.code], [false, "unavailable"]);
  assert.equal((await login(stack.door, "newcomer")).status, 503);
  await stack.restartRedis();

  await until("it settles", () => settling());
  await whileSettling("auth-svc is there again", async () => {
    const ready = await stack.isReady("auth-1");
    const res = await login(stack.auth(1), "newcomer");
    assert.equal(res.status, 503, "no login while it settles");
    return ready;
  });
  await whileSettling("gateway 1 serves its users again", async () => {
    const served = (await stack.servedBy(one.name)).length === 1;
    const ack = await one.ask("message_out", { receiver: "group", message_text: "too early" });
    assert.deepEqual([ack.ok, ack.error?.code], [false, "unavailable"]);
    return served;
  });
  await until("it has settled", async () => !(await settling()), { timeout: 30_000 });
  const settledAt = performance.now();
  const id = await sayWhenPossible(one, two.name, "after");
  await two.waitFor("message_in", (m) => m.message_id === id);
  const back = await sayWhenPossible(two, "group", "after");
  await Promise.all([one, two, ...others].map((p) => p.waitFor("message_in", (m) => m.message_id === back)));
  const took = performance.now() - settledAt;
  t.diagnostic(`messages flow ${took.toFixed(0)} ms after settling`);
  assert.ok(took < 5000, `${took} ms`);
  assert.ok(id > before && back > id, `ids go up: ${before}, ${id}, ${back}`);

  /* The list: as Redis has it, as a newcomer gets it, as the others still see it. */
  const online = (await stack.redis("SMEMBERS", "{chat}:online")).split("\n").sort();
  assert.deepEqual(names.filter((name) => !online.includes(name)), [], "Redis knows everybody again");
  const fresh = await s.enter("fresh", stack.gateway(2));
  assert.deepEqual(names.filter((name) => !fresh.users.has(name)), [], "the full list is whole");
  await Promise.all([one, two].map((p) => p.sees(fresh.name)));
  nobodyLeft([one, two, ...others], names);
  assert.deepEqual(await Promise.all([1, 2].map(epochs)), lived.map((n) => n + 1), "each gateway counts the loss");

  /* Sessions hold: the token still connects, and a logout ends it for good. */
  const third = await s.user("third");
  const peer = s.keep(await connect(stack.gateway(1), { token: third.token }));
  await logout(stack.door, third.name, third.token);
  await peer.waitFor("session_end");
  await one.misses(third.name);
});

stack.lastTest();
