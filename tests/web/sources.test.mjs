/* sources.test.mjs - rules that the page's files keep: texts never become markup, core/ is pure,
 * nothing comes from elsewhere */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const WEB = fileURLToPath(new URL("../../client/web", import.meta.url));
const names = readdirSync(WEB, { recursive: true }).filter((name) => /\.(js|css|html|svg|webmanifest)$/.test(name) && !name.startsWith("socket.io"));
const read = (name) => readFileSync(join(WEB, name), "utf8");
const code = (name) => read(name).replace(/\/\*[\s\S]*?\*\//g, "");

const FORBIDDEN = [
  /\b(inner|outer)HTML\b/, /insertAdjacentHTML/, /document\.write/, /\beval\s*\(/, /new Function\b/, /createContextualFragment/, /DOMParser/, /setHTML/, /srcdoc/,
  /setTimeout\(\s*["'`]/, /\.on\w+\s*=\s*["'`]/, /setAttribute\(\s*["'`]on/i, /javascript:/i,
];

test("there are files to look at", () => assert.ok(names.length > 30, `${names.length}`));

for (const name of names) {
  test(`${name}: no markup out of text, nothing from elsewhere, a first line that says what it is`, () => {
    for (const pattern of FORBIDDEN) {
      assert.doesNotMatch(code(name), pattern);
    }
    const elsewhere = (code(name).match(/(https?:)?\/\/[\w-]+\.[a-z]+[^\s"'`]*/gi) ?? []).filter((url) => !url.startsWith("http://www.w3.org/2000/svg"));
    assert.deepEqual(elsewhere, []);
    if (name.endsWith(".js") || name.endsWith(".css")) {
      assert.ok(read(name).startsWith(`/* ${name.split("/").at(-1)} - `), "header comment");
    }
  });
}

for (const name of names.filter((n) => n.startsWith("core/"))) {
  test(`${name}: pure - no document, no clock, no network, no luck of its own`, () => {
    assert.doesNotMatch(code(name), /\b(document|window|navigator|localStorage|fetch|setTimeout|setInterval|requestAnimationFrame|performance|crypto)\b|Date\.now|new Date\(\)/);
    assert.doesNotMatch(code(name).replace("random = Math.random", ""), /Math\.random/);
    for (const [, from] of code(name).matchAll(/from "([^"]+)"/g)) {
      assert.match(from, /^\.\/\w+\.js$/, "core/ uses core/ alone");
    }
  });
}

test("the document has no inline script or style", () => {
  assert.doesNotMatch(read("index.html"), /\sstyle=|<style|\son\w+=|<script>/i);
});
