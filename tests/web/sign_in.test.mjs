/* sign_in.test.mjs - what an answer to a sign-in means in words, and when to try again */
import assert from "node:assert/strict";
import { test } from "node:test";
import { check, refusal, secondsLeft, textKey } from "../../client/web/core/sign_in.js";
import { speaker } from "../../client/web/core/texts.js";
import en from "../../client/web/lang/en.js";

const say = speaker(en);
const shown = (refused, now) => say(textKey(refused, now), { name: refused.name, count: secondsLeft(refused, now) });

test("every code of the protocol has words, with and without a time to wait", () => {
  for (const code of ["bad_request", "invalid_username", "already_logged_in", "rate_limited", "unavailable", "cross_site", "not_found", "unreachable", "what_is_this", undefined]) {
    assert.ok(shown(refusal("bob", { code }, 0), 0).length > 10, code);
  }
  for (const code of ["already_logged_in", "rate_limited", "unavailable"]) {
    const refused = refusal("bob", { code, retryAfterS: 3 }, 1000);
    assert.match(shown(refused, 1000), /3 seconds/, code);
    assert.match(shown(refused, 3500), /1 second\b/, code);
    assert.match(shown(refused, 4000), /again|back|free now/, code);
  }
});

test("a name that cannot be is refused without asking", () => {
  assert.equal(check("bob"), undefined);
  assert.deepEqual(check(""), { reason: "empty", name: "" });
  assert.deepEqual(check("no spaces"), { reason: "not_allowed", name: "no spaces" });
});

test("the time that is left", () => {
  const refused = refusal("bob", { code: "already_logged_in", retryAfterS: 2 }, 500);
  assert.deepEqual([500, 501, 1499, 1500, 2499, 2500, 9000].map((now) => secondsLeft(refused, now)), [2, 2, 2, 1, 1, 0, 0]);
  assert.deepEqual([secondsLeft(undefined, 0), secondsLeft(refusal("b", { code: "already_logged_in" }, 0), 0)], [0, 0]);
});
