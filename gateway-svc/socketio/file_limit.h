/* file_limit.h - how many files this process may have open */
#ifndef PARLEY_FILE_LIMIT_H
#define PARLEY_FILE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* The last files that the process may have are for what must go on whatever clients do: links to
 * Redis, health checks.  Clients, and connections to other servers on their behalf, get none of
 * them. */
#define FILES_SPARE 32

/* Is that one of them?  (Where a process may have few files at all, an eighth of these.) */
bool file_limit_is_spare(int fd);

/* Lowers the soft limit to so many.  False: it was not above, or stays as it is. */
bool file_limit_lower(uint64_t most);

#endif
