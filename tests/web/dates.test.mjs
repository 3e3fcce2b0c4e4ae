/* dates.test.mjs - days and times where the reader is */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Dates, dayOf, untilTomorrow } from "../../client/web/core/dates.js";
import { looks } from "../../client/web/core/rows.js";
import { speaker } from "../../client/web/core/texts.js";
import de from "../../client/web/lang/de.js";
import en from "../../client/web/lang/en.js";

process.env.TZ = "Europe/Berlin"; /* where the clocks change in March and October */
const at = (...parts) => new Date(...parts).getTime();

test("a day is a day, also where clocks change", () => {
  assert.equal(dayOf(at(2026, 2, 30)) - dayOf(at(2026, 2, 28)), 2);
  assert.equal(dayOf(at(2026, 9, 26, 23, 59)) - dayOf(at(2026, 9, 25, 0, 0)), 1);
  for (let day = 1; day <= 365; day++) {
    assert.equal(dayOf(at(2026, 0, day, 0, 1)) - dayOf(at(2025, 11, 31, 23, 59)), day);
  }
  assert.equal(dayOf(at(2027, 0, 1)) - dayOf(at(2026, 11, 31, 23, 59, 59)), 1);
});

test("today, yesterday, and days with names", () => {
  const dates = new Dates(speaker(en, "en-GB"));
  const now = at(2026, 10, 29, 0, 5);
  assert.deepEqual([at(2026, 10, 29, 0, 1), at(2026, 10, 28, 23, 59), at(2026, 10, 27, 23, 59), at(2025, 11, 31)].map((time) => dates.day(time, now)),
    ["Today", "Yesterday", "Friday 27 November", "31 December 2025"]);
  assert.equal(new Dates(speaker(de)).day(at(2026, 10, 27), now), "Freitag, 27. November");
});

test("times are written as the reader's region does", () => {
  const time = at(2026, 10, 29, 15, 5);
  assert.equal(new Dates(speaker(en, "en-GB")).time(time), "15:05");
  assert.match(new Dates(speaker(en, "en-US")).time(time), /^3:05\sPM$/);
});

test("how long until tomorrow", () => {
  assert.equal(untilTomorrow(at(2026, 10, 29, 23, 59, 59)), 1000);
  assert.ok(untilTomorrow(at(2026, 10, 29)) >= 82_800_000);
});

const message = (sender, time, more = {}) => ({ kind: "message", sender, receiver: "group", time, ...more });

test("a day begins with its first message; a name is shown where somebody begins to speak", () => {
  const t = at(2026, 10, 29, 12);
  const rows = [
    [message("a", t), undefined, { newDay: true, head: true }],
    [message("a", t + 60_000), message("a", t), { newDay: false, head: false }],
    [message("a", t + 600_000), message("a", t), { newDay: false, head: true }],
    [message("b", t), message("a", t), { newDay: false, head: true }],
    [message("a", t, { receiver: "bob" }), message("a", t), { newDay: false, head: true }],
    [message("a", t), { kind: "note", time: t }, { newDay: false, head: true }],
    [message("a", at(2026, 10, 30, 0, 1)), message("a", at(2026, 10, 29, 23, 59)), { newDay: true, head: true }],
  ];
  for (const [entry, previous, wanted] of rows) {
    assert.deepEqual(looks(entry, previous), wanted);
  }
});
