/* config.h - the settings of presence-svc */
#ifndef PARLEY_PRESENCE_CONFIG_H
#define PARLEY_PRESENCE_CONFIG_H

#include "shared/common_settings.h"

struct config {
    struct common_settings common;
};

extern const struct setting config_settings[];
extern const size_t config_settings_count;

#endif
