/* config.c - gateway-svc's settings table */
#include "gateway-svc/app/config.h"
#include "shared/origin.h"
#include <stdio.h>

#define AT(field) offsetof(struct gateway_config, field)

static const char *check_name(const char *value)
{
    struct slice s = slice_text(value);
    return username_check(s) == USERNAME_E_SHAPE ? "letters, digits, '.', '_' and '-', at most 32"
                                                 : NULL;
}

static const struct setting settings[] = {
    {"HOST",                 SETTING_TEXT,   "127.0.0.1",              1,     255,        AT(host),               "address to listen on",        NULL, false,
     NULL                                                                                                                                                                          },
    {"PORT",                 SETTING_NUMBER, "8002",                   1,     65535,      AT(port),               "port for clients (the door)", NULL, false,
     NULL                                                                                                                                                                          },
    {"HEALTH_PORT",          SETTING_NUMBER, "9002",                   1,     65535,      AT(health_port),
     "port of /healthz and /readyz",                                                                                                             NULL, false, NULL                 },
    {"REDIS_URL",            SETTING_TEXT,   "redis://127.0.0.1:6379", 1,     1024,       AT(redis_url),
     "redis://[user[:password]@]host[:port] or unix://[user[:password]@]/path",                                                                  NULL, true,
     settings_check_redis_url                                                                                                                                                      },
    {"KEY_PREFIX",           SETTING_TEXT,   "{chat}:",                1,     40,         AT(key_prefix),
     "in front of every key and channel",                                                                                                        NULL, false, settings_check_prefix},
    {"GATEWAY_NAME",         SETTING_TEXT,   "gateway",                1,     32,         AT(gateway_name),
     "first part of the gateway's id, for operators",                                                                                            NULL, false, check_name           },
    {"GRACE_S",              SETTING_NUMBER, "30",                     1,     86400,      AT(grace_s),
     "seconds that a user without connection stays in the list",                                                                                 NULL, false, NULL                 },
    {"LEASE_MS",             SETTING_NUMBER, "10000",                  500,   600000,     AT(lease_ms),
     "ms after which a silent gateway counts as dead",                                                                                           NULL, false, NULL                 },
    {"MESSAGE_MAX_BYTES",    SETTING_NUMBER, "4096",                   1,     65536,      AT(message_max_bytes),
     "bytes of a text, as UTF-8",                                                                                                                NULL, false, NULL                 },
    {"RATE_MESSAGES",        SETTING_RATE,   "20:100",                 1,     1000000,    AT(rate_messages),
     "messages per second, and burst, of a user on one gateway",                                                                                 NULL, false, NULL                 },
    {"MAX_SOCKETS_PER_USER", SETTING_NUMBER, "16",                     1,     1000,       AT(max_sockets),
     "connections of one session on one gateway",                                                                                                NULL, false, NULL                 },
    {"QUEUE_MAX_BYTES",      SETTING_NUMBER, "1048576",                65536, 1073741824, AT(queue_max_bytes),
     "bytes waiting for a client that does not read, before it is closed",                                                                       NULL, false, NULL                 },
    {"PING_INTERVAL_MS",     SETTING_NUMBER, "25000",                  50,    3600000,    AT(ping_interval_ms),
     "Engine.IO pingInterval",                                                                                                                   NULL, false, NULL                 },
    {"PING_TIMEOUT_MS",      SETTING_NUMBER, "20000",                  50,    3600000,    AT(ping_timeout_ms),
     "Engine.IO pingTimeout",                                                                                                                    NULL, false, NULL                 },
    {"CONNECT_TIMEOUT_MS",   SETTING_NUMBER, "10000",                  50,    3600000,    AT(connect_timeout_ms),
     "ms for a connection to show a session",                                                                                                    NULL, false, NULL                 },
    {"MAX_PAYLOAD",          SETTING_NUMBER, "1000000",                1024,  100000000,  AT(max_payload),
     "bytes of one packet from a client",                                                                                                        NULL, false, NULL                 },
    {"ALLOWED_ORIGINS",      SETTING_TEXT,   "",                       0,     65536,      AT(allowed_origins),
     "foreign web origins that may connect, with commas",                                                                                        NULL, false, origin_check_list    },
    {"LOG_LEVEL",            SETTING_CHOICE, "info",                   0,     0,          AT(log_level),          "how much is logged",
     "error|warn|info|debug",                                                                                                                          false, NULL                 },
};

void gateway_config_load(struct gateway_config *config, int argc, char **argv)
{
    settings_main(
        argc, argv, settings, sizeof settings / sizeof *settings, config, "parley-gateway",
        "Holds the clients' Socket.IO connections and relays their messages through Redis.");
    snprintf(config->address, sizeof config->address, "%s:%u", config->host,
             (unsigned)config->port);
}

struct hub_config gateway_config_hub(const struct gateway_config *config, const char *gateway_id)
{
    struct hub_config hub = {
        .relay = {.redis_url = config->redis_url,
                  .key_prefix = config->key_prefix,
                  .gateway_id = gateway_id,
                  .address = config->address,
                  .grace_ms = config->grace_s * 1000,
                  .lease_ms = config->lease_ms},
        .allowed_origins = config->allowed_origins,
        .message_max_bytes = config->message_max_bytes,
        .rate_messages = config->rate_messages,
        .max_sockets = (unsigned)config->max_sockets,
        .health_port = (uint16_t)config->health_port,
    };
    sio_config_defaults(&hub.sio);
    hub.sio.host = config->host;
    hub.sio.port = (uint16_t)config->port;
    hub.sio.ping_interval_ms = (uint32_t)config->ping_interval_ms;
    hub.sio.ping_timeout_ms = (uint32_t)config->ping_timeout_ms;
    hub.sio.connect_timeout_ms = (uint32_t)config->connect_timeout_ms;
    hub.sio.max_payload = (uint32_t)config->max_payload;
    hub.sio.queue_max_bytes = (uint32_t)config->queue_max_bytes;
    return hub;
}
