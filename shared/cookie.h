/* cookie.h - the session cookie: `__Host-session` over https, `session` over http
 *
 * Each counts only on its own scheme: a page of plain http cannot plant the https one (browsers
 * take a `__Host-` cookie from a secure answer alone), and the https token never travels in clear.
 * Cookies do not know ports: any program on the same host may read and set `session`. */
#ifndef PARLEY_COOKIE_H
#define PARLEY_COOKIE_H

#include "shared/buf.h"

#define COOKIE_LINE_MAX 160 /* bytes of any line that cookie_make writes */

/* The session cookie's value in a Cookie header.
 *
 * header  value of the Cookie header: `a=1; b=2`; may be empty
 * scheme  "http" or "https", as the client used it
 *
 * Empty when it is not there or holds nothing.  Of several with the name the first that holds
 * anything counts (browsers send the one with the longest path first).  Nothing is unquoted or
 * decoded; not yet checked to be a token. */
struct slice cookie_find(struct slice header, struct slice scheme);

/* Appends the value of a Set-Cookie header: HttpOnly, SameSite=Lax, Path=/, over https Secure.  It
 * lives as long as the browser; Redis decides how long the session does.  `token` must be
 * well-formed; an empty one clears the cookie (Max-Age=0).  False when the buffer is full. */
bool cookie_make(struct buf *out, struct slice token, struct slice scheme);

#endif
