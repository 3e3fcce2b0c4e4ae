/* door.test.mjs - what the door lets through, what it says itself, and how much of one address
 *
 * haproxy alone, between us and services that believe everything (lone_door.mjs). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../support/wait.mjs";
import { Line } from "./bytes.mjs";
import { BARE, LINES, NO, SMUGGLING, UP, UPGRADES, words } from "./forms.mjs";
import { header, loneDoor, ok } from "./lone_door.mjs";

const REQUEST_MS = 1000; /* of the hasty door */
const ANSWER_MS = 6000; /* DOOR_HTTP_MS of both, from lone_door.mjs */
const POLL = "/socket.io/?EIO=4&transport=polling&sid=x";
const request = (first, ...headers) => [first, "Host: localhost", ...headers].join("\r\n") + "\r\n\r\n";

let door;
let hasty;
before(async () => { [door, hasty] = await Promise.all([loneDoor(), loneDoor({ DOOR_REQUEST_MS: `${REQUEST_MS}` })]); });
after(() => Promise.all([door?.stop(), hasty?.stop()]));

/* ---- Two meanings ---- */

const HEAD_MAX = 16_384; /* of more, haproxy reads no more, and the answer may be lost with the rest */
const REFUSED = [...SMUGGLING, ...LINES].filter(([label, , verdict]) => verdict === NO && label !== "OPTIONS");

test(`${REFUSED.length} requests with two meanings are refused by the door itself`, async () => {
  for (const [label, , , bytes, method] of REFUSED) {
    const seen = door.gateway.requests.length + door.auth.requests.length;
    const text = bytes(words("gateway", "none"));
    const { status } = await door.ask(text, { method });
    assert.ok([400, 404, 405, 408, 413, 414, 422, 431, 501, 505].includes(status) || (status === 0 && text.length > HEAD_MAX), `${label}: ${status}`);
    assert.equal(door.gateway.requests.length + door.auth.requests.length, seen, `${label}: reached a service`);
  }
});

test("a name that is none because of %00 is told as such", async () => {
  for (const [path, code] of [["/login/a%00", "invalid_username"], ["/logout/%00b", "invalid_username"], ["/session%00", "bad_request"], ["/a%00", "bad_request"]]) {
    const answer = await door.ask(request(`GET ${path} HTTP/1.1`));
    assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [400, code], path);
  }
});

test("a body that is said to be endless is told in JSON that it is too large", async () => {
  for (const path of ["/login/a", "/socket.io/?EIO=4&transport=polling"]) {
    const answer = await door.ask(request(`POST ${path} HTTP/1.1`, `Content-Length: ${"1".repeat(16)}`));
    assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [413, "too_large"], path);
    assert.match(answer.head, /\r\ncache-control: no-store/i, path);
  }
});

/* ---- Upgrades ---- */

test(`${UPGRADES.length} upgrades, to a gateway that would agree to each`, async () => {
  for (const [label, , verdict, bytes, method] of UPGRADES) {
    for (const on of [door.http, door.https]) {
      const from = door.gateway.requests.length;
      const { status } = await door.ask(bytes(words("gateway", "none")), { on, method });
      const asked = door.gateway.requests.slice(from).map((r) => header(r, "Upgrade")).filter((value) => value !== undefined);
      assert.equal(status === 101, verdict === UP || (verdict === BARE && asked.length > 0), `${label}: ${status}`);
      assert.deepEqual(asked.map((value) => value.toLowerCase()), status === 101 ? ["websocket"] : [], `${label}: reached a gateway`);
    }
  }
});

/* ---- Methods ---- */

