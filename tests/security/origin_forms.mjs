/* origin_forms.mjs - ways to write an Origin header, and which of them may use us
 *
 * The verdicts are written by hand: "absent", "own", "listed" or "foreign". */
export const FRIEND = "https://friend.example";
export const FRIEND_PORT = "http://friend.example:8080";
export const ALLOWED = `${FRIEND}, ${FRIEND_PORT}`;

/* `base` is the door as the request uses it, "http://127.0.0.1:5000". */
export function originForms(base) {
  const { protocol, hostname: host, port } = new URL(base);
  const scheme = protocol.slice(0, -1);
  const other = scheme === "http" ? "https" : "http";
  const at = (h, p = port) => `${scheme}://${h}:${p}`;
  return [
    /* label, value (undefined: no header), verdict */
    ["absent", undefined, "absent"],
    ["own", at(host), "own"],
    ["own, scheme in capitals", `${scheme.toUpperCase()}://${host}:${port}`, "own"],
    ["listed", FRIEND, "listed"],
    ["listed, with the default port", `${FRIEND}:443`, "listed"],
    ["listed, in capitals", "HTTPS://Friend.EXAMPLE", "listed"],
    ["listed, with a port", FRIEND_PORT, "listed"],

    ["null", "null", "foreign"],
    ["NULL", "NULL", "foreign"],
    ["another", "http://evil.example", "foreign"],
    ["another on our port", at("evil.example"), "foreign"],
    ["a star", "*", "foreign"],
    ["a word", "undefined", "foreign"],

    ["own as a prefix of a name", at(`${host}.evil.example`), "foreign"],
    ["own and its port as a prefix of a name", `${at(host)}.evil.example`, "foreign"],
    ["own as a suffix of a name", at(`evil${host}`), "foreign"],
    ["listed as a prefix", `${FRIEND}.evil.example`, "foreign"],
    ["listed as a prefix, without a dot", `${FRIEND}evil`, "foreign"],
    ["listed as a suffix", "https://evilfriend.example", "foreign"],
    ["below the listed one", "https://sub.friend.example", "foreign"],
    ["above the listed one", "https://example", "foreign"],
    ["another's path that holds ours", `http://evil.example/${at(host)}`, "foreign"],
    ["another's query that holds ours", `http://evil.example?${FRIEND}`, "foreign"],

    ["another port", at(host, Number(port) + 1), "foreign"],
    ["no port", `${scheme}://${host}`, "foreign"],
    ["an empty port", `${scheme}://${host}:`, "foreign"],
    ["a port with a zero in front", at(host, `0${port}`), "foreign"],
    ["a port that wraps to ours", at(host, Number(port) + 65536), "foreign"],
    ["a port twice", at(host, `${port}:${port}`), "foreign"],
    ["the listed one's other port", "https://friend.example:8080", "foreign"],
    ["the listed one without its port", "http://friend.example", "foreign"],

    ["the other scheme", `${other}://${host}:${port}`, "foreign"],
    ["the scheme of WebSocket", `${scheme === "http" ? "ws" : "wss"}://${host}:${port}`, "foreign"],
    ["no scheme", `${host}:${port}`, "foreign"],
    ["no scheme but slashes", `//${host}:${port}`, "foreign"],
    ["a scheme alone", `${scheme}://`, "foreign"],
    ["a file", "file://", "foreign"],
    ["an extension", "chrome-extension://abcdefghijklmnop", "foreign"],

    ["a dot behind the host", at(`${host}.`), "foreign"],
    ["a dot behind the listed host", `${FRIEND}.`, "foreign"],
    ["a slash behind it", `${at(host)}/`, "foreign"],
    ["a path behind it", `${at(host)}/login`, "foreign"],
    ["a query behind it", `${at(host)}?`, "foreign"],
    ["a fragment behind it", `${at(host)}#`, "foreign"],
    ["backslashes", `${scheme}:\\\\${host}:${port}`, "foreign"],
    ["a backslash behind the listed one", `${FRIEND}\\.evil.example`, "foreign"],

    ["ours as user and password of another", `${at(host)}@evil.example`, "foreign"],
    ["a user in front of ours", `${scheme}://a@${host}:${port}`, "foreign"],
    ["a user in front of the listed one", "https://a:b@friend.example", "foreign"],

    ["localhost", at("localhost"), "foreign"],
    ["IPv6", at("[::1]"), "foreign"],
    ["IPv6 without brackets", at("::1"), "foreign"],
    ["our address as IPv6", at("[::ffff:127.0.0.1]"), "foreign"],
    ["our address as IPv6 in hex", at("[::ffff:7f00:1]"), "foreign"],
    ["our address in two parts", at("127.1"), "foreign"],
    ["our address as one number", at("2130706433"), "foreign"],
    ["our address in hex", at("0x7f.0.0.1"), "foreign"],

    ["ours twice", `${at(host)} ${at(host)}`, "foreign"],
    ["ours and another", `${at(host)}, http://evil.example`, "foreign"],
    ["the list itself", ALLOWED, "foreign"],
    ["a tab within", `${scheme}://127.0.0.1\t:${port}`, "foreign"],
    ["percent encoding", "https://friend%2eexample", "foreign"],
    ["an encoded NUL", `${FRIEND}%00.evil.example`, "foreign"],
    ["a byte above ASCII", "https://fri\u00e9nd.example", "foreign"],
    ["4,000 bytes", `http://${"a".repeat(4000 - 7)}`, "foreign"],
  ];
}

/* The address in a Host header, and pages of it or not: [Host, Origin, verdict], over plain http. */
export const HOST_FORMS = [
  ["chat.example", "http://chat.example", "own"],
  ["chat.example", "http://chat.example:80", "own"],
  ["chat.example:80", "http://chat.example", "own"],
  ["Chat.Example", "http://chat.example", "own"],
  ["chat.example:5000", "http://chat.example:5000", "own"],
  ["[::1]:5000", "http://[::1]:5000", "own"],
  ["[2001:DB8::1]", "http://[2001:db8::1]", "own"],
  ["[::1]", "http://[::1]", "own"],
  ["[::1]", "http://[::1].evil.example", "foreign"],
  ["[::1]", "http://[::1]evil.example", "foreign"],
  ["chat.example", "https://chat.example", "foreign"],
  ["chat.example", "http://chat.example:5000", "foreign"],
  ["chat.example:5000", "http://chat.example", "foreign"],
  ["chat.example:443", "https://chat.example", "foreign"],
  ["[::1]:5000", "http://::1:5000", "foreign"],
  ["[::1]:5000", "http://[::1]:5001", "foreign"],
  ["[::1]:5000", "http://[::1%25lo]:5000", "foreign"],
  ["chat.example", "http://evil.example", "foreign"],
];

/* Many requests, some at a time; none is begun after one has failed. */
export async function eachOf(items, run, width = 12) {
  const rest = items.values();
  let failed = false;
  await Promise.all(Array.from({ length: width }, async () => {
    for (const item of rest) {
      if (failed) {
        return;
      }
      await run(item).catch((err) => {
        failed = true;
        throw err;
      });
    }
  }));
}
