/* links.test.mjs - what becomes a link in a text, and what never does */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pieces } from "../../client/web/core/links.js";

const links = (text) => pieces(text).filter((piece) => piece.href).map((piece) => piece.text);

const TABLE = [
  ["see https://a.example/x", ["https://a.example/x"]],
  ["http://a.example", ["http://a.example"]],
  ["HTTPS://A.example/Path", ["HTTPS://A.example/Path"]],
  ["(https://a.example/x).", ["https://a.example/x"]],
  ["https://a.example/wiki/C_(language), yes", ["https://a.example/wiki/C_(language)"]],
  ["[https://a.example/a]", ["https://a.example/a"]],
  ["https://a.example/?a=1&b=2#c!", ["https://a.example/?a=1&b=2#c"]],
  ["https://a.example... and https://b.example?", ["https://a.example", "https://b.example"]],
  ["\"https://a.example\"", ["https://a.example"]],
  ["<https://a.example>", ["https://a.example"]],
  ["https://[::1]:8080/x", ["https://[::1]:8080/x"]],
  ["https://müller.example/ü", ["https://müller.example/ü"]],
  ["https://a.example/👋", ["https://a.example/👋"]],
  ["javascript:alert(1)", []],
  ["JaVaScRiPt:alert(1)//http://", []],
  ["data:text/html,<script>1</script>", []],
  ["vbscript:x file:///etc/passwd ftp://a.example blob:https", []],
  ["see www.debian.org, WWW.debian.org/a?b#c or (www.debian.org).", ["www.debian.org", "WWW.debian.org/a?b#c", "www.debian.org"]],
  ["a.example www.example www. www.. www..example www", []],
  ["me@www.a.example x.www.a.example xwww.a.example /www.a.example -www.a.example", []],
  ["https://a.example/www.b.example", ["https://a.example/www.b.example"]],
  ["www.good.example@evil.example", []],
  ["www.a.example\u202egnp.exe", ["www.a.example"]],
  ["https://", []],
  ["http://?", []],
  ["https://good.example@evil.example/", []],
  ["https://user:password@evil.example/", []],
  ["https://a.example:99999/", []],
  ["xhttps://a.example", []],
  ["https://a.example/\u202egnp.exe", ["https://a.example/"]],
  ["https://a.example/\u0000x", ["https://a.example/"]],
  ["https://a\u200b.example", ["https://a"]],
];
for (const [text, wanted] of TABLE) {
  test(`${JSON.stringify(text)}: ${wanted.length} links`, () => {
    assert.deepEqual(links(text), wanted);
    assert.equal(pieces(text).map((piece) => piece.text).join(""), text, "no character is lost");
    pieces(text).filter((piece) => piece.href).forEach((piece) => assert.match(piece.href, /^https?:\/\/[^@]/));
  });
}

test("www. is meant as https", () => {
  assert.deepEqual(pieces("www.debian.org/x").map(({ href }) => href), ["https://www.debian.org/x"]);
});

test("a text full of addresses gets a bounded number of links, and loses nothing", () => {
  const text = "https://a.example/x ".repeat(2000);
  assert.equal(links(text).length, 50);
  assert.equal(pieces(text).map((piece) => piece.text).join(""), text);
});
