/* test_relay_random.c - the relay against a small Redis of its own, with every fault at any moment
 *
 * Calls are executed in order, at any time; their answers come later, in order; lines are on their
 * way for a while.  Connections break, lines are lost, leases lapse, sessions are kicked, windows
 * are trimmed, and Redis forgets everything.  When the faults stop, what the relay holds and what
 * Redis holds must agree: nobody waits for ever, nobody is served who has no session, nobody is
 * left behind in Redis.  And each session must have got every message since it was attached, once,
 * in the order of ids, but for those of which it was told that they are lost. */
#include "tests/support/relay_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS 400
#define STEPS 1500
#define SESSIONS 6 /* 'a' to 'f' */
#define QUEUE 4096
#define GROUP SESSIONS /* as the receiver of a message */
#define PAGE 3         /* messages in one page */

static struct {
    struct relay *relay;
    unsigned epoch;
    unsigned long long id;
    unsigned long long first, trimmed; /* of the epoch; the windows begin behind this */
    unsigned link, own, group;         /* link 0: Redis knows nothing of the gateway */
    bool lapsed;
    struct {
        bool alive, ended; /* ended: remembered as that */
        unsigned at;       /* link, or 0 */
    } users[SESSIONS];
    char *answers[QUEUE]; /* of the calls that were executed; a ring, as `lines` */
    size_t answers_in, answers_out;
    char *lines[QUEUE]; /* the first letter: of the own channel or the group */
    size_t lines_in, lines_out;
    struct sent {
        unsigned long long id;
        unsigned from, to;
        bool forgotten; /* Redis has lost it */
        unsigned got;   /* one bit for each session */
    } log[STEPS];
    size_t logged;
    struct {
        bool fresh;                              /* not attached yet since it was opened */
        unsigned long long floor, last, excused; /* it may miss what is not above `excused` */
    } heard[SESSIONS];
    bool commands_up, feed_up;
    unsigned sends, sent;
    uint32_t calm; /* percent of the steps that are no fault */
    uint32_t dice;
} w;

static uint32_t dice(uint32_t sides)
{
    w.dice ^= w.dice << 13;
    w.dice ^= w.dice >> 17;
    w.dice ^= w.dice << 5;
    return w.dice % sides;
}

__attribute__((format(printf, 1, 2))) static char *print(const char *format, ...)
{
    char text[8192];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return strdup(text);
}

/* ---- Redis ----------------------------------------------------------------------------------- */

static void publish_on(char channel, const char *kind, const char *rest)
{
    unsigned count = channel == 'g' ? ++w.group : ++w.own;
    if (fake_feed_is_subscribed("p:to:gw")) {
        w.lines[w.lines_in++ % QUEUE] = print("%c%s %u %s", channel, kind, count, rest);
    }
}

static void publish(const char *kind, const char *rest)
{
    publish_on('o', kind, rest);
}

static bool concerns(const struct sent *m, unsigned user)
{
    return m->to == GROUP || m->from == user || m->to == user;
}

/* An inbox holds no messages to the group; GROUP stands for the group's window. */
static bool is_in(const struct sent *m, unsigned window)
{
    return !m->forgotten &&
           (window == GROUP ? m->to == GROUP : m->to != GROUP && concerns(m, window));
}

static unsigned long long newest_in(unsigned window)
{
    unsigned long long id = 0;
    for (size_t i = 0; i < w.logged; i++) {
        id = is_in(&w.log[i], window) ? w.log[i].id : id;
    }
    return id;
}

static void end_user(unsigned i)
{
    char rest[128];
    if (w.users[i].alive && w.users[i].at) {
        snprintf(rest, sizeof rest, "%s kicked", script_hash((char)('a' + i)));
        publish("end", rest);
    }
    w.users[i].ended = w.users[i].ended || w.users[i].alive;
    w.users[i].alive = false;
    w.heard[i].excused = w.id; /* and his inbox is gone */
    w.users[i].at = 0;
}

/* With presence-svc at work: whoever was attached through the lapsed link is being detached. */
static void lapse(void)
{
    w.lapsed = true;
    for (unsigned i = 0; i < SESSIONS; i++) {
        w.users[i].at = dice(2) ? w.users[i].at : 0;
    }
}

