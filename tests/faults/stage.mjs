/* stage.mjs - plays one scenario: a stack and people of its own, a load, a fault, calm, the verdict
 *
 * A scenario (scenarios/) is
 *   row, title         number in the list of faults (rows.mjs), and what happens, in a few words
 *   env                settings of the stack
 *   crowds             [{users, rate, group, tabs, via}]: who chats; via(stage): more options of that crowd (crowd.mjs), its door above all
 *   prepare(stage)     before anybody is there, such as putting proxies between
 *   inject(stage)      does it, and asserts that it happened; answers what was observed, in words
 *   check              the checker's settings, where others than those that follow from env
 *   expect             {figure: number or test}: what must come out of the figures besides the invariants
 *   logged             [[process, pattern]]: lines that must stand in a log
 *   quick              among the ones of `make test`; release: with the programs that users get */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FaultProxy } from "../support/fault_proxy.mjs";
import { Stack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";
import { check } from "./checker.mjs";
import { Crowd } from "./crowd.mjs";
import { Diary, now, readDiaries } from "./diary.mjs";
import { random } from "./random.mjs";

const BACK_MS = 30_000; /* everybody is back within, and every message answered */
const FDS_MS = 60_000; /* open files are as before within */
const FDS_MORE = 6; /* of one process: checks of health that are just under way, a reconnection */
const CROWD = { users: 24, rate: 60, group: 0.05, tabs: 1 };
const ENV = { GATEWAYS: "3", PRESENCE_SVCS: "1", GRACE_S: "4", LEASE_MS: "2000", RATE_MESSAGES: "200:2000" };

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/* What the checker has to know of a stack's times. */
function boundsOf(env) {
  const graceMs = 1000 * Number(env.GRACE_S);
  const unseenMs = Math.max(Number(env.PING_INTERVAL_MS) + Number(env.PING_TIMEOUT_MS), Number(env.LEASE_MS));
  return { graceMs, ghostMs: unseenMs + graceMs + 5000 };
}

export class Stage {
  crowds = [];
  trouble = []; /* what the suite itself found: {rule, text} */
  #proxies = [];
  #undo = [];

  constructor(scenario, { seed, bin, full = false }) {
    this.scenario = scenario;
    this.seed = seed;
    this.dice = random(seed ^ 0x5eed);
    this.full = full; /* all of it, not only what a quick run has time for */
    this.stack = new Stack({ ...ENV, ...scenario.env }, bin ? { bin } : {});
  }

  blame(rule, text) {
    this.trouble.push({ rule, text });
  }

  /* ---- Before ---- */

  async open() {
    this.folder = await mkdtemp(join(tmpdir(), "parley-faults-"));
    this.diary = new Diary(join(this.folder, "stage"));
    await this.stack.start();
    await this.scenario.prepare?.(this);
    this.files = await this.countFiles();
    const specs = (this.scenario.crowds ?? [{}]).map((spec) => ({ ...CROWD, ...spec }));
    const names = specs.map(({ users }, i) => Array.from({ length: users }, (_, n) => `${"abcdefg"[i]}${n + 1}`));
    for (const [i, { via, users, rate, group, ...more }] of specs.entries()) {
      const crowd = await Crowd.open({
        door: this.stack.door, login: this.stack.door, ...await via?.(this), diary: join(this.folder, `crowd-${i}`),
        names: names[i], everybody: names.flat(), seed: this.seed + i, ...more,
      });
      this.crowds.push(Object.assign(crowd, { rate, group }));
    }
    await this.every("enter", { ms: 60_000 }, "C", "could not connect at the start");
  }

  /* Asks every crowd; what is answered is what is missing. */
  async every(order, options, rule, text) {
    const missing = (await Promise.all(this.crowds.map((crowd) => crowd.ask(order, options)))).flat();
    if (missing.length) {
      this.blame(rule, `${missing.length} ${text}: ${missing.slice(0, 10).join(" ")}`);
    }
    return missing;
  }
  async sum(name) {
    const counts = await Promise.all(this.crowds.map((crowd) => crowd.ask("counts")));
    return counts.reduce((n, c) => n + (c[name] ?? 0), 0);
  }
  async most(name) {
    const counts = await Promise.all(this.crowds.map((crowd) => crowd.ask("counts")));
    return Math.max(...counts.map((c) => c[name]));
  }
  async load() {
    for (const [i, crowd] of this.crowds.entries()) {
      await crowd.ask("load", { rate: crowd.rate, group: crowd.group, seed: this.seed + 100 + i });
    }
  }
  /* Under load: until so many more messages were confirmed (of one second's load, if not said). */
  async flows(count = this.crowds.reduce((n, crowd) => n + crowd.rate, 0), timeout = BACK_MS) {
    const before = await this.sum("acked");
    await until(`${count} more messages are confirmed`, async () => (await this.sum("acked")) >= before + count, { timeout, every: 50 });
  }

  /* ---- Faults ---- */

  /* Notes begin and end around what breaks things. */
  async fault(what, act) {
    this.diary.note("fault", "begin", what);
    const answer = await act();
    this.diary.note("fault", "end", what);
    return answer;
  }
  /* The same, where Redis loses data. */
  async loses(act) {
    this.diary.note("fault", "lost", "");
    const answer = await act();
    this.diary.note("fault", "lost", "");
    return answer;
  }

  /* Ends that service in order (SIGTERM) and starts it again. */
  async restart(name, options) {
    await this.stack.signal(name, "SIGTERM", { timeout: 60_000 });
    await this.stack.startAgain(name, options);
  }

  async proxy(to, at) {
    const proxy = await FaultProxy.open(to, at);
    this.#proxies.push(proxy);
    return proxy;
  }
  /* A proxy between that service and Redis: started again with another address. */
  async beforeRedis(name, { port } = {}) {
    const path = join(this.stack.dir, `${name}.sock`);
    const proxy = await this.proxy(port ? { port } : { path: this.stack.run.redis.socket }, { path });
    await this.restart(name, { env: { REDIS_URL: `unix://${name.split("-")[0]}-svc@${path}` } });
    return proxy;
  }
  /* A proxy between haproxy and that gateway: it gets the gateway's port, and the gateway another. */
  async beforeGateway(name) {
    const process = this.stack.process(name);
    await this.stack.signal(name, "SIGTERM", { timeout: 60_000 });
    const spare = await FaultProxy.open({ port: 1 });
    const { port } = spare;
    await spare.close();
    const proxy = await this.proxy({ port }, { port: process.port });
    await this.stack.startAgain(name, { env: { PORT: String(port) } });
    return proxy;
  }
  /* To be done at the end, whatever happens. */
  afterwards(undo) {
    this.#undo.push(undo);
  }

  log(name) {
    return readFile(this.stack.process(name).log, "utf8");
  }
  /* Bytes of memory that a process holds. */
  async memory(name) {
    const status = await readFile(`/proc/${this.stack.process(name).pid}/status`, "utf8").catch(() => "");
    return 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
  }
  async countFiles() {
    const counts = new Map();
    for (const { name, pid } of this.stack.run.processes) {
      counts.set(name, (await readdir(`/proc/${pid}/fd`).catch(() => [])).length);
    }
    return counts;
  }

  /* ---- Calm: the load ends, everything is answered, everybody has everything ---- */

  get people() {
    return this.crowds.flatMap((crowd) => crowd.names.filter((name) => !crowd.away?.has(name)));
  }
  /* Those people go without a word. */
  async lose(crowd, names) {
    crowd.away = new Set([...(crowd.away ?? []), ...names]);
    await crowd.ask("lose", { names });
  }
  async leave(crowd, names) {
    crowd.away = new Set([...(crowd.away ?? []), ...names]);
    await crowd.ask("leave", { names });
  }

  async calm() {
    await this.every("present", { ms: BACK_MS }, "R", "are not back");
    await this.every("quiet", { ms: BACK_MS }, "L", "messages have no answer");
    const id = await this.crowds[0].ask("mark", { ms: BACK_MS });
    await this.every("marked", { id, ms: BACK_MS }, "M1", "never got the last message");
    await this.#settleLists();
    await Promise.all(this.crowds.map((crowd) => crowd.ask("rosters")));
  }

  async #settleLists() {
    const { ghostMs } = this.bounds;
    const end = now() + ghostMs + 5000;
    let online;
    let wrong;
    do {
      online = (await this.stack.redis("SMEMBERS", "{chat}:online")).split("\n").filter(Boolean);
      wrong = [...online.filter((name) => !this.people.includes(name)), ...this.people.filter((name) => !online.includes(name))];
      for (const crowd of wrong.length ? [] : this.crowds) {
        wrong.push(...await crowd.ask("lists", { names: online, ms: 1000 }));
      }
      if (wrong.length) {
        await pause(50);
      }
    } while (wrong.length && now() < end);
    this.diary.note("online", online);
    const entries = await this.stack.redisJson("XRANGE", "{chat}:presence:log", "-", "+");
    this.diary.note("log", entries.map(([id, [, changes]]) => [Number(id.split("-")[0]), changes]));
    const ghosts = online.filter((name) => !this.people.includes(name));
    if (ghosts.length) {
      this.blame("P1", `Redis still has ${ghosts.slice(0, 10).join(" ")}`);
    }
    const missing = this.people.filter((name) => !online.includes(name));
    if (missing.length) {
      this.blame("P4", `Redis lacks ${missing.slice(0, 10).join(" ")}, who are connected`);
    }
  }

  get bounds() {
    return { ...boundsOf(this.stack.env), ...this.scenario.check };
  }

  /* ---- The verdict ---- */

  async verdict() {
    this.diary.flush();
    const lines = readDiaries([join(this.folder, "stage"), ...this.crowds.map((crowd) => crowd.diary)]);
    const { violations, counts, figures } = check(lines, this.bounds);
    for (const [name, wanted] of Object.entries(this.scenario.expect ?? {})) {
      const good = typeof wanted === "function" ? wanted(figures[name]) : figures[name] === wanted;
      if (!good) {
        this.blame("E", `${name} is ${JSON.stringify(figures[name])}, expected ${wanted}`);
      }
    }
    await this.#judgeLogs();
    for (const { rule, text } of this.trouble) {
      violations.push({ rule, text });
      counts[rule] = (counts[rule] ?? 0) + 1;
    }
    return { violations, counts, figures };
  }
  async #judgeLogs() {
    for (const [name, pattern] of this.scenario.logged ?? []) {
      const texts = await Promise.all(this.stack.run.processes.filter((p) => p.name.startsWith(name)).map((p) => this.log(p.name)));
      if (!texts.some((text) => pattern.test(text))) {
        this.blame("N", `no line of ${name}'s log says ${pattern}`);
      }
    }
  }

  /* Everybody goes; no process may keep anything of it. */
  async clear() {
    await Promise.all(this.crowds.map((crowd) => crowd.close()));
    let more = [];
    await until("open files are as before", async () => {
      const counts = await this.countFiles();
      more = [...counts].filter(([name, count]) => count > this.files.get(name) + FDS_MORE);
      return more.length === 0;
    }, { timeout: FDS_MS, every: 200 }).catch(() => {
      this.blame("C", `open files were not given back: ${more.map(([name, count]) => `${name} ${this.files.get(name)} -> ${count}`)}`);
    });
  }

  async #end(what, act) {
    await act().catch((err) => this.blame("C", `${what}: ${err.message}`));
  }
  async close() {
    for (const undo of this.#undo.reverse()) {
      await this.#end("undoing", async () => undo());
    }
    await Promise.all(this.crowds.map((crowd) => crowd.close()));
    await this.#end("the stack stops", () => this.stack.stop());
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    if (this.stack.run) {
      await this.#end("what the processes said", () => this.stack.judge());
    }
    this.diary.close();
    if (process.env.PARLEY_KEEP) {
      process.stderr.write(`diaries: ${this.folder}\n`);
    } else {
      await rm(this.folder, { recursive: true, force: true });
    }
    await this.stack.remove();
  }
}

