/* session.js - logging in and out over HTTP; the cookie is the browser's, no token comes in here
 *
 * Each answers {ok: true, username} or {ok: false, code, retryAfterS?}. */

const TIMEOUT_MS = 15_000;

export const who = () => ask("GET", "/session");
export const login = (name) => ask("POST", `/login/${encodeURIComponent(name)}`);
export const logout = (name) => ask("POST", `/logout/${encodeURIComponent(name)}`);

async function ask(method, path) {
  try {
    const response = await fetch(path, {
      method, credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return await understood(response);
  } catch {
    return { ok: false, code: "unreachable" };
  }
}

async function understood(response) {
  const body = await response.json().catch(() => undefined);
  if (response.ok && typeof body?.username === "string") {
    return { ok: true, username: body.username };
  }
  const retryAfterS = Number(response.headers.get("retry-after")) || undefined;
  const code = body?.error?.code ?? (response.status >= 500 ? "unavailable" : "other");
  return { ok: false, code, retryAfterS };
}
