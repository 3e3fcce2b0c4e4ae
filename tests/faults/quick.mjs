/* quick.mjs - the quickest scenarios as tests of a file: what `make test` plays of the fault suite */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scenarios } from "./rows.mjs";
import { play } from "./stage.mjs";

/* Plays each quick scenario of those rows once, with a seed that is said. */
export function testRows(first, last) {
  for (const scenario of scenarios.filter((s) => s.quick && s.row >= first && s.row <= last)) {
    test(`row ${scenario.row}: ${scenario.title}`, async (t) => {
      const seed = Number(process.env.PARLEY_SEED ?? 1);
      const { violations, observed, figures } = await play(scenario, { seed });
      t.diagnostic(`seed ${seed}: ${observed}; ${figures.acked} of ${figures.sent} messages confirmed`);
      assert.deepEqual(violations, []);
    });
  }
}
