/* vpmaddwd multiplies 16-bit integers and adds neighbours into 32 bits: two records a lane. Sums of a block stay in 32
 * bits while the caller has proved that they fit. */
#include "analytics/gram_tile.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static int64_t dot_narrow(const int16_t *b, const int16_t *a, size_t rows)
{
    int32_t sum = 0;
    for (size_t r = 0; r < rows; r++) sum += b[r] * a[r];
    return sum;
}

static int64_t dot_wide(const int16_t *b, const int16_t *a, size_t rows)
{
    int64_t sum = 0;
    for (size_t r = 0; r < rows; r++) {
        int32_t product = b[r] * a[r];
        sum += product;
    }
    return sum;
}

static void tile_portable(const int16_t *b, const int16_t *a, size_t steps, bool narrow, int64_t *out, size_t stride)
{
    for (size_t i = 0; i < GRAM_TILE; i++)
        for (size_t j = 0; j < GRAM_TILE; j++)
            out[i * stride + j] +=
                (narrow ? dot_narrow : dot_wide)(b + i * GRAM_ROWS, a + j * GRAM_ROWS, steps * GRAM_STEP);
}

#if defined(__x86_64__)

PATH_TARGET_AVX2 static __m256i load256(const int16_t *at)
{
    return _mm256_load_si256((const __m256i *)(const void *)at);
}

PATH_TARGET_AVX2 static void add256(int64_t *at, __m256i value)
{
    __m256i *place = (__m256i *)(void *)at;
    _mm256_storeu_si256(place, _mm256_add_epi64(_mm256_loadu_si256(place), value));
}

/* Two columns of a's against four of b's, so that the sums fit AVX2's sixteen registers. */
PATH_TARGET_AVX2 static void half_avx2(const int16_t *b, const int16_t *a, size_t steps, __m128i ret[GRAM_TILE])
{
    __m256i sum[GRAM_TILE][2];
    for (int i = 0; i < GRAM_TILE; i++) sum[i][0] = sum[i][1] = _mm256_setzero_si256();
    for (size_t r = 0; r < steps * GRAM_STEP; r += 16) {
        __m256i first = load256(a + r), second = load256(a + GRAM_ROWS + r);
#pragma GCC unroll 4
        for (size_t i = 0; i < GRAM_TILE; i++) {
            __m256i left = load256(b + i * GRAM_ROWS + r);
            sum[i][0] = _mm256_add_epi32(sum[i][0], _mm256_madd_epi16(left, first));
            sum[i][1] = _mm256_add_epi32(sum[i][1], _mm256_madd_epi16(left, second));
        }
    }
    for (int i = 0; i < GRAM_TILE; i++) {
        __m256i pairs =
            _mm256_add_epi32(_mm256_unpacklo_epi32(sum[i][0], sum[i][1]), _mm256_unpackhi_epi32(sum[i][0], sum[i][1]));
        __m128i both = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
        ret[i] = _mm_add_epi32(both, _mm_shuffle_epi32(both, 0x4e)); /* the first two lanes are the two sums */
    }
}

PATH_TARGET_AVX2 static void tile_avx2(const int16_t *b, const int16_t *a, size_t steps, int64_t *out, size_t stride)
{
    __m128i left[GRAM_TILE], right[GRAM_TILE];
    half_avx2(b, a, steps, left);
    half_avx2(b, a + 2 * GRAM_ROWS, steps, right);
    for (size_t i = 0; i < GRAM_TILE; i++)
        add256(out + i * stride, _mm256_cvtepi32_epi64(_mm_unpacklo_epi64(left[i], right[i])));
}

