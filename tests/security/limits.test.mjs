/* limits.test.mjs - each limit through the door, at its edge: N works, one more is told, and it passes
 *
 * Buckets refill while a test runs: what is allowed in a measured time is bounded from both sides. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, login, logout, refusal, scene, user } from "../support/client.mjs";
import { openRaw } from "../support/frames.mjs";
import { request } from "../support/http.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const LOGINS = { rate: 1, burst: 40 };
const MESSAGES = { rate: 1, burst: 10 };
const SOCKETS = 3;
const BYTES = 500;
const CONNECT_MS = 10_000; /* what it is when nobody sets it */

const stack = useStack({
  GATEWAYS: "1", RATE_LOGINS: `${LOGINS.rate}:${LOGINS.burst}`, RATE_MESSAGES: `${MESSAGES.rate}:${MESSAGES.burst}`,
  MAX_SOCKETS_PER_USER: `${SOCKETS}`, MESSAGE_MAX_BYTES: `${BYTES}`, PENDING_S: "300",
});

/* How many a full bucket gives within that time: never fewer than its burst. */
function judgeBucket(label, { rate, burst }, given, ms) {
  const most = burst + Math.floor((rate * (ms + 1)) / 1000);
  assert.ok(given >= burst && given <= most, `${label}: ${given} in ${ms.toFixed(0)} ms; right is ${burst} to ${most}`);
}

/* ---- Logins ---- */

/* All that the other tests need, before the bucket is emptied. */
const people = {};
let firstLogin;
test("people log in", async () => {
  firstLogin = performance.now();
  for (const name of ["ann", "ben", "cat", "dan", "eve", "fay", "gus", "hal", "ida"]) {
    people[name] = await user(stack.door, name);
  }
});

test(`RATE_LOGINS ${LOGINS.rate}:${LOGINS.burst}: the burst, then 429 with Retry-After, by http and https together; others' ways stay open`, async (t) => {
  let given = Object.keys(people).length;
  let limited;
  for (let i = 0; !limited; i++) {
    assert.ok(i < 10 * LOGINS.burst, "the limit is met");
    const res = await login(i % 2 ? stack.tlsDoor : stack.door, i % 4 === 3 ? "ann" : `crowd${i}`); /* a refused 409 counts too */
    limited = res.status === 429 ? res : undefined;
    given += limited ? 0 : 1;
    assert.ok([200, 409, 429].includes(res.status), res.body);
  }
  const ms = performance.now() - firstLogin;
  judgeBucket("logins", LOGINS, given, ms);
  t.diagnostic(`${given} logins in ${ms.toFixed(0)} ms`);
  assert.equal(limited.json.error.code, "rate_limited");
  assert.equal(limited.headers["retry-after"], "1");
  assert.equal(limited.headers["set-cookie"], undefined);
  const { name, token } = people.ann;
  assert.equal((await request(stack.door, "/session", { headers: { Authorization: `Bearer ${token}` } })).status, 200, "/session is not limited");
  assert.equal((await logout(stack.door, name, token)).status, 200, "nor is logging out");
  const told = performance.now();
  await until("after Retry-After it works again", async () => (await login(stack.door, "later")).status === 200, { every: 100 });
  assert.ok(performance.now() - told < 1000 * Number(limited.headers["retry-after"]) + 5000, "about when it said");
});

/* ---- Messages ---- */

