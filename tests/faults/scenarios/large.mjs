/* large.mjs - what must be seen: 500 people, 1,000 messages a second, the programs that users get */
import { until } from "../../support/wait.mjs";
import { percentile } from "../checker.mjs";
import { Sentinels } from "../sentinels.mjs";
import { pause } from "../stage.mjs";
import { rollingRestart } from "./processes.mjs";
import { keepsData, killRedis, settled, toldUnavailable } from "./redis.mjs";

/* Two processes of 250 people; the times are those that the services have by themselves. */
const MANY = [0, 1].map(() => ({ users: 250, rate: 500, group: 0.004, delayMs: [1000, 5000] }));
const OWN_TIMES = { GATEWAYS: "3", AUTH_SVCS: "2", PRESENCE_SVCS: "2", GRACE_S: "30", LEASE_MS: "10000", PING_INTERVAL_MS: "25000", PING_TIMEOUT_MS: "20000", RATE_MESSAGES: "20:100", RATE_LOGINS: "1000:2000" };
const LARGE = { large: true, release: true, crowds: MANY, env: OWN_TIMES };
const CHAOS_EVERY_MS = Number(process.env.PARLEY_CHAOS_MS ?? 30_000);

/* ---- Chaos: each of these ends as it began, with everything running ---- */

const some = (stage, list) => list[Math.floor(stage.dice() * list.length)];
const aGateway = (stage) => some(stage, ["gateway-1", "gateway-2", "gateway-3"]);

async function killed(stage, name) {
  await stage.stack.signal(name, "SIGKILL");
  await stage.stack.startAgain(name, { ready: name !== "haproxy", env: stage.own?.[name] });
}
async function stopped(stage, name, ms) {
  await stage.stack.signal(name, "SIGSTOP");
  await pause(ms);
  await stage.stack.signal(name, "SIGCONT");
}

const FAULTS = {
  "kill -9 of a gateway": (stage) => killed(stage, aGateway(stage)),
  "SIGTERM to a gateway": (stage) => stage.restart(aGateway(stage)),
  "SIGSTOP of a gateway for 4 s": (stage) => stopped(stage, aGateway(stage), 4000),
  "kill -9 of presence-svc": (stage) => killed(stage, some(stage, ["presence-1", "presence-2"])),
  "kill -9 of auth-svc": (stage) => killed(stage, some(stage, ["auth-1", "auth-2"])),
  "kill -9 of the door": (stage) => killed(stage, "haproxy"),
  "SIGSTOP of Redis for 3 s": (stage) => stopped(stage, "redis", 3000),
  "FUNCTION FLUSH": (stage) => stage.stack.redis("FUNCTION", "FLUSH"),
  "all connections of a service to Redis are cut": (stage) => stage.stack.redis("CLIENT", "KILL", "USER", some(stage, ["gateway-svc", "auth-svc", "presence-svc"])),
  "CLIENT PAUSE for 2 s": (stage) => stage.stack.redis("CLIENT", "PAUSE", "2000", "ALL"),
  "clients' connections are reset": async (stage) => { stage.cable.reset(); },
  "clients' cables are pulled for 5 s": async (stage) => { stage.cable.hold(); await pause(5000); stage.cable.reset(); stage.cable.heal(); },
  "clients' packets are late": async (stage) => { stage.cable.set({ both: { latencyMs: 50, jitterMs: 300 } }); await pause(5000); stage.cable.heal(); },
  "kill -9 of Redis, which keeps its data": (stage) => killRedis(stage, true),
  "FLUSHALL": (stage) => stage.loses(async () => {
    const epoch = () => stage.stack.redis("HGET", "{chat}:presence", "epoch");
    const was = await epoch();
    await stage.stack.redis("FLUSHALL");
    await until("it was noticed", async () => !["", was].includes(await epoch()));
    await settled(stage);
  }),
};

/* Memory of our services, every few seconds: {name -> [bytes]}. */
function watchMemory(stage) {
  const samples = new Map(stage.stack.services.map((name) => [name, []]));
  const timer = setInterval(async () => {
    for (const [name, list] of samples) {
      const bytes = await stage.memory(name);
      if (bytes) {
        list.push(bytes);
      }
    }
  }, 5000);
  stage.afterwards(() => clearInterval(timer));
  return samples;
}
const mb = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/* Flat: the last third of the samples is not above the second third, but for a tenth and 4 MB. */
function judgeMemory(stage, samples) {
  const texts = [];
  for (const [name, list] of samples) {
    const third = Math.floor(list.length / 3);
    const [middle, last] = [percentile(list.slice(third, 2 * third), 0.9), percentile(list.slice(2 * third), 0.9)];
    texts.push(`${name} ${mb(middle)}, then ${mb(last)}`);
    if (last > 1.1 * middle + 4 * 2 ** 20) {
      stage.blame("C", `memory of ${name} grows: ${mb(middle)}, then ${mb(last)}`);
    }
  }
  return texts.join("; ");
}

