/* log.h - one line per event on stderr: time level message key=value ...
 *
 * Never log tokens, passwords, session hashes or message texts.  Bytes from a peer go through
 * log_escape first. */
#ifndef PARLEY_LOG_H
#define PARLEY_LOG_H

#include "shared/slice.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* `program` stands in every line; borrowed for ever. */
void log_init(const char *program, enum log_level level);

/* Writes one line of at most 1,024 bytes with a single write(2).  When stderr does not take it at
 * once (a stopped reader, a full disk) the line is dropped and counted: a log never blocks the
 * loop.  The count of dropped lines is told in the next line that gets through. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* Peer bytes made printable, so that they may stand between double quotes: controls, double quotes,
 * backslash and bytes above 0x7e as \xNN.  As many as fit into `out`, which is ended by a NUL.
 * room > 0. */
void log_print(char *out, size_t room, struct slice peer_bytes);
/* The same, cut after 64 input bytes (then followed by "...").  Returns one of 4 static buffers
 * used in turn. */
const char *log_escape(struct slice peer_bytes);

/* A limiter for lines that a peer can provoke: true at most `per_second` times in any second of
 * `now_ms`; the state starts zeroed.  Suppressed lines are counted in `suppressed`. */
struct log_limit {
    uint64_t second;
    uint32_t lines;
    uint64_t suppressed;
};
bool log_limit_ok(struct log_limit *limit, uint32_t per_second, uint64_t now_ms);

#endif
