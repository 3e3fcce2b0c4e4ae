/* project.mjs - one docker-compose project of a test: brought up, looked into, always taken down
 *
 * It has a name and two free ports of its own.  A process beside us (`reap`) takes it down with its
 * volumes when we end, however we end.  Only the published ports are ever talked to. */
import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { after, before, test as nodeTest } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ownPort } from "../support/own_port.mjs";
import { request, secrets, trust } from "../support/http.mjs";
import { until } from "../support/wait.mjs";

const run = promisify(execFile);
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const LIMITS = { maxBuffer: 1 << 28, timeout: 120_000 }; /* an engine can lock up */
const REAP = fileURLToPath(new URL("reap", import.meta.url));
const OUT = `${ROOT}build/compose`;
const UP_MS = 120_000;
const SECRETS = "/secrets"; /* where the volume with passwords and certificate is seen */
export const ONE_SHOTS = ["setup", "first"]; /* which end by themselves; the others must stay */
export const SERVICES = ["redis", "auth-svc", "gateway-svc", "presence-svc", "haproxy"];

/* The reason why no engine can run here, or undefined; tests/compose/all says it. */
export const NO_ENGINE = process.env.PARLEY_NO_ENGINE;

/* As node's, but skipped where there is no engine. */
export function test(name, body) {
  return nodeTest(name, { skip: NO_ENGINE }, body);
}

/* An .env of whoever runs the tests must not reach them. */
async function emptyFile() {
  await mkdir(OUT, { recursive: true });
  await writeFile(`${OUT}/empty.env`, "");
  return `${OUT}/empty.env`;
}

export async function docker(...args) {
  const { stdout } = await run("docker", args, LIMITS);
  return stdout.trimEnd();
}

let composeWords;
export function composeCommand() {
  const hasPlugin = () => spawnSync("docker", ["compose", "version"]).status === 0;
  composeWords ??= hasPlugin() ? ["docker", "compose"] : ["docker-compose"];
  return composeWords;
}

const lines = (text) => text.split("\n").filter(Boolean);

export class Project {
  #reaper;
  scale = {};

  constructor(settings = {}) {
    this.name = `parley-test-${randomBytes(4).toString("hex")}`;
    this.settings = settings;
  }

