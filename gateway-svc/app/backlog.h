/* backlog.h - what one client has still to get before it is live (pure)
 *
 * It gets page after page of what it missed.  A page is the state of Redis when it was read: the id
 * it says (`now`) divides what it covers from what is published later.  So live messages need to
 * wait only while a question is out, because those of before are in its answer; and when no
 * question has to follow, those that wait and are above `now` are exactly what comes next.  When
 * more wait than may, they are dropped, and another question follows. */
#ifndef PARLEY_BACKLOG_H
#define PARLEY_BACKLOG_H

#include "gateway-svc/socketio/sio.h"

#define BACKLOG_HELD_MAX 256

struct backlog_item {
    uint64_t id;
    struct sio_frame *frame;
};

struct backlog {
    size_t max;     /* bytes that may wait; set by the owner */
    uint64_t after; /* the client has, or need not get, everything up to here */
    bool asked;     /* a question is out */
    bool dropped;   /* something that came meanwhile was dropped */
    struct backlog_item *held;
    size_t count, bytes;
};

/* The question what came after backlog->after is on its way. */
void backlog_asked(struct backlog *b);
/* It will not be answered. */
void backlog_failed(struct backlog *b);
/* A live message; takes its own reference to the frame. */
void backlog_hold(struct backlog *b, uint64_t id, struct sio_frame *frame);
/* A page came, and the client got its messages up to `next`; `more`: there are more behind it.
 * True when another question has to follow, false when the client is live after what is held. */
bool backlog_page(struct backlog *b, uint64_t next, bool more);
void backlog_clear(struct backlog *b); /* drops what is held */

#endif
