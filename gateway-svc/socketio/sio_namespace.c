/* sio_namespace.c - a namespace, and the packets that go out in its name */
#include "gateway-svc/socketio/sio_namespace.h"
#include "shared/decimal.h"
#include "shared/log.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sio_namespace *sio_namespace_new(const char *name, uint32_t index,
                                        const struct sio_namespace_handler *handler, void *app)
{
    struct slice own = slice_text(name);
    assert(name[0] == '/' && !strchr(name, ',') && index < SIO_NAMESPACES_MAX);
    struct sio_namespace *nsp = calloc(1, sizeof *nsp + own.len + 1);
    if (!nsp) {
        log_error("out of memory: namespace");
        abort();
    }
    memcpy(nsp->text, own.ptr, own.len);
    nsp->text[own.len] = ',';
    nsp->name = (struct slice){nsp->text, own.len};
    nsp->prefix = (struct slice){nsp->text, own.len > 1 ? own.len + 1 : 0};
    nsp->bit = UINT32_C(1) << index;
    nsp->handler = handler;
    nsp->app = app;
    return nsp;
}

void sio_namespace_free(struct sio_namespace *nsp)
{
    free(nsp);
}

struct sio_namespace *sio_namespace_find(struct sio_namespace *first, struct slice name)
{
    while (first && !slice_equal(first->name, name)) {
        first = first->next;
    }
    return first;
}

struct sio_frame *sio_namespace_packet(const struct sio_namespace *nsp, enum sio_packet_type type,
                                       const struct slice *body, size_t count)
{
    char digits[2] = {'4', (char)('0' + type)}; /* Engine.IO message, Socket.IO type */
    struct slice parts[2 + SIO_BODY_PARTS] = {
        {digits, sizeof digits},
        nsp->prefix
    };
    assert(count <= SIO_BODY_PARTS);
    for (size_t i = 0; i < count; i++) {
        parts[2 + i] = body[i];
    }
    return sio_frame_new(WS_TEXT, parts, 2 + count);
}

/* The attachments follow the packet, in their order. */
static void append_data(struct sio_frame *frame, const struct sio_message *m)
{
    struct sio_frame *last = frame;
    for (size_t i = 0; i < m->data_count; i++) {
        struct sio_frame *next = sio_frame_new(WS_BINARY, &m->data[i], 1);
        sio_frame_follow(last, next);
        last = next;
    }
}

struct sio_frame *sio_namespace_message(const struct sio_namespace *nsp,
                                        const struct sio_message *message)
{
    assert(message->data_count <= SIO_DATA_MAX);
    bool event = message->type == SIO_PACKET_EVENT, binary = message->data_count > 0;
    int type = (int)message->type + (binary ? SIO_PACKET_BINARY_EVENT - SIO_PACKET_EVENT : 0);
    char digits[2] = {'4', (char)('0' + type)}; /* Engine.IO message, Socket.IO type */
    char attachments[DECIMAL_MAX];
    const struct slice parts[] = {
        {digits, sizeof digits},
        binary ? decimal(attachments, message->data_count) : SLICE(""),
        binary ? SLICE("-") : SLICE(""),
        nsp->prefix,
        message->head,
        event ? SLICE("[\"") : SLICE("["),
        message->name,
        event ? SLICE("\"") : SLICE(""),
        event && message->args.len > 0 ? SLICE(",") : SLICE(""),
        message->args,
        SLICE("]"),
    };
    struct sio_frame *frame = sio_frame_new(WS_TEXT, parts, sizeof parts / sizeof parts[0]);
    append_data(frame, message);
    return frame;
}

struct sio_frame *sio_event_frame_data(struct sio_namespace *nsp, struct slice name,
                                       struct slice args_json, const struct slice *data,
                                       size_t count)
{
    assert(!sio_packet_is_reserved(name));
    return sio_namespace_message(nsp, &(struct sio_message){.type = SIO_PACKET_EVENT,
                                                            .name = name,
                                                            .args = args_json,
                                                            .data = data,
                                                            .data_count = count});
}

struct sio_frame *sio_event_frame(struct sio_namespace *nsp, struct slice name,
                                  struct slice args_json)
{
    return sio_event_frame_data(nsp, name, args_json, NULL, 0);
}
