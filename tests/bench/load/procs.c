/* procs.c - the processes of a server: what time they used, what memory they have */
#include "tests/bench/load/procs.h"
#include "shared/slice.h"
#include <stdio.h>

bool procs_add(struct procs *p, const char *name, int pid)
{
    clockid_t clock;
    if (p->count == PROCS_MAX || clock_getcpuclockid(pid, &clock) != 0) {
        return false;
    }
    p->at[p->count++] = (struct proc){name, pid, clock};
    return true;
}

bool procs_cpu(const struct procs *p, uint64_t ns[PROCS_MAX])
{
    for (uint32_t i = 0; i < p->count; i++) {
        struct timespec t;
        if (clock_gettime(p->at[i].clock, &t) != 0) {
            return false;
        }
        ns[i] = (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
    }
    return true;
}

/* Of a line like "Rss:      1234 kB", in bytes. */
static bool take_kb(const char *text, const char *name, uint64_t *bytes)
{
    struct slice line = slice_text(text);
    uint64_t kb;
    if (!slice_equal(slice_cut(&line, ':'), slice_text(name))) {
        return false;
    }
    line = slice_trim(line);
    if (!slice_u64(slice_cut(&line, ' '), UINT32_MAX, &kb)) {
        return false;
    }
    *bytes = kb * 1024;
    return true;
}

bool proc_memory(const struct proc *p, struct proc_memory *out)
{
    char path[64], line[256];
    unsigned found = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", p->pid);
    FILE *file = fopen(path, "re");
    if (!file) {
        return false;
    }
    while (fgets(line, sizeof line, file)) {
        found += take_kb(line, "Rss", &out->rss) || take_kb(line, "Pss", &out->pss);
    }
    fclose(file);
    return found == 2;
}
