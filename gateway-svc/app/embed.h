/* embed.h - files that are built into the program */
#ifndef PARLEY_EMBED_H
#define PARLEY_EMBED_H

#include <stddef.h>

/* Declares `name`, the bytes of the file at `path` (from the top of the source), and `name`_size,
 * how many they are.  The Makefile must name the file as one that the object depends on. */
/* NOLINTBEGIN(bugprone-macro-parentheses): names that are declared */
#define EMBED(name, path)                                                                          \
    __asm__(".pushsection .rodata\n" #name ":\n"                                                   \
            ".incbin \"" path "\"\n"                                                               \
            "1: .balign 8\n" #name "_size: .dc.a 1b - " #name "\n"                                 \
            ".popsection\n");                                                                      \
    extern const char name[];                                                                      \
    extern const size_t name##_size
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
