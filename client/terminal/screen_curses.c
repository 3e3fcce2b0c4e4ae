/* screen_curses.c - the terminal, by ncurses
 *
 * Nothing that a peer wrote gets here but through cells_print. */
#define NCURSES_WIDECHAR 1
#include "client/terminal/cells.h"
#include "client/terminal/screen.h"
#include "shared/utf8.h"
#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LIST_WIDTH 20      /* with the line beside it */
#define LIST_FROM_COLS 64  /* narrower: no list */
#define ROWS_BESIDE_PANE 2 /* status and input */
#define INDENT 6           /* behind the time */
#define PROMPT "> "
#define ESCAPE_MS 25
#define SHOWN_MAX 8192
#undef CTRL /* ncurses brings one that is not typed well */
#define CTRL(letter) (0x1f & (letter))

/* Keys that terminals send and ncurses has no names for. */
enum { KEY_WORD_LEFT = KEY_MAX + 1, KEY_WORD_RIGHT, KEY_TOP, KEY_BOTTOM, KEY_PASTE, KEY_PASTED };

/* "Bracketed paste", as xterm began it: terminals that know it say where what is pasted begins and
 * ends, others pass over it. */
#define MARK_PASTES "\033[?2004h"
#define MARK_NO_PASTES "\033[?2004l"

static attr_t styles[STORY_STYLES];
static attr_t alarm_attr, list_attr, me_attr;

/* ---- Start and end --------------------------------------------------------------------------- */

/* Where there are colours and they are wanted: else attributes must do. */
static void choose_styles(void)
{
    const char *no_color = getenv("NO_COLOR");
    bool colours = has_colors() && (!no_color || *no_color == '\0');
    attr_t red = A_BOLD, grey = A_DIM, cyan = A_BOLD, yellow = A_BOLD;
    if (colours && start_color() == OK && use_default_colors() == OK) {
        bool bright = COLORS >= 16;
        init_pair(1, COLOR_RED, -1);
        init_pair(2, bright ? 8 : COLOR_WHITE, -1);
        init_pair(3, COLOR_MAGENTA, -1);
        init_pair(4, COLOR_YELLOW, -1);
        red = COLOR_PAIR(1);
        grey = COLOR_PAIR(2) | (bright ? 0 : A_DIM);
        cyan = COLOR_PAIR(3);
        yellow = COLOR_PAIR(4);
    }
    styles[STORY_PRIVATE] = cyan;
    styles[STORY_WAITING] = grey;
    styles[STORY_FAILED] = red;
    styles[STORY_NOTE] = grey;
    styles[STORY_WARNING] = yellow;
    styles[STORY_DAY] = grey;
    alarm_attr = A_REVERSE | red;
    list_attr = grey;
    me_attr = A_BOLD;
}

static void name_keys(void)
{
    static const struct {
        const char *sequence;
        int key;
    } keys[] = {
        {"\033[1;5D", KEY_WORD_LEFT },
        {"\033[1;3D", KEY_WORD_LEFT },
        {"\033b",     KEY_WORD_LEFT },
        {"\033[1;5C", KEY_WORD_RIGHT},
        {"\033[1;3C", KEY_WORD_RIGHT},
        {"\033f",     KEY_WORD_RIGHT},
        {"\033[1;5H", KEY_TOP       },
        {"\033[1;5F", KEY_BOTTOM    },
        {"\033[1~",   KEY_HOME      },
        {"\033[4~",   KEY_END       },
        {"\033OH",    KEY_HOME      },
        {"\033OF",    KEY_END       },
        {"\033[H",    KEY_HOME      },
        {"\033[F",    KEY_END       },
        {"\033[200~", KEY_PASTE     },
        {"\033[201~", KEY_PASTED    },
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        (void)define_key(keys[i].sequence, keys[i].key);
    }
}

static void say(const char *sequence)
{
    (void)fputs(sequence, stdout);
    (void)fflush(stdout);
}

void screen_close(void)
{
    say(MARK_NO_PASTES);
    SCREEN *screen = set_term(NULL);
    set_term(screen);
    endwin();
    delscreen(screen);
}

