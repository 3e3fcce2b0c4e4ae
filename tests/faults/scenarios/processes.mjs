/* processes.mjs - services that die, stand still, are stopped or restarted (rows 1 to 13) */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { login, logout, refusal, connect } from "../../support/client.mjs";
import { request } from "../../support/http.mjs";
import { until } from "../../support/wait.mjs";
import { pause } from "../stage.mjs";

const QUICK_PINGS = { PING_INTERVAL_MS: "500", PING_TIMEOUT_MS: "1500" };

/* Logs in, with one more try, as a person would; resolves to the token. */
async function mayLogin(stage, name) {
  for (let left = 2; ; left--) {
    const res = await login(stage.stack.door, name).catch((err) => ({ status: err.code }));
    if (res.status === 200) {
      return res.json.token;
    }
    assert.ok(left > 1, `login of ${name}: ${res.status}`);
    await pause(500);
  }
}

/* Somebody logs in and out again and again, until stopped; how often it failed twice in a row. */
function loginAgain(stage) {
  const self = { done: 0, failed: [], on: true };
  self.ended = (async () => {
    for (let i = 0; self.on; i++) {
      try {
        const token = await mayLogin(stage, `visitor${i}`);
        await logout(stage.stack.door, `visitor${i}`, token);
        self.done++;
      } catch (err) {
        self.failed.push(err.message);
      }
      await pause(50);
    }
  })();
  self.stop = () => { self.on = false; return self.ended; };
  return self;
}

/* Every service in turn: ended in order, started again, ready, and a second of load before the next. */
export async function rollingRestart(stage) {
  const visitor = loginAgain(stage);
  const names = stage.stack.services;
  await stage.fault("a rolling restart", async () => {
    for (const name of names) {
      const { pid } = stage.stack.process(name);
      await stage.restart(name);
      assert.notEqual(stage.stack.process(name).pid, pid, `${name} is another process`);
      await stage.flows();
    }
  });
  await visitor.stop();
  assert.deepEqual(visitor.failed, [], "every login worked at the second try at the latest");
  return `${names.length} services one after the other; ${visitor.done} logins meanwhile, none failed twice`;
}

async function killGateway(stage) {
  const before = await stage.sum("cuts");
  await stage.fault("kill -9 gateway-1", () => stage.stack.signal("gateway-1", "SIGKILL"));
  await until("its clients noticed", async () => (await stage.sum("cuts")) > before, { every: 5 });
  await stage.every("present", { ms: 30_000 }, "R", "are not back");
  await stage.flows();
  await stage.stack.startAgain("gateway-1");
}

async function presenceLog(stage) {
  const entries = await stage.stack.redisJson("XRANGE", "{chat}:presence:log", "-", "+");
  return entries.flatMap(([, [, changes]]) => changes.split(" "));
}
const times = (changes, change) => changes.filter((c) => c === change).length;

