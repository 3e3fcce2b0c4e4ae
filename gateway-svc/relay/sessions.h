/* sessions.h - the sessions that this gateway serves, by the hash of their token (pure) */
#ifndef PARLEY_SESSIONS_H
#define PARLEY_SESSIONS_H

#include "shared/token.h"
#include "shared/username.h"

/* One session with at least one local socket. */
struct session {
    void *owner;         /* the application's own pointer */
    uint64_t login;      /* number of the login */
    uint64_t expires_ms; /* monotonic; 0: never */
    uint64_t attach_id;  /* message:id when it was attached for the first time */
    uint64_t newest;  /* of the messages to it or from it, the last that it got, or need not get */
    uint32_t place;   /* in the table's list */
    uint32_t attempt; /* number of the latest attach; answers to older ones do not count */
    uint32_t round;   /* number of the latest attach-all that it was part of */
    uint8_t hash[TOKEN_HASH_BYTES];
    char shown[USERNAME_MAX + 1]; /* as typed at login; empty until the first attach was answered */
    bool attached; /* in that round it was answered "ok": messages may be delivered */
};

/* Its user's name: `shown` in lower case. */
void session_name(const struct session *s, char out[USERNAME_MAX + 1]);
/* Its hash as text. */
void session_hash(const struct session *s, char out[TOKEN_HASH_LEN + 1]);

struct sessions;

struct sessions *sessions_new(void);
void sessions_free(struct sessions *table); /* with all sessions in it */

size_t sessions_count(const struct sessions *table);
/* The i-th, 0 <= i < count, in no order; a removal moves the last one into its place. */
struct session *sessions_at(const struct sessions *table, size_t i);

/* By the text of the hash; NULL when there is none, or `hash` is no hash. */
struct session *sessions_find(const struct sessions *table, struct slice hash);
/* The text of a hash (checked by assert) that is not there yet. */
struct session *sessions_add(struct sessions *table, struct slice hash);
void sessions_remove(struct sessions *table, struct session *s); /* frees it */

#endif
