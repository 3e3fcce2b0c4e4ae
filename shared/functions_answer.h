/* functions_answer.h - what every answer of the function library begins with: a status word and the
 * epoch in force.  Pure. */
#ifndef PARLEY_FUNCTIONS_ANSWER_H
#define PARLEY_FUNCTIONS_ANSWER_H

#include "shared/redis_conn.h"

#define EPOCH_MAX 24
/* The largest id, version or count that the functions take back from us: 15 digits. */
#define COUNT_MAX UINT64_C(999999999999999)

bool functions_status_is(const struct redis_reply *reply, const char *status);
struct slice functions_epoch(const struct redis_reply *reply);

/* Copies the answer's epoch into `epoch`.  False, and `epoch` is left alone, when it is none: one
 * to EPOCH_MAX hex digits in lower case.  Whoever called on with another would have every later
 * call refused, and never hear of a better one; and gateways put it into the cursors of clients. */
bool functions_note_epoch(const struct redis_reply *reply, char epoch[EPOCH_MAX + 1]);

#endif
