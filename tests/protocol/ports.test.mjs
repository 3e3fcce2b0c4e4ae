/* ports.test.mjs - where the server listens, and what it says when it cannot */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { echo, joinWs, startApp } from "../support/raw_ws.mjs";

/* Starts the application where it cannot run; resolves to its exit code and log. */
async function failToStart(settings) {
  const bin = process.env.PARLEY_BIN ?? path.resolve("build/asan");
  const child = spawn(path.join(bin, "parley-conformance"), { env: { ...process.env, ...settings }, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk) => { log += chunk; });
  const [code] = await once(child, "exit");
  return { code, log };
}

test("a port that is taken is one clear line and exit 1, for either port", async () => {
  const app = await startApp();
  for (const settings of [{ PORT: String(app.port) }, { PORT: "1", HOST: "192.0.2.1" }, { HEALTH_PORT: String(app.port) }]) {
    const free = await startApp();
    await free.stop();
    const { code, log } = await failToStart({ PORT: String(free.port), ...settings });
    assert.equal(code, 1, log);
    assert.match(log, /error parley-conformance: cannot listen host=\S+ port=\d+ error="(Address already in use|Cannot assign requested address)"/);
    assert.equal(log.trim().split("\n").length, 1, log);
  }
  const ws = await joinWs(app);
  await echo(ws);
  ws.destroy();
  await app.stop();
});

test("an address may be spelled in any way; one that cannot be is said", async () => {
  const app = await startApp({ HOST: "127.1" });
  await app.stop();
  /* a label of 64 letters: refused without asking any name server */
  const { code, log } = await failToStart({ HOST: "x".repeat(64), PORT: "3999" });
  assert.equal(code, 1);
  assert.match(log, /cannot listen host=x{64} port=3999 error="/);
});

test("a name that no node can have is one clear line and exit 1", async () => {
  for (const NODE of ["a b", "a/b", "ä", "a\nb"]) {
    const { code, log } = await failToStart({ NODE, PORT: "3999" });
    assert.equal(code, 1, log);
    assert.match(log, /^\S+ error parley-conformance: cannot start: node must be 1 to 48 of \[A-Za-z0-9._-\]\n$/);
  }
});

test("SIGINT and SIGTERM end it alike, with clients connected", async () => {
  for (const signal of ["SIGINT", "SIGTERM"]) {
    const app = await startApp();
    const ws = await joinWs(app);
    app.signal(signal);
    assert.equal(await ws.readClose(), 1001);
    await app.stop();
    ws.destroy();
  }
});
