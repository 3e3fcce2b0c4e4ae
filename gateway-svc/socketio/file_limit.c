/* file_limit.c - how many files this process may have open */
#include "gateway-svc/socketio/file_limit.h"

#include <sys/resource.h>

bool file_limit_is_spare(int fd)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) {
        return false;
    }
    rlim_t eighth = files.rlim_cur / 8;
    return (rlim_t)fd >= files.rlim_cur - (eighth < FILES_SPARE ? eighth : FILES_SPARE);
}

bool file_limit_lower(uint64_t most)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur <= most) {
        return false;
    }
    files.rlim_cur = most;
    return setrlimit(RLIMIT_NOFILE, &files) == 0;
}
