/* client_files.test.mjs - the official client for browsers, as a gateway serves it: the files of the
 * pinned package byte for byte, and one of them at work */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import vm from "node:vm";
import { logout, user } from "../support/client.mjs";
import { request } from "../support/http.mjs";
import { askRaw } from "../support/raw_ws.mjs";
import { useStack } from "../support/stack.mjs";
import { until, WAIT_MS } from "../support/wait.mjs";

const FRIEND = "https://app.example";
const stack = useStack({ ALLOWED_ORIGINS: FRIEND });
const ROOT = path.resolve(import.meta.dirname, "../..");
const FILES = ["socket.io.min.js", "socket.io.esm.min.js"];
const at = (name) => `/socket.io/${name}`;
const original = (name) => readFile(path.join(ROOT, "tests/node_modules/socket.io-client/dist", name));

/* ---- The copies ---- */

for (const name of FILES) {
  test(`${name}: our copy is the pinned package's`, async () => {
    const copy = await readFile(path.join(ROOT, "client/web/socket.io", name));
    assert.ok(copy.length > 10_000);
    assert.ok(copy.equals(await original(name)), "differs: copy it again from tests/node_modules");
  });
}

test("their version is the pinned one, and their licence stands beside them", async () => {
  const lock = JSON.parse(await readFile(path.join(ROOT, "tests/package-lock.json"), "utf8"));
  const { version, license } = lock.packages["node_modules/socket.io-client"];
  const said = await readFile(path.join(ROOT, "client/web/socket.io/README.md"), "utf8");
  const theirs = await readFile(path.join(ROOT, "tests/node_modules/socket.io-client/LICENSE"), "utf8");
  assert.ok(said.includes(version), `the README names another version than ${version}`);
  assert.equal(license, "MIT");
  const words = (text) => text.replaceAll(/\s+/g, " ").trim();
  assert.ok(words(said).includes(words(theirs)), "the licence's text, whole");
});

/* ---- Over HTTP, from a gateway directly ---- */

for (const name of FILES) {
  test(`${name}: GET, HEAD and If-None-Match`, async () => {
    const gateway = stack.gateway(1);
    const got = await request(gateway, at(name));
    const body = await original(name);
    assert.equal(got.status, 200);
    assert.equal(got.headers["content-type"], "application/javascript; charset=utf-8");
    assert.equal(got.headers["content-length"], String(body.length));
    assert.equal(got.headers["cache-control"], "public, max-age=0");
    assert.match(got.headers.etag, /^"[0-9a-f]{16}"$/);
    assert.ok(Buffer.from(got.body).equals(body));

    const head = await request(gateway, at(name), { method: "HEAD" });
    assert.deepEqual([head.status, head.body], [200, ""]);
    for (const header of ["etag", "content-type", "content-length", "cache-control"]) {
      assert.equal(head.headers[header], got.headers[header], header);
    }
    const { etag } = got.headers;
    for (const [known, status] of [[etag, 304], [`W/${etag}`, 304], [`"x", ${etag}`, 304], ["*", 304], ['"x"', 200], [etag.slice(1, -1), 200], ["", 200]]) {
      const again = await request(gateway, at(name), { headers: { "If-None-Match": known } });
      assert.equal(again.status, status, known);
      assert.equal(again.headers.etag, etag);
      assert.equal(again.body.length, status === 304 ? 0 : body.length, "304 has no body");
    }
  });
}

test("behind the head of a 304 nothing comes, to the end of the connection", async () => {
  const { etag } = (await request(stack.gateway(1), at(FILES[0]))).headers;
  const { port } = new URL(stack.gateway(1));
  const ask = `GET ${at(FILES[0])} HTTP/1.1\r\nHost: x\r\nIf-None-Match: ${etag}\r\nConnection: close\r\n\r\n`;
  const { status, body, headers } = await askRaw(Number(port), ask);
  assert.deepEqual([status, body], [304, ""]);
  assert.equal(headers["transfer-encoding"], undefined);
});

test("the two files differ in their ETags", async () => {
  const [one, other] = await Promise.all(FILES.map((name) => request(stack.gateway(1), at(name))));
  assert.notEqual(one.headers.etag, other.headers.etag);
});

