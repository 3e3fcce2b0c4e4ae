/* session.test.mjs - logging in, and who may connect: over http and https, token and cookie */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, login, logout, refusal, scene } from "../support/client.mjs";
import { handshake, request, secrets } from "../support/http.mjs";
import { useStack } from "../support/stack.mjs";

const FRIEND = "http://friend.example";
const stack = useStack({ AUTH_SVCS: "2", ALLOWED_ORIGINS: `${FRIEND}, https://app.example:8443` });
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const FORGED = "A".repeat(43);

const code = (res) => res.json?.error?.code;
const cookieOf = (res) => res.headers["set-cookie"]?.[0]?.split(";")[0];
const flagsOf = (res) => res.headers["set-cookie"][0].split("; ").slice(1).sort();

/* ---- HTTP ---- */

test("login and logout over http and https: token, cookie, expires_in, safe headers", async (t) => {
  for (const [base, cookie, flags] of [
    [stack.door, "session", ["HttpOnly", "Path=/", "SameSite=Lax"]],
    [stack.tlsDoor, "__Host-session", ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]],
  ]) {
    await t.test(base.split(":")[0], async () => {
      const res = await login(base, "Alice");
      assert.equal(res.status, 200, res.body);
      assert.deepEqual(Object.keys(res.json).sort(), ["expires_in", "token", "username"]);
      assert.equal(res.json.username, "Alice", "shown as typed");
      assert.match(res.json.token, TOKEN);
      assert.ok(res.json.expires_in > 0 && res.json.expires_in <= 60, `expires_in ${res.json.expires_in}`);
      assert.equal(cookieOf(res), `${cookie}=${res.json.token}`);
      assert.deepEqual(flagsOf(res), flags);
      assert.equal(res.headers["cache-control"], "no-store");
      assert.equal(res.headers["x-content-type-options"], "nosniff");
      assert.equal(res.headers["referrer-policy"], "no-referrer");

      const out = await request(base, "/logout/alice", { headers: { cookie: cookieOf(res) } });
      assert.equal(out.status, 200, out.body);
      assert.match(out.headers["set-cookie"][0], new RegExp(`^${cookie}=;.*Max-Age=0`), "clears the cookie");
      const again = await request(base, "/logout/alice", { headers: { cookie: cookieOf(res) } });
      assert.deepEqual([again.status, code(again)], [401, "not_logged_in"], "the token is dead");
    });
  }
});

test("a password is accepted in every form, and ignored", async () => {
  const password = "correct-horse-battery";
  secrets.add(password);
  for (const [path, options] of [
    ["/login/pat", { method: "POST", body: `password=${password}`, headers: { "Content-Type": "application/x-www-form-urlencoded" } }],
    ["/login/pat", { method: "POST", body: JSON.stringify({ password }), headers: { "Content-Type": "application/json" } }],
    ["/login/pat", { method: "POST", body: `{"password": "${password}` }],
    [`/login/pat?password=${password}`, {}],
    ["/login/pat", { method: "POST" }],
    ["/login/pat", { method: "POST", body: "x".repeat(4096) }],
  ]) {
    const res = await request(stack.door, path, options);
    assert.equal(res.status, 200, `${path} ${options.body}: ${res.body}`);
    secrets.add(res.json.token);
    assert.equal((await logout(stack.door, "pat", res.json.token)).status, 200);
  }
  const large = await request(stack.door, "/login/pat", { method: "POST", body: "x".repeat(4097) });
  assert.deepEqual([large.status, code(large)], [413, "too_large"]);
});

test("a taken name is 409, in any case, also with its own cookie; Retry-After while nobody is online", async (t) => {
  const { user, join } = scene(t, stack);
  const dora = await user("dora");
  for (const [name, headers] of [
    [dora.name, {}],
    [dora.name.toUpperCase(), {}],
    [dora.name, { cookie: `session=${dora.token}` }],
  ]) {
    const res = await login(stack.door, name, { headers });
    assert.deepEqual([res.status, code(res)], [409, "already_logged_in"]);
    const wait = Number(res.headers["retry-after"]);
    assert.ok(wait >= 1 && wait <= 60, `Retry-After ${wait} of a login not yet used`);
  }
  await join(dora);
  const online = await login(stack.door, dora.name);
  assert.equal(online.status, 409);
  assert.equal(online.headers["retry-after"], undefined, "while online nobody knows how long");
});

