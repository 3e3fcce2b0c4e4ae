/* eio_exchange.c - answers that every exchange may need */
#include "gateway-svc/socketio/eio_exchange.h"

#define REFUSAL_MAX 1024

void eio_exchange_refuse_text(struct eio_exchange *x, enum eio_refusal refusal, const char *text)
{
    struct buf body;
    buf_init(&body, REFUSAL_MAX);
    eio_refusal_print(refusal, text, &body);
    x->ops->answer(x, &(struct eio_answer){.status = eio_refusal_status(refusal),
                                           .type = "application/json",
                                           .body = buf_slice(&body),
                                           .close = true});
    buf_deinit(&body);
}

void eio_exchange_refuse(struct eio_exchange *x, enum eio_refusal refusal)
{
    eio_exchange_refuse_text(x, refusal, NULL);
}
