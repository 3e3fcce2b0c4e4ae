/* texts.test.mjs - every language says everything, with the same placeholders; nothing unsaid is used */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { choose, speaker } from "../../client/web/core/texts.js";
import en from "../../client/web/lang/en.js";

const WEB = fileURLToPath(new URL("../../client/web", import.meta.url));
const files = readdirSync(join(WEB, "lang"));
const languages = await Promise.all(files.map(async (name) => ({ name, ...(await import(join(WEB, "lang", name))).default })));

const forms = (text) => (typeof text === "string" ? [text] : Object.values(text));
const placeholders = (text) => [...new Set(forms(text).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();

test("there are at least English and German, and app.js knows each", () => {
  const app = readFileSync(join(WEB, "app.js"), "utf8");
  assert.ok(files.includes("en.js") && files.includes("de.js"));
  files.forEach((name) => assert.ok(app.includes(`"./lang/${name}"`), name));
});

for (const { name, code, dir, texts } of languages) {
  test(`${name}: all keys, all placeholders, all plural forms, no empty text`, () => {
    assert.equal(`${code}.js`, name);
    assert.ok(dir === "ltr" || dir === "rtl");
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(en.texts).sort());
    const categories = new Intl.PluralRules(code).resolvedOptions().pluralCategories;
    for (const [key, text] of Object.entries(texts)) {
      assert.deepEqual(placeholders(text), placeholders(en.texts[key]), key);
      assert.ok(forms(text).every((form) => form.trim() !== ""), key);
      assert.equal(typeof text, typeof en.texts[key], key);
      if (typeof text !== "string") {
        assert.deepEqual(Object.keys(text).sort(), [...categories].sort(), key);
      }
    }
  });
}

/* Keys stand in the sources as strings, in whole or, as `prefix.${...}`, by their beginning. */
const sources = readdirSync(WEB, { recursive: true }).filter((name) => /^(?!lang|socket\.io).*\.(js|html)$/.test(name)).map((name) => readFileSync(join(WEB, name), "utf8")).join("\n");

test("every text that the sources name is there, and every text that is there is named", () => {
  const named = [...sources.matchAll(/(?:say\(|say\.has\(|data-(?:text|label|placeholder)=|hint\()"([a-z_.]+)"/g)].map((match) => match[1]);
  assert.ok(named.length > 40, `${named.length}`);
  named.forEach((key) => assert.ok(en.texts[key] !== undefined, key));
  const beginnings = [...sources.matchAll(/`([a-z_]+\.)\$\{/g)].map((match) => match[1]);
  for (const key of Object.keys(en.texts)) {
    assert.ok(sources.includes(`"${key}"`) || beginnings.some((start) => key.startsWith(start)) || /^(retry|edit|discard)$/.test(key), `nobody says ${key}`);
  }
});

test("texts are filled in: names, numbers, forms", () => {
  const say = speaker(en);
  assert.equal(say("new_messages", { count: 1 }), "1 new message");
  assert.equal(say("new_messages", { count: 12_345 }), "12,345 new messages");
  assert.equal(say("private.to", { name: "bob" }), "Private to bob");
  assert.equal(say("announce.one", { name: "bob", text: "{name}" }), "bob: {name}", "what was filled in is not filled in again");
  assert.equal(say("announce.one", { name: "bob", text: "שלום" }), "bob: \u2068שלום\u2069", "isolated");
  assert.throws(() => say("no.such.text"), /no text/);
});

test("the first language of the reader that there is, as his region writes it", () => {
  const chosen = (...wanted) => { const { language, locale } = choose(languages.sort((a, b) => b.code.localeCompare(a.code)), wanted); return `${language.code} ${locale}`; };
  assert.equal(chosen("de-AT", "en"), "de de-AT");
  assert.equal(chosen("fr", "en-GB", "de"), "en en-GB");
  assert.equal(chosen("fr"), "en en");
  assert.equal(chosen(), "en en");
});
