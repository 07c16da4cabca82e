#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/label.h"
#include "crypto/secret.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* the sanitizers make mlock a no-op */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static void nothing_is_kept_before_the_start(void **state)
{
    (void)state;
    struct secret *secret = NULL;
    assert_int_equal(secret_new(32, &secret).category, CATEGORY_BUG);
    assert_null(secret);
    assert_true(result_ok(crypto_start()));
    assert_true(result_ok(crypto_start())); /* a second time changes nothing */
}

static void a_secret_starts_zeroed_and_is_wiped(void **state)
{
    (void)state;
    CLEANUP(secret_freep) struct secret *secret = NULL;
    static const uint8_t zeros[100];
    assert_true(result_ok(secret_new(sizeof zeros, &secret)));
    assert_int_equal(secret_length(secret), sizeof zeros);
    assert_memory_equal(secret_bytes(secret), zeros, sizeof zeros);
    memset(secret_bytes(secret), 0xa5, sizeof zeros);
    secret_wipe(secret);
    assert_memory_equal(secret_view(secret).data, zeros, sizeof zeros);
    secret_free(NULL);
}

static void lengths_have_bounds(void **state)
{
    (void)state;
    struct secret *secret = NULL;
    assert_int_equal(secret_new(0, &secret).category, CATEGORY_BUG);
    assert_int_equal(secret_new(((size_t)16 << 20) + 1, &secret).category, CATEGORY_BUG);
    assert_int_equal(secret_from(view_of(NULL, 0), &secret).category, CATEGORY_BUG);
    assert_null(secret);
}

static void secrets_compare_by_length_and_contents(void **state)
{
    (void)state;
    CLEANUP(secret_freep) struct secret *a = NULL;
    CLEANUP(secret_freep) struct secret *b = NULL;
    CLEANUP(secret_freep) struct secret *c = NULL;
    assert_true(result_ok(secret_from(view_text("four score"), &a)));
    assert_true(result_ok(secret_from(view_text("four score"), &b)));
    assert_true(result_ok(secret_from(view_text("four"), &c)));
    assert_true(secret_equal(a, b));
    assert_false(secret_equal(a, c));
    secret_bytes(b)[9] ^= 1;
    assert_false(secret_equal(a, b));
    uint8_t bytes[3] = {1, 2, 3};
    secret_bytes_wipe(bytes, sizeof bytes);
    assert_true(secret_bytes_equal(bytes, "\0\0\0", sizeof bytes));
}

/* What a child without privileges, allowed 64 KiB of locked memory, finds: 0 when it was refused with the remedy. */
static int fill_a_small_limit(void)
{
    if (geteuid() == 0 && setuid(65534) != 0) return 10;
    struct rlimit small = {64 << 10, 64 << 10};
    if (setrlimit(RLIMIT_MEMLOCK, &small) != 0) return 11;
    if (!result_ok(crypto_start())) return 12;
    struct secret *kept[64] = {0}, *large = NULL;
    if (result_ok(secret_new(1 << 20, &large))) return 13; /* more than there can ever be */
    int code = 14;
    for (size_t k = 0; k < 64; k++) { /* at least a page each: 64 do not fit */
        struct result result = secret_new(32, &kept[k]);
        if (result_ok(result)) continue;
        bool told = result.category == CATEGORY_ENVIRONMENT && strstr(result_reason(), "ulimit -l") &&
                    strstr(result_reason(), "LimitMEMLOCK");
        code = told && k > 0 ? 0 : 15;
        break;
    }
    for (size_t k = 0; k < 64; k++) secret_free(kept[k]);
    return code;
}

static void memory_that_cannot_be_locked_is_refused(void **state)
{
    (void)state;
#ifdef SANITIZED
    (void)printf("skipped: a sanitizer answers for mlock\n");
    skip();
#endif
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(fill_a_small_limit());
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_start_without_lockable_memory_fails(void **state)
{
    (void)state;
#ifdef SANITIZED
    (void)printf("skipped: a sanitizer answers for mlock\n");
    skip();
#endif
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        if (geteuid() == 0 && setuid(65534) != 0) _exit(10);
        if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) _exit(11);
        _exit(crypto_start().category == CATEGORY_ENVIRONMENT && strstr(result_reason(), "ulimit -l") ? 0 : 12);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_soft_limit_is_raised(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) _exit(10);
        rlim_t hard = limit.rlim_max;
        limit.rlim_cur = 64 << 10;
        if (hard < limit.rlim_cur) _exit(0); /* nothing to raise here */
        if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) _exit(11);
        if (!result_ok(crypto_start())) _exit(12);
        if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) _exit(13);
        _exit(limit.rlim_cur == hard ? 0 : 14);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_label_ends_with_its_nul(void **state)
{
    (void)state;
    char label[LABEL_MAX];
    assert_true(view_equal(label_of("p1", label), view_of("cofferdam/1/p1\0", 15)));
    assert_false(view_equal(label_of("p", label), view_of("cofferdam/1/p1\0", 15)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_kept_before_the_start),
        cmocka_unit_test(a_secret_starts_zeroed_and_is_wiped),
        cmocka_unit_test(lengths_have_bounds),
        cmocka_unit_test(secrets_compare_by_length_and_contents),
        cmocka_unit_test(memory_that_cannot_be_locked_is_refused),
        cmocka_unit_test(a_start_without_lockable_memory_fails),
        cmocka_unit_test(a_soft_limit_is_raised),
        cmocka_unit_test(a_label_ends_with_its_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
