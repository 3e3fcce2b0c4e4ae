/* procs.h - the processes of a server: what time they used, what memory they have */
#ifndef PARLEY_BENCH_PROCS_H
#define PARLEY_BENCH_PROCS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define PROCS_MAX 16

struct proc {
    const char *name; /* borrowed */
    int pid;
    clockid_t clock;
};

struct procs {
    struct proc at[PROCS_MAX];
    uint32_t count;
};

/* False when there is no such process, or there are too many. */
bool procs_add(struct procs *p, const char *name, int pid);

/* Time that all threads of each were on a processor, in the kernel too, since it was started;
 * nanoseconds.  False when one has ended. */
bool procs_cpu(const struct procs *p, uint64_t ns[PROCS_MAX]);

struct proc_memory {
    uint64_t rss, pss; /* bytes */
};
/* False when it may not be read. */
bool proc_memory(const struct proc *p, struct proc_memory *out);

#endif
