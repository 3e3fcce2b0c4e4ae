/* replay.c - a client catches up with what it missed */
#include "gateway-svc/app/replay.h"
#include "gateway-svc/app/backlog.h"
#include "shared/log.h"
#include "shared/must.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HELD_BYTES ((size_t)256 << 10) /* that wait for one client while a question is out */

struct replay {
    struct hub *hub;
    struct client *client; /* NULL: gone, and the answer that is out frees this */
    struct resume resume;
    struct backlog backlog;
    uint64_t left;
    bool begun;   /* questions are asked */
    bool stalled; /* the link broke: the next attach goes on */
    bool sure;    /* the client believes that it gets everything */
};

/* What waits comes behind the last page, for which a largest message is half of the queue at most:
 * there is room for both, and for what waits already (see gateway_config_check). */
static size_t held_max(const struct hub *hub)
{
    size_t quarter = hub->config.sio.queue_max_bytes / 4;
    return quarter < HELD_BYTES ? quarter : HELD_BYTES;
}

static struct replay *replay_new(struct hub *hub, struct client *client)
{
    struct replay *r = must(calloc(1, sizeof *r));
    r->hub = hub;
    r->client = client;
    r->left = RELAY_WAS_HERE;
    r->backlog.max = held_max(hub);
    client->replay = r;
    return r;
}

static void replay_free(struct replay *r)
{
    backlog_clear(&r->backlog);
    free(r);
}

void replay_wish(struct hub *hub, struct client *client, const struct resume *resume)
{
    if (resume->has_last_id || resume->cursor[0] != '\0') {
        replay_new(hub, client)->resume = *resume;
    }
}

/* The one place where a client's state changes. */
static void set_state(struct client *client, enum client_state state)
{
    static const enum client_state next[] = {[CLIENT_WAITING] = CLIENT_CATCHING,
                                             [CLIENT_CATCHING] = CLIENT_LIVE,
                                             [CLIENT_LIVE] = CLIENT_CATCHING};
    assert(next[client->state] == state);
    client->state = (uint32_t)state & 3U;
}

/* ---- What the client is told ----------------------------------------------------------------- */

static void emit_session(struct hub *hub, const struct client *client, bool recovered)
{
    buf_clear(&hub->json);
    payload_session(&hub->json, slice_text(client->user->session->shown), recovered,
                    hub->config.message_max_bytes);
    hub_emit_json(hub, client->socket, SLICE("session"));
}

/* False when the socket is gone. */
static bool let_in(struct hub *hub, struct client *client, bool recovered)
{
    if (!sio_socket_accept(client->socket)) {
        return false;
    }
    set_state(client, CLIENT_CATCHING);
    char name[USERNAME_MAX + 1];
    hub->stats.connects[HUB_WELCOMED]++;
    session_name(client->user->session, name);
    log_debug("socket opened user=%s", name);
    emit_session(hub, client, recovered);
    return true;
}

static void go_live(struct hub *hub, struct client *client, uint64_t seen, struct slice cursor)
{
    set_state(client, CLIENT_LIVE);
    client->seen = seen;
    *client_knows(client) = seen;
    crowd_welcome(hub->crowd, client->socket, cursor, slice_text(client->user->session->shown));
    clients_add(&hub->welcomed, client);
}

void replay_give(struct hub *hub, struct client *client, uint64_t id, struct sio_frame *frame)
{
    if (client->state == CLIENT_LIVE) {
        if (id > client->seen) {
            client->seen = id;
            hub->stats.delivered++;
            sio_socket_emit(client->socket, frame);
        }
    } else if (client->replay) {
        backlog_hold(&client->replay->backlog, id, frame);
    }
}

static void finish(struct replay *r)
{
    struct client *client = r->client;
    clients_remove(&r->hub->catching, client);
    go_live(r->hub, client, r->backlog.after, slice_text(r->resume.cursor));
    for (size_t i = 0; i < r->backlog.count; i++) {
        replay_give(r->hub, client, r->backlog.held[i].id, r->backlog.held[i].frame);
    }
    replay_free(r);
}

/* ---- Pages ----------------------------------------------------------------------------------- */

static void on_page(void *arg, enum relay_page result, const struct page *page);

static void ask(struct replay *r)
{
    const struct session *s = r->client->user->session;
    r->stalled = s && !s->attached;
    if (!s || r->stalled) {
        return;
    }
    if (relay_replay(r->hub->relay, s, r->backlog.after, on_page, r)) {
        backlog_asked(&r->backlog);
    } else {
        sio_socket_close(r->client->socket, CODE_TRY_AGAIN);
    }
}

/* An id that was not given yet: of another history, or made up. */
static bool is_foreign(const struct replay *r, const struct page *page)
{
    return page->now < r->backlog.after;
}

static void forget_last_id(struct replay *r, uint64_t now)
{
    r->resume.has_last_id = false;
    r->backlog.after = r->left != RELAY_WAS_HERE && r->left < now ? r->left : now;
    ask(r);
}

/* The client learns from the first page whether everything will come, and from a later one if not.
 * False when the socket is gone. */
