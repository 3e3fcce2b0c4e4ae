/* crowd.c - bundles changes of the list, keeps the encoded list and the latest bundles */
#include "gateway-svc/app/crowd.h"
#include "gateway-svc/chat/roster.h"
#include "shared/clock.h"
#include "shared/must.h"
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MIN_MS 100
#define WINDOW_MAX_MS 1000
#define BUSY_NAMES 50 /* a bundle with more names doubles the window, one with less halves it */
#define HISTORY 64    /* bundles kept for clients that missed some */
#define CURSOR_LEN 64
#define JSON_MAX ((size_t)64 << 20)

struct bundle {
    char from[CURSOR_LEN];
    struct sio_frame *frame;
};

struct crowd {
    struct ev_loop *loop;
    struct sio_namespace *nsp;
    crowd_emit_fn *emit;
    void *ctx;
    struct roster *roster;
    bool frozen, known;
    bool telling; /* the last bundle goes round */
    ev_timer timer;
    uint64_t window_ms, told_ms;
    struct bundle history[HISTORY]; /* a ring */
    size_t newest;           /* counts up; history[newest % HISTORY] is the next to be written */
    struct sio_frame **list; /* of the full list, what is the same for everybody */
    size_t parts;
    struct buf json;
};

static struct sio_frame *frame_of_json(struct crowd *c)
{
    return sio_event_frame(c->nsp, SLICE("user_change_in"), buf_slice(&c->json));
}

/* ---- The full list --------------------------------------------------------------------------- */

static void drop_list(struct crowd *c)
{
    for (size_t i = 0; i < c->parts; i++) {
        sio_frame_unref(c->list[i]);
    }
    free(c->list);
    c->list = NULL;
    c->parts = 0;
}

/* The parts that are the same for everybody. */
static void need_list(struct crowd *c)
{
    if (roster_has_list(c->roster)) {
        return;
    }
    drop_list(c);
    roster_take_list(c->roster);
    c->parts = roster_list_parts(c->roster);
    c->list = must(calloc(c->parts + 1, sizeof(struct sio_frame *)));
    for (size_t i = 0; i < c->parts; i++) {
        buf_clear(&c->json);
        roster_list_part(c->roster, i, &c->json);
        c->list[i] = frame_of_json(c);
    }
}

static void send_json(struct crowd *c, struct sio_socket *socket)
{
    struct sio_frame *frame = frame_of_json(c);
    sio_socket_emit(socket, frame);
    sio_frame_unref(frame);
}

static void send_list(struct crowd *c, struct sio_socket *socket, struct slice own)
{
    need_list(c);
    for (size_t i = 0; i < c->parts; i++) {
        sio_socket_emit(socket, c->list[i]);
    }
    buf_clear(&c->json);
    roster_list_rest(c->roster, own, &c->json);
    send_json(c, socket);
    buf_clear(&c->json);
    if (roster_list_gone(c->roster, &c->json)) {
        send_json(c, socket);
    }
}

/* ---- Bundles --------------------------------------------------------------------------------- */

static void remember(struct crowd *c, struct slice from, struct sio_frame *frame)
{
    struct bundle *b = &c->history[c->newest++ % HISTORY];
    sio_frame_unref(b->frame);
    memset(b->from, 0, sizeof b->from);
    memcpy(b->from, from.ptr, from.len < CURSOR_LEN ? from.len : CURSOR_LEN - 1);
    b->frame = sio_frame_ref(frame);
}

static void adapt_window(struct crowd *c, size_t names)
{
    uint64_t next = names > BUSY_NAMES ? 2 * c->window_ms : c->window_ms / 2;
    next = next < WINDOW_MIN_MS ? WINDOW_MIN_MS : next;
    c->window_ms = next > WINDOW_MAX_MS ? WINDOW_MAX_MS : next;
}

static void tell(struct crowd *c)
{
    char from[CURSOR_LEN] = "";
    struct slice cursor = slice_head(roster_cursor(c->roster), sizeof from - 1);
    memcpy(from, cursor.ptr, cursor.len);
    buf_clear(&c->json);
    size_t names = roster_tell(c->roster, &c->json);
    if (names == 0) {
        return;
    }
    adapt_window(c, names);
    c->telling = true;
    struct sio_frame *frame = frame_of_json(c);
    remember(c, slice_text(from), frame);
    c->emit(c->ctx, frame, c->newest - 1);
    sio_frame_unref(frame);
}

static bool may_tell(const struct crowd *c)
{
    return !c->frozen && !c->telling;
}

