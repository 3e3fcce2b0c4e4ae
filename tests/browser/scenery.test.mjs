/* scenery.test.mjs - one conversation with every state in it, on a wide screen and a phone, light and
 * dark; wide.png and phone.png of the README are taken here (PARLEY_SHOTS) */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, user } from "../support/client.mjs";
import { useBrowser } from "../support/browser.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const stack = useStack({ GRACE_S: "60" });
const scene = useBrowser();

async function people(t, names) {
  return Object.fromEntries(await Promise.all(names.map(async (name, i) => {
    const { token } = await user(stack.door, name);
    const peer = await connect(stack.gateway(1 + (i % 2)), { token });
    t.after(() => peer.close());
    const say = (text, receiver = "group") => peer.ask("message_out", { receiver, message_text: text });
    return [name.toLowerCase(), say];
  })));
}

async function talk(t, alice) {
  const { bob, carol, dmitri, farid } = await people(t, ["Bob", "carol", "Dmitri", "Erin", "farid", "Grace", "hiro", "Ines", "Jonas"]);
  await alice.signIn("Alice");
  await until("all are there", async () => (await alice.page.textContent("#user-count")) === "10");
  await bob("Morning! Did the release go out last night?");
  await carol("It did, at 23:40. The notes are at https://example.org/releases/2.4");
  await carol("Two small things are left for today, both are on the board.");
  await alice.say("Great work, both of you.");
  await alice.sees("Great work, both of you.", "sent");
  await dmitri("🎉🎉");
  await farid("صباح الخير! سأنضم إليكم بعد خمس دقائق.");
  await carol("Alice, may I send you the draft before the meeting?", "Alice");
  await alice.sees("Alice, may I send you the draft before the meeting?");
  await alice.say("@carol Please do, I have half an hour.");
  await alice.sees("Please do, I have half an hour.", "sent");
  await alice.say("@zoe are you coming, too?");
  await alice.sees("are you coming, too?", "failed");
}

test("every state in one picture: wide, phone, light and dark", async (t) => {
  const alice = await scene(t).open(stack.door, { viewport: { width: 1200, height: 760 }, reducedMotion: "reduce" });
  await talk(t, alice);
  await alice.shot("wide");
  alice.expect(/ERR_INTERNET_DISCONNECTED/);
  await alice.context.setOffline(true);
  await alice.page.waitForSelector('#connection[data-state="offline"]');
  await alice.say("I am in a tunnel, this goes out later.");
  await alice.sees("I am in a tunnel, this goes out later.", "waiting");
  const states = new Set((await alice.rows()).map(({ state }) => state));
  assert.deepEqual([...states].sort(), ["failed", "sent", "waiting"]);
  const bubbles = () => alice.page.$$eval("#messages .bubble", (all) => [...new Set(all.map((b) => getComputedStyle(b).backgroundColor))]);
  const light = await bubbles();
  await alice.page.emulateMedia({ colorScheme: "dark" });
  const dark = await bubbles();
  assert.ok(light.length >= 4 && dark.length >= 4, "states differ in colour, too");
  assert.ok(!light.some((colour) => dark.includes(colour)), "both themes have their own");
  await alice.shot("dark");
  await alice.page.setViewportSize({ width: 360, height: 740 });
  await until("it is at the end", () => alice.page.isHidden("#new-messages"));
  await alice.shot("phone");
  await alice.context.setOffline(false);
  await alice.online();
  await alice.sees("I am in a tunnel, this goes out later.", "sent");
});

stack.lastTest();
