/* chat_err.c - the error codes and their sentences */
#include "gateway-svc/chat/chat_err.h"

static const struct {
    const char *code;
    const char *text;
} errors[CHAT_ERRS] = {
    [CHAT_OK] = {"ok",              "No error."                                     },
    [CHAT_E_INVALID] = {"invalid",         "The message is not well-formed."               },
    [CHAT_E_TOO_LARGE] = {"too_large",       "The text is too long."                         },
    [CHAT_E_NO_SUCH_USER] = {"no_such_user",    "There is no such user."                        },
    [CHAT_E_RATE_LIMITED] = {"rate_limited",    "Too many messages; wait a moment."             },
    [CHAT_E_UNAVAILABLE] = {"unavailable",     "Messages cannot be taken right now; try again."},
    [CHAT_E_SESSION_EXPIRED] = {"session_expired", "The session has ended; log in again."          },
};

const char *chat_err_code(enum chat_err err)
{
    return errors[err].code;
}

const char *chat_err_text(enum chat_err err)
{
    return errors[err].text;
}
