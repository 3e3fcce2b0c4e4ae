/* pages.test.mjs - files at whole paths (sio_server_page), and what a slow reader of one costs */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import net from "node:net";
import { after, before, test } from "node:test";
import { request } from "../support/http.mjs";
import { askRaw, startApp } from "../support/raw_ws.mjs";
import { until } from "../support/wait.mjs";

const PAGE = "/page/big";
const BYTES = 4 << 20;
const BODY = Array.from({ length: BYTES }, (_, i) => String.fromCharCode(97 + ((i % 26) + Math.floor(i / 1000)) % 26)).join("");
const LISTED = "https://app.example";

let app;
before(async () => { app = await startApp({ ALLOWED_ORIGINS: LISTED }); });
after(() => app.stop());

const ask = (first, ...lines) => [`${first} HTTP/1.1`, "Host: x", ...lines, "", ""].join("\r\n");

test("GET, HEAD and If-None-Match, with the page's own headers", async () => {
  const got = await request(app.url, PAGE);
  assert.equal(got.status, 200);
  assert.ok(got.body === BODY, "every byte");
  assert.deepEqual([got.headers["content-type"], got.headers["content-length"], got.headers["cache-control"]], ["text/plain", `${BYTES}`, "no-cache"]);
  assert.deepEqual([got.headers["x-of-the-page"], got.headers["x-content-type-options"]], ["yes", "nosniff"]);
  assert.match(got.headers.etag, /^"[0-9a-f]{16}"$/);

  const same = ["etag", "content-type", "content-length", "cache-control", "x-of-the-page"];
  for (const [options, status] of [[{ method: "HEAD" }, 200], [{ headers: { "If-None-Match": got.headers.etag } }, 304]]) {
    const short = await request(app.url, PAGE, options);
    assert.deepEqual([short.status, short.body], [status, ""]);
    assert.deepEqual(same.map((name) => short.headers[name]), same.map((name) => got.headers[name]));
  }
});

test("other methods are 405, a WebSocket is 404", async () => {
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const res = await request(app.url, PAGE, { method });
    assert.deepEqual([res.status, res.headers.allow], [405, "GET, HEAD"], method);
  }
  const upgrade = ask(`GET ${PAGE}`, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==");
  assert.equal((await askRaw(app.port, upgrade)).status, 404);
});

test("no page of another origin may read it, not even one that may connect", async () => {
  for (const Origin of [LISTED, "https://elsewhere.example"]) {
    const { status, headers } = await request(app.url, PAGE, { headers: { Origin } });
    assert.deepEqual([status, headers["access-control-allow-origin"]], [200, undefined], Origin);
  }
});

for (const target of ["/page/big/", "/page/bi", "/page/bigx", "/Page/big", "//page/big", "/page//big", "/page/%62ig", "/x/../page/big", "/page/./big", "/socket.io/page/big", "/socket.io//page/big", "/page/big%00"]) {
  test(`${target}: 404, a path is what it says`, async () => {
    assert.equal((await askRaw(app.port, ask(`GET ${target}`, "Connection: close"))).status, 404);
  });
}

/* The text of all that comes on a connection on which these bytes were sent. */
function replies(bytes) {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = net.connect({ port: app.port, host: "127.0.0.1", allowHalfOpen: true }, () => socket.write(bytes));
    socket.on("data", (data) => { text += data.toString("latin1"); }).on("end", () => { socket.end(); resolve(text); }).on("error", reject);
  });
}

test("answers keep their order, and nothing of one is in the next", async () => {
  const text = await replies(ask(`GET ${PAGE}`) + ask(`HEAD ${PAGE}`) + ask(`GET ${PAGE}?x`) + ask("GET /none", "Connection: close"));
  const bodies = text.split(/HTTP\/1\.1 /).slice(1).map((answer) => [answer.slice(0, 3), answer.slice(answer.indexOf("\r\n\r\n") + 4)]);
  assert.deepEqual(bodies.map(([status, body]) => [status, body.length]), [["200", BYTES], ["200", 0], ["200", BYTES], ["404", "not found\n".length]]);
  assert.ok(bodies[0][1] === BODY && bodies[2][1] === BODY);
});

/* ---- Slow readers ---- */

const rssKb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${app.pid}/status`, "utf8"))[1]);
const READERS = 50;

/* Asks, and reads no more than the first byte until `more` is called. */
class Slow {
  bytes = 0;
  constructor() {
    this.socket = net.connect({ port: app.port, host: "127.0.0.1" }, () => this.socket.write(ask(`GET ${PAGE}`)));
    this.socket.once("data", (data) => { this.socket.pause(); this.text = data.toString("latin1"); });
  }
  more() {
    this.socket.on("data", (data) => { this.text += data.toString("latin1"); });
    this.socket.resume();
  }
  get body() {
    return this.text.slice(this.text.indexOf("\r\n\r\n") + 4);
  }
}

test(`${READERS} that do not read on cost no copy each, and get all of it once they do`, async () => {
  const before = rssKb();
  const readers = Array.from({ length: READERS }, () => new Slow());
  await until("all have the beginning", () => readers.every(({ text }) => text));
  await request(app.url, "/none"); /* what was asked before has been answered as far as it goes */
  const more = rssKb() - before;
  assert.ok(more < (READERS * BYTES) / 1024 / 4, `${more} KB more for ${READERS} readers of ${BYTES / 1024} KB`);
  for (const reader of readers.slice(0, 3)) {
    reader.more();
    await until("all of it", () => reader.body.length >= BYTES);
    assert.ok(reader.body === BODY);
  }
  readers.forEach(({ socket }) => socket.destroy());
});
