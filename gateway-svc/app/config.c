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

#define COMMON(member) offsetof(struct gateway_config, common.member)

static const struct setting settings[] = {
    COMMON_SETTINGS(COMMON, "9002"),
    {"PORT",                 SETTING_NUMBER, "8002",    1,     65535,      AT(port),               "port for clients (the door)", NULL, false,
                      NULL                                                                                                                                                       },
    {"GATEWAY_NAME",         SETTING_TEXT,   "gateway", 1,     32,         AT(gateway_name),
                      "first part of the gateway's id, for operators",                                                                             NULL, false, check_name       },
    {"MESSAGE_MAX_BYTES",    SETTING_NUMBER, "4096",    1,     65536,      AT(message_max_bytes),
                      "bytes of a text, as UTF-8",                                                                                                 NULL, false, NULL             },
    {"RATE_MESSAGES",        SETTING_RATE,   "20:100",  1,     1000000,    AT(rate_messages),
                      "messages per second, and burst, of a user on one gateway",                                                                  NULL, false, NULL             },
    {"MAX_SOCKETS_PER_USER", SETTING_NUMBER, "16",      1,     1000,       AT(max_sockets),
                      "connections of one session on one gateway",                                                                                 NULL, false, NULL             },
    {"QUEUE_MAX_BYTES",      SETTING_NUMBER, "1048576", 65536, 1073741824, AT(queue_max_bytes),
                      "bytes waiting for a client that does not read, before it is closed",                                                        NULL, false, NULL             },
    {"PING_INTERVAL_MS",     SETTING_NUMBER, "25000",   50,    3600000,    AT(ping_interval_ms),
                      "Engine.IO pingInterval",                                                                                                    NULL, false, NULL             },
    {"PING_TIMEOUT_MS",      SETTING_NUMBER, "20000",   50,    3600000,    AT(ping_timeout_ms),
                      "Engine.IO pingTimeout",                                                                                                     NULL, false, NULL             },
    {"CONNECT_TIMEOUT_MS",   SETTING_NUMBER, "10000",   50,    3600000,    AT(connect_timeout_ms),
                      "ms for a connection to show a session",                                                                                     NULL, false, NULL             },
    {"MAX_PAYLOAD",          SETTING_NUMBER, "1000000", 1024,  100000000,  AT(max_payload),
                      "bytes of one packet from a client",                                                                                         NULL, false, NULL             },
    {"ALLOWED_ORIGINS",      SETTING_TEXT,   "",        0,     65536,      AT(allowed_origins),
                      "foreign web origins that may connect, with commas",                                                                         NULL, false, origin_check_list},
};

void gateway_config_load(struct gateway_config *config, int argc, char **argv)
{
    const struct service_program program = {
        .name = "parley-gateway",
        .summary =
            "Holds the clients' Socket.IO connections and relays their messages through Redis.",
        .table = settings,
        .count = sizeof settings / sizeof *settings};

    common_settings_main(argc, argv, &program, config, &config->common);
    snprintf(config->address, sizeof config->address, "%s:%u", config->common.host,
             (unsigned)config->port);
}

struct hub_config gateway_config_hub(const struct gateway_config *config, const char *gateway_id)
{
    struct hub_config hub = {
        .relay = {.redis_url = config->common.redis_url,
                  .key_prefix = config->common.key_prefix,
                  .gateway_id = gateway_id,
                  .address = config->address,
                  .grace_ms = config->common.grace_s * 1000,
                  .lease_ms = config->common.lease_ms},
        .allowed_origins = config->allowed_origins,
        .message_max_bytes = config->message_max_bytes,
        .rate_messages = config->rate_messages,
        .max_sockets = (unsigned)config->max_sockets,
        .health_port = (uint16_t)config->common.health_port,
    };
    sio_config_defaults(&hub.sio);
    hub.sio.host = config->common.host;
    hub.sio.port = (uint16_t)config->port;
    hub.sio.ping_interval_ms = (uint32_t)config->ping_interval_ms;
    hub.sio.ping_timeout_ms = (uint32_t)config->ping_timeout_ms;
    hub.sio.connect_timeout_ms = (uint32_t)config->connect_timeout_ms;
    hub.sio.max_payload = (uint32_t)config->max_payload;
    hub.sio.queue_max_bytes = (uint32_t)config->queue_max_bytes;
    return hub;
}
