/* sessions.test.mjs - tokens stay secret and cannot be planted; what is none opens nothing
 *
 * Runs at LOG_LEVEL=debug: what is not logged then is never logged. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect, login, logout, refusal, scene } from "../support/client.mjs";
import { openRaw } from "../support/frames.mjs";
import { request, secrets } from "../support/http.mjs";
import { askRaw } from "../support/raw_ws.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";
import { eachOf } from "./origin_forms.mjs";

const stack = useStack({ LOG_LEVEL: "debug", RATE_LOGINS: "100000:100000" });
const FORGED = "A".repeat(43);
const code = (res) => res.json?.error?.code;
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const sessionOf = (base, headers) => request(base, "/session", { headers });

/* ---- Fixation: a token that somebody else chose or knows ---- */

test("a login never takes over the token that it came with", async (t) => {
  for (const [base, cookie] of [[stack.door, "session"], [stack.tlsDoor, "__Host-session"]]) {
    const { user } = scene(t, stack);
    const mallory = await user("mallory");
    const chosen = "M".repeat(43);
    const table = [
      /* label, headers of the login */
      ["a cookie of one's own making", { cookie: `${cookie}=${chosen}` }],
      ["another's valid cookie", { cookie: `${cookie}=${mallory.token}` }],
      ["several of the name", { cookie: `${cookie}=${chosen}; ${cookie}=${mallory.token}; ${cookie}=` }],
      ["several Cookie headers", { cookie: [`${cookie}=${mallory.token}`, `${cookie}=${chosen}`] }],
      ["the other scheme's cookie too", { cookie: `session=${mallory.token}; __Host-session=${mallory.token}` }],
      ["a header", bearer(mallory.token)],
      ["a header of one's own making", bearer(chosen)],
      ["all of it", { ...bearer(chosen), cookie: `${cookie}=${chosen}` }],
    ];
    for (const [i, [label, headers]] of table.entries()) {
      const res = await login(base, `victim${i}`, { headers });
      assert.equal(res.status, 200, `${label}: ${res.body}`);
      const { token } = res.json;
      assert.ok(![chosen, mallory.token].includes(token), `${label}: a new token`);
      assert.deepEqual(res.headers["set-cookie"].map((line) => line.split(";")[0]), [`${cookie}=${token}`], label);
      assert.equal((await sessionOf(base, bearer(token))).json?.username, `victim${i}`, label);
      const forged = await sessionOf(base, bearer(chosen));
      assert.deepEqual([forged.status, code(forged)], [401, "not_logged_in"], `${label}: the chosen one opens nothing`);
      assert.equal((await sessionOf(base, bearer(mallory.token))).json?.username, mallory.name, `${label}: mallory is still mallory`);
      const theft = await logout(base, `victim${i}`, mallory.token);
      assert.deepEqual([theft.status, code(theft)], [403, "forbidden"], label);
      assert.equal((await logout(base, `victim${i}`, token)).status, 200, label);
    }
  }
});

test("after logout and the next login the old token is dead everywhere, the new one alive", async () => {
  const tokens = [];
  for (let round = 0; round < 3; round++) {
    const res = await login(stack.door, "phoenix");
    tokens.push(res.json.token);
    for (const [i, token] of tokens.entries()) {
      const alive = i === round;
      assert.equal((await sessionOf(stack.door, { cookie: `session=${token}` })).status, alive ? 200 : 401);
      if (!alive) {
        assert.equal((await logout(stack.door, "phoenix", token)).status, 401);
        assert.equal((await refusal(stack.door, { token })).data.code, "session_expired");
      }
    }
    const peer = await connect(stack.door, { token: tokens[round] });
    assert.equal((await logout(stack.door, "phoenix", tokens[round])).status, 200);
    await peer.waitFor(":disconnect");
  }
  assert.equal(new Set(tokens).size, 3);
});

/* ---- Where a token counts ---- */

test("each cookie on its own scheme alone, under its exact name", async (t) => {
  for (const [base, own, other] of [[stack.door, "session", "__Host-session"], [stack.tlsDoor, "__Host-session", "session"]]) {
    const { user } = scene(t, stack);
    const uma = await user("uma");
    for (const [name, status] of [
      [other, 401], [own.toUpperCase(), 401], [` ${own}x`, 401], [`x${own}`, 401], ["__Secure-session", 401],
      ["__host-session", 401], ["token", 401], [own, 200],
    ]) {
      const cookie = `${name}=${uma.token}`;
      assert.equal((await sessionOf(base, { cookie })).status, status, `${base} ${name}`);
      const out = await request(base, `/logout/${uma.name}`, { headers: { cookie } });
      assert.equal(out.status, status, `${base} ${name}`);
    }
  }
});

