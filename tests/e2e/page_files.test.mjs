/* page_files.test.mjs - the web page's files as they are served: each of client/web, and nothing else */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { request } from "../support/http.mjs";
import { askRaw } from "../support/raw_ws.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const LISTED = "https://app.example";
const stack = useStack({ ALLOWED_ORIGINS: LISTED });
const FOLDER = path.resolve(import.meta.dirname, "../../client/web");
const NOT_THE_PAGE = /^(socket\.io|screenshots)\/|^(README\.md|package\.json)$/;
const FILES = readdirSync(FOLDER, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  .map((entry) => path.relative(FOLDER, path.join(entry.parentPath ?? entry.path, entry.name))).filter((name) => !NOT_THE_PAGE.test(name));
const address = (name) => (name === "index.html" ? "/" : `/web/${name}`);
const bytes = (name) => readFileSync(path.join(FOLDER, name), "latin1");

const TYPES = {
  ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".json": "application/json",
  ".webmanifest": "application/manifest+json; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".ogg": "audio/ogg", ".woff2": "font/woff2",
};
const HEADERS = {
  "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
  "x-frame-options": "DENY",
  "cache-control": "no-cache",
};

test("the page has at least a document, a style and a script", () => {
  assert.ok(FILES.includes("index.html"), FILES.join());
  assert.ok([".css", ".js"].every((type) => FILES.some((name) => name.endsWith(type))), FILES.join());
});

for (const name of FILES) {
  test(`${name} at ${address(name)}: its bytes, type and headers, from a gateway and through the door`, async () => {
    const wanted = bytes(name);
    for (const base of [stack.gateway(1), stack.gateway(2), stack.door, stack.tlsDoor]) {
      const got = await request(base, address(name));
      assert.equal(got.status, 200, `a line in FILES of gateway-svc/app/web_page.c, then make: ${name}`);
      assert.equal(got.headers["content-type"], TYPES[path.extname(name)]);
      assert.equal(got.headers["content-length"], `${wanted.length}`);
      for (const [header, value] of Object.entries(HEADERS)) {
        assert.equal(got.headers[header], value, header);
      }
      const head = await request(base, address(name), { method: "HEAD" });
      assert.deepEqual([head.status, head.body, head.headers["content-length"]], [200, "", `${wanted.length}`]);
      const known = await request(base, address(name), { headers: { "If-None-Match": got.headers.etag } });
      assert.deepEqual([known.status, known.body, known.headers.etag], [304, "", got.headers.etag]);
      assert.equal(known.headers["content-security-policy"], HEADERS["content-security-policy"]);
    }
    const { port } = new URL(stack.gateway(1));
    const raw = await askRaw(Number(port), `GET ${address(name)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    assert.ok(raw.body === wanted, "byte for byte");
  });
}

const OTHERS = [
  "/index.html", "/web", "/web/", "/web/index.html", "/web/README.md", "/README.md", "/web/socket.io/socket.io.min.js", "/web/socket.io/README.md", "/app.js",
  "/web/../web/app.js", "/web//app.js", "/web/./app.js", "/web/%61pp.js", "/%77eb/app.js", "/WEB/app.js", "/web/APP.JS", "/web/app.js/", "/web/app.js%00", "/web/app.jsx",
  "/web/../../etc/passwd", "/web/..%2f..%2fetc%2fpasswd", "/web/..\\app.js", "/web/app.js;x", "/web/.git/config", "//", "/.",
];
for (const target of OTHERS) {
  test(`${target}: nothing, from a gateway and through the door`, async () => {
    for (const base of [stack.gateway(1), stack.door]) {
      const { port } = new URL(base);
      const { status, body } = await askRaw(Number(port), `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      assert.ok(status === 404 || (status === 400 && target.includes("%00")), `${base}: ${status}`);
      assert.ok(body.length < 200 && !/root:|Parley/.test(body), body.slice(0, 300));
    }
  });
}

test("pages of other origins get no permission to read it, not even listed ones", async () => {
  for (const Origin of [LISTED, "https://elsewhere.example"]) {
    const { status, headers } = await request(stack.door, "/", { headers: { Origin } });
    assert.deepEqual([status, headers["access-control-allow-origin"], headers["access-control-allow-credentials"]], [200, undefined, undefined]);
  }
});

test("the document has nothing in it that its own policy forbids", () => {
  const html = bytes("index.html");
  assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=|javascript:|<base|<iframe|<object|<embed/i);
  for (const [tag] of html.matchAll(/<script\b[^>]*>/gi)) {
    assert.match(tag, /\ssrc="\/(web|socket\.io)\//, tag);
  }
});

test("while no gateway is there, the door says so in words at /, and in JSON elsewhere", async () => {
  await Promise.all(["gateway-1", "gateway-2"].map((name) => stack.signal(name, "SIGKILL")));
  const page = await until("the door has noticed", async () => {
    const res = await request(stack.door, "/");
    return res.headers["content-type"] === "text/html; charset=utf-8" && res;
  });
  assert.deepEqual([page.status, page.headers["cache-control"], page.headers["retry-after"]], [503, "no-store", "3"]);
  assert.match(page.body, /not available just now/);
  assert.match(page.headers["content-security-policy"], /^default-src 'none'/);
  const script = await request(stack.door, "/web/app.js");
  assert.deepEqual([script.status, script.json?.error.code], [503, "unavailable"]);
});
