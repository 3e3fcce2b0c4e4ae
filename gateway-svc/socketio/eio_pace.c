/* eio_pace.c - when a turn's frames leave */
#include "gateway-svc/socketio/eio_pace.h"

#define PAUSE_SHARE 4      /* of a flush */
#define PAUSE_LEAST_US 300 /* until what was said at the same moment has come through Redis */
#define QUIET_AFTER 4      /* flushes */

uint64_t eio_pace_due(struct eio_pace *pace, uint64_t now_us)
{
    if (pace->since_us == 0) {
        pace->since_us = now_us;
        if (now_us >= pace->until_us) {
            pace->pause_us = 0;
        }
    }
    return pace->since_us + pace->pause_us;
}

static uint64_t pause_after(const struct eio_pace_flush *flush)
{
    uint64_t length_us = flush->end_us - flush->begin_us, pause_us = length_us / PAUSE_SHARE;
    if (flush->frames < 2 * flush->connections || length_us < EIO_PACE_FLUSH_US) {
        return 0;
    }
    if (pause_us < PAUSE_LEAST_US) {
        return length_us < PAUSE_LEAST_US ? length_us : PAUSE_LEAST_US;
    }
    return pause_us < EIO_PACE_MAX_US ? pause_us : EIO_PACE_MAX_US;
}

void eio_pace_flushed(struct eio_pace *pace, const struct eio_pace_flush *flush)
{
    pace->since_us = 0;
    pace->pause_us = pause_after(flush);
    pace->until_us = flush->end_us + QUIET_AFTER * (flush->end_us - flush->begin_us);
}
