/* Lengths and counts are added and multiplied with these only; each returns false, leaving *ret alone, on overflow. */
#ifndef CRYPTO_BASE_CHECKED_H
#define CRYPTO_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECKED_(name, type, operation)                                                                                \
    static inline bool name(type a, type b, type *ret)                                                                 \
    {                                                                                                                  \
        type value;                                                                                                    \
        if (operation(a, b, &value)) return false;                                                                     \
        *ret = value;                                                                                                  \
        return true;                                                                                                   \
    }

CHECKED_(checked_add_size, size_t, __builtin_add_overflow)
CHECKED_(checked_mul_size, size_t, __builtin_mul_overflow)
CHECKED_(checked_add_u64, uint64_t, __builtin_add_overflow)
CHECKED_(checked_mul_u64, uint64_t, __builtin_mul_overflow)
CHECKED_(checked_add_i64, int64_t, __builtin_add_overflow)
CHECKED_(checked_mul_i64, int64_t, __builtin_mul_overflow)
CHECKED_(checked_add_i128, __int128, __builtin_add_overflow)
CHECKED_(checked_mul_i128, __int128, __builtin_mul_overflow)

#undef CHECKED_

#endif
