/* Classes of a scorecard, bins and levels of statistics. */
#include <math.h>
#include <string.h>

#include "analytics/report/report_charts.h"
#include "analytics/report/report_html.h"
#include "analytics/report/report_pages.h"

static struct result class_name(const json_t *class, struct buffer *out)
{
    double from = report_number(class, "from"), to = report_number(class, "to");
    const json_t *levels = json_object_get(class, "levels"), *level;
    size_t index;
    json_array_foreach(levels, index, level)
    {
        if (index) TRY(buffer_text(out, ", "));
        TRY(html_text(json_string_value(level) ? json_string_value(level) : "", out));
    }
    if (isfinite(from)) {
        TRY(html_number(from, 10, out));
        TRY(buffer_text(out, isfinite(to) ? " to below " : " and above"));
    } else if (isfinite(to)) {
        TRY(buffer_text(out, "below "));
    }
    if (isfinite(to)) TRY(html_number(to, 10, out));
    if (json_is_true(json_object_get(class, "missing")) || json_is_true(json_object_get(class, "with_missing")))
        TRY(buffer_text(out, json_object_get(class, "from") ? ", or missing" : "missing"));
    json_array_foreach(json_object_get(class, "special"), index, level)
    {
        TRY(buffer_text(out, index || json_object_get(class, "from") ? ", or code " : "code "));
        TRY(html_number(json_number_value(level), 10, out));
    }
    if (json_object_get(class, "code")) {
        TRY(buffer_text(out, "code "));
        TRY(html_number(report_number(class, "code"), 10, out));
    }
    return RESULT_OK;
}

struct result report_class_table(const char *caption, const struct html_column *columns, size_t count,
                                 const json_t *items, struct buffer *out)
{
    size_t index;
    const json_t *one;
    TRY(buffer_text(out, "<div class=\"wide\"><table>\n"));
    TRY(html_element("caption", caption, out));
    TRY(buffer_text(out, "<thead><tr><th scope=\"col\">values</th>"));
    for (size_t c = 0; c < count; c++)
        TRY(buffer_format(out, "<th scope=\"col\" class=\"n\">%s</th>", columns[c].head));
    TRY(buffer_text(out, "</tr></thead><tbody>\n"));
    json_array_foreach(items, index, one)
    {
        TRY(buffer_text(out, "<tr><th scope=\"row\">"));
        TRY(report_text(one, "level")[0] ? html_text(report_text(one, "level"), out) : class_name(one, out));
        TRY(buffer_text(out, "</th>"));
        for (size_t c = 0; c < count; c++) {
            TRY(buffer_text(out, "<td class=\"n\">"));
            TRY(html_number(report_number(one, columns[c].key), columns[c].digits, out));
            TRY(buffer_text(out, "</td>"));
        }
        TRY(buffer_text(out, "</tr>\n"));
    }
    return buffer_text(out, "</tbody></table></div>\n");
}

/* A value of each class as a bar, from 0. */
struct result report_class_chart(const char *title, const char *what, const json_t *items, const char *key,
                                 struct buffer *out)
{
    double low = 0, high = 0;
    size_t index, count = json_array_size(items);
    const json_t *one;
    json_array_foreach(items, index, one)
    {
        double value = report_number(one, key);
        if (value < low) low = value;
        if (value > high) high = value;
    }
    if (count < 2 || !(high > low)) return RESULT_OK;
    const struct chart chart = {
        title, "One bar a class, in the order of the table", "class", what, 0, (double)count, low, high, true};
    TRY(chart_begin(&chart, out));
    json_array_foreach(items, index, one)
    {
        double value = report_number(one, key);
        if (!isfinite(value)) continue;
        TRY(chart_bar(&chart, (double)index + 0.1, (double)index + 0.9, value < 0 ? value : 0, value < 0 ? 0 : value,
                      value < 0 ? "a" : "b", out));
    }
    return chart_end((const char *const[]){NULL}, out);
}
