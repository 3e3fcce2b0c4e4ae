/* hostile.test.mjs - whatever is in a text or in a field is shown as text, and links lead only to the web */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, user } from "../support/client.mjs";
import { useBrowser } from "../support/browser.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const stack = useStack();
const scene = useBrowser();

/* Each would call pwned() if it were taken for markup, script, style or address. */
const TEXTS = [
  "<script>pwned()</script>",
  "<ScRiPt>pwned()</sCrIpT>",
  "<script src=//127.0.0.1/x.js></script>",
  "</script><script>pwned()</script>",
  "<img src=x onerror=pwned()>",
  "<img src=\"x\" onerror='pwned()'>",
  "<IMG SRC=javascript:pwned()>",
  "<svg onload=pwned()>",
  "<svg><script>pwned()</script></svg>",
  "<svg><animate onbegin=pwned() attributeName=x dur=1s>",
  "<math><mtext><table><mglyph><style><img src=x onerror=pwned()>",
  "<body onload=pwned()>",
  "<iframe src=javascript:pwned()></iframe>",
  "<iframe srcdoc='<script>parent.pwned()</script>'></iframe>",
  "<object data=javascript:pwned()></object>",
  "<embed src=javascript:pwned()>",
  "<a href=javascript:pwned()>click</a>",
  "<form action=javascript:pwned()><button>go</button></form>",
  "<input autofocus onfocus=pwned()>",
  "<details open ontoggle=pwned()>",
  "<video><source onerror=pwned()></video>",
  "<marquee onstart=pwned()>",
  "<style>@import 'http://127.0.0.1/x.css'; * { display: none }</style>",
  "<link rel=stylesheet href=data:text/css,*{display:none}>",
  "<base href=http://127.0.0.1/>",
  "<meta http-equiv=refresh content='0;url=javascript:pwned()'>",
  "<template><script>pwned()</script></template>",
  "<!--><img src=x onerror=pwned()>-->",
  "<![CDATA[<script>pwned()</script>]]>",
  "\"><script>pwned()</script>",
  "'><img src=x onerror=pwned()>",
  "\" onmouseover=pwned() x=\"",
  "' style=background:url(javascript:pwned()) '",
  "`${pwned()}`",
  "${pwned()}",
  "{{constructor.constructor('pwned()')()}}",
  "&lt;script&gt;pwned()&lt;/script&gt;",
  "&#60;script&#62;pwned()&#60;/script&#62;",
  "\\u003cscript\\u003epwned()\\u003c/script\\u003e",
  "\u003cscript\u003epwned()\u003c/script\u003e",
  "javascript:pwned()",
  "java\nscript:pwned()",
  "data:text/html,<script>pwned()</script>",
  "data:text/html;base64,PHNjcmlwdD5wd25lZCgpPC9zY3JpcHQ+",
  "vbscript:pwned()",
  "https://a.example/\"onmouseover=pwned()//",
  "https://a.example/'><script>pwned()</script>",
  "https://a.example/<script>pwned()</script>",
  "https://a.example/?x=javascript:pwned()",
  "<%= pwned() %>",
  "__proto__",
  "constructor",
  "[object Object]",
  "{name} {count} {text}",
  "%3Cscript%3Epwned()%3C/script%3E",
  "\ufeff<script>pwned()</script>",
  "<scr\u0000ipt>pwned()</scr\u0000ipt>",
  "\u202e<script>pwned()</script>\u202c",
];

async function scenery(t, name) {
  const s = scene(t);
  const alice = await s.enter(stack, name);
  await alice.page.evaluate(() => { window.pwned = () => { window.isPwned = true; }; });
  const bob = await user(stack.door, `mallory-${name}`);
  const peer = await connect(stack.gateway(2), { token: bob.token });
  t.after(() => peer.close());
  return { s, alice, peer };
}

/* Elements that a text may bring about: none but its links, and marks for what is not seen. */
const foreign = (page) => page.$$eval("#messages .text *", (nodes) => nodes.filter((node) => node.tagName !== "A" && node.className !== "control").map((node) => node.outerHTML));
/* As it is to be seen. */
const marked = (text) => text.replace("\u0000", "U+0000").replace("\u0000", "U+0000").replace("\u202e", "U+202E").replace("\u202c", "U+202C");

