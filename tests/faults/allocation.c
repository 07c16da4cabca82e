#include "tests/faults/allocation.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

static _Thread_local struct {
    bool counting, paused, failed;
    unsigned long left; /* until the one that fails; 0: none will */
    long alive;
} thread;

/* The allocators that ours stand in front of: a sanitizer's, or glibc's. */
#define BEHIND(name, type, ...)                                                                                        \
    extern type __interceptor_##name(__VA_ARGS__) __attribute__((weak));                                               \
    extern type __libc_##name(__VA_ARGS__)
BEHIND(malloc, void *, size_t);
BEHIND(calloc, void *, size_t, size_t);
BEHIND(realloc, void *, void *, size_t);
BEHIND(memalign, void *, size_t, size_t);
BEHIND(free, void, void *);
#define CALL(name, ...) (__interceptor_##name ? __interceptor_##name(__VA_ARGS__) : __libc_##name(__VA_ARGS__))

static bool fails(void)
{
    if (!thread.counting || thread.paused) return false;
    if (thread.left == 0 || --thread.left > 0) return false;
    thread.failed = true;
    errno = ENOMEM;
    return true;
}

static void *count(void *memory)
{
    if (memory) thread.alive++;
    return memory;
}

void *malloc(size_t size)
{
    return fails() ? NULL : count(CALL(malloc, size));
}

void *calloc(size_t items, size_t size)
{
    return fails() ? NULL : count(CALL(calloc, items, size));
}

void *realloc(void *memory, size_t size)
{
    if (fails()) return NULL;
    void *moved = CALL(realloc, memory, size);
    if (!memory) (void)count(moved);
    return moved;
}

void free(void *memory)
{
    if (memory) thread.alive--;
    CALL(free, memory);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : count(CALL(memalign, alignment, size));
}

/* A sanitizer's own would allocate past us. */
char *strndup(const char *text, size_t length)
{
    length = strnlen(text, length);
    char *copy = calloc(length + 1, 1);
    return copy ? memcpy(copy, text, length) : NULL;
}

char *strdup(const char *text)
{
    return strndup(text, strlen(text));
}

/* Not of malloc, but pages of its own. */
void *sodium_malloc(size_t size);
void *sodium_malloc(size_t size)
{
    static void *(*behind)(size_t);
    if (!behind) behind = (void *(*)(size_t))dlsym(RTLD_NEXT, "sodium_malloc");
    return fails() ? NULL : count(behind(size));
}

void sodium_free(void *memory);
void sodium_free(void *memory)
{
    static void (*behind)(void *);
    if (!behind) behind = (void (*)(void *))dlsym(RTLD_NEXT, "sodium_free");
    if (memory) thread.alive--;
    behind(memory);
}

void allocation_fail(unsigned long which)
{
    thread.counting = true;
    thread.failed = thread.paused = false;
    thread.left = which;
}

void allocation_pause(void)
{
    thread.paused = true;
}

void allocation_resume(void)
{
    thread.paused = false;
}

bool allocation_stop(void)
{
    thread.counting = false;
    return thread.failed;
}

long allocation_alive(void)
{
    return thread.alive;
}

struct attempt {
    struct result result;
    bool failed;
    long lost;
};

static struct attempt try_with(unsigned long which, struct result (*scenario)(void *context), void *context)
{
    long alive = allocation_alive();
    result_say("no reason");
    allocation_fail(which);
    struct attempt attempt = {.result = scenario(context)};
    attempt.failed = allocation_stop();
    ERR_clear_error(); /* OpenSSL keeps the places of its last errors */
    attempt.lost = allocation_alive() - alive;
    return attempt;
}

void allocation_loop(const char *name, struct result (*scenario)(void *context), void *context)
{
    /* Once without, for what libraries make on first use and keep. */
    struct result result = scenario(context);
    if (!result_ok(result)) fail_msg("%s: %s", name, result_reason());
    struct attempt attempt = {.failed = true};
    unsigned long which = 0, refused = 0;
    while (attempt.failed) {
        attempt = try_with(++which, scenario, context);
        /* What a library keeps from its first failure is kept once; what is lost is lost again. */
        if (attempt.lost) attempt = try_with(which, scenario, context);
        if (attempt.lost) fail_msg("%s: %ld allocations are lost when number %lu fails", name, attempt.lost, which);
        if (result_ok(attempt.result)) continue;
        if (attempt.result.category != CATEGORY_ENVIRONMENT)
            fail_msg("%s: allocation %lu fails with category %d: %s", name, which, attempt.result.category,
                     result_reason());
        assert_string_not_equal(result_reason(), "no reason");
        refused++;
    }
    assert_true(result_ok(attempt.result));
    assert_true(refused > 0);
    print_message("%s: %lu allocations, each failed once\n", name, which - 1);
}
