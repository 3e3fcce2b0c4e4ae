/* run.mjs - `make faults`: plays the scenarios, judges them, writes RESULTS.md
 *
 * usage: node tests/faults/run.mjs [options] [ROW...]
 *   --repeat N     plays each short scenario N times (3)
 *   --seed N       of the first play; each further one has the next (1)
 *   --bin DIR      programs for the short ones (build/asan); the large ones take $PARLEY_RELEASE
 *   --scale F      the large ones with F times their people and messages (1)
 *   --minutes N    how long the chaos lasts (60)
 *   --quick        those of `make test` alone;  --no-large  without the large ones;  --large  these alone
 *   --match TEXT   only scenarios with that in their title
 *   --out FILE     instead of tests/faults/RESULTS.md; nothing is written if ROWs are picked without it
 *   --save FILE    keeps what came of it, as JSON;  --join FILE,FILE  plays nothing, and writes the
 *                  report of such files (of those that played the same, the later one counts) */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { report } from "./report.mjs";
import { scenarios } from "./rows.mjs";
import { play } from "./stage.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    repeat: { type: "string", default: "3" }, seed: { type: "string", default: "1" },
    bin: { type: "string", default: process.env.PARLEY_BIN ?? "build/asan" }, scale: { type: "string", default: "1" },
    minutes: { type: "string", default: "60" }, quick: { type: "boolean" }, large: { type: "boolean" },
    "no-large": { type: "boolean" }, match: { type: "string", default: "" }, out: { type: "string" },
    save: { type: "string" }, join: { type: "string" },
  },
});
const rows = positionals.map(Number);

function picked(scenario) {
  return (rows.length === 0 || rows.includes(scenario.row)) && scenario.title.includes(options.match) && (!options.quick || scenario.quick)
    && (!options.large || scenario.large) && !(options["no-large"] && scenario.large);
}

/* What a large scenario is played with instead: fewer people, a shorter chaos. */
function sized(scenario) {
  const factor = Number(options.scale);
  if (!scenario.large) {
    return scenario;
  }
  return {
    ...scenario, minutes: Number(options.minutes),
    crowds: (scenario.crowds ?? []).map((spec) => ({ ...spec, users: Math.ceil(spec.users * factor), rate: Math.ceil(spec.rate * factor) })),
  };
}

function say(result) {
  const bad = Object.entries(result.counts).map(([rule, count]) => `${rule} x${count}`);
  const { sent = 0, acked = 0, resent = 0, told = 0, notRecovered = 0 } = result.figures;
  console.log(`   seed ${result.seed}: ${bad.length ? `VIOLATED ${bad.join(", ")}` : "all hold"} | ${result.observed} | ${sent} sent, ${acked} acked, ${resent} again, ${told} told, ${notRecovered} not recovered, ${(result.ms / 1000).toFixed(1)} s`);
  for (const { rule, text, at } of result.violations.slice(0, 12)) {
    console.log(`      ${rule}${at ? ` at ${Math.round(at)}` : ""}: ${text.split("\n").slice(0, 8).join("\n        ")}`);
  }
}

async function playAll(scenario) {
  const repeat = scenario.large ? 1 : Number(options.repeat);
  const bin = resolve(ROOT, scenario.release ? process.env.PARLEY_RELEASE ?? "build/release" : options.bin);
  const results = [];
  console.log(`${scenario.row}. ${scenario.title}`);
  const why = scenario.impossible?.();
  if (why) {
    console.log(`   not possible here: ${why}`);
    return { scenario, results, why };
  }
  for (let i = 0; i < repeat; i++) {
    const start = performance.now();
    const result = await play(sized(scenario), { seed: Number(options.seed) + i, bin, full: !options.quick });
    result.ms = performance.now() - start;
    say(result);
    results.push(result);
  }
  return { scenario, results };
}

function versionOf(program, pattern, ...args) {
  try {
    return pattern.exec(execFileSync(program, args, { encoding: "utf8" }))?.[1] ?? "?";
  } catch {
    return "?";
  }
}
function environment() {
  return `${cpus().length} cores, Linux ${release()}, Redis ${versionOf("redis-server", /v=(\S+)/, "--version")}, `
    + `haproxy ${versionOf("haproxy", /version (\S+?)[- ]/, "-v")}, Node ${process.versions.node}, socket.io-client 4.8.4`;
}

/* A scenario that was given up may leave a promise behind: told, and no reason to lose the others. */
process.on("unhandledRejection", (err) => console.log(`   left behind: ${err?.message}`));

function joined(files) {
  const all = new Map();
  for (const file of files) {
    for (const one of JSON.parse(readFileSync(file, "utf8"))) {
      all.set(`${one.scenario.row} ${one.scenario.title} ${one.scenario.large}`, one);
    }
  }
  const place = ({ scenario }) => scenarios.findIndex((s) => s.row === scenario.row && s.title === scenario.title && Boolean(s.large) === Boolean(scenario.large));
  return [...all.values()].sort((a, b) => place(a) - place(b));
}

function save() {
  if (options.save) {
    writeFileSync(options.save, JSON.stringify(played.map(({ scenario: { row, title, large }, ...more }) => ({ scenario: { row, title, large }, ...more }))));
  }
}

const played = options.join ? joined(options.join.split(",")) : [];
for (const scenario of options.join ? [] : scenarios.filter(picked)) {
  played.push(await playAll(scenario));
  save();
}
const all = played.flatMap(({ results }) => results);
const bad = all.filter((result) => result.violations.length);
const part = rows.length || options.match || options.quick || options.large || options["no-large"];
const out = options.out ?? (part ? undefined : "tests/faults/RESULTS.md");
if (out) {
  writeFileSync(resolve(ROOT, out), report(played, { environment: environment(), source: options.join ? "Put together of parts of `make faults`" : "Written by `make faults`" }));
}
console.log(`${all.length - bad.length} held, ${bad.length} violated`);
process.exitCode = bad.length ? 1 : 0;
