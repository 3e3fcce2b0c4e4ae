/* deb.test.mjs - the Debian packages: built, installed under a real systemd, used, purged
 *
 * In one container with this machine's Debian; the tests build on each other, in this order.  What
 * README.Debian says is run line by line.  tests/compose/all starts an engine where none runs. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { after, before, test as nodeTest } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { until } from "../support/wait.mjs";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUFFER = 1 << 26;
const NAME = `parley-deb-${randomBytes(4).toString("hex")}`;
const SERVICES = ["auth", "gateway", "presence"];
const PACKAGES = ["parley-auth", "parley-client", "parley-common", "parley-gateway", "parley-presence", "parley-redis"];
const UNITS = SERVICES.map((service) => `parley-${service}`);
const TWO = "parley-gateway@two"; /* the one that README.Debian makes */
const ALL_UNITS = [...UNITS, TWO];
const CONF = (service) => `/etc/parley/${service}-svc.conf`;
const EXPOSURE_MAX = 2; /* of 10, as systemd-analyze counts */

/* systemd wants to be told of mounts, and a hierarchy of control groups that it may write to. */
const INIT = "mount --make-rshared / && { ! mountpoint -q /sys/fs/cgroup || umount -R /sys/fs/cgroup; }" +
  " && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec /lib/systemd/systemd";
/* Not --privileged: the engine may have fewer rights than that asks for. */
const RIGHTS = ["--cgroupns=private", "--cap-add=SYS_ADMIN", "--cap-add=SYS_PTRACE", "--security-opt=seccomp=unconfined",
  "--security-opt=apparmor=unconfined", "--security-opt=systempaths=unconfined"];

/* Files that are there before and after; these may differ. */
const NOT_OURS = ["/etc/ld.so.cache", "/etc/.pwd.lock", "/root/deb", "/root/chat.py", "/tmp/", "/var/cache/", "/var/lib/apt/",
  "/var/lib/dpkg/", "/var/lib/redis/", "/var/lib/systemd/", "/var/log/"];
const PRIVATE_TMP = /^\/var\/tmp\/systemd-private-\w+-(redis-server|haproxy)\./; /* another one after each restart */

const test = (name, body) => nodeTest(name, { skip: process.env.PARLEY_NO_ENGINE }, body);
let reaper;
let before_install;

const docker = async (...args) => (await run("docker", args, { maxBuffer: BUFFER })).stdout.trimEnd();
/* A shell line inside the container; rejects with what it said when it fails. */
const inside = (line) => docker("exec", NAME, "bash", "-o", "pipefail", "-ec", line);
/* Resolves to what it wrote to both, whether it failed or not. */
const said = (line) => inside(`{ ${line}; } 2>&1 || true`);
const show = async (unit, property) => inside(`systemctl show -p ${property} --value ${unit}`);
const pidOf = async (unit) => Number(await show(unit, "MainPID"));
const lines = (text) => text.split("\n").filter(Boolean);

/* With the suite of this machine: packages fit the Debian they were built on. */
async function suite() {
  return /^VERSION_CODENAME=(\w+)$/m.exec(await readFile("/etc/os-release", "utf8"))[1];
}

/* A make of its own: the one that started us has left its options in the environment. */
function withoutMake() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(MAKE|MFLAGS|GNUMAKE|MODE$|O$)/.test(name)));
}

