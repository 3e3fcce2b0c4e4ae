/* polling_times.test.mjs - heartbeats over polling, with the times of the usual conformance suite */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { RawPoll } from "../support/raw_poll.mjs";
import { startApp } from "../support/raw_ws.mjs";
import { lateness, until } from "../support/wait.mjs";

const PING_MS = 300;
const PONG_MS = 200;
const ROOMY_PING_MS = 600;
const ROOMY_PONG_MS = 2000;
const ROOMY_CONNECT_MS = 3000;
let app;
let roomy; /* for what a busy machine must not upset */
let patient; /* the same, and waits long for pongs */
before(async () => {
  app = await startApp({ PING_INTERVAL_MS: PING_MS, PING_TIMEOUT_MS: PONG_MS, CONNECT_TIMEOUT_MS: 1000 });
  const settings = { PING_INTERVAL_MS: ROOMY_PING_MS, CONNECT_TIMEOUT_MS: ROOMY_CONNECT_MS };
  roomy = await startApp({ ...settings, PING_TIMEOUT_MS: ROOMY_PONG_MS });
  patient = await startApp({ ...settings, PING_TIMEOUT_MS: 15_000 });
});
after(async () => {
  await app.stop();
  await roomy.stop();
  await patient.stop();
});

test("pings come, and a client that answers lives on", async () => {
  const poll = await RawPoll.join(patient);
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await poll.packets(), ["2"]);
    assert.equal((await poll.post("3")).body, "ok");
  }
  await poll.post('42["message",1]');
  assert.deepEqual(await poll.messages(1), ['42["message-back",1]']);
});

/* A held GET is answered by a ping, not before `ms` after `since`, and before another such time, but
 * for what the machine was late. */
async function pingAfter(poll, since, ms) {
  const late = lateness();
  assert.deepEqual(await poll.packets(), ["2"]);
  const took = performance.now() - since;
  assert.ok(took >= ms - 1 && took < 2 * ms + late.stop(), `${took} ms instead of ${ms}`);
}

test("the first ping comes the interval after the handshake, the next one the interval after the pong", async () => {
  const asked = performance.now();
  const poll = await RawPoll.join(patient);
  await pingAfter(poll, asked, ROOMY_PING_MS);
  const ponged = performance.now();
  await poll.post("3");
  await pingAfter(poll, ponged, ROOMY_PING_MS);
});

test("other packets put the end off once, not for ever", async () => {
  const poll = await RawPoll.join(roomy);
  assert.deepEqual(await poll.packets(), ["2"]);
  await pause(ROOMY_PONG_MS / 2); /* the time itself is what is tested: the end would come this much sooner */
  const put = performance.now();
  await until("the end", async () => (await poll.post("6")).json?.code === 1);
  const took = performance.now() - put;
  assert.ok(took >= ROOMY_PONG_MS - 1, `${took} ms after the first of them`);
});

test("who joined once and answers may stay, also with nothing joined", async () => {
  const poll = await RawPoll.join(roomy);
  assert.equal((await poll.post("41")).body, "ok");
  for (let i = 0; i <= ROOMY_CONNECT_MS / ROOMY_PING_MS; i++) { /* beyond the connect timeout, and the time for the first pong */
    assert.deepEqual(await poll.packets(), ["2"]);
    assert.equal((await poll.post("3")).body, "ok");
  }
  await poll.post("40");
  assert.match((await poll.messages(1))[0], /^40\{/);
});

/* When the server itself comes too late to its ping, it does not charge that to the client: on a
 * busy machine once more. */
test("a client that does not poll: 500 ms after the handshake its sid is unknown", async () => {
  const codes = [];
  while (codes.length < 5 && codes.at(-1) !== 1) {
    const poll = await RawPoll.open(app);
    await pause(PING_MS + PONG_MS); /* the time itself is what is tested: not one ms later */
    codes.push((await poll.get()).json?.code);
  }
  assert.equal(codes.at(-1), 1);
});

test("a client that does not answer the ping: the held GET is told that its sid is unknown", async () => {
  const poll = await RawPoll.join(roomy); /* else the time to join would end it, too */
  assert.deepEqual(await poll.packets(), ["2"]);
  const before = roomy.log.length;
  const res = await poll.get();
  assert.deepEqual([res.status, res.json?.code], [400, 1]);
  await until("the end came behind the GET", () => roomy.log.slice(before).includes('disconnect reason="ping timeout"'));
  assert.ok(await poll.isGone());
});

test("a client that joins nothing is ended, not before its time to join is over", async () => {
  const asked = performance.now();
  const poll = await RawPoll.open(patient); /* which ends nobody for late pongs */
  await until("the end", async () => {
    const res = await poll.get();
    if (res.body === "2") {
      await poll.post("3");
    }
    return res.body === "1" || res.json?.code === 1;
  });
  const took = performance.now() - asked;
  assert.ok(took >= ROOMY_CONNECT_MS - 1, `${took} ms`);
});
