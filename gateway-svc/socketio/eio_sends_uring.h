/* eio_sends_uring.h - what is to be sent on several sockets, with one system call for all of it
 *
 * io_uring(7), where the kernel lets us: a fan-out to 500 clients is 8 system calls then in place
 * of 500.  Where it does not (Linux before 6.1, kernel.io_uring_disabled, the profile of a
 * container engine), or liburing fails, each is a sendmsg(2), and nothing else is different.
 *
 * Nothing waits: the ring is empty again when eio_sends_go returns, so that what was to be sent is
 * the caller's own as with sendmsg(2).  One thread, the one that made it. */
#ifndef PARLEY_EIO_SENDS_URING_H
#define PARLEY_EIO_SENDS_URING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define EIO_SENDS_MAX 64

struct eio_sends;

/* With `ring` false it never asks for one.  The log says when it has none.  NULL when memory runs
 * out. */
struct eio_sends *eio_sends_new(bool ring);
void eio_sends_free(struct eio_sends *sends); /* NULL is allowed */
bool eio_sends_has_ring(const struct eio_sends *sends);

struct eio_send {
    int fd;
    struct iovec *parts;
    size_t count; /* of the parts, 1 to IOV_MAX */
    ssize_t sent; /* filled in: so many bytes, fewer than all when the kernel takes no more; or
                     -errno, -EAGAIN when it takes none */
};

/* All of them, `count` <= EIO_SENDS_MAX, each socket once.  `sends` may be NULL: without a ring. */
void eio_sends_go(struct eio_sends *sends, struct eio_send *all, size_t count);

#endif
