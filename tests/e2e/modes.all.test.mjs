/* modes.all.test.mjs - the end-to-end files once more, with clients of the other transports
 *
 * `make test` runs them with WebSockets; here come polling, and polling with its upgrade, which is
 * what a client does by itself. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HERE = fileURLToPath(new URL(".", import.meta.url));
const LIMIT_MS = 300_000; /* for one file */

/* Those whose clients choose no transport of their own, and that are not long. */
const files = readdirSync(HERE).filter((name) => /^(?!no_sticky)[a-z_]+\.test\.mjs$/.test(name) || name === "test_python.py").sort();

function run(file, transports) {
  const env = { ...process.env, PARLEY_TRANSPORTS: transports };
  delete env.NODE_TEST_CONTEXT;
  const bin = process.env.PARLEY_BIN ?? "build/asan";
  return new Promise((resolve) => {
    const child = execFile("tests/run", ["--bin", bin, relative(ROOT, HERE + file)], { cwd: ROOT, env, timeout: LIMIT_MS, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => resolve({ code: child.exitCode, output: stdout + stderr, error }));
  });
}

test("there are files to run", () => {
  assert.ok(files.length >= 10 && files.includes("messages.test.mjs") && files.includes("test_python.py"), files.join(" "));
});

for (const transports of ["polling,websocket", "polling"]) {
  for (const file of files) {
    test(`${file} over ${transports}`, async () => {
      const { code, output } = await run(file, transports);
      assert.equal(code, 0, output);
      assert.match(output, /^[1-9][0-9]* passed, 0 failed/m);
    });
  }
}
