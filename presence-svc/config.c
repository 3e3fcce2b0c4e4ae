/* config.c - the settings of presence-svc */
#include "presence-svc/config.h"

#define COMMON(member) offsetof(struct config, common.member)

const struct setting config_settings[] = {
    COMMON_SETTINGS(COMMON, "9003"),
};
const size_t config_settings_count = sizeof config_settings / sizeof *config_settings;