test("logout needs the user's own token: none or unknown 401, another's 403", async (t) => {
  const { user } = scene(t, stack);
  const [eve, fred] = [await user("eve"), await user("fred")];
  for (const [token, status, expected] of [
    [undefined, 401, "not_logged_in"], [FORGED, 401, "not_logged_in"], ["short", 401, "not_logged_in"],
    [fred.token, 403, "forbidden"],
  ]) {
    const res = await logout(stack.door, eve.name, token);
    assert.deepEqual([res.status, code(res)], [status, expected], `token ${token}`);
  }
  const inUrl = await request(stack.door, `/logout/${eve.name}?token=${eve.token}`);
  assert.equal(inUrl.status, 401, "never in the URL");
  const beaten = await request(stack.door, `/logout/${eve.name}`,
    { headers: { Authorization: `Bearer ${FORGED}`, cookie: `session=${eve.token}` } });
  assert.equal(beaten.status, 401, "a Bearer token beats the cookie and never falls back");
  assert.equal((await logout(stack.door, eve.name.toUpperCase(), eve.token)).status, 200, "names have no case");
});

test("GET /session tells a reloaded page who it is", async (t) => {
  const { user } = scene(t, stack);
  const gil = await user("Gil");
  const res = await request(stack.door, "/session", { headers: { cookie: `session=${gil.token}` } });
  assert.equal(res.status, 200);
  assert.equal(res.json.username, gil.name);
  assert.ok(res.json.expires_in > 86_000 && res.json.expires_in <= 86_400, `${res.json.expires_in} s to the maximum age`);
  for (const headers of [{}, { cookie: `session=${FORGED}` }, { cookie: `__Host-session=${gil.token}` }]) {
    const none = await request(stack.door, "/session", { headers });
    assert.deepEqual([none.status, code(none)], [401, "not_logged_in"]);
  }
});

test("other methods are 405 with Allow, other paths 404, inner ports stay inside", async () => {
  for (const method of ["PUT", "DELETE", "PATCH", "HEAD"]) {
    const res = await request(stack.door, "/login/hal", { method });
    assert.equal(res.status, 405, method);
    assert.match(res.headers.allow ?? "", /GET/, `${method}: Allow`);
    assert.equal(code(res), method === "HEAD" ? undefined : "method_not_allowed");
  }
  for (const path of ["/healthz", "/readyz", "/metrics", "/login", "/nothing", "/session/x"]) {
    const res = await request(stack.door, path);
    assert.deepEqual([res.status, code(res)], [404, "not_found"], path);
  }
});

/* ---- Requests that another site makes a browser send ---- */

test("cross-site requests can neither log in nor log out", async (t) => {
  const own = stack.door;
  const { port } = new URL(own);
  const table = [
    /* headers, may it? */
    [{}, true],
    [{ "Sec-Fetch-Site": "none" }, true],
    [{ "Sec-Fetch-Site": "same-origin" }, true],
    [{ "Sec-Fetch-Site": "same-origin", Origin: own }, true],
    [{ Origin: own }, true],
    [{ Origin: FRIEND }, true],
    [{ "Sec-Fetch-Site": "cross-site", Origin: FRIEND }, true],
    [{ "Sec-Fetch-Site": "cross-site", Origin: "https://app.example:8443" }, true],
    [{ "Sec-Fetch-Site": "cross-site" }, false],
    [{ "Sec-Fetch-Site": "same-site" }, false],
    [{ "Sec-Fetch-Site": "bogus" }, false],
    [{ "Sec-Fetch-Site": "cross-site", Origin: "http://evil.example" }, false],
    [{ Origin: "http://evil.example" }, false],
    [{ Origin: "null" }, false],
    [{ Origin: own.replace("http:", "https:") }, false],
    [{ Origin: `${own}.evil.example` }, false],
    [{ Origin: `http://evil.example/${own}` }, false],
    [{ Origin: `http://127.0.0.1:${Number(port) + 1}` }, false],
    [{ Origin: "http://127.0.0.1" }, false],
    [{ Origin: "https://app.example" }, false],
    [{ Origin: `${FRIEND}.evil.example` }, false],
    [{ "Sec-Purpose": "prefetch" }, false],
    [{ "Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Site": "same-origin" }, false],
  ];
  for (const [headers, may] of table) {
    await t.test(`${may ? "may" : "may not"}: ${JSON.stringify(headers).replaceAll(port, "PORT")}`, async () => {
      const res = await login(stack.door, "Ida", { headers });
      assert.deepEqual([res.status, code(res)], may ? [200, undefined] : [403, "cross_site"]);
      const { token } = may ? res.json : (await login(stack.door, "Ida")).json;
      const out = await request(stack.door, "/logout/ida", { headers: { ...headers, cookie: `session=${token}` } });
      assert.deepEqual([out.status, code(out)], may ? [200, undefined] : [403, "cross_site"]);
      if (!may) {
        assert.equal((await logout(stack.door, "ida", token)).status, 200, "and the session is still there");
      }
    });
  }
});

