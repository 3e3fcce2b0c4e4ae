/* eio_turn_ev.c - ties an engine to a libev loop */
#include "gateway-svc/socketio/eio_turn_ev.h"
#include "gateway-svc/socketio/eio_pace.h"
#include "shared/clock.h"
#include <ev.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct eio_turn {
    struct ev_loop *loop;
    struct eio_engine *engine;
    ev_prepare prepare;
    ev_timer timer;
    uint64_t armed_us; /* what the timer runs for, or EIO_NEVER */
    struct eio_pace pace;
    ev_io pause; /* a timer of its own, because the loop's have milliseconds */
    bool paused; /* it runs */
};

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct eio_turn *turn = timer->data;
    (void)loop;
    (void)events;
    turn->armed_us = EIO_NEVER;
    eio_engine_tick(turn->engine, clock_mono_us());
}

static void arm(struct eio_turn *turn)
{
    uint64_t next_us = eio_engine_next_us(turn->engine);
    if (next_us == turn->armed_us) {
        return;
    }
    ev_timer_stop(turn->loop, &turn->timer);
    turn->armed_us = next_us;
    if (next_us == EIO_NEVER) {
        return;
    }
    uint64_t now_us = clock_mono_us();
    double wait_s = next_us > now_us ? (double)(next_us - now_us) / 1e6 : 0.0;
    ev_now_update(turn->loop); /* else the wait would count from the start of this turn */
    ev_timer_set(&turn->timer, wait_s, 0.0);
    ev_timer_start(turn->loop, &turn->timer);
}

static void on_pause_over(struct ev_loop *loop, ev_io *pause, int events)
{
    struct eio_turn *turn = pause->data;
    uint64_t times;
    (void)loop;
    (void)events;
    turn->paused =
        read(pause->fd, &times, sizeof times) < 0; /* the end of the turn does the rest */
}

static void pause_until(struct eio_turn *turn, uint64_t us)
{
    struct itimerspec at = {
        .it_value = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000}
    };
    turn->paused = timerfd_settime(turn->pause.fd, TFD_TIMER_ABSTIME, &at, NULL) == 0;
}

static void flush(struct eio_turn *turn, uint64_t now_us)
{
    struct eio_engine *engine = turn->engine;
    uint64_t before = engine->stats.frames_out;
    struct eio_pace_flush flush = {.begin_us = now_us, .connections = engine->dirty_count};
    eio_engine_settle(engine, now_us);
    flush.end_us = clock_mono_us();
    flush.frames = engine->stats.frames_out - before;
    eio_pace_flushed(&turn->pace, &flush);
}

/* Everything that waits leaves, now or after a pause. */
static void flush_or_wait(struct eio_turn *turn)
{
    uint64_t now_us = clock_mono_us(), due_us = eio_pace_due(&turn->pace, now_us);
    if (due_us > now_us && !turn->paused) {
        pause_until(turn, due_us);
    }
    if (due_us <= now_us || !turn->paused) {
        flush(turn, now_us);
    }
}

/* All events of this turn have been handled, and the loop is about to wait. */
static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    struct eio_turn *turn = prepare->data;
    (void)loop;
    (void)events;
    if (turn->engine->dirty_count > 0) {
        flush_or_wait(turn);
    }
    arm(turn);
}

struct eio_turn *eio_turn_new(struct ev_loop *loop, struct eio_engine *engine)
{
    struct eio_turn *turn = calloc(1, sizeof *turn);
    if (!turn) {
        return NULL;
    }
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) {
        free(turn);
        return NULL;
    }
    turn->loop = loop;
    turn->engine = engine;
    turn->armed_us = EIO_NEVER;
    turn->prepare.data = turn;
    turn->timer.data = turn;
    turn->pause.data = turn;
    ev_init(&turn->prepare, on_prepare);
    ev_init(&turn->timer, on_timer);
    ev_io_init(&turn->pause, on_pause_over, fd, EV_READ);
    /* Last of all prepare watchers, so that what others emit in theirs goes out too.  Deadlines
     * come after what has already arrived: a pong that waits in the kernel is in time. */
    ev_set_priority(&turn->prepare, EV_MINPRI);
    ev_set_priority(&turn->timer, EV_MINPRI);
    ev_prepare_start(loop, &turn->prepare);
    ev_io_start(loop, &turn->pause);
    return turn;
}

void eio_turn_free(struct eio_turn *turn)
{
    if (turn) {
        ev_prepare_stop(turn->loop, &turn->prepare);
        ev_timer_stop(turn->loop, &turn->timer);
        ev_io_stop(turn->loop, &turn->pause);
        close(turn->pause.fd);
        free(turn);
    }
}