test(`RATE_MESSAGES ${MESSAGES.rate}:${MESSAGES.burst}: tabs share it, questions for the list count, each is told; nobody else is touched`, async (t) => {
  const { join } = scene(t, stack);
  const tabs = [await join(people.ben), await join(people.ben, stack.tlsDoor)];
  const other = await join(people.cat);
  const start = performance.now();
  const asked = await Promise.all(Array.from({ length: 3 * MESSAGES.burst }, (_, i) => (i % 3 === 2
    ? tabs[i % 2].ask("user_change_out")
    : tabs[i % 2].ask("message_out", { receiver: "cat", message_text: `n${i}` }))));
  const ms = performance.now() - start;
  const given = asked.filter((ack) => ack.ok).length;
  judgeBucket("messages and questions", MESSAGES, given, ms);
  for (const { ok, error } of asked) {
    assert.ok(ok || (error.code === "rate_limited" && error.retry_after_ms >= 1 && error.retry_after_ms <= 1000 / MESSAGES.rate), JSON.stringify(error));
  }
  await other.say("group", "cat may");
  const error = await until("it is refused", async () => (await tabs[0].ask("message_out", { receiver: "cat", message_text: "now?" })).error);
  assert.equal(error.code, "rate_limited");
  const told = performance.now();
  await until("its time has passed", () => performance.now() - told > error.retry_after_ms);
  await tabs[0].say("cat", "now");
  await other.waitFor("message_in", (m) => m.message_text === "now");
  assert.equal(other.texts().filter((text) => /^n\d/.test(text)).length, asked.filter((ack, i) => ack.ok && i % 3 !== 2).length, "what was refused was not delivered");
});

test(`RATE_MESSAGES ${MESSAGES.rate}:${MESSAGES.burst}: whoever leaves and comes back is as far as before`, async (t) => {
  const { join } = scene(t, stack);
  const start = performance.now();
  let given = 0;
  for (let visit = 0; visit < 4; visit++) {
    const peer = await join(people.hal);
    const acks = await Promise.all(Array.from({ length: MESSAGES.burst }, (_, i) => peer.ask("message_out", { receiver: "group", message_text: `visit ${visit}, ${i}` })));
    given += acks.filter((ack) => ack.ok).length;
    peer.close();
    await until("it has left", async () => (await stack.servedBy(people.hal.name)).length === 0);
  }
  judgeBucket("messages of four visits", MESSAGES, given, performance.now() - start);
});

