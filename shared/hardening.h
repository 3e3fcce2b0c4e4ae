/* hardening.h - what a process holds in memory stays there */
#ifndef PARLEY_HARDENING_H
#define PARLEY_HARDENING_H

/* From now on this process leaves no core file, and no other process of the same user may look into
 * its memory, environment or open files (of /proc, what only the owner may read belongs to root).
 * Programs built with a sanitizer stay open to debuggers, which LeakSanitizer needs.  What the
 * system refuses is a warning in the log. */
void hardening_start(void);

#endif