async function chaos(stage) {
  const samples = watchMemory(stage);
  const end = performance.now() + 60_000 * stage.scenario.minutes;
  const done = {};
  let deck = []; /* each fault comes once before any comes again */
  console.log(`   chaos for ${stage.scenario.minutes} minutes, seed ${stage.seed}`);
  await stage.fault("chaos", async () => {
    while (performance.now() < end) {
      deck = deck.length ? deck : Object.keys(FAULTS);
      const [name] = deck.splice(Math.floor(stage.dice() * deck.length), 1);
      const next = performance.now() + CHAOS_EVERY_MS;
      stage.diary.note("fault", "one", name);
      await FAULTS[name](stage);
      await until("every service is ready", () => stage.stack.ready(), { timeout: 60_000 });
      await stage.flows();
      done[name] = (done[name] ?? 0) + 1;
      if (process.env.PARLEY_LOUD) {
        console.log(`   ${new Date().toISOString()} ${name}`);
      }
      await pause(Math.max(0, next - performance.now()));
    }
  });
  return `${Object.entries(done).map(([name, count]) => `${count} times ${name}`).join(", ")}; memory: ${judgeMemory(stage, samples)}`;
}

export const large = [
  { ...LARGE, row: 4, title: "rolling restart of all gateways, auth-svc and presence-svc", expect: { leaves: 0, notRecovered: 0, told: 0 }, inject: rollingRestart },
  {
    ...LARGE, row: 1, title: "kill -9 of one of three gateways", expect: { leaves: 0, notRecovered: 0, told: 0, recovery: (all) => Math.max(0, ...all) < 15_000 },
    async inject(stage) {
      const before = await stage.sum("cuts");
      const people = stage.scenario.crowds.reduce((sum, { users }) => sum + users, 0);
      await stage.fault("kill -9", () => stage.stack.signal("gateway-1", "SIGKILL"));
      await until("its clients noticed", async () => (await stage.sum("cuts")) > before + people / 10);
      await stage.every("present", { ms: 30_000 }, "R", "are not back");
      const cut = (await stage.sum("cuts")) - before;
      await stage.flows(2000);
      await stage.stack.startAgain("gateway-1");
      return `${cut} people were cut, and are back`;
    },
  },
  {
    ...LARGE, row: 14, title: "Redis is killed (-9) and started again with its data", prepare: keepsData, expect: { leaves: 0, unknown: 0 },
    async inject(stage) { await killRedis(stage, true); return "told as unavailable until it has settled"; },
  },
  {
    ...LARGE, row: 15, title: "Redis is killed (-9) and started again empty", expect: { leaves: 0 },
    async inject(stage) { await killRedis(stage, false); return "told as unavailable until it has settled"; },
  },
  {
    ...LARGE, row: 17, title: "the master dies, Sentinel makes the replica the master", prepare: async (stage) => { stage.sentinels = await Sentinels.open(stage); }, expect: { leaves: 0 },
    async inject(stage) {
      let behind;
      const start = performance.now();
      await stage.fault("kill -9 of the master", () => stage.loses(async () => {
        await stage.sentinels.killMaster();
        await toldUnavailable(stage);
        behind = await stage.sentinels.newMaster();
      }));
      const took = performance.now() - start;
      const before = await stage.sum("acked");
      await until("messages flow", async () => (await stage.sum("acked")) > before, { timeout: 60_000, every: 20 });
      const flow = performance.now() - start - took;
      await until("every service is ready", () => stage.stack.ready(), { timeout: 60_000 });
      return `another master after ${(took / 1000).toFixed(1)} s, ${behind} ids behind; messages flow ${(flow / 1000).toFixed(1)} s later`;
    },
  },
  {
    ...LARGE, row: 0, title: "chaos: a random fault every 30 s", env: { ...OWN_TIMES, LEASE_MS: "2000", DRAIN_S: "2" }, check: { ghostMs: 120_000 },
    crowds: [{ users: 60, rate: 50 }, { users: 60, rate: 50, via: async (stage) => {
      stage.cable = await stage.proxy({ port: stage.stack.run.door.port });
      return { door: `http://127.0.0.1:${stage.cable.port}` };
    } }].map((spec) => ({ ...spec, group: 0.02, delayMs: [200, 2000] })),
    prepare: keepsData, expect: { leaves: 0 }, inject: chaos,
  },
];
