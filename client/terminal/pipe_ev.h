/* pipe_ev.h - the front for scripts: lines of standard input are messages, each event is a line of
 *             standard output
 *
 * Standard input is read no faster than messages are answered.  Where standard output is not read,
 * the program waits, and with it everything else: nothing is left out; if that takes longer than
 * the server has patience, it is a lost connection like any other. */
#ifndef PARLEY_TERMINAL_PIPE_EV_H
#define PARLEY_TERMINAL_PIPE_EV_H

#include "client/terminal/chat_ev.h"

struct pipe;
struct pipe *pipe_new(bool json);
void pipe_free(struct pipe *p);
extern const struct chat_front pipe_front; /* its ctx is the pipe */

#endif