test("other methods: 405 and what is allowed", async () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
    const res = await request(stack.gateway(1), at(FILES[0]), { method });
    assert.deepEqual([res.status, res.headers.allow], [405, "GET, HEAD"], method);
  }
});

test("a listed page may import the module, another gets no permission", async () => {
  const ask = (Origin) => request(stack.gateway(1), at("socket.io.esm.min.js"), { headers: { Origin } });
  const [listed, other] = [await ask(FRIEND), await ask("https://elsewhere.example")];
  assert.deepEqual([listed.status, listed.headers["access-control-allow-origin"]], [200, FRIEND]);
  assert.deepEqual([other.status, other.headers["access-control-allow-origin"]], [200, undefined]);
  assert.deepEqual([listed.headers.vary, other.headers.vary], ["Origin", "Origin"]);
});

/* A path is what it says: nothing in it is decoded or made plain. */
const TARGETS = [
  ["/socket.io/socket.io.js", 404], ["/socket.io/socket.io.min.js.map", 404], ["/socket.io/README.md", 404],
  ["/socket.io/SOCKET.IO.MIN.JS", 404], ["/socket.io/socket.io.min.js/", 404], ["/socket.io/socket.io.min.jsx", 404],
  ["/socket.io.min.js", 404], ["/socket.ioxsocket.io.min.js", 404], ["/socket.io/socket.io.min.js%00", 404],
  ["/socket.io/../README.md", 404], ["/socket.io/../../etc/passwd", 404], ["/../../../../etc/passwd", 404],
  ["/socket.io/..%2f..%2fetc%2fpasswd", 404], ["/socket.io/%2e%2e/%2e%2e/etc/passwd", 404],
  ["/socket.io/..\\..\\etc\\passwd", 404], ["/socket.io/client/../../client_files.c", 404],
  ["/socket.io/%73ocket.io.min.js", 404], ["/socket.io//socket.io.min.js", 404], ["/socket.io/socket.io.min.js?v=4", 200],
];
for (const [target, wanted] of TARGETS) {
  test(`${target}: ${wanted}`, async () => {
    const { port } = new URL(stack.gateway(1));
    const { status, body } = await askRaw(Number(port), `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
    assert.equal(status, wanted);
    assert.ok(status === 200 ? body === String(await original(FILES[0])) : body.length < 200 && !/root:|Parley/.test(body), body.slice(0, 300));
  });
}

/* ---- At work: the client from the gateway's own bytes ---- */

/* What the client looks for in a browser, from the packages that it uses elsewhere. */
const load = createRequire(path.join(ROOT, "tests/node_modules/engine.io-client/package.json"));
const { XMLHttpRequest } = load("xmlhttprequest-ssl");
const WebSocket = load("ws");

/* With default options: polling first, then the upgrade. */
async function chat(io) {
  const { name, token } = await user(stack.door, `loaded${randomBytes(4).toString("hex")}`);
  const socket = io(stack.gateway(1), { forceNew: true, reconnection: false, auth: { token } });
  try {
    await new Promise((resolve, reject) => { socket.on("session", resolve).on("connect_error", reject); });
    const ack = await socket.timeout(WAIT_MS).emitWithAck("message_out", { receiver: "group", message_text: "from the served file" });
    assert.equal(ack.ok, true, JSON.stringify(ack));
    await until("the upgrade", () => socket.io.engine.transport.name === "websocket");
  } finally {
    socket.disconnect();
    await logout(stack.door, name, token);
  }
}

test("the ES module, loaded from the gateway's bytes, connects, upgrades and chats", async () => {
  const { body } = await request(stack.gateway(1), at("socket.io.esm.min.js"));
  Object.assign(globalThis, { WebSocket, XMLHttpRequest });
  const { io } = await import(`data:text/javascript;base64,${Buffer.from(body).toString("base64")}`);
  await chat(io);
});

test("the script, run where there is only a window, makes window.io, which does the same", async () => {
  const { body } = await request(stack.gateway(1), at("socket.io.min.js"));
  const window = {
    WebSocket, XMLHttpRequest, setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask,
    Promise, ArrayBuffer, Uint8Array, TextEncoder, TextDecoder, Blob, URL,
  };
  window.self = window.window = window;
  vm.runInContext(body, vm.createContext(window));
  assert.equal(typeof window.io, "function");
  await chat(window.io);
});
