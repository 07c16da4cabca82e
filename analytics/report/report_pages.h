/* Between the files of the report: what each task's page holds. */
#ifndef ANALYTICS_REPORT_PAGES_H
#define ANALYTICS_REPORT_PAGES_H

#include "analytics/report/report_html.h"

MUST_USE struct result report_fit_page(const json_t *model, struct buffer *out);
MUST_USE struct result report_scorecard_page(const json_t *model, struct buffer *out);
MUST_USE struct result report_evaluate_page(const json_t *root, struct buffer *out);

/* Under differential privacy: what is promised, and how much noise each sum carried. Nothing for another model. */
MUST_USE struct result report_private_section(const json_t *model, struct buffer *out);

/* Classes, bins or levels: a table whose rows are called by their interval or levels; and a bar for each. */
MUST_USE struct result report_class_table(const char *caption, const struct html_column *columns, size_t count,
                                          const json_t *items, struct buffer *out);
MUST_USE struct result report_class_chart(const char *title, const char *what, const json_t *items, const char *key,
                                          struct buffer *out);

#endif
