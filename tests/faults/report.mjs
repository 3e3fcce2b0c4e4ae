/* report.mjs - RESULTS.md: what was injected, what was observed, what held */
import { percentile } from "./checker.mjs";
import { elsewhere, groups, none } from "./rows.mjs";

const seconds = (ms) => (ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

function sum(results, figure) {
  return results.reduce((n, r) => n + (r.figures[figure] ?? 0), 0);
}

function recovery(results) {
  const all = results.flatMap((r) => r.figures.recovery ?? []);
  return all.length ? `${seconds(percentile(all, 0.5))} / ${seconds(Math.max(...all))}` : "nobody noticed";
}

/* What came of the messages, in a few words. */
function messages(results) {
  const parts = [`${sum(results, "acked")} of ${sum(results, "sent")} messages confirmed`];
  for (const [figure, words] of [["resent", "attempts again"], ["refused", "refused"], ["told", "missing and told (recovered: false)"],
    ["unknown", "with unknown outcome"], ["unresolved", "given up with their session"], ["reconnects", "reconnections"], ["leaves", "sightings of a leave"]]) {
    const count = sum(results, figure);
    if (count) {
      parts.push(`${count} ${words}`);
    }
  }
  return parts.join(", ");
}

function verdict(results) {
  const counts = {};
  for (const result of results) {
    for (const [rule, count] of Object.entries(result.counts)) {
      counts[rule] = (counts[rule] ?? 0) + count;
    }
  }
  const bad = Object.entries(counts).map(([rule, count]) => `${rule} (${count})`);
  return bad.length ? `**violated:** ${bad.join(", ")}` : "all";
}

function line({ scenario, results, why }) {
  const head = `| ${scenario.row} | ${scenario.title} `;
  if (why) {
    return `${head}| not possible here: ${why} | | |`;
  }
  const observed = [...new Set(results.map((r) => r.observed).filter(Boolean))].at(-1) ?? "";
  return `${head}| ${[observed, messages(results)].filter(Boolean).join("; ")} | ${recovery(results)} | ${verdict(results)} |`;
}

/* How often each was played. */
function times(played) {
  const counts = played.map(({ results }) => results.length).filter(Boolean);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? `each fault played ${least === 1 ? "once" : `${least} times`}` : `each fault played ${least} to ${most} times`;
}

export function report(played, { environment, source }) {
  const out = [
    "# Results of the fault suite", "",
    `${source}, ${times(played)}. ${environment}.`, "",
    "Each row is a fault, injected and shown to have happened, under load. *Recovery* is the time from the fault's beginning until a client that noticed it had",
    "a message confirmed that it sent after its last trouble (p50 / max over all clients and repetitions); where the fault itself lasts a while, that is part of it. *Held*",
    "names the invariants that did not hold; `checker.mjs` says what each is. X: the scenario itself failed; E: a figure is not as expected; C: a crash, a report of a sanitizer, a file not closed;",
    "R: not back within 30 s; L: no answer; N: not logged.", "",
  ];
  for (const { title, first, last } of groups) {
    const within = ({ row }) => row >= first && row <= last;
    const rows = [
      ...played.filter(({ scenario }) => within(scenario) && !scenario.large).map((p) => [p.scenario.row, line(p)]),
      ...elsewhere.filter(within).map(({ row, title: what, file }) => [row, `| ${row} | ${what} | shown by \`${file}\` | | |`]),
      ...none.filter(within).map(({ row, title: what, why }) => [row, `| ${row} | ${what} | does not concern us: ${why} | | |`]),
    ].sort((a, b) => a[0] - b[0]);
    out.push(`## ${title}`, "", "| row | fault | observed | recovery p50 / max | held |", "| --- | --- | --- | --- | --- |", ...rows.map(([, text]) => text), "");
  }
  const big = played.filter(({ scenario }) => scenario.large);
  if (big.length) {
    out.push("## Under 500 people and 1,000 messages a second (chaos: 120 people, 100 messages a second)", "", "| row | fault | observed | recovery p50 / max | held |", "| --- | --- | --- | --- | --- |", ...big.map(line), "");
  }
  return out.join("\n");
}
