/* redis_trouble.c - what Redis says when it refuses a call */
#include "shared/redis_trouble.h"

#include "shared/log.h"

#define WORDS_MAX 256

/* OOM is not here: a full Redis still takes logouts, renewals and sweeps, and users who are there
 * stay, so that the services are of use.  (allow-oom in parley.lua says what it takes.) */
static const struct {
    struct slice word;
    enum redis_trouble trouble;
} words[] = {
    {SLICE_INIT("READONLY"),   REDIS_TROUBLE_LINK}, /* it has become a replica */
    {SLICE_INIT("MASTERDOWN"), REDIS_TROUBLE_LINK}, /* likewise, and it has lost its master */
    {SLICE_INIT("NOAUTH"),     REDIS_TROUBLE_LINK}, /* our user was taken away */
    {SLICE_INIT("NOPERM"),     REDIS_TROUBLE_ALL }, /* its rights were */
    {SLICE_INIT("MISCONF"),    REDIS_TROUBLE_ALL }, /* it cannot write to its disk */
    {SLICE_INIT("NOREPLICAS"), REDIS_TROUBLE_ALL }, /* it may be a master that was cut off */
    {SLICE_INIT("BUSY"),       REDIS_TROUBLE_ALL }, /* a script takes too long */
    {SLICE_INIT("LOADING"),    REDIS_TROUBLE_ALL },
};

enum redis_trouble redis_trouble_of(struct slice error)
{
    struct slice word = slice_cut(&error, ' ');
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (slice_equal(word, words[i].word)) {
            return words[i].trouble;
        }
    }
    return REDIS_TROUBLE_NONE;
}

static struct slice without_arguments(struct slice error)
{
    for (size_t i = 0; i < error.len; i++) {
        if (slice_starts(slice_tail(error, i), SLICE(", with args beginning with"))) {
            return slice_head(error, i);
        }
    }
    return error;
}

const char *redis_trouble_words(struct slice error)
{
    static char shown[WORDS_MAX];

    log_print(shown, sizeof shown, without_arguments(error));
    return shown;
}
