/* redis_dial.c - opening a socket to Redis */
#include "shared/redis_dial.h"

#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#define KEEPALIVE_S 15

static void set_tcp_options(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET,  SO_KEEPALIVE,  1              },
        {IPPROTO_TCP, TCP_KEEPIDLE,  KEEPALIVE_S    },
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_S / 3},
        {IPPROTO_TCP, TCP_KEEPCNT,   3              },
        {IPPROTO_TCP, TCP_NODELAY,   1              },
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                         sizeof options[i].value); /* without it, it still works */
    }
}

struct redisContext *redis_dial(const struct redis_url *url, char *why, size_t why_size)
{
    redisContext *context = url->local ? redisConnectUnixNonBlock(url->host)
                                       : redisConnectNonBlock(url->host, url->port);
    if (!context || context->err) {
        (void)snprintf(why, why_size, "%s", context ? context->errstr : "no memory");
        redisFree(context);
        return NULL;
    }
    if (!url->local) {
        set_tcp_options(context->fd);
    }
    return context;
}
