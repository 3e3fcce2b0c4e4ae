/* main.c - the load generator of `make bench`
 *
 * Reads orders from its input, a line each, and answers each with a line of JSON.  Ends with its
 * input.  It talks to 127.0.0.0/8 alone. */
#include "shared/log.h"
#include "tests/bench/load/orders.h"
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define LINE_MAX_BYTES 256
#define ANSWER_MAX 65536
#define IDLE_US 1000000

static const struct option options[] = {
    {"dialect", required_argument, NULL, 'd'},
    {"gateway", required_argument, NULL, 'g'},
    {"auth",    required_argument, NULL, 'a'},
    {"server",  required_argument, NULL, 's'},
    {"prefix",  required_argument, NULL, 'p'},
    {"polling", no_argument,       NULL, 'l'},
    {"help",    no_argument,       NULL, 'h'},
    {NULL,      0,                 NULL, 0  },
};

/* Where it was asked for, it is the output; else an error. */
static int usage(bool asked)
{
    fprintf(asked ? stdout : stderr,
            "usage: load --dialect parley|socketio|plain --gateway 127.0.0.1:PORT...\n"
            "            [--auth 127.0.0.1:PORT] [--server NAME=PID...] [--prefix u] [--polling]\n"
            "       load --help\n\n"
            "Orders, a line each:\n\n%s",
            orders_help());
    return asked ? 0 : 2;
}

/* 127.a.b.c:port */
static bool parse_address(const char *text, struct sockaddr_in *out)
{
    struct slice port = slice_text(text), host = slice_cut(&port, ':');
    char name[INET_ADDRSTRLEN] = "";
    uint64_t number;
    if (host.len >= sizeof name || !slice_u64(port, UINT16_MAX, &number)) {
        return false;
    }
    memcpy(name, host.ptr, host.len);
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
    return inet_pton(AF_INET, name, &out->sin_addr) == 1 &&
           ntohl(out->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* NAME=PID; the text is cut in two. */
static bool add_server(struct procs *procs, char *text)
{
    char *pid = strchr(text, '=');
    uint64_t number;
    if (!pid) {
        return false;
    }
    *pid++ = '\0';
    return slice_u64(slice_text(pid), INT32_MAX, &number) && procs_add(procs, text, (int)number);
}

static bool set_option(struct orders *o, int option, char *value)
{
    struct client_world *world = &o->crowd->world;
    switch (option) {
    case 'd': world->dialect = dialect_named(value); return world->dialect != NULL;
    case 'g':
        return world->gateway_count < WORLD_GATEWAYS &&
               parse_address(value, &world->gateways[world->gateway_count++]);
    case 'a': return parse_address(value, &world->auth);
    case 's': return add_server(&o->procs, value);
    case 'p': world->prefix = value; return true;
    case 'l': world->polling = true; return true;
    default: return false;
    }
}

static bool is_complete(const struct client_world *world)
{
    return world->dialect && world->gateway_count > 0 &&
           (!world->dialect->has_login || world->auth.sin_port != 0) &&
           (!world->polling || world->dialect->polling);
}

static bool answer_line(struct orders *o, struct slice line)
{
    struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    orders_do(o, line, &answer);
    bool good = fwrite(answer.ptr, 1, answer.len, stdout) == answer.len && fflush(stdout) == 0;
    buf_deinit(&answer);
    return good;
}

/* Serves the crowd between orders, or pings would stay unanswered. */
static void serve(struct orders *o)
{
    struct epoll_event e = {.events = EPOLLIN};
    struct buf lines;
    char bytes[LINE_MAX_BYTES];
    ssize_t n = 1;
    buf_init(&lines, 4 * sizeof bytes);
    if (epoll_ctl(o->crowd->world.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e) != 0) {
        fprintf(stderr, "load: the input must be a pipe or a terminal\n");
        n = 0;
    }
    while (n > 0) {
        if (!crowd_turn(o->crowd, IDLE_US)) {
            continue;
        }
        n = read(STDIN_FILENO, bytes, sizeof bytes);
        if (n > 0 && !buf_append(&lines, (struct slice){bytes, (size_t)n})) {
            n = 0; /* a line that never ends */
        }
        const char *end;
        while (n > 0 && lines.len > 0 && (end = memchr(lines.ptr, '\n', lines.len))) {
            size_t length = (size_t)(end - lines.ptr);
            n = answer_line(o, slice_head(buf_slice(&lines), length)) ? n : 0;
            buf_consume(&lines, length + 1);
        }
    }
    buf_deinit(&lines);
}

int main(int argc, char **argv)
{
    static struct crowd crowd;
    struct orders orders = {.crowd = &crowd};
    struct rlimit files;
    int option;
    log_init("load", LOG_LEVEL_WARN);
    crowd_init(&crowd);
    crowd.world.prefix = "u";
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h' || !set_option(&orders, option, optarg)) {
            return usage(option == 'h');
        }
    }
    if (optind != argc || !is_complete(&crowd.world)) {
        return usage(false);
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files); /* if not, connections fail, and that is told */
    }
    serve(&orders);
    crowd_deinit(&crowd);
    return 0;
}
