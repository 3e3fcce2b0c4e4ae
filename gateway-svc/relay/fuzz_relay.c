/* fuzz_relay.c - Redis answers and publishes what it likes: the application is told of a session
 * first, then of its messages, whose ids rise, then of its end; every message that was sent has one
 * outcome, and every question one answer; and what goes on to clients is JSON
 *
 * Input: steps, separated by NUL.  The first byte says what happens, the rest is its text:
 *   u both connections come up, d f one of them breaks; A an answer, items separated by '|'; a the
 *   answer that a good Redis gives; E an error; O G P a line on the own channel, the group,
 *   presence; n the nonce comes back; s c m r a session by its letter is opened, closed, sends,
 * asks what it missed after the id behind the letter; t the timer goes off; w time passes, first.
 */
#include "gateway-svc/chat/payload.h"
#include "gateway-svc/chat/roster.h"
#include "gateway-svc/relay/relay_state.h"
#include "shared/clock.h"
#include "shared/json.h"
#include "shared/utf8.h"
#include "tests/support/fake_redis.h"
#include "tests/support/fuzz.h"

#define LETTERS 8

static struct {
    struct ev_loop *loop;
    struct relay *relay;
    struct roster *roster;
    struct session *sessions[LETTERS];
    bool attached[LETTERS];
    uint64_t last[LETTERS]; /* highest id that it got */
    uint64_t now_ms;
    unsigned own, group;
    unsigned sends, sent;
    unsigned asks, asked;
    char nonce[NONCE_LEN + 1];
} world;

uint64_t clock_mono_ms(void)
{
    return world.now_ms;
}

uint64_t clock_mono_us(void)
{
    return world.now_ms * 1000;
}

uint64_t clock_boot_us(void)
{
    return world.now_ms * 1000;
}

uint64_t clock_unix_ms(void)
{
    return world.now_ms;
}

/* ---- The application ------------------------------------------------------------------------- */

static size_t letter_of(const struct session *s)
{
    size_t i = 0;
    while (i < LETTERS && world.sessions[i] != s) {
        i++;
    }
    HOLDS(i < LETTERS); /* it was opened, and has not ended */
    return i;
}

static void check_json(struct buf *out)
{
    struct json value;
    HOLDS(!out->failed && json_parse(buf_slice(out), &value) == JSON_OK);
    HOLDS(value.type == JSON_OBJECT);
    buf_deinit(out);
}

static void on_attached(void *app, struct session *s, uint64_t left)
{
    struct buf out;
    (void)app;
    (void)left;
    HOLDS(s->attached && username_check(slice_text(s->shown)) == USERNAME_OK);
    world.last[letter_of(s)] = world.attached[letter_of(s)] ? world.last[letter_of(s)] : 0;
    world.attached[letter_of(s)] = true;
    buf_init(&out, SIZE_MAX);
    payload_session(&out, slice_text(s->shown), false, 4096);
    check_json(&out);
}

static void on_refused(void *app, struct session *s, enum relay_refusal why)
{
    size_t i = letter_of(s);
    (void)app;
    (void)why;
    world.sessions[i] = NULL;
    world.attached[i] = false;
}

static void on_ended(void *app, struct session *s, struct slice code)
{
    struct buf out;
    buf_init(&out, SIZE_MAX);
    payload_session_end(&out, code);
    check_json(&out);
    on_refused(app, s, RELAY_UNKNOWN);
}

static void got(size_t i, uint64_t id)
{
    HOLDS(id > world.last[i]);
    world.last[i] = id;
}

static void on_message(void *app, const struct bus_message *m, struct session *receiver,
                       struct session *sender)
{
    struct buf out;
    (void)app;
    HOLDS(!receiver || (world.attached[letter_of(receiver)] && receiver->attached));
    HOLDS(!sender || (world.attached[letter_of(sender)] && sender->attached));
    HOLDS(m->receiver.len > 0 || !receiver);
    for (size_t i = 0; i < LETTERS; i++) {
        const struct session *s = world.sessions[i];
        if (s && world.attached[i] && (m->receiver.len == 0 || s == receiver || s == sender)) {
            got(i, m->id);
        }
    }
    buf_init(&out, SIZE_MAX);
    payload_with_client_id(&out, m->json, m->client_id);
    check_json(&out);
}

static void on_lost(void *app, struct session *s, uint64_t upto)
{
    (void)app;
    HOLDS(upto > 0 && upto <= COUNT_MAX);
    HOLDS(!s || world.attached[letter_of(s)]);
}

static void on_behind(void *app)
{
    (void)app;
}

