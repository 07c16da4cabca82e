/* What a journal says of the privacy budget: whether its entries add up, what they come to, and whether they are what a
 * run's bundle proves.
 */
#ifndef CLI_JOURNAL_BUDGET_H
#define CLI_JOURNAL_BUDGET_H

#include "cli/journal_book.h"
#include "proto/audit/replay.h"

/* The next entry of a run, before it is added to the run. CATEGORY_FALSE when it does not follow from those before: an
 * input that left and was not charged, a charge over what was reserved, a sum that is wrong. */
MUST_USE struct result journal_budget_check(const json_t *run, const char *event, const json_t *facts);
/* A run's reservation and the charge of the replay's step against the plan and the layout of the bundle. */
MUST_USE struct result journal_budget_opened(const json_t *run, const struct replay *replay);
MUST_USE struct result journal_budget_input(const json_t *run, const struct replay *replay);
/* In words: of a run, if it reserved anything; of all runs, source by source. Appended. */
MUST_USE struct result journal_budget_show_run(const json_t *run, struct buffer *out);
MUST_USE struct result journal_budget_show(const json_t *runs, struct buffer *out);
/* [{"source", "spent", "reserved"}]: ρ; reserved is what open runs hold beyond what they spent. */
MUST_USE struct result journal_budget_sources(const json_t *runs, json_t **ret);

#endif
