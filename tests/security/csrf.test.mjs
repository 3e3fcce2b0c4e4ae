/* csrf.test.mjs - what pages of other sites can make a browser ask for, and what it does
 *
 * Every combination is judged by a rule of its own (`expected`), its answer by its CORS headers, and
 * Redis is asked afterwards whether what the answer said is what happened. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { login } from "../support/client.mjs";
import { request, secrets } from "../support/http.mjs";
import { useStack } from "../support/stack.mjs";
import { ALLOWED, FRIEND, HOST_FORMS, eachOf, originForms } from "./origin_forms.mjs";

const stack = useStack({
  ALLOWED_ORIGINS: ALLOWED, RATE_LOGINS: "100000:100000", PENDING_S: "600", AUTH_SVCS: "2", GATEWAYS: "1",
});
const doors = () => [stack.door, stack.tlsDoor];
const cookieName = (base) => (base.startsWith("https") ? "__Host-session" : "session");
const code = (res) => res.json?.error?.code;

/* ---- The rule ---- */

const METHODS = { login: ["GET", "POST"], logout: ["GET", "POST"], session: ["GET"] };

/* The status, by what the table says of the request. */
function expected({ action, method, origin, site, ahead, credential }) {
  if (method === "OPTIONS") {
    return { listed: 204, foreign: 403 }[origin] ?? 405;
  }
  if (!METHODS[action].includes(method)) {
    return 405;
  }
  const trusted = origin === "own" || origin === "listed";
  const byUs = site === undefined || site === "none" || site === "same-origin";
  if (ahead || origin === "foreign" || !(byUs || trusted)) {
    return 403;
  }
  return action === "login" || credential ? 200 : 401;
}

const CODES = { 401: "not_logged_in", 403: "cross_site", 405: "method_not_allowed" };

/* ---- One table: requests, their answers, and what became of the sessions ---- */

let count = 0;

class Table {
  #made = []; /* names that a login must have made */
  #not = []; /* and those that it must not */
  #ended = [];
  seen = {}; /* how often each status was right */

