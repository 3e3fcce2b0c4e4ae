/* config.c - the settings of auth-svc */
#include "auth-svc/config.h"

#include "shared/origin.h"

#define TEXT_MAX 4096
#define DAY_S 86400
#define FIELD(member) offsetof(struct config, member)
#define COMMON(member) offsetof(struct config, common.member)

const struct setting config_settings[] = {
    COMMON_SETTINGS(COMMON, "9001"),
    {.name = "PORT",
                      .type = SETTING_NUMBER,
                      .fallback = "8001",
                      .min = 1,
                      .max = 65535,
                      .offset = FIELD(port),
                      .help = "port for the door"},
    {.name = "PENDING_S",
                      .type = SETTING_NUMBER,
                      .fallback = "60",
                      .min = 1,
                      .max = DAY_S,
                      .offset = FIELD(pending_s),
                      .help = "seconds within which a login must be used to connect"},
    {.name = "SESSION_MAX_S",
                      .type = SETTING_NUMBER,
                      .fallback = "86400",
                      .min = 0,
                      .max = 3650UL * DAY_S,
                      .offset = FIELD(session_max_s),
                      .help = "seconds that a session lives at most; 0: no end"},
    {.name = "RATE_LOGINS",
                      .type = SETTING_RATE,
                      .fallback = "200:2000",
                      .min = 1,
                      .max = 1000000,
                      .offset = FIELD(rate_logins),
                      .help = "logins per second and at once, from one address"},
    {.name = "ALLOWED_ORIGINS",
                      .type = SETTING_TEXT,
                      .fallback = "",
                      .min = 0,
                      .max = TEXT_MAX,
                      .offset = FIELD(allowed_origins),
                      .help = "origins of other pages that may use this server, separated by commas",
                      .check = origin_check_list},
    {.name = "AUTH_MODE",
                      .type = SETTING_CHOICE,
                      .fallback = "open",
                      .offset = FIELD(auth_mode),
                      .choices = "open",
                      .help = "open: a name is enough, passwords are not looked at"},
};
const size_t config_settings_count = sizeof config_settings / sizeof *config_settings;
