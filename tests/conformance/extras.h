/* extras.h - what tests need of the conformance application beyond being a conforming server
 *
 * Events, in any namespace:
 *   kick       sio_socket_disconnect
 *   kick-all   ... and closes the connection
 *   close      sio_socket_close, code 4000
 *   flood      emits `flood` with the first argument, as often as the second one says
 *   count      emits `count` with the number of such events so far, of all clients
 *   hear       from now on the client hears what anybody tells
 *   tell       emits `told` with the same arguments to all who hear
 *   ask        asks the client by an event `question` with the same arguments, and emits what it
 *              answers as `answered`, or `unanswered`
 * A client whose auth is {"refuse":...} is refused with that as the error's data; one with
 * {"wait":...} is never answered.  A request with the header X-Refuse may not connect.  The health
 * port answers /healthz.  Servers that serve as one know each other by PEERS.  /page/big is a page
 * of 4 MiB. */
#ifndef PARLEY_EXTRAS_H
#define PARLEY_EXTRAS_H

#include "gateway-svc/socketio/sio.h"

/* True when the client's wish to join was dealt with here. */
bool extras_connect(struct sio_socket *socket, struct slice auth);
void extras_event(struct sio_namespace *nsp, struct sio_socket *socket,
                  const struct sio_event *event);

void extras_serve_page(struct sio_server *server);

/* The `app` of the server's handler. */
struct extras {
    const char *peers; /* "name=port,name=port" */
};
extern const struct sio_server_handler extras_server_handler;

#endif
