/* compose.test.mjs - `docker compose up`, with nothing set: it comes up, people chat, and it is closed
 *
 * What is closed (rights, root filesystem, networks, ports) is read from the kernel's own files of
 * the running processes, not from what the compose file says. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { documentedLines, Operator } from "../security/redis_lines.mjs";
import { connect, login, logout, scene, user } from "../support/client.mjs";
import { request, secrets } from "../support/http.mjs";
import { askRaw, upgradeRequest } from "../support/raw_ws.mjs";
import { until } from "../support/wait.mjs";
import { assertQuiet, docker, ONE_SHOTS, readText, SERVICES, test, useProject } from "./project.mjs";

const project = useProject();
const OURS = ["auth-svc", "gateway-svc", "presence-svc"];
const UIDS = { redis: 999, haproxy: 99, "auth-svc": 10001, "gateway-svc": 10002, "presence-svc": 10003 };
const rows = (text) => text.split("\n").filter(Boolean);

const servedBy = async (name) => rows(await project.operator("HKEYS", `{chat}:user:${name}`))
  .filter((field) => field.startsWith("at:")).map((field) => field.slice(3));

/* ---- Up ---- */

test("docker compose up, from nothing: two gateways, and the first login soon after", async (t) => {
  const start = performance.now();
  const seconds = () => ((performance.now() - start) / 1000).toFixed(1);
  const firstLogin = until("a first login", () => user(project.door, "first").catch(() => undefined), { timeout: 120_000, every: 100 })
    .then((someone) => { t.diagnostic(`first login ${seconds()} s after "up", images there`); return someone; });
  const [first] = await Promise.all([firstLogin, project.up()]);
  t.diagnostic(`everything healthy after ${seconds()} s`);
  await logout(project.door, first.name, first.token);
  assert.equal((await project.containers("gateway-svc")).length, 2, "two gateways, unasked");
  for (const { name, State, RestartCount } of await project.containers(...SERVICES)) {
    assert.deepEqual([State.Health?.Status, RestartCount], ["healthy", 0], `${name}: a quiet first start`);
  }
  for (const { name, State } of await project.containers(...ONE_SHOTS)) {
    assert.deepEqual([State.Status, State.ExitCode], ["exited", 0], name);
  }
});

test("two people chat, one over http, one over https", async (t) => {
  const s = scene(t, project);
  const [ann, ben] = [await s.enter("Ann"), await s.enter("Ben", project.tlsDoor)];
  await Promise.all([ann.sees(ben.name), ben.sees(ann.name)]);
  const id = await ann.say(ben.name, "hello Ben");
  const { data } = await ben.waitFor("message_in", (m) => m.message_id === id);
  assert.deepEqual([data.sender, data.message_text], [ann.name, "hello Ben"]);
  const back = await ben.say("group", "hello all");
  await Promise.all([ann, ben].map((peer) => peer.waitFor("message_in", (m) => m.message_id === back)));
});

test("--scale gateway-svc=3: all three serve, one user may sit on several, and redis-cli shows where", async (t) => {
  await project.up({ "gateway-svc": 3 });
  const s = scene(t, project);
  const someone = await s.user("tabs");
  const ids = await until("one user on three gateways", async () => {
    await s.join(someone);
    const gateways = await servedBy(someone.name);
    return gateways.length === 3 && gateways;
  }, { timeout: 60_000 });
  const living = rows(await project.operator("ZRANGE", "{chat}:gateways", "0", "-1"));
  assert.deepEqual(living.sort(), ids.sort());
  const containers = await project.containers("gateway-svc");
  const told = await Promise.all(ids.map(async (id) => JSON.parse(await project.operator("GET", `{chat}:gateway:${id}`))));
  assert.deepEqual(told.map((info) => info.host).sort(), containers.map((c) => c.Config.Hostname).sort(), "each says in which container it is");
  for (const info of told) {
    assert.match(info.version, /^\d+\.\d+\.\d+$/);
  }
  const who = rows(await project.operator("FCALL_RO", "parley_who", "1", "{chat}:"));
  assert.ok(who.some((line) => line.startsWith(`${someone.name}: online for`)), `${who}`);
  assert.equal(await project.operator("FCALL", "parley_kick", "1", "{chat}:", someone.name), `kicked ${someone.name}`);
});

