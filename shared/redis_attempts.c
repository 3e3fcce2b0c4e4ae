/* redis_attempts.c - attempts to connect */
#include "shared/redis_attempts.h"

#include "shared/backoff.h"
#include "shared/log.h"
#include "shared/token.h"

void redis_attempts_up(struct redis_attempts *a, const struct redis_conn_config *config,
                       const char *where, uint64_t now_ms)
{
    a->up_since_ms = now_ms;
    if (a->said_away || a->failures == 0) {
        a->said_away = false;
        log_info("redis connected connection=%s %s attempts=%u", config->name, where,
                 a->failures + 1);
    }
}

uint64_t redis_attempts_failed(struct redis_attempts *a, const struct redis_conn_config *config,
                               const char *where, const char *why, uint64_t now_ms)
{
    uint32_t random;
    if (a->up_since_ms > 0 && now_ms - a->up_since_ms >= config->backoff_max_ms) {
        a->failures = 0;
    }
    a->up_since_ms = 0;
    random_bytes(&random, sizeof random);
    uint64_t delay_ms =
        backoff_ms(config->backoff_min_ms, config->backoff_max_ms, a->failures, random);
    a->failures++;
    if ((a->failures & (a->failures - 1)) == 0) {
        a->said_away = true;
        log_warn("redis unavailable connection=%s %s why=\"%s\" attempts=%u retry_ms=%llu",
                 config->name, where, why, a->failures, (unsigned long long)delay_ms);
    }
    return delay_ms;
}
