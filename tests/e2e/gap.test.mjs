/* gap.test.mjs - gateways lose their connections to Redis, or their lives, in the middle of steady
 * traffic: nobody misses a message, nobody gets one twice */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { scene } from "../support/client.mjs";
import { gotAll, isAscending, stream } from "../support/delivery.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

/* Three gateways: one dies, and the door still has a choice. */
const stack = useStack({ GATEWAYS: "3", GRACE_S: "60", LEASE_MS: "2000", RATE_MESSAGES: "100000:100000" });

/* The connections of the gateways to Redis by their name, [id, ...]. */
async function connections(name) {
  const list = await stack.redis("CLIENT", "LIST");
  return list.split("\n").filter((line) => line.includes(` name=${name} `)).map((line) => /^id=(\d+)/.exec(line)[1]);
}

/* Ends all of them at once; they come back by themselves. */
async function cut(name) {
  const before = await connections(name);
  assert.equal(before.length, 3, `${name} of each gateway`);
  for (const id of before) {
    await stack.redis("CLIENT", "KILL", "ID", id);
  }
  await until(`${name} are back`, async () => {
    const now = await connections(name);
    return now.length === 3 && now.every((id) => !before.includes(id));
  });
}

/* Two people talk to all, and to each other, from gateway to gateway, while others listen. */
async function company(t) {
  const s = scene(t, stack);
  const [ann, bob] = await Promise.all([s.enter("ann", stack.gateway(1)), s.enter("bob", stack.gateway(2))]);
  const listeners = await Promise.all([1, 2, 3].map((i) => s.enter("listener", stack.gateway(i))));
  return { s, ann, bob, listeners };
}

async function steady({ ann, bob, listeners }, fault) {
  let faults = 0;
  let running = true;
  const streams = Promise.all([
    stream(ann, "group", { count: 500, text: "a" }), stream(bob, "group", { count: 500, text: "b" }),
    stream(ann, bob.name, { count: 500, text: "c" }), stream(bob, ann.name, { count: 500, text: "d" }),
  ]).finally(() => { running = false; });
  await listeners[0].waitFor("message_in", (m) => / 50$/.test(m.message_text));
  while (running && faults < 3) {
    await fault();
    faults++;
    const seen = listeners[0].ids().length;
    await until("traffic goes on", () => !running || listeners[0].ids().length > seen + 20);
  }
  const [a, b, c, d] = await streams;
  assert.ok(faults > 0, "it happened while they talked");
  const group = [...a.acked, ...b.acked];
  const direct = [...c.acked, ...d.acked];
  assert.ok(group.length > 300 && direct.length > 300, `${group.length} and ${direct.length} were accepted`);
  for (const { code } of [a, b, c, d].flatMap((r) => r.refused)) {
    assert.equal(code, "unavailable");
  }
  await Promise.all([...listeners.map((p) => gotAll(p, group)), ...[ann, bob].map((p) => gotAll(p, [...group, ...direct]))]);
  for (const p of [ann, bob, ...listeners]) {
    isAscending(p);
    assert.equal(p.collect(":disconnect").length, 0, `${p.name} noticed nothing`);
    assert.equal(p.collect("session").length, 1, "and nothing was lost");
  }
}

test("the subscriptions break in the middle of steady traffic: nobody misses one", async (t) => {
  await steady(await company(t), () => cut("parley-gateway-feed"));
});

test("the command connections break: what was accepted arrives, once", async (t) => {
  await steady(await company(t), () => cut("parley-gateway"));
});

test("Redis ends all subscriptions at once", async (t) => {
  await steady(await company(t), async () => {
    const before = await connections("parley-gateway-feed");
    await stack.redis("CLIENT", "KILL", "TYPE", "pubsub");
    await until("the subscriptions are back", async () => {
      const now = await connections("parley-gateway-feed");
      return now.length === 3 && now.every((id) => !before.includes(id));
    });
  });
});

/* What parley_send does to the group, but for the line itself: it was lost on its way. */
const UNHEARD = `
  local id = redis.call('INCR', KEYS[1] .. 'message:id')
  local hash = redis.call('HGET', KEYS[1] .. 'user:' .. ARGV[1], 'session')
  local json = '{"message_id":' .. id .. ',"sender":"' .. ARGV[1] .. '","receiver":"group","message_text":"unheard","sent_at":1}'
  redis.call('XADD', KEYS[1] .. 'group', id .. '-0', 'p', redis.call('HGET', KEYS[1] .. 'presence', 'group') or '0',
    'm', id .. ' ' .. hash .. ' - \\n' .. json)
  redis.call('HSET', KEYS[1] .. 'presence', 'group', id)
  redis.call('HINCRBY', KEYS[1] .. 'channels', 'group', 1)
  return id`;

test("lines that never arrive on a link that is up: the next one shows it, and after the last one the renewal does", async (t) => {
  const { ann, bob, listeners } = await company(t);
  const everybody = [ann, bob, ...listeners];
  const unheard = async () => Number(await stack.redis("EVAL", UNHEARD, "1", "{chat}:", bob.name));
  const all = [await ann.say("group", "first")];
  await Promise.all(everybody.map((p) => gotAll(p, all)));
  for (let i = 0; i < 3; i++) {
    all.push(await unheard(), await bob.say("group", `after ${i}`), await ann.say(bob.name, "direct"));
    await gotAll(bob, all);
  }
  const group = all.filter((_, i) => i % 3 !== 0 || i === 0);
  const last = await unheard(); /* and nobody says anything more */
  await Promise.all(everybody.map((p) => gotAll(p, [...group, last])));
  for (const p of everybody) {
    assert.deepEqual([p.collect("session").length, p.collect(":disconnect").length], [1, 0]);
  }
});

