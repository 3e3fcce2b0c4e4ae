/* tui_ev.c - the front for people */
#include "client/terminal/tui_ev.h"
#include "client/terminal/command.h"
#include "client/terminal/history.h"
#include "client/terminal/screen.h"
#include "client/terminal/telling.h"
#include "client/terminal/when.h"
#include "shared/clock.h"
#include "shared/must.h"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define ENTRY_MAX 1100000
#define STATUS_MAX 512
#define SECOND 1.0

struct tui {
    struct chat *chat;
    char server[URL_AUTHORITY_MAX + 1];
    struct story *story;
    struct view view;
    struct edit edit;
    struct history history;
    struct buf text;                   /* of an entry that is being made */
    const char *hint;                  /* in the status line, until the next key; NULL: none */
    struct telling_names joined, left; /* with the change that is being read */
    int64_t day;
    bool dirty;
    bool open; /* the screen is ours */
    bool quitting;
    ev_io input;
    ev_signal resized;
    ev_timer countdown;
};

struct tui *tui_new(const struct url *url)
{
    struct tui *tui = must(calloc(1, sizeof *tui));
    url_authority(url, tui->server);
    tui->story = story_new();
    view_init(&tui->view, tui->story);
    edit_init(&tui->edit);
    history_init(&tui->history);
    buf_init(&tui->text, ENTRY_MAX);
    return tui;
}

void tui_free(struct tui *tui)
{
    view_deinit(&tui->view);
    story_free(tui->story);
    edit_deinit(&tui->edit);
    history_deinit(&tui->history);
    buf_deinit(&tui->text);
    free(tui);
}

/* ---- The story ------------------------------------------------------------------------------- */

/* Says which day it is, where it is another than that of the entry before. */
static void begin_entry(struct tui *tui, uint64_t unix_ms)
{
    char day[WHEN_MAX];
    tui->dirty = true;
    buf_clear(&tui->text);
    if (when_day_number(unix_ms) == tui->day) {
        return;
    }
    tui->day = when_day_number(unix_ms);
    when_day(unix_ms, day);
    buf_printf(&tui->text, "--- %s ---", day);
    (void)story_add(tui->story, STORY_DAY, 0, buf_slice(&tui->text));
    buf_clear(&tui->text);
}

static void note_as(struct tui *tui, enum story_style style, const char *words)
{
    uint64_t unix_ms = clock_unix_ms();
    begin_entry(tui, unix_ms);
    telling_note(&tui->text, words, unix_ms);
    (void)story_add(tui->story, style, 0, buf_slice(&tui->text));
}

static void note(struct tui *tui, const char *words)
{
    note_as(tui, STORY_NOTE, words);
}

/* ---- The view of the client ------------------------------------------------------------------ */

static void on_state(void *ctx)
{
    struct tui *tui = ctx;
    tui->dirty = true;
}

static void on_message(void *ctx, const struct chat_message *m)
{
    struct tui *tui = ctx;
    begin_entry(tui, m->sent_at_ms);
    enum story_style style = telling_message(&tui->text, m, client_name(chat_client(tui->chat)));
    (void)story_add(tui->story, style, 0, buf_slice(&tui->text));
}

/* The first state adds it; later ones change it, with the time at which it was written. */
static void on_own(void *ctx, const struct own *own)
{
    struct tui *tui = ctx;
    const char *me = client_name(chat_client(tui->chat));
    tui->dirty = true;
    if (own->is_new) {
        begin_entry(tui, own->written_ms);
    }
    buf_clear(&tui->text);
    enum story_style style = telling_own(&tui->text, own, me);
    if (!own->is_new) {
        (void)story_change(tui->story, own->number, style, buf_slice(&tui->text));
    } else {
        (void)story_add(tui->story, style, own->number, buf_slice(&tui->text));
        view_to_end(&tui->view);
    }
}

static void on_person(void *ctx, const char *name, bool joined)
{
    struct tui *tui = ctx;
    telling_add_name(joined ? &tui->joined : &tui->left, name);
}

static void note_names(struct tui *tui, struct telling_names *names, bool joined)
{
    struct buf words;
    if (names->count == 0) {
        return;
    }
    buf_init(&words, STATUS_MAX);
    telling_names(&words, names, joined);
    note(tui, words.ptr);
    buf_deinit(&words);
}

static void on_people(void *ctx)
{
    struct tui *tui = ctx;
    note_names(tui, &tui->left, false);
    note_names(tui, &tui->joined, true);
    tui->dirty = true;
}

static void on_missed(void *ctx)
{
    note_as(ctx, STORY_WARNING, "messages may be missing here");
}