static void on_page(void *arg, enum relay_page result, const struct page *page)
{
    uint64_t last = *(uint64_t *)arg;
    struct buf out;
    free(arg);
    HOLDS(world.asked < world.asks && (result == RELAY_PAGE_OK) == (page != NULL));
    world.asked++;
    HOLDS(!page || page->more ? !page || page->next > last : page->next == page->now);
    for (size_t i = 0; page && i < page->count; i++) {
        HOLDS(page->entries[i].id > last && page->entries[i].id <= page->now);
        last = page->entries[i].id;
        buf_init(&out, SIZE_MAX);
        payload_with_client_id(&out, page->entries[i].json, page->entries[i].client_id);
        check_json(&out);
    }
}

static void on_begin(void *app)
{
    (void)app;
    roster_load_begin(world.roster);
}

static void on_name(void *app, struct slice shown)
{
    (void)app;
    roster_load_name(world.roster, shown);
}

static void tell(void)
{
    struct buf out;
    buf_init(&out, SIZE_MAX);
    if (roster_tell(world.roster, &out) > 0) {
        check_json(&out);
    }
    roster_take_list(world.roster);
    roster_list_rest(world.roster, SLICE("own"), &out);
    check_json(&out);
}

static void on_end(void *app, struct slice epoch, uint64_t version)
{
    (void)app;
    roster_load_end(world.roster, epoch, version);
    tell();
}

static bool on_change(void *app, struct slice epoch, uint64_t version, struct slice list)
{
    (void)app;
    bool known = roster_apply(world.roster, epoch, version, list) != ROSTER_GAP;
    tell();
    return known;
}

static void on_settling(void *app, bool settling)
{
    (void)app;
    HOLDS(world.relay->settling == settling);
}

static uint64_t on_connections(void *app)
{
    (void)app;
    return 1;
}

static void on_sent(void *arg, enum relay_sent sent, uint64_t message_id, struct slice json)
{
    (void)arg;
    (void)message_id;
    (void)json;
    HOLDS(sent <= RELAY_SENT_UNAVAILABLE && world.sent < world.sends);
    world.sent++;
}

static const struct relay_handler handler = {.attached = on_attached,
                                             .refused = on_refused,
                                             .ended = on_ended,
                                             .message = on_message,
                                             .lost = on_lost,
                                             .behind = on_behind,
                                             .roster_begin = on_begin,
                                             .roster_name = on_name,
                                             .roster_end = on_end,
                                             .roster_change = on_change,
                                             .settling = on_settling,
                                             .connections = on_connections};

/* ---- Steps ----------------------------------------------------------------------------------- */

static void note_nonce(void)
{
    for (size_t i = 0; i < fake_calls(); i++) {
        if (strncmp(fake_call(i), "parley_renew ", 13) == 0) {
            memcpy(world.nonce, fake_call_arg(i, 3), NONCE_LEN);
        }
    }
}

#define FUZZ_HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void answer_well(void)
{
    static const struct {
        const char *call, *answer;
    } answers[] = {
        {"parley_renew ",    "ok|e1|100|1|0|1|0|0"                               },
        {"parley_connect ",  "ok|e1|100|alice|Alice|1|0|6|0|1||0|0"              },
        {"parley_reattach ", "ok|e1|100|6|0|ok|102"                              },
        {"parley_group ",    "ok|e1|103|1|0|103|1|101 " FUZZ_HASH_A " - \n{}"    },
        {"parley_replay ",
         "ok|e1|103|1|0|103|102 " FUZZ_HASH_A " " FUZZ_HASH_A " \"c\"\n{\"a\":1}"},
        {"parley_prune ",    "ok|e1|0"                                           },
        {"parley_roster ",   "ok|e1|5|x|0|Alice"                                 },
        {"parley_changes ",  "ok|e1|6|6|+bob"                                    },
        {"parley_send ",     "ok|e1|101|ok 101"                                  },
        {"",                 "ok|e1|0"                                           },
    };
    size_t i = 0;
    while (strncmp(fake_call(0), answers[i].call, strlen(answers[i].call)) != 0) {
        i++;
    }
    fake_answer(answers[i].answer);
}

static void answer(char what, const char *text)
{
    if (fake_calls() == 0) {
        return;
    }
    if (what == 'A') {
        fake_answer(text);
    } else if (what == 'E') {
        fake_answer_error(text);
    } else {
        answer_well();
    }
}

/* A line that begins with '#' has the count that is next. */
static void publish(const char *channel, unsigned *count, const char *text)
{
    struct buf line;
    const char *space = strchr(text, ' ');
    buf_init(&line, SIZE_MAX);
    if (text[0] == '#' && space) {
        buf_append(&line, (struct slice){text + 1, (size_t)(space - text - 1)});
        buf_printf(&line, " %u%s", ++*count, space);
    } else {
        buf_append(&line, slice_text(text));
    }
    fake_publish(channel, line.ptr ? line.ptr : "");
    buf_deinit(&line);
}

