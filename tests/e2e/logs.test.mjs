/* logs.test.mjs - each end and refusal leaves one line that names who and why, and a flood few lines */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect, logout, refusal, scene } from "../support/client.mjs";
import { enterRaw, openRaw } from "../support/frames.mjs";
import { handshake, request } from "../support/http.mjs";
import { numbers } from "../support/metrics.mjs";
import { askRaw } from "../support/raw_ws.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const stack = useStack({ RATE_MESSAGES: "100000:100000", RATE_LOGINS: "10000:10000", QUEUE_MAX_BYTES: "262144", CONNECT_TIMEOUT_MS: "1000", LOG_LEVEL: "debug" });
const LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug) parley-[a-z]+: \S.*$/;

const log = async (name) => (await readFile(stack.process(name).log, "utf8")).split("\n").filter(Boolean);
const says = (name, pattern) => until(`${name} logs ${pattern}`, async () => (await log(name)).find((line) => pattern.test(line)));

test("where a gateway listens, and under which id", async () => {
  const { port, health_port } = stack.process("gateway-1");
  await says("gateway-1", new RegExp(`listening gateway=[\\w.-]+ host=127\\.0\\.0\\.1 port=${port} health_port=${health_port}$`));
});

test("which release starts, and with what all services must share", async () => {
  for (const name of stack.services) {
    await says(name, /info parley-[a-z]+: starting version=\d+\.\d+\.\d+ grace_s=\d+ lease_ms=\d+ key_prefix=\{chat\}:$/);
  }
});

test("a socket's end: whose, by whom, why", async (t) => {
  const s = scene(t, stack);
  const left = await s.enter("left", stack.gateway(1));
  left.socket.disconnect();
  await says("gateway-1", new RegExp(`socket closed user=${left.name} by=client reason="client namespace disconnect" suppressed=\\d+$`));
  const cut = await s.enter("cut", stack.gateway(1));
  cut.cut();
  await says("gateway-1", new RegExp(`socket closed user=${cut.name} by=client reason="transport close"`));
  const kicked = await s.enter("kicked", stack.gateway(1));
  await stack.redis("FCALL", "parley_kick", "1", "{chat}:", kicked.name);
  await says("gateway-1", new RegExp(`session ended user=${kicked.name} code=kicked`));
});

test("who came and went, for whoever asks for all; and whose name was taken", async (t) => {
  const s = scene(t, stack);
  const came = await s.enter("came", stack.gateway(1));
  await says("auth-1", new RegExp(`debug parley-auth: request answered route=login status=200 user=${came.name}$`));
  await says("gateway-1", new RegExp(`debug parley-gateway: socket opened user=${came.name}$`));
  await request(stack.auth(1), `/login/${came.name}`);
  await says("auth-1", new RegExp(`info parley-auth: request refused route=login status=409 user=${came.name} address="\\S+" suppressed=\\d+$`));
  await logout(stack.door, came.name, s.tokenOf(came.name));
  await says("auth-1", new RegExp(`debug parley-auth: request answered route=logout status=200 user=${came.name}$`));
});

test("what a connection did wrong", async (t) => {
  const s = scene(t, stack);
  const silent = await openRaw(stack.gateway(1));
  t.after(() => silent.socket.destroy());
  await says("gateway-1", /connection closed by=server reason="connect timeout" why="joined no namespace in time" suppressed=\d+$/);
  const odd = await openRaw(stack.gateway(1));
  t.after(() => odd.socket.destroy());
  odd.text("what is this \u0007\n");
  await says("gateway-1", /connection closed by=server reason="parse error" why="no Engine.IO packet"/);
  const talker = await s.enter("talker", stack.gateway(1));
  const slow = await s.user("slow");
  const raw = await enterRaw(stack.gateway(1), slow.token);
  t.after(() => raw.socket.destroy());
  raw.socket.pause();
  await until("it is closed as slow", async () => {
    await Promise.all(Array.from({ length: 50 }, () => talker.ask("message_out", { receiver: slow.name, message_text: "z".repeat(4000) })));
    return (await log("gateway-1")).some((line) => /connection closed by=server reason="slow client" why="queue is full"/.test(line));
  }, { timeout: 60_000 });
  await says("gateway-1", new RegExp(`socket closed user=${slow.name} by=server reason="slow client"`));
});