  constructor(base) {
    this.base = base;
  }
  async #session() {
    const name = `s${++count}`;
    const res = await login(this.base, name);
    assert.equal(res.status, 200, `${name}: ${res.body}`);
    return { name, token: res.json.token };
  }
  /* One whose session every refused request offers, and nobody may end. */
  async start() {
    this.victim = await this.#session();
    return this;
  }

  async ask({ action = "login", method = "GET", origin = ["absent", undefined, "absent"], site, purpose = {}, credential, more = {} }) {
    const [, value, verdict] = origin;
    const want = expected({ action, method, origin: verdict, site, ahead: Object.keys(purpose).length > 0, credential });
    const who = action === "logout" && want === 200 ? await this.#session() : this.victim;
    const name = action === "login" ? `n${++count}` : who.name;
    const headers = {
      ...(value === undefined ? {} : { Origin: value }), ...(site === undefined ? {} : { "Sec-Fetch-Site": site }), ...purpose, ...more,
      ...(credential === "cookie" ? { cookie: `${cookieName(this.base)}=${who.token}` } : {}),
      ...(credential === "bearer" ? { Authorization: `Bearer ${who.token}` } : {}),
    };
    const path = action === "session" ? "/session" : `/${action}/${name}`;
    const res = await request(this.base, path, { method, headers });
    const label = `${method} ${path} ${JSON.stringify({ ...headers, Authorization: undefined, cookie: undefined })} ${credential ?? "no token"}`;
    if (res.json?.token) {
      secrets.add(res.json.token);
    }
    assert.equal(res.status, want, `${label}: ${res.body}`);
    assert.equal(code(res), method === "HEAD" ? undefined : CODES[want], label);
    judgeCors(label, res, verdict, value);
    assert.equal(res.headers["set-cookie"] !== undefined, want === 200 && action !== "session", `${label}: a cookie with success alone`);
    this.seen[want] = (this.seen[want] ?? 0) + 1;
    if (action === "login") {
      (want === 200 ? this.#made : this.#not).push(name);
    } else if (action === "logout" && want === 200) {
      this.#ended.push(who.name);
    }
    return res;
  }

  /* What Redis holds is what the answers said. */
  async judge(t) {
    const keys = new Set((await stack.redis("--scan", "--pattern", "{chat}:user:*")).split("\n"));
    const has = (name) => keys.has(`{chat}:user:${name}`);
    assert.deepEqual(this.#made.filter((name) => !has(name)), [], "a login that was answered 200 is there");
    assert.deepEqual(this.#not.filter(has), [], "a login that was refused is not");
    assert.deepEqual(this.#ended.filter(has), [], "a logout that was answered 200 has ended the session");
    assert.ok(has(this.victim.name), "no refused logout has");
    assert.equal((await request(this.base, "/session", { headers: { Authorization: `Bearer ${this.victim.token}` } })).status, 200);
    t.diagnostic(`${this.base.split(":")[0]}: ${JSON.stringify(this.seen)}, ${this.#made.length} logged in, ${this.#ended.length} logged out`);
    return { made: this.#made.length, refused: this.#not.length, ended: this.#ended.length };
  }
}

function judgeCors(label, res, verdict, value) {
  const granted = res.headers["access-control-allow-origin"];
  assert.equal(granted, verdict === "listed" ? value : undefined, `${label}: Access-Control-Allow-Origin`);
  assert.equal(res.headers["access-control-allow-credentials"], verdict === "listed" ? "true" : undefined, label);
  assert.match(res.headers.vary ?? "", /(^|,\s*)origin(\s*,|$)/i, `${label}: Vary`);
  assert.equal(res.headers["cache-control"], "no-store", label);
  const preflight = res.status === 204;
  assert.equal(res.headers["access-control-allow-methods"] !== undefined, preflight, label);
  assert.equal(res.headers["access-control-allow-headers"], preflight ? "authorization, content-type" : undefined, label);
  if (preflight) {
    assert.doesNotMatch(res.headers["access-control-allow-methods"], /\*/);
    assert.equal(res.body, "");
  }
}

function* product(axes) {
  const [[name, values], ...rest] = axes;
  for (const value of values) {
    for (const others of rest.length ? product(rest) : [{}]) {
      yield { [name]: value, ...others };
    }
  }
}
const rows = (axes) => [...product(Object.entries(axes))];

/* ---- The axes ---- */

const ACTIONS = ["login", "logout", "session"];
const ALL_METHODS = ["GET", "POST", "HEAD", "PUT", "OPTIONS"];
const SITES = [undefined, "none", "same-origin", "same-site", "cross-site", "Same-Origin", "junk"];
const AHEAD = [
  { "Sec-Purpose": "prefetch" }, { "Sec-Purpose": "prefetch;prerender" }, { "Sec-Purpose": "Prefetch" },
  { "Sec-Purpose": "prefetch;anonymous-client-ip" }, { Purpose: "prefetch" }, { Purpose: "prefetch", "Sec-Purpose": "prefetch" },
];
const MODES = ["navigate", "cors", "no-cors", "same-origin", "websocket", "junk"];
const DESTS = ["document", "image", "iframe", "script", "empty", "junk"];

function kinds(base) {
  const forms = originForms(base);
  return ["absent", "own", "listed", "null", "another"].map((label) => forms.find((form) => form[0] === label));
}

for (const secure of [false, true]) {
  const scheme = secure ? "https" : "http";

  test(`${scheme}: method x origin x Sec-Fetch-Site x address`, async (t) => {
    const base = doors()[Number(secure)];
    const table = await new Table(base).start();
    const methods = secure ? ["GET", "POST", "OPTIONS"] : ALL_METHODS;
    await eachOf(rows({ action: ACTIONS, method: methods, origin: kinds(base), site: SITES, credential: ["cookie"] }), (row) => table.ask(row));
    const { made, refused, ended } = await table.judge(t);
    assert.ok(made >= 30 && refused >= 30 && ended >= 30, "all ends were seen");
  });

  test(`${scheme}: ${originForms("http://127.0.0.1:5000").length} ways to write an Origin`, async (t) => {
    const base = doors()[Number(secure)];
    const table = await new Table(base).start();
    const methods = secure ? ["GET", "OPTIONS"] : ["GET", "POST", "OPTIONS"];
    const sites = secure ? ["cross-site"] : [undefined, "cross-site", "same-origin"];
    await eachOf(rows({ action: ACTIONS, method: methods, origin: originForms(base), site: sites, credential: ["cookie"] }), (row) => table.ask(row));
    await table.judge(t);
    assert.ok(table.seen[200] && table.seen[204] && table.seen[403] && table.seen[405], JSON.stringify(table.seen));
  });

  test(`${scheme}: asked ahead of time is refused, whoever asks`, async (t) => {
    const base = doors()[Number(secure)];
    const table = await new Table(base).start();
    await eachOf(rows({
      action: ACTIONS, method: ["GET", "POST"], origin: kinds(base), site: [undefined, "none", "same-origin", "cross-site"],
      purpose: AHEAD, credential: ["cookie"],
    }).filter((_, i) => !secure || i % 4 === 0), (row) => table.ask(row));
    await table.judge(t);
    assert.equal(table.seen[200], undefined, "none came through");
  });
}

test("mode and destination of a request change nothing", async (t) => {
  const table = await new Table(stack.door).start();
  const more = rows({ "Sec-Fetch-Mode": MODES, "Sec-Fetch-Dest": DESTS });
  await eachOf(rows({ action: ["login", "logout"], site: ["cross-site", "same-origin"], more, credential: ["cookie"] }), (row) => table.ask(row));
  const { made, refused } = await table.judge(t);
  assert.equal(made, refused);
});

test("no token, a cookie, a token in the header: the origin is judged before", async (t) => {
  for (const base of doors()) {
    const table = await new Table(base).start();
    await eachOf(rows({
      action: ["logout", "session"], method: ["GET", "POST"], origin: kinds(base), site: [undefined, "same-origin", "cross-site"],
      credential: [undefined, "cookie", "bearer"],
    }), (row) => table.ask(row));
    await table.judge(t);
  }
});

test("the door's own name, as browsers write it", async (t) => {
  const table = await new Table(stack.door).start();
  await eachOf(rows({ origin: HOST_FORMS, site: [undefined, "same-origin"] }), ({ origin: [host, value, verdict], site }) =>
    table.ask({ origin: [host, value, verdict], site, more: { Host: host } }));
  await table.judge(t);
});

/* ---- The important ones, by hand ---- */

const CROSS = { "Sec-Fetch-Site": "cross-site" };
const EVIL = { Origin: "https://evil.example" };

const BY_HAND = [
  /* label, scheme, method, headers, status */
  ["typed into the address bar", "https", "GET", { "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" }, 200],
  ["curl", "http", "GET", {}, 200],
  ["our own page's fetch", "https", "POST", { "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", Origin: "OWN" }, 200],
  ["our own page over plain http", "http", "POST", { Origin: "OWN" }, 200],
  ["a listed page's fetch", "https", "POST", { ...CROSS, "Sec-Fetch-Mode": "cors", Origin: FRIEND }, 200],
  ["<img> on another site", "https", "GET", { ...CROSS, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image" }, 403],
  ["a link on another site", "https", "GET", { ...CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-User": "?1" }, 403],
  ["<iframe> on another site", "https", "GET", { ...CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe" }, 403],
  ["a form on another site", "https", "POST", { ...CROSS, ...EVIL, "Sec-Fetch-Mode": "navigate" }, 403],
  ["a form on another site, over plain http", "http", "POST", EVIL, 403],
  ["fetch() on another site, over plain http", "http", "GET", EVIL, 403],
  ["a sandboxed frame", "http", "POST", { Origin: "null" }, 403],
  ["a sister host", "https", "GET", { "Sec-Fetch-Site": "same-site" }, 403],
  ["what a page of http sends to https of the same host", "https", "POST", { Origin: "OWN-HTTP", "Sec-Fetch-Site": "cross-site" }, 403],
  ["a prefetched link on our own page", "https", "GET", { "Sec-Fetch-Site": "same-origin", "Sec-Purpose": "prefetch" }, 403],
  /* What PROTOCOL.md says stays open: browsers send neither header here. */
  ["a link on another site, over plain http", "http", "GET", {}, 200],
];

for (const [label, scheme, method, given, status] of BY_HAND) {
  test(`${scheme}, ${method}, ${label}: ${status === 200 ? "may" : "may not"} log in and out`, async () => {
    const base = scheme === "https" ? stack.tlsDoor : stack.door;
    const named = { OWN: base, "OWN-HTTP": stack.door };
    const headers = { ...given, ...(given.Origin ? { Origin: named[given.Origin] ?? given.Origin } : {}) };
    const name = `h${++count}`;
    const exists = () => stack.redis("EXISTS", `{chat}:user:${name}`);
    const res = await login(base, name, { method, headers });
    assert.equal(res.status, status, res.body);
    assert.equal(await exists(), status === 200 ? "1" : "0");
    const held = res.json.token ?? (await login(base, name)).json.token;
    const out = await request(base, `/logout/${name}`, { method, headers: { ...headers, cookie: `${cookieName(base)}=${held}` } });
    assert.equal(out.status, status);
    assert.equal(await exists(), status === 200 ? "0" : "1");
  });
}

stack.lastTest();
