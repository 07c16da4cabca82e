/* Which of the compiled variants of a kernel runs. All of them give the same bits; tests compare them. */
#ifndef ANALYTICS_PATH_H
#define ANALYTICS_PATH_H

#include <stdbool.h>

enum path { PATH_PORTABLE, PATH_AVX2, PATH_AVX512, PATH_COUNT };

static inline bool path_supported(enum path path)
{
#if defined(__x86_64__)
    switch (path) {
    case PATH_PORTABLE:
        return true;
    case PATH_AVX2:
        return __builtin_cpu_supports("avx2");
    case PATH_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    default:
        return false;
    }
#else
    return path == PATH_PORTABLE;
#endif
}

static inline enum path path_best(void)
{
    enum path best = PATH_PORTABLE;
    for (enum path path = PATH_PORTABLE; path < PATH_COUNT; path++)
        if (path_supported(path)) best = path;
    return best;
}

/* Put before a function, these let the compiler use the path's instructions in it. None brings FMA into play: the
 * build forbids contraction. */
#if defined(__x86_64__)
#define PATH_TARGET_AVX2 __attribute__((target("avx2")))
#define PATH_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#endif

#endif
