/* sentinels.mjs - a replica of a stack's Redis, and three Sentinels that watch both
 *
 * The stack's services are started again with REDIS_SENTINELS.  All programs are ours alone, on free
 * ports of 127.0.0.1, and end with the stage. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ownPort } from "../support/own_port.mjs";
import { until } from "../support/wait.mjs";

const MASTER = "parley";

export class Sentinels {
  ports = [];

  static async open(stage) {
    const self = new Sentinels();
    self.stage = stage;
    self.stack = stage.stack;
    self.password = (await readFile(self.stack.run.redis.admin_password_file, "utf8")).split("\n")[0].trim();
    await self.#ownConfig();
    self.masterPort = await ownPort();
    await self.stack.redis("CONFIG", "SET", "port", String(self.masterPort));
    await self.#startReplica();
    await self.#startSentinels();
    await self.#tellServices();
    return self;
  }

  /* Sentinel has a Redis rewrite its configuration: it must be a copy, never the project's own. */
  async #ownConfig() {
    const redis = this.stack.process("redis");
    const config = join(this.stack.dir, "master.conf");
    await copyFile(redis.argv[1], config);
    redis.argv = [redis.argv[0], config, ...redis.argv.slice(2)];
    await this.stack.signal("redis", "SIGKILL");
    await this.stack.restartRedis();
    await until("every service is ready", () => this.stack.ready(), { timeout: 60_000 });
    await until("it has settled", async () => (await this.stack.redis("HEXISTS", "{chat}:presence", "settle")) === "0", { timeout: 60_000 });
  }

  async #spawn(name, argv) {
    const log = openSync(join(this.stack.dir, "log", `${name}.log`), "a");
    const child = spawn("setpriv", ["--pdeathsig", "KILL", ...argv], { stdio: ["ignore", log, log] });
    closeSync(log);
    const ended = once(child, "exit");
    this.stage.afterwards(async () => { child.kill("SIGKILL"); await ended; });
    return child;
  }

  async #startReplica() {
    this.replicaPort = await ownPort();
    this.replicaSocket = join(this.stack.dir, "replica.sock");
    const { argv } = this.stack.process("redis");
    const value = (option) => argv[argv.indexOf(option) + 1];
    const config = join(this.stack.dir, "replica.conf");
    await copyFile(argv[1], config);
    const module = argv.includes("--loadmodule") ? ["--loadmodule", value("--loadmodule")] : []; /* the rules name its command */
    await this.#spawn("replica", [argv[0], config, "--dir", this.stack.dir, "--dbfilename", "replica.rdb", "--aclfile", value("--aclfile"), ...module,
      "--unixsocket", this.replicaSocket, "--unixsocketperm", "700", "--bind", "127.0.0.1", "--port", String(this.replicaPort),
      "--replicaof", "127.0.0.1", String(this.masterPort), "--masteruser", "admin", "--masterauth", this.password]);
    await this.stack.redis("CONFIG", "SET", "masteruser", "admin");
    await this.stack.redis("CONFIG", "SET", "masterauth", this.password);
    await until("the replica follows", async () => /master_link_status:up/.test(await this.replica("INFO", "replication").catch(() => "")));
  }
  replica(...args) {
    return this.askAt(this.replicaSocket, ...args);
  }
  async askAt(socket, ...args) {
    const { stdout } = await promisify(execFile)("redis-cli", ["-s", socket, "--user", "admin", ...args],
      { env: { ...process.env, REDISCLI_AUTH: this.password } });
    return stdout.trimEnd();
  }

  async #startSentinels() {
    const { argv } = this.stack.process("redis");
    for (let i = 1; i <= 3; i++) {
      const port = await ownPort();
      const config = join(this.stack.dir, `sentinel-${i}.conf`);
      await writeFile(config, [
        `port ${port}`, "bind 127.0.0.1", `dir ${this.stack.dir}`, `sentinel monitor ${MASTER} 127.0.0.1 ${this.masterPort} 2`,
        `sentinel down-after-milliseconds ${MASTER} 1000`, `sentinel failover-timeout ${MASTER} 5000`,
        `sentinel auth-user ${MASTER} admin`, `sentinel auth-pass ${MASTER} ${this.password}`, "",
      ].join("\n"), { mode: 0o600 });
      await this.#spawn(`sentinel-${i}`, [argv[0], config, "--sentinel"]);
      this.ports.push(port);
    }
    await until("the sentinels know each other and the replica", async () => {
      const answers = await Promise.all(this.ports.map((port) => this.#ask(port, "INFO", "sentinel").catch(() => "")));
      return answers.every((text) => /slaves=1,sentinels=3/.test(text));
    }, { timeout: 30_000 });
  }
  async #ask(port, ...args) {
    const { stdout } = await promisify(execFile)("redis-cli", ["-p", String(port), ...args]);
    return stdout.trimEnd();
  }

  async #tellServices() {
    for (const name of this.stack.services) {
      await this.stage.restart(name, { env: {
        REDIS_URL: `redis://${name.split("-")[0]}-svc@127.0.0.1:${this.masterPort}`, REDIS_MASTER: MASTER,
        REDIS_SENTINELS: this.ports.map((port) => `127.0.0.1:${port}`).join(","),
      } });
    }
  }

  async killMaster() {
    await this.stack.signal("redis", "SIGKILL");
  }
  /* Waits for the failover; how many ids the new master is behind what somebody has seen. */
  async newMaster() {
    const seen = await this.stage.most("lastId");
    const has = Number(await this.replica("GET", "{chat}:message:id"));
    await until("the replica is the master", async () => /role:master/.test(await this.replica("INFO", "replication")), { timeout: 30_000 });
    await until("the sentinels say so", async () => {
      const where = await Promise.all(this.ports.map((port) => this.#ask(port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)));
      return where.every((text) => text.split("\n")[1] === String(this.replicaPort));
    });
    this.stack.run.redis.socket = this.replicaSocket;
    return Math.max(0, seen - has);
  }
}
