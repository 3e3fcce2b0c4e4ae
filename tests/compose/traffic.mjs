/* traffic.mjs - people who write to the group all the while, through the door, and who judges them
 *
 * They come back by themselves when their connection is lost.  What nobody promises yet: messages
 * that come while one is away are not replayed. */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../support/wait.mjs";

const EVERY_MS = 300;

export class Traffic {
  peers = [];
  acked = []; /* {id, text} of all that were accepted, in the order of the answers */
  refused = new Map(); /* code -> how often */
  #running = true;
  #writers;

  /* `scene` as of tests/support/client.mjs. */
  async start(scene, count) {
    this.scene = scene;
    await Promise.all(Array.from({ length: count }, async () => {
      this.peers.push(await scene.enter("busy", undefined, { reconnection: true }));
    }));
    this.names = this.peers.map((peer) => peer.name);
    this.#writers = this.peers.map((peer) => this.#write(peer));
    await this.flows();
  }

  async #write(peer) {
    for (let n = 0; this.#running; n++) {
      await pause(EVERY_MS * (0.5 + Math.random()));
      if (peer.socket.connected) {
        await this.#send(peer, `${peer.name} ${n}`);
      }
    }
  }
  async #send(peer, text) {
    /* No answer (the connection went): the outcome is unknown, and the text is never sent again. */
    const ack = await peer.ask("message_out", { receiver: "group", message_text: text }).catch(() => ({ error: { code: "no answer" } }));
    if (ack.ok) {
      this.acked.push({ id: ack.message_id, text });
    } else {
      this.refused.set(ack.error.code, (this.refused.get(ack.error.code) ?? 0) + 1);
    }
  }

  /* Everybody is connected, sees all the others, and messages of now are accepted. */
  async flows(timeout = 60_000) {
    await until("everybody is connected and sees everybody", () =>
      this.peers.every((p) => p.socket.connected && this.names.every((name) => p.users.has(name))), { timeout });
    const goal = this.acked.length + 2 * this.peers.length;
    await until("messages flow", () => this.acked.length >= goal, { timeout });
  }

  /* Where all diaries stand now, for judge(). */
  mark() {
    return this.peers.map((peer) => peer.mark());
  }

  /* A marker has arrived at everybody: what was accepted before it and has not come is lost. */
  async #everybodyHasMarker() {
    const marker = await until("a marker is accepted", async () => {
      const ack = await this.peers[0].ask("message_out", { receiver: "group", message_text: `marker ${Math.random()}` }).catch(() => ({}));
      return ack.ok && ack.message_id;
    }, { every: 100, timeout: 60_000 });
    await Promise.all(this.peers.map((peer) => peer.waitFor("message_in", (m) => m.message_id === marker)));
    return marker;
  }

  /* Judges what came since `marks`; `alive`: nobody's connection may have been lost. */
  async judge(marks, { alive = false } = {}) {
    const marker = await this.#everybodyHasMarker();
    let lost = 0;
    for (const [i, peer] of this.peers.entries()) {
      const diary = peer.diary.slice(marks[i]);
      const { periods, cuts } = apart(diary);
      lost += cuts;
      assertOrder(peer, periods.flat());
      for (const period of periods) {
        this.#assertWhole(peer, period, marker);
      }
      for (const name of this.names) {
        const left = diary.filter((e) => e.event === "user_change_in" && e.data.left?.includes(name));
        assert.equal(left.length, 0, `${peer.name} saw ${name} leaving, who was never away for long`);
        assert.ok(peer.users.has(name), `${name} is on ${peer.name}'s list`);
      }
      assert.equal(diary.filter((e) => e.event === "session_end").length, 0, `${peer.name}'s session lives on`);
    }
    assert.ok(!alive || lost === 0, `${lost} connections were lost`);
    return { lost, ...this.figures() };
  }

  /* Nothing is missing between the first and the last message of one connection. */
  #assertWhole(peer, period, marker) {
    const got = new Set(period.map((m) => m.message_id));
    const last = Math.min(marker, period.at(-1)?.message_id ?? 0);
    const missing = this.acked.filter(({ id }) => id > period[0]?.message_id && id < last && !got.has(id));
    assert.deepEqual(missing, [], `accepted, but ${peer.name}, who was connected, never got them`);
  }

  figures() {
    return { accepted: this.acked.length, refused: Object.fromEntries(this.refused) };
  }

  async stop() {
    this.#running = false;
    await Promise.all(this.#writers ?? []);
  }
}

/* What came by each connection, one after the other, and how many ended. */
function apart(diary) {
  const periods = [[]];
  let cuts = 0;
  for (const { event, data } of diary) {
    if (event === ":disconnect") {
      periods.push([]);
      cuts++;
    } else if (event === "message_in") {
      periods.at(-1).push(data);
    }
  }
  return { periods, cuts };
}

function assertOrder(peer, messages) {
  const ids = messages.map((m) => m.message_id);
  const wrong = ids.findIndex((id, i) => i > 0 && id <= ids[i - 1]);
  assert.equal(wrong, -1, `${peer.name} got ${ids[wrong]} behind ${ids[wrong - 1]}`);
  const texts = messages.map((m) => m.message_text);
  assert.equal(new Set(texts).size, texts.length, `${peer.name} got something twice`);
}
