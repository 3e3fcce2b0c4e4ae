/* fuzz_cells.c - whatever a peer writes: what is shown of it is printable UTF-8 without any control
 * or change of direction, as wide as was said, and shown again it is the same; rows hold all of it
 * and are no wider than they may be */
#include "client/terminal/wrap.h"
#include "shared/utf8.h"
#include "tests/support/fuzz.h"

#include <locale.h>

/* U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+206F */
static bool turns(const unsigned char *c)
{
    return (c[0] == 0xd8 && c[1] == 0x9c) ||
           (c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f)) ||
           (c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
           (c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xaf);
}

static bool is_printable(struct slice shown)
{
    for (size_t i = 0; i < shown.len; i++) {
        unsigned char c[3] = {0xff, 0xff, 0xff};
        memcpy(c, shown.ptr + i, shown.len - i < 3 ? shown.len - i : 3);
        if (c[0] < ' ' || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0) || turns(c)) {
            return false;
        }
    }
    return utf8_valid(shown);
}

static void check_cells(struct slice text)
{
    struct slice rest = text;
    struct cell cell;
    size_t len = 0;
    unsigned width = 0;
    while (cell_next(&rest, &cell)) {
        HOLDS(cell.bytes.len > 0 && cell.bytes.ptr == text.ptr + len);
        HOLDS(cell.shown_len <= CELL_SHOWN_MAX);
        len += cell.bytes.len;
        width += cell.width;
    }
    HOLDS(len == text.len && width == cells_width(text));
}

static void check_shown(struct slice text)
{
    struct buf once, twice;
    buf_init(&once, SIZE_MAX);
    buf_init(&twice, SIZE_MAX);
    HOLDS(cells_print(&once, text) && cells_print(&twice, buf_slice(&once)));
    HOLDS(is_printable(buf_slice(&once)));
    HOLDS(slice_equal(buf_slice(&once), buf_slice(&twice)));
    HOLDS(cells_width(text) == cells_width(buf_slice(&once)));
    buf_deinit(&once);
    buf_deinit(&twice);
}

static void check_rows(struct slice text, unsigned columns)
{
    struct wrap wrap = {columns, columns / 3};
    struct slice rest = text;
    unsigned count = 0;
    do {
        struct slice before = rest, row = wrap_next(&rest, wrap, count == 0), one = row;
        struct cell cell = {0};
        HOLDS(rest.len < before.len || before.len == 0);
        HOLDS(fuzz_inside(row, text));
        bool alone = cell_next(&one, &cell) && one.len == 0;
        HOLDS(alone || cells_width(row) <= (count == 0 ? columns : columns - wrap.indent) ||
              cell.width == 0);
        count++;
    } while (rest.len > 0);
    HOLDS(count == wrap_count(text, wrap));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = fuzz_input(data, size);
    unsigned columns = 1 + fuzz_byte(&in) % 40;
    struct slice text = exact_copy(in);
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    check_cells(text);
    check_shown(text);
    check_rows(text, columns);
    exact_free(text);
    return 0;
}
