/* health_probe.h - asks a service that runs beside this process how it is (PROGRAM --health) */
#ifndef PARLEY_HEALTH_PROBE_H
#define PARLEY_HEALTH_PROBE_H

#include "shared/buf.h"

struct health_probe {
    const char *host; /* as in HOST; an address that stands for all of them means loopback */
    uint16_t port;
    const char *path;    /* "/healthz" or "/readyz" */
    uint32_t timeout_ms; /* for everything together but looking a host name up */
};

/* GETs the path.  True when the answer is 200.  Else *why holds a few printable words: not
 * reached, no answer in time, not HTTP, or the other status with the first line of its body.
 * Blocks, for the timeout at most; needs no file and no right. */
bool health_probe(const struct health_probe *probe, struct buf *why);

#endif
