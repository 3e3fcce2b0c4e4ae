/* words.c - what went wrong, in words for people */
#include "client/terminal/words.h"
#include "client/terminal/cells.h"
#include <string.h>

#define WHY_MAX 256
#define ROWS(table) (sizeof(table) / sizeof *(table))

static const struct {
    unsigned status;
    enum exit_code code;
    const char *text; /* behind the name */
} logins[] = {
    {400, EXIT_NAME_REFUSED,
     "is not allowed as a name: 1 to 32 letters, digits, dots, underscores and hyphens, "
     "beginning with a letter or digit, and no reserved word"                        },
    {403, EXIT_NAME_REFUSED, "cannot sign in: the server does not allow it from here"},
    {404, EXIT_NOT_REACHED,  "cannot sign in: there is no chat at that address"      },
    {409, EXIT_NAME_REFUSED, "is taken"                                              },
    {429, EXIT_NOT_REACHED,  "cannot sign in: too many sign in from here"            },
    {503, EXIT_NOT_REACHED,  "cannot sign in: the service is away or recovering"     },
};

static void append_when(struct buf *out, const struct login_refusal *refusal)
{
    uint64_t s;
    if (slice_u64(refusal->retry_after, UINT32_MAX, &s)) {
        buf_append(out, refusal->status == 409 ? SLICE("; it may be free in ")
                                               : SLICE("; try again in "));
        buf_u64(out, s);
        buf_append(out, s == 1 ? SLICE(" second") : SLICE(" seconds"));
    } else if (refusal->status == 409) {
        buf_append(out, SLICE(": somebody is signed in with it"));
    }
}

enum exit_code words_for_login(struct buf *out, const char *name,
                               const struct login_refusal *refusal)
{
    buf_append(out, slice_text(name));
    for (size_t i = 0; i < ROWS(logins); i++) {
        if (logins[i].status == refusal->status) {
            buf_printf(out, " %s", logins[i].text);
            append_when(out, refusal);
            buf_byte(out, '.');
            return logins[i].code;
        }
    }
    buf_printf(out, " cannot sign in: the server answered %u", refusal->status);
    if (refusal->error.words[0] != '\0') {
        buf_append(out, SLICE(" "));
        cells_print(out, slice_text(refusal->error.words));
    }
    buf_byte(out, '.');
    return EXIT_NOT_REACHED;
}

/* Which of them a reason holds decides; the first that does. */
static const struct {
    const char *holds;
    const char *text;
} reasons[] = {
    {"hostname mismatch", "the server's certificate is for another host name"                  },
    {"self signed",       "the server's certificate is not trusted; --cafile names one that is"},
    {"self-signed",       "the server's certificate is not trusted; --cafile names one that is"},
    {"local issuer",      "the server's certificate is not trusted; --cafile names one that is"},
    {"expired",           "the server's certificate has expired"                               },
    {"X509_V_ERR",        "the server's certificate is not trusted"                            },
    {"cert",              "the server's certificate is not trusted"                            },
    {"Unable to connect", "nothing answers at that address"                                    },
    {"conn fail",         "nothing answers at that address"                                    },
    {"refused",           "nothing answers at that address"                                    },
    {"getaddrinfo",       "there is no such host"                                              },
    {"unknown host",      "there is no such host"                                              },
    {"imed out",          "there was no answer in time"                                        },
    {"imeout",            "there was no answer in time"                                        },
    {"ws upgrade",        "the service is away"                                                },
    {"HS: ",              "the service is away"                                                },
};

static const char *find_reason(const char *why)
{
    for (size_t i = 0; i < ROWS(reasons); i++) {
        if (strstr(why, reasons[i].holds)) {
            return reasons[i].text;
        }
    }
    return NULL;
}

void words_for_connecting(struct buf *out, struct slice why)
{
    struct buf copy; /* as a C string */
    buf_init(&copy, WHY_MAX);
    buf_append(&copy, slice_head(why, WHY_MAX));
    const char *reason = copy.len > 0 ? find_reason(copy.ptr) : NULL;
    if (reason) {
        buf_append(out, slice_text(reason));
    } else {
        buf_append(out, why.len > 0 ? SLICE("no connection: ") : SLICE("no connection"));
        cells_print(out, buf_slice(&copy));
    }
    buf_deinit(&copy);
}

struct saying {
    const char *code, *text;
};

static const struct saying ends[] = {
    {"logged_out",       "You were signed out from elsewhere."                                   },
    {"kicked",           "The session was ended by the server."                                  },
    {"session_expired",  "The session is over: it has expired, or the server no longer knows it."},
    {"not_logged_in",    "The session is over: the server does not know it."                     },
    {"too_many_sockets", "This session has too many connections."                                },
};

static const struct saying failures[] = {
    {"no_such_user",    "no such user"             },
    {"too_large",       "too long"                 },
    {"unavailable",     "the service is recovering"},
    {"session_expired", "the session is over"      },
    {"no_answer",       "no answer in 5 s"         },
    {"connection_lost", "connection lost"          },
};

static const char *find_saying(const struct saying *sayings, size_t count, const char *code)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(sayings[i].code, code) == 0) {
            return sayings[i].text;
        }
    }
    return NULL;
}

const char *words_for_end(const char *code)
{
    const char *text = find_saying(ends, ROWS(ends), code);
    return text ? text : "The session is over.";
}

const char *words_for_failure(const char *code, const char *otherwise)
{
    const char *text = find_saying(failures, ROWS(failures), code);
    return text ? text : otherwise[0] != '\0' ? otherwise : "refused";
}
