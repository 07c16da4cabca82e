/* Charts as inline SVG, with axes, a title and a description for who cannot see them; colours follow the page. */
#ifndef ANALYTICS_REPORT_CHARTS_H
#define ANALYTICS_REPORT_CHARTS_H

#include <stdbool.h>

#include "crypto/base/bytes.h"

enum { POINTS_MAX = 512 }; /* of a line, as the pages draw them */

struct chart {
    const char *title, *description, *across, *up; /* the last two: what the axes show */
    double left, right, bottom, top;               /* what they range over */
    bool classes;                                  /* across are classes 1, 2, ..., each one wide */
};
MUST_USE struct result chart_begin(const struct chart *chart, struct buffer *out);
/* Through points x, y in the axes' units; kind: a class of the page's style ("a", "b", "even"). */
MUST_USE struct result chart_line(const struct chart *chart, const double (*points)[2], size_t count, const char *kind,
                                  struct buffer *out);
MUST_USE struct result chart_dots(const struct chart *chart, const double (*points)[2], size_t count, const char *kind,
                                  struct buffer *out);
MUST_USE struct result chart_bar(const struct chart *chart, double from, double to, double low, double high,
                                 const char *kind, struct buffer *out);
/* legend: texts of the kinds used, in pairs kind, text; NULL ends it. */
MUST_USE struct result chart_end(const char *const *legend, struct buffer *out);

#endif
