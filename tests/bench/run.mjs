/* run.mjs - plays the scenarios, server after server, round after round
 *
 * usage: node tests/bench/run.mjs [--rounds N] [--peers a,b] [--add] [--out FILE.md] [SCENARIO...]
 *
 *   --rounds N     how often each is played; 3, of a selection 2
 *   --peers a,b    only these servers
 *   --add          reports on scenarios too that were played by an earlier run (build/bench/rounds.json)
 *   --out FILE.md  where the report goes, its plots beside it; tests/bench/RESULTS.md, of a
 *                  selection build/bench/RESULTS.md
 *
 * Servers take turns within each round, so that what the machine does meanwhile meets all of them.
 * Ctrl-C: what has been played is reported.  PARLEY_BIN: the folder of our programs (build/release). */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Load } from "./load.mjs";
import { peersOf } from "./peers.mjs";
import { report } from "./report.mjs";
import { scenarios } from "./scenarios.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const KEPT = join(ROOT, "build/bench/rounds.json"); /* {scenario: played} */
const BIN = resolve(ROOT, process.env.PARLEY_BIN ?? "build/release");

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string" }, peers: { type: "string" }, out: { type: "string" }, add: { type: "boolean" } },
});
const whole = positionals.length === 0 && !options.peers;
const rounds = Number(options.rounds ?? (whole ? 3 : 2));
const out = options.out ?? (whole ? "tests/bench/RESULTS.md" : "build/bench/RESULTS.md");
const peers = peersOf(BIN);
const wanted = options.peers?.split(",") ?? Object.keys(peers);
const chosen = positionals.length ? scenarios.filter(({ name }) => positionals.includes(name)) : scenarios;
const unknown = [...positionals.filter((name) => !scenarios.some((s) => s.name === name)), ...wanted.filter((name) => !peers[name])];
if (unknown.length) {
  console.error(`unknown: ${unknown.join(", ")}; there are ${scenarios.map(({ name }) => name).join(", ")}, and of servers ${Object.keys(peers).join(", ")}`);
  process.exit(2);
}

/* One server, started for it and stopped. */
async function play(scenario, peer) {
  const server = await peers[peer].start({ lists: scenario.lists });
  const loads = [];
  const another = (more) => loads[loads.push(new Load(BIN, server, more)) - 1];
  try {
    return await scenario.play({ server, peer, another, load: another({}) });
  } finally {
    await Promise.all(loads.map((load) => load.end()));
    await server.stop();
  }
}

const brief = (figures) => JSON.stringify(figures, (_, v) => (typeof v === "number" ? Number(v.toPrecision(3)) : v));

const kept = options.add && existsSync(KEPT) ? JSON.parse(readFileSync(KEPT)) : {};
let stopped = false;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => { stopped = true; });
}

async function playAll(scenario) {
  const played = {};
  for (let round = 1; round <= Math.min(rounds, scenario.rounds ?? rounds); round++) {
    for (const peer of scenario.peers.filter((name) => wanted.includes(name) && !stopped)) {
      const of = (played[peer] ??= { rounds: [], trouble: [] });
      const began = performance.now();
      const said = await play(scenario, peer).then(
        (figures) => brief(of.rounds[of.rounds.push(figures) - 1]),
        (err) => of.trouble[of.trouble.push(err.message) - 1]);
      console.log(`${scenario.name}, round ${round}, ${peer} (${((performance.now() - began) / 1000).toFixed(1)} s): ${said}`);
    }
  }
  return played;
}

mkdirSync(dirname(KEPT), { recursive: true });
for (const scenario of chosen) {
  kept[scenario.name] = await playAll(scenario);
  writeFileSync(KEPT, JSON.stringify(kept, null, 1));
  if (stopped) {
    break;
  }
}

const results = scenarios.filter(({ name }) => kept[name]).map((scenario) => ({ scenario, played: kept[scenario.name] }));
const machine = `${cpus().length} shared cores (${cpus()[0].model.trim()}), Linux ${release().split("-")[0]}, loopback, Node ${process.versions.node}.`;
const profiles = readFileSync(join(ROOT, "tests/bench/PROFILES.md"), "utf8");
const files = report(results, { peers, machine, profiles });
const folder = dirname(resolve(ROOT, out));
mkdirSync(join(folder, "plots"), { recursive: true });
for (const [name, text] of Object.entries(files)) {
  writeFileSync(name === "RESULTS.md" ? resolve(ROOT, out) : join(folder, name), text);
}
console.log(`written: ${out}`);
process.exit(stopped || results.some(({ played }) => Object.values(played).some(({ trouble }) => trouble.length)) ? 1 : 0);
