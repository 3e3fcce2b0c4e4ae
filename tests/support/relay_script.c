/* relay_script.c - a relay on a fake Redis */
#include "tests/support/relay_script.h"

#include "shared/buf.h"
#include "shared/clock.h"

#include <assert.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RENEW_NONCE 3 /* its place among the arguments */
#define LETTERS 128

static struct {
    struct ev_loop *loop;
    struct relay *relay;
    uint64_t now_ms, suspended_ms;
    uint64_t own, group;
    struct buf told, shown;
    bool roster_misses;
    char nonce[64];
} script;

/* ---- The clock ------------------------------------------------------------------------------- */

uint64_t clock_mono_us(void)
{
    return script.now_ms * 1000;
}

uint64_t clock_mono_ms(void)
{
    return script.now_ms;
}

uint64_t clock_boot_us(void)
{
    return (script.now_ms + script.suspended_ms) * 1000;
}

uint64_t clock_unix_ms(void)
{
    return script.now_ms;
}

void script_pass(uint64_t ms)
{
    script.now_ms += ms;
}

void script_suspend(uint64_t ms)
{
    script.suspended_ms += ms;
}

/* ---- What is told ---------------------------------------------------------------------------- */

static char letter_of(const struct session *s)
{
    char hash[TOKEN_HASH_LEN + 1] = "-";
    if (s) {
        session_hash(s, hash);
    }
    return hash[0];
}

static void on_attached(void *app, struct session *s, uint64_t left)
{
    (void)app;
    buf_printf(&script.told, "attached %c:%s", letter_of(s), s->shown);
    if (left != RELAY_WAS_HERE) {
        buf_printf(&script.told, " left=%llu", (unsigned long long)left);
    }
    buf_append(&script.told, SLICE(" | "));
}

static void on_lost(void *app, struct session *s, uint64_t upto)
{
    (void)app;
    buf_printf(&script.told, "lost %c %llu | ", s ? letter_of(s) : '*', (unsigned long long)upto);
}

static void on_behind(void *app)
{
    (void)app;
    buf_append(&script.told, SLICE("behind | "));
}

static void on_refused(void *app, struct session *s, enum relay_refusal why)
{
    (void)app;
    buf_printf(&script.told, "refused %c %s | ", letter_of(s),
               why == RELAY_UNKNOWN ? "unknown" : "unavailable");
}

static void on_ended(void *app, struct session *s, struct slice code)
{
    (void)app;
    buf_printf(&script.told, "ended %c %.*s | ", letter_of(s), (int)code.len, code.ptr);
}

static void on_message(void *app, const struct bus_message *m, struct session *receiver,
                       struct session *sender)
{
    (void)app;
    buf_printf(&script.told, "message %llu to=%c from=%c", (unsigned long long)m->id,
               m->receiver.len ? letter_of(receiver) : '*', letter_of(sender));
    if (m->client_id.len > 0) {
        buf_printf(&script.told, " c=%.*s", (int)m->client_id.len, m->client_id.ptr);
    }
    buf_append(&script.told, SLICE(" | "));
}

static void on_roster_begin(void *app)
{
    (void)app;
    buf_append(&script.told, SLICE("load | "));
}

static void on_roster_name(void *app, struct slice shown)
{
    (void)app;
    buf_printf(&script.told, "name %.*s | ", (int)shown.len, shown.ptr);
}

static void on_roster_end(void *app, struct slice epoch, uint64_t version)
{
    (void)app;
    buf_printf(&script.told, "loaded %.*s/%llu | ", (int)epoch.len, epoch.ptr,
               (unsigned long long)version);
}

static bool on_roster_change(void *app, struct slice epoch, uint64_t version, struct slice list)
{
    (void)app;
    buf_printf(&script.told, "change %.*s/%llu %.*s | ", (int)epoch.len, epoch.ptr,
               (unsigned long long)version, (int)list.len, list.ptr);
    return !script.roster_misses;
}

static void on_settling(void *app, bool settling)
{
    (void)app;
    buf_printf(&script.told, "settling %d | ", settling);
}

static uint64_t on_connections(void *app)
{
    (void)app;
    return 3;
}

static const struct relay_handler handler = {
    .attached = on_attached,
    .refused = on_refused,
    .ended = on_ended,
    .message = on_message,
    .lost = on_lost,
    .behind = on_behind,
    .roster_begin = on_roster_begin,
    .roster_name = on_roster_name,
    .roster_end = on_roster_end,
    .roster_change = on_roster_change,
    .settling = on_settling,
    .connections = on_connections,
};

