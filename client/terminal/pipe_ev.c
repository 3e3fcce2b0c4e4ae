/* pipe_ev.c - the front for scripts */
#include "client/terminal/pipe_ev.h"
#include "client/terminal/command.h"
#include "client/terminal/lines.h"
#include "client/terminal/report.h"
#include "shared/clock.h"
#include "shared/must.h"
#include "shared/utf8.h"
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define WAITING_MAX 64 /* messages, before no more lines are taken */
#define READ_BYTES 4096

struct pipe {
    bool json;
    struct chat *chat;
    ev_io input;
    struct lines lines;
    struct buf out;
    bool failed; /* a message, or a line */
    bool deaf;   /* standard output is gone */
    bool over;   /* it is not for us to do anything any more */
    bool was_online;
    bool told_people;
    uint64_t told_attempt_ms;
};

struct pipe *pipe_new(bool json)
{
    struct pipe *p = must(calloc(1, sizeof *p));
    p->json = json;
    lines_init(&p->lines, OWN_TEXT_MAX);
    buf_init(&p->out, REPORT_MAX);
    return p;
}

void pipe_free(struct pipe *p)
{
    lines_deinit(&p->lines);
    buf_deinit(&p->out);
    free(p);
}

/* ---- Out ------------------------------------------------------------------------------------- */

static struct report report(struct pipe *p)
{
    return (struct report){p->json, &p->out, clock_unix_ms()};
}

/* Writes all of it, however long that takes. */
static bool write_all(struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(STDOUT_FILENO, bytes.ptr, bytes.len);
        struct pollfd writable = {STDOUT_FILENO, POLLOUT, 0};
        if (n < 0 && errno == EAGAIN) {
            (void)poll(&writable, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return false;
        }
        bytes = slice_tail(bytes, n > 0 ? (size_t)n : 0);
    }
    return true;
}

static void flush(struct pipe *p)
{
    if (p->out.len > 0 && !p->deaf && !write_all(buf_slice(&p->out))) {
        p->deaf = true;
    }
    buf_clear(&p->out);
}

static void trouble(struct pipe *p, const char *words)
{
    struct report r = report(p);
    report_trouble(&r, p->lines.number, words);
    p->failed = true;
    flush(p);
}

/* ---- The view -------------------------------------------------------------------------------- */

static void on_state(void *ctx)
{
    struct pipe *p = ctx;
    const struct client *client = chat_client(p->chat);
    struct report r = report(p);
    bool online = client_state(client) == CLIENT_ONLINE;
    if (online && !p->was_online) {
        report_online(&r, client_name(client));
    } else if (client_state(client) == CLIENT_WAITING && client_attempt_ms(client) > 0 &&
               client_attempt_ms(client) != p->told_attempt_ms) {
        uint64_t now_ms = clock_mono_ms();
        p->told_attempt_ms = client_attempt_ms(client);
        report_waiting(&r, client_why(client),
                       p->told_attempt_ms > now_ms ? p->told_attempt_ms - now_ms : 0);
    }
    p->was_online = online;
    flush(p);
}

static void on_message(void *ctx, const struct chat_message *m)
{
    struct pipe *p = ctx;
    struct report r = report(p);
    report_message(&r, m);
    flush(p);
}

static void on_own(void *ctx, const struct own *own)
{
    struct pipe *p = ctx;
    struct report r = report(p);
    report_own(&r, own);
    p->failed = p->failed || own->state == OWN_FAILED;
    flush(p);
}

static void on_person(void *ctx, const char *name, bool joined)
{
    struct pipe *p = ctx;
    struct report r = report(p);
    report_person(&r, name, joined);
    flush(p);
}

/* Not before there is a list, which is told anyway when it comes. */
static void tell_people(struct pipe *p)
{
    if (!p->told_people) {
        return;
    }
    struct report r = report(p);
    report_people(&r, client_people(chat_client(p->chat)));
    flush(p);
}

static void on_people(void *ctx)
{
    struct pipe *p = ctx;
    if (!p->told_people) {
        p->told_people = true;
        tell_people(p);
    }
}