test("a gateway that sleeps until its users are taken for gone: they miss nothing", async (t) => {
  const s = scene(t, stack);
  const bob = await s.enter("bob", stack.gateway(2));
  const people = await Promise.all([1, 2, 3].map(() => s.enter("sleeper", stack.gateway(1))));
  const group = [await bob.say("group", "first")];
  await Promise.all(people.map((p) => gotAll(p, group)));
  const direct = people.map(() => []);
  await stack.signal("gateway-1", "SIGSTOP");
  try {
    await until("they are in grace", async () => (await Promise.all(people.map((p) => stack.servedBy(p.name)))).every((at) => at.length === 0));
    for (let i = 0; i < 30; i++) {
      group.push(await bob.say("group", `group ${i}`));
      direct[i % 3].push(await bob.say(people[i % 3].name, `direct ${i}`));
    }
  } finally {
    await stack.signal("gateway-1", "SIGCONT");
  }
  await Promise.all(people.map((p, i) => gotAll(p, [...group, ...direct[i]])));
  for (const p of people) {
    assert.equal(p.collect("session").length, 1, `${p.name} was not told of a loss`);
  }
});

test("much more than a gateway fetches for all at once: each client catches up at its own pace", async (t) => {
  const s = scene(t, stack);
  const bob = await s.enter("bob", stack.gateway(2));
  const listeners = await Promise.all([1, 2, 3].map(() => s.enter("listener", stack.gateway(3))));
  const all = [await bob.say("group", "first")];
  await Promise.all(listeners.map((p) => gotAll(p, all)));
  const log = () => readFile(stack.process("gateway-3").log, "utf8");
  const asked = /each client asks for its own/g;
  const before = (await log()).match(asked)?.length ?? 0;
  await stack.signal("gateway-3", "SIGSTOP");
  try {
    for (const id of await connections("parley-gateway-feed")) {
      await stack.redis("CLIENT", "KILL", "ID", id); /* all: which one is whose cannot be seen */
    }
    await until("others talk again", async () => (await bob.ask("message_out", { receiver: "group", message_text: "on" })).ok);
    for (let i = 0; i < 10; i++) {
      all.push(...await Promise.all(Array.from({ length: 40 }, () => bob.say("group", "x".repeat(4000)))));
    }
  } finally {
    await stack.signal("gateway-3", "SIGCONT");
  }
  all.push(await bob.say("group", "last"));
  await Promise.all([bob, ...listeners].map((p) => gotAll(p, all)));
  assert.equal((await log()).match(asked)?.length, before + 1);
  for (const p of listeners) {
    assert.deepEqual([p.collect("session").length, p.collect(":disconnect").length], [1, 0], `${p.name} noticed nothing`);
  }
  const later = await s.enter("later", stack.gateway(2));
  await Promise.all(listeners.map((p) => p.sees(later.name)));
  assert.ok(listeners.every((p) => p.gaps === 0), "the list of users goes on where it was");
});

/* Last: it takes a gateway. */
test("kill -9 of a gateway under traffic: every accepted message reaches everybody who returns, once, in order", async (t) => {
  const s = scene(t, stack);
  const dying = await stack.gatewayId(1);
  const [ann, bob] = await Promise.all([s.enter("ann", stack.gateway(2)), s.enter("bob", stack.gateway(3))]);
  const returning = [];
  await until("three returning users on the gateway", async () => {
    const peer = await s.enter("returns", stack.door, { reconnection: true, resume: {} });
    const [id] = await stack.servedBy(peer.name);
    if (id === dying) {
      returning.push(peer);
    }
    return returning.length === 3;
  });
  let over = false;
  const alive = () => !over;
  const streams = Promise.all([
    stream(ann, "group", { count: 20_000, text: "a", alive }),
    ...returning.map((p) => stream(bob, p.name, { count: 20_000, every: 5, text: "d", alive })),
    ...returning.map((p) => stream(p, "group", { count: 20_000, every: 5, text: `r${p.name}`, alive: () => alive() && p.socket.connected })),
  ]);
  await Promise.all(returning.map((p) => p.waitFor("message_in", (m) => m.message_text === "d 50")));
  await stack.signal("gateway-1", "SIGKILL");
  await Promise.all(returning.map(async (p) => {
    await p.waitFor(":disconnect");
    const from = p.diary.findIndex((e) => e.event === ":disconnect");
    await p.waitFor("session", () => true, { from });
    await p.waitFor("message_in", (m) => m.sender === ann.name, { from: p.mark() });
  }));
  over = true;
  const [fromAnn, ...others] = await streams;
  const direct = others.slice(0, returning.length);
  const group = [...fromAnn.acked, ...others.slice(returning.length).flatMap((r) => r.acked)];
  await Promise.all([
    gotAll(ann, group), gotAll(bob, [...group, ...direct.flatMap((r) => r.acked)]),
    ...returning.map((p, i) => gotAll(p, [...group, ...direct[i].acked])),
  ]);
  for (const p of returning) {
    assert.deepEqual(p.collect("session").map((d) => d.recovered), [false, true], `${p.name} was told that nothing is missing`);
  }
  assert.ok(group.length > 100 && direct.every((r) => r.acked.length > 50));
});

stack.lastTest();