const char *script_told(void)
{
    struct buf last = script.shown;
    script.shown = script.told;
    script.told = last;
    buf_clear(&script.told);
    return script.shown.len > 0 ? script.shown.ptr : "";
}

void script_roster_misses(bool misses)
{
    script.roster_misses = misses;
}

/* ---- Sessions -------------------------------------------------------------------------------- */

const char *script_hash(char letter)
{
    static char hashes[LETTERS][TOKEN_HASH_LEN + 1];
    char *hash = hashes[(unsigned char)letter % LETTERS];
    memset(hash, letter <= 'f' ? letter : 'f', TOKEN_HASH_LEN);
    snprintf(hash + TOKEN_HASH_LEN - 2, 3, "%02x", (unsigned char)letter);
    return hash;
}

struct session *script_open(char letter)
{
    return relay_open(script.relay, slice_text(script_hash(letter)));
}

static void on_sent(void *arg, enum relay_sent sent, uint64_t message_id, struct slice json)
{
    static const char *const names[] = {"ok",       "dup",   "no_such_user",
                                        "conflict", "ended", "unavailable"};
    (void)arg;
    buf_printf(&script.told, "sent %s %llu", names[sent], (unsigned long long)message_id);
    if (json.len > 0) {
        buf_printf(&script.told, " %.*s", (int)json.len, json.ptr);
    }
    buf_append(&script.told, SLICE(" | "));
}

bool script_say(struct session *s, const char *to)
{
    const struct relay_text text = {slice_text(to), SLICE("\"c1\""), SLICE("\"hello\"")};
    return relay_send(script.relay, s, &text, on_sent, NULL);
}

void script_turn(void)
{
    if (ev_is_active(&script.relay->sending.turn)) {
        ev_invoke(script.loop, &script.relay->sending.turn, EV_PREPARE);
    }
}

bool script_send(struct session *s, const char *to)
{
    bool sent = script_say(s, to);
    script_turn();
    return sent;
}

static void on_page(void *arg, enum relay_page result, const struct page *page)
{
    static const char *const names[] = {"ok", "lost", "refused"};
    (void)arg;
    buf_printf(&script.told, "page %s", names[result]);
    if (page) {
        buf_printf(&script.told, " now=%llu %s", (unsigned long long)page->now,
                   page->whole ? "whole" : "holed");
        if (page->gone > 0) {
            buf_printf(&script.told, "<=%llu", (unsigned long long)page->gone);
        }
        buf_printf(&script.told, " next=%llu%s", (unsigned long long)page->next,
                   page->more ? "+" : "");
    }
    for (size_t i = 0; page && i < page->count; i++) {
        buf_printf(&script.told, " %llu", (unsigned long long)page->entries[i].id);
    }
    buf_append(&script.told, SLICE(" | "));
}

bool script_replay(struct session *s, uint64_t after)
{
    return relay_replay(script.relay, s, after, on_page, NULL);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static void line(const char *channel, uint64_t count, const char *kind, const char *rest)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_printf(&text, "%s %llu %s", kind, (unsigned long long)count, rest);
    fake_publish(channel, text.ptr);
    buf_deinit(&text);
}

void script_own(const char *kind, const char *rest)
{
    line("p:to:gw", ++script.own, kind, rest);
}

void script_group(const char *kind, const char *rest)
{
    line("p:group", ++script.group, kind, rest);
}

void script_own_is_lost(void)
{
    script.own++;
}

void script_group_is_lost(void)
{
    script.group++;
}

/* The nonce stays known after its renew was answered. */
static const char *latest_nonce(void)
{
    for (size_t i = 0; i < fake_calls(); i++) {
        if (strncmp(fake_call(i), "parley_renew ", 13) == 0) {
            const char *nonce = fake_call_arg(i, RENEW_NONCE);
            assert(strlen(nonce) < sizeof script.nonce);
            memcpy(script.nonce, nonce, strlen(nonce) + 1);
        }
    }
    return script.nonce;
}

void script_tick(void)
{
    ev_invoke(script.loop, &script.relay->tick, EV_TIMER);
    (void)latest_nonce();
}

void script_nonce(const char *rest)
{
    struct buf text;
    buf_init(&text, 256);
    buf_printf(&text, "%s %llu %s", latest_nonce(), (unsigned long long)script.group, rest);
    script_own("nonce", text.ptr);
    buf_deinit(&text);
}

