/* report.h - what happens, as lines for scripts: one for each event, as text or as JSON; pure
 *
 * parley(1) lists them.  A line of text never holds a control character: what peers write is shown
 * as on the screen (cells.h), a line feed as \x0a. */
#ifndef PARLEY_TERMINAL_REPORT_H
#define PARLEY_TERMINAL_REPORT_H

#include "client/terminal/chat_event.h"
#include "client/terminal/own.h"
#include "client/terminal/people.h"

#define REPORT_MAX (8u << 20) /* bytes of a line: enough for any list or text */

struct report {
    bool json;
    struct buf *out;  /* to which a line is appended */
    uint64_t unix_ms; /* now */
};

void report_message(const struct report *r, const struct chat_message *m);
void report_own(const struct report *r, const struct own *own); /* sent or failed; else nothing */
void report_person(const struct report *r, const char *name, bool joined);
void report_people(const struct report *r, const struct people *people);
void report_online(const struct report *r, const char *name);
void report_waiting(const struct report *r, const char *why, uint64_t attempt_in_ms);
void report_missed(const struct report *r);
/* Something that the user has to know, about a line that was read (from 1; 0: about none). */
void report_trouble(const struct report *r, uint64_t line, const char *words);
void report_ended(const struct report *r, int code, const char *words);

#endif
