#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sys/metrics.h"

static void ok(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static void is(struct buffer *out, const char *expected)
{
    const char *text = NULL;
    ok(buffer_terminate(out, &text));
    assert_string_equal(text, expected);
    buffer_done(out);
}

static void a_family_has_help_and_type(void **state)
{
    (void)state;
    struct buffer out = {0};
    ok(metrics_put(&(struct metric){"cofferdam_connected", "Whether it is."}, 1, &out));
    ok(metrics_put(&(struct metric){"cofferdam_refused_total", "How many were."}, 0, &out));
    is(&out, "# HELP cofferdam_connected Whether it is.\n# TYPE cofferdam_connected gauge\ncofferdam_connected 1\n"
             "# HELP cofferdam_refused_total How many were.\n# TYPE cofferdam_refused_total counter\n"
             "cofferdam_refused_total 0\n");
}

static void numbers_are_exact(void **state)
{
    (void)state;
    struct buffer out = {0};
    ok(metrics_sample("x", NULL, 9007199254740992.0, &out));
    ok(metrics_sample("x", NULL, 0.1, &out));
    ok(metrics_sample("x", NULL, INFINITY, &out));
    ok(metrics_sample("x", NULL, -INFINITY, &out));
    ok(metrics_sample("x", NULL, NAN, &out));
    is(&out, "x 9007199254740992\nx 0.10000000000000001\nx +Inf\nx -Inf\nx NaN\n");
}

static void a_label_cannot_leave_its_quotes(void **state)
{
    (void)state;
    struct buffer out = {0};
    const struct metric_label quotes = {"source", "a\"} 1\nb\\"}, controls = {"source", "\r\x01\x7f"},
                              utf8 = {"source", "Käufer"}, broken = {"source", "K\xe4ufer"}, empty = {"source", ""};
    ok(metrics_sample("x", &quotes, 1, &out));
    ok(metrics_sample("x", &controls, 1, &out));
    ok(metrics_sample("x", &utf8, 1, &out));
    ok(metrics_sample("x", &broken, 1, &out));
    ok(metrics_sample("x", &empty, 1, &out));
    is(&out, "x{source=\"a\\\"} 1\\nb\\\\\"} 1\nx{source=\"???\"} 1\nx{source=\"Käufer\"} 1\nx{source=\"K?ufer\"} 1\n"
             "x{source=\"\"} 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_has_help_and_type),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(a_label_cannot_leave_its_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
