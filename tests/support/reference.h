/* The public data sets with their reference results (../shared/reference): a plan and a table for each, coded as the
 * reference codes them. Row i is held out when i mod 5 = 0, by a column "fold" that the reader adds. */
#ifndef TESTS_SUPPORT_REFERENCE_H
#define TESTS_SUPPORT_REFERENCE_H

#include <jansson.h>

#include "tests/support/pooled.h"

struct reference {
    json_t *json;
    struct pooled pooled;
};

void reference_done(struct reference *reference);
/* False, having printed a "skipped: ..." line, when the shared files are not there. */
bool reference_present(void);
/* penalty: as the plan's, "0" or "0.01". Missing numbers are filled with the reference's value. */
MUST_USE struct result reference_load(const char *set, const char *penalty, struct reference *ret);

#endif
