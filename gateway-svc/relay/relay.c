/* relay.c - the link to Redis: its two connections, renewing and proving it */
#include "gateway-svc/relay/address.h"
#include "gateway-svc/relay/relay_state.h"
#include "shared/clock.h"
#include "shared/json_doc.h"
#include "shared/must.h"
#include "shared/redis_trouble.h"
#include "shared/utf8.h"
#include "shared/version.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The subscription may be a moment later than the renew that it proves. */
#define PROVE_AGAIN_MS 100
#define INFO_MAX 512
#define HOST_MAX 64 /* of the machine's name */
#define LOSS_MAX 384

static uint64_t renew_interval_ms(const struct relay *r)
{
    return r->config.lease_ms / 3;
}

/* A tick that is set already goes on: whatever happens often must not put off the renewals. */
static void set_tick(struct relay *r, uint64_t interval_ms)
{
    if (r->tick_ms != interval_ms) {
        r->tick_ms = interval_ms;
        r->tick.repeat = (double)interval_ms / 1000.0;
        ev_timer_again(r->loop, &r->tick);
    }
}

static void set_settling(struct relay *r, bool settling)
{
    if (r->settling != settling) {
        r->settling = settling;
        log_info("redis %s", settling ? "settles: logins and messages wait" : "has settled");
        r->handler->settling(r->app, settling);
    }
}

/* ---- Renew ----------------------------------------------------------------------------------- */

static void own_address(const struct relay *r, char out[ADDRESS_TEXT_MAX + 1])
{
    char host[REDIS_CONN_HOST_MAX + 1];
    out[0] = '\0';
    if (r->config.address) {
        (void)snprintf(out, ADDRESS_TEXT_MAX + 1, "%s", r->config.address);
    } else if (functions_local_host(r->commands, host)) {
        address_print(host, r->config.port, out);
    }
}

static void put_info(const struct relay *r, struct buf *out)
{
    char address[ADDRESS_TEXT_MAX + 1];
    char host[HOST_MAX + 1] = "";
    if (gethostname(host, HOST_MAX) != 0 || !utf8_valid(slice_text(host))) {
        host[0] = '\0';
    }
    own_address(r, address);
    struct json_doc *doc = json_doc_new();
    json_doc_text(doc, "address", slice_text(address));
    json_doc_text(doc, "host", slice_text(host));
    json_doc_number(doc, "pid", (uint64_t)getpid());
    json_doc_text(doc, "version", slice_text(PARLEY_VERSION));
    json_doc_number(doc, "connections", r->handler->connections(r->app));
    json_doc_print(doc, out);
    json_doc_free(doc);
}

/* The answer to parley_renew. */
enum { RENEWED_LINK = ANSWER_ID + 1, RENEWED_SETTLING };

/* One that waits for its answer. */
struct renewal {
    struct relay *relay;
    uint64_t asked_us;
};

static void on_renewed(void *arg, const struct redis_reply *reply)
{
    struct renewal renewal = *(struct renewal *)arg;
    struct relay *r = renewal.relay;
    free(arg);
    if (!relay_heard(r, reply, ANSWER_ID)) {
        return;
    }
    relay_note_lease(r, renewal.asked_us);
    r->number = redis_reply_u64_at(reply, RENEWED_LINK);
    snprintf(r->number_text, sizeof r->number_text, "%llu", (unsigned long long)r->number);
    set_settling(r, slice_equal(redis_reply_text_at(reply, RENEWED_SETTLING), SLICE("1")));
    relay_step(r, LINK_EV_RENEWED);
    if (r->nonce.back) {
        relay_step(r, LINK_EV_PROVEN);
    }
}

static void renew(struct relay *r, bool fresh)
{
    struct buf info;
    char number[24];
    buf_init(&info, INFO_MAX);
    put_info(r, &info);
    snprintf(number, sizeof number, "%llu", (unsigned long long)r->number);
    /* A new one says that what was published before the last one has been delivered: not while it
     * waits. */
    if (fresh || (r->nonce.back && r->state >= LINK_PRUNING)) {
        random_bytes(r->nonce.text, NONCE_LEN);
        for (size_t i = 0; i < NONCE_LEN; i++) {
            r->nonce.text[i] = "0123456789abcdef"[(unsigned char)r->nonce.text[i] & 15];
        }
        r->nonce.back = false;
        r->nonce.asked_us = clock_boot_us();
    }
    const struct slice args[] = {slice_text(r->config.gateway_id),
                                 fresh ? SLICE("new") : SLICE("keep"),
                                 slice_text(number),
                                 slice_text(r->nonce.text),
                                 buf_slice(&info),
                                 SLICE("many")};
    struct renewal *renewal = must(malloc(sizeof *renewal));
    *renewal = (struct renewal){r, clock_boot_us()};
    if (!functions_call(r->commands, "parley_renew", args, sizeof args / sizeof *args, on_renewed,
                        renewal)) {
        free(renewal);
    }
    buf_deinit(&info);
}

