/* Asserts that a call worked, with its reason when it did not. For cmocka tests. */
#ifndef TESTS_SUPPORT_OK_H
#define TESTS_SUPPORT_OK_H

#define OK(expression)                                                                                                 \
    do {                                                                                                               \
        if (!result_ok(expression)) fail_msg("%s", result_reason());                                                   \
    } while (0)

#endif
