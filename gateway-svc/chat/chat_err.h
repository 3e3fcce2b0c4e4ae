/* chat_err.h - why a client's wish is refused: the error codes of the chat protocol */
#ifndef PARLEY_CHAT_ERR_H
#define PARLEY_CHAT_ERR_H

enum chat_err {
    CHAT_OK = 0,
    CHAT_E_INVALID,      /* the payload is not what PROTOCOL.md says */
    CHAT_E_TOO_LARGE,    /* text above MESSAGE_MAX_BYTES */
    CHAT_E_NO_SUCH_USER, /* the receiver is neither online nor in its grace period */
    CHAT_E_RATE_LIMITED, /* retry_after_ms says when to try again */
    CHAT_E_UNAVAILABLE,  /* Redis is away or settling: try again; nothing was accepted for sure */
    CHAT_E_SESSION_EXPIRED, /* the session has ended */
    CHAT_ERRS
};

const char *chat_err_code(enum chat_err err); /* "no_such_user" */
const char *chat_err_text(enum chat_err err); /* one sentence for people */

#endif
