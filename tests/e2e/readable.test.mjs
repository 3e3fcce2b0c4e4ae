/* readable.test.mjs - what an operator sees and does with redis-cli alone */
import { hostname } from "node:os";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { scene } from "../support/client.mjs";
import { secrets } from "../support/http.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const stack = useStack({ GRACE_S: "10" });
const redis = (...args) => stack.redis(...args);
const lines = (text) => text.split("\n").filter(Boolean);

test("SMEMBERS online: who is online, as typed", async (t) => {
  const { enter, user } = scene(t, stack);
  const alice = await enter("Alice");
  const quiet = await user("quiet");
  const online = lines(await redis("SMEMBERS", "{chat}:online"));
  assert.ok(online.includes(alice.name));
  assert.ok(!online.includes(quiet.name), "a login alone is not online");
});

test("HGETALL user: since when, which session, on which gateways", async (t) => {
  const { user, join } = scene(t, stack);
  const bob = await user("Bob");
  const before = Date.now();
  await join(bob, stack.gateway(1));
  await join(bob, stack.gateway(2));
  const record = await stack.redisJson("HGETALL", `{chat}:user:${bob.name.toLowerCase()}`);
  assert.equal(record.name, bob.name);
  assert.equal(record.session, createHash("sha256").update(bob.token).digest("hex"), "the token's hash, never the token");
  assert.ok(Math.abs(Number(record.online) - before) < 30_000, `online ${record.online} is ms since 1970`);
  assert.equal((await stack.servedBy(bob.name)).length, 2, JSON.stringify(record));
});

test("GET gateway:<id>: a lease with TTL, address, version, connections; ZRANGE gateways; SMEMBERS of its users", async (t) => {
  const { user, join } = scene(t, stack);
  const carl = await user("carl");
  await join(carl, stack.gateway(1));
  const [id] = await stack.servedBy(carl.name);
  const info = await until("the next renewal counts carl", async () => {
    const value = JSON.parse(await redis("GET", `{chat}:gateway:${id}`));
    return value.connections >= 1 && value;
  });
  assert.equal(info.address, `127.0.0.1:${stack.process("gateway-1").port}`);
  assert.equal(info.host, hostname());
  assert.match(info.version, /^\d+\.\d+\.\d+$/);
  const ttl = Number(await redis("PTTL", `{chat}:gateway:${id}`));
  assert.ok(ttl > 0 && ttl <= stack.leaseMs, `PTTL ${ttl}`);
  const gateways = lines(await redis("ZRANGE", "{chat}:gateways", "0", "-1"));
  assert.equal(gateways.length, 2);
  assert.ok(gateways.includes(id));
  assert.ok(lines(await redis("SMEMBERS", `{chat}:gateway:${id}:users`)).includes(carl.name));
});

test("TTL grace and ZRANGE deadlines: how long a grace period still runs; FCALL_RO parley_who tells all in words", async (t) => {
  const { enter } = scene(t, stack);
  const [dee, eve] = [await enter("Dee", stack.gateway(1)), await enter("eve", stack.gateway(2))];
  const who = async () => lines(await redis("FCALL_RO", "parley_who", "1", "{chat}:"));
  const name = dee.name.toLowerCase();
  assert.equal(await redis("TTL", `{chat}:grace:${name}`), "-2", "no countdown while online");
  const online = (await who()).find((line) => line.startsWith(`${dee.name}: `));
  assert.match(online ?? "", /online for [0-9.]+ s, on \S+/);
  dee.cut();
  const ttl = await until("the countdown runs", async () => {
    const seconds = Number(await redis("TTL", `{chat}:grace:${name}`));
    return seconds > 0 && seconds;
  });
  assert.ok(ttl <= 10, `TTL ${ttl}`);
  const deadlines = lines(await redis("ZRANGE", "{chat}:deadlines", "0", "-1", "WITHSCORES"));
  const at = deadlines.indexOf(name);
  assert.ok(at >= 0 && Number(deadlines[at + 1]) > 0, `${name} in ${deadlines}`);
  const grace = (await who()).find((line) => line.startsWith(`${dee.name}: `));
  assert.match(grace ?? "", /in grace, [0-9.]+ s left/);
  assert.ok(Number(/grace, ([0-9.]+)/.exec(grace)[1]) <= 10);
  assert.ok((await who()).some((line) => line.startsWith(`${eve.name}: `)));
  assert.ok(lines(await redis("SMEMBERS", "{chat}:online")).includes(dee.name), "in grace is still online for the others");
});

test("FCALL parley_kick: the user is out", async (t) => {
  const { enter } = scene(t, stack);
  const fay = await enter("Fay");
  assert.equal(await redis("FCALL", "parley_kick", "1", "{chat}:", fay.name), `kicked ${fay.name}`);
  const { data } = await fay.waitFor("session_end");
  assert.deepEqual(data, { code: "kicked" });
  assert.ok(!lines(await redis("SMEMBERS", "{chat}:online")).includes(fay.name));
});

test("editing a TTL by hand changes nothing: the index is the truth", async (t) => {
  const { user, join, enter } = scene(t, stack);
  const gil = await user("gil");
  const watcher = await enter("watcher", stack.gateway(2));
  (await join(gil, stack.gateway(1))).cut();
  await until("in grace", async () => (await redis("EXISTS", `{chat}:grace:${gil.name}`)) === "1");
  await redis("PEXPIRE", `{chat}:grace:${gil.name}`, "1");
  await until("the countdown has fired", async () => (await redis("EXISTS", `{chat}:grace:${gil.name}`)) === "0");
  const back = await join(gil, stack.gateway(2));
  await back.say("group", "never away");
  await watcher.waitFor("message_in", (m) => m.message_text === "never away");
  assert.equal(watcher.leaves(gil.name), 0);
});

test("every key has the prefix; no key and no value holds a token", async (t) => {
  const { enter } = scene(t, stack);
  const hal = await enter("hal");
  for (const receiver of ["group", hal.name]) {
    await hal.say(receiver, "text that is not kept for long", { client_id: `to ${receiver}` });
  }
  const keys = lines(await redis("--scan"));
  assert.ok(keys.length > 5);
  assert.deepEqual(keys.filter((key) => !key.startsWith("{chat}:")), []);
  const READ = {
    string: (key) => ["GET", key], hash: (key) => ["HGETALL", key], set: (key) => ["SMEMBERS", key],
    zset: (key) => ["ZRANGE", key, "0", "-1"], stream: (key) => ["XRANGE", key, "-", "+"], list: (key) => ["LRANGE", key, "0", "-1"],
  };
  let all = keys.join("\n");
  const holders = [];
  for (const key of keys) {
    const type = await redis("TYPE", key);
    const held = type === "none" ? "" : await redis(...READ[type](key));
    all += held;
    if (held.includes("text that is not kept for long")) {
      holders.push(key);
    }
  }
  assert.ok(all.includes(createHash("sha256").update([...secrets].at(-1)).digest("hex")), "the hash is there");
  for (const secret of secrets) {
    assert.ok(!all.includes(secret), "a token in Redis");
  }
  assert.deepEqual(holders.sort(), ["{chat}:group", `{chat}:inbox:${hal.name}`], "for those who return");
  for (const key of holders) {
    assert.ok(Number(await redis("PTTL", key)) > 0, `${key} goes by itself`);
  }
});

stack.lastTest();