static void nonce_comes(void)
{
    struct buf line;
    buf_init(&line, SIZE_MAX);
    buf_printf(&line, "#nonce %s %u 6 e1", world.nonce, world.group);
    publish("p:to:gw", &world.own, line.ptr);
    buf_deinit(&line);
}

static void ask_what_was_missed(const struct session *s, uint64_t number)
{
    uint64_t *after = calloc(1, sizeof *after);
    HOLDS(after);
    *after = number;
    world.asks++;
    if (!relay_replay(world.relay, s, *after, on_page, after)) {
        world.asks--;
        free(after);
    }
}

static void session_step(char what, const char *text)
{
    uint64_t number = strtoull(text[0] ? text + 1 : text, NULL, 10);
    size_t i = (unsigned char)text[0] % LETTERS;
    char hash[TOKEN_HASH_LEN + 1] = "";
    const struct relay_text message = {SLICE("bob"), SLICE("\"c\""), SLICE("\"t\"")};
    memset(hash, 'a' + (int)i, TOKEN_HASH_LEN);
    struct session *s = world.sessions[i];
    if (what == 's' && !s) {
        s = world.sessions[i] = relay_open(world.relay, slice_text(hash));
        if (s) {
            s->owner = &world; /* as the gateway does: else it counts as being opened just now */
        }
    } else if (what == 'c' && s) {
        world.sessions[i] = NULL;
        world.attached[i] = false;
        relay_close(world.relay, s, number);
    } else if (what == 'r' && s) {
        ask_what_was_missed(s, number);
    } else if (what == 'm' && s) {
        world.sends++;
        if (!relay_send(world.relay, s, &message, on_sent, NULL)) {
            world.sends--;
        }
    }
}

static void come_up(void)
{
    if (!world.relay->commands_up && !world.relay->feed_up) {
        fake_feed_up();
        fake_commands_up();
    }
}

static void step(const char *text)
{
    char what = text[0];
    const char *rest = what ? text + 1 : text;
    switch (what) {
    case 'u': come_up(); break;
    case 'd': world.relay->commands_up ? fake_commands_down() : (void)0; break;
    case 'f': world.relay->feed_up ? fake_feed_down() : (void)0; break;
    case 'A':
    case 'a':
    case 'E': answer(what, rest); break;
    case 'O': publish("p:to:gw", &world.own, rest); break;
    case 'G': publish("p:group", &world.group, rest); break;
    case 'P': fake_publish("p:presence", rest); break;
    case 'n': nonce_comes(); break;
    case 's':
    case 'c':
    case 'r':
    case 'm': session_step(what, rest); break;
    case 'w': world.now_ms += 700; /* and goes off */ /* fall through */
    case 'T':
        ev_is_active(&world.relay->sending.turn)
            ? ev_invoke(world.loop, &world.relay->sending.turn, EV_PREPARE)
            : (void)0;
        break;
    case 't': ev_invoke(world.loop, &world.relay->tick, EV_TIMER); break;
    default: break;
    }
    note_nonce();
}

static void begin(void)
{
    static const struct relay_config config = {.redis_url = "redis://nowhere",
                                               .key_prefix = "p:",
                                               .gateway_id = "gw",
                                               .address = "10.0.0.1:8002",
                                               .grace_ms = 7000,
                                               .lease_ms = 3000,
                                               .queue_bytes = 1 << 20};
    static struct ev_loop *loop;
    log_init("fuzz", LOG_LEVEL_ERROR);
    loop = loop ? loop : ev_loop_new(EVFLAG_AUTO);
    HOLDS(loop);
    memset(&world, 0, sizeof world);
    world.loop = loop;
    world.now_ms = 1000000;
    world.roster = roster_new();
    world.relay = relay_new(world.loop, &config, &handler, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct buf why;

    buf_init(&why, 1024);
    begin();
    for (size_t steps = 0; in.len > 0 && steps < 512; steps++) {
        struct slice text = slice_cut(&in, '\0');
        char *copy = strndup(text.len > 0 ? text.ptr : "", text.len);
        HOLDS(copy);
        step(copy);
        free(copy);
        buf_clear(&why);
        HOLDS(relay_is_ready(world.relay, &why) == (why.len == 0));
    }
    buf_deinit(&why);
    relay_free(world.relay);
    HOLDS(world.sent == world.sends && world.asked == world.asks);
    roster_free(world.roster);
    return 0;
}