/* ---- redis-cli ---- */

const lines = documentedLines();
const asStack = { get door() { return project.door; }, redis: (...args) => project.operator(...args), servedBy };
const operator = new Operator(asStack, (text) => ["sh", "-c", `exec docker exec ${project.redisId} redis-cli -e ${text}`]);

test("every redis-cli line of the texts works in the redis container, without arguments", async (t) => {
  assert.ok(lines.length >= 20, `${lines.length} lines were found`);
  t.after(() => operator.close());
  for (const { where, text } of lines) {
    await t.test(`${where} redis-cli ${text}`, () => operator.check(text));
  }
});

/* ---- Closed: every process of every container, as the kernel tells it ---- */

async function pidsOf({ Id }) {
  const [, ...found] = rows(await docker("top", Id, "-eo", "pid"));
  return found.map(Number);
}
async function statusOf(pid) {
  const text = await readFile(`/proc/${pid}/status`, "utf8");
  return Object.fromEntries(rows(text).map((line) => line.split(":\t")));
}
const numbers = (text) => text.trim().split(/\s+/).map(Number);

/* Runs `check` for every process of every running container, once it is proven that there are some. */
async function everyProcess(check) {
  let count = 0;
  for (const container of await project.containers(...SERVICES)) {
    for (const pid of await pidsOf(container)) {
      await check(container, pid);
      count++;
    }
  }
  assert.ok(count >= 7, `${count} processes: redis, auth-svc, three gateways, presence-svc, haproxy`);
}

test("no process has a capability, none can get one, each is filtered by seccomp and runs as its own user", () =>
  everyProcess(async ({ service, name }, pid) => {
    const status = await statusOf(pid);
    const label = `${name}, ${status.Name} (${pid})`;
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      assert.match(status[set], /^0+$/, `${label}: ${set}`);
    }
    assert.equal(status.NoNewPrivs, "1", `${label}: NoNewPrivs`);
    assert.equal(status.Seccomp, "2", `${label}: Seccomp`);
    assert.deepEqual(new Set(numbers(status.Uid)), new Set([UIDS[service]]), `${label}: user`);
    assert.ok([...numbers(status.Gid), ...numbers(status.Groups || "1")].every((gid) => gid > 0), `${label}: groups ${status.Gid} ${status.Groups}`);
  }));

/* {root, target, options (of the mount and of its filesystem), type} */
async function mountsOf(pid) {
  const text = await readFile(`/proc/${pid}/mountinfo`, "utf8");
  return rows(text).map((line) => {
    const [head, tail] = line.split(" - ");
    const fields = head.split(" ");
    const [type, source] = tail.split(" ");
    return { root: fields[3], target: fields[4], options: fields[5].split(","), type, source };
  });
}
/* Made by the engine in every container, and nobody's to write but /dev/... of the container. */
const ENGINES = /^\/(proc|sys|dev)(\/|$)/;
const WRITABLE = { redis: ["/data"] }; /* volumes; all else that can be written is a tmpfs */