static uint64_t wait_ms(const struct crowd *c)
{
    uint64_t due = c->told_ms + c->window_ms, now = clock_mono_ms();
    return due > now ? due - now : 0;
}

static void schedule(struct crowd *c)
{
    if (may_tell(c) && c->known && !ev_is_active(&c->timer)) {
        ev_timer_set(&c->timer, (double)wait_ms(c) / 1000.0, 0.0);
        ev_timer_start(c->loop, &c->timer);
    }
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct crowd *c = timer->data;
    if (may_tell(c) && wait_ms(c) == 0) {
        tell(c);
    } else {
        schedule(c);
    }
}

void crowd_told(struct crowd *c)
{
    c->telling = false;
    c->told_ms = clock_mono_ms();
    if (roster_has_news(c->roster)) {
        schedule(c);
    }
}

/* ---- For the hub ----------------------------------------------------------------------------- */

struct crowd *crowd_new(struct ev_loop *loop, struct sio_namespace *nsp, crowd_emit_fn *emit,
                        void *ctx)
{
    struct crowd *c = must(calloc(1, sizeof *c));
    c->loop = loop;
    c->nsp = nsp;
    c->emit = emit;
    c->ctx = ctx;
    c->window_ms = WINDOW_MIN_MS;
    c->roster = roster_new();
    buf_init(&c->json, JSON_MAX);
    ev_init(&c->timer, on_timer);
    c->timer.data = c;
    return c;
}

void crowd_free(struct crowd *c)
{
    if (!c) {
        return;
    }
    ev_timer_stop(c->loop, &c->timer);
    drop_list(c);
    for (size_t i = 0; i < HISTORY; i++) {
        sio_frame_unref(c->history[i].frame);
    }
    roster_free(c->roster);
    buf_deinit(&c->json);
    free(c);
}

static size_t oldest_change(const struct crowd *c)
{
    return c->newest > HISTORY ? c->newest - HISTORY : 0;
}

static void send_from(const struct crowd *c, struct sio_socket *socket, size_t change)
{
    for (size_t i = change; i < c->newest; i++) {
        sio_socket_emit(socket, c->history[i % HISTORY].frame);
    }
}

static bool send_changes(struct crowd *c, struct sio_socket *socket, struct slice since)
{
    size_t i = oldest_change(c);
    while (i < c->newest && !slice_equal(slice_text(c->history[i % HISTORY].from), since)) {
        i++;
    }
    send_from(c, socket, i);
    return i < c->newest;
}

void crowd_answer(struct crowd *c, struct sio_socket *socket, struct slice since,
                  struct slice shown)
{
    if (since.len > 0 && slice_equal(since, roster_cursor(c->roster))) {
        buf_clear(&c->json);
        roster_nothing(c->roster, &c->json);
        send_json(c, socket);
    } else if (since.len == 0 || !send_changes(c, socket, since)) {
        send_list(c, socket, shown);
    }
}

void crowd_welcome(struct crowd *c, struct sio_socket *socket, struct slice since,
                   struct slice shown)
{
    if (may_tell(c) && wait_ms(c) == 0) {
        tell(c);
    }
    crowd_answer(c, socket, since, shown);
}

void crowd_catch_up(struct crowd *c, struct sio_socket *socket, size_t change, struct slice shown)
{
    if (change >= oldest_change(c)) {
        send_from(c, socket, change);
    } else {
        send_list(c, socket, shown);
    }
}

struct slice crowd_cursor(const struct crowd *c)
{
    return roster_cursor(c->roster);
}

void crowd_freeze(struct crowd *c, bool frozen)
{
    c->frozen = frozen;
    roster_freeze(c->roster, frozen);
    schedule(c);
}

void crowd_load_begin(struct crowd *c)
{
    roster_load_begin(c->roster);
}

void crowd_load_name(struct crowd *c, struct slice shown)
{
    roster_load_name(c->roster, shown);
}

void crowd_load_end(struct crowd *c, struct slice epoch, uint64_t version)
{
    roster_load_end(c->roster, epoch, version);
    if (!c->known) { /* the first list is nobody's news */
        buf_clear(&c->json);
        roster_tell(c->roster, &c->json);
        c->known = true;
    }
    schedule(c);
}

bool crowd_change(struct crowd *c, struct slice epoch, uint64_t version, struct slice list)
{
    enum roster_result result = roster_apply(c->roster, epoch, version, list);
    if (result == ROSTER_OK) {
        schedule(c);
    }
    return result != ROSTER_GAP;
}

bool crowd_is_known(const struct crowd *c)
{
    return c->known;
}

size_t crowd_size(const struct crowd *c)
{
    return roster_told_count(c->roster);
}
