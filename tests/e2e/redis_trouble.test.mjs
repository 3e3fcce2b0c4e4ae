/* redis_trouble.test.mjs - Redis refuses: whatever it is, people stay, every service says what is
 * wrong and is alive, messages and logins are refused at once, and all goes on by itself */
import assert from "node:assert/strict";
import { mkdir, readFile, rm } from "node:fs/promises";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { connect, login, logout, scene } from "../support/client.mjs";
import { flows, talking } from "../support/delivery.mjs";
import { request } from "../support/http.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const stack = useStack({ GRACE_S: "2", LEASE_MS: "1000", RATE_MESSAGES: "1000:1000" });
const SERVICES = ["auth-1", "gateway-1", "gateway-2", "presence-1"];
const LINES_PER_SECOND = 15; /* of one service in its log: more would be a loop */

/* ---- Small things ---- */

const bare = (name) => name.replace(/-\d$/, "");

async function pair(s) {
  const one = await s.enter("one", stack.gateway(1));
  const two = await s.enter("two", stack.gateway(2));
  await Promise.all([one.sees(two.name), two.sees(one.name)]);
  return [one, two];
}

function stayed(peers) {
  for (const peer of peers) {
    assert.equal(peer.collect(":disconnect").length, 0, `${peer.name} stayed connected`);
    for (const other of peers) {
      assert.equal(peer.leaves(other.name), 0, `${peer.name} never saw ${other.name} leaving`);
    }
  }
}

async function refusedLogin() {
  const res = await login(stack.auth(1), "newcomer");
  assert.deepEqual([res.status, res.json?.error?.code], [503, "unavailable"], res.body);
  assert.match(res.headers["retry-after"] ?? "", /^[1-9][0-9]*$/);
}

async function refusedMessage(peer) {
  const ack = await peer.ask("message_out", { receiver: "group", message_text: "meanwhile" });
  assert.deepEqual([ack.ok, ack.error?.code], [false, "unavailable"]);
}

/* Every service that `reasons` names says that; all are alive. */
async function saysWhy(reasons) {
  for (const name of SERVICES.filter((n) => reasons[bare(n)])) {
    const wanted = reasons[bare(name)];
    let last;
    await until(`${name} says ${wanted}`, async () => {
      last = await stack.says(name, "/readyz");
      return last.status === 503 && wanted.test(last.text);
    }).catch((err) => { throw new Error(`${err.message}; it says ${JSON.stringify(last)}`); });
  }
  for (const name of SERVICES) {
    assert.deepEqual(await stack.says(name, "/healthz"), { status: 200, text: "ok" }, name);
  }
}

/* Every service is ready, the door has noticed, and there is nothing left to settle. */
async function allWell() {
  await until("it has settled", async () => (await stack.redis("HEXISTS", "{chat}:presence", "settle")) === "0");
  await until("every service is ready again", () => stack.ready());
  for (const [path, status] of [["/session", 401], ["/socket.io/?EIO=4&transport=polling", 200]]) {
    await until(`the door hands ${path} on`, async () => (await request(stack.door, path)).status === status);
  }
}

/* In its log so far, without those of whoever writes meanwhile: they have a limit of their own. */
const lines = async (name) => (await readFile(stack.process(name).log, "utf8")).split("\n")
  .filter((line) => !line.includes("event refused ")).length;

/* Runs one trouble through: `inject` must have asserted that it is there when it returns. */
async function trouble(t, { inject, cure, reasons, meanwhile = async () => {} }) {
  const s = scene(t, stack);
  const [one, two] = await pair(s);
  const before = await one.say(two.name, "before");
  const start = performance.now();
  const logged = await Promise.all(SERVICES.map(lines));
  const over = talking(one, two);
  try {
    await inject();
    await saysWhy(reasons);
    await refusedLogin();
    await refusedMessage(one);
    await meanwhile(one, two);
    await saysWhy(reasons);
  } finally {
    await cure();
  }
  const cured = performance.now();
  const id = await flows(one, two);
  const back = await flows(two, one);
  t.diagnostic(`messages flow ${(performance.now() - cured).toFixed(0)} ms after the cure`);
  assert.ok(before < id && id < back, "ids go up");
  await allWell();
  t.diagnostic(`${await over()} messages were accepted on the way, and came`);
  stayed([one, two]);
  const seconds = 1 + (performance.now() - start) / 1000;
  for (const [i, name] of SERVICES.entries()) {
    const count = (await lines(name)) - logged[i];
    assert.ok(count < LINES_PER_SECOND * seconds, `${name} logged ${count} lines in ${seconds.toFixed(1)} s`);
  }
}

