/* busy_group.mjs - much that is said to everybody, no faster than the healthy can hear it */

export const BURST = 32; /* messages at once */

/* Says `text` to the group until `enough(so many)`; each burst has reached the healthy before the
 * next.  Resolves to the ids, in order. */
export async function busyGroup(speaker, healthy, text, enough) {
  const ids = [];
  while (!await enough(ids.length)) {
    ids.push(...await Promise.all(Array.from({ length: BURST }, () => speaker.say("group", text))));
    const last = Math.max(...ids.slice(-BURST));
    await Promise.all(healthy.map((peer) => peer.waitFor("message_in", (m) => m.message_id >= last, { from: Math.max(0, peer.mark() - 3 * BURST) })));
  }
  return ids.sort((a, b) => a - b);
}
