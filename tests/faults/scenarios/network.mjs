/* network.mjs - cables, slow and hostile peers, clocks, files (rows 33 to 46) */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { user } from "../../support/client.mjs";
import { until } from "../../support/wait.mjs";
import { Namespace } from "../network.mjs";
import { pause } from "../stage.mjs";

const NEVER_READS = fileURLToPath(new URL("../never_reads.py", import.meta.url));
const CLOCK_SHIM = fileURLToPath(new URL("../clock_shim.c", import.meta.url));
const QUICK_PINGS = { PING_INTERVAL_MS: "500", PING_TIMEOUT_MS: "1500" };
/* For who never reads never answers one either: the queue shall be what ends it. */
const NO_PINGS = { PING_INTERVAL_MS: "60000", PING_TIMEOUT_MS: "60000" };
const noNamespace = () => (Namespace.possible() ? "" : "needs root, ip, tc and iptables");

/* That crowd reaches the door through a proxy of ours. */
const throughProxy = async (stage) => {
  stage.cable = await stage.proxy({ port: stage.stack.run.door.port });
  return { door: `http://127.0.0.1:${stage.cable.port}` };
};
/* That crowd lives in a network of its own. */
const inNamespace = async (stage) => {
  stage.network = await Namespace.open();
  stage.afterwards(() => stage.network.close());
  const door = `http://${stage.network.host}:${stage.stack.run.door.port}`;
  return { namespace: stage.network, door, login: door };
};

/* People who never read; resolves to {open: how many the server has not ended, stop}. */
async function neverReading(stage, count, transport) {
  const people = [];
  for (let i = 0; i < count; i++) {
    people.push(await user(stage.stack.door, `deaf${i}`));
  }
  const child = spawn("python3", [NEVER_READS, "127.0.0.1", String(stage.stack.process("gateway-1").port), transport, ...people.map((p) => p.token)],
    { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  let said = "";
  child.stdout.on("data", (text) => { said += text; });
  const stop = async () => { child.stdin.end(); await ended; };
  stage.afterwards(stop);
  await until("they have joined", () => said.endsWith("\n") || child.exitCode !== null, { timeout: 60_000 });
  assert.equal(child.exitCode, null, "they have joined");
  const ports = JSON.parse(said);
  assert.equal(ports.length, count);
  return { open: () => established(stage.stack.process("gateway-1").port, ports), stop };
}

/* How many connections between that server and those ports are still open at the server's end. */
function established(server, ports) {
  const hex = (port) => port.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "latin1").split("\n").map((line) => line.trim().split(/\s+/));
  const far = new Set(ports.map(hex));
  return lines.filter(([, local, remote, state]) => state === "01" && local.endsWith(`:${hex(server)}`) && far.has(remote.slice(-4))).length;
}

const slowReaders = (transport, count) => ({
  row: transport === "websocket" ? 34 : 37,
  title: transport === "websocket" ? `${count} WebSockets that never read, in a busy group` : `${count} long-polls whose answers are never read`,
  env: { QUEUE_MAX_BYTES: "262144", GRACE_S: "2", ...(transport === "polling" ? QUICK_PINGS : NO_PINGS) },
  crowds: [{ users: 12, rate: 60, group: 1, pad: ` ${"x".repeat(4000)}` }], quick: transport === "websocket",
  async inject(stage) {
    let deaf;
    await stage.fault("never reading", async () => {
      deaf = await neverReading(stage, count, transport);
      assert.ok(transport === "polling" || deaf.open() > 0, "they are there");
      await until("all of them are ended", () => deaf.open() === 0, { timeout: 60_000 });
    });
    await deaf.stop();
    return `all ${count} are ended, nobody else is`;
  },
  expect: { reconnects: 0 },
  logged: transport === "websocket" ? [["gateway", /slow|4008/]] : [],
});

/* Connections that send a byte now and then; counts those that were ended. */
function dripping(port, count, head) {
  const self = { ended: 0, sockets: [] };
  for (let i = 0; i < count; i++) {
    const socket = net.connect(port, "127.0.0.1");
    let at = 0;
    const timer = setInterval(() => socket.write(head[at++ % head.length]), 1000);
    socket.on("error", () => {});
    socket.on("close", () => { self.ended++; clearInterval(timer); });
    socket.resume();
    self.sockets.push(socket);
  }
  self.stop = () => self.sockets.forEach((socket) => socket.destroy());
  return self;
}

/* A wall clock that can be moved while a program runs: {env, move(seconds)}. */
async function movableClock(stage, name) {
  const shim = join(stage.folder, "clock_shim.so");
  const file = join(stage.folder, `${name}.clock`);
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", shim, CLOCK_SHIM]);
  const write = (seconds) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    const fd = openSync(file, existsSync(file) ? "r+" : "w");
    writeSync(fd, bytes, 0, 8, 0); /* in place: the program has it mapped */
    closeSync(fd);
  };
  write(0);
  return { env: { LD_PRELOAD: shim, PARLEY_CLOCK: file }, move: write };
}
const DAY_S = 86_400;