/* ---- Prune ----------------------------------------------------------------------------------- */

/* The answer to parley_prune. */
enum { PRUNED_CURSOR = ANSWER_HEAD };

static void prune(struct relay *r, struct slice cursor);

static void on_pruned(void *arg, const struct redis_reply *reply)
{
    struct relay *r = arg;
    bool heard = relay_heard(r, reply, 0);
    if (!heard && relay_answered(reply)) {
        relay_step(r, LINK_EV_REFUSED); /* cannot go on without it; try from the start */
    }
    if (!heard || r->state != LINK_PRUNING) {
        return;
    }
    struct slice cursor = redis_reply_text_at(reply, PRUNED_CURSOR);
    if (slice_equal(cursor, SLICE("0"))) {
        relay_step(r, LINK_EV_PRUNED);
    } else {
        prune(r, cursor);
    }
}

static void prune(struct relay *r, struct slice cursor)
{
    const struct slice args[] = {slice_text(r->config.gateway_id), slice_text(r->number_text),
                                 cursor};
    if (!functions_call(r->commands, "parley_prune", args, sizeof args / sizeof *args, on_pruned,
                        r)) {
        relay_step(r, LINK_EV_REFUSED);
    }
}

/* ---- The link -------------------------------------------------------------------------------- */

static void reset(struct relay *r, const char *why)
{
    /* Each calls back into on_*_down, which steps the link with LINK_EV_LOST. */
    if (r->commands_up) {
        functions_reset(r->commands, why);
    }
    if (r->feed_up) {
        redis_conn_reset(r->feed, why);
    }
}

static void give_back(struct relay *r)
{
    const struct slice args[] = {slice_text(r->config.gateway_id), slice_text(r->number_text)};
    sending_flush(r);
    functions_call(r->commands, "parley_leave", args, sizeof args / sizeof *args, NULL, NULL);
}

static void act(struct relay *r, enum link_action action, enum link_event event)
{
    switch (action) {
    case LINK_ACT_NONE: break;
    case LINK_ACT_RENEW_NEW:
        r->nonce.proving_ms = clock_mono_ms();
        r->passed = 0;
        renew(r, true);
        set_tick(r, PROVE_AGAIN_MS);
        break;
    case LINK_ACT_RENEW_KEEP: renew(r, false); break;
    case LINK_ACT_ATTACH_ALL:
        set_tick(r, renew_interval_ms(r));
        round_begin(r);
        break;
    case LINK_ACT_FILL: repair_fill(r); break;
    case LINK_ACT_PRUNE: prune(r, SLICE("0")); break;
    case LINK_ACT_SERVE:
        r->stats.links++;
        log_info("link up number=%s sessions=%zu", r->number_text, sessions_count(r->sessions));
        roster_feed_sync(r);
        break;
    case LINK_ACT_FORGET:
        roster_feed_lost(r);
        relay_forget_all(r);
        break;
    case LINK_ACT_RESET:
        reset(r, event == LINK_EV_DEAF ? "own nonce did not come back" : "link refused");
        break;
    case LINK_ACT_LEAVE: give_back(r); break;
    }
}

void relay_step(struct relay *r, enum link_event event)
{
    struct link_step step = link_next(r->state, event);
    if (step.next != r->state) {
        log_debug("link %s -> %s", link_state_name(r->state), link_state_name(step.next));
    }
    r->state = step.next;
    act(r, step.action, event);
}

/* Takes the answer's epoch; false when it is none.  Mostly it is a new link that hears of another:
 * Redis that has lost everything knows no link, and one that has restarted has none. */
static bool note_epoch(struct relay *r, const struct redis_reply *reply)
{
    char before[EPOCH_MAX + 1];
    memcpy(before, r->heard_epoch, sizeof before);
    if (!functions_note_epoch(reply, r->heard_epoch)) {
        return false;
    }
    if (before[0] != '\0' && strcmp(before, r->heard_epoch) != 0) {
        r->stats.epochs++;
        if (log_limit_ok(&r->limits.epochs, 1, clock_mono_ms())) {
            log_warn("redis lost or changed its data: attaching every session again epoch=%s "
                     "sessions=%zu suppressed=%llu",
                     r->heard_epoch, sessions_count(r->sessions),
                     (unsigned long long)r->limits.epochs.suppressed);
        }
    }
    return true;
}

