/* extras.c - what tests need of the conformance application beyond being a conforming server */
#include "tests/conformance/extras.h"
#include "shared/json.h"
#include <stdio.h>

#define FLOOD_MAX 1000000
#define CLOSE_CODE 4000
#define HEARERS_MAX 256

/* ---- Joining --------------------------------------------------------------------------------- */

static bool has_member(struct slice auth, const char *key, struct slice *value)
{
    struct json object;
    struct json member;
    if (auth.len == 0 || json_parse(auth, &object) != JSON_OK ||
        json_find(object, slice_text(key), &member) != JSON_OK) {
        return false;
    }
    *value = member.raw;
    return true;
}

bool extras_connect(struct sio_socket *socket, struct slice auth)
{
    struct slice value;
    if (has_member(auth, "refuse", &value)) {
        sio_socket_refuse(socket, SLICE("refused by \"request\""), value);
        return true;
    }
    return has_member(auth, "wait", &value);
}

/* ---- Events ---------------------------------------------------------------------------------- */

typedef void act_fn(struct sio_namespace *nsp, struct sio_socket *socket, struct slice args);

static void kick(struct sio_namespace *nsp, struct sio_socket *socket, struct slice args)
{
    (void)nsp;
    (void)args;
    sio_socket_disconnect(socket, false);
}

static void kick_all(struct sio_namespace *nsp, struct sio_socket *socket, struct slice args)
{
    (void)nsp;
    (void)args;
    sio_socket_disconnect(socket, true);
}

static void close_all(struct sio_namespace *nsp, struct sio_socket *socket, struct slice args)
{
    (void)nsp;
    (void)args;
    sio_socket_close(socket, CLOSE_CODE);
}

static void flood(struct sio_namespace *nsp, struct sio_socket *socket, struct slice args)
{
    uint64_t count = 0;
    struct slice what = slice_cut(&args, ',');
    if (!slice_u64(slice_trim(args), FLOOD_MAX, &count)) {
        return;
    }
    struct sio_frame *frame = sio_event_frame(nsp, SLICE("flood"), what);
    for (uint64_t i = 0; i < count; i++) {
        sio_socket_emit(socket, frame);
    }
    sio_frame_unref(frame);
}

static void count(struct sio_namespace *nsp, struct sio_socket *socket, struct slice args)
{
    static unsigned counted;
    char number[16];
    (void)args;
    snprintf(number, sizeof number, "%u", ++counted);
    struct sio_frame *frame = sio_event_frame(nsp, SLICE("count"), slice_text(number));
    sio_socket_emit(socket, frame);
    sio_frame_unref(frame);
}

/* Who hears; one that is gone hears nothing. */
static struct {
    struct sio_socket *all[HEARERS_MAX];
    unsigned count;
} hearers;

static void hear(struct sio_namespace *nsp, struct sio_socket *socket, struct slice args)
{
    (void)nsp;
    (void)args;
    if (hearers.count < HEARERS_MAX) {
        sio_socket_ref(socket);
        hearers.all[hearers.count++] = socket;
    }
}

static void tell(struct sio_namespace *nsp, struct sio_socket *socket, struct slice args)
{
    struct sio_frame *frame = sio_event_frame(nsp, SLICE("told"), args);
    (void)socket;
    for (unsigned i = 0; i < hearers.count; i++) {
        sio_socket_emit(hearers.all[i], frame);
    }
    sio_frame_unref(frame);
}

/* `arg` is the namespace. */
static void on_answer(void *arg, struct sio_socket *socket, const struct sio_answer *answer)
{
    struct sio_frame *frame = answer ? sio_event_frame_data(arg, SLICE("answered"), answer->args,
                                                            answer->data, answer->data_count)
                                     : sio_event_frame(arg, SLICE("unanswered"), SLICE(""));
    sio_socket_emit(socket, frame);
    sio_frame_unref(frame);
}

static void ask(struct sio_namespace *nsp, struct sio_socket *socket, struct slice args)
{
    if (!sio_socket_ask(socket, SLICE("question"), args, on_answer, nsp)) {
        on_answer(nsp, socket, NULL);
    }
}

static const struct {
    struct slice name;
    act_fn *act;
} events[] = {
    {SLICE_INIT("kick"),     kick     },
    {SLICE_INIT("kick-all"), kick_all },
    {SLICE_INIT("close"),    close_all},
    {SLICE_INIT("flood"),    flood    },
    {SLICE_INIT("count"),    count    },
    {SLICE_INIT("hear"),     hear     },
    {SLICE_INIT("tell"),     tell     },
    {SLICE_INIT("ask"),      ask      },
};

void extras_event(struct sio_namespace *nsp, struct sio_socket *socket,
                  const struct sio_event *event)
{
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (slice_equal(event->name, events[i].name)) {
            events[i].act(nsp, socket, event->args);
        }
    }
}

/* ---- The server ------------------------------------------------------------------------------ */

static const char *allow(void *app, struct sio_request *req, void **conn_data)
{
    (void)app;
    (void)conn_data;
    return sio_request_header(req, "x-refuse").len > 0 ? "No entry" : NULL;
}

static unsigned http(void *app, struct slice path, struct sio_page *page)
{
    (void)app;
    if (!slice_equal(path, SLICE("/healthz"))) {
        return 404;
    }
    page->body = SLICE("ok\n");
    return 200;
}

static void find(void *app, struct slice node, struct sio_lookup *lookup)
{
    const struct extras *extras = app;
    struct slice rest = slice_text(extras->peers);
    uint64_t port = 0;
    while (rest.len > 0) {
        struct slice entry = slice_cut(&rest, ',');
        if (slice_equal(slice_cut(&entry, '='), node) && slice_u64(entry, UINT16_MAX, &port)) {
            sio_lookup_answer(lookup, "127.0.0.1", (uint16_t)port);
            return;
        }
    }
    sio_lookup_answer(lookup, NULL, 0);
}

const struct sio_server_handler extras_server_handler = {
    .allow = allow, .http = http, .find = find};

/* ---- Pages ----------------------------------------------------------------------------------- */

#define PAGE_BYTES ((size_t)4 << 20) /* more than the kernel takes of an answer at once */

void extras_serve_page(struct sio_server *server)
{
    static char bytes[PAGE_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)('a' + (i % 26 + i / 1000) % 26);
    }
    sio_server_page(server, "/page/big", "text/plain", "X-Of-The-Page: yes\r\n",
                    (struct slice){bytes, sizeof bytes});
}
