/* process_stats.c - what the system says of this process */
#include "shared/process_stats.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT_MAX 1000 /* files that are counted one by one */

static void read_memory(struct process_stats *out)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    /* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
    if (file && fscanf(file, "%" SCNu64 " %" SCNu64, &all, &resident) == 2) {
        out->virtual_bytes = all * page;
        out->resident_bytes = resident * page;
    }
    if (file) {
        (void)fclose(file);
    }
}

/* The kernel gives a new descriptor the lowest number that is free: all below it are open. */
static uint64_t lowest_free(void)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0 ? (uint64_t)fd : 0;
}

/* The long way.  It makes the kernel look at each file, so it ends somewhere. */
static uint64_t count_files(void)
{
    uint64_t count = 0;
    DIR *dir = opendir("/proc/self/fd");

    while (dir && count < COUNT_MAX && readdir(dir)) { /* NOLINT(concurrency-mt-unsafe) */
        count++;
    }
    if (dir) {
        closedir(dir);
    }
    return count > 3 ? count - 3 : 0; /* ".", ".." and the folder itself */
}

static uint64_t count_fds(void)
{
    struct stat folder;

    if (stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) { /* since Linux 6.2 */
        return (uint64_t)folder.st_size;
    }
    uint64_t counted = count_files();
    uint64_t below = counted >= COUNT_MAX - 3 ? lowest_free() : 0;
    return below > counted ? below : counted;
}

static uint64_t us_of(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000U + (uint64_t)t.tv_usec;
}

void process_stats_read(struct process_stats *out)
{
    struct rlimit files = {0};
    struct rusage usage = {0};

    *out = (struct process_stats){0};
    read_memory(out);
    out->open_fds = count_fds();
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        out->max_fds = (uint64_t)files.rlim_cur;
    }
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        out->cpu_us = us_of(usage.ru_utime) + us_of(usage.ru_stime);
    }
}
