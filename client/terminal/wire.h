/* wire.h - the client's side of Engine.IO 4 and Socket.IO 5 over one WebSocket; pure
 *
 * Texts that came go in, and what they mean comes out through the handler.  Only the namespace `/`
 * and the WebSocket transport; of binary packets, which the chat has none of, nothing is told. */
#ifndef PARLEY_TERMINAL_WIRE_H
#define PARLEY_TERMINAL_WIRE_H

#include "shared/json.h"

#define WIRE_TEXT_MAX 1100000 /* bytes of one message from the server */

/* Whatever is handed out is valid during the call only. */
struct wire_handler {
    void (*send)(void *ctx, struct slice text); /* a text message for the server */
    void (*connected)(void *ctx);
    void (*refused)(void *ctx, struct json error); /* {message, data}; the WebSocket is of no use */
    void (*event)(void *ctx, struct slice name, struct json payload); /* with one argument */
    void (*ack)(void *ctx, uint64_t id, struct slice payload); /* what stands in the brackets */
    void (*disconnected)(void *ctx);                           /* the server wants no reconnect */
};

enum wire_state { WIRE_CLOSED, WIRE_OPENING, WIRE_CONNECTING, WIRE_ON };

struct wire {
    const struct wire_handler *handler;
    void *ctx;
    enum wire_state state;
    struct buf auth;      /* JSON */
    unsigned attachments; /* binary messages that are still to come */
    uint64_t patience_ms; /* how long the server may be silent */
    uint64_t heard_ms;    /* when it said something last; during a call of wire_text: now */
};

void wire_init(struct wire *w, const struct wire_handler *handler, void *ctx);
void wire_deinit(struct wire *w);

/* The WebSocket is open.  `auth` (a JSON object) is shown once the server has greeted. */
void wire_open(struct wire *w, struct slice auth, uint64_t now_ms);
void wire_close(struct wire *w); /* it is gone, or nothing of it counts any more */

/* A message came.  False: not as the protocol says, or the server ends it: close the WebSocket. */
bool wire_text(struct wire *w, struct slice text, uint64_t now_ms);
bool wire_binary(struct wire *w, uint64_t now_ms);

/* Sends ["name",payload] (JSON) and asks for an ack.  Only when connected. */
void wire_emit(struct wire *w, uint64_t ack_id, struct slice name, struct slice payload);

/* When the server has been silent for too long: close the WebSocket then.  UINT64_MAX: never. */
uint64_t wire_due_ms(const struct wire *w);

#endif
