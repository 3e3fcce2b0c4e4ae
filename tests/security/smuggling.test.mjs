/* smuggling.test.mjs - requests that two servers could read differently, at every entrance
 *
 * Whether the hidden request was served is not asked of the one that was attacked: a login leaves a
 * user in Redis, and Redis counts logins. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { login } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { askToTheEnd, Line } from "./bytes.mjs";
import { BARE, GATEWAY_NEXT, HAPROXY_3, LAST, LINES, MICROHTTPD_1, NEXT, NO, ONE, SMUGGLING, UP, UPGRADES, words } from "./forms.mjs";

const stack = useStack({ RATE_LOGINS: "100000:100000", PENDING_S: "3600", GRACE_S: "600" });
const AT_ONCE = 8;

/* Major versions. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
const major = (...command) => Number(/\b(\d+)\.\d/.exec(execFileSync(command[0], command.slice(1), { env, encoding: "utf8" }))[1]);
const HAPROXY = major("haproxy", "-v");
const MICROHTTPD = major("pkg-config", "--modversion", "libmicrohttpd");

/* ---- Where, and what else is asked there ---- */

/* `on`: who answers; `door`: we come through it. */
function places() {
  const { port, tls_port: tlsPort } = stack.run.door;
  return [
    { name: "auth-svc", on: "auth", port: stack.process("auth-1").port },
    { name: "a gateway", on: "gateway", port: stack.process("gateway-1").port },
    { name: "http to auth-svc", on: "auth", door: true, port },
    { name: "http to a gateway", on: "gateway", door: true, port },
    { name: "https to auth-svc", on: "auth", door: true, port: tlsPort, tls: true },
    { name: "https to a gateway", on: "gateway", door: true, port: tlsPort, tls: true },
  ];
}

const normal = { auth: ["GET /session HTTP/1.1", 401], gateway: ["GET /socket.io/?EIO=4&transport=none HTTP/1.1", 400] };
const probe = "GET /nothing/here HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

const statuses = (answers) => answers.map(({ status }) => status);
const isRefusal = (status) => (status >= 400 && status < 500) || status === 501 || status === 505;

/* Gets a login from there to auth-svc? */
const serves = ({ on, door }) => on === "auth" || door;
const nextAtGateway = ({ door }, label) => GATEWAY_NEXT[door ? "door" : "direct"][label];

/* ---- What must come of a row ---- */

const judges = {
  async [NO](line) {
    const answers = await line.wait();
    assert.ok(answers.length <= 1 && answers.every(({ status }) => isRefusal(status)), `refused: ${statuses(answers)}`);
  },
  /* The probe behind is answered next, unless the connection was closed before. */
  async [ONE](line, place) {
    await line.wait(1);
    void (place.door && line.send(probe));
    const answers = statuses(await line.wait());
    assert.ok([400, 401].includes(answers[0]), `read: ${answers}`);
    assert.deepEqual(answers.slice(1), answers.length > 1 && place.door ? [404] : []);
  },
  async [NEXT](line, place, label) {
    await line.wait(2);
    line.send(probe);
    const first = place.on === "auth" ? 401 : nextAtGateway(place, label);
    assert.deepEqual(statuses(await line.wait()), [first, ...(serves(place) ? [200, 404] : [404])]);
  },
  async [LAST](line, place, label) {
    assert.deepEqual(statuses(await line.wait()), [nextAtGateway(place, label)]);
  },
  /* The hidden request is no frame of a WebSocket. */
  async [UP](line) {
    assert.deepEqual(statuses(await line.wait()), [101]);
    assert.ok(!/HTTP\/1/.test(line.text.slice(line.text.indexOf("\r\n\r\n"))), line.text);
  },
};

judges[BARE] = (line) => line.wait(1).then(([first]) => judges[first?.status === 101 ? UP : NO](line));

let number = 0;
let served = 0; /* markers that had to be */

