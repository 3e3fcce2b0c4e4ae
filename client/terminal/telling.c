/* telling.c - what the screen says of messages and states */
#include "client/terminal/telling.h"
#include "client/terminal/when.h"
#include "client/terminal/words.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

static void put_time(struct buf *out, uint64_t unix_ms)
{
    char text[WHEN_MAX];
    when_clock(unix_ms, false, text);
    buf_printf(out, "%s ", text);
}

/* `name: `, or who says it to whom. */
static bool put_names(struct buf *out, const char *sender, const char *receiver, const char *me)
{
    bool private = !chat_is_group(receiver);
    buf_append(out, slice_text(sender));
    if (private) {
        bool to_me = strcasecmp(receiver, me) == 0;
        buf_printf(out, " -> %s (private)", to_me ? "you" : receiver);
    }
    buf_append(out, SLICE(": "));
    return private;
}

enum story_style telling_message(struct buf *out, const struct chat_message *m, const char *me)
{
    put_time(out, m->sent_at_ms);
    bool private = put_names(out, m->sender, m->receiver, me);
    buf_append(out, buf_slice(&m->text));
    return private ? STORY_PRIVATE : STORY_PLAIN;
}

enum story_style telling_own(struct buf *out, const struct own *own, const char *me)
{
    static const enum story_style styles[OWN_STATES] = {[OWN_WAITING] = STORY_WAITING,
                                                        [OWN_ASKED] = STORY_WAITING,
                                                        [OWN_SENT] = STORY_OWN,
                                                        [OWN_FAILED] = STORY_FAILED};
    put_time(out, own->written_ms);
    bool private = put_names(out, me, own->receiver, me);
    buf_append(out, buf_slice(&own->text));
    if (own->state == OWN_FAILED) {
        buf_printf(out, "  [not sent: %s%s]", words_for_failure(own->code, own->reason),
                   own_may_retry(own) ? "; /retry" : "");
    } else if (own->state != OWN_SENT) {
        buf_append(out, SLICE("  [waiting]"));
    }
    return own->state == OWN_SENT && private ? STORY_PRIVATE : styles[own->state];
}

void telling_note(struct buf *out, const char *words, uint64_t unix_ms)
{
    put_time(out, unix_ms);
    buf_printf(out, "- %s", words);
}

void telling_add_name(struct telling_names *names, const char *name)
{
    if (names->count < TELLING_NAMES_MAX) {
        (void)snprintf(names->names[names->count], USERNAME_MAX + 1, "%s", name);
    }
    names->count++;
}

void telling_names(struct buf *out, struct telling_names *names, bool joined)
{
    size_t told = names->count < TELLING_NAMES_MAX ? names->count : TELLING_NAMES_MAX;
    for (size_t i = 0; i < told; i++) {
        bool last = i > 0 && i + 1 == names->count;
        buf_append(out, i == 0 ? SLICE("") : last ? SLICE(" and ") : SLICE(", "));
        buf_append(out, slice_text(names->names[i]));
    }
    if (names->count > told) {
        buf_printf(out, " and %zu more", names->count - told);
    }
    bool many = names->count > 1;
    buf_append(out, slice_text(joined ? (many ? " are here" : " is here")
                                      : (many ? " have left" : " has left")));
    names->count = 0;
}

static void put_waiting(struct buf *out, const struct client *client, uint64_t now_ms)
{
    uint64_t at = client_attempt_ms(client);
    uint64_t s = at > now_ms ? (at - now_ms + 999) / 1000 : 0;
    buf_printf(out, "offline: %s; trying again in %llu s", client_why(client),
               (unsigned long long)s);
}

bool telling_state(struct buf *out, const struct client *client, uint64_t now_ms)
{
    bool good = client_state(client) == CLIENT_ONLINE;
    switch (client_state(client)) {
    case CLIENT_ONLINE: buf_printf(out, "online as %s", client_name(client)); break;
    case CLIENT_CONNECTING: buf_append(out, SLICE("connecting ...")); break;
    case CLIENT_WAITING: put_waiting(out, client, now_ms); break;
    case CLIENT_ENDED: buf_append(out, SLICE("the session is over")); break;
    }
    size_t unsent = client_unsent(client);
    if (!good && unsent > 0) {
        buf_printf(out, "; %zu unsent", unsent);
    }
    return !good;
}