bool screen_open(void)
{
    static SCREEN *screen;
    screen = newterm(NULL, stdout, stdin);
    if (!screen) {
        return false;
    }
    if (!tigetstr("cup")) { /* TERM=dumb: nothing can be put where it belongs */
        screen_close();
        return false;
    }
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(ESCAPE_MS);
    choose_styles();
    name_keys();
    say(MARK_PASTES);
    return true;
}

void screen_resize(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        (void)resizeterm(size.ws_row, size.ws_col);
    }
}

/* ---- Drawing --------------------------------------------------------------------------------- */

static bool has_list(void)
{
    return COLS >= LIST_FROM_COLS;
}

/* With a blank before the list. */
static unsigned pane_columns(void)
{
    return (unsigned)(has_list() ? COLS - LIST_WIDTH - 1 : COLS);
}

unsigned screen_pane_lines(void)
{
    return LINES > ROWS_BESIDE_PANE ? (unsigned)(LINES - ROWS_BESIDE_PANE) : 1;
}

/* Puts as much of the text there as fits into the columns; returns how many it took. */
static unsigned put(unsigned y, unsigned x, struct slice text, unsigned columns)
{
    struct slice head = cells_head(text, columns);
    struct buf shown;
    buf_init(&shown, SHOWN_MAX);
    cells_print(&shown, head);
    if (shown.len > 0) {
        (void)mvaddnstr((int)y, (int)x, shown.ptr, (int)shown.len);
    }
    buf_deinit(&shown);
    return cells_width(head);
}

static void put_row(void *ctx, unsigned line, const struct view_row *row)
{
    attr_t attr = styles[row->entry->style] | (row->hit ? A_REVERSE : 0);
    (void)ctx;
    (void)attrset((int)attr);
    put(line, row->indent, row->text, pane_columns() - row->indent);
    (void)attrset(A_NORMAL);
}

/* Oneself, and then the others, as many as fit; the last line says how many do not. */
static void put_list(const struct scene *scene)
{
    unsigned x = (unsigned)COLS - LIST_WIDTH, lines = screen_pane_lines();
    size_t count = people_count(scene->people);
    char text[LIST_WIDTH + 16];
    (void)attrset((int)list_attr);
    (void)mvvline(0, (int)x, ACS_VLINE, (int)lines);
    (void)snprintf(text, sizeof text, "%zu here", count);
    put(0, x + 2, slice_text(text), LIST_WIDTH - 2);
    for (unsigned i = 0; i + 1 < lines && i < count; i++) {
        const char *name = people_name(scene->people, i);
        bool full = i + 2 == lines && i + 1 < count;
        (void)snprintf(text, sizeof text, "and %zu more", count - i);
        (void)attrset((int)(full ? list_attr : strcmp(name, scene->me) == 0 ? me_attr : A_NORMAL));
        put(i + 1, x + 2, slice_text(full ? text : name), LIST_WIDTH - 2);
    }
    (void)attrset(A_NORMAL);
}

static void put_status(const struct scene *scene)
{
    unsigned y = screen_pane_lines(), columns = (unsigned)COLS;
    unsigned right = cells_width(scene->note);
    (void)attrset((int)(scene->alarm ? alarm_attr : A_REVERSE));
    (void)mvhline((int)y, 0, ' ', COLS);
    unsigned left = put(y, 1, scene->status, columns - 1);
    if (left + right + 3 <= columns) {
        put(y, columns - right - 1, scene->note, right);
    }
    (void)attrset(A_NORMAL);
}

static void put_input(const struct scene *scene)
{
    unsigned y = screen_pane_lines() + 1, prompt = sizeof PROMPT - 1, cursor;
    unsigned columns = (unsigned)COLS > prompt + 1 ? (unsigned)COLS - prompt : 1;
    struct slice shown = edit_window(scene->edit, columns, &cursor);
    put(y, 0, SLICE(PROMPT), prompt);
    put(y, prompt, shown, columns);
    (void)move((int)y, (int)(prompt + cursor));
}

