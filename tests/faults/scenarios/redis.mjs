/* redis.mjs - Redis dies, forgets, stands still, refuses, is somebody else (rows 14 to 32) */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { login, user } from "../../support/client.mjs";
import { request } from "../../support/http.mjs";
import { until } from "../../support/wait.mjs";
import { pause } from "../stage.mjs";
import { Sentinels } from "../sentinels.mjs";

const KEEPS = { PRESENCE_SVCS: "1", LEASE_MS: "1000", GRACE_S: "6" };

/* From here on Redis writes down what it accepts, before it answers.  It is started again with
 * stage.keeping: Debian's Redis 7.0 loads such a file with the rights of the default user, which with our
 * rules may not write, and loses every transaction; so here it has all rights while it loads. */
export async function keepsData(stage) {
  const { argv } = stage.stack.process("redis");
  const rules = await readFile(argv[argv.indexOf("--aclfile") + 1], "utf8");
  const loading = join(stage.stack.dir, "loading.acl");
  const others = rules.split("\n").filter((line) => line && !line.startsWith("user default"));
  await writeFile(loading, [...others, "user default on nopass ~* &* +@all", ""].join("\n"), { mode: 0o600 });
  stage.keeping = ["--appendonly", "yes", "--appendfsync", "everysec", "--aclfile", loading];
  await stage.stack.redis("CONFIG", "SET", "appendonly", "yes");
  await until("the file is begun", async () => {
    const info = await stage.stack.redis("INFO", "persistence");
    return [/aof_enabled:1/, /aof_rewrite_in_progress:0/, /aof_rewrite_scheduled:0/, /aof_last_bgrewrite_status:ok/].every((line) => line.test(info));
  });
}
const runId = async (stage) => /run_id:(\w+)/.exec(await stage.stack.redis("INFO", "server"))[1];
export const settled = (stage) => until("it has settled", async () => (await stage.stack.redis("HEXISTS", "{chat}:presence", "settle").catch(() => "1")) === "0", { timeout: 30_000 });
const epoch = (stage) => stage.stack.redis("HGET", "{chat}:presence", "epoch");

/* While messages cannot be accepted, senders must be told, never kept waiting. */
export async function toldUnavailable(stage, more = 5) {
  const before = await stage.sum("unavailable");
  await until("messages are refused as unavailable", async () => (await stage.sum("unavailable")) >= before + more, { every: 10 });
}

export async function killRedis(stage, keeps) {
  const was = await runId(stage);
  const killed = async () => {
    await stage.stack.signal("redis", "SIGKILL");
    await toldUnavailable(stage);
    await stage.stack.restartRedis({ settings: keeps ? stage.keeping : [] });
  };
  await stage.fault("kill -9 redis", () => (keeps ? killed() : stage.loses(killed)));
  assert.notEqual(await runId(stage), was, "it is another Redis");
  await until("there is an epoch", async () => (await epoch(stage)) !== "", { timeout: 20_000 });
  await settled(stage);
  await until("every service is ready", () => stage.stack.ready());
}