static void on_ended(void *ctx, enum exit_code code, const char *words)
{
    (void)ctx;
    (void)code;
    (void)words; /* told on standard error, when the screen is gone */
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void quit(struct tui *tui)
{
    struct client *client = chat_client(tui->chat);
    tui->quitting = tui->dirty = true;
    chat_quit(tui->chat, client_unsent(client) > 0 ? EXIT_NOT_ALL_SENT : EXIT_DONE);
}

static void list_users(struct tui *tui)
{
    const struct people *people = client_people(chat_client(tui->chat));
    struct buf words;
    buf_init(&words, ENTRY_MAX / 2);
    buf_printf(&words, "%zu here:", people_count(people));
    for (size_t i = 0; i < people_count(people); i++) {
        buf_printf(&words, " %s", people_name(people, i));
    }
    note(tui, words.ptr);
    buf_deinit(&words);
}

static void help(struct tui *tui)
{
    struct slice rest = slice_text(command_help);
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        begin_entry(tui, clock_unix_ms());
        buf_append(&tui->text, SLICE("      "));
        buf_append(&tui->text, line);
        (void)story_add(tui->story, STORY_NOTE, 0, buf_slice(&tui->text));
    }
    note(tui, "PageUp and PageDown scroll; Ctrl-P and Ctrl-N: hit before and behind; Ctrl-D: quit");
}

static void search(struct tui *tui, struct slice text, bool older)
{
    if (view_search(&tui->view, text, older)) {
        tui->hint = "Ctrl-P: older  Ctrl-N: newer  Esc: done";
    } else {
        tui->hint = text.len > 0 || tui->view.searched.len > 0 ? "nothing more was found"
                                                               : "write it so: /search TEXT";
    }
}

static void say(struct tui *tui, struct command command)
{
    if (client_say(chat_client(tui->chat), command.name, command.text, clock_mono_ms(),
                   clock_unix_ms()) == 0) {
        note_as(tui, STORY_WARNING, "too many messages wait already");
    }
}

static void retry(struct tui *tui)
{
    if (client_retry(chat_client(tui->chat), clock_mono_ms()) == 0) {
        note(tui, "there is nothing to send again");
    }
}

static void obey(struct tui *tui, struct slice line)
{
    struct command command = command_parse(line);
    switch (command.kind) {
    case COMMAND_SAY: say(tui, command); break;
    case COMMAND_USERS: list_users(tui); break;
    case COMMAND_RETRY: retry(tui); break;
    case COMMAND_SEARCH: search(tui, command.text, true); break;
    case COMMAND_HELP: help(tui); break;
    case COMMAND_QUIT: quit(tui); break;
    case COMMAND_BAD: note_as(tui, STORY_WARNING, command.text.ptr); break;
    case COMMAND_NOTHING: break;
    }
}

/* ---- Keys ------------------------------------------------------------------------------------ */

/* Whoever pastes a whole line means no empty one behind it. */
static struct slice without_last_breaks(struct slice line)
{
    while (line.len > 0 && line.ptr[line.len - 1] == '\n') {
        line.len--;
    }
    return line;
}

static void enter(struct tui *tui)
{
    struct buf line;
    buf_init(&line, EDIT_MAX);
    buf_append(&line, without_last_breaks(buf_slice(&tui->edit.text)));
    history_add(&tui->history, buf_slice(&line));
    edit_set(&tui->edit, SLICE(""));
    view_search_end(&tui->view);
    obey(tui, buf_slice(&line));
    buf_deinit(&line);
}

static void recall(struct tui *tui, bool older)
{
    struct slice line;
    if (history_move(&tui->history, older, buf_slice(&tui->edit.text), &line)) {
        edit_set(&tui->edit, line);
    }
}

static void scroll(struct tui *tui, int pages)
{
    int lines = (int)screen_pane_lines() - 1;
    view_scroll(&tui->view, pages * (lines > 0 ? lines : 1));
}

static void press(struct tui *tui, const struct key *key)
{
    tui->hint = NULL;
    switch (key->kind) {
    case KEYS_TEXT: (void)edit_insert(&tui->edit, (struct slice){key->text, key->len}); break;
    case KEYS_EDIT: edit_key(&tui->edit, key->edit); break;
    case KEYS_ENTER: enter(tui); break;
    case KEYS_UP: recall(tui, true); break;
    case KEYS_DOWN: recall(tui, false); break;
    case KEYS_PAGE_UP: scroll(tui, 1); break;
    case KEYS_PAGE_DOWN: scroll(tui, -1); break;
    case KEYS_TOP: view_to_start(&tui->view); break;
    case KEYS_BOTTOM: view_to_end(&tui->view); break;
    case KEYS_OLDER: search(tui, SLICE(""), true); break;
    case KEYS_NEWER: search(tui, SLICE(""), false); break;
    case KEYS_ESCAPE: view_search_end(&tui->view); break;
    case KEYS_REDRAW: screen_resize(); break;
    case KEYS_END:
        if (tui->edit.text.len == 0) {
            quit(tui);
        } else {
            edit_key(&tui->edit, EDIT_DELETE);
        }
        break;
    case KEYS_NONE:
    case KEYS_UNKNOWN: break;
    }
}

