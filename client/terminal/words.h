/* words.h - what went wrong, in words for people; pure */
#ifndef PARLEY_TERMINAL_WORDS_H
#define PARLEY_TERMINAL_WORDS_H

#include "client/terminal/chat_event.h"

/* How the program ends; parley(1) lists them. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_USAGE = 1,
    EXIT_NAME_REFUSED = 2,
    EXIT_NOT_REACHED = 3,
    EXIT_SESSION_ENDED = 4,
    EXIT_NOT_ALL_SENT = 5
};

/* An answer to /login that is no success. */
struct login_refusal {
    unsigned status;
    struct slice retry_after; /* the header's text; empty if there is none */
    struct chat_error error;  /* from its body */
};
/* Appends a sentence; says how the program ends. */
enum exit_code words_for_login(struct buf *out, const char *name,
                               const struct login_refusal *refusal);

/* Why no connection came about, from what libwebsockets or the system says of it. */
void words_for_connecting(struct buf *out, struct slice why);

/* A session that has ended: a code of session_end or of a refused CONNECT. */
const char *words_for_end(const char *code);

/* Why a message was not sent, in few words that fit behind it. */
const char *words_for_failure(const char *code, const char *otherwise);

#endif
