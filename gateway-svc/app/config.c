/* config.c - gateway-svc's settings table */
#include "gateway-svc/app/config.h"
#include "gateway-svc/chat/message_size.h"
#include "shared/origin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(member) offsetof(struct gateway_config, member)
#define COMMON(member) offsetof(struct gateway_config, common.member)

static const char *check_name(const char *value)
{
    struct slice s = slice_text(value);
    return username_check(s) == USERNAME_E_SHAPE ? "letters, digits, '.', '_' and '-', at most 32"
                                                 : NULL;
}

static bool is_everybody(const char *origins)
{
    return strcmp(origins, "*") == 0;
}

static const char *check_origins(const char *value)
{
    return is_everybody(value) ? NULL : origin_check_list(value);
}

static const char *check_address(const char *value)
{
    struct address address;
    bool good = value[0] == '\0' ||
                (address_parse(slice_text(value), &address) && !address_is_wildcard(address.host));
    return good ? NULL : "must be a numeric address like 10.0.0.5, 10.0.0.5:8002 or [fd00::5]:8002";
}

/* What TRANSPORTS may be, in the order of its choices. */
static const struct {
    bool polling, websocket;
} transports[] = {
    {true,  true },
    {true,  false},
    {false, true },
};

/* Choices come last: clang-format 14 ends with a segmentation fault otherwise. */
/* clang-format off */
const struct setting gateway_settings[] = {
    COMMON_SETTINGS(COMMON, "9002"),
    {.name = "PORT",
     .type = SETTING_NUMBER,
     .fallback = "8002",
     .min = 1,
     .max = 65535,
     .offset = FIELD(port),
     .help = "port for clients (the door)"},
    {.name = "GATEWAY_NAME",
     .type = SETTING_TEXT,
     .fallback = "gateway",
     .min = 1,
     .max = 32,
     .offset = FIELD(gateway_name),
     .help = "first part of the gateway's id, for operators",
     .check = check_name},
    {.name = "MESSAGE_MAX_BYTES",
     .type = SETTING_NUMBER,
     .fallback = "4096",
     .min = 1,
     .max = 65536,
     .offset = FIELD(message_max_bytes),
     .help = "bytes of a text, as UTF-8"},
    {.name = "RATE_MESSAGES",
     .type = SETTING_RATE,
     .fallback = "20:100",
     .min = 1,
     .max = 1000000,
     .offset = FIELD(rate_messages),
     .help = "messages per second, and burst, of a user on one gateway"},
    {.name = "MAX_SOCKETS_PER_USER",
     .type = SETTING_NUMBER,
     .fallback = "16",
     .min = 1,
     .max = 1000,
     .offset = FIELD(max_sockets),
     .help = "connections of one session on one gateway"},
    {.name = "QUEUE_MAX_BYTES",
     .type = SETTING_NUMBER,
     .fallback = "1048576",
     .min = 262144,
     .max = 1073741824,
     .offset = FIELD(queue_max_bytes),
     .help = "bytes waiting for a client that does not read, before it is closed"},
    {.name = "PING_INTERVAL_MS",
     .type = SETTING_NUMBER,
     .fallback = "25000",
     .min = 50,
     .max = 3600000,
     .offset = FIELD(ping_interval_ms),
     .help = "Engine.IO pingInterval"},
    {.name = "PING_TIMEOUT_MS",
     .type = SETTING_NUMBER,
     .fallback = "20000",
     .min = 50,
     .max = 3600000,
     .offset = FIELD(ping_timeout_ms),
     .help = "Engine.IO pingTimeout"},
    {.name = "CONNECT_TIMEOUT_MS",
     .type = SETTING_NUMBER,
     .fallback = "10000",
     .min = 50,
     .max = 3600000,
     .offset = FIELD(connect_timeout_ms),
     .help = "ms for a connection to show a session"},
    {.name = "MAX_PAYLOAD",
     .type = SETTING_NUMBER,
     .fallback = "1000000",
     .min = 1024,
     .max = 100000000,
     .offset = FIELD(max_payload),
     .help = "bytes of one message from a client, and of one POST"},
    {.name = "UPGRADE_TIMEOUT_MS",
     .type = SETTING_NUMBER,
     .fallback = "10000",
     .min = 50,
     .max = 3600000,
     .offset = FIELD(upgrade_timeout_ms),
     .help = "ms for a WebSocket to take over from polling"},
    {.name = "DRAIN_S",
     .type = SETTING_NUMBER,
     .fallback = "5",
     .min = 0,
     .max = 60,
     .offset = FIELD(drain_s),
     .help = "seconds over which clients are sent elsewhere at SIGTERM; 0: at once"},
    {.name = "ALLOWED_ORIGINS",
     .type = SETTING_TEXT,
     .fallback = "",
     .min = 0,
     .max = 65536,
     .offset = FIELD(allowed_origins),
     .help = "origins of other pages that may connect, separated by commas; * for all",
     .check = check_origins},
    {.name = "CORS_MAX_AGE_S",
     .type = SETTING_NUMBER,
     .fallback = "0",
     .min = 0,
     .max = 86400,
     .offset = FIELD(cors_max_age_s),
     .help = "seconds for which browsers may remember a preflight; 0: theirs"},
    {.name = "GATEWAY_ADDRESS",
     .type = SETTING_TEXT,
     .fallback = "",
     .min = 0,
     .max = 255,
     .offset = FIELD(gateway_address),
     .help = "address[:port] for other gateways; empty: HOST, or our end towards Redis",
     .check = check_address},
    {.name = "TRANSPORTS",
     .type = SETTING_CHOICE,
     .fallback = "polling,websocket",
     .offset = FIELD(transports),
     .help = "how clients may talk to us",
     .choices = "polling,websocket|polling|websocket"},
    {.name = "ALLOW_UPGRADES",
     .type = SETTING_CHOICE,
     .fallback = "true",
     .offset = FIELD(allow_upgrades),
     .help = "whether a polling connection may become a WebSocket",
     .choices = "false|true"},
    {.name = "IO_URING",
     .type = SETTING_CHOICE,
     .fallback = "true",
     .offset = FIELD(io_uring),
     .help = "whether to send with io_uring where the kernel lets us",
     .choices = "false|true"},
    {.name = "CORS_CREDENTIALS",
     .type = SETTING_CHOICE,
     .fallback = "true",
     .offset = FIELD(cors_credentials),
     .help = "whether such pages may use the session cookie; not with *",
     .choices = "false|true"},
};
/* clang-format on */
const size_t gateway_settings_count = sizeof gateway_settings / sizeof *gateway_settings;