static void lose_everything(void)
{
    w.epoch++;
    w.id += 1000000;
    w.first = w.id;
    w.link = w.own = w.group = 0;
    for (size_t i = 0; i < w.logged; i++) {
        w.log[i].forgotten = true;
    }
    w.lapsed = false;
    memset(w.users, 0, sizeof w.users);
}

static bool holds(size_t call)
{
    return w.link && !w.lapsed && strtoul(fake_call_arg(call, 1), NULL, 10) == w.link;
}

static char *renew(size_t call)
{
    unsigned carried = (unsigned)strtoul(fake_call_arg(call, 2), NULL, 10);
    char rest[128];
    if (strcmp(fake_call_arg(call, 1), "new") == 0) {
        w.link = (w.link > carried ? w.link : carried) + 1;
        w.lapsed = false;
    } else if (w.lapsed || carried != w.link) {
        return print("link|e%u", w.epoch);
    }
    snprintf(rest, sizeof rest, "%s %u 0 e%u", fake_call_arg(call, 3), w.group, w.epoch);
    publish("nonce", rest);
    return print("ok|e%u|%llu|%u|0|%u|%u|0|0", w.epoch, w.id, w.link, w.own, w.group);
}

static unsigned user_in(size_t call, size_t arg)
{
    return (unsigned)(fake_call_arg(call, arg)[0] - 'a');
}

static char *connect_user(size_t call)
{
    unsigned i = user_in(call, 2);
    if (!w.users[i].alive) {
        return print("unknown|e%u", w.epoch);
    }
    w.users[i].at = w.link;
    return print("ok|e%u|%llu|%c|%c|%u|0|0|90|0||0|%llu", w.epoch, w.id, 'a' + i, 'A' + i, i + 1,
                 newest_in(i));
}

static char *reattach(size_t call)
{
    char epoch[16], verdicts[256] = "", newest[256] = "", number[32];
    snprintf(epoch, sizeof epoch, "e%u", w.epoch);
    bool same_epoch = strcmp(fake_call_caller(call)->epoch, epoch) == 0;
    for (size_t k = 2; fake_call_arg(call, k)[0]; k += 5) {
        unsigned i = user_in(call, k);
        bool ok = w.users[i].alive || (!w.users[i].ended && !same_epoch);
        w.users[i].alive = ok;
        w.users[i].at = ok ? w.link : 0;
        strncat(verdicts, ok ? "|ok" : "|ended", sizeof verdicts - strlen(verdicts) - 1);
        snprintf(number, sizeof number, "|%llu", newest_in(i));
        strncat(newest, number, sizeof newest - strlen(newest) - 1);
    }
    return print("ok|%s|%llu|0|%llu%s%s", epoch, w.id, w.first, verdicts, newest);
}

static char *detach(size_t call)
{
    w.users[user_in(call, 2)].at = 0;
    return print("ok|e%u", w.epoch);
}

static char *prune(size_t call)
{
    (void)call;
    for (unsigned i = 0; i < SESSIONS; i++) {
        w.users[i].at = w.users[i].at == w.link ? w.link : 0;
    }
    return print("ok|e%u|0", w.epoch);
}

static const char *text_of(const struct sent *m)
{
    static char text[512];
    snprintf(text, sizeof text, "%llu %s %s \n{\"message_id\":%llu}", m->id,
             script_hash((char)('a' + m->from)),
             m->to == GROUP ? "-" : script_hash((char)('a' + m->to)), m->id);
    return text;
}

static void accept(unsigned from, unsigned to)
{
    struct sent *m = &w.log[w.logged++];
    *m = (struct sent){.id = ++w.id, .from = from, .to = to};
    if (to == GROUP) {
        publish_on('g', "message", text_of(m));
    } else if (w.users[from].at || w.users[to].at) {
        publish("message", text_of(m));
    }
}

static void send_message(size_t call, size_t at, struct buf *fates)
{
    unsigned from = user_in(call, at);
    bool group = strcmp(fake_call_arg(call, at + 2), "group") == 0;
    unsigned to = group ? GROUP : user_in(call, at + 2);
    if (!w.users[from].alive) {
        buf_append(fates, SLICE("|ended"));
    } else if (!group && !w.users[to].alive) {
        buf_append(fates, SLICE("|no_such_user"));
    } else {
        accept(from, to);
        buf_printf(fates, "|ok %llu", w.id);
    }
}

