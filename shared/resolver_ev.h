/* resolver_ev.h - the addresses of one host name, looked up without stopping the loop
 *
 * getaddrinfo(3) may take many seconds, so it runs on a thread that does nothing else; everything
 * here belongs to the loop's thread.  There is at most one lookup under way: whoever asks while an
 * earlier one still hangs gets the answer of that one.  Neither giving up nor freeing waits for the
 * thread, which ends by itself and then frees what it holds. */
#ifndef PARLEY_RESOLVER_EV_H
#define PARLEY_RESOLVER_EV_H

#include <stdint.h>

struct addrinfo;
struct ev_loop;
struct resolver;

/* getaddrinfo's own shape.  Called on the thread; freeaddrinfo must be right for what it finds. */
typedef int resolver_lookup_fn(const char *host, const char *service, const struct addrinfo *hints,
                               struct addrinfo **found);
/* `found` (not empty, for a stream socket, port included) and `why` are borrowed for the length of
 * the call; `found` is NULL when there is none, and then `why` says why.  May free the resolver. */
typedef void resolver_done_fn(void *ctx, const struct addrinfo *found, const char *why);

struct resolver_config {
    struct ev_loop *loop;
    const char *host; /* borrowed for the resolver's life */
    uint16_t port;
    resolver_lookup_fn *lookup; /* NULL: getaddrinfo */
    resolver_done_fn *done;
    void *ctx;
};

struct resolver *resolver_new(const struct resolver_config *config);
/* `done` is called once, from the loop and never before this returns. */
void resolver_ask(struct resolver *resolver);
/* `done` is not called any more for what was asked.  Addresses that come yet are kept for whoever
 * asks next. */
void resolver_give_up(struct resolver *resolver);
/* Also while a lookup hangs. */
void resolver_free(struct resolver *resolver);

#endif
