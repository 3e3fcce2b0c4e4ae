/* settings.test.mjs - what the server's settings change on the wire: origins, transports, upgrades */
import assert from "node:assert/strict";
import { test } from "node:test";
import { request } from "../support/http.mjs";
import { RawPoll, target } from "../support/raw_poll.mjs";
import { askRaw, echo, joinWs, openWs, startApp, upgradeRequest } from "../support/raw_ws.mjs";

/* A server with these settings, for one test. */
async function withApp(t, settings) {
  const app = await startApp({ PING_INTERVAL_MS: 20_000, PING_TIMEOUT_MS: 20_000, MAX_PAYLOAD: 1000, ...settings });
  t.after(() => app.stop());
  return app;
}
const PAGE = "https://page.example";

/* ---- Origins ---- */

/* An answer of each kind to a page: [what, headers]. */
async function answersTo(app, headers) {
  const poll = await RawPoll.open(app, { headers });
  const post = (body, type = "text/plain") => poll.post(body, { headers: { ...headers, "content-type": type } });
  const refused = await askRaw(app.port, upgradeRequest({ target: `${target({ sid: "x", transport: "websocket" })}`, headers }));
  assert.deepEqual([refused.status, JSON.parse(refused.body).code], [400, 1]);
  const answers = [["handshake", poll.answer], ["WebSocket refused", refused], ["POST", await post("40")], ["poll", await poll.get({}, { headers })],
    ["413", await post("4".repeat(1001))], ["another method", await request(app.url, poll.target(), { method: "PUT", headers })],
    ["bad packet", await post("nonsense")], ["unknown sid", await poll.get({}, { headers })],
    ["transport unknown", await request(app.url, target({ transport: "x" }), { headers })], ["EIO=3", await request(app.url, target({ EIO: "3" }), { headers })],
    ["refused", await request(app.url, target(), { headers: { ...headers, "x-refuse": "1" } })],
    ["preflight", await request(app.url, target(), { method: "OPTIONS", headers: { ...headers, "access-control-request-headers": "authorization" } })]];
  assert.deepEqual(answers.map(([, res]) => res.status), [200, 400, 200, 200, 413, 405, 400, 400, 400, 400, 403, 204]);
  return answers.map(([what, res]) => [what, res.headers]);
}

test('"*": every answer says so, errors too, with and without an Origin', async (t) => {
  const app = await withApp(t, { ALLOWED_ORIGINS: "*" });
  for (const headers of [{}, { Origin: PAGE }]) {
    for (const [what, got] of await answersTo(app, headers)) {
      assert.equal(got["access-control-allow-origin"], "*", what);
    }
  }
});

test("a list: a page on it is named in every answer, errors too; one without Origin is served and told nothing", async (t) => {
  const app = await withApp(t, { ALLOWED_ORIGINS: `https://other.example,${PAGE}` });
  for (const [what, got] of await answersTo(app, { Origin: PAGE })) {
    assert.equal(got["access-control-allow-origin"], PAGE, what);
    assert.match(got.vary, /\bOrigin\b/, what);
  }
  for (const [what, got] of await answersTo(app, {})) {
    assert.equal(got["access-control-allow-origin"], undefined, what);
    assert.match(got.vary, /\bOrigin\b/, what);
  }
});

test("a list: a page that is not on it is 403 code 4 over both transports, a preflight grants nothing; none is served over WebSocket", async (t) => {
  const app = await withApp(t, { ALLOWED_ORIGINS: PAGE });
  const headers = { Origin: `${PAGE}.evil` };
  const preflight = await request(app.url, target(), { method: "OPTIONS", headers });
  assert.deepEqual([preflight.status, preflight.headers["access-control-allow-origin"]], [204, undefined]);
  const polled = await request(app.url, target(), { headers });
  const asked = await askRaw(app.port, upgradeRequest({ headers }));
  for (const { status, body } of [polled, asked]) {
    assert.deepEqual([status, JSON.parse(body)], [403, { code: 4, message: "Forbidden" }]);
  }
  for (const options of [{ headers: { Origin: PAGE } }, {}]) {
    (await openWs(app, undefined, options)).destroy();
  }
});

test("no setting: nobody is told anything, and every page may come", async (t) => {
  const app = await withApp(t, {});
  for (const [what, got] of await answersTo(app, { Origin: PAGE })) {
    assert.deepEqual(Object.keys(got).filter((name) => name.startsWith("access-control-") || name === "vary"), [], what);
  }
});

test("a request that another server answers: each header once, as from its own; a foreign page is refused by whoever is asked", async (t) => {
  for (const origins of ["*", PAGE]) {
    const owner = await withApp(t, { NODE: "owner", ALLOWED_ORIGINS: origins });
    const other = await withApp(t, { NODE: "other", PEERS: `owner=${owner.port},gone=1`, ALLOWED_ORIGINS: origins });
    const poll = await RawPoll.open(owner);
    const headers = { Origin: PAGE };
    const gone = { sid: `gone.${"a".repeat(24)}` };
    const answers = [await poll.post("3", { headers }), await request(other.url, poll.target(), { method: "POST", headers: { ...headers, "content-length": 1 }, body: "3" }),
      await request(other.url, target(gone), { headers })];
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 400]);
    for (const res of answers) {
      assert.equal(res.headers["access-control-allow-origin"], origins);
    }
    assert.deepEqual(answers[1].headers, answers[0].headers);
    if (origins === PAGE) {
      const foreign = await request(other.url, poll.target(), { headers: { Origin: "https://evil.example" } });
      assert.deepEqual([foreign.status, foreign.json.code], [403, 4]);
    }
  }
});

/* ---- Transports ---- */

async function refusesUpgrade(app, code) {
  const poll = await RawPoll.join(app);
  assert.deepEqual(poll.hello.upgrades, []);
  const res = await askRaw(app.port, upgradeRequest({ target: poll.target({ transport: "websocket" }) }));
  assert.deepEqual([res.status, JSON.parse(res.body).code], [400, code]);
  await poll.post('42["message",1]');
  assert.deepEqual(await poll.messages(1), ['42["message-back",1]']);
}

test("without upgrades: none is offered, one that is tried is refused, and polling goes on; WebSocket alone is served", async (t) => {
  const app = await withApp(t, { ALLOW_UPGRADES: "false" });
  await refusesUpgrade(app, 3);
  const ws = await joinWs(app);
  await echo(ws);
  ws.destroy();
});

test("polling alone: no upgrade is offered, and websocket is an unknown transport", async (t) => {
  const app = await withApp(t, { TRANSPORTS: "polling" });
  await refusesUpgrade(app, 0);
  const res = await askRaw(app.port, upgradeRequest());
  assert.deepEqual([res.status, JSON.parse(res.body).code], [400, 0]);
});

test("WebSocket alone: polling is an unknown transport", async (t) => {
  const app = await withApp(t, { TRANSPORTS: "websocket" });
  const res = await request(app.url, target());
  assert.deepEqual([res.status, res.json.code], [400, 0]);
  const ws = await joinWs(app);
  await echo(ws);
  ws.destroy();
});
