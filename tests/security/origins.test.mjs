/* origins.test.mjs - a page of another site gets no connection: 403 before there is any session
 *
 * Browsers let any page open a WebSocket anywhere, and POST plain text, and send the cookie along;
 * the Origin header is all there is to tell.  So it is judged at the handshake of either transport
 * and at every request of a connection. */
import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { test } from "node:test";
import { scene } from "../support/client.mjs";
import { request, tlsOptions } from "../support/http.mjs";
import { RawPoll, target } from "../support/raw_poll.mjs";
import { askRaw, upgradeRequest } from "../support/raw_ws.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";
import { ALLOWED, FRIEND, HOST_FORMS, eachOf, originForms } from "./origin_forms.mjs";

const stack = useStack({ ALLOWED_ORIGINS: ALLOWED, GATEWAYS: "1" });
const WS = "/socket.io/?EIO=4&transport=websocket";

/* {status, headers, body} of a handshake through the door; a 101 is hung up at once. */
function shake(base, headers, path = WS) {
  const url = new URL(base);
  const secure = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const req = (secure ? https : http).request({
      host: url.hostname, port: url.port, path, agent: false, timeout: 15_000, ...(secure ? tlsOptions() : {}),
      headers: {
        Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", ...headers,
      },
    });
    req.on("timeout", () => req.destroy(new Error("handshake: no answer")));
    req.on("error", reject);
    req.on("upgrade", (res, socket) => { socket.destroy(); resolve({ status: 101, headers: res.headers, body: "" }); });
    req.on("response", (res) => {
      let body = "";
      res.on("data", (chunk) => { body += chunk; });
      res.on("end", () => resolve({ status: res.statusCode, headers: res.headers, body }));
    });
    req.end();
  });
}

/* Of the only gateway, as it tells Redis with each renewal of its lease. */
async function connections() {
  const [id] = (await stack.redis("ZRANGE", "{chat}:gateways", "0", "-1")).split("\n");
  return JSON.parse(await stack.redis("GET", `{chat}:gateway:${id}`)).connections;
}

function judgeHeaders(label, res) {
  for (const name of Object.keys(res.headers)) {
    assert.ok(!name.startsWith("access-control-"), `${label}: a WebSocket needs no ${name}`);
  }
  assert.equal(res.headers["set-cookie"], undefined, label);
}

for (const secure of [false, true]) {
  test(`${secure ? "https" : "http"}: ${originForms("http://127.0.0.1:5000").length} origins at the handshake, the victim's cookie with each`, async (t) => {
    const base = secure ? stack.tlsDoor : stack.door;
    const victim = await scene(t, stack).user("victim");
    const cookie = `${secure ? "__Host-session" : "session"}=${victim.token}`;
    let let_in = 0;
    await eachOf(originForms(base), async ([label, value, verdict]) => {
      const res = await shake(base, { cookie, ...(value === undefined ? {} : { Origin: value }) });
      assert.equal(res.status, verdict === "foreign" ? 403 : 101, `${label}: ${value}: ${res.body}`);
      judgeHeaders(label, res);
      let_in += res.status === 101;
      if (res.status === 403) {
        assert.deepEqual(JSON.parse(res.body), { code: 4, message: "Forbidden" }, "nothing is reflected");
        assert.equal(res.headers["cache-control"], "no-store");
        assert.match(res.headers.vary ?? "", /\bOrigin\b/);
      }
    });
    assert.equal(let_in, 7);
    const record = await stack.redisJson("HGETALL", `{chat}:user:${victim.name}`);
    assert.deepEqual(Object.keys(record).filter((f) => f.startsWith("at:")), [], "nobody has connected as the victim");
  });
}

