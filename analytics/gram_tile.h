/* Sums of products of int16 columns, four by four: the inner part of gram.c, one variant for each path. */
#ifndef ANALYTICS_GRAM_TILE_H
#define ANALYTICS_GRAM_TILE_H

#include "analytics/gram.h"

/* Columns of a tile on either side, and records that every variant takes at a time. */
enum { GRAM_TILE = 4, GRAM_STEP = 32 };

/* For i, j < GRAM_TILE: out[i · stride + j] += Σ_r b[i · GRAM_ROWS + r]·a[j · GRAM_ROWS + r], r below steps ·
 * GRAM_STEP. Columns start on 64 bytes; no value is -32768. `narrow` promises that Σ|b·a| over any of these records
 * stays below 2^31 in magnitude; without it every pair of products is widened at once. */
void gram_tile(enum path path, const int16_t *b, const int16_t *a, size_t steps, bool narrow, int64_t *out,
               size_t stride);

#endif
