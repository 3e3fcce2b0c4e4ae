/* sign_in.js - what the answer to a sign-in means for somebody who waits before the form */
import { isName } from "./compose.js";

const KNOWN = {
  invalid_username: "not_allowed", bad_request: "not_allowed", not_found: "not_allowed",
  already_logged_in: "taken", rate_limited: "too_many", unavailable: "away",
  cross_site: "cross_site", unreachable: "unreachable",
};

/* What can be said before asking: undefined, or a refusal. */
export const check = (name) => (isName(name) ? undefined : { reason: name === "" ? "empty" : "not_allowed", name });

/* `answer`: {code, retryAfterS}.  The refusal to show; `until`: when another try makes sense. */
export function refusal(name, { code, retryAfterS }, now) {
  const reason = KNOWN[code] ?? "other";
  const until = retryAfterS > 0 ? now + retryAfterS * 1000 : undefined;
  return { reason, name, until };
}

export function secondsLeft(refused, now) {
  return refused?.until === undefined ? 0 : Math.max(0, Math.ceil((refused.until - now) / 1000));
}

/* The key of the text that says it, which changes when the time is over. */
export function textKey(refused, now) {
  if (refused.until === undefined) {
    return `sign_in.${refused.reason}`;
  }
  return `sign_in.${refused.reason}.${secondsLeft(refused, now) > 0 ? "wait" : "again"}`;
}