PATH_TARGET_AVX2 static void wide_avx2(const int16_t *b, const int16_t *a, size_t steps, int64_t *out, size_t stride)
{
    for (size_t i = 0; i < GRAM_TILE; i++)
        for (size_t j = 0; j < GRAM_TILE; j++) {
            __m256i sum = _mm256_setzero_si256();
            for (size_t r = 0; r < steps * GRAM_STEP; r += 16) {
                __m256i products = _mm256_madd_epi16(load256(b + i * GRAM_ROWS + r), load256(a + j * GRAM_ROWS + r));
                sum = _mm256_add_epi64(sum, _mm256_cvtepi32_epi64(_mm256_castsi256_si128(products)));
                sum = _mm256_add_epi64(sum, _mm256_cvtepi32_epi64(_mm256_extracti128_si256(products, 1)));
            }
            int64_t lanes[4];
            _mm256_storeu_si256((__m256i *)(void *)lanes, sum);
            out[i * stride + j] += lanes[0] + lanes[1] + lanes[2] + lanes[3];
        }
}

PATH_TARGET_AVX512 static __m512i load512(const int16_t *at)
{
    return _mm512_load_si512((const void *)at);
}

/* The sums over the lanes of four vectors, as four 64-bit lanes. */
PATH_TARGET_AVX512 static __m256i reduce512(const __m512i sum[GRAM_TILE])
{
    __m512i low = _mm512_add_epi32(_mm512_unpacklo_epi32(sum[0], sum[1]), _mm512_unpackhi_epi32(sum[0], sum[1]));
    __m512i high = _mm512_add_epi32(_mm512_unpacklo_epi32(sum[2], sum[3]), _mm512_unpackhi_epi32(sum[2], sum[3]));
    __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high));
    __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    return _mm256_cvtepi32_epi64(_mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
}

PATH_TARGET_AVX512 static void tile_avx512(const int16_t *b, const int16_t *a, size_t steps, int64_t *out,
                                           size_t stride)
{
    __m512i sum[GRAM_TILE][GRAM_TILE];
    for (int i = 0; i < GRAM_TILE; i++)
        for (int j = 0; j < GRAM_TILE; j++) sum[i][j] = _mm512_setzero_si512();
    for (size_t r = 0; r < steps * GRAM_STEP; r += 32) {
#pragma GCC unroll 4
        for (size_t j = 0; j < GRAM_TILE; j++) {
            __m512i right = load512(a + j * GRAM_ROWS + r);
#pragma GCC unroll 4
            for (size_t i = 0; i < GRAM_TILE; i++)
                sum[i][j] = _mm512_add_epi32(sum[i][j], _mm512_madd_epi16(load512(b + i * GRAM_ROWS + r), right));
        }
    }
    for (size_t i = 0; i < GRAM_TILE; i++) add256(out + i * stride, reduce512(sum[i]));
}

PATH_TARGET_AVX512 static void wide_avx512(const int16_t *b, const int16_t *a, size_t steps, int64_t *out,
                                           size_t stride)
{
    for (size_t i = 0; i < GRAM_TILE; i++)
        for (size_t j = 0; j < GRAM_TILE; j++) {
            __m512i sum = _mm512_setzero_si512();
            for (size_t r = 0; r < steps * GRAM_STEP; r += 32) {
                __m512i products = _mm512_madd_epi16(load512(b + i * GRAM_ROWS + r), load512(a + j * GRAM_ROWS + r));
                sum = _mm512_add_epi64(sum, _mm512_cvtepi32_epi64(_mm512_castsi512_si256(products)));
                sum = _mm512_add_epi64(sum, _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(products, 1)));
            }
            out[i * stride + j] += _mm512_reduce_add_epi64(sum);
        }
}

#endif

void gram_tile(enum path path, const int16_t *b, const int16_t *a, size_t steps, bool narrow, int64_t *out,
               size_t stride)
{
    switch (path) {
#if defined(__x86_64__)
    case PATH_AVX512:
        (narrow ? tile_avx512 : wide_avx512)(b, a, steps, out, stride);
        return;
    case PATH_AVX2:
        (narrow ? tile_avx2 : wide_avx2)(b, a, steps, out, stride);
        return;
#endif
    default:
        tile_portable(b, a, steps, narrow, out, stride);
    }
}
