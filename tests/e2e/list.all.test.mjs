/* list.all.test.mjs - more than 1,000 users: the full list comes in parts */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, logout, user } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const COUNT = 1050;
const AT_ONCE = 50;
const stack = useStack({ RATE_LOGINS: "10000:10000", PENDING_S: "60" });

/* In small groups: each is a login and a connection. */
async function inGroups(items, work) {
  const results = [];
  for (let i = 0; i < items.length; i += AT_ONCE) {
    results.push(...await Promise.all(items.slice(i, i + AT_ONCE).map(work)));
  }
  return results;
}

test(`${COUNT} users: the list comes in parts that make one whole`, async () => {
  const names = [...Array(COUNT).keys()].map((i) => `crowd-${i}`);
  const people = await inGroups(names, (name) => user(stack.door, name));
  const peers = await inGroups(people, async ({ token }, i) => connect(stack.gateway(1 + (i % 2)), { token }));
  for (const peer of peers.slice(0, 2)) { /* one on each gateway */
    await until("everybody has been told", () => peer.users.size === COUNT);
  }
  for (const g of [1, 2]) {
    const late = await user(stack.door, `late-${g}`);
    const peer = await connect(stack.gateway(g), { token: late.token });
    await Promise.all([names[0], names.at(-1)].map((name) => peer.sees(name)));
    const parts = peer.collect("user_change_in", (d) => d.users);
    assert.deepEqual(parts.map((p) => [p.part, p.parts]), [[1, 3], [2, 3], [3, 3]]); /* the last: who came since */
    assert.equal(new Set(parts.map((p) => p.cursor)).size, 1, "one cursor for the whole");
    assert.ok(parts.every((p) => p.users.length <= 1000));
    const users = parts.flatMap((p) => p.users);
    assert.equal(new Set(users).size, users.length, "everybody once");
    assert.deepEqual(names.filter((name) => !peer.users.has(name)), [], "nobody is missing");
    assert.ok(peer.users.has(late.name));
    peer.close();
    await logout(stack.door, late.name, late.token);
  }
  const half = people.slice(0, COUNT / 2);
  await inGroups(half, (p) => logout(stack.door, p.name, p.token));
  const stayed = names.slice(COUNT / 2);
  await until("half of them have left", () => peers.at(-1).users.size === stayed.length);
  assert.deepEqual(stayed.filter((name) => !peers.at(-1).users.has(name)), []);
  peers.forEach((peer) => peer.close());
  await inGroups(people.slice(COUNT / 2), (p) => logout(stack.door, p.name, p.token));
});

stack.lastTest();
