/* test_client.c - somebody who chats, with a network and a view that only write down */
#include "client/terminal/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HELLO                                                                                      \
    "0{\"sid\":\"x\",\"upgrades\":[],\"pingInterval\":300,\"pingTimeout\":200,\"maxPayload\":9}"
#define SESSION(recovered) "42[\"session\",{\"username\":\"Al\",\"recovered\":" recovered "}]"
#define MESSAGE(id, more)                                                                          \
    "42[\"message_in\",{\"message_id\":" id ",\"sender\":\"bob\",\"receiver\":\"group\","          \
    "\"message_text\":\"t" id "\",\"sent_at\":5" more "}]"

struct world {
    struct client *client;
    struct buf told; /* by both */
    uint64_t now_ms;
};

static void net_connect(void *ctx)
{
    struct world *w = ctx;
    buf_append(&w->told, SLICE("connect;"));
}

static void net_send(void *ctx, struct slice text)
{
    struct world *w = ctx;
    buf_printf(&w->told, ">%.*s;", (int)text.len, text.ptr);
}

static void net_close(void *ctx)
{
    struct world *w = ctx;
    buf_append(&w->told, SLICE("hang up;"));
}

static void on_state(void *ctx)
{
    static const char *const names[] = {"connecting", "online", "waiting", "ended"};
    struct world *w = ctx;
    if (w->client) {
        buf_printf(&w->told, "[%s]", names[client_state(w->client)]);
    }
}

static void on_message(void *ctx, const struct chat_message *m)
{
    struct world *w = ctx;
    buf_printf(&w->told, "%s:%s;", m->sender, m->text.ptr);
}

static void on_own(void *ctx, const struct own *own)
{
    struct world *w = ctx;
    buf_printf(&w->told, "own%llu=%d;", (unsigned long long)own->number, (int)own->state);
}

static void on_person(void *ctx, const char *name, bool joined)
{
    struct world *w = ctx;
    buf_printf(&w->told, "%c%s;", joined ? '+' : '-', name);
}

static void on_people(void *ctx)
{
    struct world *w = ctx;
    buf_append(&w->told, SLICE("people;"));
}

static void on_missed(void *ctx)
{
    struct world *w = ctx;
    buf_append(&w->told, SLICE("missed;"));
}

static void on_ended(void *ctx, enum exit_code code, const char *words)
{
    struct world *w = ctx;
    assert_true(strlen(words) > 0);
    buf_printf(&w->told, "ended %d;", (int)code);
}

static const struct client_net net = {net_connect, net_send, net_close};
static const struct client_view view = {on_state,  on_message, on_own,  on_person,
                                        on_people, on_missed,  on_ended};

static void expect(struct world *w, const char *told)
{
    assert_string_equal(w->told.ptr ? w->told.ptr : "", told);
    buf_clear(&w->told);
    w->told.ptr[0] = '\0';
}

static void text(struct world *w, const char *bytes)
{
    client_text(w->client, slice_text(bytes), w->now_ms);
}

static int open_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    const struct client_config config = {.name = "al",
                                         .token = "tok",
                                         .own = own_for_people,
                                         .give_up_ms = 60000,
                                         .id_prefix = "pre"};
    buf_init(&w->told, 8192);
    w->now_ms = 1000;
    w->client = client_new(&config, &net, &view, w, w);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    client_free(w->client);
    buf_deinit(&w->told);
    free(w);
    return 0;
}

static void go_online(struct world *w)
{
    client_start(w->client, w->now_ms);
    client_opened(w->client, w->now_ms);
    text(w, HELLO);
    text(w, "40{\"sid\":\"y\"}");
    text(w, SESSION("false"));
    buf_clear(&w->told);
}

static void come_back(struct world *w)
{
    client_closed(w->client, SLICE(""), w->now_ms);
    client_tick(w->client, w->now_ms, 0);
    w->now_ms = client_attempt_ms(w->client);
    client_tick(w->client, w->now_ms, 0);
}

