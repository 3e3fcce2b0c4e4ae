/* view.c - the part of a story that is on the screen */
#include "client/terminal/view.h"

void view_init(struct view *v, const struct story *story)
{
    *v = (struct view){
        .story = story, .wrap = {80, 0},
             .lines = 1, .follows = true
    };
    buf_init(&v->searched, VIEW_SEARCH_MAX);
}

void view_deinit(struct view *v)
{
    buf_deinit(&v->searched);
}

static unsigned rows_of(const struct view *v, uint64_t seq)
{
    const struct entry *entry = story_entry(v->story, seq);
    return entry ? wrap_count(buf_slice(&entry->text), v->wrap) : 0;
}

static void to_last(struct view *v)
{
    unsigned rows;
    v->bottom = story_last(v->story);
    rows = rows_of(v, v->bottom);
    v->bottom_row = rows > 0 ? rows - 1 : 0;
}

/* After the story or the size has changed: a lowest row that exists. */
static void settle(struct view *v)
{
    if (v->follows || v->bottom > story_last(v->story)) {
        to_last(v);
        return;
    }
    if (v->bottom < story_first(v->story)) {
        v->bottom = story_first(v->story);
        v->bottom_row = 0;
    }
    unsigned rows = rows_of(v, v->bottom);
    if (rows > 0 && v->bottom_row >= rows) {
        v->bottom_row = rows - 1;
    }
}

void view_resize(struct view *v, unsigned columns, unsigned lines, unsigned indent)
{
    v->wrap.columns = columns > 0 ? columns : 1;
    v->wrap.indent = indent < v->wrap.columns / 2 ? indent : 0;
    v->lines = lines > 0 ? lines : 1;
    settle(v);
}

/* One row; false at the end of the story. */
static bool step_up(struct view *v)
{
    if (v->bottom_row > 0) {
        v->bottom_row--;
        return true;
    }
    if (v->bottom <= story_first(v->story)) {
        return false;
    }
    v->bottom--;
    v->bottom_row = rows_of(v, v->bottom) - 1;
    return true;
}

static bool step_down(struct view *v)
{
    if (v->bottom_row + 1 < rows_of(v, v->bottom)) {
        v->bottom_row++;
        return true;
    }
    if (v->bottom >= story_last(v->story)) {
        return false;
    }
    v->bottom++;
    v->bottom_row = 0;
    return true;
}

/* The lowest row lies so far down that those above it fill the pane. */
static void fill(struct view *v)
{
    struct view top = *v;
    unsigned above = 1;
    while (above < v->lines && step_up(&top)) {
        above++;
    }
    for (; above < v->lines && step_down(v); above++) {
    }
}

static bool is_at_end(const struct view *v)
{
    return v->bottom >= story_last(v->story) && v->bottom_row + 1 >= rows_of(v, v->bottom);
}

void view_scroll(struct view *v, int rows)
{
    settle(v);
    for (; rows > 0 && step_up(v); rows--) {
    }
    for (; rows < 0 && step_down(v); rows++) {
    }
    fill(v);
    v->follows = is_at_end(v);
}

void view_to_end(struct view *v)
{
    v->follows = true;
    settle(v);
}

void view_to_start(struct view *v)
{
    v->bottom = story_first(v->story);
    v->bottom_row = 0;
    fill(v);
    v->follows = is_at_end(v);
}

/* ---- Search ---------------------------------------------------------------------------------- */

bool view_search(struct view *v, struct slice text, bool older)
{
    uint64_t from = v->hit;
    settle(v);
    if (text.len > 0) {
        buf_clear(&v->searched);
        buf_append(&v->searched, slice_head(text, VIEW_SEARCH_MAX));
        from = 0;
    }
    if (v->searched.len == 0) {
        return false;
    }
    from = from > 0 ? from : v->bottom + 1;
    uint64_t found = story_search(v->story, from, older, buf_slice(&v->searched));
    if (found == 0) {
        return false;
    }
    v->hit = found;
    v->bottom = found;
    v->bottom_row = rows_of(v, found) - 1;
    v->follows = false;
    view_scroll(v, -(int)(v->lines / 2)); /* to the middle */
    return true;
}

void view_search_end(struct view *v)
{
    v->hit = 0;
}

/* ---- What is seen ---------------------------------------------------------------------------- */

/* Joins, leaves and the like are nothing that one has to come back for. */
static bool is_news(const struct entry *entry)
{
    return entry && (entry->style == STORY_PLAIN || entry->style == STORY_PRIVATE);
}

uint64_t view_unseen(const struct view *v)
{
    uint64_t count = 0;
    for (uint64_t seq = v->seen + 1; !v->follows && seq <= story_last(v->story); seq++) {
        count += is_news(story_entry(v->story, seq));
    }
    return count;
}

struct painter {
    const struct view *view;
    view_fn *fn;
    void *ctx;
};

/* Paints the rows 0..row of an entry so that `row` stands on the line before `below`; returns the
 * line of its first row, or 0. */
static unsigned paint(const struct painter *p, const struct entry *entry, unsigned row,
                      unsigned below)
{
    struct slice rest = buf_slice(&entry->text);
    for (unsigned i = 0; i <= row; i++) {
        struct view_row out = {entry, wrap_next(&rest, p->view->wrap, i == 0),
                               i == 0 ? 0 : p->view->wrap.indent, entry->seq == p->view->hit};
        if (below + i >= row + 1) {
            p->fn(p->ctx, below + i - row - 1, &out);
        }
    }
    return below > row + 1 ? below - row - 1 : 0;
}

void view_show(struct view *v, view_fn *fn, void *ctx)
{
    const struct painter painter = {v, fn, ctx};
    const struct entry *entry;
    settle(v);
    fill(v);
    uint64_t seq = v->bottom;
    unsigned row = v->bottom_row;
    unsigned below = v->lines;
    while (below > 0 && (entry = story_entry(v->story, seq)) != NULL) {
        below = paint(&painter, entry, row, below);
        seq--;
        row = rows_of(v, seq) > 0 ? rows_of(v, seq) - 1 : 0;
    }
    v->seen = v->bottom > v->seen ? v->bottom : v->seen;
}
