/* redis_handshake.c - what a connection asks before it is up */
#include "shared/redis_handshake.h"

static void on_auth(void *arg, const struct redis_reply *reply)
{
    const struct redis_handshake *h = arg;
    if (redis_reply_is_error(reply, NULL)) {
        bool wrong = redis_reply_is_error(reply, "WRONGPASS");
        h->done(h->ctx,
                wrong ? "Redis refuses the user name or password" : "Redis refuses the connection",
                redis_reply_text(reply));
    }
}

static void on_named(void *arg, const struct redis_reply *reply)
{
    const struct redis_handshake *h = arg;
    if (redis_reply_is_error(reply, NULL)) {
        h->done(h->ctx, "Redis refuses the connection", redis_reply_text(reply));
    }
}

/* The commands beside this one are answered even while Redis still loads its data. */
static void on_ready(void *arg, const struct redis_reply *reply)
{
    const struct redis_handshake *h = arg;
    if (redis_reply_is_error(reply, NULL)) {
        h->done(h->ctx, "Redis is not ready", redis_reply_text(reply));
    }
}

/* A replica takes PUBLISH and tells it to its own subscribers alone: whoever stays with one talks
 * to himself.  (A master may become one at any time, with its connections left as they are.) */
const char *redis_role_fault(const struct redis_reply *role, struct slice *detail)
{
    if (slice_equal(redis_reply_text_at(role, 0), SLICE("master"))) {
        return NULL;
    }
    bool refused = redis_reply_is_error(role, NULL);
    *detail = refused ? redis_reply_text(role) : redis_reply_text_at(role, 0);
    return refused ? "Redis does not tell its role" : "Redis is not a master, but";
}

static void on_role(void *arg, const struct redis_reply *reply)
{
    const struct redis_handshake *h = arg;
    struct slice detail = SLICE("");
    if (reply) {
        const char *fault = redis_role_fault(reply, &detail);
        h->done(h->ctx, fault, detail);
    }
}

static bool ask(struct redis_handshake *h, struct redis_queue *queue, const struct slice *argv,
                size_t argc, redis_reply_fn *fn)
{
    return redis_queue_push(queue, argv, argc, &(struct redis_expected){.fn = fn, .arg = h}, 1);
}

/* AUTH [user] password */
static bool ask_in(struct redis_handshake *h, struct redis_queue *queue)
{
    const struct slice user = slice_text(h->url->user);
    const struct slice password = slice_text(h->url->password);
    const struct slice both[] = {SLICE("AUTH"), user, password};
    const struct slice one[] = {SLICE("AUTH"), password};
    return user.len > 0 ? ask(h, queue, both, 3, on_auth) : ask(h, queue, one, 2, on_auth);
}

bool redis_handshake_ask(struct redis_handshake *h, struct redis_queue *queue)
{
    const struct slice name[] = {SLICE("CLIENT"), SLICE("SETNAME"), slice_text(h->name)};
    const struct slice ping[] = {SLICE("PING")};
    const struct slice role[] = {SLICE("ROLE")};
    return (!h->url->secured || ask_in(h, queue)) && ask(h, queue, name, 3, on_named) &&
           ask(h, queue, ping, 1, on_ready) && ask(h, queue, role, 1, on_role);
}
