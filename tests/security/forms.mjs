/* forms.mjs - requests that two servers could read differently: the tables
 *
 * Each row: a label, what must come of it at two places, and the bytes.  Most of them carry a second
 * request, a login under a name of its own, hidden in what one server might take for the body, or
 * right behind it. */

/* Refused: one answer of 4xx, 501 or 505, or none at all, and the connection is closed. */
export const NO = "no";
/* Read as one request.  What is hidden is its body, or is not looked at any more. */
export const ONE = "one";
/* Read as one request, which has an end that nobody can mistake: what follows is the next one. */
export const NEXT = "next";
/* Likewise, and the connection is closed behind its answer. */
export const LAST = "last";
/* Becomes a WebSocket, in which nothing is an HTTP request any more. */
export const UP = "up";
/* Refused, or what else it asks for is taken away (haproxy 3 does so with h2c) and a WebSocket is left. */
export const BARE = "bare";

const crlf = (...lines) => lines.join("\r\n") + "\r\n\r\n";

/* What a row is made from.  `on`: which service answers; `hidden` must never be served. */
export function words(on, marker) {
  const host = "Host: localhost";
  return {
    host, marker,
    get: on === "auth" ? "/session" : "/socket.io/?EIO=4&transport=websocket",
    post: on === "auth" ? "/logout/nobody" : "/socket.io/?EIO=4&transport=websocket",
    hidden: crlf(`GET /login/${marker} HTTP/1.1`, host),
    key: "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  };
}

const get = (w, ...headers) => crlf(`GET ${w.get} HTTP/1.1`, w.host, ...headers);
const post = (w, ...headers) => crlf(`POST ${w.post} HTTP/1.1`, w.host, ...headers);
const line = (w, first, ...headers) => crlf(first, w.host, ...headers);
const upgrade = (w, ...headers) => get(w, ...headers, w.key);
const WS = ["Connection: Upgrade", "Upgrade: websocket"];
const V13 = "Sec-WebSocket-Version: 13";
const H2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
const CHUNKED = "Transfer-Encoding: chunked";

/* What a gateway does not refuse or, through the door, has an end that nobody can mistake: the first
 * answer.  All other rows of SMUGGLING and LINES a gateway refuses: it has nothing for them. */
export const GATEWAY_NEXT = { direct: { OPTIONS: 204 }, door: { OPTIONS: 204, "Expect: something": 417 } };

/* What comes of a row at the neighbours of Debian 13, if not the same as at those of Debian 12, which
 * the tables tell: through haproxy 3, by who answers, and at libmicrohttpd 1 (at most one empty line). */
export const HAPROXY_3 = { auth: { "a chunk size of bare LF": NO }, gateway: { OPTIONS: LAST } };
export const MICROHTTPD_1 = { "lines of nothing": NO };

/* label, at auth-svc, through the door to auth-svc, bytes[, method].  What the door lets through to
 * auth-svc reads alike there. */
export const SMUGGLING = [
  ["two Content-Lengths, first 0", NO, NO, (w) => post(w, "Content-Length: 0", `Content-Length: ${w.hidden.length}`) + w.hidden],
  ["two Content-Lengths, last 0", NO, NO, (w) => post(w, `Content-Length: ${w.hidden.length}`, "Content-Length: 0") + w.hidden],
  ["two Content-Lengths, the same", NO, NEXT, (w) => post(w, "Content-Length: 0", "Content-Length: 0") + w.hidden],
  ["Content-Length: 5, 5", NO, NEXT, (w) => post(w, "Content-Length: 5, 5") + "12345" + w.hidden],
  ["Content-Length: 0, 5", NO, NO, (w) => post(w, "Content-Length: 0, 5") + "12345" + w.hidden],
  ["Content-Length: +5", NO, NO, (w) => post(w, "Content-Length: +5") + "12345" + w.hidden],
  ["Content-Length: -1", NO, NO, (w) => post(w, "Content-Length: -1") + w.hidden],
  ["Content-Length: 0x5", NO, NO, (w) => post(w, "Content-Length: 0x5") + "12345" + w.hidden],
  ["Content-Length: 5 5", NO, NO, (w) => post(w, "Content-Length: 5 5") + "12345" + w.hidden],
  ["Content-Length of 20 digits", NO, NO, (w) => post(w, "Content-Length: 18446744073709551621") + "12345" + w.hidden],
  ["Content-Length of 2^64", NO, NO, (w) => post(w, "Content-Length: 18446744073709551616") + w.hidden],
  ["Content-Length of 400 digits", NO, NO, (w) => post(w, `Content-Length: ${"9".repeat(400)}`) + w.hidden],
  ["Content-Length: empty", NO, NO, (w) => post(w, "Content-Length:") + w.hidden],
  ["Content-Length: a word", NO, NO, (w) => post(w, "Content-Length: five") + w.hidden],
  ["Content-Length: 5;", NO, NO, (w) => post(w, "Content-Length: 5;") + "12345" + w.hidden],
  ["Content-Length and chunked", NO, ONE, (w) => post(w, "Content-Length: 4", CHUNKED) + "0\r\n\r\n" + w.hidden],
  ["chunked and Content-Length", NO, ONE, (w) => post(w, CHUNKED, `Content-Length: ${5 + w.hidden.length}`) + "0\r\n\r\n" + w.hidden],
  ["chunked twice", NO, NO, (w) => post(w, CHUNKED, CHUNKED) + "0\r\n\r\n" + w.hidden],
  ["Transfer-Encoding: chunked, chunked", NO, NO, (w) => post(w, "Transfer-Encoding: chunked, chunked") + "0\r\n\r\n" + w.hidden],
  ["Transfer-Encoding: xchunked", NO, NO, (w) => post(w, "Transfer-Encoding: xchunked") + "0\r\n\r\n" + w.hidden],
  ["Transfer-Encoding: chunked, identity", NO, NO, (w) => post(w, "Transfer-Encoding: chunked, identity") + "0\r\n\r\n" + w.hidden],
  ["Transfer-Encoding: identity, chunked", NO, NO, (w) => post(w, "Transfer-Encoding: identity, chunked") + "0\r\n\r\n" + w.hidden],
  ["Transfer-Encoding: identity", NO, NO, (w) => post(w, "Transfer-Encoding: identity") + "0\r\n\r\n" + w.hidden],
  ["Transfer-Encoding: gzip, chunked", NO, NO, (w) => post(w, "Transfer-Encoding: gzip, chunked") + "0\r\n\r\n" + w.hidden],
  ["Transfer-Encoding: empty", NO, NO, (w) => post(w, "Transfer-Encoding:") + "0\r\n\r\n" + w.hidden],
  ["Transfer-Encoding: a tab before chunked", ONE, NEXT, (w) => post(w, "Transfer-Encoding:\tchunked") + "0\r\n\r\n" + w.hidden],
  ["Transfer-Encoding: a vertical tab before chunked", NO, NO, (w) => post(w, "Transfer-Encoding: \x0bchunked") + "0\r\n\r\n" + w.hidden],
  ["Transfer-Encoding: chunked and a NUL", NO, NO, (w) => post(w, "Transfer-Encoding: chunked\0") + "0\r\n\r\n" + w.hidden],
  ["Transfer-Encoding: \"chunked\"", NO, NO, (w) => post(w, 'Transfer-Encoding: "chunked"') + "0\r\n\r\n" + w.hidden],
  ["a space before the colon, length", NO, NO, (w) => post(w, `Content-Length : ${w.hidden.length}`) + w.hidden],
  ["a space before the colon, chunked", NO, NO, (w) => post(w, "Transfer-Encoding : chunked") + "0\r\n\r\n" + w.hidden],
  ["a space before the name", NO, NO, (w) => crlf(`POST ${w.post} HTTP/1.1`, " Content-Length: 5", w.host) + "12345" + w.hidden],
  ["a fold of a header", NO, NEXT, (w) => get(w, "X-Any: a\r\n b") + w.hidden],
  ["a fold that hides chunked", NO, NEXT, (w) => post(w, "X-Any: a\r\n Transfer-Encoding: chunked") + w.hidden],
  ["chunked behind a fold", NO, NEXT, (w) => post(w, "Transfer-Encoding:\r\n chunked") + "0\r\n\r\n" + w.hidden],
  ["bare LF in the head", NO, NEXT, (w) => get(w, "X-Any: a\nX-Other: b") + w.hidden],
  ["bare LF everywhere", NO, NEXT, (w) => get(w).replaceAll("\r", "") + w.hidden.replaceAll("\r", "")],
  ["bare LF before a hidden request", NO, NEXT, (w) => get(w, `X-Any: a\n\nGET /login/${w.marker} HTTP/1.1\nHost: localhost`)],
  ["bare CR in the head", NO, NO, (w) => get(w, "X-Any: a\rX-Other: b") + w.hidden],
  ["bare CR before a hidden request", NO, NO, (w) => get(w, `X-Any: a\r\rGET /login/${w.marker} HTTP/1.1\rHost: localhost`)],
  ["CR CR LF", NO, NO, (w) => get(w, "X-Any: a\r") + w.hidden],
  ["a NUL in a header's value", NO, NO, (w) => get(w, "X-Any: a\0b") + w.hidden],
  ["a NUL in a header's name", NO, NO, (w) => get(w, "X-A\0ny: a") + w.hidden],
  ["a NUL in the path", NO, NO, (w) => line(w, `GET ${w.get}\0x HTTP/1.1`) + w.hidden],
  ["%00 in the path", NO, NO, (w) => line(w, `GET /login/${w.marker}%00x HTTP/1.1`) + w.hidden],
  ["%00 in a path of Socket.IO", NO, NO, (w) => line(w, `GET /socket.io/%00 HTTP/1.1`) + w.hidden],
  ["a header without a name", NO, NO, (w) => get(w, ": a") + w.hidden],
  ["a header without a name before the length", NO, NO, (w) => post(w, ": a", "Content-Length: 0", `Content-Length: ${w.hidden.length}`) + w.hidden],
  ["a header without a colon", NO, NO, (w) => get(w, "X-Any") + w.hidden],
  ["a header name with a space", NO, NO, (w) => get(w, "X Any: a") + w.hidden],
  ["a header name with a byte above ASCII", NO, NO, (w) => get(w, "X-\xe9: a") + w.hidden],
  ["a control character in a value", NO, NO, (w) => get(w, "X-Any: a\x01b") + w.hidden],
  ["DEL in a value", NO, NO, (w) => get(w, "X-Any: a\x7fb") + w.hidden],
  ["underscores: Content_Length", ONE, NEXT, (w) => post(w, `Content_Length: ${w.hidden.length}`) + w.hidden],
  ["two Hosts", NO, NO, (w) => get(w, "Host: other") + w.hidden],
  ["two Hosts, the same", NO, NEXT, (w) => get(w, w.host) + w.hidden],
  ["no Host", NO, NO, (w) => crlf(`GET ${w.get} HTTP/1.1`, "X-Any: a") + w.hidden],
  ["an empty Host", NO, NO, (w) => crlf(`GET ${w.get} HTTP/1.1`, "Host:") + w.hidden],
  ["Host with a port", ONE, NEXT, (w) => crlf(`GET ${w.get} HTTP/1.1`, "Host: localhost:5000") + w.hidden],
  ["Host with a bad port", ONE, NO, (w) => crlf(`GET ${w.get} HTTP/1.1`, "Host: localhost:5000x") + w.hidden],
  ["Host with user information", ONE, NO, (w) => crlf(`GET ${w.get} HTTP/1.1`, "Host: me@localhost") + w.hidden],
  ["Host with a control character", NO, NO, (w) => crlf(`GET ${w.get} HTTP/1.1`, "Host: local\x01host") + w.hidden],
  ["Host with a path", ONE, NO, (w) => crlf(`GET ${w.get} HTTP/1.1`, "Host: localhost/login/x") + w.hidden],
  ["two names in Host", ONE, NO, (w) => crlf(`GET ${w.get} HTTP/1.1`, "Host: localhost, other") + w.hidden],
  ["a chunk with an extension", ONE, NEXT, (w) => post(w, CHUNKED) + "5;a=b\r\n12345\r\n0\r\n\r\n" + w.hidden],
  ["a chunk extension with a bare LF", NO, NO, (w) => post(w, CHUNKED) + "5;a\nb\r\n12345\r\n0\r\n\r\n" + w.hidden],
  ["a chunk size that overflows", NO, NO, (w) => post(w, CHUNKED) + "10000000000000005\r\n12345\r\n0\r\n\r\n" + w.hidden],
  ["a negative chunk size", NO, NO, (w) => post(w, CHUNKED) + "-5\r\n12345\r\n0\r\n\r\n" + w.hidden],
  ["a chunk size with 0x", NO, NO, (w) => post(w, CHUNKED) + "0x5\r\n12345\r\n0\r\n\r\n" + w.hidden],
  ["a chunk size with +", NO, NO, (w) => post(w, CHUNKED) + "+5\r\n12345\r\n0\r\n\r\n" + w.hidden],
  ["a chunk size with a space before", NO, NO, (w) => post(w, CHUNKED) + " 5\r\n12345\r\n0\r\n\r\n" + w.hidden],
  ["an empty chunk size", NO, NO, (w) => post(w, CHUNKED) + "\r\n12345\r\n0\r\n\r\n" + w.hidden],
  ["a chunk size of bare LF", ONE, NEXT, (w) => post(w, CHUNKED) + "5\n12345\r\n0\r\n\r\n" + w.hidden],
  ["a chunk longer than it says", NO, NO, (w) => post(w, CHUNKED) + "3\r\n12345\r\n0\r\n\r\n" + w.hidden],
  ["trailers with a Content-Length", ONE, NEXT, (w) => post(w, CHUNKED) + `0\r\nContent-Length: ${w.hidden.length}\r\n\r\n` + w.hidden],
  ["trailers with a Host", ONE, NEXT, (w) => post(w, CHUNKED) + "0\r\nHost: other\r\n\r\n" + w.hidden],
  ["chunked in HTTP/1.0", ONE, ONE, (w) => line(w, `POST ${w.post} HTTP/1.0`, CHUNKED) + "0\r\n\r\n" + w.hidden],
  ["a body on GET", ONE, ONE, (w) => get(w, `Content-Length: ${w.hidden.length}`) + w.hidden],
  ["a chunked body on GET", ONE, ONE, (w) => get(w, CHUNKED) + chunk(w.hidden) + "0\r\n\r\n"],
  ["a body on HEAD", NO, NO, (w) => line(w, `HEAD ${w.get} HTTP/1.1`, `Content-Length: ${w.hidden.length}`) + w.hidden, "HEAD"],
  ["Connection: close, then more", ONE, ONE, (w) => get(w, "Connection: close") + w.hidden],
  ["Connection: Content-Length", ONE, ONE, (w) => post(w, "Connection: Content-Length", `Content-Length: ${w.hidden.length}`) + w.hidden],
  ["Expect: 100-continue and a body at once", ONE, ONE, (w) => post(w, "Expect: 100-continue", `Content-Length: ${w.hidden.length}`) + w.hidden],
  ["Expect: something", ONE, NEXT, (w) => post(w, "Expect: something", "Content-Length: 5") + "12345" + w.hidden],
  ["HTTP/1.0", ONE, ONE, (w) => line(w, `GET ${w.get} HTTP/1.0`) + w.hidden],
];

/* The same columns: request lines, and sizes. */
export const LINES = [
  ["HTTP/0.9", NO, NO, (w) => `GET ${w.get}\r\n`],
  ["HTTP/9.9", NO, NO, (w) => line(w, `GET ${w.get} HTTP/9.9`) + w.hidden],
  ["HTTP/1.2", ONE, NO, (w) => line(w, `GET ${w.get} HTTP/1.2`) + w.hidden],
  ["HTTP/2.0 in the request line", NO, NO, (w) => line(w, `GET ${w.get} HTTP/2.0`) + w.hidden],
  ["http/1.1", NO, NO, (w) => line(w, `GET ${w.get} http/1.1`) + w.hidden],
  ["no version word", NO, NO, (w) => line(w, `GET ${w.get} 1.1`) + w.hidden],
  ["two spaces", NO, NEXT, (w) => line(w, `GET  ${w.get} HTTP/1.1`) + w.hidden],
  ["a tab for a space", NO, NEXT, (w) => line(w, `GET\t${w.get}\tHTTP/1.1`) + w.hidden],
  ["a space in the path", NO, NO, (w) => line(w, `GET ${w.get} x HTTP/1.1`) + w.hidden],
  ["a space before the method", NO, NO, (w) => line(w, ` GET ${w.get} HTTP/1.1`) + w.hidden],
  ["a byte above ASCII in the path", NO, NO, (w) => line(w, `GET ${w.get}\xe9 HTTP/1.1`) + w.hidden],
  ["a fragment", NO, NO, (w) => line(w, `GET ${w.get}#x HTTP/1.1`) + w.hidden],
  ["absolute-form", NO, NO, (w) => line(w, `GET http://localhost${w.get} HTTP/1.1`) + w.hidden],
  ["absolute-form of another host", NO, NO, (w) => line(w, `GET http://other${w.get} HTTP/1.1`) + w.hidden],
  ["a path without a slash", NO, NO, (w) => line(w, `GET session HTTP/1.1`) + w.hidden],
  ["CONNECT", NO, NO, (w) => crlf("CONNECT localhost:22 HTTP/1.1", "Host: localhost:22") + w.hidden],
  ["CONNECT with a path", NO, NO, (w) => line(w, `CONNECT ${w.get} HTTP/1.1`) + w.hidden],
  ["TRACE", NO, NO, (w) => line(w, `TRACE ${w.get} HTTP/1.1`) + w.hidden],
  ["OPTIONS *", NO, NO, (w) => line(w, "OPTIONS * HTTP/1.1") + w.hidden],
  ["GET *", NO, NO, (w) => line(w, "GET * HTTP/1.1") + w.hidden],
  ["PUT", NO, NO, (w) => line(w, `PUT ${w.get} HTTP/1.1`, "Content-Length: 0") + w.hidden],
  ["DELETE", NO, NO, (w) => line(w, `DELETE ${w.get} HTTP/1.1`) + w.hidden],
  ["a method nobody knows", NO, NO, (w) => line(w, `PROPFIND ${w.get} HTTP/1.1`) + w.hidden],
  ["get", NO, NO, (w) => line(w, `get ${w.get} HTTP/1.1`) + w.hidden],
  ["a method of 10,000 letters", NO, NO, (w) => line(w, `${"G".repeat(10_000)} ${w.get} HTTP/1.1`) + w.hidden],
  ["HEAD", NO, NO, (w) => line(w, `HEAD ${w.get} HTTP/1.1`) + w.hidden, "HEAD"],
  ["OPTIONS", NO, NO, (w) => line(w, `OPTIONS ${w.get} HTTP/1.1`) + w.hidden],
  ["a TLS hello", NO, NO, () => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x55".repeat(506)],
  ["an empty line first", ONE, ONE, (w) => "\r\n" + get(w)],
  ["lines of nothing", ONE, ONE, (w) => "\r\n".repeat(5000) + get(w)],
  ["a header of 100 KB", NO, NO, (w) => get(w, `X-Any: ${"a".repeat(100_000)}`) + w.hidden],
  ["a header of 20 KB", ONE, NO, (w) => get(w, `X-Any: ${"a".repeat(20_000)}`) + w.hidden],
  ["5,000 headers", NO, NO, (w) => get(w, ...Array.from({ length: 5000 }, (_, i) => `X-${i}: a`)) + w.hidden],
  ["a path of 100 KB", NO, NO, (w) => line(w, `GET /login/${"a".repeat(100_000)} HTTP/1.1`) + w.hidden],
  ["a cookie of 1 MB", NO, NO, (w) => get(w, `Cookie: a=${"a".repeat(1_000_000)}`) + w.hidden],
  ["1,000 arguments", NO, NO, (w) => line(w, `GET ${w.get.split("?")[0]}?${"a=b&".repeat(1000)} HTTP/1.1`) + w.hidden],
  ["the same argument twice", ONE, ONE, (w) => line(w, `GET ${w.get.split("?")[0]}?a=b&a=c HTTP/1.1`)],
];

/* label, at a gateway, through the door to a gateway, bytes[, method] */
export const UPGRADES = [
  ["a good one", UP, UP, (w) => upgrade(w, ...WS, V13) + w.hidden],
  ["WebSocket in other case", UP, UP, (w) => upgrade(w, "Connection: upgrade", "Upgrade: WebSocket", V13) + w.hidden],
  ["h2c", NO, NO, (w) => upgrade(w, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA") + w.hidden],
  ["h2c without settings", NO, NO, (w) => upgrade(w, "Connection: Upgrade", "Upgrade: h2c") + w.hidden],
  ["h2c, websocket", NO, BARE, (w) => upgrade(w, "Connection: Upgrade", "Upgrade: h2c, websocket", V13) + w.hidden],
  ["websocket, h2c", NO, BARE, (w) => upgrade(w, "Connection: Upgrade", "Upgrade: websocket, h2c", V13) + w.hidden],
  ["two Upgrades", NO, BARE, (w) => upgrade(w, "Connection: Upgrade", "Upgrade: h2c", "Upgrade: websocket", V13) + w.hidden],
  ["two Upgrades, the same", NO, NO, (w) => upgrade(w, ...WS, "Upgrade: websocket", V13) + w.hidden],
  ["websocket and a comma", NO, BARE, (w) => upgrade(w, "Connection: Upgrade", "Upgrade: websocket,", V13) + w.hidden],
  ["an empty Upgrade", NO, NO, (w) => upgrade(w, "Connection: Upgrade", "Upgrade:", V13) + w.hidden],
  ["websocket/13", NO, NO, (w) => upgrade(w, "Connection: Upgrade", "Upgrade: websocket/13", V13) + w.hidden],
  ["websocketx", NO, NO, (w) => upgrade(w, "Connection: Upgrade", "Upgrade: websocketx", V13) + w.hidden],
  ["TLS/1.0", NO, NO, (w) => upgrade(w, "Connection: Upgrade", "Upgrade: TLS/1.0", V13) + w.hidden],
  ["version 777", NO, NO, (w) => upgrade(w, ...WS, "Sec-WebSocket-Version: 777") + w.hidden],
  ["version 8", NO, NO, (w) => upgrade(w, ...WS, "Sec-WebSocket-Version: 8") + w.hidden],
  ["version 013", NO, NO, (w) => upgrade(w, ...WS, "Sec-WebSocket-Version: 013") + w.hidden],
  ["no version", NO, NO, (w) => upgrade(w, ...WS) + w.hidden],
  ["version twice", NO, NO, (w) => upgrade(w, ...WS, V13, V13) + w.hidden],
  ["version 13, 14", NO, NO, (w) => upgrade(w, ...WS, "Sec-WebSocket-Version: 13, 14") + w.hidden],
  ["no key", NO, NO, (w) => get(w, ...WS, V13) + w.hidden],
  ["a short key", NO, NO, (w) => get(w, ...WS, V13, "Sec-WebSocket-Key: x") + w.hidden],
  ["two keys", NO, NO, (w) => upgrade(w, ...WS, V13, "Sec-WebSocket-Key: BAAAAAAAAAAAAAAAAAAAAA==") + w.hidden],
  ["without Connection", NO, NO, (w) => upgrade(w, "Upgrade: websocket", V13) + w.hidden],
  ["Connection: close", NO, NO, (w) => upgrade(w, "Connection: close", "Upgrade: websocket", V13) + w.hidden],
  ["Connection without Upgrade", NO, NO, (w) => upgrade(w, "Connection: Upgrade", V13) + w.hidden],
  ["by POST", NO, NO, (w) => line(w, `POST ${w.get} HTTP/1.1`, ...WS, V13, w.key) + w.hidden],
  ["by POST with a body", NO, NO, (w) => line(w, `POST ${w.get} HTTP/1.1`, ...WS, V13, w.key, `Content-Length: ${w.hidden.length}`) + w.hidden],
  ["by HEAD", NO, NO, (w) => line(w, `HEAD ${w.get} HTTP/1.1`, ...WS, V13, w.key) + w.hidden, "HEAD"],
  ["with a length", NO, NO, (w) => upgrade(w, ...WS, V13, `Content-Length: ${w.hidden.length}`) + w.hidden],
  ["with a length of 0", UP, UP, (w) => upgrade(w, ...WS, V13, "Content-Length: 0") + w.hidden],
  ["with chunks", NO, NO, (w) => upgrade(w, ...WS, V13, CHUNKED) + chunk(w.hidden) + "0\r\n\r\n"],
  ["in HTTP/1.0", NO, NO, (w) => line(w, `GET ${w.get} HTTP/1.0`, ...WS, V13, w.key) + w.hidden],
  ["the preface of HTTP/2", NO, NO, (w) => H2 + w.hidden],
  ["Upgrade with a space before the colon", NO, NO, (w) => upgrade(w, "Connection: Upgrade", "Upgrade : h2c") + w.hidden],
  ["Upgrade behind a fold", NO, NO, (w) => upgrade(w, "Connection: Upgrade", "Upgrade:\r\n h2c") + w.hidden],
  ["to the client's file", NO, NO, (w) => line(w, "GET /socket.io/socket.io.min.js HTTP/1.1", ...WS, V13, w.key) + w.hidden],
  ["to the page", NO, NO, (w) => line(w, "GET / HTTP/1.1", ...WS, V13, w.key) + w.hidden],
  ["to a file of the page", NO, NO, (w) => line(w, "GET /web/app.js HTTP/1.1", ...WS, V13, w.key) + w.hidden],
  ["to another path", NO, NO, (w) => line(w, "GET /socket.io/x HTTP/1.1", ...WS, V13, w.key) + w.hidden],
];