/* NULL when it is enough for the longest text, else a line that is valid until the next call. */
static const char *check_room(const char *name, uint64_t value, size_t needed, uint64_t text_max)
{
    static char why[160];
    if (value >= needed) {
        return NULL;
    }
    (void)snprintf(why, sizeof why, "%s=%llu: must be at least %zu with MESSAGE_MAX_BYTES=%llu",
                   name, (unsigned long long)value, needed, (unsigned long long)text_max);
    return why;
}

/* Whoever comes back is given page after page of what he missed, each when no more than SIO_DRAINED
 * waits; a page can be one message of any size, and behind the last one comes what waited meanwhile
 * (replay.c): a quarter of the queue.  Were there no room for that, he would be closed at the same
 * message each time he comes. */
static size_t queue_for(uint64_t text_max)
{
    return 2 * message_size_in(text_max);
}

const char *gateway_config_check(const struct gateway_config *config)
{
    uint64_t text_max = config->message_max_bytes;

    if (is_everybody(config->allowed_origins) && config->cors_credentials) {
        return "ALLOWED_ORIGINS=\"*\": browsers show no cookie to a server that takes everybody: "
               "name the pages, or set CORS_CREDENTIALS=false";
    }
    const char *why =
        check_room("QUEUE_MAX_BYTES", config->queue_max_bytes, queue_for(text_max), text_max);
    return why ? why
               : check_room("MAX_PAYLOAD", config->max_payload, message_size_out(text_max),
                            text_max);
}

void gateway_config_find_address(struct gateway_config *config)
{
    struct address own;
    bool set = config->gateway_address[0] != '\0';
    config->address[0] = '\0';
    if (address_parse(slice_text(set ? config->gateway_address : config->common.host), &own) &&
        !address_is_wildcard(own.host)) {
        address_print(own.host, set && own.port > 0 ? own.port : (uint16_t)config->port,
                      config->address);
    }
}

void gateway_config_load(struct gateway_config *config, int argc, char **argv)
{
    const struct service_program program = {
        .name = "parley-gateway",
        .summary =
            "Holds the clients' Socket.IO connections and relays their messages through Redis.",
        .table = gateway_settings,
        .count = gateway_settings_count};

    common_settings_main(argc, argv, &program, config, &config->common);
    const char *why = gateway_config_check(config);
    if (why) {
        (void)fprintf(stderr, "%s: %s\n", program.name, why);
        exit(2);
    }
    gateway_config_find_address(config);
}

struct hub_config gateway_config_hub(const struct gateway_config *config, const char *gateway_id)
{
    struct hub_config hub = {
        .relay = {.redis_url = config->common.redis_url,
                  .sentinels = config->common.sentinels,
                  .key_prefix = config->common.key_prefix,
                  .gateway_id = gateway_id,
                  .address = config->address[0] != '\0' ? config->address : NULL,
                  .port = (uint16_t)config->port,
                  .grace_ms = config->common.grace_s * 1000,
                  .lease_ms = config->common.lease_ms,
                  .keep_ms = config->common.grace_s * 1000 + config->ping_interval_ms +
                             config->ping_timeout_ms + config->common.lease_ms,
                  .queue_bytes = (size_t)config->queue_max_bytes},
        .message_max_bytes = config->message_max_bytes,
        .rate_messages = config->rate_messages,
        .max_sockets = (unsigned)config->max_sockets,
        .health_port = (uint16_t)config->common.health_port,
    };
    sio_config_defaults(&hub.sio);
    hub.sio.host = config->common.host;
    hub.sio.port = (uint16_t)config->port;
    hub.sio.node = gateway_id;
    hub.sio.ping_interval_ms = (uint32_t)config->ping_interval_ms;
    hub.sio.ping_timeout_ms = (uint32_t)config->ping_timeout_ms;
    hub.sio.connect_timeout_ms = (uint32_t)config->connect_timeout_ms;
    hub.sio.max_payload = (uint32_t)config->max_payload;
    hub.sio.upgrade_timeout_ms = (uint32_t)config->upgrade_timeout_ms;
    hub.sio.polling = transports[config->transports].polling;
    hub.sio.websocket = transports[config->transports].websocket;
    hub.sio.allow_upgrades = config->allow_upgrades;
    hub.sio.io_uring = config->io_uring;
    hub.sio.origins = config->allowed_origins;
    hub.sio.credentials = config->cors_credentials;
    hub.sio.cors_max_age_s = (uint32_t)config->cors_max_age_s;
    hub.sio.trust_forwarded = true; /* the door, through which all clients come, says so itself */
    hub.sio.queue_max_bytes = (uint32_t)config->queue_max_bytes;
    return hub;
}
