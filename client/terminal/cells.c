/* cells.c - text as the terminal's cells */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): the standard's name for asking for wcwidth */
#define _XOPEN_SOURCE 700
#include "client/terminal/cells.h"
#include "shared/utf8.h"
#include <stdio.h>
#include <string.h>
#include <wchar.h>

struct range {
    uint32_t first, last;
};

/* What moves the cursor, ends a line or turns the direction of writing. */
static const struct range dangerous[] = {
    {0x00,   0x1f  },
    {0x7f,   0x9f  }, /* DEL and C1 */
    {0x61c,  0x61c },
    {0x200e, 0x200f},
    {0x2028, 0x202e},
    {0x2066, 0x206f},
    {0xfff9, 0xfffb},
};

/* What is not seen by itself. */
static const struct range unseen[] = {
    {0xad,    0xad   },
    {0x34f,   0x34f  },
    {0x180b,  0x180f },
    {0x200b,  0x200d },
    {0x2060,  0x2065 },
    {0xfe00,  0xfe0f },
    {0xfeff,  0xfeff },
    {0xe0000, 0xe0fff},
};

static bool is_in(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last) {
            return true;
        }
    }
    return false;
}
#define IS_IN(table, c) is_in((table), sizeof(table) / sizeof *(table), (c))

/* How long a character is that begins with that byte; 0: none does. */
static size_t utf8_length(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2) {
        return 0;
    }
    if (first < 0xe0) {
        return 2;
    }
    return first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

bool cells_code_point(struct slice *rest, uint32_t *out)
{
    unsigned char first = (unsigned char)rest->ptr[0];
    size_t n = utf8_length(first);
    bool good = n > 0 && n <= rest->len && utf8_valid(slice_head(*rest, n));
    if (!good || n == 1) {
        *out = first;
        *rest = slice_tail(*rest, 1);
        return good;
    }
    uint32_t c = first & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        c = c << 6 | ((unsigned char)rest->ptr[i] & 0x3fU);
    }
    *out = c;
    *rest = slice_tail(*rest, n);
    return true;
}

static int width_of(uint32_t c)
{
    return wcwidth((wchar_t)c);
}

static void show_escape(struct cell *cell, uint32_t c, bool byte)
{
    char text[CELL_SHOWN_MAX];
    int n;
    if (byte || c < 0x80) {
        n = snprintf(text, sizeof text, "\\x%02x", (unsigned)c);
    } else if (c <= 0xffff) {
        n = snprintf(text, sizeof text, "\\u%04x", (unsigned)c);
    } else {
        n = snprintf(text, sizeof text, "\\U%08x", (unsigned)c);
    }
    memcpy(cell->shown, text, (size_t)n);
    cell->shown_len = (size_t)n;
    cell->width = (unsigned)n;
}

static void show(struct cell *cell, uint32_t c)
{
    char bytes[4];
    size_t n = utf8_encode(c, bytes);
    if (cell->shown_len + n <= CELL_SHOWN_MAX) {
        memcpy(cell->shown + cell->shown_len, bytes, n);
        cell->shown_len += n;
    }
}

/* The character itself; false if it can carry no marks. */
static bool take_base(struct slice *rest, struct cell *out)
{
    uint32_t c;
    if (!cells_code_point(rest, &c)) {
        show_escape(out, c, true);
        return false;
    }
    if (IS_IN(unseen, c)) {
        return true;
    }
    int width = width_of(c);
    if (IS_IN(dangerous, c) || width < 0) {
        show_escape(out, c, false);
        return false;
    }
    if (width == 0) { /* a mark that has nothing to stand on */
        show(out, ' ');
        width = 1;
    }
    show(out, c);
    out->width = (unsigned)width;
    return true;
}

/* What combines with the character before it. */
static void take_marks(struct slice *rest, struct cell *out)
{
    unsigned marks = out->shown[0] == ' ' && out->shown_len > 1; /* one that stands alone */
    while (rest->len > 0) {
        struct slice behind = *rest;
        uint32_t c;
        if (!cells_code_point(&behind, &c)) {
            return;
        }
        bool hidden = IS_IN(unseen, c);
        if (!hidden && (IS_IN(dangerous, c) || width_of(c) != 0)) {
            return;
        }
        if (!hidden && out->width > 0 && marks++ < CELL_MARKS_MAX) {
            show(out, c);
        }
        *rest = behind;
    }
}

bool cell_next(struct slice *rest, struct cell *out)
{
    struct slice text = *rest;
    if (text.len == 0) {
        return false;
    }
    *out = (struct cell){0};
    if (take_base(rest, out) && out->width > 0) {
        take_marks(rest, out);
    }
    out->bytes = slice_head(text, text.len - rest->len);
    return true;
}

unsigned cells_width(struct slice text)
{
    struct cell cell;
    unsigned width = 0;
    while (cell_next(&text, &cell)) {
        width += cell.width;
    }
    return width;
}

bool cells_print(struct buf *out, struct slice text)
{
    struct cell cell;
    while (cell_next(&text, &cell)) {
        buf_append(out, (struct slice){cell.shown, cell.shown_len});
    }
    return !out->failed;
}

struct slice cells_head(struct slice text, unsigned columns)
{
    struct slice rest = text;
    struct cell cell;
    size_t len = 0;
    while (cell_next(&rest, &cell) && cell.width <= columns) {
        columns -= cell.width;
        len += cell.bytes.len;
    }
    return slice_head(text, len);
}
