/* test_metrics.c - what is written for Prometheus, byte by byte */
#include "shared/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after those it needs */
#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

struct counts {
    uint64_t one;
    uint64_t by[2];
    uint64_t grid[2][3];
    uint64_t us;
    struct histogram time;
    struct histogram times[2];
};

static const char *const pair[] = {"a", "b"};
static const char *const triple[] = {"x", "y", "z"};
static const char *const odd[] = {"say \"hi\"", "back\\slash\nline"};
static const struct counts sample = {
    .one = 7, .by = {1,         2                 },
         .grid = {{1, 2, 3}, {4, 5, UINT64_MAX}},
         .us = 1500000
};

/* The text of one row. */
static const char *write_row(const struct metric *row, const struct counts *counts)
{
    static char text[8192];
    struct buf out;

    buf_init(&out, sizeof text - 1);
    metrics_write(&out, row, 1, counts);
    assert_false(out.failed);
    snprintf(text, sizeof text, "%s", out.len > 0 ? out.ptr : "");
    buf_deinit(&out);
    return text;
}

/* clang-format off */
static void rows_become_text(void **state)
{
    static const struct {
        struct metric row;
        const char *text;
    } cases[] = {
        {METRIC(METRIC_COUNTER, "n_total", "Things.", struct counts, one),
         "# HELP n_total Things.\n# TYPE n_total counter\nn_total 7\n"},
        {METRIC(METRIC_GAUGE, "n", "Things.", struct counts, one),
         "# HELP n Things.\n# TYPE n gauge\nn 7\n"},
        {METRIC(METRIC_GAUGE_US, "n_seconds", "Time.", struct counts, us),
         "# HELP n_seconds Time.\n# TYPE n_seconds gauge\nn_seconds 1.5\n"},
        {METRIC(METRIC_COUNTER_US, "n_seconds_total", "Time.", struct counts, us),
         "# HELP n_seconds_total Time.\n# TYPE n_seconds_total counter\nn_seconds_total 1.5\n"},
        {METRIC_BY(METRIC_GAUGE, "n", "h", struct counts, by, METRIC_LABEL("k", pair)),
         "# HELP n h\n# TYPE n gauge\nn{k=\"a\"} 1\nn{k=\"b\"} 2\n"},
        {METRIC_BY2(METRIC_GAUGE, "n", "h", struct counts, grid, METRIC_LABEL("k", pair),
                    METRIC_LABEL("l", triple)),
         "# HELP n h\n# TYPE n gauge\n"
         "n{k=\"a\",l=\"x\"} 1\nn{k=\"a\",l=\"y\"} 2\nn{k=\"a\",l=\"z\"} 3\n"
         "n{k=\"b\",l=\"x\"} 4\nn{k=\"b\",l=\"y\"} 5\nn{k=\"b\",l=\"z\"} 18446744073709551615\n"},
        {METRIC_BY(METRIC_GAUGE, "n", "say \"hi\"\\\n", struct counts, by, METRIC_LABEL("k", odd)),
         "# HELP n say \"hi\"\\\\\\n\n# TYPE n gauge\n"
         "n{k=\"say \\\"hi\\\"\"} 1\nn{k=\"back\\\\slash\\nline\"} 2\n"},
        {METRIC_BY(METRIC_GAUGE, "n", "h", struct counts, by, {.name = "k"}), ""},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        assert_string_equal(write_row(&cases[i].row, &sample), cases[i].text);
    }
}
/* clang-format on */

static void times_are_told_in_seconds(void **state)
{
    static const struct {
        uint64_t us;
        const char *text;
    } cases[] = {
        {0,          "0"                    },
        {1,          "0.000001"             },
        {10,         "0.00001"              },
        {100000,     "0.1"                  },
        {999999,     "0.999999"             },
        {1000000,    "1"                    },
        {1000001,    "1.000001"             },
        {1050000,    "1.05"                 },
        {UINT64_MAX, "18446744073709.551615"},
    };
    const struct metric row = METRIC(METRIC_GAUGE_US, "n", "h", struct counts, us);

    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        const struct counts counts = {.us = cases[i].us};
        const char *text = write_row(&row, &counts);
        char line[64];
        snprintf(line, sizeof line, "\nn %s\n", cases[i].text);
        if (!strstr(text, line)) {
            fail_msg("%llu: %s", (unsigned long long)cases[i].us, text);
        }
    }
}