/* An epoch other than the one that our sessions are attached in: Redis lost or changed its data. */
static void judge_epoch(struct relay *r)
{
    bool known = r->caller.epoch[0] != '\0';
    if (known && strcmp(r->heard_epoch, r->caller.epoch) != 0 && !r->settling) {
        set_settling(r, true); /* every epoch but the first begins so */
    }
    if (strcmp(r->heard_epoch, r->caller.epoch) != 0 &&
        (r->state == LINK_UP || r->state == LINK_PRUNING || r->state == LINK_FILLING)) {
        relay_step(r, LINK_EV_STALE);
    }
}

bool relay_heard(struct relay *r, const struct redis_reply *reply, size_t id_at)
{
    if (!reply) {
        return false; /* the connection broke; its `down` says so */
    }
    if (functions_status_is(reply, "link")) {
        relay_step(r, LINK_EV_REFUSED);
        return false;
    }
    uint64_t id = id_at ? redis_reply_u64_at(reply, id_at) : 0;
    if (redis_reply_is_error(reply, "") || redis_reply_count(reply) < ANSWER_HEAD ||
        id > COUNT_MAX || !note_epoch(r, reply)) {
        struct log_limit *limit = &r->limits.refused_calls;
        if (log_limit_ok(limit, 1, clock_mono_ms())) {
            log_error("redis refused a call reply=\"%s\" suppressed=%llu",
                      redis_trouble_words(redis_reply_text(reply)),
                      (unsigned long long)limit->suppressed);
        }
        return false;
    }
    judge_epoch(r);
    if (id > 0) {
        r->heard_id = id;
    }
    /* An id of another epoch says nothing about ours. */
    if (id > r->caller.seen && strcmp(r->heard_epoch, r->caller.epoch) == 0) {
        r->caller.seen = id;
    }
    return true;
}

void relay_note_lease(struct relay *r, uint64_t asked_us)
{
    r->fence_us = asked_us > r->fence_us ? asked_us : r->fence_us;
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct relay *r = timer->data;
    uint64_t now_ms = clock_mono_ms();
    bool late = now_ms - r->nonce.proving_ms > r->config.lease_ms;
    bool deaf = now_ms - r->nonce.proven_ms > r->config.lease_ms * 2 / 3;
    if (!r->nonce.back && (link_is_open(r->state) ? deaf : r->state == LINK_PROVING && late)) {
        relay_step(r, LINK_EV_DEAF);
        return;
    }
    if (r->state == LINK_RENEWING && late) {
        relay_step(r, LINK_EV_REFUSED);
        return;
    }
    relay_step(r, LINK_EV_TICK);
}

/* ---- The two connections --------------------------------------------------------------------- */

static void connected(struct relay *r)
{
    if (r->commands_up && r->feed_up && !r->leaving) {
        relay_step(r, LINK_EV_CONNECTED);
    }
}

/* Once for a link, by the connection that was lost first; before it is one, redis_attempts.c says
 * what is wrong, and less often.  (`why` is printable: redis_conn.c has made it so, and log_escape
 * would cut it after 64 bytes.) */
static void note_loss(struct relay *r, const char *connection, const char *why)
{
    if (link_is_open(r->state)) {
        r->stats.losses++;
        log_warn("link lost number=%s state=%s connection=%s why=\"%s\"", r->number_text,
                 link_state_name(r->state), connection, why);
    }
}

/* Both connections make one link: what the other still brings belongs to a link that is no more. */
static void lost(struct relay *r, const char *why)
{
    char both[LOSS_MAX];
    if (r->state != LINK_DOWN) {
        (void)snprintf(both, sizeof both, "the link's other connection is gone: %s", why);
        relay_step(r, LINK_EV_LOST);
        reset(r, both);
    }
}

static void on_commands_up(void *ctx)
{
    struct relay *r = ctx;
    r->commands_up = true;
    connected(r);
}

static void on_commands_down(void *ctx, const char *why)
{
    struct relay *r = ctx;
    if (r->commands_up) {
        note_loss(r, "commands", why);
    }
    r->commands_up = false;
    lost(r, why);
}