static char *send_messages(size_t call)
{
    struct buf fates;
    buf_init(&fates, 8192);
    for (size_t at = 3; fake_call_arg(call, at)[0]; at += SENDING_PARTS) {
        send_message(call, at, &fates);
    }
    char *answer = print("ok|e%u|%llu%s", w.epoch, w.id, fates.ptr);
    buf_deinit(&fates);
    return answer;
}

/* A tab on another gateway. */
static void sends_elsewhere(unsigned from, unsigned to)
{
    if (w.users[from].alive && (to == GROUP || w.users[to].alive) &&
        w.logged + fake_calls() < STEPS) {
        accept(from, to);
    }
}

static char *window_page(unsigned window, unsigned long long after)
{
    struct buf page;
    size_t count = 0;
    bool whole = after >= w.first, more = false;
    unsigned long long next = w.id;
    buf_init(&page, 8192);
    for (size_t i = 0; i < w.logged; i++) {
        const struct sent *m = &w.log[i];
        if (!is_in(m, window) || m->id <= after) {
            continue;
        }
        if (m->id <= w.trimmed) {
            whole = false;
        } else if (count == PAGE) {
            more = true;
        } else {
            buf_printf(&page, "|%s", text_of(m));
            next = m->id;
            count++;
        }
    }
    next = more ? next : w.id;
    char *head = print("ok|e%u|%llu|%d|%d|%llu", w.epoch, w.id, whole, more, next);
    const char *body = page.len > 0 ? page.ptr : "";
    char *answer =
        window == GROUP ? print("%s|%u%s", head, w.group, body) : print("%s%s", head, body);
    buf_deinit(&page);
    free(head);
    return answer;
}

static char *replay(size_t call)
{
    unsigned i = user_in(call, 2);
    return w.users[i].alive ? window_page(i, strtoull(fake_call_arg(call, 3), NULL, 10))
                            : print("unknown|e%u", w.epoch);
}

static char *group_page(size_t call)
{
    return window_page(GROUP, strtoull(fake_call_arg(call, 2), NULL, 10));
}

static const struct {
    const char *name;
    bool needs_link;
    char *(*execute)(size_t call);
} functions[] = {
    {"parley_renew ",    false, renew        },
    {"parley_connect ",  true,  connect_user },
    {"parley_reattach ", true,  reattach     },
    {"parley_detach ",   true,  detach       },
    {"parley_prune ",    true,  prune        },
    {"parley_send ",     true,  send_messages},
    {"parley_replay ",   true,  replay       },
    {"parley_group ",    true,  group_page   },
};

static char *execute(size_t call)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strncmp(fake_call(call), functions[i].name, strlen(functions[i].name)) == 0) {
            return functions[i].needs_link && !holds(call) ? print("link|e%u", w.epoch)
                                                           : functions[i].execute(call);
        }
    }
    bool roster = strncmp(fake_call(call), "parley_roster ", 14) == 0;
    return roster ? print("ok|e%u|0|0|0", w.epoch) : print("ok|e%u|0", w.epoch);
}

/* ---- What happens ---------------------------------------------------------------------------- */

static void execute_one(void)
{
    size_t done = w.answers_in - w.answers_out;
    if (fake_calls() > done) {
        w.answers[w.answers_in++ % QUEUE] = execute(done);
    }
}

static void answer_one(void)
{
    if (w.answers_in > w.answers_out) {
        char *answer = w.answers[w.answers_out++ % QUEUE];
        fake_answer(answer);
        free(answer);
    }
}

static void take_line(bool lost)
{
    if (w.lines_in > w.lines_out) {
        char *line = w.lines[w.lines_out++ % QUEUE];
        if (!lost) {
            fake_publish(line[0] == 'g' ? "p:group" : "p:to:gw", line + 1);
        }
        free(line);
    }
}

/* The relay may have dropped a connection itself: what was on its way on it is gone.  Some of what
 * was not executed yet still is, by a Redis that does not know. */
static void notice(void)
{
    struct buf why;
    buf_init(&why, 256);
    (void)relay_is_ready(w.relay, &why);
    buf_deinit(&why);
    if (w.commands_up && !w.relay->commands_up) {
        while (w.answers_out < w.answers_in) {
            free(w.answers[w.answers_out++ % QUEUE]);
        }
        w.commands_up = false;
    }
    if (w.feed_up && !w.relay->feed_up) {
        while (w.lines_out < w.lines_in) {
            free(w.lines[w.lines_out++ % QUEUE]);
        }
        w.feed_up = false;
    }
}

