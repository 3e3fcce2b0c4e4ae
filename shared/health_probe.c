/* health_probe.c - asks a service that runs beside this process how it is */
#include "shared/health_probe.h"

#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX 4096
#define STATUS_AT 9 /* in "HTTP/1.1 200 OK" */

struct talk {
    int fd;
    uint64_t until_ms;
    struct buf got;
};

/* False, with errno, when the time is up first. */
static bool wait_for(const struct talk *talk, short events)
{
    for (;;) {
        uint64_t now_ms = clock_mono_ms();
        struct pollfd p = {.fd = talk->fd, .events = events};
        if (now_ms >= talk->until_ms) {
            errno = ETIMEDOUT;
            return false;
        }
        int ready = poll(&p, 1, (int)(talk->until_ms - now_ms));
        if (ready > 0) {
            return true;
        }
        if (ready < 0 && errno != EINTR) {
            return false;
        }
    }
}

/* ---- Reaching it ----------------------------------------------------------------------------- */

/* Who listens on all addresses is found on the loopback one. */
static void mean_loopback(struct sockaddr *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)address;
    if (address->sa_family == AF_INET && four->sin_addr.s_addr == htonl(INADDR_ANY)) {
        four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr)) {
        six->sin6_addr = in6addr_loopback;
    }
}

static bool reach(struct talk *talk, const struct addrinfo *at)
{
    int error = 0;
    socklen_t size = sizeof error;
    mean_loopback(at->ai_addr);
    talk->fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (talk->fd < 0) {
        return false;
    }
    if (connect(talk->fd, at->ai_addr, at->ai_addrlen) == 0) {
        return true;
    }
    if (errno != EINPROGRESS || !wait_for(talk, POLLOUT)) {
        return false;
    }
    if (getsockopt(talk->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        return false;
    }
    errno = error;
    return error == 0;
}

/* Tries every address; on false `why` says what the last one said. */
static bool reach_host(struct talk *talk, const struct health_probe *probe, struct buf *why)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char service[8];
    (void)snprintf(service, sizeof service, "%u", (unsigned)probe->port);
    int error = getaddrinfo(probe->host, service, &hints, &found);
    if (error != 0) {
        buf_printf(why, "no such host: %s", gai_strerror(error));
        return false;
    }
    talk->until_ms = clock_mono_ms() + probe->timeout_ms;
    bool reached = false;
    for (const struct addrinfo *at = found; at && !reached; at = at->ai_next) {
        if (talk->fd >= 0) {
            close(talk->fd);
        }
        reached = reach(talk, at);
    }
    if (!reached) {
        buf_printf(why, "nobody answers there: %s", strerror(errno));
    }
    freeaddrinfo(found);
    return reached;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

/* The request is small enough for any empty socket to take it whole. */
static bool ask(const struct talk *talk, const char *path)
{
    char request[256];
    int n = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    if (n < 0 || (size_t)n >= sizeof request) {
        errno = EINVAL;
        return false;
    }
    return send(talk->fd, request, (size_t)n, MSG_NOSIGNAL) == n;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 0: the first line is not complete, or none of HTTP. */
static unsigned status_of(struct slice answer)
{
    struct slice rest = answer;
    struct slice line = slice_cut(&rest, '\n');
    const char *code = line.len > STATUS_AT + 3 ? line.ptr + STATUS_AT : NULL;
    if (line.len == answer.len || !code || !slice_starts(line, SLICE("HTTP/1.")) ||
        line.ptr[STATUS_AT - 1] != ' ') {
        return 0;
    }
    if (!is_digit(code[0]) || !is_digit(code[1]) || !is_digit(code[2]) || is_digit(code[3])) {
        return 0;
    }
    return (unsigned)((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
}

/* Until the answer is known to be 200, or ends.  False, with errno, when it does not come. */
static bool listen_to(struct talk *talk)
{
    while (status_of(buf_slice(&talk->got)) != 200 && talk->got.len < ANSWER_MAX) {
        char bytes[1024];
        if (!wait_for(talk, POLLIN)) {
            return false;
        }
        ssize_t n = recv(talk->fd, bytes, sizeof bytes, 0);
        if (n == 0) {
            return true;
        }
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            buf_append(&talk->got,
                       slice_head((struct slice){bytes, (size_t)n}, ANSWER_MAX - talk->got.len));
        }
    }
    return true;
}

/* The first line of the body, for people. */
static struct slice reason_of(struct slice answer)
{
    while (answer.len > 0 && !slice_starts(answer, SLICE("\r\n\r\n"))) {
        answer = slice_tail(answer, 1);
    }
    answer = slice_tail(answer, strlen("\r\n\r\n"));
    return slice_cut(&answer, '\n');
}

static bool judge(struct slice answer, bool whole, struct buf *why)
{
    int error = errno;
    unsigned status = status_of(answer);
    if (status == 200) {
        return true;
    }
    if (status != 0) {
        struct slice reason = reason_of(answer);
        buf_printf(why, "%u%s%s", status, reason.len > 0 ? ": " : "", log_escape(reason));
    } else if (!whole) {
        buf_printf(why, "no answer: %s", strerror(error));
    } else {
        buf_printf(why, "not an answer of HTTP: \"%s\"", log_escape(answer));
    }
    return false;
}

bool health_probe(const struct health_probe *probe, struct buf *why)
{
    struct talk talk = {.fd = -1};
    bool well = false;
    buf_init(&talk.got, ANSWER_MAX);
    if (reach_host(&talk, probe, why)) {
        bool whole = ask(&talk, probe->path) && listen_to(&talk);
        well = judge(buf_slice(&talk.got), whole, why);
    }
    if (talk.fd >= 0) {
        close(talk.fd);
    }
    buf_deinit(&talk.got);
    return well;
}