async function startContainer() {
  const { stdout } = await run(`${ROOT}tests/compose/systemd-image`, [await suite()], { maxBuffer: BUFFER });
  /* Takes the container away when we end, however we end. */
  reaper = spawn(`${ROOT}tests/compose/reap`, [NAME], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  await docker("run", "-d", "--name", NAME, "--label", `com.docker.compose.project=${NAME}`, ...RIGHTS,
    "--tmpfs=/run", "--tmpfs=/run/lock", "--tmpfs=/tmp", "--env=container=docker", stdout.trim(), "sh", "-c", INIT);
  await until("systemd runs", async () => {
    const state = await said("systemctl is-system-running");
    assert.notEqual(state, "degraded", await said("systemctl --failed"));
    return state === "running";
  }, { timeout: 60_000 });
}

/* Every file with what matters of it; of /etc also what it holds.  And every user. */
async function inventory() {
  const files = await inside("find / -xdev -printf '%p %y %m %U:%G %l\\n'");
  const etc = await inside("find /etc -xdev -type f -exec sha256sum {} +");
  const users = await inside("getent passwd; getent group; cat /etc/passwd /etc/group");
  return lines(files).concat(lines(etc).map((line) => line.replace(/^(\S+) +(.*)$/, "$2 sha256 $1")), lines(users))
    .filter((line) => !NOT_OURS.some((path) => line.startsWith(path)) && !PRIVATE_TMP.test(line)).sort();
}

/* Each service shows by itself that it is there, and that Redis is. */
async function ready(units = UNITS) {
  const ports = { "parley-auth": 9001, "parley-gateway": 9002, "parley-presence": 9003, [TWO]: 9012 };
  for (const unit of units) {
    await until(`${unit} is ready`, async () => (await said(`curl -s -o /dev/null -w '%{http_code}' 127.0.0.1:${ports[unit]}/readyz`)) === "200");
    assert.equal(await show(unit, "ActiveState"), "active");
  }
}

/* Changes settings, and takes them back: KEY=VALUE lines at the end count. */
async function withSettings(service, settings, body) {
  await inside(`cp -p ${CONF(service)} /root/saved.conf && printf '%s\\n' '${settings}' >>${CONF(service)}`);
  try {
    return await body();
  } finally {
    await inside(`mv /root/saved.conf ${CONF(service)}`);
  }
}

/* The lines of README.Debian that are meant to be typed, by section. */
async function readme() {
  const text = await inside("cat /usr/share/doc/parley-common/README.Debian");
  const sections = text.split(/^(?=[0-9]+\. .*\n-+$)/m).slice(1);
  return sections.map((section) => lines(section).filter((line) => line.startsWith("    ")).map((line) => line.slice(4)));
}

const type = (section) => run("docker", ["exec", NAME, "bash", "-c", ["set -e", ...section].join("\n")], { maxBuffer: BUFFER });

async function whatRedisHas() {
  const admin = (command) => inside(`REDISCLI_AUTH=$(cat /etc/parley/secrets/redis/admin) redis-cli --user admin ${command}`);
  return { loaded: /^parley$/m.test(await admin("MODULE LIST")), may: (await admin("ACL GETUSER gateway-svc")).includes("+parley.send") };
}

before(async () => {
  if (!process.env.PARLEY_NO_ENGINE) {
    await startContainer();
  }
}, { timeout: 280_000 });

after(async () => {
  if (reaper) {
    reaper.stdin.end();
    await until("the container is gone", () => reaper.exitCode !== null, { timeout: 60_000 });
    assert.equal(await docker("ps", "-aq", "--filter", `name=${NAME}`), "");
  }
});

test("make deb builds the six packages, and lintian finds no fault but those we mean", async () => {
  await run("make", ["deb"], { cwd: ROOT, env: withoutMake(), maxBuffer: BUFFER });
  const built = (await readdir(`${ROOT}build/deb`)).filter((name) => name.endsWith(".deb"));
  assert.deepEqual(built.map((name) => name.split("_")[0]).sort(), PACKAGES);
});

test("apt installs them with all that they need; the services are enabled, run and find Redis", async () => {
  before_install = await inventory();
  await docker("cp", `${ROOT}build/deb/.`, `${NAME}:/root/deb`);
  await docker("cp", `${ROOT}tests/compose/deb_chat.py`, `${NAME}:/root/chat.py`);
  await inside("apt-get -qq update && apt-get -qq -y install --no-install-recommends /root/deb/*.deb >/root/deb/apt.log 2>&1 || { cat /root/deb/apt.log >&2; false; }");
  for (const unit of UNITS) {
    assert.equal(await said(`systemctl is-enabled ${unit}`), "enabled");
  }
  await ready();
  assert.equal(await said("systemctl --failed --no-legend --plain"), "");
});

test("the configuration files hold every setting of --help with its default, and are good as they stand", async () => {
  for (const service of SERVICES) {
    const help = lines(await inside(`parley-${service} --help`)).map((line) => /^ {2}([A-Z_]+) +(\S+) +\S/.exec(line)).filter(Boolean)
      .filter(([, name]) => name !== "NAME").map(([, name, value]) => `${name}=${value === "(empty)" ? "" : value}`);
    const conf = lines(await inside(`cat ${CONF(service)}`)).filter((line) => /^#?[A-Z_]+=/.test(line)).map((line) => line.replace("#", ""));
    assert.ok(help.length >= 8, `${help}`);
    assert.deepEqual(conf, help);
    await withSettings(service, "", async () => {
      await inside(`sed -i 's/^#\\([A-Z_]*=\\)/\\1/' ${CONF(service)} && systemctl restart parley-${service}`);
      await ready([`parley-${service}`]);
      const env = await inside(`tr '\\0' '\\n' </proc/${await pidOf(`parley-${service}`)}/environ`);
      assert.deepEqual(conf.filter((line) => !lines(env).includes(line)), [], "it got them as they are written");
    });
  }
});

test("README.Debian to the letter: users of Redis, passwords, the door, a second gateway", async () => {
  /* A short lease, so that nobody waits long for the new Redis to settle. */
  for (const service of SERVICES) {
    await inside(`printf 'LEASE_MS=2000\\nGRACE_S=2\\n' >>${CONF(service)}`);
  }
  const sections = await readme();
  assert.deepEqual(sections.map((section) => section.length > 0), [true, true, true, true, true, false, false]);
  for (const section of sections.slice(0, 4)) {
    await type(section);
  }
  await ready(ALL_UNITS);
  assert.deepEqual(await whatRedisHas(), { loaded: false, may: false });
  assert.match(await said("redis-cli ping"), /NOAUTH/);
  const clients = await inside("REDISCLI_AUTH=$(cat /etc/parley/secrets/redis/admin) redis-cli --user admin CLIENT LIST");
  assert.deepEqual([...new Set(clients.match(/(?<= user=)\w+-svc/g))].sort(), ["auth-svc", "gateway-svc", "presence-svc"]);
});

test("README.Debian to the letter: Redis loads parley-redis, and gateways may call it", async () => {
  await type((await readme())[4]);
  await ready(ALL_UNITS);
  assert.deepEqual(await whatRedisHas(), { loaded: true, may: true });
  assert.equal(await inside("stat -c '%a %U' /usr/lib/parley/parley.so"), "755 root");
});

test("two people talk, past the door on two gateways, and through the door", async () => {
  const settled = () => said("curl -s -o /dev/null -w '%{http_code}' 127.0.0.1:8001/login/first").then((code) => code === "200");
  await until("Redis has settled", settled, { every: 200 });
  assert.match(await inside("timeout 90 python3 /root/chat.py http://127.0.0.1:8001 http://127.0.0.1:8002 http://127.0.0.1:8012"), /chatted$/);
  await until("the door answers", async () => (await said("curl -sk -o /dev/null -w '%{http_code}' https://localhost:5443/session")) === "401");
  assert.match(await inside("timeout 90 python3 /root/chat.py http://localhost:5000 http://localhost:5000 http://localhost:5000"), /chatted$/);
});

test("a service runs as nobody in particular, with no right, in a system that it cannot change", async () => {
  for (const unit of ALL_UNITS) {
    const pid = await pidOf(unit);
    const status = await inside(`cat /proc/${pid}/status`);
    const field = (name) => new RegExp(`^${name}:\\t(.*)$`, "m").exec(status)[1];
    const uids = new Set(field("Uid").split("\t").map(Number));
    assert.ok(uids.size === 1 && [...uids].every((uid) => uid >= 61184 && uid <= 65519), `a dynamic user: ${field("Uid")}`);
    assert.equal(field("CapEff") + field("CapPrm") + field("CapInh") + field("CapBnd") + field("CapAmb"), "0".repeat(80));
    assert.deepEqual([field("NoNewPrivs"), field("Seccomp")], ["1", "2"]);
    assert.match(await inside(`cat /proc/${pid}/limits`), /^Max core file size +0 +0 /m);
    const secret = lines(await inside(`cat /etc/parley/secrets/${unit.replace(/^parley-(\w+).*$/, "$1-svc")}/redis-password`))[0];
    assert.equal(secret.length, 64);
    assert.ok(!(await inside(`cat /proc/${pid}/environ /proc/${pid}/cmdline | tr '\\0' '\\n'`)).includes(secret));
    /* Its view of the system refuses even root. */
    const root = `/proc/${pid}/root`;
    assert.match(await said(`nsenter -t ${pid} -m /bin/true`), /Permission denied/, "no other program can be started");
    assert.match(await said(`touch ${root}/usr/x`), /Read-only file system/);
    assert.match(await said(`touch ${root}/var/x`), /Read-only file system/);
    assert.match(await said(`touch ${root}/home/x`), /Read-only file system/);
    assert.equal(await said(`stat -c %a ${root}/etc/parley`), "0", "its own settings are hidden from it");
    const exposure = /Overall exposure level for .*: ([0-9.]+)/.exec(await inside(`systemd-analyze security --no-pager ${unit}`));
    assert.ok(Number(exposure[1]) < EXPOSURE_MAX, exposure[0]);
  }
});

test("restarted by hand, and after kill -9 and SIGHUP", async () => {
  for (const unit of ALL_UNITS) {
    const first = await pidOf(unit);
    await inside(`systemctl restart ${unit}`);
    assert.notEqual(await pidOf(unit), first);
    await ready([unit]);
    for (const signal of ["KILL", "HUP"]) {
      const [pid, restarts] = [await pidOf(unit), Number(await show(unit, "NRestarts"))];
      assert.notEqual(pid, 0);
      await inside(`kill -${signal} ${pid}`);
      await until(`${unit} is back`, async () => ![0, pid].includes(await pidOf(unit)));
      assert.equal(Number(await show(unit, "NRestarts")), restarts + 1);
      await ready([unit]);
    }
  }
});

test("a bad setting is told once, and not tried again", async () => {
  for (const service of SERVICES) {
    const unit = `parley-${service}`;
    await withSettings(service, "GRACE_S=0", async () => {
      await said(`systemctl restart ${unit}`);
      /* Not "auto-restart", which is what it would be in if it was going to be tried again. */
      await until("it has failed", async () => (await show(unit, "SubState")) === "failed");
      assert.deepEqual([await show(unit, "ExecMainStatus"), await show(unit, "NRestarts")], ["2", "0"]);
      assert.match(await said(`journalctl --no-pager -n 20 -u ${unit}`), /GRACE_S="0": must be a whole number from 1 to 86400/);
    });
    await inside(`systemctl restart ${unit}`);
    await ready([unit]);
  }
});

test("a password that is missing is told, never replaced by none", async () => {
  const secret = "/etc/parley/secrets/auth-svc/redis-password";
  await inside(`mv ${secret} /root/secret`);
  try {
    await said("systemctl restart parley-auth");
    await until("it has failed", async () => (await show("parley-auth", "SubState")) === "failed");
  } finally {
    await inside(`mv /root/secret ${secret}`);
  }
  assert.equal(await show("parley-auth", "ExecMainStatus"), "2");
  assert.match(await said("journalctl --no-pager -n 20 -u parley-auth"), /REDIS_PASSWORD_FILE=.*redis-password/);
  await inside("systemctl restart parley-auth");
  await ready(["parley-auth"]);
});

test("an upgrade restarts what runs, the second gateway too, and keeps what was set", async () => {
  const pids = await Promise.all(ALL_UNITS.map(pidOf));
  const settings = await inside("sha256sum /etc/parley/*.conf");
  await inside("apt-get -qq -y install --reinstall --no-install-recommends /root/deb/*.deb >/root/deb/apt.log 2>&1 || { cat /root/deb/apt.log >&2; false; }");
  await ready(ALL_UNITS);
  const now = await Promise.all(ALL_UNITS.map(pidOf));
  assert.deepEqual(now.filter((pid) => pids.includes(pid)), []);
  assert.equal(await inside("sha256sum /etc/parley/*.conf"), settings);
});

test("apt purge leaves nothing: no file, user, unit or process", async () => {
  /* What README.Debian says is the operator's own. */
  await inside("rm -r /etc/haproxy/parley /etc/redis/parley.*; sed -i '/^include .etc.redis.parley/d' /etc/redis/redis.conf;" +
    " sed -i '/^CONFIG=.*parley$/d; /^DOOR_CERT=/d; /^BIND=/d' /etc/default/haproxy");
  const pids = await Promise.all(ALL_UNITS.map(pidOf));
  assert.ok(pids.every((pid) => pid > 0));
  await inside(`apt-get -qq -y purge ${PACKAGES.join(" ")} >/root/deb/apt.log 2>&1 && apt-get -qq -y autoremove --purge >>/root/deb/apt.log 2>&1` +
    " || { cat /root/deb/apt.log >&2; false; }");
  assert.equal(await said("ps -eo args | grep '^/usr/bin/parley'"), "");
  assert.equal(await said("systemctl list-units --all --no-legend 'parley*'; systemctl list-unit-files --no-legend 'parley*'"), "");
  assert.equal(await said("ls -d /etc/parley /run/credentials/parley* /run/systemd/dynamic-uid/*parley* 2>/dev/null"), "");
  assert.equal(await inside("dpkg-query -W -f '${Package}\\n' | grep '^parley' || true"), "", "dpkg knows none of them any more");
  assert.doesNotMatch(await said("grep -rl parley /var/lib/systemd /var/lib/dpkg/info"), /\//);
  const after_purge = await inventory();
  assert.deepEqual({ left: after_purge.filter((line) => !before_install.includes(line)), lost: before_install.filter((line) => !after_purge.includes(line)) },
    { left: [], lost: [] });
});