const CONNECTS = { rate: 10, burst: 100 }; /* of a session, at a gateway */
test("a session that connects again and again is let in so often; the rest is told to try later, and others are not touched", async (t) => {
  const { join } = scene(t, stack);
  const start = performance.now();
  let given = 0;
  for (let i = 0; i < 3 * CONNECTS.burst; i++) {
    const raw = await openRaw(stack.gateway(1));
    raw.text(`40${JSON.stringify({ token: people.ida.token })}`);
    await until("it is let in, refused or closed", () => raw.closed || raw.texts.some((text) => /^(42\["session"|44)/.test(text)), { every: 1 });
    given += raw.closed ? 0 : 1; /* 44: the one before has not gone yet */
    assert.ok(!raw.closed || raw.closed.code === 1013, JSON.stringify(raw.closed));
    raw.destroy();
  }
  judgeBucket("connections", CONNECTS, given, performance.now() - start);
  await join(people.fay);
});

test(`MESSAGE_MAX_BYTES ${BYTES}: counted in bytes of UTF-8, however the client writes it`, async (t) => {
  const { join } = scene(t, stack);
  const [dan, eve] = [await join(people.dan), await join(people.eve)];
  assert.deepEqual(dan.collect("session").map(({ message_max_bytes: max }) => max), [BYTES]);
  const raw = await openRaw(stack.door);
  raw.text(`40${JSON.stringify({ token: people.dan.token })}`);
  await raw.waitText("let in", (text) => text.startsWith('42["user_change_in"'));
  for (const [label, text, ok] of [
    ["ASCII", "x".repeat(BYTES), true], ["ASCII and one", "x".repeat(BYTES + 1), false],
    ["four bytes each", "😀".repeat(BYTES / 4), true], ["four bytes each and one", `${"😀".repeat(BYTES / 4)}x`, false],
  ]) {
    const ack = await until("the rate allows it", async () => {
      const answer = await dan.ask("message_out", { receiver: "eve", message_text: text });
      return answer.error?.code !== "rate_limited" && answer;
    }, { every: 200 });
    assert.equal(ack.ok ? undefined : ack.error.code, ok ? undefined : "too_large", label);
    void (ok && await eve.waitFor("message_in", (m) => m.message_text === text));
  }
  /* Six bytes on the wire for each byte of text. */
  const escaped = (n) => `"${"\\u0041".repeat(n)}"`;
  for (const [n, right] of [[BYTES, '"ok":true'], [BYTES + 1, '"too_large"']]) {
    raw.text(`42${n}["message_out",{"receiver":"eve","message_text":${escaped(n)}}]`);
    const ack = await raw.waitText(`ack ${n}`, (text) => text.startsWith(`43${n}`));
    assert.ok(ack.includes(right), ack);
  }
  await eve.waitFor("message_in", (m) => m.message_text === "A".repeat(BYTES));
  assert.equal(eve.texts().filter((text) => Buffer.byteLength(text) > BYTES).length, 0);
  raw.destroy();
});

/* ---- Connections ---- */

test(`MAX_SOCKETS_PER_USER ${SOCKETS}: as many through the door, the next is too_many_sockets for good, until one leaves`, async (t) => {
  const { join, keep } = scene(t, stack);
  const tabs = [];
  for (let i = 0; i < SOCKETS; i++) {
    tabs.push(await join(people.fay, i % 2 ? stack.tlsDoor : stack.door));
  }
  for (let i = 0; i < 3; i++) {
    const answer = await refusal(stack.door, { token: people.fay.token, reconnection: true });
    assert.deepEqual([answer.data, answer.active], [{ code: "too_many_sockets" }, false]);
  }
  const id = await tabs[0].say("group", "all here");
  await Promise.all(tabs.map((tab) => tab.waitFor("message_in", (m) => m.message_id === id)));
  tabs[0].cut();
  keep(await until("room for one", () => connect(stack.door, { token: people.fay.token }).catch(() => undefined)));
  assert.deepEqual((await refusal(stack.door, { token: people.fay.token })).data, { code: "too_many_sockets" }, "and for one alone");
});

test(`CONNECT_TIMEOUT_MS: who shows no session is closed after ${CONNECT_MS} ms, who did just in time stays`, async (t) => {
  const start = performance.now();
  const open = () => openRaw(stack.door);
  const [silent, wrong, late, busy] = await Promise.all([open(), open(), open(), open()]);
  t.after(() => [silent, wrong, late, busy].forEach((raw) => raw.destroy()));
  wrong.text('40{"token":"x"}');
  await wrong.waitText("refused", (text) => text.startsWith("44"));
  const closedAt = [silent, wrong, busy].map((raw) => raw.waitClosed().then(() => performance.now() - start));
  const pongs = setInterval(() => busy.text("3"), 500); /* a living connection, but nobody's */
  t.after(() => clearInterval(pongs));
  await until("just before the time", () => performance.now() - start > CONNECT_MS - 3000);
  assert.ok(![silent, wrong, late, busy].some((raw) => raw.gone || raw.closed), "not before");
  late.text(`40${JSON.stringify({ token: people.gus.token })}`);
  await late.waitText("let in", (text) => text.startsWith('42["user_change_in"'));
  for (const [i, ms] of (await Promise.all(closedAt)).entries()) {
    assert.ok(ms >= CONNECT_MS, `${["silent", "wrong", "busy"][i]}: not before: ${ms} ms`);
    t.diagnostic(`${["silent", "refused", "busy"][i]}: closed after ${ms.toFixed(0)} ms`);
  }
  await until("well past the time", () => performance.now() - start > CONNECT_MS + 1000);
  late.text(`425${JSON.stringify(["user_change_out"])}`);
  await late.waitText("the late one is still served", (text) => text.startsWith("435"));
});

stack.lastTest();