void screen_draw(const struct scene *scene)
{
    (void)erase();
    view_resize(scene->view, pane_columns(), screen_pane_lines(), INDENT);
    view_show(scene->view, put_row, NULL);
    if (has_list()) {
        put_list(scene);
    }
    put_status(scene);
    put_input(scene);
    (void)refresh();
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static const struct {
    int code;
    enum key_kind kind;
    enum edit_key edit;
} keys[] = {
    {KEY_ENTER,      KEYS_ENTER,     0               },
    {'\r',           KEYS_ENTER,     0               },
    {'\n',           KEYS_ENTER,     0               },
    {KEY_UP,         KEYS_UP,        0               },
    {KEY_DOWN,       KEYS_DOWN,      0               },
    {KEY_PPAGE,      KEYS_PAGE_UP,   0               },
    {KEY_NPAGE,      KEYS_PAGE_DOWN, 0               },
    {KEY_TOP,        KEYS_TOP,       0               },
    {KEY_BOTTOM,     KEYS_BOTTOM,    0               },
    {CTRL('p'),      KEYS_OLDER,     0               },
    {CTRL('n'),      KEYS_NEWER,     0               },
    {CTRL('['),      KEYS_ESCAPE,    0               },
    {CTRL('d'),      KEYS_END,       0               },
    {CTRL('l'),      KEYS_REDRAW,    0               },
    {KEY_LEFT,       KEYS_EDIT,      EDIT_LEFT       },
    {KEY_RIGHT,      KEYS_EDIT,      EDIT_RIGHT      },
    {CTRL('b'),      KEYS_EDIT,      EDIT_LEFT       },
    {CTRL('f'),      KEYS_EDIT,      EDIT_RIGHT      },
    {KEY_HOME,       KEYS_EDIT,      EDIT_HOME       },
    {CTRL('a'),      KEYS_EDIT,      EDIT_HOME       },
    {KEY_END,        KEYS_EDIT,      EDIT_END        },
    {CTRL('e'),      KEYS_EDIT,      EDIT_END        },
    {KEY_WORD_LEFT,  KEYS_EDIT,      EDIT_WORD_LEFT  },
    {KEY_WORD_RIGHT, KEYS_EDIT,      EDIT_WORD_RIGHT },
    {KEY_BACKSPACE,  KEYS_EDIT,      EDIT_BACKSPACE  },
    {0x7f,           KEYS_EDIT,      EDIT_BACKSPACE  },
    {CTRL('h'),      KEYS_EDIT,      EDIT_BACKSPACE  },
    {KEY_DC,         KEYS_EDIT,      EDIT_DELETE     },
    {CTRL('u'),      KEYS_EDIT,      EDIT_KILL_BEFORE},
    {CTRL('k'),      KEYS_EDIT,      EDIT_KILL_BEHIND},
    {CTRL('w'),      KEYS_EDIT,      EDIT_KILL_WORD  },
};

static struct key find_key(int code)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].code == code) {
            return (struct key){.kind = keys[i].kind, .edit = keys[i].edit};
        }
    }
    return (struct key){.kind = KEYS_UNKNOWN};
}

static bool is_control(wint_t code)
{
    return code < ' ' || code == 0x7f;
}

static struct key text_key(wint_t code)
{
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        return (struct key){.kind = KEYS_UNKNOWN};
    }
    struct key key = {.kind = KEYS_TEXT};
    key.len = utf8_encode((uint32_t)code, key.text);
    return key;
}

/* What is pasted is text: its line breaks send nothing, and its controls do nothing. */
static struct key pasted_key(wint_t code)
{
    if (code == '\r' || code == '\n') {
        return text_key('\n');
    }
    if (is_control(code) && code != '\t') {
        return (struct key){.kind = KEYS_UNKNOWN};
    }
    return text_key(code);
}

struct key screen_key(void)
{
    static bool pasting;
    wint_t code;
    int got = get_wch(&code);
    if (got == ERR) {
        return (struct key){.kind = KEYS_NONE};
    }
    if (got == KEY_CODE_YES) {
        pasting = code == KEY_PASTE; /* should its end be lost, any other key is one */
        return find_key((int)code);
    }
    if (pasting) {
        return pasted_key(code);
    }
    return is_control(code) ? find_key((int)code) : text_key(code);
}