static void on_missed(void *ctx)
{
    struct pipe *p = ctx;
    struct report r = report(p);
    report_missed(&r);
    flush(p);
}

static void on_ended(void *ctx, enum exit_code code, const char *words)
{
    struct pipe *p = ctx;
    struct report r = report(p);
    if (!p->over) {
        report_ended(&r, (int)code, words);
    }
    p->over = true;
    flush(p);
}

/* ---- In -------------------------------------------------------------------------------------- */

static void quit(struct pipe *p)
{
    p->over = true;
    ev_io_stop(chat_loop(p->chat), &p->input);
    bool all = !p->failed && client_unsent(chat_client(p->chat)) == 0;
    chat_quit(p->chat, p->deaf ? EXIT_USAGE : all ? EXIT_DONE : EXIT_NOT_ALL_SENT);
}

static void obey(struct pipe *p, struct slice line)
{
    struct client *client = chat_client(p->chat);
    struct command command = command_parse(line);
    switch (command.kind) {
    case COMMAND_SAY:
        (void)client_say(client, command.name, command.text, clock_mono_ms(), clock_unix_ms());
        break;
    case COMMAND_USERS: tell_people(p); break;
    case COMMAND_QUIT: lines_drop(&p->lines); break;
    case COMMAND_BAD: trouble(p, command.text.ptr); break;
    case COMMAND_RETRY:
    case COMMAND_SEARCH:
    case COMMAND_HELP: trouble(p, "that command is for the screen alone"); break;
    case COMMAND_NOTHING: break;
    }
}

/* Takes lines as long as not too much waits; true when all are taken. */
static bool take_lines(struct pipe *p)
{
    struct slice line;
    while (client_unsent(chat_client(p->chat)) < WAITING_MAX) {
        switch (lines_take(&p->lines, &line)) {
        case LINES_ONE:
            if (utf8_valid(line)) {
                obey(p, line);
            } else {
                trouble(p, "that is not UTF-8");
            }
            break;
        case LINES_TOO_LONG: trouble(p, "that line is too long"); break;
        case LINES_NONE: return false;
        case LINES_END: return true;
        }
    }
    return false;
}

static void on_input(struct ev_loop *loop, ev_io *io, int events)
{
    struct pipe *p = io->data;
    char bytes[READ_BYTES];
    size_t room = lines_room(&p->lines);
    (void)loop;
    (void)events;
    ssize_t n = read(STDIN_FILENO, bytes, room < sizeof bytes ? room : sizeof bytes);
    if (n > 0) {
        lines_put(&p->lines, (struct slice){bytes, (size_t)n});
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        lines_end(&p->lines);
    }
}

/* ---- The front ------------------------------------------------------------------------------- */

static bool start(void *ctx, struct chat *chat)
{
    struct pipe *p = ctx;
    p->chat = chat;
    ev_io_init(&p->input, on_input, STDIN_FILENO, EV_READ);
    p->input.data = p;
    return true;
}

static void turn(void *ctx)
{
    struct pipe *p = ctx;
    struct client *client = chat_client(p->chat);
    if (p->over) {
        return;
    }
    bool taken = take_lines(p);
    if (p->deaf || (taken && client_unsent(client) == 0)) {
        quit(p);
        return;
    }
    if (!p->lines.ended && client_unsent(client) < WAITING_MAX && lines_room(&p->lines) > 0) {
        ev_io_start(chat_loop(p->chat), &p->input);
    } else {
        ev_io_stop(chat_loop(p->chat), &p->input);
    }
}

static void stop(void *ctx)
{
    struct pipe *p = ctx;
    ev_io_stop(chat_loop(p->chat), &p->input);
}

const struct chat_front pipe_front = {
    .view = {.state = on_state,
             .message = on_message,
             .own = on_own,
             .person = on_person,
             .people = on_people,
             .missed = on_missed,
             .ended = on_ended},
    .start = start,
    .turn = turn,
    .stop = stop,
};