test("the root filesystem is read-only; what can be written is no place for programs; no engine's socket", () =>
  everyProcess(async ({ service, name }, pid) => {
    const mounts = await mountsOf(pid);
    const root = mounts.find((m) => m.target === "/");
    assert.ok(root.options.includes("ro"), `${name}: / is ${root.options}`);
    await assert.rejects(writeFile(`/proc/${pid}/root/written-by-a-test`, ""), { code: "EROFS" }, `${name}: a write fails`);
    for (const m of mounts.filter(({ target, options }) => options.includes("rw") && !ENGINES.test(target) && target !== "/")) {
      const allowed = m.type === "tmpfs" || (WRITABLE[service] ?? []).includes(m.target);
      assert.ok(allowed, `${name}: ${m.target} (${m.type}) can be written`);
      assert.ok(m.type !== "tmpfs" || ["noexec", "nosuid", "nodev"].every((o) => m.options.includes(o)), `${name}: ${m.target} is ${m.options}`);
    }
    assert.deepEqual(mounts.filter((m) => /docker\.sock|containerd\.sock/.test(m.root + m.target)), [], `${name}: the engine's socket`);
  }));

const FOLDERS = ["auth-svc", "door", "gateway-svc", "presence-svc", "redis"];

/* What a user of that number, with that container's volumes, can list of the secrets. */
async function readableSecrets({ service, name }, image) {
  const list = `for f in ${FOLDERS.join(" ")}; do ls -A "/secrets/$f" 2> /dev/null | grep -q . && echo "$f"; done; true`;
  return rows(await docker("run", "--rm", "--network", "none", "--user", `${UIDS[service]}:${UIDS[service]}`,
    "--volumes-from", name, "--entrypoint", "sh", image, "-c", list));
}

test("each service can read its own secrets and no other's, and change none", async () => {
  const { Config } = await project.container("redis");
  for (const container of await project.containers(...SERVICES)) {
    const own = { redis: "redis", haproxy: "door" }[container.service] ?? container.service;
    assert.deepEqual(await readableSecrets(container, Config.Image), [own], container.name);
    for (const m of (await mountsOf(container.State.Pid)).filter(({ target }) => target.startsWith("/secrets"))) {
      assert.ok(m.options.includes("ro"), `${container.name}: ${m.target} is ${m.options}`);
    }
  }
});

async function limit(pid, controller, file) {
  const groups = rows(await readFile(`/proc/${pid}/cgroup`, "utf8")).map((line) => line.split(":"));
  const v1 = groups.find(([, names]) => names.split(",").includes(controller));
  const path = v1 ? `/sys/fs/cgroup/${controller}${v1[2]}/${file.v1}` : `/sys/fs/cgroup${groups[0][2]}/${file.v2}`;
  return (await readFile(path, "utf8")).trim();
}
const MEMORY = { v1: "memory.limit_in_bytes", v2: "memory.max" };
const PIDS = { v1: "pids.max", v2: "pids.max" };

test("memory, processes, open files and logs of every container are limited", () =>
  everyProcess(async ({ name, HostConfig }, pid) => {
    const memory = Number(await limit(pid, "memory", MEMORY));
    assert.ok(memory > 0 && memory <= 2 ** 31, `${name}: memory ${memory}`);
    const pids = Number(await limit(pid, "pids", PIDS));
    assert.ok(pids > 0 && pids <= 512, `${name}: pids ${pids}`);
    const [, files] = /^Max open files +\S+ +(\S+)/m.exec(await readFile(`/proc/${pid}/limits`, "utf8"));
    assert.ok(Number(files) <= 65536, `${name}: ${files} open files`);
    assert.ok(HostConfig.LogConfig.Config["max-size"], `${name}: its log would grow for ever`);
  }));