  async open() {
    this.ports = { port: await ownPort(), tlsPort: await ownPort() };
    this.#reaper = spawn(REAP, [this.name],
      { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  }

  get door() {
    return `http://127.0.0.1:${this.ports.port}`;
  }
  get tlsDoor() {
    return `https://127.0.0.1:${this.ports.tlsPort}`;
  }
  get env() {
    return {
      ...process.env, ...this.settings, COMPOSE_PROJECT_NAME: this.name, BIND: "127.0.0.1",
      DOOR_PORT: `${this.ports.port}`, DOOR_TLS_PORT: `${this.ports.tlsPort}`,
    };
  }

  async compose(...args) {
    const [program, ...first] = composeCommand();
    const { stdout } = await run(program, [...first, "--env-file", this.envFile ?? await emptyFile(), ...args],
      { ...LIMITS, cwd: ROOT, env: this.env });
    return stdout.trimEnd();
  }

  /* `docker compose up -d`, as people call it; resolves when the door serves. */
  async up(scale = this.scale, ...more) {
    this.scale = scale;
    const scales = Object.entries(scale).flatMap(([service, n]) => ["--scale", `${service}=${n}`]);
    await this.compose("up", "-d", "--no-build", ...scales, ...more).catch((err) => this.#complain(err));
    await this.ready().catch((err) => this.#complain(err));
    await this.trustDoor();
  }

  async #complain(err) {
    const ps = await docker("ps", "-a", "--filter", this.#label, "--format", "{{.Names}} {{.Status}}");
    const logs = (await this.logs()).map(({ name, text }) => `-- ${name}\n${text.slice(-1500)}`).join("\n");
    throw new Error(`${err.message}\n${err.stderr ?? ""}\n${ps}\n${logs}`);
  }

  /* The door answers, and every container says that it is well. */
  async ready() {
    await until("everything is up and well", async () => {
      const res = await request(this.door, "/session").catch(() => undefined);
      return res?.status === 401 && (await this.allWell());
    }, { timeout: UP_MS, every: 200 });
  }
  async allWell() {
    const all = await this.containers(...SERVICES);
    const missing = SERVICES.some((service) => !all.some((c) => c.service === service));
    return !missing && all.every((c) => c.State.Running && (c.State.Health?.Status ?? "healthy") === "healthy");
  }

  async trustDoor() {
    const [haproxy] = await this.containers("haproxy");
    const pem = await docker("exec", haproxy.Id, "cat", this.certificate(haproxy));
    this.pem = pem.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----\n?/g).join("\n");
    trust(this.pem);
  }
  certificate(haproxy) {
    const found = haproxy.Config.Env.find((line) => line.startsWith("DOOR_CERT="));
    assert.ok(found, "haproxy is told its certificate");
    return found.slice("DOOR_CERT=".length);
  }

  /* ---- Looking ---- */

  get #label() {
    return `label=com.docker.compose.project=${this.name}`;
  }

  /* As `docker inspect` tells it, ordered by number; all services when none is named. */
  async containers(...services) {
    const ids = lines(await docker("ps", "-aq", "--no-trunc", "--filter", this.#label));
    /* One that goes while we look is no error. */
    const { stdout } = await run("docker", ["inspect", ...ids, "--type", "container"], LIMITS)
      .catch((err) => err);
    const all = (ids.length ? JSON.parse(stdout) : []).map((c) => ({
      ...c, name: c.Name.slice(1), service: c.Config.Labels["com.docker.compose.service"],
      number: Number(c.Config.Labels["com.docker.compose.container-number"]),
    }));
    return all.filter((c) => !services.length || services.includes(c.service))
      .sort((a, b) => a.service.localeCompare(b.service) || a.number - b.number);
  }
  async container(service, number = 1) {
    const all = await this.containers(service);
    const found = all.find((c) => c.number === number) ?? all[number - 1];
    assert.ok(found, `${service} ${number} is there`);
    return found;
  }

  /* Everything that the containers said so far: [{name, service, text}]. */
  async logs() {
    return Promise.all((await this.containers()).map(async ({ Id, name, service }) => {
      const { stdout, stderr } = await run("docker", ["logs", Id], LIMITS);
      return { name, service, text: stdout + stderr };
    }));
  }

  /* redis-cli in the redis container: the operator without arguments, or the admin. */
  async operator(...args) {
    return docker("exec", (await this.#redisId()), "redis-cli", ...args);
  }
  async admin(...args) {
    const { stdout } = await run("docker",
      ["exec", "-e", "REDISCLI_AUTH", await this.#redisId(), "redis-cli", "--user", "admin", "--no-auth-warning", ...args],
      { ...LIMITS, env: { ...process.env, REDISCLI_AUTH: await this.password("admin") } });
    return stdout.trimEnd();
  }
  async password(user) {
    this.passwords ??= {};
    this.passwords[user] ??= await docker("exec", await this.#redisId(), "cat", `${SECRETS}/redis/${user}`);
    secrets.add(this.passwords[user]);
    return this.passwords[user];
  }
  /* A container keeps its id when its process is started again. */
  async #redisId() {
    this.redisId ??= (await this.container("redis")).Id;
    return this.redisId;
  }

  /* ---- Faults: each asserts that it happened ---- */

  /* kill -9 of the container's first process, from outside: unlike after `docker kill`, the engine's
   * restart policy acts.  Resolves when the process is gone. */
  async kill({ Id, State, RestartCount, name }) {
    assert.ok(State.Running && State.Pid > 0, `${name} runs`);
    process.kill(State.Pid, "SIGKILL");
    await until(`${name} has died`, async () => {
      const [now] = JSON.parse(await docker("inspect", Id));
      return now.State.Pid !== State.Pid && (now.RestartCount > RestartCount || !now.State.Running);
    });
  }
  /* One letter, as /proc tells it: R, S, T (stopped). */
  async state({ State }) {
    const stat = await readFile(`/proc/${State.Pid}/stat`, "utf8").catch(() => undefined);
    return stat?.slice(stat.lastIndexOf(")") + 2)[0];
  }
  /* It runs again, as another process, and is well. */
  async restarted({ Id, State, name }, timeout = 60_000) {
    return until(`${name} runs again and is well`, async () => {
      const [now] = JSON.parse(await docker("inspect", Id));
      const well = (now.State.Health?.Status ?? "healthy") === "healthy";
      return now.State.Running && now.State.Pid !== State.Pid && well && now;
    }, { timeout, every: 100 });
  }

  /* ---- The end ---- */

  /* `docker compose down -v`: nothing of the project is left. */
  async down() {
    await this.compose("down", "-v", "--timeout", "5");
  }
  /* The same, more gently, for another start (reap says why). */
  async clear() {
    const reaper = spawn(REAP, [this.name], { stdio: "ignore" });
    await until("everything is taken down", () => reaper.exitCode !== null, { timeout: 120_000 });
    this.redisId = undefined;
    assert.deepEqual(await this.remains(), []);
  }
  async remains() {
    const kinds = [["ps", "-a"], ["network", "ls"], ["volume", "ls"]];
    const found = await Promise.all(kinds.map((kind) => docker(...kind, "-q", "--filter", this.#label)));
    return found.flatMap(lines);
  }
  async close() {
    if (!this.#reaper) {
      return;
    }
    this.#reaper.unref();
    await this.#keepLogs().finally(() => this.#reaper.stdin.end());
    await until("everything is taken down", () => this.#reaper.exitCode !== null, { timeout: 120_000 });
    assert.deepEqual(await this.remains(), [], "nothing is left behind");
  }
  async #keepLogs() {
    await mkdir(OUT, { recursive: true });
    const text = (await this.logs()).map(({ name, text: said }) => `==== ${name}\n${said}`).join("\n");
    await writeFile(`${OUT}/${this.name}.log`, text);
  }
}

/* A project for this file: open before the first test, gone after the last. */
export function useProject(settings) {
  const project = new Project(settings);
  if (!NO_ENGINE) {
    before(() => project.open());
    after(() => project.close());
  }
  return project;
}

/* No token and no password in what any container of the project ever said. */
export async function assertQuiet(project) {
  assert.ok(secrets.size > 0, "there was something to look for");
  const logs = await project.logs();
  assert.ok(logs.length >= SERVICES.length, "every container was asked");
  for (const { name, text } of logs) {
    for (const secret of secrets) {
      assert.ok(!text.includes(secret), `${name} holds a token or a password`);
    }
  }
}

export const readText = (path) => readFile(`${ROOT}${path}`, "utf8");
