/* pace.test.mjs - parley --plain where the server allows few messages a second */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scene } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { Pipe } from "../support/terminal.mjs";

const stack = useStack({ RATE_MESSAGES: "300:3" });

test("it keeps to the server's rate: nothing is refused for good, nothing is out of order", async (t) => {
  const s = scene(t, stack);
  const bob = await s.enter("bob", stack.gateway(2));
  const pipe = new Pipe(t, ["--url", stack.door, "--plain", "al"]);
  const lines = Array.from({ length: 1000 }, (_, i) => `line ${i + 1}`);
  assert.equal(await pipe.finish(lines.join("\n")), 0, pipe.out.slice(-500));
  await bob.waitFor("message_in", (m) => m.message_text === "line 1000");
  assert.deepEqual(bob.texts(), lines);
  assert.ok(!pipe.out.includes("!"));
});

stack.lastTest();
