/* resume.h - where a client that comes back left off, as its `auth` says (pure) */
#ifndef PARLEY_RESUME_H
#define PARLEY_RESUME_H

#include "shared/slice.h"

#define RESUME_CURSOR_MAX 63 /* longer than any cursor of ours */

struct resume {
    bool has_last_id;
    uint64_t last_id;                   /* of the last message that it has */
    char cursor[RESUME_CURSOR_MAX + 1]; /* of the list of users that it has, or empty */
};

/* `auth` is raw JSON or empty.  What is not as it should be counts as absent. */
struct resume resume_parse(struct slice auth);

#endif