/* A connection to Redis as admin that was there before the fault. */
async function adminConnection(stage) {
  const socket = net.connect(stage.stack.run.redis.socket);
  stage.afterwards(() => socket.destroy());
  const password = (await readFile(stage.stack.run.redis.admin_password_file, "utf8")).trim();
  let said = "";
  socket.on("data", (bytes) => { said += bytes; });
  const ask = async (...words) => {
    said = "";
    socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`);
    await until("Redis answers", () => said.endsWith("\r\n"));
    return said.trim();
  };
  assert.equal(await ask("AUTH", "admin", password), "+OK");
  return ask;
}

async function loginIs(stage, name, status) {
  const res = await login(stage.stack.door, name);
  assert.equal(res.status, status, `login: ${res.body}`);
}

export const redis = [
  {
    row: 14, title: "Redis is killed (-9) and started again with its data", env: KEEPS, quick: true,
    prepare: keepsData, expect: { leaves: 0, unknown: 0 },
    async inject(stage) {
      const was = await epoch(stage);
      await killRedis(stage, true);
      assert.notEqual(await epoch(stage), was, "a new epoch");
      return "messages are refused as unavailable while it is away and settles, then all goes on";
    },
  },
  {
    row: 14, title: "Redis is killed (-9) and started again from a snapshot that is some seconds old", env: KEEPS, expect: { leaves: 0 },
    async inject(stage) {
      await stage.stack.redis("SAVE");
      await stage.flows(120);
      stage.keeping = ["--dbfilename", "dump.rdb"];
      await stage.loses(() => killRedis(stage, true));
      return "what was accepted since the snapshot has been delivered or is told as missing";
    },
  },
  {
    row: 15, title: "Redis is killed (-9) and started again empty", env: KEEPS, quick: true,
    expect: { leaves: 0 },
    async inject(stage) {
      const [crowd] = stage.crowds;
      const waiting = await user(stage.stack.door, "waiting"); /* a session that nobody holds a connection of */
      await killRedis(stage, false);
      const res = await request(stage.stack.door, "/session", { headers: { cookie: `session=${waiting.token}` } });
      assert.equal(res.status, 401, "a forgotten session is refused");
      assert.equal(Number(await stage.stack.redis("SCARD", "{chat}:online")), crowd.names.length, "connected people are back in the list");
      return "connected people stay and are in the list again; a session without a connection is refused";
    },
  },
  {
    row: 16, title: "FLUSHALL while it runs", env: KEEPS, quick: true, expect: { leaves: 0 },
    async inject(stage) {
      const was = await epoch(stage);
      await stage.fault("FLUSHALL", () => stage.loses(async () => {
        await stage.stack.redis("FLUSHALL");
        await until("it was noticed without a reconnection", async () => ![was, ""].includes(await epoch(stage)));
      }));
      await settled(stage);
      return "noticed at the next call; as when it starts empty";
    },
  },
  {
    row: 17, title: "the master dies, Sentinel makes the replica the master", env: { ...KEEPS, LEASE_MS: "2000" },
    prepare: async (stage) => { stage.sentinels = await Sentinels.open(stage); },
    expect: { leaves: 0 },
    async inject(stage) {
      let loss;
      const start = performance.now();
      await stage.fault("kill -9 of the master", () => stage.loses(async () => {
        await stage.sentinels.killMaster();
        await toldUnavailable(stage);
        loss = await stage.sentinels.newMaster();
      }));
      const took = performance.now() - start;
      await settled(stage);
      await until("every service is ready", () => stage.stack.ready());
      return `another master after ${(took / 1000).toFixed(1)} s, ${loss} ids behind`;
    },
  },
  {
    row: 18, title: "the master stands still through a failover, and wakes believing that it is the master", env: { ...KEEPS, LEASE_MS: "2000" },
    prepare: async (stage) => { stage.sentinels = await Sentinels.open(stage); },
    expect: { leaves: 0 },
    async inject(stage) {
      let behind;
      const own = stage.stack.run.redis.socket;
      await stage.fault("two masters", () => stage.loses(async () => {
        await stage.stack.signal("redis", "SIGSTOP");
        await toldUnavailable(stage);
        behind = await stage.sentinels.newMaster();
        await stage.stack.signal("redis", "SIGCONT");
        assert.match(await stage.sentinels.askAt(own, "ROLE"), /^master/, "there are two now");
      }));
      await settled(stage);
      await stage.flows();
      await until("the old one follows the new one", async () => /^slave/.test(await stage.sentinels.askAt(own, "ROLE")), { timeout: 60_000 });
      await until("every service is ready", () => stage.stack.ready());
      return `nobody believes the old one; the new one is ${behind} ids behind`;
    },
  },
  {
    row: 19, title: "Redis becomes a replica, which takes PUBLISH but no writes", env: KEEPS, expect: { leaves: 0 },
    async inject(stage) {
      await stage.fault("REPLICAOF", async () => {
        await stage.stack.redis("REPLICAOF", "127.0.0.1", "1");
        await toldUnavailable(stage);
        assert.match(await stage.stack.redis("INFO", "replication"), /role:slave/);
        await loginIs(stage, "newcomer", 503);
        await stage.stack.redis("REPLICAOF", "NO", "ONE");
      });
      await settled(stage);
      return "messages and logins are refused as unavailable, until it is a master again";
    },
  },
  {
    row: 20, title: "Redis is started and loads for seconds", env: KEEPS,
    prepare: keepsData, expect: { leaves: 0, unknown: 0 },
    async inject(stage) {
      for (let i = 0; i < 50; i++) {
        await stage.stack.redis("EVAL", "for i = 1, 100 do redis.call('SET', 'fill:' .. ARGV[1] .. ':' .. i, i) end", "0", String(i));
      }
      await stage.stack.redis("BGREWRITEAOF"); /* loading can be slowed for snapshots alone, and this makes one */
      await keepsData(stage);
      await stage.fault("LOADING", async () => {
        await stage.stack.signal("redis", "SIGKILL");
        const started = stage.stack.restartRedis({ settings: [...stage.keeping, "--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"] });
        await until("it says LOADING", async () => /LOADING/.test(await stage.stack.redis("GET", "x").catch((err) => err.stdout + err.stderr)), { every: 5 });
        started.catch(() => {});
        await until("nobody claims to be ready", () => stage.stack.noneReady());
        assert.match(await stage.stack.redis("GET", "x").catch((err) => err.stdout + err.stderr), /LOADING/, "while it still loads");
        await started;
      });
      await settled(stage);
      return "nobody claims to be ready; then all goes on";
    },
  },
  {
    row: 21, title: "the function library is flushed, again and again", expect: { leaves: 0 },
    async inject(stage) {
      await stage.fault("FUNCTION FLUSH", async () => {
        for (let i = 0; i < 20; i++) {
          await stage.stack.redis("FUNCTION", "FLUSH");
          await until("it is loaded again", async () => (await stage.stack.redis("FUNCTION", "LIST")).includes("parley"), { every: 5 });
          await stage.flows(5);
        }
      });
      return "20 times loaded again by whoever missed it first";
    },
  },
  ...[200, 2000].map((latencyMs) => ({
    row: 22, title: `each answer of Redis to a gateway is ${latencyMs} ms late`, env: { LEASE_MS: "8000", GATEWAYS: "2" },
    prepare: async (stage) => { stage.link = await stage.beforeRedis("gateway-1"); },
    expect: { leaves: 0 },
    async inject(stage) {
      await stage.fault("latency", async () => {
        stage.link.set({ down: { latencyMs } });
        const before = stage.link.carried.down;
        await stage.flows(120);
        await until("answers came through the proxy", () => stage.link.carried.down > before);
      });
      stage.link.heal();
      await until("it is ready", () => stage.stack.isReady("gateway-1"));
      return "answers fit their questions";
    },
  })),
  {
    row: 22, title: "CLIENT PAUSE for 3 s", expect: { leaves: 0 },
    async inject(stage) {
      await stage.fault("CLIENT PAUSE", async () => {
        const start = performance.now();
        await stage.stack.redis("CLIENT", "PAUSE", "3000", "ALL");
        await toldUnavailable(stage);
        await stage.stack.redis("PING");
        assert.ok(performance.now() - start >= 2500, "it stood still");
      });
      return "refused as unavailable meanwhile";
    },
  },
  {
    row: 22, title: "a script keeps Redis busy for 3 s (BUSY)", expect: { leaves: 0 },
    async inject(stage) {
      await stage.stack.redis("CONFIG", "SET", "busy-reply-threshold", "100");
      await stage.fault("a busy script", async () => {
        const script = stage.stack.redis("EVAL", "while true do end", "0").catch(() => "killed");
        await until("Redis says BUSY", async () => /BUSY/.test(await stage.stack.redis("GET", "x").catch((err) => err.stdout + err.stderr)));
        await toldUnavailable(stage);
        await pause(3000);
        await stage.stack.redis("SCRIPT", "KILL");
        await script;
      });
      return "refused as unavailable meanwhile";
    },
  },
  {
    row: 23, title: "Redis stands still (SIGSTOP) for 6 s, longer than the lease", quick: true, expect: { leaves: 0 },
    async inject(stage) {
      await stage.fault("SIGSTOP redis", async () => {
        await stage.stack.signal("redis", "SIGSTOP");
        await toldUnavailable(stage);
        await until("nobody claims to be ready", () => stage.stack.noneReady());
        await pause(4000);
        await stage.stack.signal("redis", "SIGCONT");
      });
      await until("every service is ready", () => stage.stack.ready());
      return "refused as unavailable, not ready; nobody leaves, all goes on by itself";
    },
  },
  {
    row: 24, title: "maxmemory is reached", expect: { leaves: (n) => n >= 1 }, refusalsExpected: true,
    async inject(stage) {
      const [crowd] = stage.crowds;
      await stage.fault("maxmemory", async () => {
        await stage.stack.redis("CONFIG", "SET", "maxmemory", "1mb");
        await toldUnavailable(stage);
        await loginIs(stage, "newcomer", 503);
        await stage.leave(crowd, [crowd.names[0]]);
        await stage.stack.redis("CONFIG", "SET", "maxmemory", "0");
      });
      await loginIs(stage, "newcomer", 200);
      return "logins 503, messages unavailable, a logout works";
    },
  },
  {
    row: 25, title: "an evicting policy by mistake",
    async inject(stage) {
      await stage.fault("allkeys-lru", async () => {
        await stage.stack.redis("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
        await stage.stack.signal("gateway-1", "SIGKILL");
        await stage.stack.startAgain("gateway-1");
      });
      return "a service that starts says so loudly";
    },
    logged: [["gateway", /maxmemory-policy|evict/]],
  },
  {
    row: 26, title: "snapshots fail, so Redis refuses writes (MISCONF)", expect: { leaves: 0 },
    async inject(stage) {
      mkdirSync(`${stage.stack.dir}/dump.rdb/x`, { recursive: true });
      await stage.fault("MISCONF", async () => {
        await stage.stack.redis("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes");
        await stage.stack.redis("CONFIG", "SET", "save", "3600 1");
        await stage.stack.redis("BGSAVE");
        await until("it refuses writes", async () => /MISCONF/.test(await stage.stack.redis("SET", "x", "1").catch((err) => err.stdout + err.stderr)));
        await toldUnavailable(stage);
        await loginIs(stage, "newcomer", 503);
        await stage.stack.redis("CONFIG", "SET", "save", "");
      });
      return "as when memory runs out";
    },
  },
  {
    row: 27, title: "a gateway reads so slowly that Redis cuts its subscriptions", quick: true, env: { GRACE_S: "8", LEASE_MS: "8000", PING_INTERVAL_MS: "8000", PING_TIMEOUT_MS: "8000" },
    expect: { leaves: 0 },
    async inject(stage) {
      await stage.stack.redis("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 1mb 1");
      const subscribers = async () => (await stage.stack.redis("CLIENT", "LIST", "TYPE", "PUBSUB")).split("\n").filter(Boolean).length;
      const before = await subscribers();
      await stage.fault("40 MB", async () => {
        await stage.stack.signal("gateway-1", "SIGSTOP");
        for (let i = 0; i < 40; i++) {
          await stage.stack.redis("EVAL", "redis.call('PUBLISH', '{chat}:group', string.rep('x', 1048576))", "0");
        }
        assert.ok((await subscribers()) < before, "Redis has cut the one who does not read");
        await stage.stack.signal("gateway-1", "SIGCONT");
      });
      await until("it subscribes again", async () => (await subscribers()) === before);
      return "it subscribes again, and fills the hole";
    },
  },
  {
    row: 29, title: "a gateway's connections to Redis are reset, five times", quick: true, expect: { leaves: 0, notRecovered: 0 },
    prepare: async (stage) => { stage.link = await stage.beforeRedis("gateway-1"); },
    async inject(stage) {
      await stage.fault("reset", async () => {
        for (let i = 0; i < 5; i++) {
          const before = stage.link.accepted;
          assert.ok(stage.link.reset() >= 2, "both its connections");
          await until("it connects anew", () => stage.link.accepted >= before + 2);
          await stage.flows();
        }
      });
      await until("it is ready", () => stage.stack.isReady("gateway-1"));
      return "it connects anew, its clients notice nothing but a pause";
    },
  },
  {
    row: 29, title: "a gateway's connections to Redis are half-open for 5 s", expect: { leaves: 0 },
    prepare: async (stage) => { stage.link = await stage.beforeRedis("gateway-1"); },
    async inject(stage) {
      await stage.fault("hold", async () => {
        stage.link.hold();
        await until("it says that it is not ready", async () => !(await stage.stack.isReady("gateway-1")));
        await pause(3000);
        stage.link.heal();
      });
      await until("it is ready", () => stage.stack.isReady("gateway-1"));
      return "it notices by its own nonce";
    },
  },
  {
    row: 30, title: "garbage on our channels and in our keys", expect: { leaves: 0, notRecovered: 0 },
    async inject(stage) {
      const [gateway] = (await stage.stack.redis("ZRANGE", "{chat}:gateways", "0", "-1")).split("\n");
      const lines = ["", "x", "message", "message 1", "message 99999999999999999999 x", "message -1 2 3\n{}", "end 1 x", "nonce 5", "\u0000".repeat(100), `message 7 1 - - \n{"message_id":`, "x".repeat(1 << 16)];
      await stage.fault("garbage", async () => {
        for (const line of lines) {
          for (const channel of ["group", "presence", `to:${gateway}`]) {
            await stage.stack.redis("EVAL", "redis.call('PUBLISH', ARGV[1], ARGV[2])", "0", `{chat}:${channel}`, line.replaceAll("\u0000", "\\0"));
          }
        }
        await stage.stack.redis("EVAL", "redis.call('PUBLISH', '{chat}:group', string.rep('y', 100 * 1048576))", "0").catch(() => {});
        await stage.stack.redis("SET", "{chat}:user:wrongtype", "x");
        await loginIs(stage, "wrongtype", 503);
        await stage.stack.redis("DEL", "{chat}:user:wrongtype");
      });
      await until("every service is ready", () => stage.stack.ready());
      return `${lines.length} lines on three channels, one of 100 MB, a key of another type: passed over, or unavailable`;
    },
  },
  {
    row: 31, title: "the rights of the gateways are taken away, and given back", refusalsExpected: true, expect: { leaves: 0 },
    async inject(stage) {
      await stage.fault("ACL", async () => {
        await stage.stack.redis("ACL", "SETUSER", "gateway-svc", "-@all");
        await toldUnavailable(stage);
        await until("no gateway claims to be ready", async () => !(await stage.stack.isReady("gateway-1")));
        const tries = async () => Number(/total_connections_received:(\d+)/.exec(await stage.stack.redis("INFO", "stats"))[1]);
        const before = await tries();
        await pause(2000);
        const more = (await tries()) - before;
        assert.ok(more < 100, `no tight loop: ${more} connections in 2 s`);
        await stage.stack.redis("ACL", "LOAD");
      });
      await until("every service is ready", () => stage.stack.ready());
      return "not ready, no tight loop; all goes on when the rights are back";
    },
    logged: [["gateway", /NOPERM|permission/i]],
  },
  {
    row: 32, title: "Redis takes no more connections (maxclients)", expect: { leaves: 0 },
    async inject(stage) {
      const ask = await adminConnection(stage);
      await stage.fault("maxclients", async () => {
        assert.equal(await ask("CONFIG", "SET", "maxclients", "1"), "+OK");
        await ask("CLIENT", "KILL", "TYPE", "normal");
        await ask("CLIENT", "KILL", "TYPE", "pubsub");
        await toldUnavailable(stage);
        await pause(2000);
        const rejected = /rejected_connections:(\d+)/.exec(await ask("INFO", "stats"))[1];
        assert.ok(Number(rejected) > 0 && Number(rejected) < 300, `${rejected} connections were refused: they try, but not in a tight loop`);
        assert.equal(await ask("CONFIG", "SET", "maxclients", "10000"), "+OK");
      });
      await until("every service is ready", () => stage.stack.ready());
      return "they try again with a back-off, and are back";
    },
  },
];
