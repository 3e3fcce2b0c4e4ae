/* documented.test.mjs - every redis-cli line of the texts works for the operator, who has no password */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { useStack } from "../support/stack.mjs";
import { documentedLines, linesOf, Operator } from "./redis_lines.mjs";

const stack = useStack({ GRACE_S: "60" });
const operator = new Operator(stack, (text) => ["sh", "-c", `exec redis-cli -e -s '${stack.run.redis.socket}' ${text}`]);
after(() => operator.close());

const lines = documentedLines();

test("the texts have their lines, and they are found", () => {
  const count = (file) => lines.filter(({ where }) => where.startsWith(`${file}:`)).length;
  assert.ok(count("README.md") >= 6, JSON.stringify(lines));
  assert.ok(count("ARCHITECTURE.md") >= 16, JSON.stringify(lines));
});

test("lines are found wherever they stand", () => {
  const text = ["`redis-cli` shows; `redis-cli --user admin` too", "```sh", "redis-cli -s a/b.sock GET x   # why",
    "$ docker compose exec redis redis-cli TTL {chat}:y", "other GET z", "```", "| key | look |", "| --- | --- |", "| `a` | `HLEN b`, `HVALS b` |",
    "", "| `a` | `no` |", "see `redis-cli PSUBSCRIBE '{chat}:*'`."].join("\n");
  assert.deepEqual(linesOf("f", text).map(({ where, text }) => `${where} ${text}`),
    ["f:3 GET x", "f:4 TTL {chat}:y", "f:9 HLEN b", "f:9 HVALS b", "f:12 PSUBSCRIBE '{chat}:*'"]);
});

for (const { where, text } of lines) {
  test(`${where} redis-cli ${text}`, () => operator.check(text));
}

for (const [text, why] of [
  ["GET {chat}:nothing", /GET/], ["TTL {chat}:nothing", /'-2'|-2/], ["SET {chat}:x 1", /NOPERM/], ["NONSENSE", /ERR unknown command/],
  ["GET <what>", /placeholder/], ["SMEMBERS {chat}:message:id", /WRONGTYPE/], ["FCALL parley_kick 1 {chat}: nobody-alice", /kick/],
]) {
  test(`a line that does not work is noticed: ${text}`, () => assert.rejects(operator.check(text), (err) => why.test(err.message + err.actual)));
}

stack.lastTest();
