/* username.h - the names that users may have */
#ifndef PARLEY_USERNAME_H
#define PARLEY_USERNAME_H

#include "shared/slice.h"

#define USERNAME_MAX 32

enum username_err {
    USERNAME_OK = 0,
    USERNAME_E_SHAPE,   /* not [A-Za-z0-9][A-Za-z0-9._-]{0,31} */
    USERNAME_E_RESERVED /* a word with a meaning of its own, in any case: group, admin, login ... */
};

/* Refuses, never repairs. */
enum username_err username_check(struct slice name);
/* The form in which names are compared and stored: lower case.  `name` must have passed the check
 * or be at most USERNAME_MAX bytes; out is NUL-terminated. */
void username_fold(struct slice name, char out[USERNAME_MAX + 1]);

#endif
