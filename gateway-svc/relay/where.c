/* where.c - where other gateways listen for clients */
#include "gateway-svc/relay/where.h"
#include "shared/clock.h"
#include "shared/json.h"
#include "shared/must.h"
#include <stdlib.h>
#include <string.h>

#define ID_MAX 64
#define ADDRESS_MAX 300
#define PLACES 64     /* gateways that are remembered; the oldest one makes room */
#define FRESH_MS 1000 /* for so long nobody asks again */
#define KEY_MAX 256

struct place {
    char id[ID_MAX + 1];
    char address[ADDRESS_MAX + 1];
    uint64_t heard_ms;
};

struct where {
    struct functions *commands;
    const char *prefix;
    struct place places[PLACES];
};

/* A question that is out. */
struct question {
    struct where *where;
    where_fn *fn;
    void *arg;
    char id[ID_MAX + 1];
};

struct where *where_new(struct functions *commands, const char *prefix)
{
    struct where *where = must(calloc(1, sizeof *where));
    where->commands = commands;
    where->prefix = prefix;
    return where;
}

void where_free(struct where *where)
{
    free(where);
}

/* Ids come from clients here: only what can be one of ours reaches a key. */
static bool is_id(struct slice id)
{
    return id.len > 0 && id.len <= ID_MAX && slice_made_of(id, "._-");
}

/* Of its place; PLACES: it has none. */
static size_t index_of(const struct where *where, struct slice id)
{
    size_t i = 0;
    while (i < PLACES && !slice_equal(slice_text(where->places[i].id), id)) {
        i++;
    }
    return i;
}

static struct place *find(struct where *where, struct slice id)
{
    size_t i = index_of(where, id);
    return i < PLACES ? &where->places[i] : NULL;
}

/* The place of that gateway, or the one that has not been heard of for the longest time. */
static struct place *place_for(struct where *where, struct slice id)
{
    struct place *oldest = &where->places[0];
    for (size_t i = 1; i < PLACES; i++) {
        oldest = where->places[i].heard_ms < oldest->heard_ms ? &where->places[i] : oldest;
    }
    struct place *known = find(where, id);
    return known ? known : oldest;
}

static void copy(char *to, size_t max, struct slice from)
{
    size_t n = from.len <= max ? from.len : 0;
    memcpy(to, from.ptr, n);
    to[n] = '\0';
}

/* The address in a gateway's own words, or empty. */
static void read_address(struct slice json, struct buf *out)
{
    struct json doc, value;
    if (json_parse(json, &doc) != JSON_OK || json_find(doc, SLICE("address"), &value) != JSON_OK ||
        json_string(value, out) != JSON_OK) {
        buf_clear(out);
    }
}

static void on_reply(void *arg, const struct redis_reply *reply)
{
    struct question *q = arg;
    struct slice id = slice_text(q->id);
    struct place *known = find(q->where, id);
    struct buf address;
    buf_init(&address, ADDRESS_MAX);
    if (!reply) { /* Redis is away: the gateways may well be there */
        buf_append(&address, slice_text(known ? known->address : NULL));
    } else if (!redis_reply_is_error(reply, "")) {
        read_address(redis_reply_text(reply), &address);
    }
    if (reply && address.len == 0 && known) {
        *known = (struct place){0}; /* so that nobody is sent there while Redis is away */
    }
    if (reply && address.len > 0) {
        struct place *place = place_for(q->where, id);
        copy(place->id, ID_MAX, id);
        copy(place->address, ADDRESS_MAX, buf_slice(&address));
        place->heard_ms = clock_mono_ms();
    }
    q->fn(q->arg, buf_slice(&address));
    buf_deinit(&address);
    free(q);
}

static bool send_question(struct question *q)
{
    struct buf key;
    buf_init(&key, KEY_MAX);
    buf_printf(&key, "%sgateway:%s", q->where->prefix, q->id);
    const struct slice argv[] = {SLICE("GET"), buf_slice(&key)};
    bool sent = !key.failed && functions_command(q->where->commands, argv, 2, on_reply, q);
    buf_deinit(&key);
    return sent;
}

/* Who is unknown is asked for each time.  To remember it would spare Redis nothing: whoever makes
 * ids up makes up another one each time.  And it would send clients away from a gateway that has
 * just begun.  Such a GET costs Redis 1.5 us when many come in a turn, 9 to 20 alone; the call with
 * a made-up token, which is open to everybody too, costs more. */
void where_ask(struct where *where, struct slice gateway_id, uint64_t now_ms, where_fn *fn,
               void *arg)
{
    if (!is_id(gateway_id)) {
        fn(arg, SLICE(""));
        return;
    }
    size_t i = index_of(where, gateway_id);
    if (i < PLACES && now_ms - where->places[i].heard_ms < FRESH_MS) {
        fn(arg, slice_text(where->places[i].address));
        return;
    }
    struct question *q = must(calloc(1, sizeof *q));
    q->where = where;
    q->fn = fn;
    q->arg = arg;
    copy(q->id, ID_MAX, gateway_id);
    if (!send_question(q)) {
        on_reply(q, NULL);
    }
}
