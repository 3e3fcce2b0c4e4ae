/* no_sticky.mjs - the chat through a door without memory: what two tests of different size share */
import assert from "node:assert/strict";
import { login, logout, Peer } from "./client.mjs";
import { RandomDoor } from "./random_door.mjs";
import { until } from "./wait.mjs";

const AT_ONCE = 25; /* logins; the connections that follow are made all at once */

async function logins(stack, count) {
  const people = [];
  while (people.length < count) {
    const group = Array.from({ length: Math.min(AT_ONCE, count - people.length) }, (_, i) => `sticky-${people.length + i}`);
    people.push(...await Promise.all(group.map(async (name) => {
      const res = await login(stack.door, name);
      assert.equal(res.status, 200, res.body);
      return { name, token: res.json.token };
    })));
  }
  return people;
}

const IN_FLIGHT = 4; /* messages of one client that are not acknowledged yet */

/* Everybody writes that many messages to the next one. */
async function chain(people, peers, directs) {
  const next = (i) => (i + 1) % people.length;
  const send = (i, n) => peers[i].socket.timeout(60_000)
    .emitWithAck("message_out", { receiver: people[next(i)].name, message_text: `direct ${n}` });
  await Promise.all(people.map(async (_, i) => {
    for (let n = 0; n < directs; n += IN_FLIGHT) {
      const acks = await Promise.all(Array.from({ length: IN_FLIGHT }, (__, k) => send(i, n + k)));
      assert.deepEqual(acks.filter((ack) => !ack.ok), []);
    }
  }));
  const wanted = Array.from({ length: directs }, (_, n) => `direct ${n}`);
  const got = (i, from) => peers[i].collect("message_in").filter((m) => m.sender === people[from].name && m.receiver !== "group");
  await until("all direct messages and their echoes have come",
    () => people.every((_, i) => got(next(i), i).length >= directs && got(i, i).length >= directs), { timeout: 60_000 });
  for (const [i] of people.entries()) {
    assert.deepEqual(got(next(i), i).map((m) => m.message_text), wanted, "each once, in order");
    assert.deepEqual(got(i, i).map((m) => m.message_text), wanted, "and its echo");
  }
}

/* That many clients with their default options; that many messages to the group, from all in turn,
 * and then that many to each, while the clients upgrade.  Each must get all that are for it once, in
 * order. */
export async function noSticky(stack, clients, messages, directs) {
  const door = await RandomDoor.open([1, 2, 3].map((i) => stack.process(`gateway-${i}`).port));
  const people = await logins(stack, clients);
  const peers = people.map(({ token }) => new Peer(door.url, { token, transports: ["polling", "websocket"] }));
  try {
    await Promise.all(peers.map((peer) => peer.wait((e) => ["session", ":refused"].includes(e.event), "its session", { timeout: 60_000 })));
    const acks = await Promise.all(Array.from({ length: messages }, (_, i) => peers[i % clients].socket.timeout(60_000)
      .emitWithAck("message_out", { receiver: "group", message_text: `message ${i}` })));
    assert.deepEqual(acks.filter((ack) => !ack.ok), []);
    const ids = acks.map((ack) => ack.message_id).sort((a, b) => Number(a) - Number(b));
    assert.equal(new Set(ids).size, messages);
    await until("everybody has everything", () => peers.every((peer) => peer.texts().length >= messages), { timeout: 60_000 });
    for (const peer of peers) {
      assert.deepEqual(peer.collect("message_in").map((m) => m.message_id), ids, "each once, in order");
      assert.deepEqual([...peer.collect(":refused"), ...peer.collect(":disconnect")], []);
    }
    await chain(people, peers, directs);
    await until("all have upgraded", () => peers.every((peer) => peer.socket.io.engine.transport.name === "websocket"), { timeout: 60_000 });
    assert.equal(door.unknownSids, 0, "no Session ID unknown");
    assert.deepEqual([...door.statuses.keys()], [200]);
    assert.equal(door.perServer.size, 3, "all gateways were asked");
  } finally {
    peers.forEach((peer) => peer.close());
    await Promise.all(people.map((p) => logout(stack.door, p.name, p.token)));
    await door.close();
  }
}
