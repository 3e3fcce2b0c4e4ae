/* rows.test.mjs - every row of the list has a scenario, a test elsewhere that is there, or a reason */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { report } from "./report.mjs";
import { elsewhere, groups, none, scenarios } from "./rows.mjs";

test("no row is missing, none is told twice in different ways", () => {
  for (const { first, last } of groups) {
    for (let row = first; row <= last; row++) {
      const ways = [scenarios, elsewhere, none].filter((list) => list.some((s) => s.row === row)).length;
      assert.equal(ways, 1, `row ${row}`);
    }
  }
});

test("what is shown elsewhere is there", () => {
  for (const { file } of elsewhere) {
    assert.ok(existsSync(fileURLToPath(new URL(`../../${file}`, import.meta.url))), file);
  }
});

test("ten scenarios are quick, none of them needs more than this machine's programs", () => {
  const quick = scenarios.filter((s) => s.quick);
  assert.ok(quick.length >= 10, `${quick.length}`);
  assert.deepEqual(quick.filter((s) => s.large || s.release || s.impossible), []);
});

test("the report has every row, and tells what did not hold", () => {
  const played = scenarios.map((scenario) => ({ scenario, results: [
    { observed: "seen", figures: { sent: 3, acked: 2, told: 1, recovery: [50, 1500] }, counts: {} },
    { observed: "seen", figures: { sent: 1, acked: 1, recovery: [] }, counts: scenario.row === 1 ? { M1: 2 } : {} },
  ] }));
  const text = report(played, { environment: "2 cores", source: "Written by `make faults`" });
  for (const { first, last } of groups) {
    for (let row = first; row <= last; row++) {
      assert.match(text, new RegExp(`^\\| ${row} \\| `, "m"));
    }
  }
  assert.match(text, /^\| 1 \| .*3 of 4 messages confirmed, 1 missing and told.* \| 1\.5 s \/ 1\.5 s \| \*\*violated:\*\* M1 \(2\) \|$/m);
  assert.match(text, /^\| 28 \| .*does not concern us/m);
});
