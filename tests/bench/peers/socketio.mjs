/* socketio.mjs - the same chat on the official Socket.IO server, as its documentation would have it
 *
 * PORT: where it listens on 127.0.0.1.  LIST=1: tells who comes and goes, and everybody the list.
 * REDIS: the socket of a Redis, through which several of these are one (the Redis adapter).
 * Says "ready" when it can be reached. */
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";

const lists = process.env.LIST === "1";
const users = new Set(); /* of all servers: each tells the others who comes and goes */
let messages = 0;

const http = createServer();
const io = new Server(http, { pingInterval: 25_000, pingTimeout: 20_000, serveClient: false });
const several = Boolean(process.env.REDIS);
if (several) {
  const publisher = new Redis(process.env.REDIS), subscriber = publisher.duplicate();
  io.adapter(createAdapter(publisher, subscriber));
  await subscriber.ping(); /* comes back behind its subscriptions: what the other says is heard */
  io.on("joined", (name) => users.add(name));
  io.on("left", (name) => users.delete(name));
}

function change(socket, what, name) {
  if (several) {
    io.serverSideEmit(what, name);
  }
  if (lists) {
    socket.broadcast.emit("user_change_in", { joined: [], left: [], [what]: [name] });
  }
}

function send(sender, { receiver, message_text }, ack) {
  const to = receiver === "group" ? io : users.has(receiver) ? io.to(receiver).to(sender) : undefined;
  if (!to) {
    return ack?.({ ok: false });
  }
  const message_id = ++messages;
  to.emit("message_in", { message_id, sender, receiver, message_text, sent_at: Date.now() });
  ack?.({ ok: true, message_id });
}

io.on("connection", (socket) => {
  const { name } = socket.handshake.auth;
  if (typeof name !== "string" || users.has(name)) {
    return socket.disconnect(true);
  }
  users.add(name);
  socket.join(name);
  if (lists) {
    socket.emit("user_change_in", { users: [...users] });
  }
  change(socket, "joined", name);
  socket.on("message_out", (message, ack) => send(name, message, ack));
  socket.on("disconnect", () => {
    users.delete(name);
    change(socket, "left", name);
  });
});

http.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("ready"));
