/* must.h - memory that running out of ends the program
 *
 * For objects of our own that are few or small.  Whatever a peer can make grow has a limit, and is
 * refused at it instead. */
#ifndef PARLEY_MUST_H
#define PARLEY_MUST_H

#include "shared/log.h"
#include <stdlib.h>

/* must(calloc(...)): the memory, or one line in the log and the end. */
static inline void *must(void *memory)
{
    if (!memory) {
        log_error("out of memory");
        abort();
    }
    return memory;
}

#endif
