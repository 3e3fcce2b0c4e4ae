/* own.c - one's own messages from being written to being confirmed */
#include "client/terminal/own.h"
#include "shared/must.h"
#include <stdio.h>
#include <string.h>

#define AGAIN_MS 500 /* before what the service did not take is tried again */
#define AGAIN_MS_MAX 60000

const struct own_policy own_for_people = {.window = 16, .persistent = false, .tries_max = 1};
const struct own_policy own_for_scripts = {.window = 1, .persistent = true, .tries_max = 12};

struct own_list {
    struct own_policy policy;
    char prefix[OWN_PREFIX_MAX + 1];
    own_fn *fn;
    void *ctx;
    struct own *items[OWN_MAX]; /* in the order of their numbers */
    size_t count;
    size_t in_state[OWN_STATES];
    uint64_t last_number;
    uint64_t pause_until_ms; /* the server wants nothing before then */
};

struct own_list *own_new(struct own_policy policy, const char *prefix, own_fn *fn, void *ctx)
{
    struct own_list *list = must(calloc(1, sizeof *list));
    list->policy = policy;
    memcpy(list->prefix, prefix, strnlen(prefix, OWN_PREFIX_MAX));
    list->fn = fn;
    list->ctx = ctx;
    return list;
}

static void free_one(struct own *own)
{
    buf_deinit(&own->text);
    free(own);
}

void own_free(struct own_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free_one(list->items[i]);
    }
    free(list);
}

/* ---- States ---------------------------------------------------------------------------------- */

static void forget(struct own_list *list, struct own *own)
{
    size_t at = 0;
    while (list->items[at] != own) {
        at++;
    }
    list->count--;
    for (; at < list->count; at++) {
        list->items[at] = list->items[at + 1];
    }
    list->in_state[own->state]--;
    free_one(own);
}

bool own_may_retry(const struct own *own)
{
    return strcmp(own->code, "too_large") != 0 && strcmp(own->code, "invalid") != 0;
}

static bool is_done(const struct own_list *list, const struct own *own)
{
    bool may_ask_again = !list->policy.persistent && own_may_retry(own); /* scripts cannot */
    return own->state == OWN_SENT || (own->state == OWN_FAILED && !may_ask_again);
}

/* The one place where a state changes. */
static void set_state(struct own_list *list, struct own *own, enum own_state state)
{
    list->in_state[own->state]--;
    list->in_state[state]++;
    own->state = state;
    list->fn(list->ctx, own);
    if (is_done(list, own)) {
        forget(list, own);
    }
}

static void set_reason(struct own *own, const char *code, const char *words)
{
    (void)snprintf(own->code, sizeof own->code, "%s", code);
    (void)snprintf(own->reason, sizeof own->reason, "%s", words);
}

static void fail(struct own_list *list, struct own *own, const char *code, const char *words)
{
    set_reason(own, code, words);
    set_state(list, own, OWN_FAILED);
}

/* ---- Out ------------------------------------------------------------------------------------- */

uint64_t own_add(struct own_list *list, struct slice receiver, struct slice text, uint64_t unix_ms)
{
    if (list->count == OWN_MAX || receiver.len > USERNAME_MAX) {
        return 0;
    }
    struct own *own = must(calloc(1, sizeof *own));
    own->number = ++list->last_number;
    own->written_ms = unix_ms;
    own->is_new = true;
    memcpy(own->receiver, receiver.ptr, receiver.len);
    buf_init(&own->text, OWN_TEXT_MAX);
    bool fits = buf_append(&own->text, text);
    list->items[list->count++] = own;
    list->in_state[OWN_WAITING]++;
    uint64_t number = own->number;
    set_state(list, own, OWN_WAITING);
    own->is_new = false;
    if (!fits) {
        fail(list, own, "too_large", "The text is too long.");
    }
    return number;
}

static void print_payload(const struct own_list *list, const struct own *own, struct buf *out)
{
    buf_append(out, SLICE("{\"receiver\":"));
    json_append_string(out, slice_text(own->receiver));
    buf_append(out, SLICE(",\"message_text\":"));
    json_append_string(out, buf_slice(&own->text));
    buf_append(out, SLICE(",\"client_id\":"));
    buf_printf(out, "\"%s-%llu\"}", list->prefix, (unsigned long long)own->number);
}

static struct own *first_in(const struct own_list *list, enum own_state state)
{
    for (size_t i = 0; i < list->count && list->in_state[state] > 0; i++) {
        if (list->items[i]->state == state) {
            return list->items[i];
        }
    }
    return NULL;
}

const struct own *own_next(struct own_list *list, struct buf *payload, uint64_t now_ms)
{
    struct own *own = first_in(list, OWN_WAITING);
    if (!own || now_ms < list->pause_until_ms || list->in_state[OWN_ASKED] >= list->policy.window) {
        return NULL;
    }
    print_payload(list, own, payload);
    own->asked_ms = now_ms;
    own->tries++;
    set_state(list, own, OWN_ASKED);
    return own;
}