/* ---- Ways that every script goes ------------------------------------------------------------- */

void script_link(const char *number, const char *epoch)
{
    struct buf text;
    buf_init(&text, 256);
    fake_feed_up();
    fake_commands_up();
    latest_nonce();
    buf_printf(&text, "ok|%s|100|%s|0|1|0|0", epoch, number);
    fake_answer(text.ptr);
    buf_clear(&text);
    buf_printf(&text, "0 %s", epoch);
    script_nonce(text.ptr);
    buf_deinit(&text);
}

void script_filled(const char *epoch, const char *id)
{
    struct buf text;
    assert(strncmp(fake_call(0), "parley_group ", 13) == 0);
    buf_init(&text, 256);
    buf_printf(&text, "ok|%s|%s|1|0|%s|%llu", epoch, id, id, (unsigned long long)script.group);
    fake_answer(text.ptr);
    buf_deinit(&text);
}

void script_up(void)
{
    script_link("1", "e1");
    fake_answer("ok|e1|0");     /* prune */
    fake_answer("ok|e1|0|0|0"); /* roster */
    fake_answer("ok|e1|0");     /* changes */
    (void)script_told();
}

struct relay *script_begin(void)
{
    static const struct relay_config config = {.redis_url = "redis://nowhere",
                                               .key_prefix = "p:",
                                               .gateway_id = "gw",
                                               .address = "10.0.0.1:8002",
                                               .grace_ms = 7000,
                                               .lease_ms = SCRIPT_LEASE_MS,
                                               .keep_ms = 20000,
                                               .queue_bytes = SCRIPT_QUEUE_BYTES};
    memset(&script, 0, sizeof script);
    log_init("relay", LOG_LEVEL_ERROR);
    buf_init(&script.told, 1 << 24);
    buf_init(&script.shown, 1 << 24);
    script.now_ms = 1000000;
    script.loop = ev_loop_new(EVFLAG_AUTO);
    script.relay = relay_new(script.loop, &config, &handler, NULL);
    fake_subscribe_fails(false);
    (void)fake_resets();
    return script.relay;
}

void script_free(void)
{
    relay_free(script.relay);
    script.relay = NULL;
}

void script_end(void)
{
    script_free();
    ev_loop_destroy(script.loop);
    buf_deinit(&script.told);
    buf_deinit(&script.shown);
}

/* ---- What was missed ------------------------------------------------------------------------- */

struct session *script_open_at_100(char letter)
{
    char answer[128];
    struct session *s = script_open(letter);
    snprintf(answer, sizeof answer, "ok|e1|100|user%c|User%c|7|0|5|90|0||0|0", letter, letter);
    fake_answer(answer);
    return s;
}

struct relay *script_begin_two(void)
{
    struct relay *r = script_begin();
    script_up();
    (void)script_open_at_100('a');
    (void)script_open_at_100('b');
    (void)script_told();
    return r;
}

const char *script_message(int id, char from, char to)
{
    static char texts[8][256];
    static unsigned next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], "%d %s %s \n{\"message_id\":%d}", id, script_hash(from),
             to == '*' ? "-" : script_hash(to), id);
    return text;
}

void script_answer(const char *head, const char *one, const char *two, const char *three)
{
    char text[2048];
    const char *const all[] = {one, two, three};
    size_t used = (size_t)snprintf(text, sizeof text, "%s", head);
    for (size_t i = 0; i < 3 && all[i]; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "|%s", all[i]);
    }
    fake_answer(text);
}

/* ---- What is wanted -------------------------------------------------------------------------- */

void script_assert_calls(const char *const *patterns)
{
    size_t n = 0;
    for (; patterns[n]; n++) {
        if (fnmatch(patterns[n], fake_call(n), 0) != 0) {
            fail_msg("call %zu is \"%s\", not \"%s\"", n, fake_call(n), patterns[n]);
        }
    }
    assert_int_equal(fake_calls(), n);
}

struct session *script_alice(void)
{
    struct session *s = script_open('a');
    fake_answer(SCRIPT_ALICE);
    TOLD("attached a:Alice | ");
    return s;
}

/* ---- Of each test ---------------------------------------------------------------------------- */

int script_setup(void **state)
{
    *state = script_begin();
    return 0;
}

int script_setup_up(void **state)
{
    *state = script_begin();
    script_up();
    return 0;
}

int script_setup_two(void **state)
{
    *state = script_begin_two();
    return 0;
}

int script_teardown(void **state)
{
    (void)state;
    script_end();
    return 0;
}
