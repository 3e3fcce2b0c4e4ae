/* config.h - the settings of auth-svc */
#ifndef PARLEY_AUTH_CONFIG_H
#define PARLEY_AUTH_CONFIG_H

#include "shared/common_settings.h"

enum auth_mode { AUTH_OPEN }; /* the choices of AUTH_MODE, in their order */

struct config {
    struct common_settings common;
    uint64_t port;
    uint64_t pending_s;     /* a login must be used within so long */
    uint64_t session_max_s; /* 0: no end */
    struct rate rate_logins;
    const char *allowed_origins;
    unsigned auth_mode; /* enum auth_mode: it is a setting's place */
};

extern const struct setting config_settings[];
extern const size_t config_settings_count;

#endif
