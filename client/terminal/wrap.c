/* wrap.c - a text cut into rows of the screen */
#include "client/terminal/wrap.h"

static struct slice without_blanks(struct slice row)
{
    while (row.len > 0 && row.ptr[row.len - 1] == ' ') {
        row.len--;
    }
    return row;
}

static bool is(const struct cell *cell, char c)
{
    return cell->bytes.len == 1 && cell->bytes.ptr[0] == c;
}

/* Where a row ends that begins there; *soft: behind its last blank, 0 if it has none. */
static size_t row_end(struct slice text, unsigned columns, size_t *soft)
{
    struct slice rest = text;
    struct cell cell;
    size_t end = 0;
    unsigned width = 0;
    *soft = 0;
    while (cell_next(&rest, &cell)) {
        bool blank = is(&cell, ' '); /* may stand over the edge */
        bool fits = width + cell.width <= columns || blank;
        if (is(&cell, '\n') || (!fits && width > 0)) {
            break;
        }
        width += cell.width;
        end += cell.bytes.len;
        if (blank) {
            *soft = end;
        }
    }
    return end;
}

struct slice wrap_next(struct slice *rest, struct wrap wrap, bool first)
{
    struct slice text = *rest;
    size_t soft;
    size_t end = row_end(text, first ? wrap.columns : wrap.columns - wrap.indent, &soft);
    if (end == text.len) {
        *rest = slice_tail(text, end);
        return without_blanks(text);
    }
    if (text.ptr[end] == '\n') {
        *rest = slice_tail(text, end + 1);
        return without_blanks(slice_head(text, end));
    }
    end = soft > 0 ? soft : end;
    *rest = slice_tail(text, end);
    return without_blanks(slice_head(text, end));
}

unsigned wrap_count(struct slice text, struct wrap wrap)
{
    unsigned count = 0;
    do {
        (void)wrap_next(&text, wrap, count == 0);
        count++;
    } while (text.len > 0);
    return count;
}