static void on_feed_up(void *ctx)
{
    struct relay *r = ctx;
    struct buf own, group, presence;
    struct buf *const names[] = {&own, &group, &presence};
    const char *const tails[] = {"to:", "group", "presence"};
    struct slice channels[3];
    for (size_t i = 0; i < 3; i++) {
        buf_init(names[i], 256);
        buf_printf(names[i], "%s%s%s", r->config.key_prefix, tails[i],
                   i == 0 ? r->config.gateway_id : "");
        channels[i] = buf_slice(names[i]);
    }
    r->feed_up = redis_conn_subscribe(r->feed, channels, 3, false, relay_line, r);
    for (size_t i = 0; i < 3; i++) {
        buf_deinit(names[i]);
    }
    if (!r->feed_up) {
        redis_conn_reset(r->feed, "cannot subscribe");
        return;
    }
    connected(r);
}

static void on_feed_down(void *ctx, const char *why)
{
    struct relay *r = ctx;
    if (r->feed_up) {
        note_loss(r, "subscriptions", why);
    }
    r->feed_up = false;
    lost(r, why);
}

static const struct redis_conn_handler commands_handler = {on_commands_up, on_commands_down};
static const struct redis_conn_handler feed_handler = {on_feed_up, on_feed_down};

static struct redis_conn_config conn_config(const struct relay_config *config, const char *name)
{
    uint64_t quarter = config->lease_ms / 4;
    uint32_t limit = quarter < 2000 ? (uint32_t)quarter : 2000;
    return (struct redis_conn_config){.url = config->redis_url,
                                      .sentinels = config->sentinels,
                                      .name = name,
                                      .connect_timeout_ms = limit,
                                      .command_timeout_ms = limit < 1000 ? 1000 : limit,
                                      .backoff_min_ms = limit < 50 ? limit : 50,
                                      .backoff_max_ms = limit};
}

struct relay *relay_new(struct ev_loop *loop, const struct relay_config *config,
                        const struct relay_handler *handler, void *app)
{
    struct relay *r = must(calloc(1, sizeof *r));
    r->loop = loop;
    r->config = *config;
    r->handler = handler;
    r->app = app;
    r->caller.grace_ms = config->grace_ms;
    r->caller.lease_ms = config->lease_ms;
    r->sessions = sessions_new();
    repair_init(r);
    replay_init(r);
    sending_init(r);
    ev_init(&r->tick, on_tick);
    r->tick.data = r;
    /* After a pause of this process, a nonce that is waiting to be read is read first. */
    ev_set_priority(&r->tick, EV_MINPRI);
    struct redis_conn_config commands = conn_config(config, "parley-gateway");
    struct redis_conn_config feed = conn_config(config, "parley-gateway-feed");
    r->commands =
        functions_new(loop, &commands, &commands_handler, r, config->key_prefix, &r->caller);
    functions_use_module(r->commands);
    r->feed = redis_conn_new(loop, &feed, &feed_handler, r);
    r->where = where_new(r->commands, config->key_prefix);
    return r;
}

void relay_leave(struct relay *r)
{
    r->leaving = true; /* a renewal would only be refused, and end in a new link */
    relay_step(r, LINK_EV_LEAVE);
    ev_timer_stop(r->loop, &r->tick);
}

void relay_free(struct relay *r)
{
    if (!r) {
        return;
    }
    ev_timer_stop(r->loop, &r->tick);
    newcomers_forget(r);
    functions_free(r->commands); /* whoever still asks gets his last answer */
    sending_deinit(r);
    redis_conn_free(r->feed);
    where_free(r->where);
    replay_forget(r);
    repair_forget(r);
    sessions_free(r->sessions);
    free(r);
}

bool relay_is_ready(const struct relay *r, struct buf *why)
{
    if (!functions_works(r->commands, why)) {
        return false;
    }
    if (r->state != LINK_UP) {
        buf_printf(why, "the link to redis is %s", link_state_name(r->state));
        return false;
    }
    if (clock_mono_ms() - r->nonce.proven_ms > r->config.lease_ms) {
        buf_append(why, SLICE("own channel is silent"));
        return false;
    }
    return true;
}

const struct relay_stats *relay_stats(struct relay *r)
{
    r->stats.sessions = sessions_count(r->sessions);
    r->stats.settling = r->settling ? 1 : 0;
    for (size_t i = 0; i < LINK_STATES; i++) {
        r->stats.state[i] = i == r->state ? 1 : 0;
    }
    return &r->stats;
}

const struct functions *relay_functions(const struct relay *r)
{
    return r->commands;
}

void relay_where(struct relay *r, struct slice gateway_id, where_fn *fn, void *arg)
{
    where_ask(r->where, gateway_id, clock_mono_ms(), fn, arg);
}
