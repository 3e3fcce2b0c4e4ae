/* lookup.h - getaddrinfo as a test plays it: answers what it is told, when it is told */
#ifndef PARLEY_TESTS_LOOKUP_H
#define PARLEY_TESTS_LOOKUP_H

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOKUP_ADDRESSES 4

/* What lookup_play does.  Set while no lookup runs; `begun` may be read at any time. */
static struct lookup_script {
    atomic_uint begun, ended;
    atomic_long thread; /* of the last one */
    bool hang;          /* until lookup_release, once for each that hangs */
    int gate[2];        /* what it waits for */
    int error;          /* of getaddrinfo; 0: the addresses */
    int error_number;
    const char *addresses[LOOKUP_ADDRESSES];
    char host[64], service[8]; /* it was asked for */
    struct addrinfo hints;
    bool takes_signals;
} lookup_script;

static inline void lookup_begin(void)
{
    memset(&lookup_script, 0, sizeof lookup_script);
    if (pipe(lookup_script.gate) != 0) {
        abort();
    }
}

static inline void lookup_release(void)
{
    if (write(lookup_script.gate[1], "x", 1) != 1) {
        abort();
    }
}

static inline int lookup_addresses(const char *service, struct addrinfo **found)
{
    const struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                     .ai_socktype = SOCK_STREAM};
    for (size_t i = 0; i < LOOKUP_ADDRESSES && lookup_script.addresses[i]; i++) {
        int error = getaddrinfo(lookup_script.addresses[i], service, &numeric, found);
        if (error != 0) {
            return error;
        }
        while (*found) {
            found = &(*found)->ai_next;
        }
    }
    return 0;
}

/* A resolver_lookup_fn. */
static inline int lookup_play(const char *host, const char *service, const struct addrinfo *hints,
                              struct addrinfo **found)
{
    struct lookup_script *s = &lookup_script;
    sigset_t blocked;
    char byte;
    bool hang = s->hang;
    int gate = s->gate[0], error = s->error, error_number = s->error_number;
    snprintf(s->host, sizeof s->host, "%s", host);
    snprintf(s->service, sizeof s->service, "%s", service);
    s->hints = *hints;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    s->takes_signals = !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGALRM);
    if (error == 0) {
        error = lookup_addresses(service, found);
    }
    atomic_store(&s->thread, syscall(SYS_gettid));
    atomic_fetch_add(&s->begun, 1);
    while (hang && read(gate, &byte, 1) < 0 && errno == EINTR) {
    }
    atomic_fetch_add(&s->ended, 1);
    errno = error_number;
    return error;
}

/* Until `count` lookups have ended and the thread of the last one has ended. */
static inline void lookup_wait(unsigned count)
{
    char task[64];
    while (atomic_load(&lookup_script.ended) < count) {
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    snprintf(task, sizeof task, "/proc/self/task/%ld", atomic_load(&lookup_script.thread));
    while (count > 0 && access(task, F_OK) == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
}

/* To be called when none hangs any more. */
static inline void lookup_end(void)
{
    lookup_wait(atomic_load(&lookup_script.begun));
    close(lookup_script.gate[0]);
    close(lookup_script.gate[1]);
}

#endif
