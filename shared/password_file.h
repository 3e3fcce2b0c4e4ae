/* password_file.h - a password that stands in a file instead of the environment */
#ifndef PARLEY_PASSWORD_FILE_H
#define PARLEY_PASSWORD_FILE_H

#include "shared/slice.h"

#define PASSWORD_MAX 255 /* bytes */

/* Reads the first line of the file, without its end ("\n" or "\r\n"); what follows is not looked
 * at.  Returns NULL, or what is wrong in words that never hold any of the file (valid until the
 * next call): it cannot be read, its first line is empty, longer than PASSWORD_MAX, or holds a NUL;
 * then out is empty.  The caller wipes `out` with explicit_bzero when it is done. */
const char *password_file_read(const char *path, char out[PASSWORD_MAX + 1])
    __attribute__((warn_unused_result));

#endif
