/* How every function says whether it worked, and why not.
 *
 * A function that can fail returns a struct result and is declared MUST_USE. The place that knows the cause calls
 * FAIL once, with one clear sentence: what, where, what to do. Callers pass the result up with TRY; nobody prints
 * on the way. The sentence is kept per thread and read with result_reason() by whoever handles the failure.
 */
#ifndef CRYPTO_BASE_RESULT_H
#define CRYPTO_BASE_RESULT_H

#include <stdbool.h>

#define MUST_USE __attribute__((warn_unused_result))

/* The first four are the programs' exit codes (docs/operators.md). */
enum category {
    CATEGORY_OK = 0,
    CATEGORY_FALSE = 1,       /* what was asked about is not so: a signature is bad, a check failed */
    CATEGORY_USAGE = 2,       /* the caller's words are wrong: command line, plan, configuration, data file */
    CATEGORY_ENVIRONMENT = 3, /* file, network, database, memory */
    CATEGORY_PEER = 4,        /* a message from a peer is malformed or breaks the protocol; nothing changed */
    CATEGORY_BUG = 5,         /* a caller broke a contract that an assertion should not guard */
};

struct result {
    enum category category;
};

#define RESULT_OK ((struct result){CATEGORY_OK})

static inline bool result_ok(struct result result)
{
    return result.category == CATEGORY_OK;
}

/* The sentence of this thread's latest FAIL, one line without control characters whatever was quoted in it; valid until
 * the next FAIL on this thread. Never NULL. */
const char *result_reason(void);

/* Records why; called through FAIL. */
void result_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Puts a place ("plan.yaml:12: ") before the reason of a failed result; an OK result passes untouched. */
struct result result_at(struct result result, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;

/* Records why and is the result to pass up. */
#define FAIL(category_, ...) (result_say(__VA_ARGS__), (struct result){(category_)})

/* Returns from the calling function when the expression failed. */
#define TRY(expression)                                                                                                \
    do {                                                                                                               \
        struct result try_result_ = (expression);                                                                      \
        if (!result_ok(try_result_)) return try_result_;                                                               \
    } while (0)

/* Returns a failure from the calling function unless the condition holds. */
#define ENSURE(condition, category, ...)                                                                               \
    do {                                                                                                               \
        if (!(condition)) return FAIL((category), __VA_ARGS__);                                                        \
    } while (0)

/* Declares a variable that is released on every way out: CLEANUP(buffer_done) struct buffer b = {0}; */
#define CLEANUP(function) __attribute__((cleanup(function)))

#endif