test("nothing of the host is shared: no namespace, no device, no privilege; one-shots are as closed", async () => {
  const all = await project.containers();
  assert.deepEqual(new Set(all.map((c) => c.service)), new Set([...SERVICES, ...ONE_SHOTS]));
  for (const { name, service, HostConfig } of all) {
    assert.equal(HostConfig.Privileged, false, name);
    for (const kind of ["PidMode", "IpcMode", "UTSMode", "UsernsMode", "NetworkMode"]) {
      assert.notEqual(HostConfig[kind], "host", `${name}: ${kind}`);
    }
    assert.deepEqual([HostConfig.Devices ?? [], HostConfig.DeviceRequests ?? []], [[], []], name);
    assert.ok(!(HostConfig.SecurityOpt ?? []).some((option) => option.includes("unconfined")), `${name}: ${HostConfig.SecurityOpt}`);
    assert.ok(HostConfig.SecurityOpt.some((option) => option.startsWith("no-new-privileges")), name);
    assert.equal(HostConfig.ReadonlyRootfs, true, name);
    assert.deepEqual(HostConfig.CapDrop, ["ALL"], name);
    const extra = (HostConfig.CapAdd ?? []).map((cap) => cap.replace(/^CAP_/, ""));
    const allowed = service === "setup" ? ["CHOWN"] : [];
    assert.deepEqual(extra.filter((cap) => !allowed.includes(cap)), [], name);
    assert.equal(HostConfig.RestartPolicy.Name, ONE_SHOTS.includes(service) ? "on-failure" : "unless-stopped", name);
  }
});

/* ---- Doors ---- */

test("two ports are published, both haproxy's, both on 127.0.0.1", async () => {
  const published = (await project.containers()).flatMap(({ service, NetworkSettings, HostConfig }) => {
    assert.equal(HostConfig.PublishAllPorts, false, service);
    /* In a network without a way out the engine publishes nothing: not even asked for it may be. */
    assert.equal(Object.keys(HostConfig.PortBindings ?? {}).length, service === "haproxy" ? 2 : 0, `ports of ${service}`);
    return Object.values(NetworkSettings.Ports).flatMap((bindings) => (bindings ?? []).map((b) => [service, b.HostIp, Number(b.HostPort)]));
  });
  assert.deepEqual(published.sort((a, b) => a[2] - b[2]),
    [["haproxy", "127.0.0.1", project.ports.port], ["haproxy", "127.0.0.1", project.ports.tlsPort]].sort((a, b) => a[2] - b[2]));
});

test("networks: the door cannot reach Redis, and only the door can reach the world", async () => {
  const members = {};
  for (const { service, NetworkSettings } of await project.containers(...SERVICES)) {
    members[service] = await Promise.all(Object.keys(NetworkSettings.Networks).map(async (name) => {
      const [{ Internal }] = JSON.parse(await docker("network", "inspect", name));
      return { name, Internal };
    }));
  }
  for (const [service, networks] of Object.entries(members)) {
    assert.equal(networks.some((n) => !n.Internal), service === "haproxy", `${service}: ${JSON.stringify(networks)}`);
  }
  const of = (service) => members[service].map((n) => n.name);
  assert.deepEqual(of("haproxy").filter((name) => of("redis").includes(name)), [], "haproxy and Redis share no network");
  for (const service of OURS) {
    assert.ok(of("redis").some((name) => of(service).includes(name)), `${service} reaches Redis`);
  }
});

test("health, readiness, metrics and Redis do not answer through the door", async () => {
  for (const base of [project.door, project.tlsDoor]) {
    for (const path of ["/healthz", "/readyz", "/metrics", "//readyz", "/./healthz", "/%72eadyz", "/socket.io/../readyz"]) {
      const res = await request(base, path);
      assert.ok([400, 404].includes(res.status), `${path}: ${res.status}`);
    }
  }
  for (const host of ["redis:6379", "auth-svc:9001", "gateway-svc:9002", "presence-svc:9003"]) {
    const res = await request(project.door, "/readyz", { headers: { Host: host } });
    assert.equal(res.status, 404, host);
  }
});

