/* ws.mjs - the same chat on nothing but the `ws` package: plain JSON over WebSockets
 *
 * Speaks the dialect `plain` of the load generator.  PORT: where it listens on 127.0.0.1.
 * LIST=1: tells who comes and goes, and everybody the list.  Says "ready" when it can be reached. */
import { WebSocketServer } from "ws";

const PING_MS = 25_000;
const lists = process.env.LIST === "1";
const users = new Map();
let messages = 0;

const say = (socket, value) => socket.send(JSON.stringify(value));

function sayAll(value) {
  const text = JSON.stringify(value); /* once */
  for (const socket of users.values()) {
    socket.send(text);
  }
}

function logIn(socket, name) {
  if (typeof name !== "string" || users.has(name)) {
    say(socket, { refused: true });
    return undefined;
  }
  users.set(name, socket);
  say(socket, { online: true });
  if (lists) {
    say(socket, { users: [...users.keys()] });
    sayAll({ joined: [name] });
  }
  return name;
}

function send(socket, sender, { receiver, message_text }, ack) {
  const message = { message_in: { message_id: ++messages, sender, receiver, message_text, sent_at: Date.now() } };
  if (receiver === "group") {
    sayAll(message);
  } else if (users.has(receiver)) {
    say(users.get(receiver), message);
    say(socket, message); /* the echo */
  }
  if (ack !== undefined) {
    say(socket, { ack, ok: receiver === "group" || users.has(receiver) });
  }
}

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.env.PORT) }, () => console.log("ready"));
server.on("connection", (socket) => {
  let name;
  socket.on("message", (data) => {
    const packet = JSON.parse(data);
    if (packet.login !== undefined) {
      name = logIn(socket, packet.login);
    } else if (name !== undefined) {
      send(socket, name, packet.message_out, packet.ack);
    }
  });
  socket.on("close", () => {
    if (name !== undefined && users.delete(name) && lists) {
      sayAll({ left: [name] });
    }
  });
});
setInterval(() => {
  for (const socket of server.clients) {
    socket.ping();
  }
}, PING_MS);
