/* browser.mjs - people who use the page: headless Chromium on a stack of this file's own
 *
 * Each person has a browser context of his own (cookies, storage).  What no page may do - break its
 * policy, throw, complain on the console - is collected and fails the test that it happened in.
 * PARLEY_SHOTS=FOLDER keeps the pictures that tests take. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before } from "node:test";
import { chromium } from "playwright-core";
import { until, WAIT_MS } from "./wait.mjs";

const SHOTS = process.env.PARLEY_SHOTS;
const ARGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
/* The browser itself notes each answer that is an error, also those that the page expects. */
const EXPECTED = /^Failed to load resource: /;

/* A browser for this file.  Returns scene(t), which has open(base, options) -> Person. */
export function useBrowser() {
  const state = {};
  before(async () => {
    /* With a profile folder of its own, which goes when it is closed. */
    state.browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGS });
  });
  after(() => state.browser?.close());
  return (t) => new Scene(t, state);
}

class Scene {
  #state;
  #people = [];

  constructor(t, state) {
    this.#state = state;
    t.after(() => this.#end());
  }

  /* A browser window at that address; `base` is the door's or a gateway's. */
  async open(base, options = {}) {
    const context = await this.#state.browser.newContext({
      viewport: { width: 1280, height: 800 }, locale: "en-GB", colorScheme: "light", ignoreHTTPSErrors: true, ...options,
    });
    context.setDefaultTimeout(WAIT_MS);
    const person = new Person(context, base);
    this.#people.push(person);
    await person.tab();
    return person;
  }

  /* Somebody signed in at the stack's door. */
  async enter(stack, name, options = {}) {
    const person = await this.open(stack.door, options);
    await person.signIn(name);
    return person;
  }

  /* Two people whom different gateways serve: the door decides, so the second tries until it does. */
  async two(stack, one, other, options = {}) {
    const [a, b] = [await this.enter(stack, one, options), await this.enter(stack, other, options)];
    const [at] = await stack.servedBy(one);
    await until(`${other} is served by another gateway than ${one}`, async () => {
      const ids = await stack.servedBy(other);
      if (ids.length === 1 && ids[0] !== at) {
        return true;
      }
      await b.page.reload();
      await b.online();
      return false;
    });
    return [a, b];
  }

  async #end() {
    const complaints = this.#people.flatMap((person) => person.complaints);
    await Promise.all(this.#people.map((person) => person.context.close()));
    assert.deepEqual(complaints, [], "no page broke its policy, threw or complained");
  }
}

export class Person {
  complaints = [];
  #unanswered = new Set(); /* requests */
  page; /* the first tab */

  constructor(context, base) {
    this.context = context;
    this.base = base;
  }

  /* One more tab of this browser. */
  async tab() {
    const page = await this.context.newPage();
    this.page ??= page;
    page.on("dialog", (dialog) => dialog.accept()); /* leaving although something is unsent */
    page.on("request", (request) => this.#unanswered.add(request));
    for (const end of ["requestfinished", "requestfailed"]) {
      page.on(end, (request) => this.#unanswered.delete(request));
    }
    page.on("pageerror", (error) => this.complaints.push(`error: ${error.stack ?? error}`));
    page.on("console", (line) => {
      if (["error", "warning"].includes(line.type()) && !this.#isExpected(line.text())) {
        this.complaints.push(`console: ${line.text()}`);
      }
    });
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
    });
    await page.goto(this.base);
    return page;
  }

  /* What a test brings about, such as a network that is cut, may be complained of: a pattern for each. */
  expect(...patterns) { this.expected = [...(this.expected ?? []), ...patterns]; }
  #isExpected(text) { return [EXPECTED, ...(this.expected ?? [])].some((pattern) => pattern.test(text)); }

  /* ---- Doing ---- */

  async signIn(name) {
    this.name = name;
    await this.#wait(this.page, "#sign-in:not([hidden])");
    await this.page.fill("#name", name);
    await this.page.click("#sign-in-button");
    await this.online();
  }
  async signOut(page = this.page) {
    await page.click("#menu-button");
    await page.click("#sign-out");
    await page.waitForSelector("#sign-in:not([hidden])");
  }
  online(page = this.page) { return this.#wait(page, '#connection[data-state="online"]'); }

  /* If it does not come, says what may have kept it. */
  async #wait(page, selector) {
    await page.waitForSelector(selector).catch((error) => {
      throw new Error(`${error.message}\nunanswered: ${[...this.#unanswered].map((r) => r.url()).join(" ") || "nothing"}; complaints: ${this.complaints.join("; ") || "none"}`);
    });
  }

  /* Types it and presses Enter. */
  async say(text, page = this.page) {
    await page.fill("#text", text);
    await page.press("#text", "Enter");
  }

  /* ---- Seeing ---- */

  /* Until whatever has happened so far is drawn: the page does that once for each frame. */
  async drawn(page = this.page) { await page.evaluate(() => document.hidden || new Promise(requestAnimationFrame)); }
  async #all(page, selector, look) {
    await this.drawn(page);
    return page.$$eval(selector, look);
  }

  /* The messages, as {state, own, private, text, reason, ...}. */
  rows(page = this.page) {
    return this.#all(page, '#messages .row[data-kind="message"]', (rows) => rows.map((row) => ({
      text: row.querySelector(".text").textContent, state: row.dataset.state, own: row.dataset.own === "true", private: row.dataset.private === "true",
      messageId: row.dataset.messageId, clientId: row.dataset.clientId, sender: row.querySelector(".sender")?.textContent,
      label: row.querySelector(".private")?.textContent, reason: row.querySelector(".reason")?.textContent,
    })));
  }
  async texts(page = this.page) { return (await this.rows(page)).map(({ text }) => text); }
  notes(page = this.page) { return this.#all(page, "#messages .note", (notes) => notes.map((note) => note.textContent)); }
  users(page = this.page) { return this.#all(page, "#users .user", (users) => users.map((user) => user.dataset.name)); }

  /* The row of a message with that text in that state. */
  row(text, state, page = this.page) {
    const rows = page.locator(`#messages .row${state ? `[data-state="${state}"]` : ""}`);
    return rows.filter({ has: page.locator(".text", { hasText: new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`) }) });
  }
  async sees(text, state, page = this.page) { await this.row(text, state, page).first().waitFor(); }

  /* What is in the middle of that box, and where, when it stands still: the text of the row and its
   * place.  Whoever reads there wants it to stay. */
  async middle(id) {
    const look = async () => {
      await this.drawn();
      return this.page.evaluate((box) => {
        const { left, top, width, height } = document.getElementById(box).getBoundingClientRect();
        const row = document.elementsFromPoint(left + width / 2, top + height / 2).map((e) => e.closest(".row, .user")).find(Boolean);
        return row && `${row.textContent} ${Math.round(row.getBoundingClientRect().top)}`;
      }, id);
    };
    return until(`${id} stands still`, async () => {
      const before = await look();
      return before !== undefined && before === await look() && before;
    });
  }

  /* A picture, if they are wanted. */
  async shot(name, page = this.page) {
    if (SHOTS) {
      await mkdir(SHOTS, { recursive: true });
      await page.screenshot({ path: join(SHOTS, `${name}.png`) });
    }
  }
}