static void break_commands(void)
{
    if (w.commands_up) {
        for (uint32_t late = dice(3); late > 0; late--) {
            execute_one();
        }
        fake_commands_down();
    }
}

static void come_up(void)
{
    if (!w.commands_up) {
        w.commands_up = true;
        fake_commands_up();
    }
    notice();
    if (!w.feed_up) {
        w.feed_up = true;
        fake_feed_up();
    }
}

static void client(unsigned i)
{
    struct session *s = sessions_find(w.relay->sessions, slice_text(script_hash((char)('a' + i))));
    uint32_t what = dice(8);
    w.users[i].alive = w.users[i].alive || what == 7; /* a login, under a hash of before */
    if (what > 3) {
        w.heard[i].fresh = w.heard[i].fresh || !s;
        (void)script_open((char)('a' + i));
    } else if (what == 1 && s && dice(4) == 0) {
        relay_close(w.relay, s, RELAY_WAS_HERE);
    } else if (s && s->attached && w.logged + fake_calls() < STEPS) {
        char name[2] = {(char)('a' + dice(SESSIONS)), '\0'};
        w.sends += script_say(s, what == 2 ? "group" : name);
    }
}

static void fault(void)
{
    switch (dice(8)) {
    case 0: break_commands(); break;
    case 1:
        if (w.feed_up) {
            fake_feed_down();
        }
        break;
    case 2: end_user(dice(SESSIONS)); /* and nobody hears of it: */ /* fall through */
    case 3:
        while (w.lines_out < w.lines_in) {
            take_line(true);
        }
        break;
    case 4: end_user(dice(SESSIONS)); break;
    case 5: lapse(); break;
    case 7: w.trimmed = w.id - dice(6); break;
    default: /* 6 */
        if (dice(4) == 0) {
            lose_everything();
        }
        break;
    }
}

static void tick(uint64_t ms)
{
    script_pass(ms);
    script_tick();
}

static void step(void)
{
    uint32_t what = dice(100);
    if (dice(100) >= w.calm) {
        fault();
    } else if (what < 30) {
        execute_one();
    } else if (what < 60) {
        answer_one();
    } else if (what < 80) {
        take_line(false);
    } else if (what < 90) {
        come_up();
    } else if (what < 94) {
        client(dice(SESSIONS));
    } else if (what < 98) {
        sends_elsewhere(dice(SESSIONS), dice(2) ? GROUP : dice(SESSIONS));
    } else {
        tick(300);
    }
    if (dice(3) == 0) {
        script_turn();
    }
    notice();
}

/* ---- What sessions hear ---------------------------------------------------------------------- */

static void hear_message(unsigned i, unsigned long long id)
{
    size_t k = 0;
    if (id <= w.heard[i].floor) {
        return; /* of before, which clients know and pass over */
    }
    while (k < w.logged && w.log[k].id != id) {
        k++;
    }
    if (k == w.logged || !concerns(&w.log[k], i)) {
        fail_msg("%c got message %llu, which is not his", (int)('a' + i), id);
    }
    if (id <= w.heard[i].last) {
        fail_msg("%c got message %llu after %llu", (int)('a' + i), id, w.heard[i].last);
    }
    w.heard[i].last = id;
    w.log[k].got |= 1U << i;
}

/* The session of that letter, if it is here. */
static const struct session *session_of(char letter)
{
    return sessions_find(w.relay->sessions, slice_text(script_hash(letter)));
}

/* "7 to=c from=d"; a letter is a session's, * everybody's. */
static void hear_of_message(const char *told)
{
    char *rest;
    unsigned long long id = strtoull(told, &rest, 10);
    const char *to = rest + strlen(" to="), *from = to + strlen("c from=");
    for (unsigned i = 0; i < SESSIONS; i++) {
        char letter = (char)('a' + i);
        bool his = *to == '*' || *to == letter || *from == letter;
        if (his && session_of(letter) && !w.heard[i].fresh) {
            hear_message(i, id);
        }
    }
}

