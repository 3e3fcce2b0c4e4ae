/* broker.c - a Redis that everybody talks to, and what becomes of it */
#include "tests/sim/broker.h"
#include "shared/functions.h"
#include "tests/sim/conns.h"
#include "tests/sim/store.h"
#include "tests/sim/time.h"
#include <stdio.h>
#include <string.h>

#define PREFIX "{chat}:"
#define COPIES 32
#define COPY_EVERY_US (500 * SIM_MS)

static struct {
    const struct broker_watch *watch;
    void *ctx;
    int data;
    unsigned runs;
    bool down;
    uint64_t stalled_until;
    int copies[COPIES]; /* a ring, the newest at copied - 1 */
    size_t copied;
} broker;

/* ---- The process ----------------------------------------------------------------------------- */

static void start_process(int data)
{
    char run[32];
    (void)snprintf(run, sizeof run, "%08x", ++broker.runs);
    broker.data = data;
    store_use(data, run);
}

static void keep_copy(void *arg)
{
    (void)arg;
    int *slot = &broker.copies[broker.copied % COPIES];
    if (broker.copied++ >= COPIES) {
        store_drop(*slot);
    }
    *slot = store_copy(broker.data);
    sim_in(COPY_EVERY_US, keep_copy, NULL);
}

bool broker_is_well(void)
{
    return !broker.down && broker.stalled_until <= sim_now_us();
}

unsigned broker_run(void)
{
    return broker.down ? 0 : broker.runs;
}

uint64_t broker_stalled_until(void)
{
    return broker.stalled_until;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void on_published(void *ctx, struct slice channel, struct slice text)
{
    (void)ctx;
    if (slice_equal(channel, SLICE(PREFIX "presence"))) {
        struct slice rest = text; /* <epoch> <version> <changes> */
        (void)slice_cut(&rest, ' ');
        (void)slice_cut(&rest, ' ');
        broker.watch->presence(broker.ctx, rest);
    }
    conns_publish(channel, text);
}

/* A call of parley_send has SENT_HEAD arguments, and SENT_EACH for each of its messages; its answer
 * begins with three. */
#define SENT_HEAD 7
#define SENT_EACH 6

static void look_at_sends(const struct redis_reply *reply, const struct slice *args)
{
    for (size_t i = 3; i < redis_reply_count(reply); i++) {
        const struct slice *m = args + SENT_HEAD + (i - 3) * SENT_EACH;
        struct slice id = redis_reply_text_at(reply, i), status = slice_cut(&id, ' ');
        uint64_t number = 0;
        if (slice_equal(status, SLICE("failed"))) {
            broker.watch->failed(broker.ctx, "parley_send", id);
        } else if (slice_equal(status, SLICE("ok")) && slice_u64(id, UINT64_MAX, &number)) {
            broker.watch->accepted(broker.ctx, number, m[1], m[2], m[3]);
        }
    }
}

struct redis_reply *broker_execute(const char *name, const struct slice *args, size_t count)
{
    if (strcmp(name, "GET") == 0) {
        return store_command((const struct slice[]){SLICE("GET"), args[0]}, 2);
    }
    struct redis_reply *reply = store_call(name, PREFIX, args, count, on_published, NULL);
    if (reply->error) {
        broker.watch->failed(broker.ctx, name, reply->text);
    } else if (strcmp(name, "parley_send") == 0) {
        look_at_sends(reply, args);
    }
    return reply;
}

struct redis_reply *broker_ask(const char *function, const struct slice *args, size_t count)
{
    return broker_is_well() ? store_call(function, PREFIX, args, count, on_published, NULL) : NULL;
}

struct redis_reply *broker_command(const char *name, const char *key)
{
    char full[128];
    (void)snprintf(full, sizeof full, PREFIX "%s", key);
    const struct slice argv[] = {slice_text(name), slice_text(full)};
    return broker_is_well() ? store_command(argv, 2) : NULL;
}

/* ---- What becomes of it ---------------------------------------------------------------------- */

void broker_stall(uint64_t us)
{
    uint64_t until = sim_end_us(us);
    broker.stalled_until = until > broker.stalled_until ? until : broker.stalled_until;
}

static void on_restart(void *arg)
{
    (void)arg;
    broker.down = false;
    start_process(broker.data);
}

void broker_kill(uint64_t us, bool data)
{
    if (broker.down) {
        return;
    }
    broker.down = true;
    if (!data) {
        broker_flush();
    }
    conns_break_all();
    sim_in(us, on_restart, NULL);
}

void broker_flush(void)
{
    char run[32];
    (void)snprintf(run, sizeof run, "%08x", broker.runs);
    store_drop(broker.data);
    broker.data = store_new();
    store_use(broker.data, run);
}

void broker_fail_over(uint64_t us, uint64_t behind_us)
{
    size_t back = (size_t)(behind_us / COPY_EVERY_US);
    size_t kept = broker.copied < COPIES ? broker.copied : COPIES;
    if (broker.down || kept == 0) {
        return;
    }
    back = back < kept ? back : kept - 1;
    broker.down = true;
    store_drop(broker.data);
    broker.data = store_copy(broker.copies[(broker.copied - 1 - back) % COPIES]);
    conns_break_all();
    sim_in(us, on_restart, NULL);
}

void broker_begin(const struct broker_watch *watch, void *ctx)
{
    memset(&broker, 0, sizeof broker);
    broker.watch = watch;
    broker.ctx = ctx;
    start_process(store_new());
    reply_free(broker_ask("parley_first", NULL, 0));
    sim_in(COPY_EVERY_US, keep_copy, NULL);
}

void broker_end(void)
{
    for (size_t i = 0; i < COPIES && i < broker.copied; i++) {
        store_drop(broker.copies[i]);
    }
    store_drop(broker.data);
}
