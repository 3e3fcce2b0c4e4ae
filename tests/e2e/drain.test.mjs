/* drain.test.mjs - services that are stopped one after the other while people chat: nobody notices */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { login, logout, Peer, user } from "../support/client.mjs";
import { request } from "../support/http.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const GATEWAYS = 3;
const stack = useStack({
  GATEWAYS: `${GATEWAYS}`, AUTH_SVCS: "2", PRESENCE_SVCS: "2", DRAIN_S: "2", GRACE_S: "20", LEASE_MS: "4000", PING_INTERVAL_MS: "10000", PING_TIMEOUT_MS: "10000",
  RATE_LOGINS: "10000:10000",
});

/* ---- People who go on chatting wherever they are sent ---- */

const WAYS = [["websocket"], ["polling", "websocket"], ["polling"]];

class Chatter {
  acked = []; /* ids */
  resent = 0;
  #on = true;

  constructor(someone, transports) {
    Object.assign(this, someone);
    this.peer = new Peer(stack.door, { token: someone.token, transports, reconnection: true });
    this.done = this.#chat();
  }
  async #chat() {
    await this.peer.waitFor("session");
    while (this.#on) {
      await this.#say(randomBytes(6).toString("hex"));
      await pause(100); /* what this process can bear: 24 of them hear everything */
    }
  }
  /* Until it is answered: a message that got no answer because its connection was closed is sent
   * again with its client_id. */
  async #say(client_id) {
    for (;;) {
      const ack = await this.peer.socket.timeout(5000).emitWithAck("message_out", { receiver: "group", message_text: client_id, client_id }).catch((error) => error);
      if (!(ack instanceof Error)) {
        assert.equal(ack.ok, true, JSON.stringify(ack));
        this.acked.push(ack.message_id);
        return;
      }
      this.resent++;
      await until(`${this.name} is back`, () => this.peer.socket.connected);
    }
  }
  get moves() {
    return this.peer.collect(":disconnect");
  }
  get ids() {
    return this.peer.collect("message_in").map((m) => m.message_id);
  }
  async stop() {
    this.#on = false;
    await this.done;
  }
  async leave() {
    this.peer.close();
    await logout(stack.door, this.name, this.token);
  }
}

async function chatters(count) {
  const people = await Promise.all(Array.from({ length: count }, (_, i) => user(stack.door, `chatter${i}`)));
  const all = people.map((someone, i) => new Chatter(someone, WAYS[i % WAYS.length]));
  await until("all chat", () => all.every(({ acked }) => acked.length > 0));
  return all;
}

const leavesInLog = async () => (await stack.redis("XRANGE", "{chat}:presence:log", "-", "+")).split("\n").filter((line) => /(^| )-chatter/.test(line));
const hereOf = async (all, id) => (await Promise.all(all.map(async (c) => ((await stack.servedBy(c.name)).includes(id) ? c : undefined)))).filter(Boolean);
const readyz = async (name) => request(`http://127.0.0.1:${stack.process(name).health_port}`, "/readyz").catch(() => undefined);

test(`${GATEWAYS} gateways are stopped one after the other: nobody is seen leaving, every message is answered`, async (t) => {
  const all = await chatters(24);
  t.after(() => Promise.all(all.map((c) => c.leave())));
  for (let i = 1; i <= GATEWAYS; i++) {
    const name = `gateway-${i}`;
    const here = await hereOf(all, await stack.gatewayId(i));
    assert.ok(here.length > 2, `${here.length} are at ${name}`);
    const from = Math.max(...all.flatMap(({ acked }) => acked));
    const moved = new Map(all.map((c) => [c, c.moves.length]));
    await stack.term(name);
    await until("it says that it is draining", async () => {
      const answer = await readyz(name);
      return answer?.status === 503 && answer.body === "draining\n";
    });
    await until("the first one moves", () => here.some((c) => c.moves.length > moved.get(c)));
    assert.ok(here.filter((c) => c.moves.length === moved.get(c)).length > here.length / 2, "the others do not move yet");
    assert.equal(await stack.endOf(name), 0);
    const to = Math.max(...all.flatMap(({ acked }) => acked));
    await until("everybody is back", () => all.every(({ peer }) => peer.socket.connected));
    assert.ok(here.every((c) => c.moves.length > moved.get(c)), "who was there has moved");
    const stayed = all.filter((c) => c.moves.length === moved.get(c));
    assert.ok(stayed.length > 0);
    const accepted = all.flatMap(({ acked }) => acked).filter((id) => id > from && id <= to).sort((a, b) => a - b);
    for (const c of stayed) {
      await until(`${c.name} has all ${accepted.length}`, () => {
        const ids = new Set(c.ids);
        return accepted.every((id) => ids.has(id));
      });
    }
    await stack.startAgain(name);
    await until("the door has noticed", async () => (await request(stack.gateway(i), "/")).status === 200);
  }
  await Promise.all(all.map((c) => c.stop()));
  for (const c of all) {
    assert.ok(!c.moves.includes("io server disconnect"), `${c.name}: ${c.moves}`);
    assert.deepEqual(c.ids, [...new Set(c.ids)].sort((a, b) => a - b), `${c.name}: each once, in order`);
    assert.equal(new Set(c.acked).size, c.acked.length);
    for (const other of all) {
      assert.equal(c.peer.leaves(other.name), 0, `${c.name} saw ${other.name} leave`);
    }
  }
  assert.deepEqual(await leavesInLog(), [], "not in Redis either");
  assert.deepEqual(all.flatMap((c) => c.peer.collect(":refused")).filter(({ data }) => data), [], "nobody was refused for good");
});

test("auth-svcs are stopped one after the other: no login fails", async () => {
  let on = true;
  let served = 0;
  const logins = Array.from({ length: 6 }, async (_, i) => {
    for (let n = 0; on; n++) {
      const res = await login(stack.door, `worker${i}-${n}`);
      assert.equal(res.status, 200, res.body);
      const out = await logout(stack.door, res.json.username, res.json.token);
      assert.equal(out.status, 200, out.body);
      served++;
    }
  });
  const both = (async () => {
    for (const i of [1, 2]) {
      const name = `auth-${i}`;
      await stack.term(name);
      await until("it says that it is draining", async () => /draining/.test((await readyz(name))?.body));
      const still = await request(stack.auth(i), "/session");
      assert.equal(still.status, 401, "it serves on until the door has noticed");
      assert.equal(await stack.endOf(name), 0);
      await stack.startAgain(name);
      const before = served;
      await until("there were logins meanwhile", () => served > before + 50);
    }
  })();
  try {
    await both;
  } finally {
    on = false;
    await Promise.all(logins);
  }
});

test("presence-svcs are stopped one after the other: who is due leaves all the same", async (t) => {
  for (const i of [1, 2]) {
    const name = `presence-${i}`;
    await stack.term(name);
    assert.equal(await stack.endOf(name), 0);
    await stack.startAgain(name);
  }
  t.diagnostic("both ended with 0");
});

stack.lastTest();
