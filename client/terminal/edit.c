/* edit.c - the line that is being typed */
#include "client/terminal/edit.h"
#include "client/terminal/cells.h"
#include <string.h>

void edit_init(struct edit *e)
{
    buf_init(&e->text, EDIT_MAX);
    e->cursor = 0;
}

void edit_deinit(struct edit *e)
{
    buf_deinit(&e->text);
}

static struct slice before(const struct edit *e)
{
    return slice_head(buf_slice(&e->text), e->cursor);
}

static struct slice behind(const struct edit *e)
{
    return slice_tail(buf_slice(&e->text), e->cursor);
}

/* Replaces the bytes from..to by others and sets the cursor behind these. */
static bool replace(struct edit *e, size_t from, size_t to, struct slice with)
{
    size_t rest = e->text.len - to;
    if (e->text.len - (to - from) + with.len > EDIT_MAX) {
        return false;
    }
    for (size_t i = to - from; i < with.len; i++) { /* room */
        if (!buf_byte(&e->text, ' ')) {
            return false;
        }
    }
    if (!e->text.ptr) {
        return true;
    }
    memmove(e->text.ptr + from + with.len, e->text.ptr + to, rest);
    if (with.len > 0) {
        memcpy(e->text.ptr + from, with.ptr, with.len);
    }
    e->text.len = from + with.len + rest;
    e->text.ptr[e->text.len] = '\0';
    e->cursor = from + with.len;
    return true;
}

bool edit_insert(struct edit *e, struct slice utf8)
{
    return replace(e, e->cursor, e->cursor, utf8);
}

void edit_set(struct edit *e, struct slice text)
{
    buf_clear(&e->text);
    buf_append(&e->text, slice_head(text, EDIT_MAX));
    e->cursor = e->text.len;
}

static size_t right_of(const struct edit *e)
{
    struct slice rest = behind(e);
    struct cell cell;
    return cell_next(&rest, &cell) ? e->cursor + cell.bytes.len : e->cursor;
}

/* Cells are known from the front only. */
static size_t left_of(const struct edit *e)
{
    struct slice rest = before(e);
    struct cell cell;
    size_t last = 0;
    while (cell_next(&rest, &cell)) {
        last = cell.bytes.len;
    }
    return e->cursor - last;
}

static size_t word_left_of(const struct edit *e)
{
    size_t at = e->cursor;
    while (at > 0 && e->text.ptr[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && e->text.ptr[at - 1] != ' ') {
        at--;
    }
    return at;
}

static size_t word_right_of(const struct edit *e)
{
    size_t at = e->cursor;
    while (at < e->text.len && e->text.ptr[at] == ' ') {
        at++;
    }
    while (at < e->text.len && e->text.ptr[at] != ' ') {
        at++;
    }
    return at;
}

static size_t home_of(const struct edit *e)
{
    (void)e;
    return 0;
}

static size_t end_of(const struct edit *e)
{
    return e->text.len;
}

/* A key goes to a place; or takes away what lies between it and the cursor. */
static const struct {
    size_t (*place)(const struct edit *e);
    bool kills;
} keys[EDIT_KEYS] = {
    [EDIT_LEFT] = {left_of,       false},
      [EDIT_RIGHT] = {right_of,      false},
    [EDIT_HOME] = {home_of,       false},
      [EDIT_END] = {end_of,        false},
    [EDIT_WORD_LEFT] = {word_left_of,  false},
      [EDIT_WORD_RIGHT] = {word_right_of, false},
    [EDIT_BACKSPACE] = {left_of,       true },
      [EDIT_DELETE] = {right_of,      true },
    [EDIT_KILL_BEFORE] = {home_of,       true },
      [EDIT_KILL_BEHIND] = {end_of,        true },
    [EDIT_KILL_WORD] = {word_left_of,  true },
};

void edit_key(struct edit *e, enum edit_key key)
{
    size_t place = keys[key].place(e);
    if (!keys[key].kills) {
        e->cursor = place;
    } else if (place < e->cursor) {
        (void)replace(e, place, e->cursor, SLICE(""));
    } else {
        (void)replace(e, e->cursor, place, SLICE(""));
    }
}

struct slice edit_window(const struct edit *e, unsigned columns, unsigned *cursor_column)
{
    struct slice left = before(e);
    unsigned width = cells_width(left);
    struct cell cell;
    while (width >= columns && cell_next(&left, &cell)) {
        width -= cell.width;
    }
    *cursor_column = width;
    struct slice text = slice_tail(buf_slice(&e->text), e->cursor - left.len);
    return cells_head(text, columns);
}
