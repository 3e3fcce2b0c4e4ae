/* metrics.c - counters, gauges and histograms as text */
#include "shared/metrics.h"

#define US_PER_S 1000000U

static const uint64_t bounds_us[HISTOGRAM_BOUNDS] = {
    250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000};

void histogram_add(struct histogram *h, uint64_t us)
{
    size_t i = 0;

    while (i < HISTOGRAM_BOUNDS && us > bounds_us[i]) {
        i++;
    }
    h->at[i]++;
    h->sum_us += us;
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

/* Backslash and line feed, and in a label also the quote, would end what they stand in. */
static void put_escaped(struct buf *out, const char *text, bool label)
{
    for (; *text; text++) {
        if (*text == '\n') {
            buf_append(out, SLICE("\\n"));
            continue;
        }
        if (*text == '\\' || (label && *text == '"')) {
            buf_byte(out, '\\');
        }
        buf_byte(out, *text);
    }
}

/* 250 is 0.00025, 1500000 is 1.5. */
static void put_seconds(struct buf *out, uint64_t us)
{
    uint64_t rest = us % US_PER_S;

    buf_u64(out, us / US_PER_S);
    if (rest > 0) {
        buf_byte(out, '.');
    }
    for (; rest > 0; rest = rest * 10 % US_PER_S) { /* one digit after the other */
        buf_byte(out, (char)('0' + rest * 10 / US_PER_S));
    }
}

static void put_number(struct buf *out, uint64_t value)
{
    buf_byte(out, ' ');
    buf_u64(out, value);
    buf_byte(out, '\n');
}

static void put_time(struct buf *out, uint64_t us)
{
    buf_byte(out, ' ');
    put_seconds(out, us);
    buf_byte(out, '\n');
}

/* One sample's place among the values of its labels. */
struct place {
    const struct metric *metric;
    size_t a, b;
};

static void put_label(struct buf *out, char before, const char *name, const char *value)
{
    buf_byte(out, before);
    buf_append(out, slice_text(name));
    buf_append(out, SLICE("=\""));
    put_escaped(out, value, true);
    buf_byte(out, '"');
}

/* The labels without the brace that ends them; returns what stands before a further one. */
static char put_labels(struct buf *out, const struct place *p)
{
    char before = '{';

    if (p->metric->a.name) {
        put_label(out, before, p->metric->a.name, p->metric->a.values[p->a]);
        before = ',';
    }
    if (p->metric->b.name) {
        put_label(out, before, p->metric->b.name, p->metric->b.values[p->b]);
        before = ',';
    }
    return before;
}

/* Name, suffix and labels of a sample. */
static void put_name(struct buf *out, const struct place *p, const char *suffix)
{
    buf_append(out, slice_text(p->metric->name));
    buf_append(out, slice_text(suffix));
    if (put_labels(out, p) == ',') {
        buf_byte(out, '}');
    }
}

/* ---- Samples --------------------------------------------------------------------------------- */

static void put_bucket(struct buf *out, const struct place *p, size_t i, uint64_t value)
{
    buf_append(out, slice_text(p->metric->name));
    buf_append(out, SLICE("_bucket"));
    buf_byte(out, put_labels(out, p));
    buf_append(out, SLICE("le=\""));
    if (i < HISTOGRAM_BOUNDS) {
        put_seconds(out, bounds_us[i]);
    } else {
        buf_append(out, SLICE("+Inf"));
    }
    buf_append(out, SLICE("\"}"));
    put_number(out, value);
}

static void put_histogram(struct buf *out, const struct place *p, const struct histogram *h)
{
    uint64_t total = 0;

    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        total += h->at[i];
        put_bucket(out, p, i, total);
    }
    put_name(out, p, "_sum");
    put_time(out, h->sum_us);
    put_name(out, p, "_count");
    put_number(out, total);
}

/* How many values a label has; one without a name stands for none. */
static size_t values_of(const struct metric_label *label)
{
    return label->name ? label->count : 1;
}

static void put_sample(struct buf *out, const struct place *p, const char *values)
{
    const struct metric *m = p->metric;
    size_t i = p->a * values_of(&m->b) + p->b;

    if (m->kind == METRIC_TIME) {
        put_histogram(out, p, (const struct histogram *)(const void *)values + i);
        return;
    }
    uint64_t value = ((const uint64_t *)(const void *)values)[i];
    put_name(out, p, "");
    if (m->kind == METRIC_COUNTER_US || m->kind == METRIC_GAUGE_US) {
        put_time(out, value);
    } else {
        put_number(out, value);
    }
}

static void put_head(struct buf *out, const struct metric *m)
{
    static const char *const types[METRIC_KINDS] = {[METRIC_COUNTER] = "counter",
                                                    [METRIC_COUNTER_US] = "counter",
                                                    [METRIC_GAUGE] = "gauge",
                                                    [METRIC_GAUGE_US] = "gauge",
                                                    [METRIC_TIME] = "histogram"};

    buf_printf(out, "# HELP %s ", m->name);
    put_escaped(out, m->help, false);
    buf_printf(out, "\n# TYPE %s %s\n", m->name, types[m->kind]);
}

static void put_row(struct buf *out, const struct metric *m, const char *stats)
{
    struct place p = {.metric = m};

    if (values_of(&m->a) == 0) {
        return; /* there is nothing of it yet */
    }
    put_head(out, m);
    for (p.a = 0; p.a < values_of(&m->a); p.a++) {
        for (p.b = 0; p.b < values_of(&m->b); p.b++) {
            put_sample(out, &p, stats + m->at);
        }
    }
}

void metrics_write(struct buf *out, const struct metric *table, size_t count, const void *stats)
{
    for (size_t i = 0; i < count; i++) {
        put_row(out, &table[i], stats);
    }
}
