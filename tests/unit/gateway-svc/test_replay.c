/* test_replay.c - a client catches up: what it is told, in which order, whatever comes in between
 *
 * Sockets, the relay and the list of users stand here and write down what they are asked for. */
#include "gateway-svc/app/backlog.h"
#include "gateway-svc/app/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define QUEUE_BYTES ((size_t)256 << 10)
#define HELD_BYTES (QUEUE_BYTES / 4)
#define TOLD(text) assert_told(text)

struct sio_socket { /* this test's own */
    void *data;
};

struct sio_frame { /* the same */
    unsigned refs;
    size_t size;
    char text[48];
};

static struct {
    struct hub hub;
    struct user *user;
    struct client *client;
    struct sio_socket socket;
    struct buf told;
    bool gone;    /* the socket cannot be accepted any more */
    bool refuses; /* the relay takes no question */
    relay_page_fn *fn;
    void *arg;
    unsigned frames; /* that exist */
    uint64_t given;  /* to the session, since it was attached; 0: nothing */
    uint64_t upto;   /* the client that left had everything up to this */
} w;

/* ---- What it is linked with ------------------------------------------------------------------ */

bool sio_socket_accept(struct sio_socket *socket)
{
    (void)socket;
    buf_append(&w.told, w.gone ? SLICE("(gone) ") : SLICE("accept "));
    return !w.gone;
}

void sio_socket_emit(struct sio_socket *socket, struct sio_frame *frame)
{
    (void)socket;
    buf_printf(&w.told, "%s ", frame->text);
}

void sio_socket_close(struct sio_socket *socket, uint16_t code)
{
    (void)socket;
    buf_printf(&w.told, "close %u ", code);
}

void sio_socket_when_drained(struct sio_socket *socket)
{
    (void)socket;
    buf_append(&w.told, SLICE("when_drained "));
}

void sio_socket_set_data(struct sio_socket *socket, void *data)
{
    socket->data = data;
}

static struct sio_frame *frame_new(const char *text, size_t size)
{
    struct sio_frame *frame = calloc(1, sizeof *frame);
    assert_non_null(frame);
    frame->refs = 1;
    frame->size = size;
    snprintf(frame->text, sizeof frame->text, "%s", text);
    w.frames++;
    return frame;
}

struct sio_frame *sio_frame_ref(struct sio_frame *frame)
{
    frame->refs++;
    return frame;
}

void sio_frame_unref(struct sio_frame *frame)
{
    if (frame && --frame->refs == 0) {
        free(frame);
        w.frames--;
    }
}

size_t sio_frame_size(const struct sio_frame *frame)
{
    return frame->size;
}

void hub_emit_json(struct hub *hub, struct sio_socket *socket, struct slice event)
{
    (void)socket;
    buf_printf(&w.told, "%.*s%.*s ", (int)event.len, event.ptr, (int)hub->json.len, hub->json.ptr);
}

struct sio_frame *talk_frame(struct hub *hub, const struct bus_message *m, bool to_sender)
{
    char text[32];
    (void)hub;
    snprintf(text, sizeof text, "%llu%s", (unsigned long long)m->id, to_sender ? "(own)" : "");
    return frame_new(text, 100);
}

void crowd_welcome(struct crowd *c, struct sio_socket *socket, struct slice since,
                   struct slice shown)
{
    (void)c;
    (void)socket;
    buf_printf(&w.told, "list(%.*s,%.*s) ", (int)since.len, since.len ? since.ptr : "",
               (int)shown.len, shown.ptr);
}

uint64_t relay_given(const struct relay *r, const struct session *s)
{
    (void)r;
    return w.given > 0 ? w.given : s->attach_id;
}

bool relay_replay(struct relay *r, const struct session *s, uint64_t after, relay_page_fn *fn,
                  void *arg)
{
    (void)r;
    assert_true(s->attached && !w.fn);
    if (w.refuses) {
        return false;
    }
    buf_printf(&w.told, "ask(%llu) ", (unsigned long long)after);
    w.fn = fn;
    w.arg = arg;
    return true;
}

/* ---- The script ------------------------------------------------------------------------------ */

static void assert_told(const char *wanted)
{
    assert_string_equal(w.told.len > 0 ? w.told.ptr : "", wanted);
    buf_clear(&w.told);
}