test("a token in the URL counts nowhere", async (t) => {
  const { user } = scene(t, stack);
  const { name, token } = await user("vera");
  for (const query of [`token=${token}`, `session=${token}`, `access_token=${token}`, `Authorization=Bearer%20${token}`, token]) {
    assert.equal((await request(stack.door, `/session?${query}`)).status, 401, query);
    assert.equal((await request(stack.door, `/logout/${name}?${query}`)).status, 401, query);
    for (const base of [stack.door, stack.gateway(1)]) {
      const [key, value] = query.split("=");
      const answer = await refusal(base, { query: { [key]: value ?? "" } });
      assert.deepEqual(answer.data, { code: "not_logged_in" }, `${base} ${query}`);
    }
  }
  for (const path of [`/session/${token}`, `/session;${token}`, `/${token}`]) {
    assert.equal((await request(stack.door, path)).status, 404, path);
  }
  assert.equal((await sessionOf(stack.door, bearer(token))).status, 200, "it is a good one");
});

const SAFE = { "cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff" };

test("every answer that holds a token, or refuses one: not stored, no Referer, type not guessed", async (t) => {
  const { user } = scene(t, stack);
  const will = await user("will");
  for (const base of [stack.door, stack.tlsDoor]) {
    const fresh = await login(base, "wanda");
    const answers = [
      fresh, await login(base, "wanda"), await login(base, "-"), await sessionOf(base, {}), await sessionOf(base, bearer(will.token)),
      await logout(base, "wanda", will.token), await logout(base, "wanda", FORGED), await request(base, "/login/x", { method: "DELETE" }),
      await logout(base, "wanda", fresh.json.token),
    ];
    assert.deepEqual(answers.map((res) => res.status), [200, 409, 400, 401, 200, 403, 401, 405, 200]);
    for (const res of answers) {
      for (const [name, value] of Object.entries(SAFE)) {
        assert.equal(res.headers[name], value, `${res.status} ${res.body.slice(0, 40)}: ${name}`);
      }
      assert.equal(res.headers["content-type"], "application/json");
      assert.equal(res.headers.server, undefined, "nobody needs to know what we run");
    }
    assert.equal(answers.filter((res) => res.body.includes(fresh.json.token)).length, 1, "it is told once");
  }
});

/* ---- What is no token ---- */

const JUNK = [
  "", " ", "A", "A".repeat(42), "A".repeat(44), "A".repeat(86), "A".repeat(3000), "A".repeat(42) + "=", "A".repeat(42) + "+", "A".repeat(42) + "/",
  "A".repeat(42) + "*", "A".repeat(42) + "%", "%41".repeat(43), "*", "{chat}:user:*", "../../../etc/passwd", "' OR 1=1 --", "null", "undefined", "[object Object]",
  "\"" + "A".repeat(43) + "\"", "A".repeat(42) + "\u00e9", "ended", "0", "-1", "true",
];

test(`${JUNK.length} things that are no token: 401, alike, as cookie and in the header`, async (t) => {
  const { user } = scene(t, stack);
  const someone = await user("xena");
  const hash = sha256(someone.token);
  const bodies = new Set();
  for (const junk of [...JUNK, hash, hash.slice(0, 43), someone.token.toLowerCase(), ` ${someone.token.slice(1)}`, someone.token.slice(1), `${someone.token}A`]) {
    for (const headers of [{ cookie: `session=${junk}` }, { Authorization: `Bearer ${junk}` }, { Authorization: junk }, { Authorization: `Basic ${junk}` },
      { Authorization: `Bearer ${junk}`, cookie: `session=${someone.token}` }]) {
      for (const path of ["/session", `/logout/${someone.name}`]) {
        const res = await request(stack.door, path, { headers });
        assert.deepEqual([res.status, code(res)], [401, "not_logged_in"], `${path} ${JSON.stringify(headers).slice(0, 100)}: ${res.body}`);
        assert.equal(res.headers["www-authenticate"], "Bearer");
        bodies.add(res.body);
      }
    }
  }
  assert.equal(bodies.size, 1, "always the same words");
  assert.equal((await sessionOf(stack.door, bearer(someone.token))).status, 200, "xena is still here");
});