async function tryRow([label, , , bytes, method = "GET"], place, verdict) {
  const isServed = verdict === NEXT && serves(place);
  const marker = `marker${++number}${isServed ? "n" : "x"}`;
  const line = new Line(place, method);
  line.send(bytes(words(place.on, marker)));
  try {
    await judges[verdict](line, place, label);
    served += isServed ? 1 : 0;
    const [first, status] = normal[place.on];
    const after = await askToTheEnd(place, `${first}\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    assert.deepEqual(statuses(after), [status], "a normal request afterwards");
  } catch (err) {
    err.message = `${label} (${marker}), ${place.name}: ${err.message}; came ${JSON.stringify(line.text.slice(0, 300))}`;
    throw err;
  } finally {
    line.close();
  }
}

/* Tries all rows at all those places, some at a time at each; all that failed are told. */
async function tryAll(rows, where, verdictOf) {
  const failed = [];
  await Promise.all(where.map((place) => {
    const queue = [...rows];
    return Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let row = queue.shift(); row; row = queue.shift()) {
        await tryRow(row, place, verdictOf(row, place)).catch((err) => failed.push(err.message));
      }
    }));
  }));
  assert.equal(failed.length, 0, `${failed.length} rows:\n${failed.join("\n")}`);
}

/* ---- The tables ---- */

function plainVerdict([label, auth, door], place) {
  const newer = place.door ? HAPROXY >= 3 && HAPROXY_3[place.on][label] : place.on === "auth" && MICROHTTPD >= 1 && MICROHTTPD_1[label];
  if (newer) {
    return newer;
  }
  if (place.on === "gateway") {
    return nextAtGateway(place, label) ? NEXT : NO;
  }
  return place.door ? door : auth;
}
const upgradeVerdict = ([, gateway, door], place) => (place.door ? door : gateway);

for (const [what, rows] of [["bodies, headers and hosts", SMUGGLING], ["request lines and sizes", LINES]]) {
  test(`${rows.length} ${what} with two meanings, at 6 entrances`, () => tryAll(rows, places(), plainVerdict));
}

test(`${UPGRADES.length} upgrades, at the 3 entrances to a gateway`, () =>
  tryAll(UPGRADES, places().filter(({ on }) => on === "gateway"), upgradeVerdict));

test("no upgrade on the way to auth-svc opens a tunnel", async () => {
  const place = places().find(({ door, on }) => door && on === "auth");
  await Promise.all(UPGRADES.map(async ([label, , , bytes, method]) => {
    const answers = statuses(await askToTheEnd(place, bytes({ ...words("auth", `tunnel${++number}x`), hidden: probe }), method));
    assert.ok(answers.length <= 2 && answers.every(isRefusal), `${label}: ${answers}`);
  }));
});

test("HTTP/2 is spoken nowhere: not when TLS offers it, not by those who begin with it", async () => {
  const { tls_port: port } = stack.run.door;
  const line = new Line({ port, tls: true, alpn: ["h2", "http/1.1"] });
  await line.ready;
  assert.equal(line.socket.alpnProtocol, "http/1.1");
  line.close();
  const insisting = new Line({ port, tls: true, alpn: ["h2"] });
  insisting.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
  const answers = statuses(await insisting.wait());
  assert.ok(answers.length <= 1 && answers.every(isRefusal), `${answers}`);
  assert.ok(!insisting.text.includes("\0"), "no frame of HTTP/2");
});

test("curl --http2: no second request gets past the door in a tunnel", async () => {
  /* haproxy 3 takes the upgrade away, and answers both in HTTP/1.1: the second as any other, by the door's rules. */
  const plain = HAPROXY >= 3 ? ["--http2", /^200 1\.1\n200 1\.1\n$/, 1] : ["--http2", /^400 1\.1\n400 1\.1\n$/, 0];
  for (const [flag, told, logins] of [plain, ["--http2-prior-knowledge", /^(000 \S+\n){1,2}$/, 0]]) {
    const name = `curled${++number}x`;
    const { stdout } = await promisify(execFile)("curl", ["-s", flag, "-m", "20", "-w", "%{http_code} %{http_version}\\n",
      "-o", "/dev/null", `${stack.door}/`, "-o", "/dev/null", `${stack.door}/login/${name}`]).catch((err) => err);
    assert.match(stdout, told);
    assert.equal(await stack.redis("EXISTS", `{chat}:user:${name}`), String(logins));
    served += logins;
  }
});

/* ---- What is not for the world ---- */

const INTERNAL = ["/healthz", "/readyz", "/metrics"].flatMap((path) => [
  path, `/${path}`, `/.${path}`, `${path}/`, `${path}?x`, `${path}#`, `${path};x`, `${path.slice(0, 2).replace("/", "/%2e/")}${path.slice(2)}`,
  `/%${path.charCodeAt(1).toString(16)}${path.slice(2)}`, path.toUpperCase(), `/socket.io/..${path}`, `/socket.io${path}`, `/socket.io/%2e%2e${path}`,
  `/login/../..${path}`, `/login/..%2f..${path}`, `/logout/..${path}`, `/session/..${path}`, `/session${path}`, `\\${path}`, `*${path}`,
  `http://localhost${path}`, `http://gateway-1:9002${path}`, `http://127.0.0.1:9001${path}`, `http:${path}`,
]);
const DISGUISES = [
  "Host: localhost", "Host: auth-svc:9001", "Host: gateway-1:9002", "Host: 127.0.0.1:9001", "Host: door",
  ...["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-Forwarded-Prefix", "X-Forwarded-Uri"].map((name) => `Host: localhost\r\n${name}: /readyz`),
  "Host: localhost\r\nX-Forwarded-Host: gateway-1:9002\r\nX-Forwarded-Port: 9002\r\nX-Forwarded-For: 127.0.0.1",
];

test(`${INTERNAL.length * DISGUISES.length} ways to ask for what is internal: 400 or 404, never a service's health`, async () => {
  const healthy = await Promise.all(["/healthz", "/readyz", "/metrics"].map((path) =>
    askToTheEnd({ port: stack.process("auth-1").health_port }, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)));
  assert.deepEqual(healthy.slice(0, 2).map(statuses), [[200], [200]], "where it is answered, it is");
  const queue = INTERNAL.flatMap((path) => DISGUISES.map((disguise) => [path, disguise]));
  const wrong = [];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [path, disguise] = next;
      const [answer] = await askToTheEnd({ port: stack.run.door.port }, `GET ${path} HTTP/1.1\r\n${disguise}\r\nConnection: close\r\n\r\n`);
      void ([400, 404].includes(answer?.status) || wrong.push([path, disguise, answer?.status]));
    }
  }));
  assert.deepEqual(wrong, []);
});

/* ---- The oracle ---- */

test("what was hidden was never served, and nothing was served twice", async (t) => {
  const witness = await login(stack.door, "witness");
  assert.equal(witness.status, 200);
  const keys = (await stack.redis("--scan", "--pattern", "{chat}:user:*")).split("\n");
  const markers = keys.filter((key) => /:(marker|tunnel)\d+/.test(key));
  assert.deepEqual(markers.filter((key) => !key.endsWith("n")), [], "hidden ones");
  const logins = Number(await stack.redis("HGET", "{chat}:presence", "logins"));
  assert.equal(logins, served + 1, "as many logins as had to be, and the witness");
  assert.equal(keys.length, logins);
  t.diagnostic(`${number} rows, ${served} requests that were the next one`);
});

stack.lastTest();
