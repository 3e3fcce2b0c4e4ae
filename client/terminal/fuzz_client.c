/* fuzz_client.c - a client whose server says anything, line by line: messages are shown once and in
 * ascending order, nothing is sent without a connection, nothing happens behind the end, and each
 * state follows from the one before
 *
 * The first byte of a line says what happens: a digit, a text from the server that begins with it;
 * b a binary message; o the WebSocket opens; c it closes; t time passes; s something is said; r all
 * that failed is sent again. */
#include "client/terminal/client.h"
#include "tests/support/fuzz.h"

#define STEP_MS 700

struct world {
    struct client *client;
    bool open;  /* the WebSocket */
    bool asked; /* for one */
    bool ended;
    uint64_t last_id;
    enum client_state state;
    uint64_t now_ms;
};

static void net_connect(void *ctx)
{
    struct world *w = ctx;
    HOLDS(!w->asked && !w->open && !w->ended);
    w->asked = true;
}

static void net_send(void *ctx, struct slice text)
{
    struct world *w = ctx;
    HOLDS(w->open && !w->ended && text.len > 0);
}

static void net_close(void *ctx)
{
    struct world *w = ctx;
    w->open = w->asked = false;
}

static void on_state(void *ctx)
{
    struct world *w = ctx;
    if (!w->client) {
        return;
    }
    enum client_state now = client_state(w->client);
    HOLDS(!w->ended && now != CLIENT_ENDED);
    HOLDS(now != CLIENT_ONLINE || w->state == CLIENT_CONNECTING || w->state == CLIENT_ONLINE);
    HOLDS(now != CLIENT_CONNECTING || w->state == CLIENT_WAITING || w->state == CLIENT_CONNECTING);
    w->state = now;
}

static void on_message(void *ctx, const struct chat_message *m)
{
    struct world *w = ctx;
    HOLDS(m->id > w->last_id && !w->ended);
    w->last_id = m->id;
}

static void on_own(void *ctx, const struct own *own)
{
    struct world *w = ctx;
    HOLDS(!w->ended && own->number > 0);
    HOLDS(own->state != OWN_ASKED || w->open);
}

static bool is_here(const struct people *p, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < people_count(p); i++) {
        found |= slice_equal_nocase(slice_text(people_name(p, i)), slice_text(name));
    }
    return found;
}

static void on_person(void *ctx, const char *name, bool joined)
{
    struct world *w = ctx;
    HOLDS(!w->ended && username_check(slice_text(name)) != USERNAME_E_SHAPE);
    HOLDS(is_here(client_people(w->client), name) == joined);
}

static void on_nothing(void *ctx)
{
    struct world *w = ctx;
    HOLDS(!w->ended);
}

static void on_ended(void *ctx, enum exit_code code, const char *words)
{
    struct world *w = ctx;
    HOLDS(!w->ended && code != EXIT_DONE && words[0] != '\0');
    w->ended = true;
    HOLDS(!w->open && !w->asked);
}

static const struct client_net net = {net_connect, net_send, net_close};
static const struct client_view view = {on_state,   on_message, on_own,  on_person,
                                        on_nothing, on_nothing, on_ended};

static void opens(struct world *w)
{
    if (w->asked) {
        w->asked = false;
        w->open = true;
        client_opened(w->client, w->now_ms);
    }
}

static void closes(struct world *w)
{
    bool was = w->asked || w->open;
    w->asked = w->open = false;
    if (was) {
        client_closed(w->client, SLICE("gone"), w->now_ms);
    }
}

static void says(struct world *w, struct slice text)
{
    if (!w->ended && client_unsent(w->client) < 20) {
        (void)client_say(w->client, SLICE("group"), text, w->now_ms, 1);
    }
}

static void act(struct world *w, struct slice line)
{
    switch (line.len > 0 ? line.ptr[0] : 't') {
    case 'o': opens(w); break;
    case 'c': closes(w); break;
    case 'b':
        if (w->open) {
            client_binary(w->client, w->now_ms);
        }
        break;
    case 't':
        w->now_ms += STEP_MS;
        client_tick(w->client, w->now_ms, (uint32_t)w->now_ms);
        break;
    case 's': says(w, SLICE("hi")); break;
    case 'r':
        if (!w->ended) {
            (void)client_retry(w->client, w->now_ms);
        }
        break;
    default:
        if (w->open) {
            client_text(w->client, line, w->now_ms);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    struct world w = {.state = CLIENT_CONNECTING, .now_ms = 1000};
    const struct client_config config = {.name = "al",
                                         .token = "tok",
                                         .own =
                                             fuzz_byte(&in) % 2 ? own_for_scripts : own_for_people,
                                         .give_up_ms = 60000,
                                         .id_prefix = "pre"};
    w.client = client_new(&config, &net, &view, &w, &w);
    client_start(w.client, w.now_ms);
    while (in.len > 0) {
        struct slice line = fuzz_line(&in);
        act(&w, line);
        exact_free(line);
    }
    client_free(w.client);
    return 0;
}