/* haproxy 3.0 takes h2c out of Upgrade by itself: what remains is a WebSocket, or no upgrade at all. */
const TUNNELS = [
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]],
  ["h2c", upgradeRequest({ headers: { Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA" } }), [400]],
  ["websocket and h2c", upgradeRequest({ headers: { Upgrade: "websocket, h2c" } }), [400, 101]],
  ["websocket and another", upgradeRequest({ headers: { Upgrade: "websocket, other" } }), [400]],
  ["by POST", upgradeRequest({ method: "POST" }), [400]],
  ["WebSocket version 777", upgradeRequest({ headers: { "Sec-WebSocket-Version": "777" } }), [426]],
  ["CONNECT", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n", [400, 404, 405]],
];

test("no tunnel through the door but a WebSocket", async () => {
  for (const [label, bytes, statuses] of TUNNELS) {
    const res = await askRaw(project.ports.port, bytes);
    assert.ok(statuses.includes(res.status), `${label}: ${JSON.stringify(res)}`);
    assert.ok(res.status !== 101 || res.headers.upgrade.toLowerCase() === "websocket", `${label}: ${JSON.stringify(res.headers)}`);
  }
});

/* ---- What Redis loads ---- */

/* Has Redis our module (8 brings some of its own), may gateways call it, and its file among the secrets. */
async function whatRedisHas() {
  const { Id } = await project.container("redis");
  project.redisId = Id;
  const modules = JSON.parse(await project.admin("--json", "MODULE", "LIST"));
  const rules = await project.admin("ACL", "GETUSER", "gateway-svc");
  const file = await docker("exec", Id, "sh", "-c", "stat -c '%a %u' /secrets/redis/parley.so 2> /dev/null || echo none");
  return { loaded: modules.some(({ name }) => name === "parley"), may: rules.includes("+parley.send"), file };
}
const WITH = { loaded: true, may: true, file: "500 999" };
const WITHOUT = { loaded: false, may: false, file: "none" };

test("Redis has loaded parley.so, which is its own to read, and needs no newer libc than Debian 12 has", async (t) => {
  assert.deepEqual(await whatRedisHas(), WITH);
  assert.match(await project.admin("INFO", "modules"), /^module:name=parley,/m);
  const dir = await mkdtemp(join(tmpdir(), "parley-module-"));
  t.after(() => rm(dir, { recursive: true }));
  const { Id } = await project.container("setup");
  await docker("cp", `${Id}:/usr/local/lib/parley/parley.so`, dir);
  const { stdout } = await promisify(execFile)("objdump", ["-T", join(dir, "parley.so")]);
  const versions = [...stdout.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => 1000 * major + Number(minor));
  assert.ok(versions.length > 0 && Math.max(...versions) <= 2034, stdout);
});

test("REDIS_MODULE=0 does without, and takes its file and its rule away; 1 brings them back; people chat", async (t) => {
  t.after(() => { delete project.settings.REDIS_MODULE; });
  for (const [setting, has] of [["0", WITHOUT], ["1", WITH]]) {
    project.settings.REDIS_MODULE = setting;
    await project.up();
    assert.deepEqual(await whatRedisHas(), has);
    /* It is another Redis, and an empty one. */
    const first = await until("a login succeeds", () => user(project.door, "again").catch(() => undefined), { timeout: 60_000, every: 200 });
    const peer = await connect(project.door, { token: first.token });
    const id = await peer.say("group", "still here");
    await peer.waitFor("message_in", (m) => m.message_id === id);
    await logout(project.door, first.name, first.token);
    peer.close();
  }
});

test("Sentinels know another Redis: no rule for a module that it may not have", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "parley-secrets-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const { Config } = await project.container("setup");
  const made = (...env) => docker("run", "--rm", "--network", "none", "-v", `${dir}:/secrets`, ...env.flatMap((line) => ["-e", line]), Config.Image)
    .then(() => readFile(join(dir, "redis/users.acl"), "utf8"));
  assert.match(await made("REDIS_MODULE=1"), /parley\.send/);
  assert.doesNotMatch(await made("REDIS_MODULE=1", "REDIS_SENTINELS=a:26379"), /parley\.send/);
  const told = (await project.containers("setup"))[0].Config.Env.map((line) => line.split("=")[0]);
  assert.ok(["REDIS_MODULE", "REDIS_SENTINELS"].every((name) => told.includes(name)), "it is told of both");
});

/* ---- Settings ---- */

const settingsOf = (help) => [...help.matchAll(/^ {2}([A-Z][A-Z0-9_]+) {2,}/gm)].map(([, name]) => name).filter((name) => name !== "NAME");
/* What the compose file decides itself: where things are in it. */
const DECIDED = new Set(["HOST", "PORT", "HEALTH_PORT", "REDIS_URL", "REDIS_PASSWORD_FILE", "GATEWAY_NAME", "GATEWAY_ADDRESS"]);

/* What the containers would be told with every line of .env.example in force: setting -> value. */
async function exampleInForce(t) {
  const dir = await mkdtemp(join(tmpdir(), "parley-env-"));
  t.after(() => { project.envFile = undefined; return rm(dir, { recursive: true }); });
  project.envFile = join(dir, ".env");
  await writeFile(project.envFile, (await readText(".env.example")).replace(/^# ?([A-Z][A-Z0-9_]*=)/gm, "$1"));
  const config = await project.compose("config");
  return new Map([...config.matchAll(/^ {6}([A-Z][A-Z0-9_]*): (.*)$/gm)].map(([, name, value]) => [name, value.replace(/^(['"])(.*)\1$/, "$2")]));
}

test("every setting of the three programs stands in .env.example with its default, and reaches its container", async (t) => {
  const told = await exampleInForce(t);
  const example = await readText(".env.example");
  let count = 0;
  for (const { service, Config } of (await project.containers(...OURS)).filter((c) => c.number === 1)) {
    const help = await docker("run", "--rm", "--network", "none", Config.Image, "--help");
    const names = Config.Env.map((line) => line.split("=")[0]);
    for (const name of settingsOf(help).filter((setting) => !DECIDED.has(setting))) {
      assert.ok(names.includes(name), `${service} is given ${name}`);
      assert.match(example, new RegExp(`^# ?${name}=`, "m"), `${name} in .env.example`);
      const [, preset] = new RegExp(`^ {2}${name} {2,}(\\S+)`, "m").exec(help);
      assert.equal(told.get(name) || "(empty)", preset, `the default of ${name} that .env.example shows`);
      count++;
    }
  }
  assert.ok(count >= 25, `${count} settings`);
});

test("every variable of docker-compose.yml stands in .env.example with its default, and nothing else does", async () => {
  const [compose, example] = [await readText("docker-compose.yml"), await readText(".env.example")];
  const said = new Map([...example.matchAll(/^# ?([A-Z][A-Z0-9_]*)=(\S*)/gm)].map(([, name, value]) => [name, value]));
  const used = [...compose.matchAll(/\$\{([A-Z][A-Z0-9_]*)(?::-([^}]*))?\}/g)].map(([, name, preset]) => [name, preset]);
  assert.ok(used.length > 20, `${used.length}`);
  assert.deepEqual(used.filter(([name]) => !said.has(name)), [], "used, but not documented");
  assert.deepEqual([...said.keys()].filter((name) => !used.some(([other]) => other === name)), [], "documented, but without effect");
  assert.deepEqual(used.filter(([name, preset]) => preset && preset !== said.get(name)), [], "other defaults than documented");
});

/* ---- The end ---- */

test("no token and no password in what any container said", async () => {
  const res = await login(project.door, "careless?password=hunter2-but-longer");
  assert.equal(res.status, 200, res.body);
  secrets.add("hunter2-but-longer");
  await logout(project.door, "careless", res.json.token);
  const peer = await connect(project.door, { token: (await user(project.door, "careless")).token });
  peer.close();
  await project.password("admin");
  await project.password("operator");
  await assertQuiet(project);
});

test("docker compose down -v: nothing is left", async () => {
  assert.ok((await project.remains()).length > 0, "there was something");
  await project.down();
  assert.deepEqual(await project.remains(), []);
});