test(`${TEXTS.length} texts that would like to be more: each shown as it is, to the character`, async (t) => {
  assert.ok(TEXTS.length >= 40);
  const { alice, peer } = await scenery(t, "xss");
  for (const text of TEXTS) {
    const ack = await peer.ask("message_out", { receiver: "group", message_text: text });
    assert.equal(ack.ok, true, text);
    await until(`it is shown: ${text}`, async () => (await alice.rows()).some((row) => row.messageId === String(ack.message_id)));
    const shown = (await alice.rows()).find((row) => row.messageId === String(ack.message_id));
    assert.equal(shown.text, marked(text));
    assert.deepEqual(await foreign(alice.page), []);
  }
  assert.equal(await alice.page.evaluate(() => window.isPwned), undefined);
  assert.equal(await alice.page.evaluate(() => document.querySelectorAll("iframe, object, embed, base, style").length), 0);
  await alice.shot("hostile");
});

test("the same texts, written in the page and edited there", async (t) => {
  const { alice } = await scenery(t, "self");
  for (const text of ["<img src=x onerror=pwned()>", "<script>pwned()</script>", "\" onmouseover=pwned() x=\""]) {
    await alice.say(text);
    await alice.sees(text, "sent");
    await alice.say(`@nobody-at-all ${text}`);
    await alice.sees(text, "failed");
    await alice.row(text, "failed").locator('[data-act="edit"]').click();
    assert.equal(await alice.page.inputValue("#text"), `@nobody-at-all ${text}`);
    await alice.page.fill("#text", "");
  }
  assert.deepEqual([await foreign(alice.page), await alice.page.evaluate(() => window.isPwned)], [[], undefined]);
});

test("fields that a server should not send: as text, or not at all", async (t) => {
  const evil = "<img src=x onerror=pwned()>";
  const alice = await scene(t).open(stack.door);
  await alice.page.addInitScript(() => { window.pwned = () => { window.isPwned = true; }; });
  await alice.page.routeWebSocket(/socket\.io/, (ws) => {
    const server = ws.connectToServer();
    let sent = false;
    server.onMessage((message) => {
      if (sent && String(message).includes("user_change_in")) {
        return; /* the true list would take the place of ours */
      }
      ws.send(message);
      if (!sent && String(message).includes("user_change_in")) {
        sent = true;
        const event = (name, data) => ws.send(`42${JSON.stringify([name, data])}`);
        const at = { sent_at: 1.7e12 };
        event("message_in", { ...at, message_id: 2e9, sender: evil, receiver: "group", message_text: "names" });
        event("message_in", { ...at, message_id: 2e9 + 1, sender: "x", receiver: evil, message_text: "receivers" });
        for (const wrong of [null, 7, [], {}, { ...at, message_id: "1", sender: "x", receiver: "y", message_text: "z" },
          { ...at, message_id: 2e9 + 2, sender: {}, receiver: [], message_text: null }, { message_id: 2e9 + 3, sender: "x", receiver: "y", message_text: "z", sent_at: evil }]) {
          event("message_in", wrong);
        }
        for (const wrong of [null, 7, [], {}, { users: [7], cursor: "x" }, { users: "bob", cursor: "x" }, { users: ["bob"] }, { joined: [{}], left: [], from: "x", cursor: "y" }]) {
          event("user_change_in", wrong);
        }
        event("user_change_in", { users: [evil, "__proto__", "constructor"], cursor: evil });
      }
    });
  });
  await alice.page.reload();
  await alice.signIn("Trusting");
  await alice.sees("receivers");
  assert.deepEqual((await alice.rows()).map(({ text, sender }) => [text, sender]), [["names", evil], ["receivers", "x"]]);
  await until("the list", async () => (await alice.users()).length === 3);
  assert.deepEqual(await alice.users(), [evil, "__proto__", "constructor"]);
  assert.equal(await alice.page.evaluate(() => window.isPwned), undefined);
});

