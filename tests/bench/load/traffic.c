/* traffic.c - messages of a crowd: sends them, and follows each until all have it */
#include "tests/bench/load/traffic.h"
#include "shared/clock.h"
#include "shared/must.h"
#include <assert.h>
#include <stdlib.h>

#define LAST_US 5000000 /* for what is on its way at the end */
#define TURN_US 10000
#define STRIDE 7919 /* a prime: receivers are spread over all gateways */

struct slot {
    uint32_t number;    /* 0: never used */
    uint32_t awaited;   /* arrivals that have not come */
    uint32_t sender;    /* index in `online` */
    uint64_t owed;      /* marks of the clients who have not got it */
    uint64_t should_us; /* when it should have left */
};

struct traffic {
    struct crowd *crowd;
    const struct traffic_plan *plan;
    struct traffic_figures *figures;
    struct client **online; /* who was when it began */
    uint32_t online_count;
    struct slot *slots; /* by the low bits of the number */
    uint32_t next;      /* number of the next message */
    uint32_t on_way;
    uint64_t begin_us;
    uint64_t begun; /* messages of the open loop so far */
    uint64_t all;   /* marks of everybody */
    struct buf packet, text, number, name;
};

static bool sends(const struct traffic_plan *plan)
{
    return plan->in_flight > 0 || plan->per_second > 0;
}

/* Marks add up to the same only for the same clients, so that one who gets the copy of another does
 * not go unnoticed. */
static uint64_t mark_of(const struct client *c)
{
    uint64_t i = c->index + UINT64_C(1);
    return i * i * i * UINT64_C(0x9e3779b97f4a7c15);
}

/* ---- Arriving -------------------------------------------------------------------------------- */

static bool is_timed(const struct traffic *t, const struct slot *slot)
{
    return window_has(&t->figures->window, slot->should_us);
}

static void end(struct traffic *t, struct slot *slot)
{
    slot->awaited = 0;
    t->on_way--;
}

/* latencies NULL: awaited, but not timed. */
static void arrive(struct traffic *t, struct slot *slot, struct latencies *latencies)
{
    uint64_t now = t->crowd->now_us;
    if (latencies && is_timed(t, slot)) {
        latencies_add(latencies, now > slot->should_us ? now - slot->should_us : 0);
    }
    if (--slot->awaited == 0) {
        t->on_way--;
        t->figures->astray += slot->owed != 0;
        t->figures->messages += window_has(&t->figures->window, now);
    }
}

static void on_message(struct traffic *t, const struct client *c, uint32_t number)
{
    struct slot *slot = &t->slots[number % TRAFFIC_SLOTS];
    t->figures->deliveries += window_has(&t->figures->window, t->crowd->now_us);
    if (!sends(t->plan)) {
        return; /* somebody else's */
    }
    if (slot->number != number || slot->awaited == 0) {
        t->figures->surplus++;
        return;
    }
    slot->owed -= mark_of(c);
    bool is_echo = t->plan->direct && t->online[slot->sender] == c;
    arrive(t, slot, is_echo ? NULL : &t->figures->delivered);
}

static void on_ack(struct traffic *t, const struct said *said)
{
    struct slot *slot = &t->slots[said->number % TRAFFIC_SLOTS];
    if (slot->number != said->number || slot->awaited == 0) {
        t->figures->surplus++;
    } else if (said->good) {
        arrive(t, slot, &t->figures->accepted);
    } else {
        t->figures->errors++;
        end(t, slot);
    }
}

static void on_said(void *arg, const struct client *c, const struct said *said)
{
    struct traffic *t = arg;
    assert(t->figures);
    if (said->kind == SAID_MESSAGE) {
        on_message(t, c, said->number);
    } else if (said->kind == SAID_ACK) {
        on_ack(t, said);
    } else if (said->kind == SAID_ERROR) {
        t->figures->errors++;
    }
}

/* ---- Leaving --------------------------------------------------------------------------------- */

static const struct client *pick_receiver(const struct traffic *t, uint32_t sender)
{
    uint32_t far = 1 + (uint32_t)((uint64_t)t->next * STRIDE % (t->online_count - 1));
    return t->online[(sender + far) % t->online_count];
}

static void write_direct(struct traffic *t, const struct client *receiver)
{
    buf_clear(&t->name);
    buf_clear(&t->number);
    client_name(receiver, &t->name);
    buf_u64(&t->number, t->next);
    struct slice words[] = {buf_slice(&t->number), buf_slice(&t->name), buf_slice(&t->text)};
    dialect_write(&t->packet, t->crowd->world.dialect->direct, words);
}

static void write_group(struct traffic *t)
{
    struct slice text = buf_slice(&t->text);
    dialect_write(&t->packet, t->crowd->world.dialect->group, &text);
}

static uint32_t pick_sender(const struct traffic *t)
{
    uint32_t senders = t->online_count;
    if (!t->plan->direct && senders > TRAFFIC_SENDERS) {
        senders = TRAFFIC_SENDERS;
    }
    return t->next % senders;
}

