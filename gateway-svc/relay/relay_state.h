/* relay_state.h - what the files of the relay share: relay.c (link), channels.c, attach.c
 * (sessions), newcomers.c, round.c (all of them again), sending.c, repair.c (what was missed),
 * replay.c, roster_feed.c (the list of users) */
#ifndef PARLEY_RELAY_STATE_H
#define PARLEY_RELAY_STATE_H

#include "gateway-svc/relay/fill.h"
#include "gateway-svc/relay/link.h"
#include "gateway-svc/relay/relay.h"
#include "shared/functions.h"
#include "shared/log.h"
#include <ev.h>

#define NONCE_LEN 16

/* Where the list of users stands. */
struct roster_feed {
    bool asking;  /* a page or changes are on their way */
    bool loading; /* ... of a whole list */
    bool again;   /* something was missed meanwhile: ask once more */
    char epoch[EPOCH_MAX + 1];
    uint64_t version;
};

#define SENDING_MAX 64 /* messages in one call, as parley.lua has it */

/* What parley_send wants of a message, in this order. */
enum sending_part {
    SENDING_SESSION,
    SENDING_NAME,
    SENDING_TO,
    SENDING_CLIENT_ID,
    SENDING_TEXT,
    SENDING_DIGEST,
    SENDING_PARTS
};

/* Messages that wait for the end of the turn in which no call of them is out. */
struct sending {
    ev_prepare turn; /* active while there are some; */
    ev_idle awake;   /* this too, so that the loop does not wait before the next end of a turn */
    char keep[24];   /* keep_ms */
    struct buf text; /* all their parts */
    size_t out;      /* calls */
    size_t count;
    struct sending_item {
        relay_sent_fn *fn;
        void *arg;
        size_t at[SENDING_PARTS], len[SENDING_PARTS];
    } items[SENDING_MAX];
};

/* Each renewal publishes a nonce on our own channel.  One that comes back proves that the channel
 * reaches us, and, because it tells the counts, whether everything before it did.  A new one is
 * made only when the last one is back and what was published before that has been delivered. */
struct nonce {
    char text[NONCE_LEN + 1]; /* the latest */
    bool back;                /* ... has come back */
    uint64_t asked_us;        /* ... was first to be published (clock_boot_us) */
    uint64_t proven_ms;       /* when one came back last */
    uint64_t proving_ms;      /* since when we wait for the first one of this link */
};

/* Every session is attached again, in many calls.  A round that has ended proves that all of them
 * are attached in one and the same epoch. */
struct round {
    uint32_t number;           /* of the latest: answers to older ones do not count */
    size_t out;                /* its calls */
    size_t unsent;             /* the sessions in front of this place have not been sent yet */
    char epoch[EPOCH_MAX + 1]; /* of its first answer; empty before that */
    bool mixed;                /* another answer was of another one */
};

/* Sessions that came share a call; who comes while it is out shares the next one. */
struct newcomers {
    bool out;                 /* a call is */
    struct attach_call *next; /* NULL: nobody waits */
};

struct relay {
    struct ev_loop *loop;
    struct relay_config config;
    const struct relay_handler *handler;
    void *app;

    struct functions *commands;
    struct redis_conn *feed;
    struct functions_caller caller;

    bool commands_up, feed_up;
    bool settling;
    bool leaving; /* the lease was given back: no new link */
    enum link_state state;
    uint64_t number; /* the link's; the last one we ever had while there is none */
    char number_text[24];
    ev_timer tick;
    uint64_t tick_ms; /* its interval */
    struct nonce nonce;
    uint64_t fence_us;               /* see relay_note_lease */
    uint64_t own_count, group_count; /* of the latest line of the two channels that count */
    uint64_t heard_id;               /* message:id in the latest answer that had it */
    char heard_epoch[EPOCH_MAX + 1]; /* of the latest answer */
    bool epoch_lost;                 /* the history changed: clients have to be told */
    bool held_dropped;               /* more messages came than may wait: another fill follows */
    uint32_t attempts;               /* to attach a session, ever */
    struct round round;

    /* Watermarks: up to here everything was delivered of the group, see session->newest for the
     * others; and the highest id of all. */
    uint64_t group_mark, delivered;
    struct fill fill; /* what is missing above them */
    size_t filling;   /* its questions that are out */
    struct pile held; /* what came meanwhile */
    uint64_t passed;  /* the highest id that came before this link was open, for nobody */

