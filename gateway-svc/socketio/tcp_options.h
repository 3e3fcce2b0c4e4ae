/* tcp_options.h - how every TCP socket of the server is set: what is said leaves at once, and a
 * peer that is gone without a word is noticed */
#ifndef PARLEY_TCP_OPTIONS_H
#define PARLEY_TCP_OPTIONS_H

/* So long after its last sign of life a peer counts as gone, at most: its kernel answers neither
 * what was sent nor a question whether it is there, or has taken nothing for so long. */
#define TCP_ALIVE_S 90

/* Of a socket that we make, or of a listening one: those that it accepts inherit all of it.  What
 * the kernel refuses it works without. */
void tcp_options_set(int fd);

#endif