static void from_the_token_to_a_message(void **state)
{
    struct world *w = *state;
    client_start(w->client, w->now_ms);
    expect(w, "[connecting]connect;");
    client_opened(w->client, w->now_ms);
    text(w, HELLO);
    expect(w, ">40{\"token\":\"tok\"};");
    text(w, "40{\"sid\":\"y\"}");
    text(w, SESSION("false"));
    expect(w, "[online][online]");
    assert_string_equal(client_name(w->client), "Al");
    text(w, "42[\"user_change_in\",{\"users\":[\"Al\",\"bob\"],\"cursor\":\"e.1\"}]");
    text(w, MESSAGE("7", ""));
    expect(w, "people;bob:t7;");
}

static void messages_are_shown_once(void **state)
{
    struct world *w = *state;
    go_online(w);
    text(w, MESSAGE("7", ""));
    text(w, MESSAGE("7", ""));
    text(w, MESSAGE("6", ""));
    text(w, MESSAGE("8", ""));
    expect(w, "bob:t7;bob:t8;");
}

static void own_ones_are_not_shown_again(void **state)
{
    struct world *w = *state;
    go_online(w);
    (void)client_say(w->client, SLICE("group"), SLICE("hi"), w->now_ms, 1);
    expect(w, "own1=0;own1=1;>421[\"message_out\",{\"receiver\":\"group\",\"message_text\":\"hi\","
              "\"client_id\":\"pre-1\"}];");
    text(w, "431[{\"ok\":true,\"message_id\":9}]");
    text(w, MESSAGE("9", ",\"client_id\":\"pre-1\""));
    expect(w, "own1=2;");
    text(w, MESSAGE("10", ",\"client_id\":\"another-1\"")); /* of another window of ours */
    expect(w, "bob:t10;");
}

static void it_comes_back_and_says_what_it_knows(void **state)
{
    struct world *w = *state;
    go_online(w);
    text(w, "42[\"user_change_in\",{\"users\":[\"Al\"],\"cursor\":\"e.1\"}]");
    text(w, MESSAGE("7", ""));
    buf_clear(&w->told);
    client_closed(w->client, SLICE(""), w->now_ms);
    expect(w, "[waiting]");
    assert_string_equal(client_why(w->client), "connection lost");
    assert_true(client_due_ms(w->client) <= w->now_ms);
    client_tick(w->client, w->now_ms, 0);
    expect(w, "[waiting]"); /* the time of the next attempt is known */
    uint64_t at = client_attempt_ms(w->client);
    assert_int_equal(client_due_ms(w->client), at);
    assert_in_range(at - w->now_ms, 500, 1500);
    client_tick(w->client, at - 1, 0);
    expect(w, "");
    w->now_ms = at;
    client_tick(w->client, w->now_ms, 0);
    expect(w, "[connecting]connect;");
    client_opened(w->client, w->now_ms);
    text(w, HELLO);
    expect(w, ">40{\"token\":\"tok\",\"last_id\":7,\"presence\":\"e.1\"};");
    text(w, "40");
    text(w, SESSION("true"));
    expect(w, "[online][online]");
    text(w, MESSAGE("7", ""));
    text(w, MESSAGE("8", ""));
    expect(w, "bob:t8;");
}

static void what_may_be_missing_is_said(void **state)
{
    struct world *w = *state;
    go_online(w);
    come_back(w);
    client_opened(w->client, w->now_ms);
    buf_clear(&w->told);
    text(w, HELLO);
    expect(w, ">40{\"token\":\"tok\",\"last_id\":0};"); /* it was there, and saw nothing */
    text(w, "40");
    buf_clear(&w->told);
    text(w, SESSION("false"));
    expect(w, "missed;[online]");
    text(w, SESSION("true"));
    expect(w, "[online]");
}

static void unsent_ones_go_out_in_order(void **state)
{
    struct world *w = *state;
    go_online(w);
    come_back(w);
    (void)client_say(w->client, SLICE("group"), SLICE("a"), w->now_ms, 1);
    (void)client_say(w->client, SLICE("group"), SLICE("b"), w->now_ms, 1);
    assert_int_equal(client_unsent(w->client), 2);
    client_opened(w->client, w->now_ms);
    text(w, HELLO);
    buf_clear(&w->told);
    text(w, "40");
    expect(w, "[online]own1=1;>421[\"message_out\",{\"receiver\":\"group\",\"message_text\":\"a\","
              "\"client_id\":\"pre-1\"}];own2=1;>422[\"message_out\",{\"receiver\":\"group\","
              "\"message_text\":\"b\",\"client_id\":\"pre-2\"}];");
}

