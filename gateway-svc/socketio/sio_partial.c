/* sio_partial.c - a packet that waits for its binary attachments */
#include "gateway-svc/socketio/sio_partial.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sio_partial {
    struct sio_packet packet; /* points into `text` and `data` */
    size_t left;              /* bytes that may still come */
    size_t count;             /* attachments that have come */
    char *text;
    char *owned[SIO_ATTACHMENTS_MAX];
    struct slice data[SIO_ATTACHMENTS_MAX]; /* views of `owned` */
};

/* A copy that is freed as one; never NULL for an empty slice. */
static char *copy(struct slice bytes)
{
    char *to = malloc(bytes.len > 0 ? bytes.len : 1);
    if (to && bytes.len > 0) {
        memcpy(to, bytes.ptr, bytes.len);
    }
    return to;
}

struct sio_partial *sio_partial_new(struct slice text, size_t max_bytes)
{
    struct sio_partial *p = text.len <= max_bytes ? calloc(1, sizeof *p) : NULL;
    if (!p) {
        return NULL;
    }
    p->text = copy(text);
    if (!p->text ||
        sio_packet_decode((struct slice){p->text, text.len}, &p->packet) != SIO_PACKET_OK) {
        sio_partial_free(p);
        return NULL;
    }
    p->left = max_bytes - text.len;
    return p;
}

bool sio_partial_add(struct sio_partial *partial, struct slice data)
{
    assert(!sio_partial_is_whole(partial));
    char *bytes = data.len <= partial->left ? copy(data) : NULL;
    if (!bytes) {
        return false;
    }
    partial->left -= data.len;
    partial->owned[partial->count] = bytes;
    partial->data[partial->count++] = (struct slice){bytes, data.len};
    if (sio_partial_is_whole(partial)) {
        partial->packet.data = partial->data;
    }
    return true;
}

bool sio_partial_is_whole(const struct sio_partial *partial)
{
    return partial->count == partial->packet.attachments;
}

const struct sio_packet *sio_partial_packet(const struct sio_partial *partial)
{
    return &partial->packet;
}

void sio_partial_free(struct sio_partial *partial)
{
    if (!partial) {
        return;
    }
    for (size_t i = 0; i < partial->count; i++) {
        free(partial->owned[i]);
    }
    free(partial->text);
    free(partial);
}