const POLLING = "GET, POST, OPTIONS";
const METHODS = [
  /* path, methods, status, Allow */
  ["/", ["GET", "HEAD"], 200],
  ["/", ["POST", "OPTIONS", "TRACE", "PUT", "get"], 405, "GET, HEAD"],
  [POLL, ["GET", "POST", "OPTIONS"], 200],
  ["/socket.io", ["GET", "POST", "OPTIONS"], 200],
  [POLL, ["HEAD", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get", "GETS", "G".repeat(5000)], 405, POLLING],
  ["/socket.io", ["TRACE"], 405, POLLING],
  ["/socket.io/socket.io.min.js", ["GET", "HEAD"], 200],
  ["/socket.io/socket.io.esm.min.js?v=1", ["GET", "HEAD"], 200],
  ["/socket.io/socket.io.min.js", ["POST", "OPTIONS", "TRACE", "PUT", "get"], 405, "GET, HEAD"],
  ["/socket.io/socket.io.js", ["GET"], 404],
  ["/socket.io/socket.io.min.js/", ["GET"], 404],
  ["/socket.io/socket.io.min.js.map", ["GET"], 404],
  ["/socket.io/Socket.io.min.js", ["GET"], 404],
  ["/socket.io/../socket.io/socket.io.min.js", ["GET"], 404],
  ["/socket.io//socket.io.min.js", ["GET"], 404],
  ["/socket.io/%73ocket.io.min.js", ["GET"], 404],
  ["/socket.io/socket.io.min.js;/x", ["GET"], 404],
  ["/socket.io.min.js", ["GET"], 404],
  ["/web/app.js", ["GET", "HEAD"], 200],
  ["/web/lang/en.js?v=1", ["GET", "HEAD"], 200],
  ["/web/%61pp.js", ["GET"], 200], /* as it is: a gateway decodes nothing */
  ["/web/app.js", ["POST", "OPTIONS", "TRACE", "PUT", "get"], 405, "GET, HEAD"],
  ["/web", ["GET"], 404],
  ["/Web/app.js", ["GET"], 404],
  ["/%77eb/app.js", ["GET"], 404],
  ["/x/web/app.js", ["GET"], 404],
  ["/../web/app.js", ["GET"], 404],
  ["//", ["GET"], 404],
  ["/index.html", ["GET"], 404],
  ["/login/x", ["GET", "HEAD", "POST", "OPTIONS", "TRACE", "PUT"], 200], /* auth-svc has its own 405 */
  ["/socket.io/x", ["GET", "TRACE"], 404],
  ["/nothing", ["GET", "TRACE"], 404],
];

test("methods: what a place has no use for is 405 in JSON, and no service sees it", async () => {
  for (const [path, methods, status, allow] of METHODS) {
    for (const method of methods) {
      const seen = door.gateway.requests.length + door.auth.requests.length;
      const answer = await door.ask(request(`${method} ${path} HTTP/1.1`), { method });
      const label = `${method.slice(0, 20)} ${path}`;
      assert.equal(answer.status, status, label);
      assert.equal(/\r\nallow: ([^\r]*)/i.exec(answer.head)?.[1], allow, label);
      if (status !== 200) {
        assert.match(answer.head, /\r\ncontent-type: application\/json/i, label);
        assert.match(answer.head, /\r\nconnection: close/i, label);
        assert.equal(door.gateway.requests.length + door.auth.requests.length, seen, label);
        assert.ok(method === "HEAD" || JSON.parse(answer.body).error.code, label);
      }
    }
  }
});

test("without a gateway / is a page in words, for GET and HEAD alone; all else is JSON", async (t) => {
  const lonely = await loneDoor({}, { gateways: 0 });
  t.after(() => lonely.stop());
  for (const on of [lonely.http, lonely.https]) {
    const page = await lonely.ask(request("GET / HTTP/1.1"), { on });
    assert.deepEqual([page.status, /\r\ncontent-type: ([^\r]*)/i.exec(page.head)?.[1]], [503, "text/html; charset=utf-8"]);
    assert.match(page.head, /\r\ncontent-security-policy: default-src 'none'/i);
    assert.match(page.head, /\r\ncache-control: no-store/i);
    assert.match(page.body, /^<!doctype html>.*not available just now.*\n$/s);
    assert.equal((await lonely.ask(request("HEAD / HTTP/1.1"), { on, method: "HEAD" })).status, 503);
    assert.equal((await lonely.ask(request("POST / HTTP/1.1", "Content-Length: 0"), { on })).status, 405);
    for (const path of ["/web/app.js", POLL, "/socket.io/socket.io.min.js"]) {
      const answer = await lonely.ask(request(`GET ${path} HTTP/1.1`), { on });
      assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [503, "unavailable"], path);
    }
  }
});

/* ---- Long-polling ---- */

const MEGABYTE = 1_000_000;

test("a POST of a megabyte reaches a gateway byte by byte, by length and in chunks", async () => {
  const body = Array.from({ length: MEGABYTE }, (_, i) => String.fromCharCode((i * 7 + (i >> 8)) & 0xff)).join("");
  for (const on of [door.http, door.https]) {
    const answer = await door.ask(request(`POST ${POLL} HTTP/1.1`, `Content-Length: ${MEGABYTE}`) + body, { on });
    assert.equal(answer.status, 200);
    assert.ok(door.gateway.last.body === body, "as it was sent");
  }
  const chunked = await door.ask(`${request(`POST ${POLL} HTTP/1.1`, "Transfer-Encoding: chunked")}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`);
  assert.equal(chunked.status, 200);
  assert.equal(door.gateway.last.body.replace(/[0-9a-f]+\r\n([a-e]*)\r\n/g, "$1"), "abcde");
});

test("a poll is held longer than a request may take, one that was given up is seen, and 504 ends it", async () => {
  let held;
  hasty.gateway.answer = (socket) => { held = socket; };
  const patient = new Line(hasty.http);
  patient.send(request(`GET ${POLL} HTTP/1.1`));
  await until("the poll is there", () => held);
  await pause(2 * REQUEST_MS); /* nothing to wait for: nothing is to happen */
  assert.equal(patient.closed, false);
  held.write(ok("at last"));
  assert.equal((await patient.wait(1))[0].body, "at last");
  patient.close();

  held = undefined;
  const impatient = new Line(hasty.http);
  const asked = performance.now();
  impatient.send(request(`GET ${POLL} HTTP/1.1`));
  await until("the poll is there", () => held);
  let gone;
  held.on("close", () => { gone = performance.now(); });
  impatient.close();
  await until("its end is seen", () => gone);
  assert.ok(gone - asked < ANSWER_MS, "not because its time was up");

  const forgotten = await hasty.ask(request(`GET ${POLL} HTTP/1.1`));
  assert.deepEqual([forgotten.status, JSON.parse(forgotten.body).error.code], [504, "unavailable"]);
});

test("a preflight reaches a gateway, and its answer comes back", async (t) => {
  const said = door.gateway.answer;
  t.after(() => { door.gateway.answer = said; });
  door.gateway.answer = (socket) => socket.write("HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: https://a.example\r\n\r\n");
  const answer = await door.ask(request(`OPTIONS ${POLL} HTTP/1.1`, "Origin: https://a.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type"));
  assert.equal(answer.status, 204);
  assert.match(answer.head, /\r\naccess-control-allow-origin: https:\/\/a\.example/i);
  assert.equal(header(door.gateway.last, "Origin"), "https://a.example");
  assert.equal(header(door.gateway.last, "Access-Control-Request-Method"), "POST");
});

/* ---- Who asks ---- */

const FORGED = [
  "Forwarded: for=9.9.9.9;proto=https", "X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: 8.8.8.8, 7.7.7.7", "x-forwarded-proto: https", "X-Forwarded-Host: evil",
  "X-Forwarded-Port: 1", "X-Forwarded-Anything: x", "X-Real-IP: 9.9.9.9", "X_Forwarded_For: 9.9.9.9", "X-Forwarded_For: 9.9.9.9",
  "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
];

test("who asks, and how, is said by the door alone", async () => {
  for (const [path, service] of [["/session", door.auth], [POLL, door.gateway]]) {
    for (const [on, proto] of [[door.http, "http"], [door.https, "https"]]) {
      for (const from of ["127.0.0.1", "127.0.0.2"]) {
        await door.ask(request(`GET ${path} HTTP/1.1`, ...FORGED, "X-Kept: yes"), { on: { ...on, from } });
        const { last } = service;
        assert.equal(header(last, "X-Forwarded-For"), from);
        assert.equal(header(last, "X-Forwarded-Proto"), proto);
        assert.equal(header(last, "X-Forwarded-Host"), "localhost");
        assert.equal(header(last, "X-Kept"), "yes");
        assert.doesNotMatch(last.head, /9\.9\.9\.9|7\.7\.7\.7|evil|anything|forwarded-port|http2-settings|_/i);
      }
    }
  }
});

/* Connection names headers that are to be taken away on the way: not the ones that the door sets. */
test("Connection takes away nothing that the door has set", async () => {
  await door.ask(request("GET /session HTTP/1.1", "Connection: X-Forwarded-For, X-Forwarded-Proto, close"));
  assert.equal(header(door.auth.last, "X-Forwarded-For"), "127.0.0.1");
  assert.equal(header(door.auth.last, "X-Forwarded-Proto"), "http");
});

test("a request never shares its connection to auth-svc, and none is sent twice", async (t) => {
  const said = door.auth.answer;
  t.after(() => { door.auth.answer = said; });
  const from = door.auth.requests.length;
  const line = new Line(door.http);
  for (let count = 1; count <= 3; count++) {
    line.send(request("GET /session HTTP/1.1"));
    assert.equal((await line.wait(count)).length, count);
  }
  line.close();
  const three = door.auth.requests.slice(from);
  assert.equal(new Set(three.map(({ connection }) => connection)).size, 3);
  assert.deepEqual(three.map((r) => header(r, "Connection")), ["close", "close", "close"]);

  door.auth.answer = (socket) => socket.destroy();
  const before = door.auth.requests.length;
  const broken = await door.ask(request("GET /login/once HTTP/1.1"));
  assert.deepEqual([broken.status, JSON.parse(broken.body).error.code], [502, "unavailable"]);
  assert.equal(door.auth.requests.length, before + 1);
});

/* ---- Gateways that are draining ---- */

const REFUSAL = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 11\r\nConnection: close\r\n\r\ngoing away\n";

test("of two gateways one refuses: a handshake gets the other one, by either transport; nothing else is sent twice", async (t) => {
  const two = await loneDoor({}, { gateways: 2 });
  t.after(() => two.stop());
  const [draining, serving] = two.gateways;
  draining.answer = (socket) => socket.end(REFUSAL);
  const asked = async (first, ...rest) => {
    const seen = two.gateways.map(({ requests }) => requests.length);
    const { status } = await two.ask(request(first, ...rest.slice(0, -1)) + rest.at(-1));
    return { status, first: draining.requests.length - seen[0], second: serving.requests.length - seen[1] };
  };
  const handshakes = ["/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=4&transport=polling&t=abc", "/socket.io?EIO=4&transport=polling"];
  let refused = 0;
  for (const path of [...handshakes, ...handshakes]) {
    const { status, first, second } = await asked(`GET ${path} HTTP/1.1`, "");
    assert.deepEqual([status, second], [200, 1], path);
    refused += first;
  }
  for (let i = 0; i < 4; i++) {
    const seen = draining.requests.length;
    const line = new Line(two.http);
    line.send(websocket());
    assert.equal((await line.wait(1))[0].status, 101);
    line.close();
    refused += draining.requests.length - seen;
  }
  assert.ok(refused > 0, "the one that refuses was asked first at least once");

  serving.answer = draining.answer;
  const other = [[`GET ${POLL} HTTP/1.1`, ""], [`POST ${POLL} HTTP/1.1`, "Content-Length: 1", "3"], ["POST /socket.io/?EIO=4&transport=polling HTTP/1.1", "Content-Length: 1", "3"],
    ["OPTIONS /socket.io/?EIO=4&transport=polling HTTP/1.1", ""], ["GET /socket.io/socket.io.min.js HTTP/1.1", ""], ["GET / HTTP/1.1", ""], ["GET /web/app.js HTTP/1.1", ""]];
  for (const [first, ...rest] of other) {
    const seen = await asked(first, ...rest);
    assert.deepEqual([seen.status, seen.first + seen.second], [503, 1], first);
  }
  const none = await asked("GET /socket.io/?EIO=4&transport=polling HTTP/1.1", "");
  assert.equal(none.status, 503, "when both refuse");
  assert.ok(none.first > 0 && none.second > 0);
});

/* ---- Slow ---- */

/* Sends the rest one byte at a time until there is an answer; how long that took. */
async function drip(on, first, rest) {
  const line = new Line(on);
  await line.ready;
  const start = performance.now();
  line.send(first);
  for (let i = 0; i < rest.length && !line.closed && line.answers.length === 0; i++) {
    line.send(rest[i]);
    await pause(50);
  }
  const [answer] = await line.wait(1);
  line.close();
  return { status: answer?.status, ms: performance.now() - start };
}

const DRIP_MS = 100_000; /* what dripping all of it would take */
const SLOW = [
  /* what, first bytes, the rest, byte by byte */
  ["a header", "GET /session HTTP/1.1\r\nHost: localhost\r\nX-Any: ", "a".repeat(2000)],
  ["many headers", "GET /session HTTP/1.1\r\nHost: localhost\r\n", "A: b\r\n".repeat(50) + "C: ".padEnd(2000)],
  ["a request line", "GET /", "a".repeat(2000)],
  ["a body for auth-svc", request("POST /logout/x HTTP/1.1", "Content-Length: 2000"), "a".repeat(2000)],
];

test("what drips is cut when its time is up, whatever still comes, and no service has seen it", async () => {
  const seen = hasty.auth.requests.length;
  const cuts = await Promise.all(SLOW.flatMap(([what, first, rest]) =>
    [hasty.http, hasty.https].map(async (on) => ({ what, ...(await drip(on, first, rest)) }))));
  for (const { what, status, ms } of cuts) {
    assert.equal(status, 408, what);
    assert.ok(ms >= REQUEST_MS * 0.9 && ms < DRIP_MS / 4, `${what}: not before its time, nor long after it: ${ms.toFixed(0)} ms`);
  }
  assert.equal(hasty.auth.requests.length, seen);
});

/* ---- How many connections ---- */

const LIMIT = 3;
const websocket = () => UPGRADES[0][3]({ ...words("gateway", "none"), hidden: "" });

/* A connection that stays: true when it was let in. */
async function enter(lines, on) {
  const line = new Line(on);
  lines.push(line);
  line.send(websocket());
  const [answer] = await line.wait(1);
  assert.ok(answer?.status === 101 || (line.text === "" && line.closed), line.text);
  return answer?.status === 101;
}

for (const bind of ["127.0.0.1", "::ffff:127.0.0.1"]) {
  test(`MAX_CONNECTIONS_PER_ADDRESS=${LIMIT}, listening on ${bind}: of each address so many, over http and https`, async (t) => {
    const narrow = await loneDoor({ MAX_CONNECTIONS_PER_ADDRESS: `${LIMIT}`, BIND: bind });
    const lines = [];
    t.after(() => { lines.forEach((line) => line.close()); return narrow.stop(); });
    const ipv4 = (on, from) => ({ ...on, host: "127.0.0.1", from });
    for (const from of ["127.0.0.2", "127.0.0.3"]) {
      for (let i = 0; i < LIMIT; i++) {
        assert.ok(await enter(lines, ipv4(i % 2 ? narrow.https : narrow.http, from)), `${from}, number ${i + 1}`);
      }
      assert.equal(await enter(lines, ipv4(narrow.http, from)), false, `${from}: one more`);
    }
    lines[0].close();
    await until("the place of one that left is free", () => enter(lines, ipv4(narrow.http, "127.0.0.2")));
    assert.equal(await enter(lines, ipv4(narrow.http, "127.0.0.2")), false);
  });
}

test("without a limit there is none", async (t) => {
  const lines = [];
  t.after(() => lines.forEach((line) => line.close()));
  for (let i = 0; i < 50; i++) {
    assert.ok(await enter(lines, door.http), `number ${i + 1}`);
  }
});

/* ---- Threads ---- */

for (const [asked, count] of [["3", 3], ["", Math.min(availableParallelism(), 64)]]) {
  test(`DOOR_THREADS=${asked}: ${count}`, async (t) => {
    const other = await loneDoor({ DOOR_THREADS: asked });
    t.after(() => other.stop());
    assert.match(readFileSync(`/proc/${other.pid}/status`, "utf8"), new RegExp(`^Threads:\\s*${count}$`, "m"));
  });
}
