/* common_settings.h - the settings that every service has, in one place
 *
 * Grace and lease reach Redis with each call, so all services must agree on them: one default, one
 * range.  And what a service's main begins with: its command line, its settings, its secret. */
#ifndef PARLEY_COMMON_SETTINGS_H
#define PARLEY_COMMON_SETTINGS_H

#include "shared/log.h"
#include "shared/redis_sentinel.h"
#include "shared/settings.h"

struct common_settings {
    const char *host;
    uint64_t health_port;
    const char *redis_url; /* with the password of REDIS_PASSWORD_FILE, if there is one */
    const char *redis_password_file;
    const char *redis_sentinels;
    const char *redis_master;
    const char *redis_sentinel_password_file;
    const struct redis_sentinels *sentinels; /* of these three; NULL: none */
    const char *key_prefix;
    uint64_t grace_s;
    uint64_t lease_ms;
    unsigned log_level; /* enum log_level */
};

/* Rows for a service's table.  `at(x)` gives the offset of member x of its struct common_settings.
 */
/* clang-format off */
#define COMMON_SETTINGS(at, health_port_default)                                                   \
    {.name = "HOST",                                                                               \
     .type = SETTING_TEXT,                                                                         \
     .fallback = "127.0.0.1",                                                                      \
     .min = 1,                                                                                     \
     .max = 255,                                                                                   \
     .offset = at(host),                                                                           \
     .help = "address to listen on"},                                                              \
    {.name = "HEALTH_PORT",                                                                        \
     .type = SETTING_NUMBER,                                                                       \
     .fallback = (health_port_default),                                                            \
     .min = 1,                                                                                     \
     .max = 65535,                                                                                 \
     .offset = at(health_port),                                                                    \
     .help = "port for /healthz, /readyz and /metrics"},                                           \
    {.name = "REDIS_URL",                                                                          \
     .type = SETTING_TEXT,                                                                         \
     .fallback = "redis://127.0.0.1:6379",                                                         \
     .min = 1,                                                                                     \
     .max = 4096,                                                                                  \
     .offset = at(redis_url),                                                                      \
     .help = "redis://[user[:password]@]host[:port] or unix://[user[:password]@]/path",            \
     .secret = true,                                                                               \
     .check = settings_check_redis_url},                                                           \
    {.name = "REDIS_PASSWORD_FILE",                                                                \
     .type = SETTING_TEXT,                                                                         \
     .fallback = "",                                                                               \
     .min = 0,                                                                                     \
     .max = 4096,                                                                                  \
     .offset = at(redis_password_file),                                                            \
     .help = "file whose first line is the password of REDIS_URL's user"},                         \
    {.name = "REDIS_SENTINELS",                                                                    \
     .type = SETTING_TEXT,                                                                         \
     .fallback = "",                                                                               \
     .min = 0,                                                                                     \
     .max = 2048,                                                                                  \
     .offset = at(redis_sentinels),                                                                \
     .help =                                                                                       \
     "host:port,... of Sentinels that know the Redis to use; REDIS_URL's does not count",          \
     .check = settings_check_sentinels},                                                           \
    {.name = "REDIS_MASTER",                                                                       \
     .type = SETTING_TEXT,                                                                         \
     .fallback = "parley",                                                                         \
     .min = 1,                                                                                     \
     .max = SENTINEL_MASTER_MAX,                                                                   \
     .offset = at(redis_master),                                                                   \
     .help = "what the Sentinels call it",                                                         \
     .check = settings_check_master},                                                              \
    {.name = "REDIS_SENTINEL_PASSWORD_FILE",                                                       \
     .type = SETTING_TEXT,                                                                         \
     .fallback = "",                                                                               \
     .min = 0,                                                                                     \
     .max = 4096,                                                                                  \
     .offset = at(redis_sentinel_password_file),                                                   \
     .help = "file whose first line is the password of the Sentinels"},                            \
    {.name = "KEY_PREFIX",                                                                         \
     .type = SETTING_TEXT,                                                                         \
     .fallback = "{chat}:",                                                                        \
     .min = 1,                                                                                     \
     .max = 64,                                                                                    \
     .offset = at(key_prefix),                                                                     \
     .help = "in front of every key and channel in Redis",                                         \
     .check = settings_check_prefix},                                                              \
    {.name = "GRACE_S",                                                                            \
     .type = SETTING_NUMBER,                                                                       \
     .fallback = "30",                                                                             \
     .min = 1,                                                                                     \
     .max = 86400,                                                                                 \
     .offset = at(grace_s),                                                                        \
     .help = "seconds for which a user without a connection stays in the list"},                   \
    {.name = "LEASE_MS",                                                                           \
     .type = SETTING_NUMBER,                                                                       \
     .fallback = "10000",                                                                          \
     .min = 500,                                                                                   \
     .max = 600000,                                                                                \
     .offset = at(lease_ms),                                                                       \
     .help = "milliseconds for which a silent gateway counts as alive"},                           \
    {.name = "LOG_LEVEL",                                                                          \
     .type = SETTING_CHOICE,                                                                       \
     .fallback = "info",                                                                           \
     .offset = at(log_level),                                                                      \
     .help = "how much is logged",                                                                 \
     .choices = "error|warn|info|debug"}
/* clang-format on */

/* A service as its command line shows it.  `table` holds the rows of COMMON_SETTINGS. */
struct service_program {
    const char *name;
    const char *summary;
    const struct setting *table;
    size_t count;
};

/* settings_main for a service.  Fills `out`, of which `common` is a part; puts the password of
 * REDIS_PASSWORD_FILE into common->redis_url, what REDIS_SENTINELS says into common->sentinels;
 * begins the log and the hardening (hardening.h).  A file that gives no password (see
 * password_file.h), or a password in both places, ends the program like a bad setting: one line,
 * exit 2, no password.  So does a system without random bytes, with exit 1.
 * `--health` and `--ready` ask the same service, running beside with the same HOST and HEALTH_PORT,
 * for /healthz and /readyz: exit 0 when it answers 200 within 2 s, else one line and exit 1.  No
 * other setting is read for that. */
void common_settings_main(int argc, char **argv, const struct service_program *program, void *out,
                          struct common_settings *common);

/* The first line of the log: which release this is, and what all services must agree on. */
void common_settings_tell(const struct common_settings *common);

/* REDIS_URL's text, and the Sentinels' passwords, are wiped if they came from a file; for when all
 * connections are made. */
void common_settings_forget_password(struct common_settings *common);

#endif
