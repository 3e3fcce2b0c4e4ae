/* stack.mjs - a private Parley for one test file: deploy/run in a directory of its own
 *
 * Started before the file's first test; its last test stops it by pid and judges what it left:
 * exit status, processes, reports of sanitizers, tokens in logs. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connect, logout, user } from "./client.mjs";
import { onCompose } from "./compose_stack.mjs";
import { request, secrets, trust } from "./http.mjs";
import { until } from "./wait.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BIN = resolve(ROOT, process.env.PARLEY_BIN ?? "build/asan");
const MODULE = resolve(ROOT, process.env.PARLEY_RELEASE ?? "build/release", "parley.so"); /* Redis cannot load a sanitizer's */
const FINDINGS = /ERROR: AddressSanitizer|runtime error|LeakSanitizer|ThreadSanitizer|Assertion .* failed/;
const START_MS = 60_000;

/* Short times, so that nobody waits; a test that needs others says so.  The lease is not short: a
 * gateway that a busy machine lets wait for a second would lose it, and refuse messages meanwhile. */
export const SHORT = {
  DOOR_PORT: "0", GATEWAYS: "2", AUTH_SVCS: "1", PRESENCE_SVCS: "1", LOG_LEVEL: "info",
  GRACE_S: "2", LEASE_MS: "5000", PING_INTERVAL_MS: "2000", PING_TIMEOUT_MS: "5000",
};

export class Stack {
  #child;
  #said = "";
  #stopped = false;
  #redis; /* one that a test started itself */
  #again = []; /* services, likewise */
  #adminPassword;

  /* bin: the folder of the programs, $PARLEY_BIN if not given.  Redis loads parley.so of
   * $PARLEY_RELEASE; with programs of another folder, the one beside them if there is one. */
  constructor(env, { bin = BIN } = {}) {
    this.bin = bin;
    this.module = bin === BIN ? ["--module", MODULE] : [];
    this.env = { ...SHORT, ...env };
    this.graceMs = 1000 * Number(this.env.GRACE_S);
    this.leaseMs = Number(this.env.LEASE_MS);
  }

  async start() {
    this.dir = await mkdtemp(join(tmpdir(), "parley-e2e-"));
    if (this.sentinels) { /* they run already; their Redis has these users */
      await cp(this.sentinels.secrets, join(this.dir, "secrets"), { recursive: true });
      Object.assign(this.env, this.sentinels.settings);
    }
    /* setpriv: should this process be killed, the stack goes with it. */
    this.#child = spawn("setpriv", ["--pdeathsig", "TERM", join(ROOT, "deploy/run"), "--bin", this.bin,
      "--dir", this.dir, "--no-restart", "--quiet", ...this.module], {
      cwd: ROOT, env: { ...process.env, ...this.env }, stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on("data", (chunk) => { this.#said += chunk; });
    }
    this.#child.on("error", (err) => { this.#said += String(err); });
    await until("the stack answers", () => this.#answers(), { timeout: START_MS, every: 50 });
    trust(await readFile(join(this.dir, "cert.pem")));
  }

  async #answers() {
    const gone = this.#child.exitCode ?? this.#child.signalCode;
    if (gone !== null || this.#child.pid === undefined) {
      throw new Error(`deploy/run ended (${gone}) before the door answered:\n${this.#said}`);
    }
    if (!existsSync(join(this.dir, "run.json"))) {
      return false;
    }
    this.run = JSON.parse(await readFile(join(this.dir, "run.json")));
    if (!this.run.ready) {
      return false;
    }
    const res = await request(this.door, "/session").catch(() => undefined);
    return res?.status === 401 && (await this.ready());
  }

  /* Does that service say that it may get traffic? */
  async isReady(name) {
    const port = this.process(name).health_port;
    return (await request(`http://127.0.0.1:${port}`, "/readyz").catch(() => undefined))?.status === 200;
  }
  get services() {
    return this.run.processes.filter((p) => p.health_port).map((p) => p.name);
  }
  async ready() {
    return (await Promise.all(this.services.map((name) => this.isReady(name)))).every(Boolean);
  }
  /* What that service's port says: {status, text}. */
  async says(name, path) {
    const { status, body } = await request(`http://127.0.0.1:${this.process(name).health_port}`, path);
    return { status, text: body.trim() };
  }
  async noneReady() {
    return !(await Promise.all(this.services.map((name) => this.isReady(name)))).some(Boolean);
  }

  /* ---- Where things are ---- */

  get door() {
    return `http://127.0.0.1:${this.run.door.port}`;
  }
  get tlsDoor() {
    return `https://127.0.0.1:${this.run.door.tls_port}`;
  }
  process(name) {
    const found = this.run.processes.find((p) => p.name === name);
    assert.ok(found, `no process ${name} in run.json`);
    return found;
  }
  /* A service's own port, past the door; they count from 1. */
  gateway(i) {
    return `http://127.0.0.1:${this.process(`gateway-${i}`).port}`;
  }
  auth(i) {
    return `http://127.0.0.1:${this.process(`auth-${i}`).port}`;
  }

  /* ---- Redis ---- */

  /* As admin, because tests tamper. */
  async redis(...args) {
    if (this.sentinels) {
      const [master] = await this.sentinels.masters();
      assert.ok(master, "there is a master");
      return this.sentinels.cli(master, ...args);
    }
    this.#adminPassword ??= (await readFile(this.run.redis.admin_password_file, "utf8")).trim();
    return this.#redisCli(["--user", "admin", ...args], { REDISCLI_AUTH: this.#adminPassword });
  }
  /* As people use it: with nothing but the socket. */
  operator(...args) {
    return this.#redisCli(args);
  }
  /* What Redis refused to a service, for its rights; nobody needs more than he has. */
  async refusals() {
    const log = await this.redisJson("ACL", "LOG", "128");
    return log.filter(({ username }) => username.endsWith("-svc"));
  }
  async #redisCli(args, env = { REDISCLI_AUTH: undefined }) {
    const { stdout } = await promisify(execFile)("redis-cli", ["-s", this.run.redis.socket, ...args],
      { env: { ...process.env, ...env } });
    return stdout.trimEnd();
  }
  async redisJson(...args) {
    return JSON.parse(await this.redis("--json", ...args));
  }
  /* The gateways (ids) that serve that user now. */
  async servedBy(name) {
    const record = await this.redisJson("HGETALL", `{chat}:user:${name.toLowerCase()}`);
    return Object.keys(record).filter((f) => f.startsWith("at:")).map((f) => f.slice(3)).sort();
  }
  /* The id of the gateway behind that port: somebody has to go and look. */
  async gatewayId(i) {
    const probe = await user(this.door, `probe-${i}-${Date.now().toString(36)}`);
    const peer = await connect(this.gateway(i), { token: probe.token });
    const ids = await this.servedBy(probe.name);
    assert.equal(ids.length, 1, `${probe.name} is served by one gateway`);
    await logout(this.door, probe.name, probe.token);
    peer.close();
    return ids[0];
  }

