/* password_file.c - a password that stands in a file instead of the environment */
#include "shared/password_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* One more than a password with the longest end of a line: so that a longer one shows. */
#define READ_MAX (PASSWORD_MAX + 3)

/* As many bytes as there are, up to READ_MAX; -1 and errno when it fails. */
static ssize_t read_start(int fd, char bytes[READ_MAX])
{
    size_t used = 0;

    while (used < READ_MAX) {
        ssize_t got = read(fd, bytes + used, READ_MAX - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        used += (size_t)got;
    }
    return (ssize_t)used;
}

static const char *take_first_line(struct slice bytes, char out[PASSWORD_MAX + 1])
{
    struct slice line = slice_cut(&bytes, '\n');

    if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    if (line.len == 0) {
        return "its first line is empty";
    }
    if (line.len > PASSWORD_MAX) {
        return "its first line is longer than 255 bytes";
    }
    if (memchr(line.ptr, '\0', line.len)) {
        return "its first line holds a NUL";
    }
    memcpy(out, line.ptr, line.len);
    out[line.len] = '\0';
    return NULL;
}

const char *password_file_read(const char *path, char out[PASSWORD_MAX + 1])
{
    char bytes[READ_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    out[0] = '\0';
    if (fd < 0) {
        return strerror(errno);
    }
    ssize_t got = read_start(fd, bytes);
    const char *why = got < 0 ? strerror(errno) : NULL;
    close(fd);
    if (!why) {
        why = take_first_line((struct slice){bytes, (size_t)got}, out);
    }
    explicit_bzero(bytes, sizeof bytes);
    return why;
}
