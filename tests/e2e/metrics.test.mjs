/* metrics.test.mjs - /metrics of every service: well-formed, moved by what happens, nobody else's words */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Peer, refusal, scene } from "../support/client.mjs";
import { enterRaw, openRaw } from "../support/frames.mjs";
import { handshake, request } from "../support/http.mjs";
import { Numbers, numbers, parse } from "../support/metrics.mjs";
import { askRaw } from "../support/raw_ws.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const QUEUE = 1_048_576;
const stack = useStack({
  RATE_MESSAGES: "100000:100000", RATE_LOGINS: "10000:10000", QUEUE_MAX_BYTES: `${QUEUE}`, GRACE_S: "1", LEASE_MS: "2000",
});

/* Until these numbers have grown by at least so much since `before`; resolves to the new ones. */
async function grown(name, before, by) {
  let now = before;
  const missing = () => Object.entries(by).filter(([key, n]) => now.get(key) - before.get(key) < n).map(([key]) => key);
  await until(`${name} counts on`, async () => {
    now = await numbers(stack, name);
    return missing().length === 0;
  }).catch((error) => assert.fail(`${error.message}; missing: ${missing()}`));
  return now;
}

/* By how much they have grown. */
const growth = (before, now, keys) => Object.fromEntries(keys.map((key) => [key, now.get(key) - before.get(key)]));

test("every service's page is good for promtool and for a strict reader, and agrees with /readyz", async () => {
  assert.equal(stack.services.length, 4);
  for (const name of stack.services) {
    const now = await numbers(stack, name);
    execFileSync("promtool", ["check", "metrics"], { input: now.text });
    assert.equal(now.get("parley_ready"), 1, name);
    assert.equal(now.get('parley_build_info{version="0.1.0"}'), 1);
    const start = now.get("process_start_time_seconds");
    assert.ok(start > Date.now() / 1000 - 3600 && start <= Date.now() / 1000, `${start}`);
    assert.ok(now.get("process_open_fds") < now.get("process_max_fds"));
    assert.ok(now.get("process_resident_memory_bytes") > 1e6);
    assert.ok(now.get("process_cpu_seconds_total") > 0);
    await grown(name, now, { "parley_loop_delay_seconds_count": 1, "parley_loop_turn_seconds_count": 1 });
  }
});

test("the strict reader is strict", () => {
  const good = "# HELP parley_a A.\n# TYPE parley_a gauge\nparley_a 1\n";
  parse(good);
  for (const bad of [
    good.trimEnd(), good + good, `${good}parley_a 1\n`, `${good}\n`, good.replace("gauge", "counter"), good.replace(" 1\n", " -1\n"),
    good.replace(" 1\n", " 1 1000\n"), good.replace("parley_a 1", 'parley_a{x="<b>"} 1'), good.replace("parley_a 1", "parley_b 1"),
    good.replace("parley_a 1\n", ""), good.replace("# TYPE parley_a gauge\n", ""),
  ]) {
    assert.throws(() => parse(bad), undefined, JSON.stringify(bad));
  }
});

test("only GET, and only on the health port: the door and the clients' ports answer 404", async () => {
  for (const base of [stack.door, stack.tlsDoor, stack.gateway(1), stack.auth(1)]) {
    for (const path of ["/metrics", "/metrics/", "/socket.io/metrics", "/metrics?x"]) {
      assert.equal((await request(base, path)).status, 404, `${base}${path}`);
    }
  }
  for (const [name, status] of [["gateway-1", 405], ["auth-1", 404], ["presence-1", 404]]) {
    const base = `http://127.0.0.1:${stack.process(name).health_port}`;
    assert.equal((await request(base, "/metrics", { method: "POST" })).status, status, name);
    assert.equal((await request(base, "/metrics/")).status, 404, name);
  }
});

/* ---- What deploy/ makes of it ---- */

const DASHBOARD = JSON.parse(readFileSync("deploy/grafana/parley.json", "utf8"));
const ALERTS = readFileSync("deploy/prometheus/alerts.yml", "utf8");
const EXPRESSIONS = DASHBOARD.panels.flatMap((panel) => (panel.targets ?? []).map(({ expr }) => expr));
const METRIC = /\b(?:parley|process)_[a-z_]+[a-z]\b/g;