    struct sending sending;

    struct newcomers newcomers;
    size_t replaying; /* questions of clients that are out, see replay.c; others wait: */
    struct replay_call *replays, **replays_end;

    struct sessions *sessions;
    struct where *where;
    struct roster_feed roster;
    struct {
        struct log_limit holes, bad_lines, refused_calls, refused_messages, epochs;
    } limits; /* of the lines about them */
    struct relay_stats stats;
};

/* What every answer begins with, and where message:id stands in those that tell it.  What follows
 * is an enum beside each function's name. */
enum { ANSWER_STATUS, ANSWER_EPOCH, ANSWER_HEAD, ANSWER_ID = ANSWER_HEAD };

/* The one place where the link's state changes. */
void relay_step(struct relay *r, enum link_event event);
/* To be called on every answer first: notes the epoch and, at `id_at` (0: none), message:id.  False
 * when the answer is none, or a refusal of the link: then nothing else is in it. */
bool relay_heard(struct relay *r, const struct redis_reply *reply, size_t id_at);
/* Redis said something, if only an error, and did not refuse the link (which is dealt with already,
 * as a broken connection is). */
static inline bool relay_answered(const struct redis_reply *reply)
{
    return reply && !functions_status_is(reply, "link");
}

/* A renewal that was asked for at `asked_us` is known to have been accepted (clock_boot_us): by its
 * answer, or by its nonce (of one that was published for several renewals: the first one's time).
 *
 * Redis renews only a lease that has not lapsed since this link began, and for a whole lease, from
 * a moment that is not before we asked.  So whatever reaches us within a lease of the latest such
 * asking (the fence) was published while we had it: no session of ours had been detached, and what
 * was sent to one before that was published to us, too.  That needs no order between answers and
 * nonces: the later proof does not count when it proves less, a lost answer proves nothing, and
 * those of an older link die with its connections.  When a new epoch is in the answer, everybody is
 * attached again for that (relay_heard); no lease lapses in it before it has settled. */
void relay_note_lease(struct relay *r, uint64_t asked_us);

/* channels.c: one line of any channel; a redis_message_fn */
void relay_line(void *ctx, struct slice channel, struct slice payload);

/* attach.c */
void relay_refuse(struct relay *r, struct session *s, enum relay_refusal why); /* frees it */
void relay_forget_all(struct relay *r); /* the link is gone: nobody is attached any more */

/* newcomers.c: false when it could not be sent */
bool newcomers_add(struct relay *r, struct session *s); /* together with others */
/* In a round: a session of which nothing is known yet. */
bool newcomers_connect_one(struct relay *r, struct session *s);
/* It is gone: Redis must not attach it, if it was not sent yet. */
void newcomers_remove(struct relay *r, const struct session *s);
void newcomers_forget(struct relay *r); /* all that were not sent yet */

/* round.c */
void round_begin(struct relay *r);
/* One answer of a round is in; `id`: message:id as it says, or 0. */
void round_answered(struct relay *r, const struct attach_call *call, uint64_t id);

/* sending.c */
void sending_init(struct relay *r);
void sending_deinit(struct relay *r);
void sending_flush(struct relay *r);  /* before a call that must not overtake messages */
void sending_forget(struct relay *r); /* the link is gone: whoever waits is told */

/* repair.c */
void repair_init(struct relay *r);
void repair_forget(struct relay *r); /* what waits and what was gathered: a round begins, or ends */
/* The one way of a message from the channels: delivered now, or after what is missing before it. */
void repair_message(struct relay *r, const struct bus_message *m);
/* A session was attached again, and this is the id of its newest message. */
void repair_missed(struct relay *r, const struct session *s, uint64_t last);
void repair_fill(struct relay *r); /* everybody is attached: fetches, delivers, steps the link */

/* replay.c */
void replay_init(struct relay *r);
void replay_forget(struct relay *r); /* the link is gone: whoever waits is told */

/* roster_feed.c */
void roster_feed_sync(struct relay *r);                    /* whatever is missing is fetched */
bool roster_feed_line(struct relay *r, struct slice line); /* false when it is none of ours */
/* An answer says what changed with this version ("+alice +bob"): its own line may come later. */
void roster_feed_joined(struct relay *r, uint64_t version, struct slice list);
void roster_feed_lost(struct relay *r); /* answers that were out will not come */

#endif
