/* desk.h - answers requests: decides, asks the store, words the answer; knows no HTTP library */
#ifndef PARLEY_AUTH_DESK_H
#define PARLEY_AUTH_DESK_H

#include "auth-svc/request.h"
#include "auth-svc/routes.h"
#include "auth-svc/store.h"
#include "shared/http_mhd.h"
#include "shared/settings.h"

struct desk;

struct desk_config {
    const char *allowed_origins;
    struct rate rate_logins;
    uint64_t pending_s;
    uint64_t session_max_s; /* 0: no end */
};

/* Both are borrowed for the desk's life. */
struct desk *desk_new(const struct desk_config *config, const struct store *store);
/* Nothing may be outstanding. */
void desk_free(struct desk *desk);

/* Called exactly once for each request, perhaps before desk_handle returns.  `res` is borrowed. */
typedef void desk_answer_fn(void *arg, const struct http_response *res);
void desk_handle(struct desk *desk, const struct request *req, uint64_t now_ms, desk_answer_fn *fn,
                 void *arg);

/* From now on every new request is answered 503. */
void desk_close(struct desk *desk);
/* Requests that wait for the store. */
size_t desk_outstanding(const struct desk *desk);

#define DESK_ROUTES 4    /* login, logout, session; none of these */
#define DESK_STATUSES 10 /* all that are ever answered */
extern const char *const desk_route_names[DESK_ROUTES];
extern const char *const desk_status_names[DESK_STATUSES];
struct desk_stats {
    uint64_t answered[DESK_ROUTES][DESK_STATUSES]; /* ever, by route and status */
    uint64_t outstanding;                          /* now */
};
const struct desk_stats *desk_stats(const struct desk *desk);

#endif