/* All names of samples that the services show, with those of their histograms. */
async function shownNames() {
  const all = await Promise.all(stack.services.map((name) => numbers(stack, name)));
  const samples = all.flatMap((one) => [...one.families.values()].flatMap((f) => f.samples));
  return new Set(samples.map(({ name }) => name));
}

test("the dashboard and the alerts speak of nothing that is not there, the dashboard of everything that is", async () => {
  const shown = await shownNames();
  const wanted = ALERTS.split("\n").filter((line) => /^ +expr: /.test(line));
  assert.ok(wanted.length >= 18 && EXPRESSIONS.length > 50);
  for (const expr of [...EXPRESSIONS, ...wanted]) {
    const used = expr.match(METRIC) ?? [];
    assert.ok(used.length > 0 || expr.includes("up{"), expr);
    used.forEach((name) => assert.ok(shown.has(name), `${name} in ${expr}`));
  }
  const drawn = new Set(EXPRESSIONS.flatMap((expr) => expr.match(METRIC)).map((name) => name.replace(/_(bucket|count|sum)$/, "")));
  const families = (await Promise.all(stack.services.map((name) => numbers(stack, name)))).flatMap((one) => [...one.families.keys()]);
  const left = new Set(families.filter((name) => !drawn.has(name)));
  assert.deepEqual([...left].sort(), ["parley_build_info", "process_virtual_memory_bytes"], "in no panel");
});

test("each label in an expression is one that the services show", async () => {
  const all = await Promise.all(stack.services.map((name) => numbers(stack, name)));
  const labels = new Set(all.flatMap((one) => [...one.families.values()].flatMap((f) => f.samples.flatMap((s) => s.labels.map(([n, v]) => `${n}="${v}"`)))));
  for (const expr of [...EXPRESSIONS, ALERTS]) {
    for (const [pair] of expr.matchAll(/\b(?:code|reason|event|route|status|state|kind|transport|result)!?="[^"]*"/g)) {
      assert.ok(labels.has(pair.replace("!=", "=")), `${pair} in ${expr.slice(0, 100)}`);
    }
  }
});

test("the dashboard is whole: every panel has its place, a title and a data source", () => {
  const ids = DASHBOARD.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const taken = new Set();
  for (const { title, type, description, datasource, targets, gridPos: { x, y, w, h } } of DASHBOARD.panels) {
    assert.ok(title && (type === "row" || (description && datasource?.uid === "${datasource}" && targets.length > 0)), title);
    assert.ok(x + w <= 24 && h > 0, title);
    for (let i = x; i < x + w; i++) {
      for (let k = y; k < y + h; k++) {
        assert.ok(!taken.has(`${i},${k}`), `${title} lies on another panel`);
        taken.add(`${i},${k}`);
      }
    }
  }
});

test("Prometheus understands every expression, rule and setting, and every alert has been seen firing", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "parley-rules-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const rules = EXPRESSIONS.map((expr, i) => ({
    record: `panel:${i}`, expr: expr.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".*"),
  }));
  assert.ok(!JSON.stringify(rules).includes("$"), "no other variables");
  writeFileSync(join(dir, "panels.yml"), JSON.stringify({ groups: [{ name: "panels", rules }] }));
  const promtool = (...args) => execFileSync("promtool", args, { encoding: "utf8", stdio: "pipe" });
  promtool("check", "rules", join(dir, "panels.yml"));
  promtool("check", "rules", "deploy/prometheus/alerts.yml");
  promtool("check", "config", "deploy/prometheus/prometheus.yml");
  promtool("test", "rules", "tests/support/alerts.test.yml");
  const tried = readFileSync("tests/support/alerts.test.yml", "utf8");
  const names = [...ALERTS.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  for (const name of names) {
    assert.match(tried, new RegExp(`- alertname: ${name}\n.*\n +exp_alerts:\n`), `${name} is seen firing`);
    assert.ok(tried.includes(`{alertname: ${name}, eval_time: 40m, exp_alerts: []}`), `${name} is seen silent`);
  }
});

/* ---- Numbers move ---- */

