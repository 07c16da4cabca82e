/* Checkpoints against the published bodies, and what their specification asks beyond them. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/log/checkpoint.h"
#include "tests/support/vectors.h"

static void published_bodies(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "03-tlog/checkpoint_bodies.json");
    size_t index, valid = 0;
    const json_t *vector;
    json_array_foreach(vectors_array(file, "cases"), index, vector)
    {
        struct checkpoint checkpoint;
        struct result parsed = checkpoint_parse(view_text(vectors_text(vector, "body")), &checkpoint);
        /* None of their roots has 32 bytes: ours takes no other, so that what they refuse is refused, and more. */
        assert_int_equal(parsed.category, CATEGORY_FALSE);
        valid += json_is_true(json_object_get(vector, "valid"));
        bool root = strstr(result_reason(), "root") != NULL;
        if (json_is_true(json_object_get(vector, "valid")) && !root)
            fail_msg("%s: %s", vectors_text(vector, "desc"), result_reason());
    }
    assert_int_equal(valid, 5);
}

/* The example of C2SP tlog-cosignature. */
static const char example[] = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

static void the_specification_s_example(void **state)
{
    (void)state;
    struct checkpoint checkpoint;
    CLEANUP(buffer_done) struct buffer again = {0}, longer = {0};
    assert_true(result_ok(checkpoint_parse(view_text(example), &checkpoint)));
    assert_string_equal(checkpoint.origin, "example.com/behind-the-sofa");
    assert_int_equal(checkpoint.size, 20852163);
    assert_true(result_ok(checkpoint_write(&checkpoint, &again)));
    assert_true(view_equal(buffer_view(&again), view_text(example)));
    assert_true(result_ok(buffer_format(&longer, "%sanother line\n", example)));
    assert_true(result_ok(checkpoint_parse(buffer_view(&longer), &checkpoint)));
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char root[] = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    static const char *const sizes[] = {"", "00", "01", "+1", "-1", " 1", "1 ", "1e3", "18446744073709551616", "x"};
    struct checkpoint checkpoint;
    CLEANUP(buffer_done) struct buffer text = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        buffer_clear(&text);
        assert_true(result_ok(buffer_format(&text, "log\n%s\n%s\n", sizes[i], root)));
        assert_int_equal(checkpoint_parse(buffer_view(&text), &checkpoint).category, CATEGORY_FALSE);
    }
    static const char *const texts[] = {
        "",
        "\n",
        "log\n1\n",
        "log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
        "log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n",
        "log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
        "log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nmore",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(checkpoint_parse(view_text(texts[i]), &checkpoint).category, CATEGORY_FALSE);
    for (uint64_t size = UINT64_MAX; size > 0; size /= 1000) {
        buffer_clear(&text);
        assert_true(result_ok(buffer_format(&text, "log\n%" PRIu64 "\n%s\n", size, root)));
        assert_true(result_ok(checkpoint_parse(buffer_view(&text), &checkpoint)));
        assert_true(checkpoint.size == size);
    }
    struct checkpoint bad = {.origin = "two\nlines"};
    assert_int_equal(checkpoint_write(&bad, &text).category, CATEGORY_USAGE);
    bad.origin[0] = 0;
    assert_int_equal(checkpoint_write(&bad, &text).category, CATEGORY_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_bodies),
        cmocka_unit_test(the_specification_s_example),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
