/* How far one row moves a sum, against what its layout says: the claim on which all privacy rests. Fails the running
 * test. */
#ifndef TESTS_SUPPORT_SENSITIVITY_H
#define TESTS_SUPPORT_SENSITIVITY_H

#include "proto/run/fold.h"

struct table;

/* The table with and without each of its rows: no field moves farther than its l2, no value farther than its bound.
 * Usable as noisy_options.each; ret_nearest, where it is not NULL, becomes the largest share of an l2 that was seen, if
 * that is larger than it was. */
void sensitivity_check(const struct fold *fold, const struct table *table, void *ret_nearest);

#endif
