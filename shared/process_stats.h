/* process_stats.h - what the system says of this process */
#ifndef PARLEY_PROCESS_STATS_H
#define PARLEY_PROCESS_STATS_H

#include <stdint.h>

struct process_stats {
    uint64_t resident_bytes;
    uint64_t virtual_bytes;
    uint64_t open_fds; /* before Linux 6.2, at least so many when there are more than 1,000 */
    uint64_t max_fds;
    uint64_t cpu_us; /* user and system time */
};

/* Costs the same however many files are open.  What cannot be had is 0. */
void process_stats_read(struct process_stats *out);

#endif
