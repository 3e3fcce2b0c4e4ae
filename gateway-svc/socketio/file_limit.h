/* file_limit.h - how many files this process may have open */
#ifndef PARLEY_FILE_LIMIT_H
#define PARLEY_FILE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Lowers the soft limit to so many.  False: it was not above, or stays as it is. */
bool file_limit_lower(uint64_t most);

#endif
