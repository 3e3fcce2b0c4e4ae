/* eio_files.h - files that are served beside the connections: the browsers' client, pages; pure */
#ifndef PARLEY_EIO_FILES_H
#define PARLEY_EIO_FILES_H

#include "gateway-svc/socketio/sio.h"

#define EIO_FILES_MAX 64

struct eio_file {
    const char *name;    /* under the path: "socket.io.min.js"; of a page, the whole: "/" */
    const char *type;    /* of the content */
    const char *headers; /* further header lines, each with its end */
    struct slice body;
    char etag[24]; /* with its quotes */
};

struct eio_files {
    struct eio_file files[EIO_FILES_MAX];
    size_t count;
};

/* Everything in `file` is borrowed; its etag is made here.  At most EIO_FILES_MAX (checked by
 * assert). */
void eio_files_add(struct eio_files *files, const struct eio_file *file);
/* A page's name is the whole path. */
bool eio_file_is_page(const struct eio_file *file);
/* By a request's path: a page, or what lies below `base` ("/socket.io/"); NULL when there is none.
 */
const struct eio_file *eio_files_find(const struct eio_files *files, struct slice base,
                                      struct slice path);
/* Has the client this very file already?  `if_none_match` is that header (RFC 9110, 13.1.2). */
bool eio_file_is_known(const struct eio_file *file, struct slice if_none_match);

#endif
