/* orders.c - what the load generator is told to do, a line each, and what it answers, as JSON */
#include "tests/bench/load/orders.h"
#include "shared/clock.h"
#include "tests/bench/load/traffic.h"
#include <stdio.h>

#define WORDS_MAX 3
#define NUMBER_MAX UINT64_C(1000000)
#define SECOND_US UINT64_C(1000000)
#define WAY_US (180 * SECOND_US)

typedef void order_fn(struct orders *o, const uint64_t *numbers, struct buf *answer);

/* ---- People ---------------------------------------------------------------------------------- */

static void write_way(const struct crowd_way *way, struct buf *answer)
{
    buf_printf(answer, "\"done\":%u,\"failed\":%u,\"p50_us\":%llu,\"p99_us\":%llu,\"max_us\":%llu,",
               way->done, way->failed, (unsigned long long)latencies_at(&way->times, 500),
               (unsigned long long)latencies_at(&way->times, 990),
               (unsigned long long)way->times.max_us);
}

/* Brings users [first, first + count) there and says what that took. */
static void bring(struct orders *o, struct crowd_way *way, struct buf *answer)
{
    struct window window;
    if (way->end > CROWD_MAX || way->at_once == 0) {
        buf_append(answer, SLICE("\"error\":\"too many, or none at once\","));
        return;
    }
    window_open(&window, &o->procs);
    crowd_bring(o->crowd, way, WAY_US);
    window_close(&window);
    window_write(&window, answer);
    write_way(way, answer);
}

/* The first user whose state is not (at least) that. */
static uint32_t first_below(const struct crowd *c, enum client_state state)
{
    uint32_t i = 0;
    while (i < c->count && c->clients[i].state >= state) {
        i++;
    }
    return i;
}

static void bring_more(struct orders *o, enum crowd_goal goal, uint32_t first,
                       const uint64_t *numbers, struct buf *answer)
{
    struct crowd_way way = {.goal = goal,
                            .next = first,
                            .end = first + (uint32_t)numbers[0],
                            .at_once = (uint32_t)numbers[1]};
    bring(o, &way, answer);
}

static void log_in(struct orders *o, const uint64_t *numbers, struct buf *answer)
{
    bring_more(o, GOAL_IN, o->crowd->count, numbers, answer);
}

static void connect_more(struct orders *o, const uint64_t *numbers, struct buf *answer)
{
    uint32_t first = first_below(o->crowd, CLIENT_ONLINE);
    if (numbers[0] > o->crowd->count - first) {
        buf_append(answer, SLICE("\"error\":\"so many are not logged in\","));
        return;
    }
    bring_more(o, GOAL_ONLINE, first, numbers, answer);
}

static void enter(struct orders *o, const uint64_t *numbers, struct buf *answer)
{
    bring_more(o, GOAL_LISTED, o->crowd->count, numbers, answer);
}

/* All at once, and without a word. */
static void drop(struct orders *o, const uint64_t *numbers, struct buf *answer)
{
    (void)numbers;
    (void)answer;
    for (uint32_t i = 0; i < o->crowd->count; i++) {
        client_drop(&o->crowd->clients[i]);
    }
}

static void reconnect(struct orders *o, const uint64_t *numbers, struct buf *answer)
{
    struct crowd_way way = {
        .goal = GOAL_ONLINE, .end = o->crowd->count, .at_once = (uint32_t)numbers[0]};
    drop(o, numbers, answer);
    bring(o, &way, answer);
}

/* ---- Messages -------------------------------------------------------------------------------- */

static void run(struct orders *o, const struct traffic_plan *plan, struct buf *answer)
{
    static struct traffic_figures figures; /* too large for a stack */
    traffic_run(o->crowd, &o->procs, plan, &figures);
    traffic_write(&figures, answer);
}

static void group(struct orders *o, const uint64_t *numbers, struct buf *answer)
{
    struct traffic_plan plan = {.in_flight = (uint32_t)numbers[0],
                                .warm_us = numbers[1] * 1000,
                                .span_us = numbers[2] * 1000};
    run(o, &plan, answer);
}

static void group_paced(struct orders *o, const uint64_t *numbers, struct buf *answer)
{
    struct traffic_plan plan = {.per_second = (double)numbers[0],
                                .warm_us = numbers[1] * 1000,
                                .span_us = numbers[2] * 1000};
    run(o, &plan, answer);
}

static void direct(struct orders *o, const uint64_t *numbers, struct buf *answer)
{
    struct traffic_plan plan = {.direct = true,
                                .in_flight = (uint32_t)numbers[0],
                                .warm_us = numbers[1] * 1000,
                                .span_us = numbers[2] * 1000};
    run(o, &plan, answer);
}

static void direct_paced(struct orders *o, const uint64_t *numbers, struct buf *answer)
{
    struct traffic_plan plan = {.direct = true,
                                .per_second = (double)numbers[0],
                                .warm_us = numbers[1] * 1000,
                                .span_us = numbers[2] * 1000};
    run(o, &plan, answer);
}

