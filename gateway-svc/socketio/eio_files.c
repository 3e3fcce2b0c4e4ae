/* eio_files.c - files that are served beside the connections */
#include "gateway-svc/socketio/eio_files.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void eio_files_add(struct eio_files *files, const struct eio_file *file)
{
    assert(files->count < EIO_FILES_MAX);
    struct eio_file *copy = &files->files[files->count++];
    *copy = *file;
    /* Tells one version of a file from another, no more. */
    (void)snprintf(copy->etag, sizeof copy->etag, "\"%016" PRIx64 "\"", slice_hash(file->body));
}

bool eio_file_is_page(const struct eio_file *file)
{
    return file->name[0] == '/';
}

const struct eio_file *eio_files_find(const struct eio_files *files, struct slice base,
                                      struct slice path)
{
    bool below = slice_starts(path, base);
    struct slice name = slice_tail(path, base.len);
    for (size_t i = 0; i < files->count; i++) {
        const struct eio_file *file = &files->files[i];
        bool page = eio_file_is_page(file);
        if ((page || below) && slice_equal(page ? path : name, slice_text(file->name))) {
            return file;
        }
    }
    return NULL;
}

bool eio_file_is_known(const struct eio_file *file, struct slice if_none_match)
{
    while (if_none_match.len > 0) {
        struct slice tag = slice_trim(slice_cut(&if_none_match, ','));
        if (slice_starts(tag, SLICE("W/"))) {
            tag = slice_tail(tag, 2);
        }
        if (slice_equal(tag, SLICE("*")) || slice_equal(tag, slice_text(file->etag))) {
            return true;
        }
    }
    return false;
}