static int begin(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    buf_init(&w.told, 1 << 20);
    buf_init(&w.hub.json, 1 << 20);
    w.hub.config.sio.queue_max_bytes = QUEUE_BYTES;
    w.hub.config.message_max_bytes = 300;
    struct session *s = calloc(1, sizeof *s);
    assert_non_null(s);
    memset(s->hash, 0xaa, sizeof s->hash);
    snprintf(s->shown, sizeof s->shown, "Alice");
    s->attached = true;
    s->attach_id = 50;
    w.user = user_new(s);
    w.client = client_new(w.user, &w.socket);
    return 0;
}

static void leave(void)
{
    if (w.client) {
        w.upto = replay_leave(&w.hub, w.client);
        client_free(w.client);
        w.client = NULL;
    }
}

static void page(uint64_t now, bool whole, const char *ids);

static int end(void **state)
{
    (void)state;
    leave();
    if (w.fn) {
        page(1000, true, "");
    }
    assert_int_equal(w.frames, 0);
    assert_int_equal(w.hub.welcomed.count + w.hub.catching.count, 0);
    free(w.user->session);
    user_free(w.user);
    free(w.hub.welcomed.at);
    free(w.hub.catching.at);
    buf_deinit(&w.told);
    buf_deinit(&w.hub.json);
    return 0;
}

static void wish(uint64_t last_id, const char *cursor)
{
    struct resume resume = {.has_last_id = last_id != UINT64_MAX, .last_id = last_id};
    snprintf(resume.cursor, sizeof resume.cursor, "%s", cursor);
    replay_wish(&w.hub, w.client, &resume);
}

/* The answer comes: messages "101 102 103+"; with + there is more. */
static void page(uint64_t now, bool whole, const char *ids)
{
    struct page out = {.now = now, .whole = whole, .next = now};
    static char own[TOKEN_HASH_LEN + 1];
    memset(own, 'a', TOKEN_HASH_LEN);
    char *rest;
    for (uint64_t id = strtoull(ids, &rest, 10); id > 0; id = strtoull(rest, &rest, 10)) {
        out.entries[out.count++] = (struct bus_message){
            .id = id, .sender = id % 10 == 9 ? slice_text(own) : SLICE("somebody")};
        out.more = *rest == '+';
        rest += out.more;
        out.next = out.more ? id : now;
    }
    relay_page_fn *fn = w.fn;
    assert_non_null(fn);
    w.fn = NULL;
    fn(w.arg, RELAY_PAGE_OK, &out);
}

static void no_page(enum relay_page result)
{
    relay_page_fn *fn = w.fn;
    assert_non_null(fn);
    w.fn = NULL;
    fn(w.arg, result, NULL);
}

static void live_sized(uint64_t id, size_t size)
{
    char text[32];
    snprintf(text, sizeof text, "live%llu", (unsigned long long)id);
    struct sio_frame *frame = frame_new(text, size);
    replay_give(&w.hub, w.client, id, frame);
    sio_frame_unref(frame);
}

static void live(uint64_t id)
{
    live_sized(id, 100);
}

#define SESSION(recovered)                                                                         \
    "session{\"username\":\"Alice\",\"recovered\":" recovered ",\"message_max_bytes\":300} "
#define YES SESSION("true")
#define NO SESSION("false")

/* ---- Tests ----------------------------------------------------------------------------------- */

static void who_missed_nothing_is_live_at_once(void **state)
{
    (void)state;
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    TOLD("accept " NO "list(,Alice) ");
    live(50); /* of before it was attached */
    live(51);
    live(51);
    live(60);
    live(59);
    TOLD("live51 live60 ");
    assert_int_equal(w.hub.welcomed.count, 1);
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE); /* again, after a broken link */
    TOLD("");
    leave();
    assert_true(w.upto == RELAY_WAS_HERE);
}

static void a_list_that_is_known_is_all_it_wishes(void **state)
{
    (void)state;
    wish(UINT64_MAX, "e1.4");
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    TOLD("accept " NO "list(e1.4,Alice) ");
}

static void pages_come_as_the_socket_drains(void **state)
{
    (void)state;
    wish(100, "e1.4");
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    TOLD("ask(100) ");
    live(105); /* is in the page, or not above it */
    page(105, true, "101 109 103+");
    TOLD("accept " YES "101 109(own) 103 when_drained ");
    live(106); /* will be in the next one */
    TOLD("");
    replay_drained(w.client);
    replay_drained(w.client);
    TOLD("ask(103) ");
    live(107);
    live(108);
    page(107, true, "104 105 106 107");
    TOLD("104 105 106 107 list(e1.4,Alice) live108 ");
    live(107);
    live(110);
    TOLD("live110 ");
    assert_int_equal(w.hub.catching.count, 0);
}