static void a_lost_one_is_red_until_it_is_sent_again(void **state)
{
    struct world *w = *state;
    go_online(w);
    (void)client_say(w->client, SLICE("group"), SLICE("a"), w->now_ms, 1);
    buf_clear(&w->told);
    client_closed(w->client, SLICE(""), w->now_ms);
    expect(w, "own1=3;[waiting]");
    assert_int_equal(client_retry(w->client, w->now_ms), 1);
    expect(w, "own1=0;");
}

static void a_gap_in_the_list_is_asked_for(void **state)
{
    struct world *w = *state;
    go_online(w);
    text(w, "42[\"user_change_in\",{\"users\":[\"Al\"],\"cursor\":\"e.1\"}]");
    text(w, "42[\"user_change_in\",{\"joined\":[\"b\"],\"left\":[],\"from\":\"e.2\",\"cursor\":\"e."
            "3\"}]");
    expect(w, "people;>420[\"user_change_out\",{\"since\":\"e.1\"}];");
    text(w, "430[{\"ok\":true}]");
    text(w, "42[\"user_change_in\",{\"joined\":[\"b\"],\"left\":[],\"from\":\"e.1\",\"cursor\":\"e."
            "3\"}]");
    expect(w, "+b;people;");
}

static void silence_is_a_lost_connection(void **state)
{
    struct world *w = *state;
    go_online(w);
    assert_int_equal(client_due_ms(w->client), w->now_ms + 500);
    client_tick(w->client, w->now_ms + 499, 0);
    expect(w, "");
    client_tick(w->client, w->now_ms + 500, 0);
    expect(w, "hang up;[waiting][waiting]");
}

static void nonsense_is_a_lost_connection(void **state)
{
    struct world *w = *state;
    go_online(w);
    text(w, "nonsense");
    expect(w, "hang up;[waiting]");
}

static void the_session_ends(void **state)
{
    struct world *w = *state;
    go_online(w);
    (void)client_say(w->client, SLICE("group"), SLICE("a"), w->now_ms, 1);
    buf_clear(&w->told);
    text(w, "42[\"session_end\",{\"code\":\"kicked\"}]");
    expect(w, "hang up;own1=3;ended 4;");
    text(w, "41");
    client_closed(w->client, SLICE(""), w->now_ms);
    client_tick(w->client, w->now_ms + 100000, 0);
    expect(w, "");
    assert_true(client_due_ms(w->client) == UINT64_MAX);
}

static void refused_for_good(void **state)
{
    struct world *w = *state;
    client_start(w->client, w->now_ms);
    client_opened(w->client, w->now_ms);
    text(w, HELLO);
    buf_clear(&w->told);
    text(w, "44{\"message\":\"m\",\"data\":{\"code\":\"session_expired\"}}");
    expect(w, "hang up;ended 4;");
}

static void it_gives_up(void **state)
{
    struct world *w = *state;
    uint64_t began_ms = w->now_ms;
    client_start(w->client, w->now_ms);
    while (client_state(w->client) != CLIENT_ENDED) {
        if (client_state(w->client) == CLIENT_CONNECTING) {
            client_closed(w->client, SLICE("refused"), w->now_ms);
        }
        w->now_ms = client_due_ms(w->client) > w->now_ms ? client_due_ms(w->client) : w->now_ms;
        assert_in_range(w->now_ms, began_ms, began_ms + 60000);
        buf_clear(&w->told);
        client_tick(w->client, w->now_ms, 12345);
    }
    assert_int_equal(w->now_ms, began_ms + 60000);
    expect(w, "hang up;ended 3;");
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(from_the_token_to_a_message),
        IN_WORLD(messages_are_shown_once),
        IN_WORLD(own_ones_are_not_shown_again),
        IN_WORLD(it_comes_back_and_says_what_it_knows),
        IN_WORLD(what_may_be_missing_is_said),
        IN_WORLD(unsent_ones_go_out_in_order),
        IN_WORLD(a_lost_one_is_red_until_it_is_sent_again),
        IN_WORLD(a_gap_in_the_list_is_asked_for),
        IN_WORLD(silence_is_a_lost_connection),
        IN_WORLD(nonsense_is_a_lost_connection),
        IN_WORLD(the_session_ends),
        IN_WORLD(refused_for_good),
        IN_WORLD(it_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
