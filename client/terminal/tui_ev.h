/* tui_ev.h - the front for people: messages, the list of users, and a line to write in */
#ifndef PARLEY_TERMINAL_TUI_EV_H
#define PARLEY_TERMINAL_TUI_EV_H

#include "client/terminal/chat_ev.h"

struct tui;
struct tui *tui_new(const struct url *url); /* borrowed */
void tui_free(struct tui *tui);
extern const struct chat_front tui_front; /* its ctx is the tui */

#endif
