/* eio_sends_uring.c - many sends, one system call */
#include "gateway-svc/socketio/eio_sends_uring.h"
#include "shared/log.h"
#include <errno.h>
#include <liburing.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FLAGS (MSG_NOSIGNAL | MSG_DONTWAIT)
#define FEW 2           /* for which a ring is no gain */
#define NOT_YET INT_MIN /* no result of a send */

struct eio_sends {
    bool ringing; /* `ring` is there */
    struct io_uring ring;
    struct msghdr messages[EIO_SENDS_MAX];
};

static struct msghdr message_of(const struct eio_send *send)
{
    return (struct msghdr){.msg_iov = send->parts, .msg_iovlen = send->count};
}

static ssize_t send_one(const struct eio_send *send)
{
    struct msghdr message = message_of(send);
    ssize_t n = sendmsg(send->fd, &message, FLAGS);
    return n < 0 ? -errno : n;
}

/* ---- The ring -------------------------------------------------------------------------------- */

static void close_ring(struct eio_sends *sends, int error)
{
    log_warn("no io_uring any more: one system call for each send error=\"%s\"", strerror(-error));
    sends->ringing = false;
    io_uring_queue_exit(&sends->ring);
}

/* One that has a single part needs no message around it. */
static void prepare(struct eio_sends *sends, const struct eio_send *send, size_t i)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&sends->ring);
    if (send->count == 1) {
        io_uring_prep_send(sqe, send->fd, send->parts->iov_base, send->parts->iov_len, FLAGS);
    } else {
        sends->messages[i] = message_of(send);
        io_uring_prep_sendmsg(sqe, send->fd, &sends->messages[i], FLAGS);
    }
    io_uring_sqe_set_data64(sqe, i);
}

static void collect(struct eio_sends *sends, struct eio_send *all, size_t count)
{
    struct io_uring_cqe *cqe;
    unsigned head, n = 0;
    io_uring_for_each_cqe(&sends->ring, head, cqe)
    {
        if (cqe->user_data < count) {
            all[cqe->user_data].sent = cqe->res;
        }
        n++;
    }
    io_uring_cq_advance(&sends->ring, n);
}

/* A send that must not wait is done, or refused, when it has been submitted.  Should the kernel
 * have kept one all the same, nobody knows what will become of it: that connection is lost.  What
 * it did not take is sent without it. */
static void send_by_ring(struct eio_sends *sends, struct eio_send *all, size_t count)
{
    bool kept = false;
    for (size_t i = 0; i < count; i++) {
        all[i].sent = NOT_YET;
        prepare(sends, &all[i], i);
    }
    int submitted = io_uring_submit_and_get_events(&sends->ring);
    collect(sends, all, count);
    for (size_t i = 0; submitted > 0 && i < (size_t)submitted; i++) {
        if (all[i].sent == NOT_YET) {
            all[i].sent = -EIO;
            kept = true;
        }
    }
    if (submitted != (int)count || kept) {
        close_ring(sends, submitted < 0 ? submitted : -EBUSY);
    }
}

/* ---- From outside ---------------------------------------------------------------------------- */

struct eio_sends *eio_sends_new(bool ring)
{
    struct eio_sends *sends = calloc(1, sizeof *sends);
    if (!sends || !ring) {
        return sends;
    }
    int error = io_uring_queue_init(EIO_SENDS_MAX, &sends->ring,
                                    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    sends->ringing = error == 0;
    if (error != 0) {
        log_info("no io_uring: one system call for each send error=\"%s\"", strerror(-error));
    }
    return sends;
}

void eio_sends_free(struct eio_sends *sends)
{
    if (sends && sends->ringing) {
        io_uring_queue_exit(&sends->ring);
    }
    free(sends);
}

bool eio_sends_has_ring(const struct eio_sends *sends)
{
    return sends->ringing;
}

void eio_sends_go(struct eio_sends *sends, struct eio_send *all, size_t count)
{
    bool by_ring = sends && sends->ringing && count > FEW;
    if (by_ring) {
        send_by_ring(sends, all, count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!by_ring || all[i].sent == NOT_YET) {
            all[i].sent = send_one(&all[i]);
        }
    }
}
