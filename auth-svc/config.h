/* config.h - the settings of auth-svc */
#ifndef PARLEY_AUTH_CONFIG_H
#define PARLEY_AUTH_CONFIG_H

#include "shared/settings.h"

struct config {
    const char *host;
    uint64_t port;
    uint64_t health_port;
    const char *redis_url;
    const char *key_prefix;
    uint64_t grace_s;
    uint64_t lease_ms;
    uint64_t pending_s;     /* a login must be used within so long */
    uint64_t session_max_s; /* 0: no end */
    struct rate rate_logins;
    const char *allowed_origins;
    unsigned auth_mode; /* index of its choices; there is only `open` so far */
    unsigned log_level; /* enum log_level */
};

extern const struct setting config_settings[];
extern const size_t config_settings_count;

#endif