const connections = (now) => now.get('parley_connections{transport="websocket"}') + now.get('parley_connections{transport="polling"}');

/* Whose end has been counted is still a connection until he is gone.  Clients go by themselves: sooner
 * than the server's 5 s for those who do not. */
async function emptied(name) {
  let now;
  await until("nobody is connected", async () => {
    now = await numbers(stack, name);
    return connections(now) === 0;
  }, { timeout: 4000 });
  return now;
}

test("people come, talk and go: what the gateway counts is what they did", async (t) => {
  const s = scene(t, stack);
  const before = await emptied("gateway-1");
  const one = await s.enter("one", stack.gateway(1));
  const two = await s.enter("two", stack.gateway(1), { transports: ["polling"] });
  const three = await s.enter("three", stack.gateway(1), { transports: ["polling", "websocket"] });
  let now = await grown("gateway-1", before, { parley_connections_upgraded_total: 1 });
  assert.equal(now.get('parley_connections{transport="websocket"}'), 2);
  assert.equal(now.get('parley_connections{transport="polling"}'), 1);
  assert.equal(now.get("parley_sockets"), 3);
  assert.equal(now.get("parley_sessions"), 3);
  await Promise.all([two, three].map((peer) => one.sees(peer.name)));
  assert.equal((await numbers(stack, "gateway-1")).get("parley_users"), 3);

  await one.say("group", "hello");
  const id = { client_id: "again" };
  await one.say(two.name, "for you", id);
  await one.say(two.name, "for you", id);
  assert.equal((await one.ask("message_out", { receiver: "nobody", message_text: "x" })).error.code, "no_such_user");
  assert.equal((await one.ask("message_out", { receiver: "group" })).error.code, "invalid");
  assert.equal((await one.ask("message_out", { receiver: "group", message_text: "x".repeat(5000) })).error.code, "too_large");
  await one.ask("user_change_out");
  one.socket.emit("what_is_this", 1);
  await three.waitFor("message_in", (m) => m.message_text === "hello");
  now = await grown("gateway-1", before, { 'parley_events_received_total{event="other"}': 1, 'parley_messages_delivered_total': 5 });
  const expected = {
    'parley_connects_total{code="ok"}': 3,
    'parley_events_received_total{event="message_out"}': 6,
    'parley_events_received_total{event="user_change_out"}': 1,
    'parley_events_received_total{event="other"}': 1,
    "parley_messages_accepted_total": 2,
    "parley_messages_repeated_total": 1,
    "parley_messages_delivered_total": 5, /* one to all three, one to both ends */
    'parley_events_refused_total{code="no_such_user"}': 1,
    'parley_events_refused_total{code="invalid"}': 1,
    'parley_events_refused_total{code="too_large"}': 1,
    'parley_events_refused_total{code="unavailable"}': 0,
    'parley_connections_closed_total{reason="client namespace disconnect"}': 0,
    "parley_connections_accepted_total": 3,
  };
  assert.deepEqual(growth(before, now, Object.keys(expected)), expected);
  const { at } = now;
  assert.equal(at.get('parley_redis_call_seconds_count{function="parley_send"}') - (before.at.get('parley_redis_call_seconds_count{function="parley_send"}') ?? 0), 4);
  assert.ok(now.get("parley_sent_bytes_total") - before.get("parley_sent_bytes_total") > 1000);
  assert.ok(now.get("parley_frames_sent_total") - before.get("parley_frames_sent_total") >= 5 + 9);
  assert.ok(now.get("parley_packets_received_total") - before.get("parley_packets_received_total") >= 3 + 8);

  [one, two, three].forEach((peer) => peer.close());
  await grown("gateway-1", before, { 'parley_connections_closed_total{reason="transport close"}': 3 });
  now = await emptied("gateway-1");
  assert.deepEqual([now.get("parley_sockets"), now.get("parley_sessions"), now.get("parley_queued_bytes")], [0, 0, 0]);
});

