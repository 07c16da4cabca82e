#include "analytics/report/report_html.h"

#include <math.h>
#include <stdio.h>

struct result html_text(const char *text, struct buffer *out)
{
    for (; *text; text++) {
        const char *entity = *text == '&'   ? "&amp;"
                             : *text == '<' ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '"' ? "&quot;"
                                            : NULL;
        TRY(entity ? buffer_text(out, entity) : buffer_u8(out, (uint8_t)*text));
    }
    return RESULT_OK;
}

struct result html_number(double value, int digits, struct buffer *out)
{
    char text[40] = "–";
    if (isfinite(value)) (void)snprintf(text, sizeof text, "%.*g", digits, value);
    return buffer_text(out, text);
}

struct result html_element(const char *tag, const char *text, struct buffer *out)
{
    TRY(buffer_format(out, "<%s>", tag));
    TRY(html_text(text, out));
    return buffer_format(out, "</%s>\n", tag);
}

double report_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

const char *report_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static struct result cell(const struct html_column *column, const json_t *item, bool first, struct buffer *out)
{
    const char *tag = first ? "th scope=\"row\"" : "td", *end = first ? "th" : "td";
    TRY(buffer_format(out, "<%s%s>", tag, column->digits ? " class=\"n\"" : ""));
    TRY(column->digits ? html_number(report_number(item, column->key), column->digits, out)
                       : html_text(report_text(item, column->key), out));
    return buffer_format(out, "</%s>", end);
}

struct result html_table(const char *caption, const struct html_column *columns, size_t count, const json_t *items,
                         struct buffer *out)
{
    size_t index;
    const json_t *item;
    if (json_array_size(items) == 0) return RESULT_OK;
    TRY(buffer_text(out, "<div class=\"wide\"><table>\n"));
    TRY(html_element("caption", caption, out));
    TRY(buffer_text(out, "<thead><tr>"));
    for (size_t c = 0; c < count; c++) {
        TRY(buffer_format(out, "<th scope=\"col\"%s>", columns[c].digits ? " class=\"n\"" : ""));
        TRY(html_text(columns[c].head, out));
        TRY(buffer_text(out, "</th>"));
    }
    TRY(buffer_text(out, "</tr></thead>\n<tbody>\n"));
    json_array_foreach(items, index, item)
    {
        TRY(buffer_text(out, "<tr>"));
        for (size_t c = 0; c < count; c++) TRY(cell(&columns[c], item, c == 0, out));
        TRY(buffer_text(out, "</tr>\n"));
    }
    return buffer_text(out, "</tbody></table></div>\n");
}