test("links: http and https alone, in a new tab, without a way back", async (t) => {
  const { alice, peer } = await scenery(t, "links");
  await peer.say("group", "see https://a.example/x?y=1&z=2#w, http://b.example, www.c.example and javascript:pwned() or https://good.example@evil.example/ data:text/html,x");
  await until("the links", async () => (await alice.page.locator("#messages a").count()) === 3);
  const links = await alice.page.$$eval("#messages a", (all) => all.map((a) => ({ href: a.getAttribute("href"), text: a.textContent, rel: a.rel, target: a.target })));
  assert.deepEqual(links, [
    { href: "https://a.example/x?y=1&z=2#w", text: "https://a.example/x?y=1&z=2#w", rel: "noopener noreferrer", target: "_blank" },
    { href: "http://b.example/", text: "http://b.example", rel: "noopener noreferrer", target: "_blank" },
    { href: "https://www.c.example/", text: "www.c.example", rel: "noopener noreferrer", target: "_blank" },
  ]);
});

test("what turns a text around is seen: in texts and beside links, said aloud, in notifications", async (t) => {
  const { alice, peer } = await scenery(t, "around");
  await alice.context.grantPermissions(["notifications"], { origin: new URL(stack.door).origin });
  await alice.page.evaluate(() => {
    localStorage.setItem("parley.notifications", "on");
    document.hasFocus = () => false;
    window.told = [];
    window.Notification = class { static permission = "granted"; constructor(title, { body }) { window.told.push(body); } };
  });
  await peer.say("group", "open photo\u202egnp.exe or https://good.example/\u202emoc.live\u2066x\u2069\u200f\u061c");
  const wanted = "open photoU+202Egnp.exe or https://good.example/U+202Emoc.liveU+2066xU+2069U+200FU+061C";
  await until("it is shown", async () => (await alice.texts()).length > 0);
  assert.deepEqual(await alice.texts(), [wanted]);
  assert.deepEqual(await alice.page.$$eval("#messages a", (all) => all.map((a) => [a.textContent, a.href])), [["https://good.example/", "https://good.example/"]]);
  assert.equal(await alice.page.locator("#messages .control").count(), 6);
  assert.deepEqual(await alice.page.evaluate(() => window.told), [wanted]);
  await until("it is said", async () => (await alice.page.textContent("#announcer")).includes(wanted));
  /* Letters that are written from right to left do not move what is in front of them in an address. */
  await peer.say("group", "\u05d0\u05d1 https://good.example/\u05d0\u05d1/x \u05d0");
  await until("it is shown", async () => (await alice.page.locator("#messages a").count()) === 2);
  const order = await alice.page.locator("#messages a").nth(1).evaluate((a) => {
    const at = (from, to) => { const range = document.createRange(); range.setStart(a.firstChild, from); range.setEnd(a.firstChild, to); return range.getBoundingClientRect().left; };
    return at(0, 1) < at(8, 9) && at(8, 9) < at(24, 25);
  });
  assert.equal(order, true);
  await alice.shot("controls");
});

test("the policy holds: what a script would have to do to harm is refused", async (t) => {
  const alice = await scene(t).enter(stack, "policy");
  alice.expect(/^policy: /, /Content.Security.Policy/i, /TrustedHTML/, /Refused|violates|blocked/i);
  const outcome = await alice.page.evaluate(async () => {
    const attempt = async (what) => { try { return (await what()) ?? "done"; } catch (error) { return error.name; } };
    return Promise.all([
      attempt(() => { document.body.innerHTML = "<b>x</b>"; }),
      attempt(() => { setTimeout("window.isRun = true", 0); }),
      attempt(() => fetch("http://127.0.0.1:1/")),
      attempt(() => { const s = document.createElement("script"); s.textContent = "window.isRun = true"; document.body.append(s); }),
      attempt(() => window.isRun),
      attempt(() => { const s = document.createElement("style"); s.textContent = "* { color: red }"; document.head.append(s); const n = s.sheet?.cssRules?.length ?? 0; s.remove(); return n; }),
    ]);
  });
  assert.deepEqual(outcome.map(String), ["TypeError", "TypeError", "TypeError", "TypeError", "done", "0"]);
});

stack.lastTest();
