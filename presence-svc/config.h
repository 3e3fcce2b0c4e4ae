/* config.h - the settings of presence-svc */
#ifndef PARLEY_PRESENCE_CONFIG_H
#define PARLEY_PRESENCE_CONFIG_H

#include "shared/settings.h"

struct config {
    const char *host;
    uint64_t health_port;
    const char *redis_url;
    const char *key_prefix;
    uint64_t grace_s;
    uint64_t lease_ms;
    unsigned log_level; /* enum log_level */
};

extern const struct setting config_settings[];
extern const size_t config_settings_count;

#endif
