/* Pieces of the page. Everything from a model or plan goes through html_text. */
#ifndef ANALYTICS_REPORT_HTML_H
#define ANALYTICS_REPORT_HTML_H

#include <jansson.h>

#include "crypto/base/bytes.h"

MUST_USE struct result html_text(const char *text, struct buffer *out);
/* A number with so many significant digits; a dash where there is none. */
MUST_USE struct result html_number(double value, int digits, struct buffer *out);
/* <tag>text</tag> */
MUST_USE struct result html_element(const char *tag, const char *text, struct buffer *out);

/* A page that loads nothing and runs nothing, up to its first heading; more_style is added to the sheet of all reports.
 */
MUST_USE struct result html_page_begin(const char *title, const char *more_style, struct buffer *out);
MUST_USE struct result html_page_end(struct buffer *out);
/* Of a list of definitions. */
MUST_USE struct result html_item(const char *name, const char *text, struct buffer *out);

/* Values of a JSON object: NaN and "" where there is none of that kind. */
double report_number(const json_t *object, const char *key);
const char *report_text(const json_t *object, const char *key);

/* <code>text</code>; a hash or key of 64 hex digits may be broken into lines every 16. */
MUST_USE struct result html_code(const char *text, struct buffer *out);
/* A whole number as "1,234,567". */
MUST_USE struct result html_count(uint64_t value, struct buffer *out);

/* A table: a caption, the heads of its columns, then a row for each item. A column's key names its value; a digits of 0
 * stands for text, HTML_CODE for a hash or key, HTML_COUNT for a whole number. */
enum { HTML_CODE = -1, HTML_COUNT = -2 };
struct html_column {
    const char *head, *key;
    int digits;
};
MUST_USE struct result html_table(const char *caption, const struct html_column *columns, size_t count,
                                  const json_t *items, struct buffer *out);

#endif
