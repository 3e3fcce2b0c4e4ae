/* palette.test.mjs - colours of names: no two the same while there are enough, and far enough apart */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { HUES, Palette } from "../../client/web/core/palette.js";

const read = (name) => readFileSync(join(fileURLToPath(new URL("../../client/web", import.meta.url)), name), "utf8");

test("a name has one colour, however it is written and whoever comes after", () => {
  const palette = new Palette();
  const bob = palette.hue("Bob");
  for (let i = 0; i < 100; i++) {
    palette.hue(`user${i}`);
  }
  assert.deepEqual([palette.hue("bOB"), palette.hue("Bob")], [bob, bob]);
});

test("no two of the first have the same, all have one, and those behind spread over all", () => {
  for (let seed = 0; seed < 50; seed++) {
    const palette = new Palette();
    const first = Array.from({ length: HUES }, (_, i) => palette.hue(`${seed}user${i}`));
    assert.deepEqual([...first].sort((a, b) => a - b), Array.from({ length: HUES }, (_, i) => i));
    const counts = new Array(HUES).fill(0);
    for (let i = 0; i < 1800; i++) {
      counts[palette.hue(`more${i}`)]++;
    }
    assert.ok(Math.min(...counts) > 50, counts.join());
  }
});

test("it is mostly the same the next time, and free again when it is cleared", () => {
  const names = ["alice", "bob", "carol"];
  const [one, two] = [new Palette(), new Palette()];
  const hues = names.map((name) => one.hue(name));
  assert.deepEqual(names.map((name) => two.hue(name)), hues);
  one.clear();
  for (const name of names) {
    const alone = new Palette().hue(name);
    one.clear();
    assert.equal(one.hue(name), alone);
  }
});

/* How different two colours look (OKLab). */
function lab(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  const [l, m, s] = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]]
    .map(([x, y, z]) => Math.cbrt(x * r + y * g + z * b));
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}
const distance = (a, b) => Math.hypot(...lab(a).map((x, i) => x - lab(b)[i]));

test("each has its colour in both themes, no two look alike, and neighbours least of all", () => {
  const rows = [...read("theme.css").matchAll(/--hue-(\d+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)/g)];
  assert.deepEqual(rows.map(([, i]) => Number(i)), Array.from({ length: HUES }, (_, i) => i));
  rows.forEach((_, i) => assert.match(read("style.css"), new RegExp(`\\.hue-${i} \\{ background: var\\(--hue-${i}\\)`)));
  for (const theme of [2, 3]) {
    for (let i = 0; i < HUES; i++) {
      for (let j = i + 1; j < HUES; j++) {
        const is = distance(rows[i][theme], rows[j][theme]);
        const least = j - i === 1 ? 0.12 : 0.05;
        assert.ok(is >= least, `${i} ${rows[i][theme]} and ${j} ${rows[j][theme]}: ${is.toFixed(3)}`);
      }
    }
  }
});