test("who was not let in, with the address that the door tells, escaped", async (t) => {
  const s = scene(t, stack);
  const base = stack.gateway(2);
  await refusal(base, {});
  await says("gateway-2", /connect refused code=not_logged_in suppressed=\d+$/);
  await refusal(base, { token: "A".repeat(43) });
  await says("gateway-2", /connect refused code=session_expired/);
  await request(base, "/socket.io/?EIO=4&transport=polling&sid=x", { headers: { "X-Forwarded-For": "192.0.2.66, 198.51.100.7" } });
  await says("gateway-2", /request refused why="unknown sid" address="198\.51\.100\.7" suppressed=\d+$/);
  await request(base, "/socket.io/?EIO=3&transport=polling", { headers: { "X-Forwarded-For": 'a" \\ b' } });
  await says("gateway-2", /request refused why="unsupported version" address="a\\x22 \\x5c b" suppressed=\d+$/);
  await request(stack.door, "/socket.io/?EIO=4&transport=nothing", { headers: { "X-Forwarded-For": "203.0.113.9" } });
  const told = /request refused why="unknown transport" address="127\.0\.0\.1" suppressed=\d+$/;
  await until("one of the gateways says so", async () => [...await log("gateway-1"), ...await log("gateway-2")].some((line) => told.test(line)));
  await handshake(base, { "Sec-WebSocket-Version": "12" });
  await says("gateway-2", /request refused why="bad websocket handshake" address="127\.0\.0\.1"/);
  await askRaw(Number(new URL(base).port), "GET / HTTP/9.9\r\n\r\n");
  await says("gateway-2", /request refused status=505 why="[^"?]+" suppressed=\d+$/);
  const peer = await s.enter("writer", base);
  await peer.ask("message_out", { receiver: "nobody", message_text: "the text of a message" });
  await says("gateway-2", new RegExp(`event refused user=${peer.name} code=no_such_user suppressed=\\d+$`));
  await request(stack.door, "/login/no%20name");
  await says("auth-1", /request refused route=login status=400 address="127\.0\.0\.1" suppressed=\d+$/);
});

test("a lost link: which, in which state, why", async () => {
  await stack.redis("CLIENT", "KILL", "TYPE", "pubsub");
  for (const name of ["gateway-1", "gateway-2"]) {
    await says(name, /link lost number=\d+ state=up connection=subscriptions why=".+"$/);
  }
  await until("the links are up again", () => stack.ready());
});

/* A second has 5 lines of each limiter's at most, and the test may straddle seconds. */
test("a flood of refusals leaves few lines, and says how many it left out", async (t) => {
  const before = [await numbers(stack, "gateway-1"), (await log("gateway-1")).length];
  const start = performance.now();
  const COUNT = 500;
  for (let i = 0; i < COUNT / 10; i++) {
    await Promise.all(Array.from({ length: 10 }, () => request(stack.gateway(1), "/socket.io/?EIO=4&transport=polling&sid=flood")));
  }
  const seconds = Math.ceil((performance.now() - start) / 1000) + 1;
  const now = await numbers(stack, "gateway-1");
  const key = 'parley_requests_refused_total{reason="unknown sid"}';
  assert.equal(now.get(key) - before[0].get(key), COUNT, "each is counted");
  const lines = (await log("gateway-1")).slice(before[1]).filter((line) => line.includes("unknown sid"));
  t.diagnostic(`${lines.length} lines in at most ${seconds} seconds`);
  assert.ok(lines.length > 0 && lines.length <= 10 * seconds, `${lines.length}`);
  await until("the next second's line tells what was left out", async () => {
    await request(stack.gateway(1), "/socket.io/?EIO=4&transport=polling&sid=flood");
    const last = (await log("gateway-1")).at(-1);
    return Number(/suppressed=(\d+)$/.exec(last)?.[1]) >= COUNT - lines.length;
  });
});

test("a flood of one kind hides no other kind, and is not counted there", async (t) => {
  const s = scene(t, stack);
  const peer = await s.enter("flooder", stack.gateway(2));
  const refusedEvent = () => peer.ask("message_out", { receiver: "nobody", message_text: "x" });
  const suppressed = async (start) => Number(/suppressed=(\d+)$/.exec((await log("gateway-2")).findLast((line) => line.includes(start)))?.[1]);
  const refusedConnect = async () => { /* the line that it leaves, which comes before its answer */
    const from = (await log("gateway-2")).length;
    await refusal(stack.gateway(2), {});
    return (await log("gateway-2")).slice(from).find((line) => line.includes("connect refused"));
  };
  assert.match(await refusedConnect(), /suppressed=0$/);
  await until("events are left out", async () => {
    await Promise.all(Array.from({ length: 100 }, refusedEvent));
    return await suppressed(`event refused user=${peer.name}`) >= 80;
  });
  await Promise.all(Array.from({ length: 100 }, refusedEvent));
  assert.match(await refusedConnect(), /code=not_logged_in suppressed=0$/);
});

test("every line of every service is one, with its time and level, and holds no text of a message", async () => {
  const peer = await connect(stack.door, { token: "B".repeat(43) }).catch((error) => error);
  assert.ok(peer instanceof Error);
  for (const name of stack.services) {
    const lines = await log(name);
    assert.ok(lines.length > 0);
    for (const line of lines) {
      assert.match(line, LINE, name);
      assert.ok(!line.includes("the text of a message") && !line.includes("zzzz"), line);
    }
  }
});

stack.lastTest();
