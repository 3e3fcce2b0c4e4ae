/* login_race.mjs - the same name, twice in the same instant, through two auth-svc */
import assert from "node:assert/strict";
import { login, logout } from "./client.mjs";

/* Each round: Alice and ALICE log in at once, at services 1 and 2 directly, in changing order.
 * Exactly one wins; nobody but the winner has a working token. */
export async function loginRace(stack, rounds) {
  const won = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const tries = [[1, "alice"], [2, "ALICE"]];
    if (round % 2) {
      tries.reverse();
    }
    const answers = await Promise.all(tries.map(([i, name]) => login(stack.auth(i), name)));
    const codes = answers.map((res) => res.status).sort();
    assert.deepEqual(codes, [200, 409], `round ${round}: ${answers.map((res) => res.body)}`);
    const winner = answers.findIndex((res) => res.status === 200);
    assert.equal(answers[1 - winner].json.error.code, "already_logged_in");
    won[tries[winner][0] - 1]++;
    const out = await logout(stack.auth(1), "alice", answers[winner].json.token);
    assert.equal(out.status, 200, `round ${round}: the winner's token works: ${out.body}`);
  }
  return won;
}
