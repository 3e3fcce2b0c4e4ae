/* sends.test.mjs - what leaves for many connections at once: with io_uring, and without */
import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { until } from "../support/wait.mjs";
import { echo, joinWs, startApp } from "../support/raw_ws.mjs";

const QUEUE = 67_108_864; /* more than any of them is told */

async function withApp(t, ring) {
  const app = await startApp({ IO_URING: ring, QUEUE_MAX_BYTES: QUEUE });
  t.after(() => app.stop());
  if (ring && app.log.includes("no io_uring")) {
    t.skip(`this machine gives us no io_uring: ${app.log}`);
    return undefined;
  }
  return app;
}

async function hearers(app, count) {
  const all = await Promise.all(Array.from({ length: count }, () => joinWs(app)));
  all.forEach((ws) => ws.text('42["hear"]'));
  await Promise.all(all.map(echo));
  return all;
}

const told = (ws) => ws.texts().filter((text) => text.startsWith('42["told"'));
const numbers = (ws) => told(ws).map((text) => JSON.parse(text.slice(2))[1]);
const upTo = (count) => Array.from({ length: count }, (_, i) => i);

for (const ring of [true, false]) {
  const label = `IO_URING=${ring}`;

  test(`${label}: the server has a ring, or it has none`, async (t) => {
    const app = await withApp(t, ring);
    if (app) {
      const files = readdirSync(`/proc/${app.pid}/fd`).map((fd) => readlinkSync(`/proc/${app.pid}/fd/${fd}`));
      assert.equal(files.some((file) => file.includes("[io_uring]")), ring, files.join(" "));
    }
  });

  test(`${label}: what is told to 150 arrives at each of them, in order`, async (t) => {
    const app = await withApp(t, ring);
    if (!app) {
      return;
    }
    const all = await hearers(app, 150);
    for (let i = 0; i < 300; i++) {
      all[i % all.length].text(`42["tell",${i}]`);
      if (i % 7 === 0) {
        await echo(all[i % all.length]); /* now one in a turn, now several */
      }
    }
    await until("all have heard all", () => all.every((ws) => told(ws).length >= 300));
    for (const ws of all) {
      assert.deepEqual(numbers(ws).sort((a, b) => a - b), upTo(300)); /* sent by many: no order */
      assert.deepEqual(numbers(ws), numbers(all[0]), "the same order for each");
      ws.destroy();
    }
  });

  test(`${label}: who does not read keeps nobody waiting, and then gets all of it, whole`, async (t) => {
    const app = await withApp(t, ring);
    if (!app) {
      return;
    }
    const [teller, ...others] = await hearers(app, 7);
    const slow = others.splice(2, 2);
    slow.forEach((ws) => ws.socket.pause());
    const text = "x".repeat(40_000);
    for (let i = 0; i < 400; i++) { /* 16 MB: the kernel takes 10 at most */
      teller.text(`42["tell",${i},"${text}"]`);
    }
    await until("the others have heard all", () => others.every((ws) => told(ws).length >= 400));
    for (const ws of slow) {
      assert.ok(told(ws).length < 400, "else it has read");
      ws.socket.resume();
    }
    await until("they have, too", () => slow.every((ws) => told(ws).length >= 400));
    for (const ws of [teller, ...others, ...slow]) {
      assert.deepEqual(numbers(ws), upTo(400));
      assert.ok(told(ws).every((packet) => JSON.parse(packet.slice(2))[2] === text));
      ws.destroy();
    }
  });
}