test("whoever is not let in is counted by the reason", async (t) => {
  const s = scene(t, stack);
  const someone = await s.user("out");
  const before = await numbers(stack, "gateway-1");
  const base = stack.gateway(1);
  await refusal(base, {});
  await refusal(base, { token: "A".repeat(43) });
  await refusal(base, { token: "no token" });
  const peer = await s.join(someone, base);
  await request(stack.door, `/logout/${someone.name}`, { headers: { authorization: `Bearer ${someone.token}` } });
  await peer.waitFor("session_end");
  const path = "/socket.io/?EIO=4&transport=";
  assert.equal((await request(base, `${path}telepathy`)).status, 400);
  assert.equal((await request(base, `${path}polling&sid=unknown`)).status, 400);
  assert.equal((await request(base, `${path}polling`, { method: "PUT" })).status, 400);
  assert.equal((await request(base, "/socket.io/?EIO=3&transport=polling")).status, 400);
  assert.equal((await handshake(base, { "Sec-WebSocket-Version": "12" })).status, 426);
  assert.equal((await askRaw(Number(new URL(base).port), "GET / HTTP/9.9\r\n\r\n")).status, 505);
  const now = await grown("gateway-1", before, { 'parley_requests_refused_total{reason="bad http"}': 1 });
  const expected = {
    'parley_connects_total{code="not_logged_in"}': 1,
    'parley_connects_total{code="session_expired"}': 2,
    parley_sessions_refused_total: 1,
    'parley_sessions_ended_total{code="logged_out"}': 1,
    'parley_requests_refused_total{reason="unknown transport"}': 1,
    'parley_requests_refused_total{reason="unknown sid"}': 1,
    'parley_requests_refused_total{reason="bad method"}': 1,
    'parley_requests_refused_total{reason="unsupported version"}': 1,
    'parley_requests_refused_total{reason="bad websocket handshake"}': 1,
    'parley_requests_refused_total{reason="bad http"}': 1,
  };
  assert.deepEqual(growth(before, now, Object.keys(expected)), expected);
});

