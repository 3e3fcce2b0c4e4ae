/* test_relay_random.c - the relay against a small Redis of its own, with every fault at any moment
 *
 * Calls are executed in order, at any time; their answers come later, in order; lines are on their
 * way for a while.  Connections break, lines are lost, leases lapse, sessions are kicked, and Redis
 * forgets everything.  When the faults stop, what the relay holds and what Redis holds must agree:
 * nobody waits for ever, nobody is served who has no session, nobody is left behind in Redis. */
#include "tests/support/relay_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS 300
#define STEPS 1500
#define SESSIONS 6 /* 'a' to 'f' */
#define QUEUE 4096

static struct {
    struct relay *relay;
    unsigned epoch;
    unsigned long long id;
    unsigned link, own; /* 0: Redis knows nothing of the gateway */
    bool lapsed;
    struct {
        bool alive, ended; /* ended: remembered as that */
        unsigned at;       /* link, or 0 */
    } users[SESSIONS];
    char *answers[QUEUE]; /* of the calls that were executed; a ring, as `lines` */
    size_t answers_in, answers_out;
    char *lines[QUEUE];
    size_t lines_in, lines_out;
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
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return strdup(text);
}

/* ---- Redis ----------------------------------------------------------------------------------- */

static void publish(const char *kind, const char *rest)
{
    w.own++;
    if (fake_feed_is_subscribed("p:to:gw")) {
        w.lines[w.lines_in++ % QUEUE] = print("%s %u %s", kind, w.own, rest);
    }
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
    w.users[i].at = 0;
}

/* With presence-svc at work: whoever was attached through the lapsed link is detached. */
static void lapse(void)
{
    w.lapsed = true;
    for (unsigned i = 0; i < SESSIONS; i++) {
        w.users[i].at = 0;
    }
}

static void lose_everything(void)
{
    w.epoch++;
    w.id += 1000000;
    w.link = w.own = 0;
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
    snprintf(rest, sizeof rest, "%s 0 0 e%u", fake_call_arg(call, 3), w.epoch);
    publish("nonce", rest);
    return print("ok|e%u|%llu|%u|0|%u|0|0", w.epoch, w.id, w.link, w.own);
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
    return print("ok|e%u|%llu|%c|%c|%u|0|0|90|0", w.epoch, w.id, 'a' + i, 'A' + i, i + 1);
}

static char *reattach(size_t call)
{
    char epoch[16], verdicts[256] = "";
    snprintf(epoch, sizeof epoch, "e%u", w.epoch);
    bool same_epoch = strcmp(fake_call_caller(call)->epoch, epoch) == 0;
    for (size_t k = 2; fake_call_arg(call, k)[0]; k += 5) {
        unsigned i = user_in(call, k);
        bool ok = w.users[i].alive || (!w.users[i].ended && !same_epoch);
        w.users[i].alive = ok;
        w.users[i].at = ok ? w.link : 0;
        strncat(verdicts, ok ? "|ok" : "|ended", sizeof verdicts - strlen(verdicts) - 1);
    }
    return print("ok|%s|%llu|0%s", epoch, w.id, verdicts);
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

static char *send_message(size_t call)
{
    char rest[256];
    unsigned i = user_in(call, 2);
    if (!w.users[i].alive) {
        return print("ended|e%u", w.epoch);
    }
    w.id++;
    snprintf(rest, sizeof rest, "%llu %s %s \n{}", w.id, fake_call_arg(call, 2),
             fake_call_arg(call, 2));
    if (w.users[i].at) {
        publish("message", rest);
    }
    return print("ok|e%u|%llu", w.epoch, w.id);
}

static const struct {
    const char *name;
    bool needs_link;
    char *(*execute)(size_t call);
} functions[] = {
    {"parley_renew ",    false, renew       },
    {"parley_connect ",  true,  connect_user},
    {"parley_reattach ", true,  reattach    },
    {"parley_detach ",   true,  detach      },
    {"parley_prune ",    true,  prune       },
    {"parley_send ",     true,  send_message},
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
            fake_publish("p:to:gw", line);
        }
        free(line);
    }
}

/* The relay may have dropped a connection itself: what was on its way on it is gone.  Some of what
 * was not executed yet still is, by a Redis that does not know. */
static void notice(void)
{
    const char *why;
    (void)relay_is_ready(w.relay, &why);
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
    if (what > 2) {
        (void)script_open((char)('a' + i));
    } else if (what == 1 && s) {
        relay_close(w.relay, s);
    } else if (what == 2 && s && s->attached) {
        char name[2] = {(char)('a' + i), '\0'};
        w.sends += script_send(s, name);
    }
}

static void fault(void)
{
    switch (dice(7)) {
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
    case 6:
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
    } else if (what < 98) {
        client(dice(SESSIONS));
    } else {
        tick(300);
    }
    notice();
}

/* Everything that is on its way arrives, and the relay renews a few times. */
static void calm_down(void)
{
    for (int round = 0; round < 12; round++) {
        come_up();
        for (int i = 0; i < 200; i++) {
            execute_one();
            answer_one();
            notice();
            take_line(false);
            notice();
        }
        tick(1000);
        notice();
    }
}

static void count_sent(void)
{
    const char *told = script_told();
    while ((told = strstr(told, "sent "))) {
        w.sent++;
        told++;
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
    return w.users[i].alive && w.users[i].at == w.link ? NULL : "is served without a session";
}

static void check(uint32_t seed)
{
    if (w.relay->state != LINK_UP || !w.relay->serving) {
        fail_msg("seed %u: the link is %s", seed, link_state_name(w.relay->state));
    }
    for (unsigned i = 0; i < SESSIONS; i++) {
        const char *wrong = judge(i);
        if (wrong) {
            fail_msg("seed %u: %c %s", seed, (int)('a' + i), wrong);
        }
    }
    count_sent();
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
        count_sent();
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