/* A second haproxy that takes over from the first, as a reload does. */
async function reloadDoor(stage) {
  const old = stage.stack.process("haproxy");
  const env = Object.fromEntries(readFileSync(`/proc/${old.pid}/environ`, "utf8").split("\0").filter(Boolean)
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  const child = spawn("setpriv", ["--pdeathsig", "TERM", ...old.argv, "-sf", String(old.pid)], { env, stdio: "ignore" });
  const ended = once(child, "exit");
  stage.afterwards(async () => { child.kill("SIGTERM"); await ended; });
  await until("the old one is gone", () => {
    try {
      return readFileSync(`/proc/${old.pid}/stat`, "utf8").includes(") Z ");
    } catch {
      return true;
    }
  });
  assert.equal(child.exitCode, null, "the new one runs");
  stage.files.set("haproxy", stage.files.get("haproxy") + 4);
  old.pid = child.pid;
}

export const processes = [
  {
    row: 1, title: "kill -9 of one of three gateways, under load", quick: true,
    expect: { leaves: 0, notRecovered: 0 },
    inject: async (stage) => { await killGateway(stage); return "its clients go on at the others"; },
  },
  {
    row: 2, title: "a gateway stands still (SIGSTOP) for 5 s, longer than ping interval and timeout, and wakes", quick: true,
    env: { ...QUICK_PINGS, GRACE_S: "10" }, expect: { leaves: 0, notRecovered: 0 },
    async inject(stage) {
      await stage.fault("SIGSTOP gateway-1", async () => {
        await stage.stack.signal("gateway-1", "SIGSTOP");
        await pause(5000);
        await stage.stack.signal("gateway-1", "SIGCONT");
      });
      await until("it is ready again", () => stage.stack.isReady("gateway-1"));
      await stage.every("present", { ms: 30_000 }, "R", "are not back");
      return "its clients notice by their ping timeout and go elsewhere; when it wakes it has no say over them any more";
    },
  },
  {
    row: 3, title: "a gateway is told to end (SIGTERM), under load", quick: true, env: { DRAIN_S: "2" },
    expect: { leaves: 0, notRecovered: 0 },
    async inject(stage) {
      const { port } = stage.stack.process("gateway-1");
      await stage.fault("SIGTERM gateway-1", async () => {
        const ended = stage.stack.signal("gateway-1", "SIGTERM", { timeout: 30_000 });
        await until("it says that it is not ready", async () => !(await stage.stack.isReady("gateway-1")));
        await ended;
      });
      await assert.rejects(request(`http://127.0.0.1:${port}`, "/socket.io/?EIO=4&transport=polling"));
      await stage.every("present", { ms: 30_000 }, "R", "are not back");
      await stage.flows();
      await stage.stack.startAgain("gateway-1");
      return "not ready at once; its clients move; it ends with status 0";
    },
    logged: [],
  },
  {
    row: 4, title: "rolling restart of every service, under load", env: { DRAIN_S: "1", AUTH_SVCS: "2" },
    expect: { leaves: 0, notRecovered: 0 }, inject: rollingRestart,
  },
  {
    row: 5, title: "presence-svc is down while three people's time runs out, three times over", env: { GRACE_S: "1" },
    check: { ghostMs: 16_000 }, quick: true,
    async inject(stage) {
      const [crowd] = stage.crowds;
      const gone = crowd.names.slice(0, 3);
      const online = async () => (await stage.stack.redis("SMEMBERS", "{chat}:online")).split("\n");
      await stage.fault("presence-svc is down", async () => {
        await stage.stack.signal("presence-1", "SIGKILL");
        await stage.lose(crowd, gone);
        await pause(3000 * 3);
        const there = await online();
        assert.deepEqual(gone.filter((name) => !there.includes(name)), [], "nobody was expired meanwhile");
      });
      const start = performance.now();
      await stage.stack.startAgain("presence-1");
      await until("they leave", async () => { const there = await online(); return !gone.some((name) => there.includes(name)); });
      const changes = await presenceLog(stage);
      assert.deepEqual(gone.map((name) => times(changes, `-${name}`)), [1, 1, 1], "each once");
      return `nobody leaves meanwhile; all three, once each, ${Math.round(performance.now() - start)} ms after its start`;
    },
  },
  {
    row: 6, title: "three presence-svc at once while a third of the people go", env: { PRESENCE_SVCS: "3", GRACE_S: "1" },
    async inject(stage) {
      const [crowd] = stage.crowds;
      const gone = crowd.names.slice(0, crowd.names.length / 3);
      await stage.fault("people go", () => stage.lose(crowd, gone));
      await until("all are announced", async () => {
        const changes = await presenceLog(stage);
        return gone.every((name) => changes.includes(`-${name}`));
      }, { timeout: 30_000 });
      const changes = await presenceLog(stage);
      assert.deepEqual(gone.filter((name) => times(changes, `-${name}`) !== 1), [], "each once");
      return `${gone.length} leave, each once`;
    },
  },
  {
    row: 7, title: "presence-svc is killed again and again while people's time runs out", env: { GRACE_S: "1" },
    async inject(stage) {
      const [crowd] = stage.crowds;
      const gone = crowd.names.slice(0, 12);
      let kills = 0;
      await stage.fault("kill -9 presence-svc, again and again", async () => {
        for (const name of gone) {
          await stage.lose(crowd, [name]);
          await pause(stage.dice() * 300);
          await stage.stack.signal("presence-1", "SIGKILL");
          kills++;
          await stage.stack.startAgain("presence-1");
        }
      });
      await until("all are announced", async () => { const changes = await presenceLog(stage); return gone.every((name) => changes.includes(`-${name}`)); });
      const changes = await presenceLog(stage);
      assert.deepEqual(gone.filter((name) => times(changes, `-${name}`) !== 1), [], "each once");
      return `${kills} kills, ${gone.length} leave, each once: to claim and to announce are one step in Redis`;
    },
  },
  {
    row: 8, title: "auth-svc is killed (-9) in the middle of logins", env: { PENDING_S: "2" },
    async inject(stage) {
      const names = Array.from({ length: 60 }, (_, i) => `late${i}`);
      let died = 0;
      const tokens = new Map();
      await stage.fault("kill -9 auth-svc", async () => {
        for (let i = 0; i < names.length; i += 20) {
          const under = names.slice(i, i + 20).map((name) => login(stage.stack.door, name).then(
            (res) => (res.status === 200 ? tokens.set(name, res.json.token) : died++), () => died++));
          await pause(stage.dice() * 8);
          await stage.stack.signal("auth-1", "SIGKILL");
          await Promise.all(under);
          await stage.stack.startAgain("auth-1");
        }
      });
      assert.ok(died > 0, "some logins were cut");
      for (const [name, token] of tokens) {
        const answer = await connect(stage.stack.door, { token }).catch(() => undefined);
        if (answer) {
          await logout(stage.stack.door, name, token);
          answer.close();
        } else {
          await refusal(stage.stack.door, { token });
        }
      }
      await until("every name is free again", async () => {
        const keys = await stage.stack.redis("--scan", "--pattern", "{chat}:user:late*");
        return keys === "";
      }, { timeout: 20_000 });
      return `${died} of ${names.length} logins were cut; ${tokens.size} tokens work or are expired, the rest of the names is free after PENDING_S`;
    },
  },
  {
    row: 9, title: "the door is killed (-9) and started again", expect: { leaves: 0, notRecovered: 0 },
    async inject(stage) {
      const here = await stage.sum("here");
      await stage.fault("kill -9 haproxy", async () => {
        await stage.stack.signal("haproxy", "SIGKILL");
        await until("everybody is cut", async () => (await stage.sum("here")) === 0);
        await stage.stack.startAgain("haproxy", { ready: false });
      });
      await stage.every("present", { ms: 30_000 }, "R", "are not back");
      return `${here} clients cut, and back`;
    },
  },
  {
    row: 9, title: "the door is reloaded", expect: { leaves: 0, notRecovered: 0 },
    async inject(stage) {
      await stage.fault("reload", () => reloadDoor(stage));
      await stage.every("present", { ms: 30_000 }, "R", "are not back");
      return "a new haproxy takes the port over; WebSockets of the old one end with it (hard-stop-after), their clients come back";
    },
  },
  {
    row: 10, title: "everything is killed, and started in any order", env: { LEASE_MS: "500", GRACE_S: "2", GATEWAYS: "1" }, crowds: [{ users: 6, rate: 20 }],
    slow: true,
    async inject(stage) {
      const four = ["redis", "auth-1", "presence-1", "gateway-1"];
      const orders = permutations(four);
      const some = stage.full ? orders : [orders[Math.floor(stage.dice() * 24)], orders[Math.floor(stage.dice() * 24)]];
      await stage.fault("all services die", async () => {
        for (const order of some) {
          await stage.loses(async () => {
            for (const name of four) {
              await stage.stack.signal(name, "SIGKILL");
            }
            for (const name of order) {
              await (name === "redis" ? stage.stack.restartRedis() : stage.stack.startAgain(name, { ready: false }));
              await pause(100);
            }
            await until(`all are ready, started as ${order}`, () => stage.stack.ready(), { timeout: 30_000 });
          });
          await stage.flows();
        }
      });
      return `${some.length} orders: each waits for the others, none ends`;
    },
  },
  {
    row: 12, title: "a gateway's log is a pipe that nobody reads", env: { LOG_LEVEL: "debug" },
    async prepare(stage) {
      const pipe = join(stage.stack.dir, "pipe");
      execFileSync("mkfifo", [pipe]);
      await stage.stack.signal("gateway-1", "SIGTERM", { timeout: 30_000 });
      const { argv } = stage.stack.process("gateway-1");
      await stage.stack.startAgain("gateway-1", { argv: ["sh", "-c", `exec 3<>"${pipe}" && exec "$@" >&3 2>&3`, "sh", ...argv] });
      stage.pipe = pipe;
    },
    async inject(stage) {
      const port = stage.stack.process("gateway-1").port;
      await stage.fault("the pipe is full", async () => {
        /* Each refused connection is a line. */
        for (let i = 0; i < 40; i++) {
          await Promise.all(Array.from({ length: 25 }, () => refusal(`http://127.0.0.1:${port}`, { token: "C".repeat(43) }).catch(() => {})));
          if (await isFull(stage.pipe)) {
            break;
          }
        }
        assert.ok(await isFull(stage.pipe), "the pipe is full");
      });
      await stage.flows();
      assert.ok(await stage.stack.isReady("gateway-1"), "it goes on");
      return "it goes on serving";
    },
  },
  {
    row: 12, title: "a gateway's log is on a full disk",
    async prepare(stage) {
      await stage.stack.signal("gateway-1", "SIGTERM", { timeout: 30_000 });
      const { argv } = stage.stack.process("gateway-1");
      await stage.stack.startAgain("gateway-1", { argv: ["sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh", ...argv] });
    },
    async inject(stage) {
      await stage.fault("nothing can be written", () => stage.flows());
      assert.ok(await stage.stack.isReady("gateway-1"), "it goes on");
      return "it goes on serving";
    },
  },
  {
    row: 13, title: "a gateway gets a tenth of a processor", env: { GRACE_S: "4" }, expect: { leaves: 0, notRecovered: 0 },
    async inject(stage) {
      await stage.fault("90 % of the time stopped", async () => {
        for (let i = 0; i < 25; i++) {
          await stage.stack.signal("gateway-1", "SIGSTOP");
          await pause(180);
          await stage.stack.signal("gateway-1", "SIGCONT");
          await pause(20);
        }
      });
      return "answers come later; nobody leaves";
    },
  },
];

function permutations(list) {
  return list.length < 2 ? [list] : list.flatMap((one, i) => permutations([...list.slice(0, i), ...list.slice(i + 1)]).map((rest) => [one, ...rest]));
}

/* Would a writer have to wait? */
async function isFull(pipe) {
  const { open } = await import("node:fs/promises");
  const { constants } = await import("node:fs");
  const file = await open(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    await file.write(Buffer.alloc(4096, "\n"));
    return false;
  } catch (err) {
    assert.equal(err.code, "EAGAIN");
    return true;
  } finally {
    await file.close();
  }
}
