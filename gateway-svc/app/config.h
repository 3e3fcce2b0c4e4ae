/* config.h - gateway-svc's settings */
#ifndef PARLEY_GATEWAY_CONFIG_H
#define PARLEY_GATEWAY_CONFIG_H

#include "gateway-svc/app/hub.h"
#include "gateway-svc/relay/address.h"
#include "shared/common_settings.h"

struct gateway_config {
    struct common_settings common;
    uint64_t port;
    const char *gateway_name;
    uint64_t message_max_bytes;
    struct rate rate_messages;
    uint64_t max_sockets, queue_max_bytes;
    uint64_t ping_interval_ms, ping_timeout_ms, connect_timeout_ms, upgrade_timeout_ms;
    uint64_t max_payload;
    uint64_t drain_s;
    unsigned transports;     /* index into "polling,websocket", "polling", "websocket" */
    unsigned allow_upgrades; /* 0 or 1 */
    unsigned io_uring;       /* 0 or 1 */
    const char *allowed_origins;
    unsigned cors_credentials; /* 0 or 1 */
    uint64_t cors_max_age_s;
    const char *gateway_address; /* as it was set; may be empty */
    char
        address[ADDRESS_TEXT_MAX + 1]; /* host:port for other gateways; empty: the relay finds it */
};

extern const struct setting gateway_settings[];
extern const size_t gateway_settings_count;

/* What no single setting shows: NULL when they fit together, else one line that says why not, valid
 * until the next call. */
const char *gateway_config_check(const struct gateway_config *config);
/* Fills `address`: GATEWAY_ADDRESS, with PORT if it has none; else HOST and PORT, unless that is no
 * address by which others could find us. */
void gateway_config_find_address(struct gateway_config *config);

/* Reads the command line and the environment; returns only when all is good. */
void gateway_config_load(struct gateway_config *config, int argc, char **argv);
/* The same for the hub; both are borrowed. */
struct hub_config gateway_config_hub(const struct gateway_config *config, const char *gateway_id);

#endif
