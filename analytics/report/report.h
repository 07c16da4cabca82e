/* report.html: a run's result for people to read and file. One file, nothing from the network, charts as inline SVG.
 *
 *   report.c         the page: what, who, tables, definitions, limits
 *   report_charts.c  the charts
 *   report_html.c    escaped text, tables, numbers
 */
#ifndef ANALYTICS_REPORT_REPORT_H
#define ANALYTICS_REPORT_REPORT_H

#include "proto/run/members.h"
#include "proto/run/plan.h"
#include "proto/run/roster.h"

struct report_source {
    struct view model; /* model.json's text */
    const struct plan *plan;
    const struct roster *roster; /* NULL where there is none: of a local fit */
    const struct members *cohort;
    const char *version; /* of the program */
};

/* Appended. CATEGORY_BUG when the model's text is not JSON. */
MUST_USE struct result report_html(const struct report_source *source, struct buffer *out);

#endif
