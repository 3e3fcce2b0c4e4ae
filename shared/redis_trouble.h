/* redis_trouble.h - what Redis says when it refuses a call: does it concern this call, or all of
 * them?  And its words, fit for a line of the log.  Pure. */
#ifndef PARLEY_REDIS_TROUBLE_H
#define PARLEY_REDIS_TROUBLE_H

#include "shared/slice.h"

enum redis_trouble {
    REDIS_TROUBLE_NONE, /* this call's own fault, or one that others do not have: OOM */
    REDIS_TROUBLE_ALL,  /* no call, or hardly one, is taken at present */
    REDIS_TROUBLE_LINK  /* nor will it be over this connection: make another */
};

/* By the error's first word.  What is not known is this call's own fault. */
enum redis_trouble redis_trouble_of(struct slice error);

/* The error as log_print shows it, up to 255 bytes, because which function failed stands at its
 * end; without the arguments that Redis repeats when it does not know a command: they may be a
 * password, a session's hash or a message.  A static buffer, the same each time. */
const char *redis_trouble_words(struct slice error);

#endif
