/* http_port_ev.h - a TCP port on which HTTP is spoken */
#ifndef PARLEY_HTTP_PORT_EV_H
#define PARLEY_HTTP_PORT_EV_H

#include "gateway-svc/socketio/http_conn_ev.h"

struct http_port;

/* Listens.  `server` is borrowed for the port's life.  NULL, and a line in the log that says why,
 * when it cannot.  While the process has no file left, connections wait; those of strangers
 * already when there are only the spare ones (file_limit.h). */
struct http_port *http_port_open(struct http_server *server, const char *host, uint16_t port,
                                 bool strangers);
/* Connections that it has accepted stay.  NULL is allowed. */
void http_port_close(struct http_port *port);

#endif