/* "a 104" or "* 104" */
static void hear_of_loss(const char *told)
{
    unsigned long long upto = strtoull(told + 2, NULL, 10);
    assert_in_range(upto, 1, w.id);
    for (unsigned i = 0; i < SESSIONS; i++) {
        if (told[0] == '*' || told[0] == (char)('a' + i)) {
            w.heard[i].excused = upto > w.heard[i].excused ? upto : w.heard[i].excused;
        }
    }
}

/* "c:C", and " left=90" if its clients ask themselves for what passed before this. */
static void hear_of_attach(const char *told)
{
    unsigned i = (unsigned)(told[0] - 'a');
    const struct session *s = session_of(told[0]);
    if (s && w.heard[i].fresh) {
        bool missed = strncmp(told + 3, " left=", 6) == 0;
        w.heard[i].fresh = false;
        w.heard[i].floor = missed ? w.relay->delivered : s->attach_id;
        w.heard[i].last = w.heard[i].floor;
    }
}

static void hear_of_outcome(const char *told)
{
    (void)told;
    w.sent++;
}

static void hear_all(void)
{
    static const struct {
        const char *word;
        void (*hear)(const char *told);
    } words[] = {
        {"message ",  hear_of_message},
        {"lost ",     hear_of_loss   },
        {"attached ", hear_of_attach },
        {"sent ",     hear_of_outcome},
    };
    for (const char *told = script_told(); told && *told;) {
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            if (strncmp(told, words[i].word, strlen(words[i].word)) == 0) {
                words[i].hear(told + strlen(words[i].word));
            }
        }
        told = strstr(told, " | ");
        told = told ? told + 3 : NULL;
    }
}

/* What session i ought to have got, and did not: an id, or 0. */
static unsigned long long missing(unsigned i)
{
    for (size_t k = 0; k < w.logged; k++) {
        const struct sent *m = &w.log[k];
        if (concerns(m, i) && m->id > w.heard[i].floor && m->id > w.heard[i].excused &&
            !(m->got & 1U << i)) {
            return m->id;
        }
    }
    return 0;
}

/* Everything that is on its way arrives, and the relay renews a few times. */
static void calm_down(void)
{
    for (int round = 0; round < 12; round++) {
        come_up();
        script_turn();
        for (int i = 0; i < 200; i++) {
            execute_one();
            answer_one();
            notice();
            take_line(false);
            notice();
        }
        tick(1000);
        notice();
        hear_all();
    }
}

/* What is wrong with user i, or NULL. */
static const char *judge(unsigned i)
{
    const char *hash = script_hash((char)('a' + i));
    const struct session *s = sessions_find(w.relay->sessions, slice_text(hash));
    if (!s) {
        return w.users[i].at ? "is left behind in Redis" : NULL;
    }
    if (!s->attached) {
        return "waits for ever";
    }
    if (!w.users[i].alive || w.users[i].at != w.link) {
        return "is served without a session";
    }
    return missing(i) ? "missed a message" : NULL;
}

static void check(uint32_t seed)
{
    if (w.relay->state != LINK_UP) {
        fail_msg("seed %u: the link is %s", seed, link_state_name(w.relay->state));
    }
    for (unsigned i = 0; i < SESSIONS; i++) {
        const char *wrong = judge(i);
        if (wrong) {
            fail_msg("seed %u: %c %s %llu", seed, (int)('a' + i), wrong, missing(i));
        }
    }
    hear_all();
    assert_int_equal(w.sent, w.sends);
}

static void play(uint32_t seed)
{
    memset(&w, 0, sizeof w);
    w.dice = 2463534242U + seed * 7919;
    w.relay = script_begin();
    w.epoch = 1;
    w.id = 100;
    w.calm = 90 + seed % 10;
    for (unsigned i = 0; i < SESSIONS; i++) {
        w.users[i].alive = true;
    }
    for (int i = 0; i < STEPS; i++) {
        step();
        hear_all();
    }
    calm_down();
    check(seed);
    script_end();
    while (w.lines_out < w.lines_in) {
        free(w.lines[w.lines_out++ % QUEUE]);
    }
    while (w.answers_out < w.answers_in) {
        free(w.answers[w.answers_out++ % QUEUE]);
    }
}

static void relay_and_redis_agree_in_the_end(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        play(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relay_and_redis_agree_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
