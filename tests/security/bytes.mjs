/* bytes.mjs - a peer that sends exactly the bytes of a test, and counts the answers
 *
 * Text is latin1 here: one character is one byte, and nothing is repaired on the way. */
import net from "node:net";
import tls from "node:tls";
import { tlsOptions } from "../support/http.mjs";

const WAIT_MS = 20_000;

/* The first whole answer in `text`: {status, head, body, rest}.  An answer to HEAD announces a body
 * that does not come; one without a length ends with the connection. */
function firstAnswer(text, { method, closed }) {
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end);
  const status = Number(/^HTTP\/1\.[01] (\d{3})[ \r]/.exec(head)?.[1]);
  if (end < 0 || !status) {
    return undefined;
  }
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const after = text.slice(end + 4);
  const none = status < 200 || status === 204 || method === "HEAD";
  const size = none ? 0 : length === undefined ? (closed ? after.length : Infinity) : Number(length);
  return after.length < size ? undefined : { status, head, body: after.slice(0, size), rest: after.slice(size) };
}

/* All whole answers, without 100 Continue; what follows 101 is none. */
export function answersIn(text, how = {}) {
  const found = [];
  for (let next = firstAnswer(text, how); next; next = firstAnswer(next.rest, how)) {
    if (next.status !== 100) {
      found.push(next);
    }
    if (next.status === 101) {
      break;
    }
  }
  return found;
}

/* One connection.  `to`: {port, host, tls, ca, alpn, from}; `from`: the address that we come from; `ca`:
 * the certificate to trust, if not the stack's. */
export class Line {
  text = "";
  closed = false;
  #look = () => {};

  constructor(to, method = "GET") {
    const options = { port: to.port, host: to.host ?? "127.0.0.1", localAddress: to.from };
    this.method = method;
    this.socket = to.tls ? tls.connect({ ...options, ...(to.ca ? { ca: to.ca } : tlsOptions()), ALPNProtocols: to.alpn }) : net.connect(options);
    this.socket.setNoDelay(true);
    this.ready = new Promise((resolve) => { ["secureConnect", "close"].concat(to.tls ? [] : "connect").forEach((event) => this.socket.once(event, resolve)); });
    this.socket.on("data", (chunk) => { this.text += chunk.toString("latin1"); this.#look(); });
    for (const event of ["end", "close", "error"]) {
      this.socket.on(event, () => { this.closed = true; this.#look(); });
    }
  }

  send(text) {
    return this.closed || this.socket.write(Buffer.from(text, "latin1"));
  }
  get answers() {
    return answersIn(this.text, this);
  }

  /* Resolves to the answers when there are `count` of them, or the connection has ended. */
  wait(count = Infinity) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not within ${WAIT_MS} ms: ${count === Infinity ? "the end of the connection" : `${count} answers`}; came: ${JSON.stringify(this.text.slice(0, 300))}`)), WAIT_MS);
      this.#look = () => {
        if (this.closed || this.answers.length >= count) {
          clearTimeout(timer);
          resolve(this.answers);
        }
      };
      this.#look();
    });
  }
  close() {
    this.socket.destroy();
  }
}

/* Sends that, resolves to all answers until the connection ends. */
export async function askToTheEnd(to, text, method) {
  const line = new Line(to, method);
  line.send(text);
  const answers = await line.wait();
  line.close();
  return answers;
}
