/* sentinel.test.mjs - the master is killed, Sentinel promotes the replica: services follow by
 * themselves, people stay, messages flow again */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { login, scene } from "../support/client.mjs";
import { flows, talking } from "../support/delivery.mjs";
import { Sentinels } from "../support/sentinels.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const sentinels = new Sentinels({ downAfterMs: 1000 });
const stack = useStack({ GRACE_S: "3", LEASE_MS: "3000", RATE_MESSAGES: "1000:1000" }, sentinels);
const LONG = { timeout: 30_000 };

const settled = () => until("it has settled", async () => (await stack.redis("HEXISTS", "{chat}:presence", "settle").catch(() => "1")) === "0", LONG);

/* Whoever was there before is there, was never away, and may write. */
function stayed(peers) {
  for (const peer of peers) {
    assert.equal(peer.collect(":disconnect").length, 0, `${peer.name} stayed connected`);
    for (const other of peers) {
      assert.equal(peer.leaves(other.name), 0, `${peer.name} never saw ${other.name} leaving`);
    }
  }
}

async function pair(s) {
  await settled();
  await until("the door lets people in", async () => (await login(stack.door, s.promise("knock"))).status === 200, LONG);
  const one = await s.enter("one", stack.gateway(1));
  const two = await s.enter("two", stack.gateway(2));
  await Promise.all([one.sees(two.name), two.sees(one.name)]);
  return [one, two];
}

const replicated = async (name) => until(`${name} has everything`, async () => {
  const [id, theirs] = await Promise.all([stack.redis("GET", "{chat}:message:id"), sentinels.cli(name, "GET", "{chat}:message:id")]);
  return id === theirs;
});

/* "master" or "slave"; "" when it does not say: it breaks our connection too when that changes. */
const role = async (name) => (await sentinels.cli(name, "ROLE").catch(() => "")).split("\n")[0];

/* Everybody goes on writing when it returns, until `over` is called. */
async function failover(t, kill) {
  const s = scene(t, stack);
  const [one, two] = await pair(s);
  const [master] = await sentinels.masters();
  const replica = master === "redis-1" ? "redis-2" : "redis-1";
  const before = await one.say(two.name, "before");
  await replicated(replica);
  const start = performance.now();
  const since = () => `${(performance.now() - start).toFixed(0)} ms`;
  await kill(master);
  const refused = await one.ask("message_out", { receiver: two.name, message_text: "meanwhile" });
  assert.deepEqual([refused.ok, refused.error?.code], [false, "unavailable"]);
  const over = talking(one, two);
  await until(`${replica} is promoted`, async () => await role(replica) === "master", LONG);
  t.diagnostic(`promoted after ${since()}`);
  await until("every service is ready", () => stack.ready(), LONG);
  t.diagnostic(`every service is ready after ${since()}`);
  const id = await flows(one, two, LONG);
  const back = await flows(two, one, LONG);
  t.diagnostic(`messages flow after ${since()}`);
  assert.equal(await stack.redis("HEXISTS", "{chat}:presence", "settle"), "1", "before it has settled");
  assert.ok(before < id && id < back, "ids go up");
  stayed([one, two]);
  return { one, two, over, master, replica };
}

test("the master is killed: all follow to the replica, both connections of each gateway to the same", async (t) => {
  const { over, master, replica } = await failover(t, (name) => sentinels.signal(name, "SIGKILL"));
  const clients = await sentinels.cli(replica, "CLIENT", "LIST");
  for (const name of ["parley-gateway", "parley-gateway-feed", "parley-auth", "parley-presence", "parley-presence-events"]) {
    const count = clients.split("\n").filter((line) => line.includes(` name=${name} `)).length;
    assert.equal(count, name.startsWith("parley-gateway") ? 2 : 1, name);
  }
  await sentinels.again(master);
  await until("the old master follows the new one", async () => await role(master) === "slave", LONG);
  t.diagnostic(`${await over(LONG)} messages were accepted on the way, and came`);
});

test("one sentinel is dead, another stands still: the third is enough to find the master", async (t) => {
  const [master] = await sentinels.masters();
  await sentinels.signal("sentinel-1", "SIGKILL");
  await sentinels.signal("sentinel-2", "SIGSTOP");
  t.after(async () => {
    await sentinels.signal("sentinel-2", "SIGCONT");
    await sentinels.again("sentinel-1");
  });
  const s = scene(t, stack);
  const [one, two] = await pair(s);
  const over = talking(one, two);
  await sentinels.cli(master, "CLIENT", "KILL", "TYPE", "normal");
  await sentinels.cli(master, "CLIENT", "KILL", "TYPE", "pubsub");
  await flows(one, two, LONG);
  await until("every service is ready", () => stack.ready(), LONG);
  await over(LONG);
  stayed([one, two]);
});

test("the master stands still: likewise, and when it wakes nobody goes back to it", async (t) => {
  await until("both are there", async () => (await sentinels.masters()).length === 1, LONG);
  for (const i of [1, 2, 3]) {
    await until(`sentinel ${i} sees a replica that is well`, async () => /\nflags\nslave\n/.test(await sentinels.sentinel(i, "SENTINEL", "REPLICAS", "parley")), LONG);
  }
  const { one, two, over, master } = await failover(t, (name) => sentinels.signal(name, "SIGSTOP"));
  await sentinels.signal(master, "SIGCONT");
  await until("the old master is made a replica", async () => await role(master) === "slave", LONG);
  await until("every service is ready", () => stack.ready(), LONG);
  await flows(one, two, LONG);
  t.diagnostic(`${await over(LONG)} messages were accepted on the way, and came`);
  stayed([one, two]);
  for (const name of ["auth-1", "gateway-1", "gateway-2", "presence-1"]) {
    const log = await readFile(stack.process(name).log, "utf8");
    assert.ok(!log.includes(sentinels.password), `${name} does not tell a password`);
  }
});

stack.lastTest();
