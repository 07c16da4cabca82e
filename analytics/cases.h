/* Which rows train and which are held out, and how each turned out: what every supervised task needs to know of a row.
 *
 * Held out by hash: of the id, or, where the plan names none, of the row's canonical feature bytes. Those are, for each
 * feature in plan order, its name and a byte 0x00, then
 *   a number: 0x01 and its IEEE 754 bits, 8 bytes little-endian (-0 as +0);
 *   a listed level: 0x02, its text and a byte 0x00;
 *   another level: 0x03;
 *   a missing value: 0x00
 * as the table has them, so after clamping. Held out by column: the value is one of the plan's `holdout`.
 */
#ifndef ANALYTICS_CASES_H
#define ANALYTICS_CASES_H

#include "data/table.h"
#include "proto/run/plan.h"

enum case_kind { CASE_TRAIN_NEGATIVE, CASE_TRAIN_POSITIVE, CASE_HELD_NEGATIVE, CASE_HELD_POSITIVE, CASE_KINDS };

/* Decides once which rows of a finished table are held out, so that rounds need not hash every row again. A table
 * without it gives the same answers, later. */
MUST_USE struct result cases_hold_out(const struct plan *plan, struct table *table);
/* Fills kinds[0 .. end - begin) for the table's rows [begin, end). */
MUST_USE struct result cases_classify(const struct plan *plan, const struct table *table, uint64_t begin, uint64_t end,
                                      uint8_t *kinds);

#endif