/* A line to Redis that stays open, for when no other gets in. */
async function heldLine() {
  const password = (await readFile(stack.run.redis.admin_password_file, "utf8")).trim();
  const cli = spawn("redis-cli", ["-s", stack.run.redis.socket, "--user", "admin"],
    { env: { ...process.env, REDISCLI_AUTH: password }, stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  cli.stdout.on("data", (chunk) => { said += chunk; });
  return {
    async tell(command, answer = /OK|^\d+$/m) {
      said = "";
      cli.stdin.write(`${command}\n`);
      await until(`an answer to ${command}`, () => answer.test(said));
      return said;
    },
    end: () => cli.stdin.end(),
  };
}

/* ---- Refusals of everything ---- */

test("CLIENT PAUSE", (t) => trouble(t, {
  inject: async () => {
    assert.equal(await stack.redis("CLIENT", "PAUSE", "600000", "WRITE"), "OK");
    await until("calls wait", async () => /blocked_clients:[1-9]/.test(await stack.redis("INFO", "clients")));
  },
  cure: async () => assert.equal(await stack.redis("CLIENT", "UNPAUSE"), "OK"),
  reasons: { gateway: /no answer/, auth: /no answer/, presence: /no sweep has succeeded lately; redis is away: no answer/ },
}));

test("a script that never ends", async (t) => {
  let running;
  await trouble(t, {
    inject: async () => {
      assert.equal(await stack.redis("CONFIG", "SET", "busy-reply-threshold", "50"), "OK");
      running = stack.redis("EVAL", "while true do end", "0").catch(() => "killed");
      await until("Redis is busy", async () => /^BUSY/.test(await stack.redis("GET", "x").catch((err) => String(err.stdout))));
    },
    cure: async () => {
      assert.equal(await stack.redis("SCRIPT", "KILL"), "OK");
      await running;
      await stack.redis("CONFIG", "SET", "busy-reply-threshold", "5000");
    },
    reasons: { gateway: /BUSY|no answer/, auth: /BUSY|no answer/, presence: /BUSY|no answer/ },
  });
});

test("Redis has become a replica (READONLY): nobody talks to himself there", (t) => trouble(t, {
  inject: async () => {
    assert.equal(await stack.redis("REPLICAOF", "127.0.0.1", "1"), "OK");
    assert.match(await stack.redis("ROLE"), /^slave/);
  },
  cure: async () => assert.equal(await stack.redis("REPLICAOF", "NO", "ONE"), "OK"),
  reasons: {
    gateway: /READONLY|not a master, but: slave/, auth: /not a master, but: slave/,
    presence: /READONLY|not a master, but: slave/,
  },
}));

test("a password that was changed (WRONGPASS)", (t) => trouble(t, {
  inject: async () => {
    for (const user of ["auth-svc", "gateway-svc", "presence-svc"]) {
      assert.equal(await stack.redis("ACL", "SETUSER", user, "resetpass", ">another"), "OK");
      assert.match(await stack.redis("CLIENT", "KILL", "USER", user), /^[1-9]/);
    }
  },
  cure: async () => {
    assert.equal(await stack.redis("ACL", "LOAD"), "OK");
    await stack.redis("ACL", "LOG", "RESET");
  },
  reasons: { gateway: /WRONGPASS/, auth: /WRONGPASS/, presence: /WRONGPASS/ },
}));

test("rights that were taken away (NOPERM)", (t) => trouble(t, {
  inject: async () => {
    for (const user of ["auth-svc", "gateway-svc", "presence-svc"]) {
      assert.equal(await stack.redis("ACL", "SETUSER", user, "-fcall"), "OK");
    }
    assert.equal((await login(stack.auth(1), "newcomer")).status, 503);
  },
  cure: async () => {
    assert.equal(await stack.redis("ACL", "LOAD"), "OK");
    await stack.redis("ACL", "LOG", "RESET");
  },
  reasons: { gateway: /NOPERM/, auth: /NOPERM/, presence: /NOPERM/ },
}));

test("a gateway that may not subscribe (NOPERM): it is not the connection for calls that says so, and it is told nevertheless", (t) => trouble(t, {
  inject: async () => {
    assert.equal(await stack.redis("ACL", "SETUSER", "gateway-svc", "clearselectors", "~*", "&*", "+@all", "-subscribe"), "OK");
    assert.equal(await stack.redis("ACL", "SETUSER", "auth-svc", "-fcall"), "OK");
    await stack.redis("CLIENT", "KILL", "TYPE", "pubsub");
  },
  cure: async () => {
    assert.equal(await stack.redis("ACL", "LOAD"), "OK");
    await stack.redis("ACL", "LOG", "RESET");
  },
  reasons: { gateway: /the link's other connection is gone: Redis refuses the subscription: NOPERM/ },
}));

test("a Redis that lets nobody in (maxclients)", async (t) => {
  const line = await heldLine();
  t.after(() => line.end());
  await trouble(t, {
    inject: async () => {
      await line.tell("CONFIG SET maxclients 1");
      await line.tell("CLIENT KILL TYPE normal SKIPME yes", /^[1-9]/m);
      await line.tell("CLIENT KILL TYPE pubsub", /^\d/m); /* unless the services dropped them already */
    },
    cure: async () => { await line.tell("CONFIG SET maxclients 10000"); },
    reasons: { gateway: /max number of clients/, auth: /max number of clients/, presence: /max number of clients/ },
  });
});

test("snapshots that fail: the chat goes on; where Redis is told to refuse then (MISCONF), it is said", async (t) => {
  const blocked = join(stack.dir, "dump.rdb");
  await mkdir(join(blocked, "in-the-way"), { recursive: true });
  t.after(() => rm(blocked, { recursive: true, force: true }));
  const save = async (outcome) => {
    assert.match(await stack.redis("BGSAVE"), /started/);
    await until(`the snapshot: ${outcome}`, async () => new RegExp(`rdb_bgsave_in_progress:0[^]*rdb_last_bgsave_status:${outcome}`).test(await stack.redis("INFO", "persistence")));
  };
  await stack.redis("CONFIG", "SET", "save", "3600 1");
  await save("err");
  const s = scene(t, stack);
  const [one, two] = await pair(s);
  await one.say(two.name, "on and on");
  await trouble(t, {
    inject: async () => {
      assert.equal(await stack.redis("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes"), "OK");
      assert.match(await stack.redis("SET", "x", "y").catch((err) => String(err.stdout)), /^MISCONF/);
    },
    cure: async () => {
      await rm(blocked, { recursive: true });
      await save("ok");
      await rm(blocked);
    },
    reasons: { gateway: /MISCONF/, auth: /MISCONF/, presence: /MISCONF/ },
  });
  await stack.redis("CONFIG", "SET", "stop-writes-on-bgsave-error", "no");
  await stack.redis("CONFIG", "SET", "save", "");
});

/* ---- Refusals of some ---- */

test("a full Redis: no logins, no messages, but who is there stays, comes back, logs out, is kicked, expires", async (t) => {
  const s = scene(t, stack);
  const [one, two] = await pair(s);
  const away = await s.user("away");
  const three = await s.join(away, stack.gateway(1));
  const leaver = await s.enter("leaver", stack.gateway(2));
  const bad = await s.enter("bad", stack.gateway(2));
  const quiet = await s.enter("quiet", stack.gateway(2));
  await Promise.all([away, leaver, bad, quiet].map((p) => one.sees(p.name)));
  assert.equal(await stack.redis("CONFIG", "SET", "maxmemory", "1"), "OK");
  try {
    await refusedLogin();
    await refusedMessage(one);
    three.cut();
    const back = await s.join(away, stack.gateway(2));
    assert.ok(back.users.has(one.name));
    assert.equal((await request(stack.auth(1), "/session", { headers: { Authorization: `Bearer ${away.token}` } })).status, 200);
    const token = s.tokenOf(leaver.name);
    assert.equal((await logout(stack.auth(1), leaver.name, token)).status, 200);
    await leaver.waitFor("session_end");
    assert.match(await stack.operator("FCALL", "parley_kick", "1", "{chat}:", bad.name), /^kicked/);
    await bad.waitFor("session_end");
    quiet.cut();
    await Promise.all([leaver, bad, quiet].map((p) => one.misses(p.name)));
    for (const name of SERVICES) {
      assert.equal((await stack.says(name, "/readyz")).status, 200, `${name} is of use`);
    }
    await refusedLogin();
  } finally {
    await stack.redis("CONFIG", "SET", "maxmemory", "0");
  }
  await flows(one, two);
  assert.equal((await login(stack.auth(1), s.promise("newcomer"))).status, 200);
  stayed([one, two]);
});

test("a lost function library (FUNCTION FLUSH) is loaded again, and nobody notices for long", async (t) => {
  const s = scene(t, stack);
  const [one, two] = await pair(s);
  const epoch = await stack.redis("HGET", "{chat}:presence", "epoch");
  assert.equal(await stack.redis("FUNCTION", "FLUSH"), "OK");
  await until("it is there again", async () => (await stack.redis("FUNCTION", "LIST")).includes("parley"));
  const version = await stack.redis("FCALL_RO", "parley_version", "0");
  await until("whoever loaded it says so", async () => (await Promise.all(SERVICES.map((name) => readFile(stack.process(name).log, "utf8"))))
    .some((log) => log.includes(`: function library loaded version=${version}\n`)));
  await allWell();
  await flows(one, two);
  assert.equal(await stack.redis("HGET", "{chat}:presence", "epoch"), epoch, "no data was lost");
  stayed([one, two]);
});

test("a Redis that may throw data away is warned of, once a connection", async (t) => {
  t.after(() => stack.redis("CONFIG", "SET", "maxmemory-policy", "noeviction"));
  assert.equal(await stack.redis("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"), "OK");
  await stack.redis("CLIENT", "KILL", "TYPE", "normal");
  for (const name of SERVICES) {
    await until(`${name} warns`, async () => /warn .*REDIS MAY THROW USERS AND MESSAGES AWAY.*allkeys-lru/.test(await readFile(stack.process(name).log, "utf8")));
  }
  await allWell();
});

/* ---- Data ---- */

const PRESENCE = "{chat}:presence";

test("an epoch that cannot be one: nobody takes it over, auth-svc and presence-svc say so, and all goes on when it is right again", async (t) => {
  const epoch = await stack.redis("HGET", PRESENCE, "epoch");
  await trouble(t, {
    inject: async () => assert.equal(await stack.redis("HSET", PRESENCE, "epoch", 'z"\ny'), "0"),
    cure: async () => assert.equal(await stack.redis("HSET", PRESENCE, "epoch", epoch), "0"),
    reasons: { auth: /answers oddly: status=unknown epoch=z\\x22/, presence: /no sweep has succeeded lately.*not this one/ },
  });
  assert.equal(await stack.redis("HGET", PRESENCE, "epoch"), epoch, "no other was opened");
  for (const name of SERVICES) {
    assert.ok(!(await readFile(stack.process(name).log, "utf8")).includes('z"'), `${name} escapes it`);
  }
});

test("a key that every call needs is of a wrong type (WRONGTYPE)", (t) => trouble(t, {
  inject: async () => {
    assert.equal(await stack.redis("RENAME", PRESENCE, "{chat}:aside"), "OK");
    assert.equal(await stack.redis("SET", PRESENCE, "a string"), "OK");
  },
  cure: async () => assert.equal(await stack.redis("RENAME", "{chat}:aside", PRESENCE), "OK"),
  reasons: { gateway: /./, auth: /WRONGTYPE/, presence: /no sweep has succeeded lately.*not this one: reply="WRONGTYPE .*script: parley_sweep/ },
}));

test("FLUSHALL: the gateways bring back who is connected; who was away must log in again", async (t) => {
  const s = scene(t, stack);
  const [one, two] = await pair(s);
  const away = await s.user("away");
  const three = await s.join(away);
  await one.sees(away.name);
  const before = await one.say("group", "before");
  three.cut();
  await until("in grace", async () => (await stack.servedBy(away.name)).length === 0);
  assert.equal(await stack.redis("FLUSHALL"), "OK");
  const start = performance.now();
  await until("it settles", async () => (await stack.redis("HEXISTS", "{chat}:presence", "settle")) === "1");
  const id = await flows(one, two);
  t.diagnostic(`messages flow ${(performance.now() - start).toFixed(0)} ms after FLUSHALL`);
  assert.ok(id > before);
  await one.misses(away.name);
  stayed([one, two]);
  await assert.rejects(connect(stack.door, { token: away.token }), /session_expired/);
  assert.equal((await login(stack.door, s.promise(away.name))).status, 200);
});

test("killed and started again with its data, which takes a while to load: sessions hold, also of those in grace", async (t) => {
  const s = scene(t, stack);
  const [one, two] = await pair(s);
  const before = await one.say("group", "before");
  await stack.redis("EVAL", "for i = 1, 20000 do redis.call('SET', 'ballast:' .. i, i) end", "0");
  const away = await s.user("away");
  const three = await s.join(away);
  await Promise.all([one.sees(away.name), three.sees(one.name)]);
  three.cut();
  await until("in grace", async () => (await stack.servedBy(away.name)).length === 0);
  assert.equal(await stack.redis("SAVE"), "OK");
  await stack.signal("redis", "SIGKILL");
  await refusedMessage(one);
  await stack.restartRedis({
    settings: ["--key-load-delay", "100", "--loading-process-events-interval-bytes", "1024"],
    meanwhile: async () => {
      await saysWhy({ gateway: /LOADING/, auth: /LOADING/, presence: /LOADING/ });
      assert.match(await stack.redis("PING").catch((err) => String(err.stdout)), /^LOADING/);
    },
  });
  const start = performance.now();
  const id = await flows(one, two);
  t.diagnostic(`messages flow ${(performance.now() - start).toFixed(0)} ms after it has loaded`);
  assert.ok(id > before);
  await allWell();
  await s.join(away);
  stayed([one, two]);
  await stack.redis("EVAL", "for i = 1, 20000 do redis.call('DEL', 'ballast:' .. i) end", "0");
  await rm(join(stack.dir, "dump.rdb"));
});

test("data that is not ours: ignored or refused, and said; nobody else is concerned", async (t) => {
  const s = scene(t, stack);
  const [one, two] = await pair(s);
  const id = await stack.gatewayId(2);
  const junk = ["", "x", "message", "message 1", "message 99999999999999999999 x\n{}", "end 1 x", "nonce 1 x 1 1 x", "\xff", "x".repeat(100_000), `message 7 1 - - \n${"{".repeat(1000)}`];
  for (const channel of [`to:${id}`, "group", "presence"]) {
    for (const text of junk) {
      const heard = await stack.redis("PUBLISH", `{chat}:${channel}`, text);
      assert.ok(Number(heard) >= 1, `somebody heard it on ${channel}`);
    }
  }
  const evil = s.promise("evil");
  await stack.redis("SET", `{chat}:user:${evil}`, "a string");
  const res = await login(stack.auth(1), evil);
  assert.deepEqual([res.status, res.json.error.code], [503, "unavailable"]);
  assert.equal((await stack.says("auth-1", "/readyz")).status, 200, "one bad name is not everybody's");
  await stack.redis("DEL", `{chat}:user:${evil}`);
  assert.equal((await login(stack.auth(1), evil)).status, 200);
  await stack.redis("SET", "{chat}:lapsed", "a string");
  await saysWhy({ presence: /no sweep has succeeded lately/ });
  await stack.redis("DEL", "{chat}:lapsed");
  await allWell();
  await flows(one, two);
  const known = new Set(["before", "after", "on and on"]);
  assert.deepEqual([...one.texts(), ...two.texts()].filter((text) => !known.has(text)), []);
  stayed([one, two]);
});

stack.lastTest();