test("a request for another gateway's connection is counted where it was carried", async () => {
  const open = await request(stack.gateway(1), "/socket.io/?EIO=4&transport=polling");
  const { sid } = JSON.parse(open.body.slice(1));
  const before = await numbers(stack, "gateway-2");
  const post = await request(stack.gateway(2), `/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: "POST", body: "40" });
  assert.equal(post.body, "ok");
  assert.equal((await request(stack.gateway(2), `/socket.io/?EIO=4&transport=polling&sid=${sid}`)).status, 200);
  const now = await numbers(stack, "gateway-2");
  const keys = ["get", "post", "websocket"].map((kind) => `parley_requests_carried_total{kind="${kind}"}`);
  assert.deepEqual(Object.values(growth(before, now, keys)), [1, 1, 0]);
});

test("a client that never reads: its bytes wait, and its end is counted as slow", async (t) => {
  const s = scene(t, stack);
  const talker = await s.enter("talker", stack.gateway(1));
  const slow = await s.user("sleeper");
  const before = await numbers(stack, "gateway-2");
  const raw = await enterRaw(stack.gateway(2), slow.token);
  raw.socket.pause();
  t.after(() => raw.socket.destroy());
  const text = "z".repeat(4000);
  let most = 0;
  await until("it is closed as slow", async () => {
    await Promise.all(Array.from({ length: 100 }, () => talker.ask("message_out", { receiver: slow.name, message_text: text })));
    const now = await numbers(stack, "gateway-2");
    most = Math.max(most, now.get("parley_queued_bytes"));
    return now.get('parley_connections_closed_total{reason="slow client"}') > before.get('parley_connections_closed_total{reason="slow client"}');
  }, { timeout: 60_000 });
  const end = await numbers(stack, "gateway-2");
  assert.equal(end.get('parley_connections_closed_total{reason="slow client"}') - before.get('parley_connections_closed_total{reason="slow client"}'), 1);
  t.diagnostic(`at most ${most} bytes were seen waiting`);
  assert.ok(most > 1000 && most <= QUEUE + 1000, `${most}`);
});

test("auth-svc counts its answers, presence-svc whom it ends", async (t) => {
  const s = scene(t, stack);
  const [auth, presence] = [await numbers(stack, "auth-1"), await numbers(stack, "presence-1")];
  const someone = await s.user("short");
  assert.equal((await request(stack.door, `/login/${someone.name}`)).status, 409);
  assert.equal((await request(stack.door, "/session")).status, 401);
  const expected = {
    'parley_auth_requests_total{route="login",status="200"}': 1,
    'parley_auth_requests_total{route="login",status="409"}': 1,
    'parley_auth_requests_total{route="session",status="401"}': 1,
    'parley_auth_requests_total{route="none",status="404"}': 0,
    parley_auth_requests_waiting: 0,
  };
  assert.deepEqual(growth(auth, await numbers(stack, "auth-1"), Object.keys(expected)), expected);
  const peer = await s.join(someone, stack.gateway(1));
  peer.cut();
  let now = await grown("presence-1", presence, {
    parley_sweep_users_ended_total: 1, 'parley_sweeps_total{result="done"}': 10, parley_sweep_interval_seconds_count: 10,
    parley_sweep_lag_seconds_count: 1,
  });
  /* Redis announces the end of a countdown, unless a sweep that was due anyhow has come just before it:
   * then, that of another user. */
  const events = () => now.get("parley_sweep_expiry_events_total") - presence.get("parley_sweep_expiry_events_total");
  for (let i = 0; i < 5 && events() === 0; i++) {
    (await s.enter("brief", stack.gateway(1))).cut();
    now = await grown("presence-1", now, { parley_sweep_users_ended_total: 1 });
  }
  assert.ok(events() > 0);
  assert.equal(now.get('parley_sweeps_total{result="failed"}'), presence.get('parley_sweeps_total{result="failed"}'));
  assert.ok(now.get("parley_sweep_age_seconds") < 5);
});

test("presence-svc tells how late it was: it stood still while a user's grace period ended", async (t) => {
  const s = scene(t, stack);
  const peer = await s.enter("late", stack.gateway(1));
  const before = await numbers(stack, "presence-1");
  await stack.signal("presence-1", "SIGSTOP");
  peer.cut();
  await until("the deadline is more than a second ago", async () => {
    const [deadline, skew, [seconds]] = await Promise.all([
      stack.redis("ZSCORE", "{chat}:deadlines", peer.name), stack.redis("HGET", "{chat}:presence", "skew"), stack.redisJson("TIME")]);
    return deadline !== "" && 1000 * (Number(seconds) - 1) > Number(deadline) + Number(skew);
  });
  await stack.signal("presence-1", "SIGCONT");
  const now = await grown("presence-1", before, { parley_sweep_users_ended_total: 1, parley_sweep_lag_seconds_sum: 1 });
  const under = growth(before, now, ['parley_sweep_lag_seconds_bucket{le="1"}', 'parley_sweep_lag_seconds_bucket{le="+Inf"}']);
  assert.deepEqual(Object.values(under), [0, 1], "one sweep took somebody, late");
});

test("holes and strangers' lines on the channels are counted", async (t) => {
  const s = scene(t, stack);
  const peer = await s.enter("hole", stack.gateway(1));
  const before = await numbers(stack, "gateway-1");
  await stack.redis("PUBLISH", "{chat}:group", "nothing of ours");
  await grown("gateway-1", before, { parley_bad_lines_total: 1 });
  await stack.redis("HINCRBY", "{chat}:channels", "group", "1");
  await peer.say("group", "behind the hole");
  const [id] = await stack.servedBy(peer.name);
  await stack.redis("HINCRBY", "{chat}:channels", `to:${id}`, "1");
  await grown("gateway-1", before, { parley_group_holes_total: 1, parley_own_channel_holes_total: 1, parley_nonce_seconds_count: 1 });
});

test("nothing that a peer says becomes a label", async (t) => {
  const s = scene(t, stack);
  const keys = async (name) => (await numbers(stack, name)).keys();
  const names = ["gateway-1", "auth-1"];
  const peer = await s.enter("odd", stack.gateway(1));
  await peer.say("group", "all functions that this calls have been called once");
  const before = await Promise.all(names.map(keys));
  const mark = "M4rk-of-a-stranger";
  for (const word of [mark, `${mark}"} 1\n`, `${mark}\\`, "\u0000", "é"]) {
    peer.socket.emit(word, word);
    await peer.ask("message_out", { receiver: mark, message_text: word, client_id: mark });
    await request(stack.auth(1), `/login/${encodeURIComponent(word)}`, { headers: { "X-Forwarded-For": mark, Origin: mark } });
    await request(stack.auth(1), `/${encodeURIComponent(word)}`, { method: "PATCH" });
    await request(stack.gateway(1), `/socket.io/?EIO=4&transport=${encodeURIComponent(word)}&sid=${mark}`, { headers: { "X-Forwarded-For": mark, "User-Agent": mark } });
  }
  const after = await Promise.all(names.map(keys));
  assert.deepEqual(after, before, "the same series as before");
  for (const name of names) {
    assert.ok(!(await numbers(stack, name)).text.includes(mark));
  }
  await request(stack.auth(1), `/logout/${mark.toLowerCase()}`);
});

