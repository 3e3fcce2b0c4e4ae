/* bus_line.h - what arrives on the Redis channels, taken apart (published by shared/parley.lua)
 *
 *   to:<gateway>   nonce <count> <nonce> <group count> <version> <epoch>
 *                  end <count> <session> <code>
 *                  message <count> <id> <sender's session> <receiver's session> <client_id>\n<json>
 *   group          message <count> <id> <sender's session> - <client_id>\n<json>
 *   presence       <epoch> <version> <changes>
 *
 * A line may have several messages: behind each a line feed and the next one, from its id on.
 *
 * Pure; nothing is copied; every slice points into the line. */
#ifndef PARLEY_BUS_LINE_H
#define PARLEY_BUS_LINE_H

#include "shared/slice.h"

enum bus_kind { BUS_BAD = 0, BUS_NONCE, BUS_END, BUS_MESSAGE };

struct bus_nonce {
    struct slice nonce;
    uint64_t group_count; /* messages ever published on `group` */
    uint64_t version;     /* presence version */
};

struct bus_end {
    struct slice session; /* hash */
    struct slice code;    /* logged_out, kicked, session_expired */
};

struct bus_message {
    uint64_t id;
    struct slice sender;    /* session hash */
    struct slice receiver;  /* session hash; empty: the group */
    struct slice client_id; /* JSON string, or empty */
    struct slice json;      /* the message as clients get it: a valid JSON object */
    struct slice text;      /* all of it: what stands behind the count, and in Redis' windows */
};

struct bus_line {
    enum bus_kind kind;
    uint64_t count; /* how many lines this channel has carried, this one included */
    union {
        struct bus_nonce nonce;
        struct bus_end end;
        struct bus_message message; /* the first, or the one that was taken last */
    };
    struct slice more; /* messages behind it */
};

/* A line of to:<gateway> or group.  Anything that is not exactly as above is BUS_BAD: channels are
 * open to whoever may write to Redis, and nothing unchecked is passed on to clients. */
struct bus_line bus_line_decode(struct slice line);
/* Takes the next message of a line of several: false at the end.  One that is none makes the kind
 * BUS_BAD, and others may follow. */
bool bus_line_next(struct bus_line *line);

/* A message without its kind and count, as Redis keeps it for those who missed it. */
bool bus_message_decode(struct slice text, struct bus_message *out);

struct bus_change {
    struct slice epoch;
    uint64_t version;
    struct slice list; /* "+alice -bob" */
};
/* A line of presence; false when it is none. */
bool bus_change_decode(struct slice line, struct bus_change *out);

#endif