test("an allowed origin gets the CORS headers, others none", async () => {
  const ok = await request(stack.door, "/session", { headers: { Origin: FRIEND } });
  assert.equal(ok.headers["access-control-allow-origin"], FRIEND);
  assert.equal(ok.headers["access-control-allow-credentials"], "true");
  assert.match(ok.headers.vary ?? "", /Origin/i);
  const other = await request(stack.door, "/session", { headers: { Origin: "http://evil.example" } });
  assert.equal(other.headers["access-control-allow-origin"], undefined);
});

test("a WebSocket handshake from another origin is 403", async () => {
  const own = stack.door;
  for (const [origin, status] of [
    [undefined, 101], [own, 101], [FRIEND, 101],
    ["http://evil.example", 403], ["null", 403], [`${own}.evil.example`, 403],
    [own.replace("http:", "https:"), 403], ["http://127.0.0.1", 403],
  ]) {
    const res = await handshake(stack.door, origin ? { Origin: origin } : {});
    assert.equal(res.status, status, `Origin ${origin}`);
    if (status === 403) {
      assert.equal(res.json?.code, 4, `the Engine.IO error says "forbidden": ${res.body}`);
    }
  }
});

/* ---- Connecting ---- */

test("connecting with the token or the cookie, over ws and wss", async (t) => {
  for (const [base, cookie] of [[stack.door, "session"], [stack.tlsDoor, "__Host-session"]]) {
    const { user, keep } = scene(t, stack);
    const jan = await user("Jan");
    for (const how of [{ token: jan.token }, { cookie: `${cookie}=${jan.token}` }, { cookie: `a=1; ${cookie}=${jan.token}; b=2` }]) {
      const peer = keep(await connect(base, how));
      assert.equal(peer.collect("session")[0].username, jan.name);
    }
  }
});

test("after CONNECT: session first, then the full list, oneself in it, once", async (t) => {
  const { enter } = scene(t, stack);
  const kim = await enter("Kim");
  const events = kim.diary.map((e) => e.event);
  assert.deepEqual(events.slice(0, 3), [":connect", "session", "user_change_in"]);
  assert.deepEqual(kim.collect("session"), [{ username: kim.name, recovered: false, message_max_bytes: 4096 }]);
  const [list] = kim.collect("user_change_in");
  assert.deepEqual(Object.keys(list).sort(), ["cursor", "users"]);
  assert.equal(list.users.filter((name) => name === kim.name).length, 1);
  assert.equal(typeof list.cursor, "string");
});

const REFUSED = [
  /* label, what is sent (given a live user's token), code */
  ["no session", () => ({}), "not_logged_in"],
  ["an empty auth", () => ({ auth: {} }), "not_logged_in"],
  ["another cookie", () => ({ cookie: "other=1" }), "not_logged_in"],
  ["the https cookie over http", (token) => ({ cookie: `__Host-session=${token}` }), "not_logged_in"],
  ["a forged token", () => ({ token: FORGED }), "session_expired"],
  ["a forged cookie", () => ({ cookie: `session=${FORGED}` }), "session_expired"],
  ["no token at all by its shape", () => ({ token: "{chat}:user:*" }), "session_expired"],
  ["a token one character short", (token) => ({ token: token.slice(0, -1) }), "session_expired"],
  ["a forged token, beside a good cookie", (token) => ({ token: FORGED, cookie: `session=${token}` }), "session_expired"],
];

for (const [label, sent, expected] of REFUSED) {
  test(`connecting with ${label}: CONNECT_ERROR ${expected}, for good`, async (t) => {
    const { user } = scene(t, stack);
    const lea = await user("lea");
    const answer = await refusal(stack.door, { ...sent(lea.token), reconnection: true });
    assert.deepEqual(answer.data, { code: expected });
    assert.equal(typeof answer.message, "string");
    assert.equal(answer.active, false, "clients do not try again by themselves");
  });
}

test("the http cookie over https counts for nothing", async (t) => {
  const { user } = scene(t, stack);
  const mia = await user("mia");
  const answer = await refusal(stack.tlsDoor, { cookie: `session=${mia.token}` });
  assert.deepEqual(answer.data, { code: "not_logged_in" });
});

test("connecting with an ended session: CONNECT_ERROR session_expired", async (t) => {
  const { user } = scene(t, stack);
  const ned = await user("ned");
  await logout(stack.door, ned.name, ned.token);
  const answer = await refusal(stack.door, { token: ned.token });
  assert.deepEqual(answer.data, { code: "session_expired" });
});

test("a token is an old one after the next login", async (t) => {
  const { user } = scene(t, stack);
  const first = await user("ole");
  await logout(stack.door, first.name, first.token);
  const second = await login(stack.door, first.name);
  assert.notEqual(second.json.token, first.token);
  assert.deepEqual((await refusal(stack.door, { token: first.token })).data, { code: "session_expired" });
  const peer = await connect(stack.door, { token: second.json.token });
  peer.close();
  await logout(stack.door, first.name, second.json.token);
});

stack.lastTest();