test("many connections make the page no longer", async (t) => {
  const before = await emptied("gateway-1");
  const raws = await Promise.all(Array.from({ length: 100 }, () => openRaw(stack.gateway(1))));
  t.after(() => raws.forEach((raw) => raw.socket.destroy()));
  const now = await grown("gateway-1", before, { 'parley_connections{transport="websocket"}': 100, process_open_fds: 100 });
  assert.deepEqual(now.keys(), before.keys());
});

test("scrapers may keep their connection to a gateway", async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const { health_port: port } = stack.process("gateway-1");
  const ports = new Set();
  for (let i = 0; i < 3; i++) {
    const text = await new Promise((resolve, reject) => {
      http.get({ host: "127.0.0.1", port, path: "/metrics", agent }, (res) => {
        ports.add(res.socket.localPort);
        let body = "";
        res.on("data", (chunk) => { body += chunk; });
        res.on("end", () => resolve(body));
      }).on("error", reject);
    });
    new Numbers(text).get("parley_sockets");
  }
  agent.destroy();
  assert.equal(ports.size, 1);
});

test("a gateway that dies: presence-svc counts its lease and its users", async (t) => {
  const s = scene(t, stack);
  const before = await numbers(stack, "presence-1");
  const someone = await s.user("orphan");
  const peer = s.keep(new Peer(stack.gateway(2), { token: someone.token }));
  await peer.waitFor("session");
  const [id] = await stack.servedBy(someone.name);
  await stack.signal("gateway-2", "SIGKILL");
  await grown("presence-1", before, { parley_sweep_gateways_lapsed_total: 1, parley_sweep_users_detached_total: 1, parley_sweep_users_ended_total: 1 });
  assert.ok(readFileSync(stack.process("presence-1").log, "utf8").includes(`warn parley-presence: lease ended without a word gateway=${id}\n`));
  await stack.startAgain("gateway-2");
});

test("Redis stands still: not ready, the link is lost, calls go unanswered; then a new link", async (t) => {
  const s = scene(t, stack);
  const peer = await s.enter("still", stack.gateway(1));
  const before = await numbers(stack, "gateway-1");
  await stack.signal("redis", "SIGSTOP");
  assert.equal((await peer.ask("message_out", { receiver: "group", message_text: "x" })).error.code, "unavailable");
  for (const name of stack.services) {
    await until(`${name} says that it is not ready`, async () => (await numbers(stack, name)).get("parley_ready") === 0);
  }
  await until("the link is down", async () => (await numbers(stack, "gateway-1")).get('parley_link_state{state="up"}') === 0);
  const now = await grown("gateway-1", before, {
    parley_links_lost_total: 1, parley_redis_losses_total: 1, parley_redis_calls_unanswered_total: 1, 'parley_events_refused_total{code="unavailable"}': 1,
  });
  assert.equal(now.get("parley_redis_up"), 0);
  assert.equal(now.get("parley_links_opened_total"), before.get("parley_links_opened_total"));
  await stack.signal("redis", "SIGCONT");
  await until("every service is ready again", () => stack.ready());
  const end = await grown("gateway-1", now, { parley_links_opened_total: 1, parley_redis_connects_total: 1 });
  assert.deepEqual([end.get("parley_redis_up"), end.get("parley_ready"), end.get('parley_link_state{state="up"}')], [1, 1, 1]);
});

stack.lastTest();
