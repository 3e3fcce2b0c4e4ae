/* person.c - senders and receivers of one call */
#include "shared/parley_module/person.h"

#include <string.h>

/* Whoever has `gateways` is online, or was; without, he may be one of a library older than 1.1. */
static bool look_up(struct person *p, RedisModuleCtx *ctx, struct slice prefix)
{
    if (!entry_open(&p->user, ctx, prefix, "user:", p->key, REDISMODULE_KEYTYPE_HASH,
                    REDISMODULE_WRITE)) {
        return false;
    }
    RedisModuleString *inbox = NULL;
    (void)RedisModule_HashGet(p->user.key, REDISMODULE_HASH_CFIELDS, "gateways", &p->gateways,
                              "name", &p->name, "session", &p->session, "inbox", &inbox, NULL);
    bool good = p->gateways && p->name && p->session && inbox_read(&p->inbox, inbox);
    string_free(inbox);
    return good;
}

static uint8_t *place_of(struct people *people, struct slice name)
{
    size_t i = slice_hash(name) % sizeof people->places;
    while (people->places[i] && !slice_equal(people->all[people->places[i] - 1].key, name)) {
        i = (i + 1) % sizeof people->places;
    }
    return &people->places[i];
}

struct person *people_find(struct people *people, RedisModuleCtx *ctx, struct slice prefix,
                           struct slice name)
{
    uint8_t *place = place_of(people, name);
    if (*place) {
        return &people->all[*place - 1];
    }
    struct person *p = &people->all[people->count++];
    *place = (uint8_t)people->count;
    *p = (struct person){.key = name};
    return look_up(p, ctx, prefix) ? p : NULL;
}

void people_note_inboxes(struct people *people)
{
    for (size_t i = 0; i < people->count; i++) {
        struct person *p = &people->all[i];
        char room[INBOX_TEXT_MAX];
        if (p->kept) {
            entry_set_field(&p->user, "inbox", inbox_text(&p->inbox, room));
        }
    }
}

void people_clear(struct people *people)
{
    for (size_t i = 0; i < people->count; i++) {
        struct person *p = &people->all[i];
        entry_close(&p->user);
        entry_close(&p->messages);
        entry_close(&p->sent.ids);
        string_free(p->name);
        string_free(p->session);
        string_free(p->gateways);
    }
    people->count = 0;
    memset(people->places, 0, sizeof people->places);
}