static void on_input(struct ev_loop *loop, ev_io *io, int events)
{
    struct tui *tui = io->data;
    struct key key;
    unsigned count = 0;
    (void)loop;
    (void)events;
    while ((key = screen_key()).kind != KEYS_NONE && !tui->quitting) {
        press(tui, &key);
        count++;
    }
    tui->dirty = true;
    if (count == 0) { /* readable, and nothing to read: the terminal is gone */
        quit(tui);
    }
}

static void on_resized(struct ev_loop *loop, ev_signal *signal, int events)
{
    struct tui *tui = signal->data;
    (void)loop;
    (void)events;
    screen_resize();
    tui->dirty = true;
}

static void on_countdown(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct tui *tui = timer->data;
    (void)loop;
    (void)events;
    tui->dirty = true;
}

/* ---- The front ------------------------------------------------------------------------------- */

static void init_watchers(struct tui *tui)
{
    ev_signal_init(&tui->resized, on_resized, SIGWINCH);
    ev_timer_init(&tui->countdown, on_countdown, SECOND, SECOND);
    ev_io_init(&tui->input, on_input, STDIN_FILENO, EV_READ);
    tui->resized.data = tui->countdown.data = tui->input.data = tui;
}

static bool start(void *ctx, struct chat *chat)
{
    struct tui *tui = ctx;
    tui->chat = chat;
    init_watchers(tui);
    ev_signal_start(chat_loop(chat),
                    &tui->resized); /* before ncurses, which leaves it to us then */
    tui->open = screen_open();
    if (!tui->open) {
        (void)fputs("parley: this terminal cannot be used (TERM?); try --plain\n", stderr);
        return false;
    }
    ev_io_start(chat_loop(chat), &tui->input);
    note(tui, "/help lists what can be done here");
    return true;
}

/* The right end of the status line. */
static void put_note(const struct tui *tui, struct buf *out)
{
    uint64_t unseen = view_unseen(&tui->view);
    const struct people *people = client_people(chat_client(tui->chat));
    if (tui->hint) {
        buf_append(out, slice_text(tui->hint));
    } else if (unseen > 0) {
        buf_printf(out, "%llu new below", (unsigned long long)unseen);
    } else if (!tui->view.follows) {
        buf_append(out, SLICE("more below"));
    } else {
        buf_printf(out, "%s  %zu here", tui->server, people_count(people));
    }
}

static void draw(struct tui *tui)
{
    const struct client *client = chat_client(tui->chat);
    struct buf status, right;
    buf_init(&status, STATUS_MAX);
    buf_init(&right, STATUS_MAX);
    bool alarm = telling_state(&status, client, clock_mono_ms());
    if (tui->quitting) {
        buf_clear(&status);
        buf_append(&status, SLICE("signing out ..."));
    }
    put_note(tui, &right);
    const struct scene scene = {.view = &tui->view,
                                .people = client_people(client),
                                .me = client_name(client),
                                .edit = &tui->edit,
                                .status = buf_slice(&status),
                                .note = buf_slice(&right),
                                .alarm = alarm};
    screen_draw(&scene);
    buf_deinit(&status);
    buf_deinit(&right);
}

static void turn(void *ctx)
{
    struct tui *tui = ctx;
    struct ev_loop *loop = chat_loop(tui->chat);
    if (!tui->open) {
        return;
    }
    if (client_state(chat_client(tui->chat)) == CLIENT_WAITING) {
        ev_timer_start(loop, &tui->countdown);
    } else {
        ev_timer_stop(loop, &tui->countdown);
    }
    if (tui->dirty) {
        tui->dirty = false;
        draw(tui);
    }
}

static void stop(void *ctx)
{
    struct tui *tui = ctx;
    struct ev_loop *loop = chat_loop(tui->chat);
    ev_io_stop(loop, &tui->input);
    ev_signal_stop(loop, &tui->resized);
    ev_timer_stop(loop, &tui->countdown);
    if (tui->open) {
        screen_close();
    }
}

const struct chat_front tui_front = {
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
