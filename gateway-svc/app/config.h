/* config.h - gateway-svc's settings */
#ifndef PARLEY_GATEWAY_CONFIG_H
#define PARLEY_GATEWAY_CONFIG_H

#include "gateway-svc/app/hub.h"
#include "shared/common_settings.h"

struct gateway_config {
    struct common_settings common;
    uint64_t port;
    const char *gateway_name;
    uint64_t message_max_bytes;
    struct rate rate_messages;
    uint64_t max_sockets, queue_max_bytes;
    uint64_t ping_interval_ms, ping_timeout_ms, connect_timeout_ms, max_payload;
    const char *allowed_origins;
    char address[320]; /* host:port, made of the two */
};

/* Reads the command line and the environment; returns only when all is good. */
void gateway_config_load(struct gateway_config *config, int argc, char **argv);
/* The same for the hub; gateway_id is borrowed. */
struct hub_config gateway_config_hub(const struct gateway_config *config, const char *gateway_id);

#endif
