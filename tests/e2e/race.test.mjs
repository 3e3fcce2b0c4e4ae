/* race.test.mjs - two auth-svc, one name, the same instant: 50 rounds */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loginRace } from "../support/login_race.mjs";
import { useStack } from "../support/stack.mjs";

const ROUNDS = 50;
const stack = useStack({ AUTH_SVCS: "2", RATE_LOGINS: "10000:10000" });

test(`${ROUNDS} double logins of one name: exactly one winner each, the other 409`, async (t) => {
  const won = await loginRace(stack, ROUNDS);
  t.diagnostic(`won by auth-1: ${won[0]}, by auth-2: ${won[1]}`);
  assert.equal(won[0] + won[1], ROUNDS);
});

stack.lastTest();
