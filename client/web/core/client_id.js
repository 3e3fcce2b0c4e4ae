/* client_id.js - ids for our messages, unique in the session: also in another tab, and after a reload */

/* random: 12 bytes that nobody else has */
export function clientIds(random) {
  const tab = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  let count = 0;
  return () => `${tab}-${++count}`;
}