const clock = (name) => ({
  row: 41, title: `the wall clock of ${name} jumps a day ahead, and two back`, release: true, expect: { leaves: 0, notRecovered: 0 },
  async prepare(stage) {
    stage.clock = await movableClock(stage, name);
    await stage.restart(name, { env: stage.clock.env });
  },
  async inject(stage) {
    await stage.fault("clock", async () => {
      for (const seconds of [DAY_S, -DAY_S, 0]) {
        stage.clock.move(seconds);
        await stage.flows(120);
      }
      stage.clock.move(DAY_S);
      const day = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
      await stage.stack.signal("redis", "SIGSTOP"); /* something to tell */
      await until("its log is of tomorrow", async () => (await stage.log(name)).includes(day));
      await stage.stack.signal("redis", "SIGCONT");
      await until("every service is ready", () => stage.stack.ready());
      stage.clock.move(0);
    });
    return "nobody leaves, nothing is sent late or twice";
  },
});

export const network = [
  {
    row: 33, title: "cables are pulled until their owners are expired, and plugged in again", quick: true,
    env: { ...QUICK_PINGS, GRACE_S: "2" }, crowds: [{ users: 18, rate: 40 }, { users: 6, rate: 20, via: throughProxy }],
    async inject(stage) {
      const [, dark] = stage.crowds;
      const online = async () => (await stage.stack.redis("SMEMBERS", "{chat}:online")).split("\n");
      await stage.fault("pulled", async () => {
        await dark.ask("dark", { on: 0 });
        stage.cable.hold();
        await until("they are expired", async () => { const there = await online(); return !dark.names.some((name) => there.includes(name)); }, { timeout: 20_000 });
        stage.cable.heal();
        await dark.ask("dark", { on: 1 });
      });
      return "they leave after ping interval, timeout and grace; then they log in again";
    },
  },
  {
    row: 33, title: "cables are pulled for less than the grace period", env: { ...QUICK_PINGS, GRACE_S: "10" },
    crowds: [{ users: 18, rate: 40 }, { users: 6, rate: 20, via: throughProxy }], expect: { leaves: 0, notRecovered: 0 },
    async inject(stage) {
      await stage.fault("pulled", async () => {
        stage.cable.hold();
        await pause(4000);
        stage.cable.reset();
        stage.cable.heal();
      });
      return "nobody is seen leaving";
    },
  },
  {
    row: 33, title: "packets are dropped both ways (iptables) for less than the grace period", env: { ...QUICK_PINGS, GRACE_S: "12", BIND: "0.0.0.0" }, impossible: noNamespace,
    crowds: [{ users: 18, rate: 40 }, { users: 6, rate: 20, via: inNamespace }], expect: { leaves: 0, notRecovered: 0 },
    async inject(stage) {
      await stage.fault("dropped", async () => {
        await stage.network.drop(1);
        await pause(4000);
        assert.ok((await stage.network.dropped()) > 0, "packets were dropped");
        await stage.network.passAll();
      });
      return "nobody is seen leaving";
    },
  },
  slowReaders("websocket", 20),
  slowReaders("polling", 10),
  {
    row: 35, title: "1,000 connections send one byte of a request a second", expect: { reconnects: 0 },
    env: { DOOR_REQUEST_MS: "2000" },
    async inject(stage) {
      await stage.fault("slowloris", async () => {
        const drips = dripping(stage.stack.run.door.port, 1000, "GET / HTTP/1.1\r\nHost: x\r\nX: ");
        stage.afterwards(() => drips.stop());
        await stage.flows(120);
        await until("all are ended", () => drips.ended === 1000, { timeout: 20_000 });
      });
      return "each is ended by the door, nobody else notices";
    },
  },
  ...["reset", "close"].map((atLimit) => ({
    row: 38, title: `connections break in the middle of frames, handshakes and upgrades: ${atLimit === "reset" ? "RST" : "half-closed"}`,
    env: { GRACE_S: "10" }, crowds: [{ users: 12, rate: 30 }, { users: 12, rate: 60, via: throughProxy, transports: ["polling", "websocket"] }],
    expect: { leaves: 0, notRecovered: 0 },
    async inject(stage) {
      let cuts = 0;
      await stage.fault(atLimit, async () => {
        for (let i = 0; i < 12; i++) {
          await until("half of them are there", async () => (await stage.crowds[1].ask("counts")).here >= 6, { timeout: 30_000 });
          const before = await stage.sum("cuts");
          for (const direction of ["up", "down"]) {
            stage.cable.set({ [direction]: { limitBytes: 50 + Math.floor(stage.dice() * 1500), atLimit } });
          }
          await pause(150 + stage.dice() * 300);
          stage.cable.heal();
          if (atLimit === "close") {
            stage.cable.halfClose(i % 2 ? "up" : "down");
          } else {
            stage.cable.reset();
          }
          await until("somebody was cut", async () => (await stage.sum("cuts")) > before);
          cuts += (await stage.sum("cuts")) - before;
        }
      });
      return `${cuts} connections cut`;
    },
  })),
  {
    row: 39, title: "everything comes in pieces of one byte", crowds: [{ users: 6, rate: 20, via: throughProxy, transports: ["polling", "websocket"] }],
    expect: { reconnects: 0 },
    async inject(stage) {
      await stage.fault("slices", async () => {
        stage.cable.set({ both: { sliceBytes: 1 } });
        const before = stage.cable.pieces.up;
        await stage.flows(60);
        assert.ok(stage.cable.pieces.up > before + 1000, "in many pieces");
      });
      stage.cable.heal();
      return "the same messages come of it";
    },
  },
  {
    row: 39, title: "64 kbit/s each way", crowds: [{ users: 6, rate: 8, via: throughProxy }], expect: { reconnects: 0 },
    async inject(stage) {
      await stage.fault("slow", async () => {
        stage.cable.set({ both: { bytesPerS: 8000 } });
        await stage.flows(40);
      });
      stage.cable.heal();
      return "later, and in order";
    },
  },
  {
    row: 39, title: "a tenth of all packets is lost (iptables)", env: { BIND: "0.0.0.0", GRACE_S: "10" }, impossible: noNamespace,
    crowds: [{ users: 12, rate: 30 }, { users: 12, rate: 40, via: inNamespace }], expect: { leaves: 0 },
    async inject(stage) {
      await stage.fault("loss", async () => {
        await stage.network.drop(0.1);
        await stage.flows(300, 60_000);
        assert.ok((await stage.network.dropped()) > 20, "packets were dropped");
        await stage.network.passAll();
      });
      return "TCP sends again; in order, once";
    },
  },
  {
    row: 40, title: "jitter of 500 ms while connections upgrade from polling to WebSocket", env: { GRACE_S: "10" },
    crowds: [{ users: 12, rate: 60, via: throughProxy, transports: ["polling", "websocket"] }], expect: { leaves: 0, notRecovered: 0 },
    async inject(stage) {
      await stage.fault("jitter", async () => {
        stage.cable.set({ both: { latencyMs: 20, jitterMs: 500 } });
        for (let i = 0; i < 2; i++) {
          assert.ok(stage.cable.reset() > 0, "they have to come again, and upgrade");
          await stage.every("present", { ms: 30_000 }, "R", "are not back");
          await stage.flows();
        }
      });
      stage.cable.heal();
      return "nothing is lost or out of order across an upgrade";
    },
  },
  clock("gateway-1"), clock("auth-1"), clock("presence-1"),
  {
    row: 41, title: "the wall clock of Redis jumps a day ahead, and two back", env: { GRACE_S: "6", LEASE_MS: "1000" }, expect: { leaves: 0 },
    async prepare(stage) {
      stage.clock = await movableClock(stage, "redis");
      const redis = stage.stack.process("redis");
      redis.argv = ["env", ...Object.entries(stage.clock.env).map(([key, value]) => `${key}=${value}`), ...redis.argv];
      await stage.stack.signal("redis", "SIGKILL");
      await stage.stack.restartRedis();
      await until("there is an epoch", async () => (await stage.stack.redis("HGET", "{chat}:presence", "epoch")) !== "", { timeout: 20_000 });
      await until("it has settled", async () => (await stage.stack.redis("HEXISTS", "{chat}:presence", "settle")) === "0", { timeout: 30_000 });
      await until("ready", () => stage.stack.ready());
    },
    async inject(stage) {
      const time = async () => Number((await stage.stack.redis("TIME")).split("\n")[0]);
      await stage.fault("clock", async () => {
        for (const seconds of [DAY_S, -DAY_S, 0]) {
          stage.clock.move(seconds);
          await until(`Redis is ${seconds} s ahead`, async () => Math.abs((await time()) - Date.now() / 1000 - seconds) < 60);
          await stage.flows(120);
        }
      });
      return "presence time does not follow the jumps: nobody leaves";
    },
  },
  {
    row: 42, title: "a gateway has no more files (prlimit), then again", crowds: [{ users: 12, rate: 60 }], expect: { leaves: 0 },
    async inject(stage) {
      const { pid, port } = stage.stack.process("gateway-1");
      const before = (await stage.countFiles()).get("gateway-1");
      const soft = execFileSync("prlimit", ["--pid", String(pid), "--nofile", "--noheadings", "-o", "SOFT"], { encoding: "utf8" }).trim();
      await stage.fault("EMFILE", async () => {
        execFileSync("prlimit", ["--pid", String(pid), `--nofile=${before}:`]);
        const sockets = Array.from({ length: 50 }, () => net.connect(port, "127.0.0.1").on("error", () => {}));
        stage.afterwards(() => sockets.forEach((socket) => socket.destroy()));
        const cpu = () => execFileSync("cat", [`/proc/${pid}/stat`], { encoding: "utf8" }).split(") ")[1].split(" ").slice(11, 13).reduce((n, t) => n + Number(t), 0);
        await pause(500);
        const used = cpu();
        await stage.flows(120);
        await pause(1000);
        const ticks = cpu() - used;
        assert.ok(ticks < 150, `no busy loop: ${ticks} ticks of a processor in some 3 s`);
        execFileSync("prlimit", ["--pid", String(pid), `--nofile=${soft}:`]);
        sockets.forEach((socket) => socket.destroy());
      });
      await until("it is ready", () => stage.stack.isReady("gateway-1"));
      return "who is there goes on, others wait; no busy loop";
    },
  },
  {
    row: 43, title: "a gateway gets no more memory, and is killed by the kernel (cgroup)", impossible: () => (memoryCgroups() ? "" : "needs a writable memory cgroup"),
    release: true, expect: { leaves: 0, notRecovered: 0 },
    async prepare(stage) {
      const folder = `/sys/fs/cgroup/memory/parley-${process.pid}`;
      execFileSync("mkdir", [folder]);
      stage.afterwards(() => until("the group is empty", () => tryTo(() => execFileSync("rmdir", [folder], { stdio: "ignore" }))));
      await stage.stack.signal("gateway-1", "SIGTERM", { timeout: 30_000 });
      await stage.stack.startAgain("gateway-1", { argv: ["sh", "-c", `echo $$ >${folder}/cgroup.procs; exec "$@"`, "sh", ...stage.stack.process("gateway-1").argv] });
      stage.group = folder;
    },
    async inject(stage) {
      const gateway = stage.stack.process("gateway-1");
      const group = (name) => join(stage.group, `memory.${name}`);
      const kills = () => Number(/oom_kill (\d+)/.exec(readFileSync(group("oom_control"), "latin1"))?.[1]);
      await stage.fault("memory", async () => {
        gateway.environ = readFileSync(`/proc/${gateway.pid}/environ`, "utf8").split("\0").filter(Boolean);
        writeFileSync(group("limit_in_bytes"), String(Number(readFileSync(group("usage_in_bytes"), "latin1")) + (1 << 18)));
        const sockets = Array.from({ length: 3000 }, () => net.connect(gateway.port, "127.0.0.1").on("error", () => {}));
        stage.afterwards(() => sockets.forEach((socket) => socket.destroy()));
        sockets.forEach((socket) => socket.write("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n"));
        await until("the kernel has killed it", () => kills() > 0, { timeout: 30_000 });
        sockets.forEach((socket) => socket.destroy());
      });
      await stage.every("present", { ms: 30_000 }, "R", "are not back");
      await stage.stack.startAgain("gateway-1");
      return "as row 1";
    },
  },
  {
    row: 46, title: "2,000 connections in a moment that then say nothing", env: { DOOR_REQUEST_MS: "2000", CONNECT_TIMEOUT_MS: "1500" }, expect: { reconnects: 0 },
    async inject(stage) {
      await stage.fault("accept storm", async () => {
        const half = [dripping(stage.stack.run.door.port, 1000, "G"), dripping(stage.stack.process("gateway-1").port, 1000, "G")];
        stage.afterwards(() => half.forEach((d) => d.stop()));
        await stage.flows(120);
        await until("all are ended", () => half.every((d) => d.ended === 1000), { timeout: 30_000 });
      });
      return "all are ended, at the door and at a gateway; nobody else notices";
    },
  },
];

function memoryCgroups() {
  try {
    execFileSync("mkdir", [`/sys/fs/cgroup/memory/parley-try-${process.pid}`], { stdio: "ignore" });
    execFileSync("rmdir", [`/sys/fs/cgroup/memory/parley-try-${process.pid}`]);
    return true;
  } catch {
    return false;
  }
}
function tryTo(act) {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
