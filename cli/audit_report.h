/* Between the files that write the page of an audit. Each section is made of the JSON object of audit_facts.h. */
#ifndef CLI_AUDIT_REPORT_H
#define CLI_AUDIT_REPORT_H

#include "analytics/report/report_html.h"

enum { NAMES_MOST = 12 }; /* in a line; more are counted */

/* audit_report_page.c */
MUST_USE struct result section_begin(const char *id, const char *title, struct buffer *out);
/* <p> of a text that may hold markup of the page's own. */
MUST_USE struct result paragraph(const char *text, struct buffer *out);
/* Names or sentences of an array, escaped, with commas between; and as a list. */
MUST_USE struct result names_inline(const json_t *names, struct buffer *out);
MUST_USE struct result texts_list(const json_t *texts, struct buffer *out);
/* The rows of an array of objects whose `key` is one of `among` (NULL ends it), as a list of their "text". */
MUST_USE struct result deviations_list(const json_t *report, const char *const *among, struct buffer *out);
uint64_t report_count(const json_t *object, const char *key);
/* "1,234 sums"; the word gets its s unless there is one. */
MUST_USE struct result counted(uint64_t count, const char *word, struct buffer *out);

/* audit_report_run.c: who, what was asked, privacy */
MUST_USE struct result section_parties(const json_t *report, struct buffer *out);
MUST_USE struct result section_plan(const json_t *report, struct buffer *out);
MUST_USE struct result section_privacy(const json_t *report, struct buffer *out);
MUST_USE struct result section_keys(const json_t *report, struct buffer *out);
MUST_USE struct result section_plan_text(const json_t *report, struct buffer *out);

/* audit_privacy.c: what noise promises, or that there is none */
MUST_USE struct result audit_privacy_page(const json_t *report, struct buffer *out);

/* audit_report_rounds.c: what was released, dropouts, every round */
/* "18 sums over the banks' rows, of together 7,329 numbers" */
MUST_USE struct result released_count(const json_t *report, struct buffer *out);
MUST_USE struct result section_released(const json_t *report, struct buffer *out);
MUST_USE struct result section_never(const json_t *report, struct buffer *out);
MUST_USE struct result section_dropouts(const json_t *report, struct buffer *out);
MUST_USE struct result section_rounds(const json_t *report, struct buffer *out);

#endif