  /* ---- Faults: each asserts that it happened ---- */

  /* SIGKILL, SIGTERM, SIGSTOP or SIGCONT for one process. */
  async signal(name, signal, options) {
    const { pid } = this.process(name);
    if (["SIGKILL", "SIGTERM"].includes(signal)) {
      await this.#rememberEnviron(name);
    }
    process.kill(pid, signal);
    const after = { SIGKILL: [undefined, "Z"], SIGTERM: [undefined, "Z"], SIGSTOP: ["T"], SIGCONT: ["R", "S", "D"] }[signal];
    await until(`${name} after ${signal}`, async () => after.includes(await state(pid)), options);
  }

  async #rememberEnviron(name) { /* for startAgain */
    this.process(name).environ = (await readFile(`/proc/${this.process(name).pid}/environ`, "utf8")).split("\0").filter(Boolean);
  }
  /* SIGTERM, with which a service takes its time, or another signal to stop; see endOf. */
  async term(name, signal = "SIGTERM") {
    await this.#rememberEnviron(name);
    process.kill(this.process(name).pid, signal);
  }
  /* Waits until that process has ended; resolves to its exit status. */
  async endOf(name) {
    const again = this.#again.findLast((one) => one.name === name);
    if (again) {
      return until(`${name} ends`, () => again.child.exitCode !== null && { status: again.child.exitCode }).then(({ status }) => status);
    }
    return until(`${name} ends`, async () => {
      const { processes } = JSON.parse(await readFile(join(this.dir, "run.json")));
      const { exit } = processes.find((p) => p.name === name);
      return exit !== null && { exit };
    }).then(({ exit }) => exit);
  }

  /* A new Redis where the killed one was, with what it finds on disk: nothing, unless a test saved
   * something.  `meanwhile` is waited for before it is expected to answer. */
  async restartRedis({ settings = [], meanwhile = async () => {} } = {}) {
    const old = this.process("redis");
    assert.ok([undefined, "Z"].includes(await state(old.pid)), "the old one is dead");
    const log = openSync(old.log, "a");
    this.#redis = spawn("setpriv", ["--pdeathsig", "TERM", ...old.argv, ...settings], { stdio: ["ignore", log, log] });
    closeSync(log);
    await meanwhile();
    await until("the new Redis answers", async () => (await this.redis("PING").catch(() => "")) === "PONG");
    const pid = /process_id:(\d+)/.exec(await this.redis("INFO", "server"))[1];
    assert.equal(Number(pid), this.#redis.pid, "it is the new one");
    old.pid = this.#redis.pid;
  }

  /* A service where the killed one was, with the same settings but for those given; its ports are those
   * it had.  argv: another program, or the same under another; ready: false does not wait for it. */
  async startAgain(name, { env = {}, argv, ready = true } = {}) {
    const old = this.process(name);
    assert.ok(old.environ && [undefined, "Z"].includes(await state(old.pid)), "the old one is dead");
    const log = openSync(old.log, "a");
    const child = spawn("setpriv", ["--pdeathsig", "KILL", ...(argv ?? old.argv)], {
      stdio: ["ignore", log, log],
      env: { ...Object.fromEntries(old.environ.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])), ...env },
    });
    closeSync(log);
    old.pid = child.pid;
    old.environ = undefined;
    this.#again.push({ name, child });
    await until(`${name} has been started`, () => child.pid !== undefined);
    if (!ready) {
      return;
    }
    await until(`${name} is ready again`, () => {
      assert.equal(child.exitCode, null, `${name} ended: see its log`);
      return this.isReady(name);
    });
  }

  async #stopAgain() {
    for (const { child } of this.#again) {
      child.kill("SIGCONT");
      child.kill("SIGINT"); /* at once */
    }
    for (const { name, child } of this.#again) {
      await until(`the second ${name} ends`, () => child.exitCode !== null || child.signalCode !== null);
      assert.ok(child.exitCode === 0 || child.signalCode === "SIGKILL" || name === "haproxy", `the second ${name} ended with ${child.exitCode ?? child.signalCode}`);
    }
  }

  /* ---- The end ---- */

  /* Stops everything by pid.  deploy/run gives each program 5 s before it kills it: whoever ends
   * sooner has ended by itself, and its sanitizer has had its say. */
  async stop() {
    if (this.#stopped || this.#child?.pid === undefined) {
      return;
    }
    this.#stopped = true;
    await this.#stopAgain();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill("SIGTERM");
      await until("deploy/run ends", () => this.#child.exitCode !== null || this.#child.signalCode !== null, { timeout: 40_000 });
    }
    this.#redis?.kill("SIGTERM");
    assert.equal(this.#child.exitCode, 0, `deploy/run stops with status 0:\n${this.#said}`);
    assert.doesNotMatch(this.#said, /did not end: killed/, "nothing had to be killed");
    for (const { name, pid } of this.run?.processes ?? []) {
      await until(`${name} (${pid}) is gone`, async () => (await state(pid)) === undefined);
    }
  }

  async judge() {
    for (const { name, log } of this.run.processes) {
      const text = await readFile(log, "utf8");
      const finding = FINDINGS.exec(text);
      assert.equal(finding, null, `${name}: ${text.slice(finding?.index, finding?.index + 4000)}`);
      for (const secret of secrets) {
        assert.ok(!text.includes(secret), `${name} holds a token or a password`);
      }
    }
  }

  lastTest() {
    test("the stack stops cleanly: no sanitizer report, no token in a log, no refusal by Redis", async () => {
      assert.ok(secrets.size > 0, "there was something to look for");
      assert.deepEqual(await this.refusals(), []);
      await this.stop();
      await this.judge();
    });
  }

  async remove() {
    if (process.env.PARLEY_KEEP) {
      process.stderr.write(`kept: ${this.dir}\n`);
      return;
    }
    await rm(this.dir, { recursive: true, force: true });
  }
}

/* One letter: R, S, T (stopped), Z (dead, not yet waited for); undefined when it is gone. */
async function state(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(")") + 2)[0];
}

/* A stack for this file.  Call lastTest() at the file's end.  With `sentinels` (see sentinels.mjs)
 * its Redis is theirs; they are started before it and stopped after it. */
export function useStack(env = {}, sentinels = undefined) {
  const Kind = process.env.PARLEY_STACK === "compose" ? onCompose(Stack) : Stack;
  const stack = new Kind(env);
  stack.sentinels = sentinels;
  before(async () => {
    await sentinels?.start();
    await stack.start();
  });
  after(async () => {
    try {
      await stack.stop();
    } finally {
      await stack.remove();
      await sentinels?.stop();
    }
  });
  return stack;
}