test("headers too large for anybody: refused, not truncated to something that fits", async (t) => {
  const { user } = scene(t, stack);
  const { token } = await user("yan");
  for (const size of [8_000, 20_000, 100_000]) {
    for (const headers of [{ cookie: `session=${token}; a=${"x".repeat(size)}` }, { cookie: `a=${"x".repeat(size)}; session=${"B".repeat(43)}` },
      { Authorization: `Bearer ${token}${"A".repeat(size)}` }]) {
      const lines = Object.entries(headers).map(([k, v]) => `${k}: ${v}\r\n`).join("");
      const res = await askRaw(new URL(stack.door).port, `GET /session HTTP/1.1\r\nHost: x\r\n${lines}Connection: close\r\n\r\n`);
      const right = headers.cookie?.startsWith(`session=${token}`) && size < 16_000 ? [200, 400, 401, 413, 431] : [0, 400, 401, 413, 431];
      assert.ok(right.includes(res.status), `${size}: ${res.status}`);
    }
  }
  assert.equal((await sessionOf(stack.door, bearer(token))).status, 200);
});

const AUTHS = [
  /* auth as raw JSON (<T>: the live token, <F>: a forged one), codes that are right; undefined: let in */
  ['{"token":"<T>"}', [undefined]],
  ['{"token":"<T>","x":1}', [undefined]],
  ['{"token":null}', ["not_logged_in"]],
  ['{"Token":"<T>"}', ["not_logged_in"]],
  ['{"token ":"<T>"}', ["not_logged_in"]],
  ['{"tok\\u0065n":"<T>"}', [undefined, "not_logged_in"]],
  ['{"token":""}', ["session_expired"]],
  ['{"token":" <T>"}', ["session_expired"]],
  ['{"token":"<T> "}', ["session_expired"]],
  ['{"token":"<T>\\u0000"}', ["session_expired"]],
  ['{"token":"\\u0000<T>"}', ["session_expired"]],
  ['{"token":["<T>"]}', ["session_expired"]],
  ['{"token":{"token":"<T>"}}', ["session_expired"]],
  ['{"token":0}', ["session_expired"]],
  ['{"token":1e999}', ["session_expired"]],
  ['{"token":true}', ["session_expired"]],
  ['{"token":false}', ["session_expired"]],
  ['{"token":"<T>","token":"<F>"}', ["session_expired"]],
  ['{"token":"<F>","token":"<T>"}', ["session_expired"]],
  [`{"token":"${"A".repeat(500_000)}"}`, ["session_expired"]],
];

test(`${AUTHS.length} forms of auth in CONNECT: none but the token lets in`, async (t) => {
  const { user } = scene(t, stack);
  const { token } = await user("zoe");
  for (const [auth, right] of AUTHS) {
    const raw = await openRaw(stack.door);
    raw.text(`40${auth.replace(/<([TF])>/g, (_, which) => (which === "T" ? token : FORGED))}`);
    const answer = await raw.waitText(auth.slice(0, 60), (text) => /^4[04]/.test(text));
    const got = answer.startsWith("40") ? undefined : JSON.parse(answer.slice(2)).data.code;
    assert.ok(right.includes(got), `${auth.slice(0, 60)}: ${answer}`);
    assert.ok(!answer.includes(token), "nothing is echoed");
    raw.destroy();
  }
});

/* ---- Names: every byte, at every place ---- */

const LETTER = /^[A-Za-z0-9]$/;
const INNER = /^[A-Za-z0-9._-]$/;

