/* figures.mjs - from the rounds to what is said of them; pure */

/* {median, min, max, count}, or undefined without values. */
export function summary(values) {
  const sorted = values.filter((v) => Number.isFinite(v)).sort((a, b) => a - b);
  if (sorted.length === 0) {
    return undefined;
  }
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), count: sorted.length };
}

/* Of {peer: {rounds: [{figure: number}]}}: {peer: {figure: summary}}. */
export function summaries(played) {
  return Object.fromEntries(Object.entries(played).map(([peer, { rounds }]) => {
    const names = [...new Set(rounds.flatMap(Object.keys))];
    return [peer, Object.fromEntries(names.map((name) => [name, summary(rounds.map((r) => r[name]))]).filter(([, s]) => s))];
  }));
}

/* A number as people read it: three digits that matter, thousands apart. */
export function show(value) {
  if (value === 0) {
    return "0";
  }
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4)).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",");
}

/* `median (min to max)`, in as few words as there are values. */
export function showSummary(s) {
  return s.count === 1 ? show(s.median) : `${show(s.median)} (${show(s.min)} to ${show(s.max)})`;
}

/* How many times more the other needs, or, of figures of which more is better, how many times less it
 * achieves: above 1 the first is the better one. */
export function ratio(own, other, { more = false } = {}) {
  return more ? own.median / other.median : other.median / own.median;
}

export const OWN = "parley"; /* the server that the others are held against */

/* What a goal came to: {value, reached}; undefined when it was not measured.  goal: {of(median), atLeast or
 * atMost}; median(peer, figure) throws when there is none.  standIn: a server in Parley's place. */
export function judge(goal, measured, standIn = OWN) {
  const missing = Symbol("missing");
  const median = (peer, figure) => {
    const found = measured[peer === OWN ? standIn : peer]?.[figure];
    if (!found) {
      throw missing;
    }
    return found.median;
  };
  try {
    const value = goal.of(median);
    return { value, reached: goal.atLeast === undefined ? value <= goal.atMost : value >= goal.atLeast };
  } catch (err) {
    if (err !== missing) {
      throw err;
    }
    return undefined;
  }
}
