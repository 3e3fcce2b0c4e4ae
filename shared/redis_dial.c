/* redis_dial.c - opening sockets to one Redis */
#include "shared/redis_dial.h"

#include "shared/must.h"

#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define KEEPALIVE_S 15

struct redis_dial {
    const struct redis_url *url;
    struct resolver *resolver; /* NULL: a unix socket */
    redis_dial_fn *done;
    void *ctx;
    unsigned turn; /* which of several addresses is tried */
    bool tried;    /* it was; a lookup that took too long is not the address' fault */
};

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

/* ---- One socket ------------------------------------------------------------------------------ */

/* A socket that has begun to connect; -1 and errno. */
static int begin_to_connect(const struct sockaddr *address, socklen_t size)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (address->sa_family != AF_UNIX) {
        set_tcp_options(fd);
    }
    if (connect(fd, address, size) != 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* The socket is made here: hiredis looks host names up by itself, with the caller waiting. */
static void dial_address(struct redis_dial *dial, const struct sockaddr *address, socklen_t size)
{
    int fd = begin_to_connect(address, size);
    if (fd < 0) {
        dial->done(dial->ctx, NULL, strerror(errno));
        return;
    }
    redisContext *context = redisConnectFd(fd);
    if (!context) {
        close(fd);
        dial->done(dial->ctx, NULL, strerror(ENOMEM));
        return;
    }
    context->flags &= ~REDIS_BLOCK; /* which hiredis takes every foreign socket for */
    dial->done(dial->ctx, context, NULL);
}

static void dial_local(struct redis_dial *dial)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    /* It fits: see redis_url_parse. */
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.*s",
                   (int)sizeof address.sun_path - 1, dial->url->host);
    dial_address(dial, (const struct sockaddr *)&address, sizeof address);
}

/* ---- Hosts ----------------------------------------------------------------------------------- */

static void on_resolved(void *ctx, const struct addrinfo *found, const char *why)
{
    struct redis_dial *dial = ctx;
    char text[192];
    if (!found) {
        (void)snprintf(text, sizeof text, "host name: %s", why);
        dial->done(dial->ctx, NULL, text);
        return;
    }
    unsigned count = 0;
    for (const struct addrinfo *at = found; at; at = at->ai_next) {
        count++;
    }
    for (unsigned i = dial->turn % count; i > 0; i--) {
        found = found->ai_next;
    }
    dial->tried = true;
    dial_address(dial, found->ai_addr, found->ai_addrlen);
}

/* Written in digits?  Then it is read here and now, without a thread. */
static struct addrinfo *read_literal(const struct redis_url *url)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char service[8];
    (void)snprintf(service, sizeof service, "%u", (unsigned)url->port);
    return getaddrinfo(url->host, service, &hints, &found) == 0 ? found : NULL;
}

/* ---- Public ---------------------------------------------------------------------------------- */

struct redis_dial *redis_dial_new(struct ev_loop *loop, const struct redis_url *url,
                                  resolver_lookup_fn *lookup, redis_dial_fn *done, void *ctx)
{
    struct redis_dial *dial = must(calloc(1, sizeof *dial));
    const struct resolver_config resolver = {.loop = loop,
                                             .host = url->host,
                                             .port = (uint16_t)url->port,
                                             .lookup = lookup,
                                             .done = on_resolved,
                                             .ctx = dial};
    dial->url = url;
    dial->done = done;
    dial->ctx = ctx;
    if (!url->local) {
        dial->resolver = resolver_new(&resolver);
    }
    return dial;
}

void redis_dial_start(struct redis_dial *dial)
{
    if (dial->url->local) {
        dial_local(dial);
        return;
    }
    struct addrinfo *literal = read_literal(dial->url);
    if (!literal) {
        resolver_ask(dial->resolver);
        return;
    }
    on_resolved(dial, literal, NULL);
    freeaddrinfo(literal);
}

void redis_dial_stop(struct redis_dial *dial, bool worked)
{
    if (dial->resolver) {
        resolver_give_up(dial->resolver);
    }
    dial->turn += dial->tried && !worked;
    dial->tried = false;
}

void redis_dial_free(struct redis_dial *dial)
{
    if (!dial) {
        return;
    }
    resolver_free(dial->resolver);
    free(dial);
}

int redis_dial_outcome(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

bool redis_dial_local_host(int fd, char host[REDIS_CONN_HOST_MAX + 1])
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage storage;
    } end;
    socklen_t size = sizeof end;
    if (getsockname(fd, &end.any, &size) != 0) {
        return false;
    }
    if (end.any.sa_family == AF_UNIX) {
        (void)snprintf(host, REDIS_CONN_HOST_MAX + 1, "127.0.0.1");
        return true;
    }
    const void *bits = end.any.sa_family == AF_INET6 ? (const void *)&end.v6.sin6_addr
                                                     : (const void *)&end.v4.sin_addr;
    return inet_ntop(end.any.sa_family, bits, host, REDIS_CONN_HOST_MAX + 1) != NULL;
}