/* ---- In -------------------------------------------------------------------------------------- */

static struct own *find(const struct own_list *list, uint64_t number)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->number == number) {
            return list->items[i];
        }
    }
    return NULL;
}

/* Nothing is sent for that long; what was refused goes first then, because it is the oldest. */
static void pause_for(struct own_list *list, uint64_t ms, uint64_t now_ms)
{
    ms = ms < 1 ? 1 : ms > AGAIN_MS_MAX ? AGAIN_MS_MAX : ms;
    if (list->pause_until_ms < now_ms + ms) {
        list->pause_until_ms = now_ms + ms;
    }
}

static void refused(struct own_list *list, struct own *own, const struct chat_error *error,
                    uint64_t now_ms)
{
    struct slice code = slice_text(error->code);
    bool limited = slice_equal(code, SLICE("rate_limited"));
    bool away = slice_equal(code, SLICE("unavailable"));
    if (own->state != OWN_ASKED) {
        return; /* late: it has failed already */
    }
    if (limited) {
        pause_for(list, error->retry_after_ms, now_ms);
        set_state(list, own, OWN_WAITING);
    } else if (away && list->policy.persistent) {
        pause_for(list, AGAIN_MS, now_ms);
        set_state(list, own, OWN_WAITING);
    } else {
        fail(list, own, error->code, error->words);
    }
}

void own_answered(struct own_list *list, uint64_t number, const struct chat_answer *answer,
                  uint64_t now_ms)
{
    struct own *own = find(list, number);
    if (own && answer->ok) {
        own->id = answer->id;
        set_state(list, own, OWN_SENT);
    } else if (own) {
        refused(list, own, &answer->error, now_ms);
    }
}

bool own_is_ours(const struct own_list *list, const char *client_id)
{
    size_t n = strlen(list->prefix);
    return strncmp(client_id, list->prefix, n) == 0 && client_id[n] == '-';
}

void own_echoed(struct own_list *list, const struct chat_message *echo)
{
    uint64_t number;
    if (!own_is_ours(list, echo->client_id) ||
        !slice_u64(slice_text(echo->client_id + strlen(list->prefix) + 1), UINT64_MAX, &number)) {
        return;
    }
    struct own *own = find(list, number);
    if (own) {
        own->id = echo->id;
        set_state(list, own, OWN_SENT);
    }
}

/* The one that has been waiting for its answer the longest. */
static struct own *longest_asked(const struct own_list *list)
{
    struct own *longest = NULL;
    for (size_t i = 0; i < list->count && list->in_state[OWN_ASKED] > 0; i++) {
        struct own *own = list->items[i];
        if (own->state == OWN_ASKED && (!longest || own->asked_ms < longest->asked_ms)) {
            longest = own;
        }
    }
    return longest;
}

/* ---- What does not come ---------------------------------------------------------------------- */

void own_connection_lost(struct own_list *list)
{
    struct own *own;
    while ((own = first_in(list, OWN_ASKED)) != NULL) {
        if (list->policy.persistent) {
            own->tries = 0;
            set_state(list, own, OWN_WAITING);
        } else {
            fail(list, own, "connection_lost", "The connection was lost.");
        }
    }
}

static void overdue(struct own_list *list, struct own *own)
{
    if (own->tries < list->policy.tries_max) {
        set_state(list, own, OWN_WAITING);
    } else {
        fail(list, own, "no_answer", "No answer came in 5 seconds.");
    }
}

void own_tick(struct own_list *list, uint64_t now_ms)
{
    struct own *own;
    while ((own = longest_asked(list)) != NULL && now_ms >= own->asked_ms + OWN_ANSWER_MS) {
        overdue(list, own);
    }
}

size_t own_retry(struct own_list *list)
{
    struct own *own;
    size_t count = 0;
    while ((own = first_in(list, OWN_FAILED)) != NULL) {
        own->tries = 0;
        set_state(list, own, OWN_WAITING);
        count++;
    }
    return count;
}

void own_give_up(struct own_list *list, const char *reason)
{
    struct own *own;
    while ((own = first_in(list, OWN_ASKED)) != NULL ||
           (own = first_in(list, OWN_WAITING)) != NULL) {
        fail(list, own, "gave_up", reason);
    }
}

/* ---- Figures --------------------------------------------------------------------------------- */

uint64_t own_due_ms(const struct own_list *list)
{
    const struct own *asked = longest_asked(list);
    uint64_t due = asked ? asked->asked_ms + OWN_ANSWER_MS : UINT64_MAX;
    bool may_go =
        list->in_state[OWN_WAITING] > 0 && list->in_state[OWN_ASKED] < list->policy.window;
    return may_go && list->pause_until_ms < due ? list->pause_until_ms : due;
}

size_t own_waiting(const struct own_list *list)
{
    return list->in_state[OWN_WAITING] + list->in_state[OWN_ASKED];
}
