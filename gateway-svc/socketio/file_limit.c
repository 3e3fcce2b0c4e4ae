/* file_limit.c - how many files this process may have open */
#include "gateway-svc/socketio/file_limit.h"

#include <sys/resource.h>

bool file_limit_lower(uint64_t most)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur <= most) {
        return false;
    }
    files.rlim_cur = most;
    return setrlimit(RLIMIT_NOFILE, &files) == 0;
}
