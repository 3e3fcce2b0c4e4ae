/* asks.test.mjs - events of the server's that want an answer (sio_socket_ask), and the clients' acks
 *
 * On `ask` the conformance application emits `question` with the same arguments, and what came of it
 * as `answered` or `unanswered`. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { joinWs, startApp } from "../support/raw_ws.mjs";

const ACK_TIMEOUT_MS = 400;
const MOST = 256; /* outstanding at once */
let app;
before(async () => { app = await startApp({ ACK_TIMEOUT_MS }); });
after(async () => { await app.stop(); });

for (const transports of [["polling", "websocket"], ["polling"], ["websocket"]]) {
  test(`the client answers, also with bytes: ${transports}`, async (t) => {
    const socket = io(app.url, { forceNew: true, transports });
    t.after(() => socket.disconnect());
    await once(socket, "auth");
    socket.on("question", (...args) => args.pop()(...args.reverse(), Buffer.from([0, 255])));
    socket.emit("ask", 1, "two");
    assert.deepEqual(await once(socket, "answered"), ["two", 1, Buffer.from([0, 255])]);
  });
}

/* The id of the question that comes next, from 42<id>["question",...]. */
async function question(ws) {
  const [, id] = /^42(\d+)\["question"/.exec(await ws.readText("the question"));
  return id;
}

test("no answer in time, and one that comes late: told once", async () => {
  const ws = await joinWs(app);
  const asked = performance.now();
  ws.text('42["ask"]');
  const id = await question(ws);
  assert.equal(await ws.readText("the end of it"), '42["unanswered"]');
  assert.ok(performance.now() - asked >= ACK_TIMEOUT_MS - 1);
  ws.text(`43${id}["late"]`);
  ws.text('42["message","behind it"]');
  assert.equal(await ws.readText("the echo"), '42["message-back","behind it"]', "and nothing before it");
  ws.destroy();
});

test("answers in any order, each to its own question; a second one, and one to no question, count for nothing", async () => {
  const ws = await joinWs(app);
  ws.text('42["ask","a"]');
  ws.text('42["ask","b"]');
  const [a, b] = [await question(ws), await question(ws)];
  assert.notEqual(a, b);
  for (const [id, word] of [[b, "b"], [b, "b again"], ["999999", "nobody"], [a, "a"]]) {
    ws.text(`43${id}["${word}"]`);
  }
  assert.equal(await ws.readText("b"), '42["answered","b"]');
  assert.equal(await ws.readText("a"), '42["answered","a"]');
  ws.text('42["message",1]');
  assert.equal(await ws.readText("the echo"), '42["message-back",1]');
  ws.destroy();
});

test(`${MOST} questions may wait; one more is not asked`, async () => {
  const ws = await joinWs(app);
  for (let i = 0; i <= MOST; i++) {
    ws.text('42["ask"]');
  }
  const seen = [];
  while (seen.length <= MOST) {
    seen.push(await ws.readText("a question or its refusal"));
  }
  assert.equal(seen.filter((text) => text.includes('["question"]')).length, MOST);
  assert.equal(seen.at(-1), '42["unanswered"]');
  ws.destroy();
});