/* Plays it; resolves to {observed, violations, counts, figures}.  What goes wrong on the way, the fault
 * that could not be shown to have happened included, is a violation too (X). */
export async function play(scenario, options) {
  const stage = new Stage(scenario, options);
  const result = { seed: options.seed, observed: "", violations: [], counts: {}, figures: {} };
  try {
    await stage.open();
    await stage.load();
    await stage.flows();
    result.observed = (await scenario.inject(stage)) ?? "";
    await stage.flows();
    await stage.calm();
    await stage.clear();
    if (!scenario.refusalsExpected) {
      assert.deepEqual(await stage.stack.refusals(), [], "Redis refused nothing to a service");
    }
  } catch (err) {
    stage.blame("X", err.stack);
    await Promise.all(stage.crowds.map((crowd) => crowd.close())); /* their diaries are whole then */
  }
  const ended = stage.crowds.length ? await stage.verdict().catch((err) => ({ violations: [{ rule: "X", text: err.stack }], counts: { X: 1 }, figures: {} })) : undefined;
  const before = stage.trouble.length;
  await stage.close();
  const late = (ended ? stage.trouble.slice(before) : stage.trouble).map(({ rule, text }) => ({ rule, text }));
  Object.assign(result, ended ?? {});
  for (const one of late) {
    result.violations.push(one);
    result.counts[one.rule] = (result.counts[one.rule] ?? 0) + 1;
  }
  return result;
}
