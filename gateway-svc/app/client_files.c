/* client_files.c - the official client for browsers */
#include "gateway-svc/app/client_files.h"
#include "gateway-svc/app/embed.h"

EMBED(client_min_js, "client/web/socket.io/socket.io.min.js");
EMBED(client_esm_min_js, "client/web/socket.io/socket.io.esm.min.js");

void client_files_serve(struct sio_server *server)
{
    static const char type[] = "application/javascript; charset=utf-8";
    sio_server_file(server, "socket.io.min.js", type,
                    (struct slice){client_min_js, client_min_js_size});
    sio_server_file(server, "socket.io.esm.min.js", type,
                    (struct slice){client_esm_min_js, client_esm_min_js_size});
}
