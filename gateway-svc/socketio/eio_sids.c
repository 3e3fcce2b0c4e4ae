/* eio_sids.c - the connections that requests can name */
#include "gateway-svc/socketio/eio_sids.h"
#include "shared/token.h"
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64

/* The characters are random and unknown to others: any of them will do for a hash. */
static size_t bucket_of(const char *random, size_t size)
{
    uint64_t hash = 0;
    memcpy(&hash, random, sizeof hash);
    return (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (size - 1);
}

static bool grow(struct eio_sids *sids)
{
    size_t size = sids->size ? sids->size * 2 : FIRST_SIZE;
    struct eio_sid **buckets = calloc(size, sizeof(struct eio_sid *));
    if (!buckets) {
        return false;
    }
    for (size_t i = 0; i < sids->size; i++) {
        while (sids->buckets[i]) {
            struct eio_sid *sid = sids->buckets[i];
            sids->buckets[i] = sid->next;
            size_t to = bucket_of(sid->random, size);
            sid->next = buckets[to];
            buckets[to] = sid;
        }
    }
    free(sids->buckets);
    sids->buckets = buckets;
    sids->size = size;
    return true;
}

struct eio_sid *eio_sids_add(struct eio_sids *sids, struct eio_conn *conn)
{
    if (sids->count >= sids->size && !grow(sids)) {
        return NULL;
    }
    struct eio_sid *sid = malloc(sizeof *sid);
    if (!sid) {
        return NULL;
    }
    char random[EIO_SID_RANDOM + 1];
    random_text(random, EIO_SID_RANDOM);
    memcpy(sid->random, random, EIO_SID_RANDOM);
    size_t bucket = bucket_of(random, sids->size);
    sid->conn = conn;
    sid->next = sids->buckets[bucket];
    sids->buckets[bucket] = sid;
    sids->count++;
    return sid;
}

void eio_sids_remove(struct eio_sids *sids, struct eio_sid *sid)
{
    if (!sid) {
        return;
    }
    struct eio_sid **slot = &sids->buckets[bucket_of(sid->random, sids->size)];
    while (*slot != sid) {
        slot = &(*slot)->next;
    }
    *slot = sid->next;
    sids->count--;
    free(sid);
}

bool eio_node_is_name(struct slice text)
{
    return text.len > 0 && text.len <= EIO_NODE_MAX && slice_made_of(text, "._-");
}

struct slice eio_sid_node(struct slice text)
{
    size_t n = text.len;
    while (n > 0 && text.ptr[n - 1] != '.') {
        n--;
    }
    struct slice node = slice_head(text, n > 0 ? n - 1 : 0);
    return eio_node_is_name(node) ? node : slice_head(text, 0);
}

struct eio_conn *eio_sids_find(const struct eio_sids *sids, struct slice text)
{
    struct slice node = eio_sid_node(text);
    struct slice random = slice_tail(text, node.len > 0 ? node.len + 1 : 0);
    if (random.len != EIO_SID_RANDOM || sids->size == 0) {
        return NULL;
    }
    struct eio_sid *sid = sids->buckets[bucket_of(random.ptr, sids->size)];
    while (sid && memcmp(sid->random, random.ptr, EIO_SID_RANDOM) != 0) {
        sid = sid->next;
    }
    return sid ? sid->conn : NULL;
}

void eio_sids_deinit(struct eio_sids *sids)
{
    free(sids->buckets);
    *sids = (struct eio_sids){0};
}
