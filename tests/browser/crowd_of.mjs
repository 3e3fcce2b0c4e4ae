/* crowd_of.mjs - many users and many messages in one page: only what may be seen is in the document,
 * what somebody reads stays where it is.  For files of tests: crowdOf({users, messages}). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, logout, user } from "../support/client.mjs";
import { useBrowser } from "../support/browser.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const BURST = 100; /* messages that a user may send at once */
const AT_ONCE = 40;
const WRITERS = 10; /* at once: their messages fit into what may wait for a page that is slow to read */
const IN_DOCUMENT = 80; /* rows; a screen has some 20 */
const LONG = { timeout: 240_000, every: 100 };
const LEFT = 5;

/* work(item, index) for so many at once; then(results so far) before the next ones. */
async function inGroups(size, items, work, then = () => {}) {
  const results = [];
  for (let i = 0; i < items.length; i += size) {
    results.push(...await Promise.all(items.slice(i, i + size).map((item, k) => work(item, i + k))));
    await then(results);
  }
  return results;
}

/* Text of several heights, so that nothing can be right by luck. */
const textOf = (sender, n) => `${sender} ${n} ${"and so on ".repeat((n * 7) % 40)}`.trim();

/* Sent again, as clients do, should it be refused or not be answered in time on a busy machine.
 * Resolves to its id. */
function accepted(peer, client_id, message_text) {
  return until(`message ${client_id}`, async () => {
    const ack = await peer.ask("message_out", { receiver: "Alice", message_text, client_id }).catch(() => undefined);
    assert.ok(!ack || ack.ok || ["unavailable", "rate_limited"].includes(ack.error.code), JSON.stringify(ack));
    return ack?.message_id;
  }, LONG);
}

const rowsOf = (page) => page.locator("#messages .row").count();
const usersOf = (page) => page.locator("#users .user").count();
/* Done when the page has heard of it, which it does with the next frame that is drawn. */
const scrollTo = (page, id, part) => page.evaluate(([box, where]) => {
  const scroller = document.getElementById(box);
  scroller.scrollTop = where * (scroller.scrollHeight - scroller.clientHeight);
  return new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); });
}, [id, part]);

export function crowdOf({ users, messages }) {
  const stack = useStack({
    RATE_LOGINS: "100000:100000", GRACE_S: "60", LEASE_MS: "20000", PING_INTERVAL_MS: "25000", PING_TIMEOUT_MS: "60000",
  });
  const scene = useBrowser();
  const names = [...Array(users).keys()].map((i) => `crowd-${String(i).padStart(4, "0")}`);

  test(`${users} users, ${messages} messages: the page stays small, and what is read stays put`, async (t) => {
    const alice = await scene(t).enter(stack, "Alice");
    const { page } = alice;
    const people = await inGroups(AT_ONCE, names, async (name, i) => {
      const { token } = await user(stack.door, name);
      const peer = await connect(stack.gateway(1 + (i % 2)), { token }, LONG);
      t.after(() => peer.close());
      return { name, token, peer };
    });

    /* The list. */
    await until("all are counted", async () => (await page.textContent("#user-count")).replace(/\D/g, "") === String(users + 1), LONG);
    assert.ok(await usersOf(page) < IN_DOCUMENT, "few of them are in the document");
    await page.focus("#users");
    await page.keyboard.press("End");
    await page.waitForSelector(`#user-${names.at(-1)}`);
    assert.ok(await usersOf(page) < IN_DOCUMENT);
    assert.equal(await page.getAttribute(`#user-${names.at(-1)}`, "aria-setsize"), String(users + 1));
    await page.fill("#user-filter", names.at(-2));
    await until("one is found", async () => (await alice.users()).join() === names.at(-2));
    await page.fill("#user-filter", "");
    await until("all are there again", async () => await usersOf(page) > 1);
    await scrollTo(page, "users", 0.5);
    const inSight = await alice.middle("users");
    const gone = people.slice(0, LEFT);
    await inGroups(AT_ONCE, gone, (p) => logout(stack.door, p.name, p.token));
    await until("they are gone", async () => (await page.textContent("#user-count")).replace(/\D/g, "") === String(users + 1 - LEFT), LONG);
    assert.equal(await alice.middle("users"), inSight, "who leaves further up moves nothing");

    /* The messages, to her alone: nobody else has to read them. */
    const senders = people.slice(LEFT, LEFT + Math.ceil(messages / BURST));
    assert.ok(senders.length * BURST >= messages && senders.length <= users - LEFT);
    const counted = () => page.$$eval("#messages .row", (rows) => Number(rows.at(-1)?.ariaSetSize ?? 0));
    const ids = (await inGroups(WRITERS, senders, ({ peer }, i) => Promise.all([...Array(BURST).keys()].map((n) => accepted(peer, `${i}-${n}`, textOf(i, n)))),
      (soFar) => until("all are here", async () => await counted() >= soFar.flat().length, LONG))).flat();
    const sent = ids.length;
    assert.ok(await counted() <= sent + 5, "each once; a line tells who came");
    await page.waitForSelector(`#messages .row[data-message-id="${Math.max(...ids)}"]`);
    assert.ok(await rowsOf(page) < IN_DOCUMENT, "few of them are in the document");
    await alice.shot(`crowd-${users}`);

    /* Anywhere in there: more messages move nothing. */
    for (const part of [0.5, 0.1, 0]) {
      await scrollTo(page, "messages", part);
      const before = await alice.middle("messages");
      assert.ok(await rowsOf(page) < IN_DOCUMENT);
      const shown = (await alice.rows()).map((row) => Number(row.messageId));
      assert.deepEqual(shown, [...shown].sort((a, b) => a - b));
      const id = await accepted(people.at(-1).peer, `at-${part}`, `at ${part}`);
      await until("it is told", async () => /new message/.test(await page.textContent("#new-messages")));
      assert.equal(await alice.middle("messages"), before);
      await page.click("#new-messages");
      await page.waitForSelector(`#messages .row[data-message-id="${id}"]`);
      await until("she is at the end", () => page.isHidden("#new-messages"));
    }

    /* And one can still write. */
    await alice.say("still here");
    await alice.sees("still here", "sent");
    assert.ok(await rowsOf(page) < IN_DOCUMENT);
  });

  stack.lastTest();
}