/* Just below, at and just above each bound. */
static void each_time_falls_under_its_bound(void **state)
{
    static const uint64_t bounds[] = {250,   500,    1000,   2500,   5000,    10000,  25000,
                                      50000, 100000, 250000, 500000, 1000000, 2500000};

    (void)state;
    assert_int_equal(ROWS(bounds), HISTOGRAM_BOUNDS);
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        struct histogram h = {0};
        histogram_add(&h, bounds[i] - 1);
        histogram_add(&h, bounds[i]);
        histogram_add(&h, bounds[i] + 1);
        assert_int_equal(h.at[i], 2);
        assert_int_equal(h.at[i + 1], 1);
        assert_int_equal(h.sum_us, 3 * bounds[i]);
    }
    struct histogram far = {0};
    histogram_add(&far, 0);
    histogram_add(&far, UINT64_MAX / 2);
    assert_int_equal(far.at[0], 1);
    assert_int_equal(far.at[HISTOGRAM_BOUNDS], 1);
}

static void a_histogram_adds_up(void **state)
{
    static const char whole[] = "# HELP t_seconds h\n# TYPE t_seconds histogram\n"
                                "t_seconds_bucket{le=\"0.00025\"} 1\n"
                                "t_seconds_bucket{le=\"0.0005\"} 1\n"
                                "t_seconds_bucket{le=\"0.001\"} 3\n"
                                "t_seconds_bucket{le=\"0.0025\"} 3\n"
                                "t_seconds_bucket{le=\"0.005\"} 3\n"
                                "t_seconds_bucket{le=\"0.01\"} 3\n"
                                "t_seconds_bucket{le=\"0.025\"} 3\n"
                                "t_seconds_bucket{le=\"0.05\"} 3\n"
                                "t_seconds_bucket{le=\"0.1\"} 3\n"
                                "t_seconds_bucket{le=\"0.25\"} 3\n"
                                "t_seconds_bucket{le=\"0.5\"} 3\n"
                                "t_seconds_bucket{le=\"1\"} 3\n"
                                "t_seconds_bucket{le=\"2.5\"} 3\n"
                                "t_seconds_bucket{le=\"+Inf\"} 4\n"
                                "t_seconds_sum 3.0017\nt_seconds_count 4\n";
    const struct metric row = METRIC(METRIC_TIME, "t_seconds", "h", struct counts, time);
    const struct metric by =
        METRIC_BY(METRIC_TIME, "t_seconds", "h", struct counts, times, METRIC_LABEL("k", pair));
    struct counts counts = {0};

    (void)state;
    histogram_add(&counts.time, 100);
    histogram_add(&counts.time, 700);
    histogram_add(&counts.time, 900);
    histogram_add(&counts.time, 3000000);
    assert_string_equal(write_row(&row, &counts), whole);
    counts.times[1] = counts.time;
    const char *text = write_row(&by, &counts);
    assert_non_null(strstr(text, "\nt_seconds_bucket{k=\"a\",le=\"+Inf\"} 0\n"));
    assert_non_null(strstr(text, "\nt_seconds_count{k=\"a\"} 0\n"));
    assert_non_null(strstr(text, "\nt_seconds_bucket{k=\"b\",le=\"0.001\"} 3\n"));
    assert_non_null(strstr(text, "\nt_seconds_sum{k=\"b\"} 3.0017\nt_seconds_count{k=\"b\"} 4\n"));
}

/* Every size below the whole is told as a failure, so that nobody takes a part for all. */
static void what_does_not_fit_is_told(void **state)
{
    const struct metric row = METRIC_BY2(METRIC_GAUGE, "n", "h", struct counts, grid,
                                         METRIC_LABEL("k", pair), METRIC_LABEL("l", triple));
    size_t whole = strlen(write_row(&row, &sample));

    (void)state;
    for (size_t max = 0; max <= whole; max++) {
        struct buf out;
        buf_init(&out, max);
        metrics_write(&out, &row, 1, &sample);
        assert_int_equal(out.failed, max < whole);
        assert_true(out.len <= max);
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_text),
        cmocka_unit_test(times_are_told_in_seconds),
        cmocka_unit_test(each_time_falls_under_its_bound),
        cmocka_unit_test(a_histogram_adds_up),
        cmocka_unit_test(what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
