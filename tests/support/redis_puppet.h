/* redis_puppet.h - a Redis server that does what a test tells it, on the test's own loop
 *
 * Speaks to one client at a time (the newest).  Every command it receives is noted; the handshake
 * is answered like by a real one unless told otherwise, everything else with `answer`. */
#ifndef PARLEY_TESTS_REDIS_PUPPET_H
#define PARLEY_TESTS_REDIS_PUPPET_H

#include "shared/buf.h"
#include "tests/support/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* In the order in which a reader asks. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct redis_puppet {
    struct ev_loop *loop;
    int listener;
    uint16_t port;
    char url[64];
    int client; /* -1: nobody */
    redisReader *reader;
    ev_io accepting;
    ev_io reading;
    unsigned accepted;
    unsigned commands; /* not of the handshake */
    bool silent;       /* reads, never answers */
    const char *auth;  /* answer to AUTH */
    const char *setname;
    const char *ping;
    const char *role;
    const char *info;    /* to INFO of one section; more is a syntax error, as before Redis 7 */
    const char *version; /* to FCALL_RO */
    const char *module;  /* to a PARLEY.SEND that only asks */
    const char *answer;  /* to any other command; NULL: none */
    bool echo;           /* answers any other command with its last argument instead */
    struct buf log;      /* every command, words separated by a space, ended by '\n' */
};

static inline void redis_puppet_say(struct redis_puppet *puppet, const char *bytes, size_t n)
{
    ssize_t sent = send(puppet->client, bytes, n, MSG_NOSIGNAL);
    (void)sent; /* the client may be gone: that is what some tests are about */
}

static inline void redis_puppet_hang_up(struct redis_puppet *puppet)
{
    if (puppet->client >= 0) {
        ev_io_stop(puppet->loop, &puppet->reading);
        close(puppet->client);
        redisReaderFree(puppet->reader);
        puppet->client = -1;
    }
}

static inline void redis_puppet_echo(struct redis_puppet *puppet, const redisReply *last)
{
    struct buf out;
    buf_init(&out, 1U << 26);
    buf_printf(&out, "$%zu\r\n", (size_t)last->len);
    buf_append(&out, (struct slice){last->str, (size_t)last->len});
    buf_append(&out, SLICE("\r\n"));
    redis_puppet_say(puppet, out.ptr, out.len);
    buf_deinit(&out);
}

static inline void redis_puppet_note(struct redis_puppet *puppet, const redisReply *command)
{
    for (size_t i = 0; i < command->elements; i++) {
        const redisReply *word = command->element[i];
        buf_append(&puppet->log, slice_head((struct slice){word->str, (size_t)word->len}, 100));
        buf_byte(&puppet->log, i + 1 < command->elements ? ' ' : '\n');
    }
}

static inline void redis_puppet_command(struct redis_puppet *puppet, const redisReply *command)
{
    const struct {
        const char *name, *answer;
    } handshake[] = {
        {"AUTH",        puppet->auth   },
        {"CLIENT",      puppet->setname},
        {"PING",        puppet->ping   },
        {"ROLE",        puppet->role   },
        {"INFO",        puppet->info   },
        {"FCALL_RO",    puppet->version},
        {"PARLEY.SEND", puppet->module },
    };
    const char *answer = puppet->answer;
    bool known = false;
    redis_puppet_note(puppet, command);
    for (size_t i = 0; i < sizeof handshake / sizeof *handshake; i++) {
        bool sends = handshake[i].answer == puppet->module && command->elements > 2;
        if (strcmp(command->element[0]->str, handshake[i].name) == 0 && !sends) {
            answer = handshake[i].answer;
            known = true;
        }
    }
    if (answer == puppet->info && command->elements > 2) {
        answer = "-ERR syntax error\r\n";
    }
    puppet->commands += known ? 0 : 1;
    if (puppet->silent) {
        return;
    }
    if (puppet->echo && !known) {
        redis_puppet_echo(puppet, command->element[command->elements - 1]);
    } else if (answer) {
        redis_puppet_say(puppet, answer, strlen(answer));
    }
}

static inline void redis_puppet_on_read(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct redis_puppet *puppet = watcher->data;
    char bytes[65536];
    void *command = NULL;
    ssize_t n = recv(puppet->client, bytes, sizeof bytes, MSG_DONTWAIT);
    (void)loop;
    (void)events;
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) {
            redis_puppet_hang_up(puppet);
        }
        return;
    }
    redisReaderFeed(puppet->reader, bytes, (size_t)n);
    while (puppet->client >= 0 && redisReaderGetReply(puppet->reader, &command) == REDIS_OK &&
           command) {
        redis_puppet_command(puppet, command);
        freeReplyObject(command);
        command = NULL;
    }
}

static inline void redis_puppet_on_accept(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct redis_puppet *puppet = watcher->data;
    (void)events;
    redis_puppet_hang_up(puppet);
    puppet->client = accept(puppet->listener, NULL, NULL);
    if (puppet->client < 0) {
        abort();
    }
    puppet->accepted++;
    puppet->reader = redisReaderCreate();
    ev_init(&puppet->reading, redis_puppet_on_read);
    ev_io_set(&puppet->reading, puppet->client, EV_READ);
    puppet->reading.data = puppet;
    ev_io_start(loop, &puppet->reading);
}

/* Binds a free port of 127.0.0.1 but does not listen yet: connecting is refused. */
static inline void redis_puppet_init(struct redis_puppet *puppet, struct ev_loop *loop)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    *puppet = (struct redis_puppet){.loop = loop,
                                    .client = -1,
                                    .auth = "+OK\r\n",
                                    .setname = "+OK\r\n",
                                    .ping = "+PONG\r\n",
                                    .role = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n",
                                    .info = "+redis_version:7.0.15\r\n",
                                    .version = "+1.999\r\n",
                                    .module = "-ERR unknown command 'PARLEY.SEND'\r\n",
                                    .answer = "+OK\r\n"};
    buf_init(&puppet->log, 1U << 20);
    puppet->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(puppet->listener, (struct sockaddr *)&at, size) != 0 ||
        getsockname(puppet->listener, (struct sockaddr *)&at, &size) != 0) {
        abort();
    }
    puppet->port = ntohs(at.sin_port);
    snprintf(puppet->url, sizeof puppet->url, "redis://127.0.0.1:%u", puppet->port);
    ev_init(&puppet->accepting, redis_puppet_on_accept);
    ev_io_set(&puppet->accepting, puppet->listener, EV_READ);
    puppet->accepting.data = puppet;
}

static inline void redis_puppet_listen(struct redis_puppet *puppet)
{
    if (listen(puppet->listener, 16) != 0) {
        abort();
    }
    ev_io_start(puppet->loop, &puppet->accepting);
}

static inline void redis_puppet_deinit(struct redis_puppet *puppet)
{
    redis_puppet_hang_up(puppet);
    ev_io_stop(puppet->loop, &puppet->accepting);
    close(puppet->listener);
    buf_deinit(&puppet->log);
}

#endif