static bool tell_whether_whole(struct replay *r, const struct page *page)
{
    if (r->client->state == CLIENT_WAITING) {
        r->sure = r->resume.has_last_id && page->whole;
        r->hub->stats.recovered[r->sure] += r->resume.has_last_id;
        return let_in(r->hub, r->client, r->sure);
    }
    if (r->sure && !page->whole) {
        r->sure = false;
        r->hub->stats.told_lost++;
        emit_session(r->hub, r->client, false);
    }
    return true;
}

static void give_page(struct replay *r, const struct page *page)
{
    char own[TOKEN_HASH_LEN + 1];
    session_hash(r->client->user->session, own);
    r->hub->stats.replayed += page->count;
    for (size_t i = 0; i < page->count; i++) {
        const struct bus_message *m = &page->entries[i];
        struct sio_frame *frame = talk_frame(r->hub, m, slice_equal(m->sender, slice_text(own)));
        sio_socket_emit(r->client->socket, frame);
        sio_frame_unref(frame);
    }
}

static void take_page(struct replay *r, const struct page *page)
{
    if (is_foreign(r, page)) {
        backlog_failed(&r->backlog);
        forget_last_id(r, page->now);
        return;
    }
    if (!tell_whether_whole(r, page)) {
        backlog_failed(&r->backlog);
        return;
    }
    give_page(r, page);
    if (backlog_page(&r->backlog, page->next, page->more)) {
        sio_socket_when_drained(r->client->socket);
    } else {
        finish(r);
    }
}

static void on_page(void *arg, enum relay_page result, const struct page *page)
{
    struct replay *r = arg;
    if (!r->client) {
        replay_free(r);
        return;
    }
    if (result == RELAY_PAGE_OK && r->client->user->session) {
        take_page(r, page);
        return;
    }
    backlog_failed(&r->backlog);
    r->stalled = result == RELAY_PAGE_LOST;
    if (result == RELAY_PAGE_REFUSED) {
        sio_socket_close(r->client->socket, CODE_TRY_AGAIN);
    }
}

/* ---- For the hub ----------------------------------------------------------------------------- */

static void begin(struct hub *hub, struct client *client, uint64_t left)
{
    struct replay *r = client->replay;
    bool claims = r && r->resume.has_last_id;
    if (!claims && left == RELAY_WAS_HERE) {
        if (let_in(hub, client, false)) {
            go_live(hub, client, relay_given(hub->relay, client->user->session),
                    slice_text(r ? r->resume.cursor : NULL));
            free(r);
        }
        return;
    }
    r = r ? r : replay_new(hub, client);
    r->begun = true;
    r->left = left;
    r->backlog.after = claims ? r->resume.last_id : left;
    clients_add(&hub->catching, client);
    ask(r);
}

void replay_attached(struct hub *hub, struct client *client, uint64_t left)
{
    if (client->state == CLIENT_LIVE) {
        return;
    }
    if (!client->replay || !client->replay->begun) {
        begin(hub, client, left);
    } else if (client->replay->stalled) {
        ask(client->replay);
    }
}

void replay_behind(struct hub *hub, struct client *client, struct slice cursor)
{
    uint64_t seen = client->seen;
    cursor = slice_head(cursor, RESUME_CURSOR_MAX);
    clients_remove(&hub->welcomed, client);
    set_state(client, CLIENT_CATCHING);
    struct replay *r = replay_new(hub, client);
    if (cursor.len > 0) {
        memcpy(r->resume.cursor, cursor.ptr, cursor.len);
    }
    r->begun = true;
    r->sure = true;
    r->backlog.after = seen;
    clients_add(&hub->catching, client);
    ask(r);
}

/* One that catches up again, because all are behind, does it from the last message that it got:
 * what is lost before that is in no page of its. */
void replay_lost(struct hub *hub, struct client *client, uint64_t upto)
{
    bool live = client->state == CLIENT_LIVE;
    uint64_t *knows = client_knows(client);
    if (upto <= *knows || (!live && !client->replay->sure)) {
        return;
    }
    *knows = upto;
    if (!live) {
        client->replay->sure = false;
    }
    if (client->user->session) {
        hub->stats.told_lost++;
        emit_session(hub, client, false);
    }
}

void replay_drained(struct client *client)
{
    if (client->state == CLIENT_CATCHING && client->replay && !client->replay->backlog.asked) {
        ask(client->replay);
    }
}

uint64_t replay_leave(struct hub *hub, struct client *client)
{
    if (client->state == CLIENT_LIVE) {
        clients_remove(&hub->welcomed, client);
        return RELAY_WAS_HERE;
    }
    if (client->place != CLIENT_NOWHERE) {
        clients_remove(&hub->catching, client);
    }
    struct replay *r = client->replay;
    uint64_t upto = r && r->begun ? r->backlog.after : 0;
    client->replay = NULL;
    if (r && r->backlog.asked) {
        backlog_clear(&r->backlog);
        r->client = NULL;
    } else if (r) {
        replay_free(r);
    }
    return upto;
}
