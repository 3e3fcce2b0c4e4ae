/* report.mjs - what was measured, as Markdown with plots; pure
 *
 * results: [{scenario, played: {peer: {rounds: [{figure: number}], trouble: [text]}}}], where scenario is
 * one of scenarios.mjs; profiles: the end of the report.  Answers {"RESULTS.md": text, "plots/NAME.svg": picture, ...}. */
import { judge, OWN, ratio, show, showSummary, summaries } from "./figures.mjs";
import { bars } from "./plot.mjs";

const LIMIT = "epoll-redis"; /* what it is told beside each goal */

const row = (cells) => `| ${cells.join(" | ")} |`;
const table = (head, rows) => [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");

function cell(measured, peer, name, figure) {
  const value = measured[peer][name], own = measured[OWN]?.[name];
  if (!value) {
    return "";
  }
  const times = peer === OWN || !own || figure.plain || !own.median || !value.median ? "" : `, **${show(ratio(own, value, figure))}×**`;
  return showSummary(value) + times;
}

function figuresOf({ figures }, measured) {
  return Object.entries(figures).filter(([name]) => Object.values(measured).some((of) => of[name]));
}

function scenarioTable(scenario, measured, peers) {
  const figures = figuresOf(scenario, measured);
  return table(["", ...figures.map(([, { title, unit }]) => `${title}, ${unit}`)],
    Object.keys(measured).map((peer) => [peers[peer].title, ...figures.map(([name, figure]) => cell(measured, peer, name, figure))]));
}

/* Of Parley's processor time, what each kind of process needs. */
function partsOf({ figures }, measured) {
  const own = measured[OWN] ?? {};
  const lines = Object.entries(figures).map(([name, { title, unit }]) => [title, unit, Object.keys(own).filter((key) => key.startsWith(`${name}|`))]).filter(([, , keys]) => keys.length > 1).map(
    ([title, unit, keys]) => `- ${title}: ${keys.map((key) => `${key.split("|")[1]} ${show(own[key].median)}`).join(", ")} ${unit}`);
  return lines.length ? `\nParley's, by process:\n\n${lines.join("\n")}\n` : "";
}

function plotOf(scenario, measured, peers) {
  const panels = figuresOf(scenario, measured).filter(([, { hidden }]) => !hidden).map(([name, { title, unit }]) => ({
    title: `${title}, ${unit}`,
    bars: Object.keys(measured).filter((peer) => measured[peer][name]).map((peer) => ({ label: peers[peer].title, ...measured[peer][name], said: show(measured[peer][name].median) })),
  }));
  return bars(scenario.title, panels);
}

function goalsTable(sections) {
  const rows = sections.flatMap(({ scenario, measured }) => (scenario.goals ?? []).map((goal) => {
    const got = judge(goal, measured), bare = measured[LIMIT] && judge(goal, measured, LIMIT);
    return [scenario.title, goal.title, goal.atLeast === undefined ? `at most ${show(goal.atMost)}` : `at least ${show(goal.atLeast)}`,
      got ? show(got.value) : "not measured", got ? (got.reached ? "yes" : "**no**") : "",
      bare ? `${show(bare.value)}, ${bare.reached ? "yes" : "no"}` : ""];
  }));
  return rows.length ? `## Goals

The last column is what two servers come to that do nothing but hand messages on through Redis (bare epoll, no sessions, no checks, no copies for those who return): what they do not reach with one message on its way, nothing that relays through Redis does on this machine. With several on their way they send at the end of each turn, and waiting a little for more is cheaper.

${table(["scenario", "", "goal", "measured", "reached", "bare, over Redis"], rows)}
` : "";
}

function roundsOf({ played }) {
  const most = Math.max(0, ...Object.values(played).map(({ rounds, trouble }) => rounds.length + trouble.length));
  return `(${most} ${most === 1 ? "round" : "rounds"}.)`;
}

function troubleOf({ played, peers }) {
  const lines = Object.entries(played).flatMap(([peer, { trouble }]) => trouble.map((text) => `- ${peers[peer].title}: ${text.split("\n")[0]}`));
  return lines.length ? `\nRounds that failed:\n\n${lines.join("\n")}\n` : "";
}

export function report(results, { peers, machine, profiles }) {
  const sections = results.map(({ scenario, played }) => ({ scenario, played, peers, measured: summaries(played) }));
  const files = {};
  const parts = sections.map((section) => {
    const { scenario, measured } = section;
    const extra = scenario.plot?.(section.played);
    files[`plots/${scenario.name}.svg`] = extra ?? plotOf(scenario, measured, peers);
    return `## ${scenario.title}\n\n${scenario.text} ${roundsOf(section)}\n\n${scenarioTable(scenario, measured, peers)}\n${partsOf(scenario, measured)}${troubleOf(section)}\n![${scenario.title}](plots/${scenario.name}.svg)\n`;
  });
  files["RESULTS.md"] = `# Speed, beside others

Written by \`make bench\`; tests/bench/README.md says how it is measured. ${machine}
Each cell has the median and, in brackets, the least and the most of the rounds; in bold, how many times worse than Parley (below 1: better). Times are of the processor, for all processes of a server together. Read the ratios: the rest is the machine's.

${goalsTable(sections)}
${parts.join("\n")}
${profiles}`;
  return files;
}
