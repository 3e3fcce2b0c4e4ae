/* resolver_ev.c - the addresses of one host name, looked up without stopping the loop */
#include "shared/resolver_ev.h"

#include "shared/must.h"

#include <errno.h>
#include <ev.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define WHY_MAX 128

struct resolver {
    struct resolver_config config;
    ev_async answered;
    struct lookup *running;
    struct addrinfo *kept; /* came when nobody waited for it any more */
    bool wanted;
};

/* What the loop and the thread share.  Whoever comes last frees it: the loop when the thread is
 * done with it, the thread when nobody owns it any more. */
struct lookup {
    pthread_mutex_t lock; /* guards the next two */
    struct resolver *owner;
    bool done;
    resolver_lookup_fn *look_up; /* from here on the thread's, until it is done */
    char *host;
    char service[8];
    struct addrinfo *found;
    int error; /* of getaddrinfo, with its errno */
    int error_number;
};

static void lookup_free(struct lookup *lookup)
{
    if (lookup->found) {
        freeaddrinfo(lookup->found);
    }
    (void)pthread_mutex_destroy(&lookup->lock);
    free(lookup->host);
    free(lookup);
}

/* ---- On the thread --------------------------------------------------------------------------- */

static void *run(void *arg)
{
    const struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV,
                                   .ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = arg;
    lookup->error = lookup->look_up(lookup->host, lookup->service, &hints, &lookup->found);
    lookup->error_number = errno;
    if (lookup->error == 0 && !lookup->found) {
        lookup->error = EAI_NONAME;
    }
    (void)pthread_mutex_lock(&lookup->lock);
    bool owned = lookup->owner != NULL;
    if (owned) {
        /* Under the lock: the owner, its watcher and its loop are there. */
        lookup->done = true;
        ev_async_send(lookup->owner->config.loop, &lookup->owner->answered);
    }
    (void)pthread_mutex_unlock(&lookup->lock);
    if (!owned) {
        lookup_free(lookup);
    }
    return NULL;
}

/* Signals are the loop's: the thread takes none.  Returns pthread_create's error. */
static int start_thread(struct lookup *lookup)
{
    pthread_attr_t detached;
    pthread_t thread;
    sigset_t all, before;
    (void)pthread_attr_init(&detached);
    (void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &detached, run, lookup);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&detached);
    return error;
}

/* ---- On the loop ----------------------------------------------------------------------------- */

static void start_lookup(struct resolver *resolver)
{
    struct lookup *lookup = must(calloc(1, sizeof *lookup));
    lookup->owner = resolver;
    lookup->look_up = resolver->config.lookup ? resolver->config.lookup : getaddrinfo;
    lookup->host = must(strdup(resolver->config.host));
    (void)snprintf(lookup->service, sizeof lookup->service, "%u", (unsigned)resolver->config.port);
    (void)pthread_mutex_init(&lookup->lock, NULL);
    resolver->running = lookup;
    ev_async_start(resolver->config.loop, &resolver->answered);
    int error = start_thread(lookup);
    if (error != 0) { /* told from the loop, like any failure */
        lookup->error = EAI_SYSTEM;
        lookup->error_number = error;
        lookup->done = true;
        ev_feed_event(resolver->config.loop, &resolver->answered, EV_ASYNC);
    }
}

/* True when no lookup is under way; then `why` says why there is no address, if there is none. */
static bool collect(struct resolver *resolver, char why[WHY_MAX])
{
    struct lookup *lookup = resolver->running;
    if (!lookup) {
        return true;
    }
    (void)pthread_mutex_lock(&lookup->lock);
    bool done = lookup->done;
    (void)pthread_mutex_unlock(&lookup->lock);
    if (!done) {
        return false;
    }
    (void)snprintf(why, WHY_MAX, "%s",
                   lookup->error == EAI_SYSTEM ? strerror(lookup->error_number)
                                               : gai_strerror(lookup->error));
    if (lookup->error == 0) {
        resolver->kept = lookup->found;
        lookup->found = NULL;
    }
    resolver->running = NULL;
    ev_async_stop(resolver->config.loop, &resolver->answered);
    lookup_free(lookup);
    return true;
}

static void on_answered(struct ev_loop *loop, ev_async *watcher, int events)
{
    struct resolver *resolver = watcher->data;
    char why[WHY_MAX] = "";
    (void)loop;
    (void)events;
    if (!collect(resolver, why) || !resolver->wanted) {
        return;
    }
    struct addrinfo *found = resolver->kept;
    resolver->kept = NULL;
    resolver->wanted = false;
    resolver->config.done(resolver->config.ctx, found, why); /* may free the resolver */
    if (found) {
        freeaddrinfo(found);
    }
}

/* ---- Public ---------------------------------------------------------------------------------- */

struct resolver *resolver_new(const struct resolver_config *config)
{
    struct resolver *resolver = must(calloc(1, sizeof *resolver));
    resolver->config = *config;
    ev_async_init(&resolver->answered, on_answered);
    resolver->answered.data = resolver;
    return resolver;
}

void resolver_ask(struct resolver *resolver)
{
    resolver->wanted = true;
    if (resolver->kept) {
        ev_feed_event(resolver->config.loop, &resolver->answered, EV_ASYNC);
    } else if (!resolver->running) {
        start_lookup(resolver);
    }
}

void resolver_give_up(struct resolver *resolver)
{
    resolver->wanted = false;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver) {
        return;
    }
    ev_async_stop(resolver->config.loop, &resolver->answered);
    struct lookup *lookup = resolver->running;
    if (lookup) {
        (void)pthread_mutex_lock(&lookup->lock);
        bool done = lookup->done;
        lookup->owner = NULL;
        (void)pthread_mutex_unlock(&lookup->lock);
        if (done) {
            lookup_free(lookup);
        }
    }
    if (resolver->kept) {
        freeaddrinfo(resolver->kept);
    }
    free(resolver);
}
