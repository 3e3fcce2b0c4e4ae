/* raw_poll.mjs - a long-polling client that hides nothing */
import assert from "node:assert/strict";
import { request } from "./http.mjs";

export const PATH = "/socket.io/";
export const RS = "\x1e";

export function target(query = {}, path = PATH) {
  const all = { EIO: "4", transport: "polling", ...query };
  const text = Object.entries(all).filter(([, v]) => v !== undefined).map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join("&");
  return `${path}?${text}`;
}

/* An Engine.IO session over polling. */
export class RawPoll {
  constructor(url, sid, hello, path) {
    Object.assign(this, { url, sid, hello, path });
  }
  static async open(app, { path = PATH, headers } = {}) {
    const res = await request(app.url, target({}, path), { headers });
    assert.equal(res.status, 200, res.body);
    assert.equal(res.body[0], "0", res.body);
    const hello = JSON.parse(res.body.slice(1).split(RS)[0]);
    return Object.assign(new RawPoll(app.url, hello.sid, hello, path), { answer: res });
  }
  /* Joined to "/", the auth event read. */
  static async join(app, auth = "") {
    const poll = await RawPoll.open(app);
    assert.equal((await poll.post(`40${auth}`)).body, "ok");
    const packets = await poll.messages(2);
    assert.match(packets[0], /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
    assert.equal(packets[1], `42["auth",${auth || "{}"}]`);
    return poll;
  }
  target(query = {}) {
    return target({ sid: this.sid, ...query }, this.path);
  }
  get(query, options) {
    return request(this.url, this.target(query), options);
  }
  post(body, { headers = { "content-type": "text/plain;charset=UTF-8" }, query, ...options } = {}) {
    return request(this.url, this.target(query), { method: "POST", headers: { ...headers, "content-length": Buffer.byteLength(body) }, body, ...options });
  }
  /* The packets of the next answer. */
  async packets() {
    const res = await this.get();
    assert.equal(res.status, 200, res.body);
    return res.body.split(RS);
  }
  /* Reads on until that many messages (pings answered) have come. */
  async messages(count) {
    const seen = [];
    while (seen.length < count) {
      for (const packet of await this.packets()) {
        if (packet === "2") {
          await this.post("3");
        } else {
          seen.push(packet);
        }
      }
    }
    return seen;
  }
  /* Unknown to the server? */
  async isGone() {
    const res = await this.get();
    return res.status === 400 && res.json?.code === 1;
  }
}
