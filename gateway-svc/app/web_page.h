/* web_page.h - the web page, built into the program */
#ifndef PARLEY_WEB_PAGE_H
#define PARLEY_WEB_PAGE_H

#include "gateway-svc/socketio/sio.h"

/* Serves client/web/index.html at / and each other file of that folder, such as lang/en.js, at
 * /web/lang/en.js; not client/web/socket.io (client_files.h). */
void web_page_serve(struct sio_server *server);

#endif