static void from_grace_without_last_id(void **state)
{
    (void)state;
    replay_attached(&w.hub, w.client, 77);
    TOLD("ask(77) ");
    page(90, true, "80");
    TOLD("accept " NO "80 list(,Alice) ");
}

static void last_id_beats_grace(void **state)
{
    (void)state;
    wish(60, "");
    replay_attached(&w.hub, w.client, 77);
    TOLD("ask(60) ");
    page(90, false, "80");
    TOLD("accept " NO "80 list(,Alice) ");
}

static void an_id_that_was_not_given_yet_counts_as_none(void **state)
{
    (void)state;
    wish(5000, "");
    replay_attached(&w.hub, w.client, 77);
    TOLD("ask(5000) ");
    page(90, false, "");
    TOLD("ask(77) ");
    page(90, true, "80");
    TOLD("accept " NO "80 list(,Alice) ");
    live(91);
    TOLD("live91 ");
}

static void a_later_page_may_have_a_hole(void **state)
{
    (void)state;
    wish(100, "");
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    page(200, true, "101+");
    replay_drained(w.client);
    (void)buf_clear(&w.told);
    page(200, false, "150+");
    TOLD(NO "150 when_drained ");
    replay_drained(w.client);
    page(200, false, "160");
    TOLD("ask(150) 160 list(,Alice) "); /* told once */
}

static void more_than_may_wait_is_asked_for(void **state)
{
    (void)state;
    wish(100, "");
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    for (uint64_t id = 201; id <= 201 + BACKLOG_HELD_MAX; id++) {
        live(id);
    }
    page(200, true, "150");
    TOLD("ask(100) accept " YES "150 when_drained ");
    replay_drained(w.client);
    TOLD("ask(200) ");
    live(500);
    page(470, true, "201 470");
    TOLD("201 470 list(,Alice) live500 ");
}

static void so_are_more_bytes_than_may_wait(void **state)
{
    (void)state;
    wish(100, "");
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    live_sized(101, HELD_BYTES);
    live_sized(102, 1);
    page(100, true, "");
    TOLD("ask(100) accept " YES "when_drained ");
    replay_drained(w.client);
    live_sized(103, HELD_BYTES);
    page(102, true, "101 102");
    TOLD("ask(100) 101 102 list(,Alice) live103 ");
}

static void a_broken_link_is_waited_for(void **state)
{
    (void)state;
    wish(100, "");
    replay_attached(&w.hub, w.client, 90);
    live(130);
    w.user->session->attached = false;
    no_page(RELAY_PAGE_LOST);
    TOLD("ask(100) ");
    w.user->session->attached = true;
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    TOLD("ask(100) ");
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE); /* a round in between changes nothing */
    page(120, true, "101+");
    TOLD("accept " YES "101 when_drained ");
    w.user->session->attached = false;
    replay_drained(w.client);
    TOLD("");
    w.user->session->attached = true;
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    TOLD("ask(101) ");
    page(130, true, "130");
    TOLD("130 list(,Alice) "); /* what was held for the answer that never came is not given twice */
}

static void what_will_not_do_closes_the_transport(void **state)
{
    (void)state;
    wish(100, "");
    w.refuses = true;
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    TOLD("close 1013 ");
    w.refuses = false;
    leave();
    w.client = client_new(w.user, &w.socket);
    replay_attached(&w.hub, w.client, 90);
    no_page(RELAY_PAGE_REFUSED);
    TOLD("ask(90) close 1013 ");
}

static void who_goes_meanwhile_is_not_looked_for(void **state)
{
    (void)state;
    replay_attached(&w.hub, w.client, 90);
    live(120);
    leave();
    assert_int_equal(w.upto, 90);
    page(110, true, "101");
    TOLD("ask(90) ");
    w.client = client_new(w.user, &w.socket);
    replay_attached(&w.hub, w.client, 90);
    page(110, true, "101+");
    leave();
    assert_int_equal(w.upto, 101);
    w.client = client_new(w.user, &w.socket);
    leave(); /* its attach was never answered */
    assert_int_equal(w.upto, 0);
    buf_clear(&w.told);
}

static void a_socket_that_is_gone_gets_nothing(void **state)
{
    (void)state;
    w.gone = true;
    replay_attached(&w.hub, w.client, 90);
    live(120);
    page(110, true, "101");
    TOLD("ask(90) (gone) ");
    leave();
    w.client = client_new(w.user, &w.socket);
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    TOLD("(gone) ");
}