/* One message that should leave, or should have left, at `should_us`. */
static void send_one(struct traffic *t, uint64_t should_us)
{
    uint32_t sender = pick_sender(t);
    struct slot *slot = &t->slots[t->next % TRAFFIC_SLOTS];
    if (slot->awaited > 0 || t->online[sender]->state != CLIENT_ONLINE) {
        t->figures->overloaded = true;
        return;
    }
    *slot = (struct slot){.number = t->next, .sender = sender, .should_us = should_us};
    buf_clear(&t->packet);
    buf_clear(&t->text);
    dialect_text(&t->text, t->next, TRAFFIC_TEXT);
    if (t->plan->direct) {
        const struct client *receiver = pick_receiver(t, sender);
        slot->awaited = 3;
        slot->owed = mark_of(receiver) + mark_of(t->online[sender]);
        write_direct(t, receiver);
    } else {
        slot->awaited = t->online_count;
        slot->owed = t->all;
        write_group(t);
    }
    t->next++;
    t->on_way++;
    t->figures->sent += window_has(&t->figures->window, should_us);
    client_say(t->online[sender], buf_slice(&t->packet));
}

static uint64_t due_us(const struct traffic *t)
{
    return t->begin_us + (uint64_t)((double)t->begun * 1e6 / t->plan->per_second);
}

/* Sends what is due by now, or by `until_us` if that is earlier; returns how long nothing will be.
 */
static uint64_t send_due(struct traffic *t, uint64_t until_us)
{
    uint64_t now = clock_mono_us();
    if (t->plan->in_flight > 0) {
        while (now < until_us && t->on_way < t->plan->in_flight && !t->figures->overloaded) {
            send_one(t, clock_mono_us());
        }
        return 0; /* never sleeps: being woken up would cost the server, who has to do it */
    }
    if (!sends(t->plan)) {
        return TURN_US;
    }
    while (due_us(t) <= now && due_us(t) < until_us && !t->figures->overloaded) {
        send_one(t, due_us(t));
        t->begun++;
    }
    uint64_t wait = due_us(t) > now ? due_us(t) - now : 0;
    return wait < TURN_US ? wait : TURN_US;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void load_until(struct traffic *t, uint64_t until_us)
{
    while (clock_mono_us() < until_us && !t->figures->overloaded) {
        crowd_turn(t->crowd, send_due(t, until_us));
    }
    send_due(t, until_us); /* what became due while we did not get a processor */
}

static void wait_for_last(struct traffic *t)
{
    uint64_t until = clock_mono_us() + LAST_US;
    while (t->on_way > 0 && clock_mono_us() < until) {
        crowd_turn(t->crowd, TURN_US);
    }
    for (uint32_t i = 0; i < TRAFFIC_SLOTS; i++) {
        t->figures->missing += t->slots[i].awaited;
    }
}

static void prepare(struct traffic *t)
{
    t->slots = must(calloc(TRAFFIC_SLOTS, sizeof *t->slots));
    t->online = must(calloc(CROWD_MAX, sizeof(struct client *)));
    t->next = 1;
    for (uint32_t i = 0; i < t->crowd->count; i++) {
        if (t->crowd->clients[i].state == CLIENT_ONLINE) {
            t->online[t->online_count++] = &t->crowd->clients[i];
            t->all += mark_of(&t->crowd->clients[i]);
        }
    }
    buf_init(&t->packet, 4096);
    buf_init(&t->text, 1024);
    buf_init(&t->number, 32);
    buf_init(&t->name, 64);
    t->crowd->world.on_said = on_said;
    t->crowd->world.arg = t;
}

static void clean_up(struct traffic *t)
{
    t->crowd->world.on_said = NULL;
    t->crowd->world.arg = NULL;
    buf_deinit(&t->packet);
    buf_deinit(&t->text);
    buf_deinit(&t->number);
    buf_deinit(&t->name);
    free(t->slots);
    free(t->online);
}

void traffic_run(struct crowd *crowd, const struct procs *procs, const struct traffic_plan *plan,
                 struct traffic_figures *out)
{
    struct traffic t = {.crowd = crowd, .plan = plan, .figures = out};
    *out = (struct traffic_figures){.window = {.procs = procs}};
    prepare(&t);
    out->overloaded = sends(plan) && t.online_count < 2;
    t.begin_us = clock_mono_us();
    load_until(&t, t.begin_us + plan->warm_us);
    window_open(&out->window, procs);
    load_until(&t, out->window.begin_us + plan->span_us);
    window_close(&out->window);
    wait_for_last(&t);
    clean_up(&t);
}

static void write_latencies(const char *name, const struct latencies *l, struct buf *json)
{
    buf_printf(json,
               "\"%s\":{\"count\":%llu,\"p50_us\":%llu,\"p90_us\":%llu,\"p99_us\":%llu,"
               "\"p999_us\":%llu,\"max_us\":%llu},",
               name, (unsigned long long)l->count, (unsigned long long)latencies_at(l, 500),
               (unsigned long long)latencies_at(l, 900), (unsigned long long)latencies_at(l, 990),
               (unsigned long long)latencies_at(l, 999), (unsigned long long)l->max_us);
}

void traffic_write(const struct traffic_figures *f, struct buf *json)
{
    window_write(&f->window, json);
    buf_printf(
        json,
        "\"deliveries\":%llu,\"sent\":%llu,\"messages\":%llu,\"missing\":%llu,\"astray\":%llu,"
        "\"surplus\":%llu,\"errors\":%llu,\"overloaded\":%s,",
        (unsigned long long)f->deliveries, (unsigned long long)f->sent,
        (unsigned long long)f->messages, (unsigned long long)f->missing,
        (unsigned long long)f->astray, (unsigned long long)f->surplus,
        (unsigned long long)f->errors, f->overloaded ? "true" : "false");
    write_latencies("delivered", &f->delivered, json);
    write_latencies("accepted", &f->accepted, json);
}
