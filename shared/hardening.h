/* hardening.h - what a process holds in memory stays there, and its log goes where logs go */
#ifndef PARLEY_HARDENING_H
#define PARLEY_HARDENING_H

/* From now on this process leaves no core file, and no other process of the same user may look into
 * its memory, environment or open files (of /proc, what only the owner may read belongs to root).
 * Programs built with a sanitizer stay open to debuggers, which LeakSanitizer needs.  What the
 * system refuses is a warning in the log. */
void hardening_start(void);

/* Whichever of stdin, stdout and stderr is closed is /dev/null from now on: else the next socket
 * would get its number, and the log would be written to whoever is at its other end. */
void hardening_keep_standard_files(void);

#endif