test("768 names, every byte first, in the middle and last: the rule and no more, nothing echoed", async () => {
  const good = [];
  const places = [0, 1, 2];
  const names = Array.from({ length: 256 }, (_, byte) => byte).flatMap((byte) => places.map((place) => ({ byte, place })));
  const bodies = new Set();
  await eachOf(names, async ({ byte, place }) => {
    const ch = String.fromCharCode(byte);
    const stem = `q${place}${byte}`; /* its own name for each, so that none is taken */
    const escape = `%${byte.toString(16).padStart(2, "0")}`;
    const raw = [escape + stem, stem + escape + "z", stem + escape][place];
    const res = await login(stack.door, raw);
    const may = byte < 128 && (place === 0 ? LETTER : INNER).test(ch);
    assert.equal(res.status, may ? 200 : 400, `${raw}: ${res.body}`);
    if (may) {
      assert.equal(res.json.username, decodeURIComponent(raw));
      good.push(res.json.username.toLowerCase());
    } else {
      assert.equal(code(res), "invalid_username", raw);
      assert.equal(res.headers["set-cookie"], undefined, raw);
      bodies.add(res.body);
    }
  });
  assert.equal(good.length, 62 + 65 + 65);
  assert.equal(bodies.size, 1, "the name is echoed nowhere");
  const keys = (await stack.redis("--scan", "--pattern", "{chat}:user:*q[012]*")).split("\n").filter((key) => /q[012]/.test(key));
  assert.deepEqual(keys.map((key) => key.slice("{chat}:user:".length)).sort(), [...new Set(good)].sort(), "and no key was made of one");
});

/* ---- Nobody who looks on sees a token ---- */

/* redis-cli MONITOR: all that any service asks of Redis. */
async function monitor(t) {
  const { socket, admin_password_file } = stack.run.redis;
  const password = (await readFile(admin_password_file, "utf8")).trim();
  const child = spawn("setpriv", ["--pdeathsig", "TERM", "redis-cli", "-s", socket, "--user", "admin", "MONITOR"],
    { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, REDISCLI_AUTH: password } });
  t.after(() => child.kill());
  const seen = { text: "" };
  child.stdout.on("data", (chunk) => { seen.text += chunk.toString("latin1"); });
  await until("MONITOR looks on", () => seen.text.startsWith("OK"));
  return seen;
}

/* Ways in which the same bytes could be written down. */
function writings(token) {
  const bytes = Buffer.from(token, "base64url");
  return {
    "as it is": token, "as hex": bytes.toString("hex"), "as base64": bytes.toString("base64").replace("=", ""),
    "hex of its letters": Buffer.from(token).toString("hex"), "its first half": token.slice(0, 22), "its second half": token.slice(21),
  };
}

test("login, connect by cookie and by token, messages, logout: neither MONITOR nor a log shows a token or a text", async (t) => {
  const seen = await monitor(t);
  const { user, join, keep } = scene(t, stack);
  const [ada, bea] = [await user("ada"), await user("bea")];
  const hidden = { text: `private ${FORGED}`, client_id: "an-id-that-logs-must-not-show" };
  const tabs = [await join(ada, stack.door), await join(bea, stack.tlsDoor)];
  tabs.push(keep(await connect(stack.door, { cookie: `session=${ada.token}` })));
  tabs.push(keep(await connect(stack.tlsDoor, { cookie: `__Host-session=${bea.token}` })));
  await tabs[0].say(bea.name, hidden.text, { client_id: hidden.client_id });
  await tabs[1].waitFor("message_in");
  await sessionOf(stack.door, { cookie: `session=${ada.token}` });
  await request(stack.door, `/session?token=${ada.token}`);
  await refusal(stack.door, { query: { token: ada.token } });
  await refusal(stack.door, { token: `${ada.token}x` });
  await logout(stack.door, ada.name, bea.token);
  tabs[0].cut();
  await logout(stack.door, ada.name, ada.token);
  await logout(stack.tlsDoor, bea.name, bea.token);
  await tabs[3].waitFor(":disconnect");

  for (const { token } of [ada, bea]) {
    await until("MONITOR saw the end of the session", () => seen.text.split(sha256(token)).length > 3);
    for (const [how, text] of Object.entries(writings(token))) {
      assert.ok(!seen.text.includes(text), `MONITOR shows a token ${how}`);
    }
  }
  assert.ok(seen.text.includes(hidden.text), "it saw the message, so it would have seen a token");

  for (const { name, log } of stack.run.processes) {
    const text = await readFile(log, "latin1");
    for (const { token } of [ada, bea]) {
      for (const [how, writing] of Object.entries({ ...writings(token), "as its hash": sha256(token) })) {
        assert.ok(!text.includes(writing), `${name}'s log shows a token ${how}`);
      }
    }
    for (const what of Object.values(hidden)) {
      assert.ok(!text.includes(what), `${name}'s log shows ${what}`);
    }
  }
  assert.ok((await readFile(stack.process("gateway-1").log, "latin1")).length > 0 && stack.process("haproxy") && stack.process("redis"), "there were logs to look at");
  assert.ok(secrets.has(ada.token));
});

stack.lastTest();
