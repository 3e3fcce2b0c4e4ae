/* report.c - what happens, as lines for scripts */
#include "client/terminal/report.h"
#include "client/terminal/cells.h"
#include "client/terminal/when.h"
#include "client/terminal/words.h"

/* ---- JSON ------------------------------------------------------------------------------------ */

static void begin(const struct report *r, const char *event)
{
    buf_printf(r->out, "{\"event\":\"%s\"", event);
}

static void add_text(const struct report *r, const char *key, struct slice value)
{
    buf_printf(r->out, ",\"%s\":", key);
    json_append_string(r->out, value);
}

static void add_number(const struct report *r, const char *key, uint64_t value)
{
    buf_printf(r->out, ",\"%s\":", key);
    buf_u64(r->out, value);
}

static void finish(const struct report *r)
{
    buf_append(r->out, r->json ? SLICE("}\n") : SLICE("\n"));
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void clock_time(const struct report *r, uint64_t unix_ms)
{
    char text[WHEN_MAX];
    when_clock(unix_ms, true, text);
    buf_printf(r->out, "%s ", text);
}

static void note(const struct report *r, char mark)
{
    clock_time(r, r->unix_ms);
    buf_byte(r->out, mark);
    buf_byte(r->out, ' ');
}

/* ---- Events ---------------------------------------------------------------------------------- */

void report_message(const struct report *r, const struct chat_message *m)
{
    if (r->json) {
        begin(r, "message");
        add_number(r, "id", m->id);
        add_number(r, "sent_at", m->sent_at_ms);
        add_text(r, "from", slice_text(m->sender));
        add_text(r, "to", slice_text(m->receiver));
        add_text(r, "text", buf_slice(&m->text));
    } else {
        clock_time(r, m->sent_at_ms);
        buf_printf(r->out, chat_is_group(m->receiver) ? "%s: " : "%s -> %s: ", m->sender,
                   m->receiver);
        cells_print(r->out, buf_slice(&m->text));
    }
    finish(r);
}

static void own_as_json(const struct report *r, const struct own *own)
{
    bool sent = own->state == OWN_SENT;
    begin(r, sent ? "sent" : "failed");
    if (sent) {
        add_number(r, "id", own->id);
    }
    add_text(r, "to", slice_text(own->receiver));
    add_text(r, "text", buf_slice(&own->text));
    if (!sent) {
        add_text(r, "code", slice_text(own->code));
        add_text(r, "reason", slice_text(words_for_failure(own->code, own->reason)));
    }
}

static void own_as_text(const struct report *r, const struct own *own)
{
    if (own->state == OWN_SENT) {
        note(r, '>');
        buf_printf(r->out, "%s: ", own->receiver);
    } else {
        note(r, '!');
        buf_printf(r->out, "not sent to %s (", own->receiver);
        cells_print(r->out, slice_text(words_for_failure(own->code, own->reason)));
        buf_append(r->out, SLICE("): "));
    }
    cells_print(r->out, buf_slice(&own->text));
}

void report_own(const struct report *r, const struct own *own)
{
    if (own->state == OWN_SENT || own->state == OWN_FAILED) {
        (r->json ? own_as_json : own_as_text)(r, own);
        finish(r);
    }
}

void report_person(const struct report *r, const char *name, bool joined)
{
    if (r->json) {
        begin(r, joined ? "joined" : "left");
        add_text(r, "name", slice_text(name));
    } else {
        note(r, joined ? '+' : '-');
        buf_append(r->out, slice_text(name));
    }
    finish(r);
}

void report_people(const struct report *r, const struct people *people)
{
    if (r->json) {
        begin(r, "users");
        buf_append(r->out, SLICE(",\"users\":["));
    } else {
        note(r, '*');
        buf_printf(r->out, "%zu here:", people_count(people));
    }
    for (size_t i = 0; i < people_count(people); i++) {
        const char *name = people_name(people, i);
        if (r->json) {
            buf_printf(r->out, i > 0 ? ",\"%s\"" : "\"%s\"", name); /* names need no escapes */
        } else {
            buf_printf(r->out, " %s", name);
        }
    }
    buf_append(r->out, r->json ? SLICE("]") : SLICE(""));
    finish(r);
}

void report_online(const struct report *r, const char *name)
{
    if (r->json) {
        begin(r, "online");
        add_text(r, "name", slice_text(name));
    } else {
        note(r, '*');
        buf_printf(r->out, "online as %s", name);
    }
    finish(r);
}

void report_waiting(const struct report *r, const char *why, uint64_t attempt_in_ms)
{
    if (r->json) {
        begin(r, "waiting");
        add_text(r, "why", slice_text(why));
        add_number(r, "attempt_in_ms", attempt_in_ms);
    } else {
        note(r, '*');
        buf_printf(r->out, "%s; trying again in %.1f s", why, (double)attempt_in_ms / 1000);
    }
    finish(r);
}

void report_missed(const struct report *r)
{
    if (r->json) {
        begin(r, "missed");
    } else {
        note(r, '!');
        buf_append(r->out, SLICE("messages may be missing"));
    }
    finish(r);
}

void report_trouble(const struct report *r, uint64_t line, const char *words)
{
    if (r->json) {
        begin(r, "error");
        if (line > 0) {
            add_number(r, "line", line);
        }
        add_text(r, "words", slice_text(words));
    } else {
        note(r, '!');
        if (line > 0) {
            buf_printf(r->out, "line %llu: ", (unsigned long long)line);
        }
        buf_append(r->out, slice_text(words));
    }
    finish(r);
}

void report_ended(const struct report *r, int code, const char *words)
{
    if (r->json) {
        begin(r, "ended");
        add_number(r, "code", (uint64_t)code);
        add_text(r, "words", slice_text(words));
    } else {
        note(r, '*');
        buf_append(r->out, slice_text(words));
    }
    finish(r);
}
