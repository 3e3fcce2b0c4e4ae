/* fault_proxy.test.mjs - the proxy does what it is told, and nothing else */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { FaultProxy } from "../support/fault_proxy.mjs";
import { until } from "../support/wait.mjs";

/* One end of a connection, with all that happened to it. */
function watch(socket) {
  const end = { socket, got: Buffer.alloc(0), chunks: [], fin: false, error: undefined, closed: false };
  socket.setNoDelay?.(true);
  socket.on("data", (bytes) => { end.got = Buffer.concat([end.got, bytes]); end.chunks.push(bytes.length); });
  socket.on("end", () => { end.fin = true; });
  socket.on("error", (err) => { end.error = err.code; });
  socket.on("close", () => { end.closed = true; });
  return end;
}

/* A proxy with a server behind it and a client before it: both ends of one connection. */
async function pair(t, at) {
  const ends = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => ends.push(watch(socket)));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy = await FaultProxy.open({ port: server.address().port }, at);
  const client = watch(net.connect({ ...(at ?? { port: proxy.port, host: "127.0.0.1" }), allowHalfOpen: true }));
  t.after(async () => {
    [client, ...ends].forEach((end) => end.socket.destroy());
    await proxy.close();
    await new Promise((resolve) => server.close(resolve));
  });
  await until("the server has it", () => ends.length === 1);
  return { proxy, client, server: ends[0] };
}

async function carries(from, to, bytes) {
  const before = to.got.length;
  from.socket.write(bytes);
  await until("the bytes came", () => to.got.length >= before + bytes.length);
  assert.ok(to.got.subarray(before).equals(bytes), "unchanged");
}

test("carries bytes both ways, and the end of each direction by itself", async (t) => {
  const { proxy, client, server } = await pair(t);
  await carries(client, server, randomBytes(3_000_000));
  await carries(server, client, randomBytes(100_000));
  assert.deepEqual(proxy.carried, { up: 3_000_000, down: 100_000 });
  client.socket.end();
  await until("the server sees the end", () => server.fin);
  await carries(server, client, Buffer.from("still"));
  server.socket.end();
  await until("both are closed", () => client.closed && server.closed);
  assert.deepEqual([client.error, server.error, proxy.links.size], [undefined, undefined, 0]);
});

test("latency delays one direction, in order; taken away, nothing overtakes", async (t) => {
  const { proxy, client, server } = await pair(t);
  proxy.set({ up: { latencyMs: 150, jitterMs: 100 } });
  const sent = Array.from({ length: 40 }, (_, i) => Buffer.from([i]));
  const start = performance.now();
  for (const byte of sent) {
    client.socket.write(byte);
    await new Promise(setImmediate);
  }
  await carries(server, client, Buffer.from("quick"));
  proxy.heal();
  client.socket.write(Buffer.from([40]));
  await until("all came", () => server.got.length === 41);
  assert.ok(performance.now() - start >= 150, "not before the latency");
  assert.deepEqual([...server.got], Array.from({ length: 41 }, (_, i) => i));
});

test("bandwidth bounds one direction", async (t) => {
  const { proxy, client, server } = await pair(t);
  proxy.set({ down: { bytesPerS: 20_000 } });
  const start = performance.now();
  await carries(server, client, randomBytes(6000));
  const took = performance.now() - start;
  assert.ok(took >= 200, `6000 bytes at 20,000 a second in ${took} ms`);
});

test("slices are written one by one", async (t) => {
  const { proxy, client, server } = await pair(t);
  proxy.set({ up: { sliceBytes: 3 } });
  await carries(client, server, randomBytes(300));
  assert.equal(proxy.pieces.up, 100);
  assert.ok(server.chunks.length > 10, `the reader met ${server.chunks.length} pieces`);
});

test("reset is an RST for both ends", async (t) => {
  const { proxy, client, server } = await pair(t);
  await carries(client, server, Buffer.from("x"));
  assert.equal(proxy.reset(), 1);
  await until("both are cut", () => client.closed && server.closed);
  assert.deepEqual([client.error, server.error, proxy.resets], ["ECONNRESET", "ECONNRESET", 1]);
});

test("an RST of one end reaches the other", async (t) => {
  const { client, server } = await pair(t);
  client.socket.resetAndDestroy();
  await until("cut", () => server.closed);
  assert.equal(server.error, "ECONNRESET");
});

test("half-close ends one direction and leaves the other", async (t) => {
  const { proxy, client, server } = await pair(t);
  proxy.halfClose("down");
  await until("the client sees an end", () => client.fin);
  await carries(client, server, Buffer.from("still up"));
  assert.ok(!server.fin);
});

test("a pulled cable: nothing comes, nobody is told; plugged in again, everything does", async (t) => {
  const { proxy, client, server } = await pair(t);
  proxy.hold();
  client.socket.write("a");
  client.socket.end();
  server.socket.resetAndDestroy();
  await new Promise((resolve) => server.socket.once("close", resolve));
  await new Promise((resolve) => setTimeout(resolve, 100)); /* there is nothing to wait for: nothing may happen */
  assert.deepEqual([client.fin, client.error, client.closed, server.got.length], [false, undefined, false, 0]);
});

test("a cable that is plugged in again delivers what waited, once", async (t) => {
  const { proxy, client, server } = await pair(t);
  proxy.set({ up: { hold: true } });
  client.socket.write("one");
  await carries(server, client, Buffer.from("the other way is open"));
  assert.equal(server.got.length, 0);
  client.socket.write("two");
  client.socket.end();
  proxy.heal();
  await until("all came", () => server.fin);
  assert.equal(server.got.toString(), "onetwo");
});

for (const [atLimit, judge] of [
  ["reset", async ({ client, server }) => {
    await until("cut", () => client.closed && server.closed);
    assert.equal(client.error, "ECONNRESET");
  }],
  ["close", async ({ client, server }) => {
    await until("the server sees an end", () => server.fin);
    await carries(server, client, Buffer.from("the other way is open"));
  }],
  ["hold", async ({ client, server }) => {
    await carries(server, client, Buffer.from("the other way is open"));
    assert.deepEqual([server.fin, client.fin], [false, false]);
  }],
]) {
  test(`after exactly 10 bytes: ${atLimit}`, async (t) => {
    const ends = await pair(t);
    ends.proxy.set({ up: { limitBytes: 10, atLimit } });
    ends.client.socket.write("0123456789");
    await until("ten came", () => ends.server.got.length === 10);
    ends.client.socket.write("abc");
    await judge(ends);
    assert.equal(ends.server.got.toString(), "0123456789");
  });
}

test("new connections can be refused, and served again", async (t) => {
  const { proxy } = await pair(t);
  proxy.refusing = true;
  const refused = watch(net.connect(proxy.port, "127.0.0.1"));
  await until("it is cut", () => refused.closed);
  assert.equal(refused.error, "ECONNRESET");
  proxy.heal();
  const served = watch(net.connect(proxy.port, "127.0.0.1"));
  await until("carried", () => proxy.links.size === 2);
  served.socket.destroy();
});

test("listens on a unix socket too", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "parley-proxy-"));
  t.after(() => rm(folder, { recursive: true }));
  const { proxy, client, server } = await pair(t, { path: join(folder, "s") });
  await carries(client, server, Buffer.from("x"));
  proxy.reset();
  await until("both ends learn of it: a unix socket knows no RST", () => client.fin && server.closed);
});