static void a_session_that_ends_gets_nothing(void **state)
{
    (void)state;
    struct session *s = w.user->session;
    replay_attached(&w.hub, w.client, 90);
    page(110, true, "101+");
    replay_drained(w.client);
    buf_clear(&w.told);
    w.user->session = NULL;
    page(110, true, "102+");
    replay_drained(w.client);
    TOLD("");
    w.user->session = s;
}

static void who_is_live_may_fall_behind(void **state)
{
    (void)state;
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    live(100);
    buf_clear(&w.told);
    replay_behind(&w.hub, w.client, SLICE("now.5"));
    TOLD("ask(100) ");
    assert_int_equal(w.hub.welcomed.count, 0);
    live(210);
    page(200, true, "101 102+");
    replay_drained(w.client);
    TOLD("101 102 when_drained ask(102) "); /* nothing is lost, nothing is said */
    page(210, true, "210");
    TOLD("210 list(now.5,Alice) ");
    replay_behind(&w.hub, w.client, SLICE("now.5"));
    page(300, false, "250");
    TOLD("ask(210) " NO "250 list(now.5,Alice) ");
}

static void who_lost_something_is_told_once(void **state)
{
    (void)state;
    wish(100, "");
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    page(200, true, "");
    live(205);
    buf_clear(&w.told);
    replay_lost(&w.hub, w.client, 201);
    TOLD(NO); /* though it has a higher one: that says nothing of those before */
    replay_lost(&w.hub, w.client, 201);
    TOLD("");
    replay_lost(&w.hub, w.client, 202);
    TOLD(NO);
    assert_int_equal(w.hub.stats.told_lost, 2);
}

/* The relay finds out behind the answer to the client's own question. */
static void what_its_pages_have_told_is_told_no_more(void **state)
{
    (void)state;
    replay_lost(&w.hub, w.client, 150);
    wish(100, "");
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    replay_lost(&w.hub, w.client, 150);
    TOLD("ask(100) "); /* not let in yet */
    page(200, true, "101+");
    replay_lost(&w.hub, w.client, 150);
    TOLD("accept " YES "101 when_drained "); /* the next page would say so */
    replay_drained(w.client);
    page(200, true, "");
    replay_lost(&w.hub, w.client, 200);
    TOLD("ask(101) list(,Alice) ");
    assert_int_equal(w.hub.stats.told_lost, 0);
}

/* Nothing of before is for it, however long the session has been here. */
static void who_comes_to_a_session_that_is_here_begins_where_it_is(void **state)
{
    (void)state;
    w.given = 80;
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    TOLD("accept " NO "list(,Alice) ");
    live(80);
    replay_lost(&w.hub, w.client, 80);
    TOLD("");
    live(81);
    replay_lost(&w.hub, w.client, 81);
    TOLD("live81 " NO);
    replay_behind(&w.hub, w.client, SLICE(""));
    TOLD("ask(81) ");
}

/* It asks for what came behind the last that it got: what is lost before that is in no page. */
static void who_falls_behind_is_told_of_what_was_lost_before(void **state)
{
    (void)state;
    replay_attached(&w.hub, w.client, RELAY_WAS_HERE);
    live(100);
    buf_clear(&w.told);
    replay_behind(&w.hub, w.client, SLICE("now.5"));
    replay_lost(&w.hub, w.client, 50);
    TOLD("ask(100) ");
    replay_lost(&w.hub, w.client, 90);
    replay_lost(&w.hub, w.client, 95);
    TOLD(NO);
    page(200, false, "150");
    TOLD("150 list(now.5,Alice) "); /* it believes that no more */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_missed_nothing_is_live_at_once),
        TEST(a_list_that_is_known_is_all_it_wishes),
        TEST(pages_come_as_the_socket_drains),
        TEST(from_grace_without_last_id),
        TEST(last_id_beats_grace),
        TEST(an_id_that_was_not_given_yet_counts_as_none),
        TEST(a_later_page_may_have_a_hole),
        TEST(more_than_may_wait_is_asked_for),
        TEST(so_are_more_bytes_than_may_wait),
        TEST(a_broken_link_is_waited_for),
        TEST(what_will_not_do_closes_the_transport),
        TEST(who_goes_meanwhile_is_not_looked_for),
        TEST(a_socket_that_is_gone_gets_nothing),
        TEST(a_session_that_ends_gets_nothing),
        TEST(who_is_live_may_fall_behind),
        TEST(who_lost_something_is_told_once),
        TEST(what_its_pages_have_told_is_told_no_more),
        TEST(who_comes_to_a_session_that_is_here_begins_where_it_is),
        TEST(who_falls_behind_is_told_of_what_was_lost_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
