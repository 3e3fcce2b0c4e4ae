/* texts.js - says things in the language of the reader; a language is a file in lang/ */

const FIRST_STRONG_ISOLATE = "\u2068";
const POP_ISOLATE = "\u2069";

/* `language`: {code, dir, texts}; `locale`: how numbers and times are written.  Returns say(key, values): the text with its {placeholders}
 * filled in; a text in several forms, {one, other}, is chosen by values.count. */
export function speaker(language, locale = language.code) {
  const plural = new Intl.PluralRules(language.code);
  const number = new Intl.NumberFormat(locale);
  const list = new Intl.ListFormat(language.code, { type: "conjunction" });
  const shown = (value) => (typeof value === "number" ? number.format(value) : isolated(String(value)));

  function say(key, values = {}) {
    const text = language.texts[key];
    if (text === undefined) {
      throw new Error(`no text ${key} in ${language.code}`);
    }
    const form = typeof text === "string" ? text : (text[plural.select(values.count)] ?? text.other);
    return form.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
  }
  say.list = (names) => list.format(names);
  say.locale = locale;
  say.has = (key) => language.texts[key] !== undefined;
  return say;
}

/* What may be written from right to left must not turn the sentence around it. */
function isolated(value) {
  return /[^\u0000-\u024f]/.test(value) ? FIRST_STRONG_ISOLATE + value + POP_ISOLATE : value;
}

/* {language, locale}: the first of the reader's languages that we have, as his region writes it;
 * else the first that we have. */
export function choose(languages, wanted) {
  for (const locale of wanted) {
    const language = languages.find(({ code }) => code === locale.toLowerCase().split("-")[0]);
    if (language) {
      return { language, locale };
    }
  }
  return { language: languages[0], locale: languages[0].code };
}
