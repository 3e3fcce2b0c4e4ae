/* client_files.c - the official client for browsers */
#include "gateway-svc/app/client_files.h"

/* A file's bytes, and how many they are. */
/* NOLINTBEGIN(bugprone-macro-parentheses): names that are declared */
#define EMBED(name, path)                                                                          \
    __asm__(".pushsection .rodata\n" #name ":\n"                                                   \
            ".incbin \"" path "\"\n"                                                               \
            "1: .balign 8\n" #name "_size: .dc.a 1b - " #name "\n"                                 \
            ".popsection\n");                                                                      \
    extern const char name[];                                                                      \
    extern const size_t name##_size
/* NOLINTEND(bugprone-macro-parentheses) */

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
