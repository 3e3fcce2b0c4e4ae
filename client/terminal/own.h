/* own.h - one's own messages from being written to being confirmed; pure
 *
 *     waiting -> asked            it goes out, with its client_id
 *     asked -> sent               the answer, or the echo, whichever comes first
 *     asked -> failed             refused, not answered in time, or the connection was lost
 *     asked -> waiting            to be sent again by itself: too many a second; for scripts also
 *                                 when the connection was lost or the service is away
 *     failed -> waiting           the user wants it sent again, with the same client_id
 *     failed, waiting -> sent     an answer or echo came late
 *
 * They go out in the order in which they were written; at most `window` of them are asked at once.
 * Whatever is sent is forgotten, and so is what would be refused for ever. */
#ifndef PARLEY_TERMINAL_OWN_H
#define PARLEY_TERMINAL_OWN_H

#include "client/terminal/chat_event.h"

#define OWN_MAX 1000        /* that are not sent yet */
#define OWN_TEXT_MAX 100000 /* bytes: the server's limit is less, and it says so */
#define OWN_ANSWER_MS 5000
#define OWN_PREFIX_MAX 24

enum own_state { OWN_WAITING, OWN_ASKED, OWN_SENT, OWN_FAILED, OWN_STATES };

struct own {
    enum own_state state;
    uint64_t number; /* counts from 1; also names it in the client_id and its ack */
    char receiver[USERNAME_MAX + 1];
    struct buf text;
    uint64_t id;                     /* once it is sent; 0 where only the echo knew */
    char reason[CHAT_WORDS_MAX + 1]; /* why it failed, in words, from the server or from us */
    char code[CHAT_CODE_MAX + 1];
    uint64_t asked_ms;
    unsigned tries;
    bool is_new;         /* told for the first time */
    uint64_t written_ms; /* wall clock, for display */
};

struct own_policy {
    unsigned window;    /* asked at once: with 1 the order is certain whatever is refused */
    bool persistent;    /* sends again by itself whatever might succeed */
    unsigned tries_max; /* of the persistent, while the connection lives */
};
extern const struct own_policy own_for_people, own_for_scripts;

struct own_list;
/* Tells each new state; `own` is valid during the call. */
typedef void own_fn(void *ctx, const struct own *own);

/* `prefix`: begins each client_id, so that no other program uses the same.  Copied. */
struct own_list *own_new(struct own_policy policy, const char *prefix, own_fn *fn, void *ctx);
void own_free(struct own_list *list);

/* A new one, waiting, written at `unix_ms`; its number, or 0 when there are OWN_MAX already. */
uint64_t own_add(struct own_list *list, struct slice receiver, struct slice text, uint64_t unix_ms);

/* The next that may go out now, or NULL.  It is asked from now on.  *payload gets its
 * message_out.*/
const struct own *own_next(struct own_list *list, struct buf *payload, uint64_t now_ms);

/* An answer came for that number (its ack), or an echo with that client_id; what is not known (any
 * more) means nothing. */
void own_answered(struct own_list *list, uint64_t number, const struct chat_answer *answer,
                  uint64_t now_ms);
void own_echoed(struct own_list *list, const struct chat_message *echo);
/* Is it the client_id of one of these, now or earlier? */
bool own_is_ours(const struct own_list *list, const char *client_id);

void own_connection_lost(struct own_list *list);
/* The answers that are overdue. */
void own_tick(struct own_list *list, uint64_t now_ms);
/* Of one that failed: may the same message succeed another time? */
bool own_may_retry(const struct own *own);
/* All that failed and may yet succeed are to be sent again; how many. */
size_t own_retry(struct own_list *list);
/* All that are left have failed for that reason. */
void own_give_up(struct own_list *list, const char *reason);

/* When own_tick or own_next are worth a call, if nothing else happens; UINT64_MAX: never. */
uint64_t own_due_ms(const struct own_list *list);
size_t own_waiting(const struct own_list *list); /* waiting or asked */

#endif