test("a refused handshake is no connection, while its client holds on", async (t) => {
  const dial = (headers) => {
    const socket = net.connect(stack.process("gateway-1").port, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.on("error", () => {});
    const peer = { socket, answer: "" };
    socket.on("data", (chunk) => { peer.answer += chunk; });
    socket.write(upgradeRequest({ headers }));
    return peer;
  };
  await until("nobody is connected", async () => (await connections()) === 0);
  const refused = dial({ Origin: "http://evil.example" });
  await until("refused", () => refused.answer.includes('"Forbidden"}'));
  assert.match(refused.answer, /^HTTP\/1\.1 403 /);
  dial({});
  assert.equal(await until("the next one counts", connections), 1);
});

test("the door's own name at the handshake, as browsers write it", async () => {
  for (const [host, value, verdict] of HOST_FORMS) {
    const res = await shake(stack.door, { Host: host, Origin: value });
    assert.equal(res.status, verdict === "own" ? 101 : 403, `Host ${host}, Origin ${value}`);
  }
});

/* ---- Long-polling ---- */

/* What a page learns of an answer, and whether it may be remembered for another page. */
function judgeCors(label, res, value, verdict) {
  const listed = verdict === "listed";
  assert.equal(res.headers["access-control-allow-origin"], listed ? value : undefined, label);
  assert.equal(res.headers["access-control-allow-credentials"], listed ? "true" : undefined, label);
  assert.match(res.headers.vary ?? "", /\bOrigin\b/, label);
  assert.equal(res.headers["set-cookie"], undefined, label);
}

function judgePoll(label, res, value, verdict, status) {
  assert.equal(res.status, verdict === "foreign" ? 403 : status, `${label}: ${res.body}`);
  judgeCors(label, res, value, verdict);
  if (res.status === 403) {
    assert.deepEqual(res.json, { code: 4, message: "Forbidden" }, label);
  }
}

const PREFLIGHT = { "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, authorization" };

for (const secure of [false, true]) {
  test(`${secure ? "https" : "http"}: ${originForms("http://127.0.0.1:5000").length} origins at a polling handshake, a poll, a POST and a preflight`, async () => {
    const base = secure ? stack.tlsDoor : stack.door;
    const count = { own: 0, listed: 0, absent: 0, foreign: 0 };
    await eachOf(originForms(base), async ([label, value, verdict]) => {
      const headers = value === undefined ? {} : { Origin: value };
      judgePoll(`handshake, ${label}`, await request(base, target(), { headers }), value, verdict, 200);
      const poll = await RawPoll.open({ url: base });
      judgePoll(`POST, ${label}`, await poll.post("40", { headers: { ...headers, "content-type": "text/plain" } }), value, verdict, 200);
      if (verdict === "foreign") { /* as if nothing had come */
        assert.equal((await poll.post("40")).body, "ok", label);
      }
      judgePoll(`poll, ${label}`, await poll.get({}, { headers }), value, verdict, 200);
      const preflight = await request(base, poll.target(), { method: "OPTIONS", headers: { ...headers, ...PREFLIGHT } });
      assert.equal(preflight.status, 204, label);
      judgeCors(`preflight, ${label}`, preflight, value, verdict);
      assert.equal(preflight.headers["access-control-allow-headers"], verdict === "listed" ? PREFLIGHT["Access-Control-Request-Headers"] : undefined, label);
      await poll.post("1");
      count[verdict]++;
    });
    assert.deepEqual([count.own, count.listed, count.absent], [2, 4, 1]);
  });
}

test("a WebSocket that is to take over from polling is judged like one from the start", async (t) => {
  const poll = await RawPoll.open({ url: stack.door });
  t.after(() => poll.post("1"));
  const path = poll.target({ transport: "websocket" });
  for (const value of ["http://evil.example", "null", `${stack.door}.evil.example`]) {
    const res = await shake(stack.door, { Origin: value }, path);
    assert.deepEqual([res.status, res.body], [403, '{"code":4,"message":"Forbidden"}'], value);
  }
  assert.equal((await shake(stack.door, { Origin: FRIEND }, path)).status, 101);
});

test("other paths grant nothing to other origins either", async () => {
  const foreign = originForms(stack.door).filter(([, , verdict]) => verdict === "foreign");
  for (const path of ["/socket.io/?EIO=4&transport=polling&sid=abc", "/socket.io/", "/socket.io", "/socket.io/x"]) {
    await eachOf(foreign, async ([label, value]) => {
      for (const method of ["GET", "POST", "OPTIONS"]) {
        const res = await request(stack.door, path, { method, headers: { Origin: value } });
        const preflight = method === "OPTIONS" && path !== "/socket.io/x"; /* needs no session, says nothing */
        assert.ok(preflight ? res.status === 204 : res.status >= 400 && res.status < 500, `${method} ${path}, ${label}: ${res.status}`);
        judgeHeaders(`${method} ${path}, ${label}`, res);
      }
    });
  }
});

/* No browser sends two; who does must not profit from the one that we happen to read. */
test("two Origin headers, ours and another's, in both orders: refused everywhere", async () => {
  const { port } = new URL(stack.door);
  const own = `Origin: ${stack.door}\r\n`;
  const evil = "Origin: http://evil.example\r\n";
  for (const two of [own + evil, evil + own]) {
    const login = await askRaw(port, `GET /login/twice HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${two}Connection: close\r\n\r\n`);
    assert.ok([400, 403].includes(login.status), `login: ${login.status}, ${two}`);
    const ws = await askRaw(port, upgradeRequest({ headers: { Host: `127.0.0.1:${port}` } }).replace("\r\n\r\n", `\r\n${two}\r\n`));
    assert.ok([400, 403].includes(ws.status), `handshake: ${ws.status}, ${two}`);
  }
  assert.equal(await stack.redis("EXISTS", "{chat}:user:twice"), "0");
});

stack.lastTest();
