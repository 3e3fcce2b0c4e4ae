/* metrics.mjs - /metrics of the services, read by a parser that takes nothing but the format
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats, as our services promise to use it:
 * each family once, with help and type, without time stamps; labels of words that are ours alone. */
import assert from "node:assert/strict";
import { request } from "./http.mjs";

const NAME = "[a-z][a-z0-9_]*";
const HEAD = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? ([0-9]+(?:\\.[0-9]+)?)$`);
const LABEL = new RegExp(`^(${NAME})="([A-Za-z0-9_.+ -]+)"$`);
const TYPES = ["counter", "gauge", "histogram"];

/* Of a histogram {a="b",le="1"}: the labels without le. */
const withoutLe = (labels) => labels.filter(([name]) => name !== "le");
const keyOf = (name, labels) => `${name}{${labels.map(([n, v]) => `${n}="${v}"`).join(",")}}`;

function readLabels(text) {
  const labels = (text === undefined ? [] : text.split(",")).map((part) => {
    const found = LABEL.exec(part);
    assert.ok(found, `no label: ${part}`);
    return [found[1], found[2]];
  });
  assert.equal(new Set(labels.map(([name]) => name)).size, labels.length, `a label twice: ${text}`);
  return labels;
}

function checkHistogram(name, samples) {
  const groups = new Map();
  for (const s of samples) {
    const key = keyOf(name, withoutLe(s.labels));
    groups.set(key, [...(groups.get(key) ?? []), s]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((s) => s.name === `${name}_bucket`);
    const bounds = buckets.map((s) => Number(s.labels.find(([n]) => n === "le")[1].replace("+Inf", "Infinity")));
    assert.deepEqual(bounds, [...bounds].sort((a, b) => a - b), `${key}: bounds go up`);
    assert.equal(bounds.at(-1), Infinity, `${key}: the last bound`);
    const counts = buckets.map((s) => s.value);
    assert.deepEqual(counts, [...counts].sort((a, b) => a - b), `${key}: counts add up`);
    const [sum, count, ...rest] = group.slice(buckets.length);
    assert.deepEqual([sum?.name, count?.name, rest.length], [`${name}_sum`, `${name}_count`, 0], key);
    assert.equal(count.value, counts.at(-1), `${key}: all are counted`);
  }
}

function checkFamily(name, { type, help, samples }) {
  assert.ok(help && TYPES.includes(type), `${name}: help and type`);
  assert.ok(samples.length > 0, `${name} has samples`);
  assert.match(name, /^(parley|process)_/);
  assert.equal(name.endsWith("_total"), type === "counter", `${name} is a ${type}`);
  if (type === "histogram") {
    assert.match(name, /_seconds$/);
    checkHistogram(name, samples);
  } else {
    assert.ok(samples.every((s) => s.name === name), name);
  }
}

/* The families by name: {type, help, samples: [{name, labels: [[name, value]], value}]}. */
export function parse(text) {
  const families = new Map();
  const seen = new Set();
  let current;
  assert.ok(text.endsWith("\n"), "ends with a line feed");
  for (const line of text.slice(0, -1).split("\n")) {
    const head = HEAD.exec(line);
    if (head?.[1] === "HELP") {
      assert.ok(!families.has(head[2]), `${head[2]} comes twice`);
      current = { name: head[2], help: head[3], samples: [] };
      families.set(head[2], current);
    } else if (head) {
      assert.ok(current?.name === head[2] && !current.type && current.samples.length === 0, `out of place: ${line}`);
      current.type = head[3];
    } else {
      const found = SAMPLE.exec(line);
      assert.ok(found, `no line of ours: ${line}`);
      assert.ok(current && found[1].replace(/_(bucket|sum|count)$/, "") === current.name, `out of place: ${line}`);
      const labels = readLabels(found[2]);
      const key = keyOf(found[1], labels);
      assert.ok(!seen.has(key), `${key} comes twice`);
      seen.add(key);
      current.samples.push({ name: found[1], labels, value: Number(found[3]) });
    }
  }
  families.forEach((family, name) => checkFamily(name, family));
  return families;
}

/* Everything as {"name{labels}": value}. */
export class Numbers {
  constructor(text) {
    this.text = text;
    this.families = parse(text);
    this.at = new Map([...this.families.values()].flatMap((f) => f.samples).map((s) => [keyOf(s.name, s.labels), s.value]));
  }
  /* parley_x_total or parley_x_total{code="y"}; must be there. */
  get(name) {
    const key = name.includes("{") ? name : `${name}{}`;
    assert.ok(this.at.has(key), `no ${name}`);
    return this.at.get(key);
  }
  keys() {
    return [...this.at.keys()].sort();
  }
}

/* What a service of the stack says now. */
export async function numbers(stack, name) {
  const res = await request(`http://127.0.0.1:${stack.process(name).health_port}`, "/metrics");
  assert.equal(res.status, 200, name);
  assert.equal(res.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  return new Numbers(res.body);
}
