/* sentinels.mjs - one master, one replica, three sentinels, of a test's own, on loopback
 *
 * Everything lives in one private directory and on free ports, and is stopped by its pid.  The users
 * are those of deploy/setup, in DIR/secrets, where deploy/run will find them. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ownPort } from "./own_port.mjs";
import { until } from "./wait.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);
const QUORUM = 2;
const ANSWER_MS = 2000;
const MASTER = "parley";

export class Sentinels {
  #programs = []; /* {name, port, child, argv} */

  constructor({ downAfterMs = 1000, sentinelPassword } = {}) {
    this.downAfterMs = downAfterMs;
    this.sentinelPassword = sentinelPassword;
  }

  async start() {
    this.dir = await mkdtemp(join(tmpdir(), "parley-sentinel-"));
    await chmod(this.dir, 0o700);
    this.secrets = join(this.dir, "secrets");
    await run("sh", [join(ROOT, "deploy/setup"), this.secrets], { env: { ...process.env, SETUP_OWNERS: "0", REDIS_MODULE: "" } });
    this.password = (await readFile(join(this.secrets, "redis/admin"), "utf8")).trim();
    const master = await this.#redis("redis-1");
    await this.#redis("redis-2", ["--replicaof", "127.0.0.1", String(master.port)]);
    await until("the replica follows", async () => /master_link_status:up/.test(await this.cli("redis-2", "INFO", "replication")));
    for (const i of [1, 2, 3]) {
      await this.#sentinel(`sentinel-${i}`, master.port);
    }
    for (const i of [1, 2, 3]) {
      await until(`sentinel ${i} knows everybody`, async () => {
        const known = await this.sentinel(i, "SENTINEL", "MASTER", MASTER);
        return /num-slaves\n1\n/.test(known) && /num-other-sentinels\n2\n/.test(known);
      });
    }
  }

  async #redis(name, more = []) {
    const port = await ownPort();
    const dir = join(this.dir, name);
    await mkdir(dir);
    const acl = join(dir, "users.acl");
    await copyFile(join(this.secrets, "redis/users.acl"), acl);
    const conf = join(dir, "redis.conf"); /* a copy, because Sentinel makes Redis write it anew */
    await copyFile(join(ROOT, "deploy/redis/redis.conf"), conf);
    return this.#spawn(name, port, ["redis-server", conf, "--dir", dir, "--aclfile", acl,
      "--bind", "127.0.0.1", "--port", String(port), "--masteruser", "admin", "--masterauth", this.password,
      "--repl-diskless-sync-delay", "0", ...more]);
  }

  async #sentinel(name, masterPort) {
    const port = await ownPort();
    const conf = join(this.dir, `${name}.conf`);
    await mkdir(join(this.dir, name));
    await writeFile(conf, [
      `port ${port}`, "bind 127.0.0.1", `dir ${join(this.dir, name)}`,
      ...(this.sentinelPassword ? [`requirepass ${this.sentinelPassword}`, `sentinel sentinel-pass ${this.sentinelPassword}`] : []),
      `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} ${QUORUM}`,
      `sentinel auth-user ${MASTER} admin`, `sentinel auth-pass ${MASTER} ${this.password}`,
      `sentinel down-after-milliseconds ${MASTER} ${this.downAfterMs}`,
      `sentinel failover-timeout ${MASTER} 10000`, "",
    ].join("\n"), { mode: 0o600 });
    return this.#spawn(name, port, ["redis-server", conf, "--sentinel"]);
  }

  async #spawn(name, port, argv) {
    const log = openSync(join(this.dir, `${name}.log`), "a");
    const child = spawn("setpriv", ["--pdeathsig", "KILL", ...argv], { stdio: ["ignore", log, log] });
    closeSync(log);
    const program = { name, port, child, argv };
    this.#programs = [...this.#programs.filter((p) => p.name !== name), program];
    await until(`${name} answers`, async () => {
      assert.equal(child.exitCode, null, `${name} ended: ${await readFile(join(this.dir, `${name}.log`), "utf8")}`);
      return /PONG|NOAUTH/.test(await this.#ask(program, "PING").catch((err) => String(err.stdout)));
    });
    return program;
  }

  #named(name) {
    const found = this.#programs.find((p) => p.name === name);
    assert.ok(found, `no ${name}`);
    return found;
  }

  async #ask({ name, port }, ...args) {
    const isRedis = name.startsWith("redis");
    const secret = isRedis ? this.password : this.sentinelPassword;
    const { stdout } = await run("redis-cli", ["-h", "127.0.0.1", "-p", String(port), ...(isRedis ? ["--user", "admin"] : []), ...args],
      { timeout: ANSWER_MS, env: { ...process.env, REDISCLI_AUTH: secret } }); /* one may stand still */
    return stdout.trimEnd();
  }

  /* Of redis-1 or redis-2, as admin. */
  cli(name, ...args) {
    return this.#ask(this.#named(name), ...args);
  }
  sentinel(i, ...args) {
    return this.#ask(this.#named(`sentinel-${i}`), ...args);
  }
  port(name) {
    return this.#named(name).port;
  }
  get addresses() {
    return [1, 2, 3].map((i) => `127.0.0.1:${this.port(`sentinel-${i}`)}`).join(",");
  }
  /* What a service or deploy/run needs. */
  get settings() {
    return { REDIS_SENTINELS: this.addresses, REDIS_MASTER: MASTER };
  }

  /* Which of the two is the master now, as each says of itself. */
  async masters() {
    const roles = await Promise.all(["redis-1", "redis-2"].map(async (name) => [name, await this.cli(name, "ROLE").catch(() => "")]));
    return roles.filter(([, role]) => role.startsWith("master")).map(([name]) => name);
  }

  async signal(name, signal) {
    const { child } = this.#named(name);
    process.kill(child.pid, signal);
    const after = { SIGKILL: [undefined, "Z"], SIGSTOP: ["T"], SIGCONT: ["R", "S", "D"] }[signal];
    await until(`${name} after ${signal}`, async () => {
      const stat = await readFile(`/proc/${child.pid}/stat`, "utf8").catch(() => undefined);
      return after.includes(stat?.slice(stat.lastIndexOf(")") + 2)[0]);
    });
  }

  /* One that was killed, as it was. */
  async again(name) {
    const { port, argv } = this.#named(name);
    await this.#spawn(name, port, argv);
  }

  async stop() {
    for (const { child } of this.#programs) {
      child.kill("SIGCONT");
      child.kill("SIGTERM");
    }
    for (const { name, child } of this.#programs) {
      await until(`${name} ends`, () => child.exitCode !== null || child.signalCode !== null);
    }
    if (!process.env.PARLEY_KEEP) {
      await rm(this.dir, { recursive: true, force: true });
    }
  }
}