static void listen_only(struct orders *o, const uint64_t *numbers, struct buf *answer)
{
    struct traffic_plan plan = {.span_us = numbers[0] * 1000};
    run(o, &plan, answer);
}

/* ---- Coming and going ------------------------------------------------------------------------ */

/* People who come, and of them the one who has been there longest, who goes. */
struct churn {
    struct crowd_way come; /* those who go are not on it: nobody waits for them */
    uint32_t oldest, gone;
};

static void go(struct churn *churn, struct client *client)
{
    if (client->state == CLIENT_ONLINE && !client->busy) {
        client_drop(client);
        client_log_out(client);
        churn->oldest++;
        churn->gone++;
    }
}

/* What is due after `us`: the even changes come, the odd ones go. */
static uint64_t change(struct crowd *c, struct churn *churn, uint64_t changes, uint64_t due)
{
    while (changes < due && c->count < CROWD_MAX) {
        if (changes++ % 2 == 0) {
            crowd_begin(c, c->count);
        } else {
            go(churn, &c->clients[churn->oldest]);
        }
    }
    return changes;
}

static void churn(struct orders *o, const uint64_t *numbers, struct buf *answer)
{
    struct crowd *c = o->crowd;
    struct churn churn = {.come = {.goal = GOAL_LISTED}, .oldest = c->count};
    struct window window;
    uint64_t changes = 0, now = 0;
    window_open(&window, &o->procs);
    c->way = &churn.come;
    while (now < numbers[1] * 1000 && c->count < CROWD_MAX) {
        now = clock_mono_us() - window.begin_us;
        changes = change(c, &churn, changes, now * numbers[0] / SECOND_US);
        crowd_go(c);
        crowd_turn(c, 500);
    }
    crowd_bring(c, &churn.come, WAY_US); /* those who are still on their way */
    window_close(&window);
    window_write(&window, answer);
    write_way(&churn.come, answer);
    buf_printf(answer, "\"gone\":%u,", churn.gone);
}

/* ---- The rest -------------------------------------------------------------------------------- */

static void memory(struct orders *o, const uint64_t *numbers, struct buf *answer)
{
    (void)numbers;
    buf_append(answer, SLICE("\"memory\":{"));
    for (uint32_t i = 0; i < o->procs.count; i++) {
        struct proc_memory m;
        buf_printf(answer, "%s\"%s\":", i > 0 ? "," : "", o->procs.at[i].name);
        if (proc_memory(&o->procs.at[i], &m)) {
            buf_printf(answer, "{\"rss\":%llu,\"pss\":%llu}", (unsigned long long)m.rss,
                       (unsigned long long)m.pss);
        } else {
            buf_append(answer, SLICE("null"));
        }
    }
    buf_append(answer, SLICE("},"));
}

static const struct {
    const char *name;
    uint32_t numbers;
    order_fn *fn;
} orders[] = {
    {"login",        2, log_in      },
    {"connect",      2, connect_more},
    {"enter",        2, enter       },
    {"drop",         0, drop        },
    {"reconnect",    1, reconnect   },
    {"group",        3, group       },
    {"group_paced",  3, group_paced },
    {"direct",       3, direct      },
    {"direct_paced", 3, direct_paced},
    {"listen",       1, listen_only },
    {"churn",        2, churn       },
    {"memory",       0, memory      },
};

const char *orders_help(void)
{
    return "  login COUNT AT_ONCE            that many more users get a token\n"
           "  connect COUNT AT_ONCE          that many of those who have one go online\n"
           "  enter COUNT AT_ONCE            both, until they have the list of users\n"
           "  drop                           closes all connections without a word\n"
           "  reconnect AT_ONCE              drop, and all of them come back\n"
           "  group IN_FLIGHT WARM_MS MS     messages to the group, closed loop\n"
           "  group_paced RATE WARM_MS MS    so many a second, open loop\n"
           "  direct, direct_paced           the same to one user each, with an ack\n"
           "  listen MS                      sends nothing, counts what comes\n"
           "  churn RATE MS                  users come and go, so many changes a second\n"
           "  memory                         resident memory of the servers\n";
}

/* True when `line` is `name` and as many numbers. */
static bool parse(struct slice line, const char *name, uint32_t count, uint64_t *numbers)
{
    if (!slice_equal(slice_cut(&line, ' '), slice_text(name))) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!slice_u64(slice_cut(&line, ' '), NUMBER_MAX, &numbers[i])) {
            return false;
        }
    }
    return line.len == 0;
}

void orders_do(struct orders *o, struct slice line, struct buf *answer)
{
    uint64_t numbers[WORDS_MAX];
    buf_byte(answer, '{');
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (parse(line, orders[i].name, orders[i].numbers, numbers)) {
            orders[i].fn(o, numbers, answer);
            buf_printf(answer, "\"online\":%u}\n", crowd_online(o->crowd));
            return;
        }
    }
    buf_append(answer, SLICE("\"error\":\"no such order, or wrong numbers\"}\n"));
}
