/* contrast.test.mjs - WCAG AA, computed from theme.css for both themes: text 4.5:1, borders of what
 * can be filled in and signs that carry a meaning 3:1 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const WEB = fileURLToPath(new URL("../../client/web", import.meta.url));
const theme = readFileSync(join(WEB, "theme.css"), "utf8");
const style = readFileSync(join(WEB, "style.css"), "utf8");
const colours = Object.fromEntries([...theme.matchAll(/--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [name, { light, dark }]));

const TEXT = 4.5;
const SIGN = 3;
const ROWS = [
  [TEXT, "text", ["page", "surface", "raised", "hover", "own", "private", "failed"]],
  [TEXT, "muted", ["page", "surface", "raised", "hover"]],
  [TEXT, "accent", ["page", "surface", "raised"]],
  [TEXT, "on-accent", ["accent", "accent-hover"]],
  [TEXT, "own-muted", ["own"]],
  [TEXT, "private-muted", ["private"]],
  [TEXT, "private-accent", ["page", "surface", "private"]],
  [TEXT, "pending-text", ["pending"]],
  [TEXT, "failed-muted", ["failed"]],
  [TEXT, "danger", ["page", "surface", "failed"]],
  [TEXT, "warn", ["page", "warn-back"]],
  [TEXT, "link", ["surface", "pending", "failed"]],
  [TEXT, "link-on-own", ["own", "private", "failed", "pending"]],
  [TEXT, "on-hue", Array.from({ length: 18 }, (_, i) => `hue-${i}`)],
  [SIGN, "border", ["surface", "page", "raised"]],
  [SIGN, "good", ["page"]],
  [SIGN, "private-accent", ["surface"]],
];

function luminance(colour) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

test("the formula, on pairs whose contrast is known", () => {
  assert.equal(contrast("#000000", "#ffffff").toFixed(2), "21.00");
  assert.equal(contrast("#767676", "#ffffff").toFixed(2), "4.54");
});

for (const theme of ["light", "dark"]) {
  for (const [least, front, backs] of ROWS) {
    test(`${theme}: ${front} on ${backs.join(", ")}`, () => {
      for (const back of backs) {
        const has = contrast(colours[front][theme], colours[back][theme]);
        assert.ok(has >= least, `${front} ${colours[front][theme]} on ${back} ${colours[back][theme]}: ${has.toFixed(2)} < ${least}`);
      }
    });
  }
}

test("colours stand in theme.css alone, and each that a text may have is in the table", () => {
  assert.deepEqual(style.match(/#[0-9a-f]{3,8}\b(?![^{]*\{)/gi)?.filter((c) => c !== "#0006") ?? [], []);
  const used = new Set([...style.matchAll(/(?<![\w-])color:\s*var\(--([\w-]+)\)/g)].map((match) => match[1]));
  const known = new Set(ROWS.map(([, front]) => front));
  used.delete("stamp"); /* stands for one of the others */
  used.forEach((name) => assert.ok(known.has(name), `--${name} is a text's colour`));
});
