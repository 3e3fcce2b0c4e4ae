/* client_files.h - the official client for browsers, built into the program
 *
 * Copies of the npm package socket.io-client, whose version tests/package-lock.json pins; a test
 * compares them. */
#ifndef PARLEY_CLIENT_FILES_H
#define PARLEY_CLIENT_FILES_H

#include "gateway-svc/socketio/sio.h"

/* Served as /socket.io/socket.io.min.js and /socket.io/socket.io.esm.min.js. */
void client_files_serve(struct sio_server *server);

#endif
