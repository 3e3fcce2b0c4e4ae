/* metrics.h - what a service has counted, as text for Prometheus (exposition format 0.0.4); pure
 *
 * Each module counts in a small struct of its own; a table beside says what stands at which place
 * in it.  Nothing here is ever a peer's: names, help and labels are literals of ours, so that no
 * stranger can make a new series. */
#ifndef PARLEY_METRICS_H
#define PARLEY_METRICS_H

#include "shared/buf.h"

#include <stddef.h>

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_MAX ((size_t)256 << 10) /* bytes of all that one service says */

/* ---- Histograms of times ----------------------------------------------------------------------
 */

/* Upper bounds from 250 us to 2.5 s, the same everywhere, so that they can be added up. */
#define HISTOGRAM_BOUNDS 13

/* Zeroed = nothing seen.  Each observation counts in one place. */
struct histogram {
    uint64_t at[HISTOGRAM_BOUNDS + 1]; /* the last: above all bounds */
    uint64_t sum_us;
};
void histogram_add(struct histogram *h, uint64_t us);

/* ---- Tables -----------------------------------------------------------------------------------
 */

enum metric_kind {
    METRIC_COUNTER = 0, /* uint64_t; its name ends in _total */
    METRIC_COUNTER_US,  /* the same, of microseconds, told as seconds */
    METRIC_GAUGE,       /* uint64_t */
    METRIC_GAUGE_US,
    METRIC_TIME, /* struct histogram; its name ends in _seconds */
    METRIC_KINDS
};

/* A label and its fixed set of values. */
struct metric_label {
    const char *name;
    const char *const *values;
    size_t count;
};

struct metric {
    const char *name, *help;
    enum metric_kind kind;
    size_t at; /* offset of the value in its struct; with labels, of an array: [a] or [a][b] */
    struct metric_label a, b; /* name NULL: there is none */
};

/* Rows of a table: METRIC_COUNTER, "parley_x_total", "What it is.", struct x_stats, member.  _BY
 * has a label (`member` is an array), _BY2 two. */
/* clang-format off */
/* NOLINTBEGIN(bugprone-macro-parentheses): a_ and b_ are initialisers */
#define METRIC(kind_, name_, help_, type_, member_)                                                \
    {.name = (name_), .help = (help_), .kind = (kind_), .at = offsetof(type_, member_)}
#define METRIC_BY(kind_, name_, help_, type_, member_, a_)                                         \
    {.name = (name_), .help = (help_), .kind = (kind_), .at = offsetof(type_, member_), .a = a_}
#define METRIC_BY2(kind_, name_, help_, type_, member_, a_, b_)                                    \
    {.name = (name_), .help = (help_), .kind = (kind_), .at = offsetof(type_, member_),            \
     .a = a_, .b = b_}
/* NOLINTEND(bugprone-macro-parentheses) */
/* `values_`: an array of literals. */
#define METRIC_LABEL(name_, values_) {(name_), (values_), sizeof(values_) / sizeof((values_)[0])}
/* clang-format on */

/* Appends every row of the table with what stands in `stats`; out->failed when it did not fit. */
void metrics_write(struct buf *out, const struct metric *table, size_t count, const void *stats);

#endif
