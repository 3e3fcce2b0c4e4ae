/* peers.mjs - the servers that are compared: how each is started
 *
 * start({lists}) resolves to {dialect, gateways: ["127.0.0.1:port"], auth, pids: {name: pid},
 * redisMemory(), stop()}.  lists: everybody gets the list of users and who comes and goes, if it can be
 * had without. */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ownPort } from "../support/own_port.mjs";
import { startApp } from "../support/raw_ws.mjs";
import { Stack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const HERE = fileURLToPath(new URL("peers/", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const START_MS = 20_000;

/* ---- Programs -------------------------------------------------------------------------------- */

/* Resolves when it says "ready"; it dies with us. */
function program(argv, env) {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...argv], {
    cwd: ROOT, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"],
  });
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => reject(new Error(`${argv.join(" ")} is not ready: ${said}`)), START_MS);
    child.stderr.on("data", (chunk) => { said = (said + chunk).slice(-2000); });
    child.once("exit", (code) => reject(new Error(`${argv.join(" ")} ended (${code}): ${said}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line === "ready") {
        clearTimeout(timer);
        resolve(child);
      }
    });
  });
}

function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve();
  }
  child.kill("SIGKILL"); /* they hold nothing that would have to be put away */
  return new Promise((resolve) => child.once("exit", resolve));
}

/* One or several of the same program; without a Redis each is told the port of the one before. */
async function programs(argv, dialect, count, env) {
  const children = [], gateways = [], pids = {};
  const stop = () => Promise.all(children.map(ended));
  try {
    for (let i = 1; i <= count; i++) {
      const port = await ownPort();
      const child = await program(argv, { ...env, PORT: String(port), OTHER: env.REDIS ? "" : gateways.at(-1)?.split(":")[1] ?? "" });
      children.push(child);
      gateways.push(`127.0.0.1:${port}`);
      pids[`server-${i}`] = child.pid;
    }
  } catch (err) {
    await stop();
    throw err;
  }
  return { dialect, gateways, pids, stop };
}

const several = (argv, dialect, count) => ({ lists }) => programs(argv, dialect, count, { LIST: lists ? "1" : "0" });
const single = (argv, dialect) => several(argv, dialect, 1);

/* ---- With a Redis ---------------------------------------------------------------------------- */

async function redis(folder) {
  const socket = join(folder, "redis.sock");
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder], { stdio: "ignore" });
  await until("Redis answers", async () => (await promisify(execFile)("redis-cli", ["-s", socket, "PING"]).catch(() => undefined))?.stdout === "PONG\n");
  return { socket, child };
}

/* Two, which find it at REDIS. */
const overRedis = (argv, dialect) => async ({ lists }) => {
  const folder = await mkdtemp(join(tmpdir(), "parley-bench-"));
  const store = await redis(folder);
  const put = async () => {
    await ended(store.child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const both = await programs(argv, dialect, 2, { LIST: lists ? "1" : "0", REDIS: store.socket });
    return { ...both, pids: { ...both.pids, redis: store.child.pid }, stop: () => both.stop().then(put) };
  } catch (err) {
    await put();
    throw err;
  }
};

/* ---- Parley ---------------------------------------------------------------------------------- */

/* As people run it, but for the limits of what one user and one address may do, and of the time until a
 * login is used: all log in before the first of them connects. */
const PARLEY = {
  GRACE_S: "30", LEASE_MS: "10000", PING_INTERVAL_MS: "25000", PING_TIMEOUT_MS: "20000", LOG_LEVEL: "warn",
  RATE_MESSAGES: "1000000:1000000", RATE_LOGINS: "1000000:1000000", PENDING_S: "600",
};

const parley = (bin, { door = false, gateways = 2 } = {}) => async () => {
  const stack = new Stack({ ...PARLEY, GATEWAYS: String(gateways) }, { bin });
  const stop = async () => {
    await stack.stop();
    await stack.remove();
  };
  try {
    await stack.start();
  } catch (err) {
    await stack.remove();
    throw err;
  }
  const all = stack.run.processes.filter(({ name }) => door || name !== "haproxy");
  const address = (url) => new URL(url).host;
  return {
    dialect: "parley",
    gateways: door ? [address(stack.door)] : Array.from({ length: gateways }, (_, i) => address(stack.gateway(i + 1))),
    auth: door ? address(stack.door) : address(stack.auth(1)),
    pids: Object.fromEntries(all.map(({ name, pid }) => [name, pid])),
    redisMemory: async () => Number(/used_memory:(\d+)/.exec(await stack.redis("INFO", "memory"))[1]),
    stop,
  };
};

/* The part of a gateway that speaks Socket.IO, by itself: no sessions, no Redis, no chat.  For connecting. */
const socketioPart = (bin) => async () => {
  const app = await startApp({}, bin);
  return { dialect: "socketio", gateways: [`127.0.0.1:${app.port}`], pids: { "server-1": app.pid }, stop: app.stop };
};

/* ---- All of them ----------------------------------------------------------------------------- */

/* bin: the folder of our programs.  The order is that of tables and of each round. */
export function peersOf(bin) {
  return {
    parley: { title: "Parley", start: parley(bin) },
    "parley-door": { title: "Parley, through haproxy", start: parley(bin, { door: true }) },
    "socketio-redis": { title: "Socket.IO, two with the Redis adapter", start: overRedis(["node", join(HERE, "socketio.mjs")], "socketio") },
    socketio: { title: "Socket.IO, one", start: single(["node", join(HERE, "socketio.mjs")], "socketio") },
    ws: { title: "Node ws", start: single(["node", join(HERE, "ws.mjs")], "plain") },
    flask: { title: "Flask-SocketIO (gevent)", start: single(["/usr/bin/python3", join(HERE, "flask_chat.py")], "socketio") },
    "parley-1": { title: "Parley, one gateway", start: parley(bin, { gateways: 1 }) },
    "parley-3": { title: "Parley, three gateways", start: parley(bin, { gateways: 3 }) },
    "parley-sio": { title: "Parley's Socket.IO part alone", start: socketioPart(bin) },
    epoll: { title: "bare epoll", start: single([join(bin, "tests/bench/peers/epoll")], "plain") },
    "epoll-2": { title: "bare epoll, two", start: several([join(bin, "tests/bench/peers/epoll")], "plain", 2) },
    "epoll-redis": { title: "bare epoll, two over Redis", start: overRedis([join(bin, "tests/bench/peers/epoll")], "plain") },
  };
}
