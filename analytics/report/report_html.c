#include "analytics/report/report_html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--page:#fff;--grid:#d4d9df;--a:#1f5fa8;--b:#b4460f;--soft:#f3f5f7}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--page:#15181c;--grid:#3a4048;--a:#7db4f0;--b:#f0a070;--"
    "soft:#"
    "1e2227}}"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:62rem;margin:2rem "
    "auto;padding:0 1rem}h1{font-size:1.7rem}h2{font-size:1.25rem;margin-top:2.2rem;border-bottom:1px solid "
    "var(--grid)}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;margin:1rem 0;font-size:.92rem}caption{text-align:left;font-"
    "weight:600;padding:.3rem 0}th,td{padding:.2rem .7rem;border-bottom:1px solid "
    "var(--grid);text-align:left;font-weight:"
    "400}thead "
    "th{font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums}figure{display:inline-block;margin:"
    "1rem 1.5rem 1rem 0;width:min(27rem,100%)}figcaption{font-weight:600}svg{width:100%;height:auto}svg "
    "text{font-size:11px;"
    "fill:var(--ink)}.grid{stroke:var(--grid);stroke-width:1}.line{fill:none;stroke-width:2}.line.a{stroke:var(--a)}."
    "line.b{"
    "stroke:var(--b);stroke-dasharray:6 3}.line.even{stroke:var(--grid);stroke-dasharray:2 "
    "3}circle.a,.bar.a{fill:var(--a)}"
    "circle.b,.bar.b{fill:var(--b)}.legend{font-size:.85rem;margin:0}.key{display:inline-block;width:1.2em;height:.5em;"
    "margin"
    ":0 .4em 0 0}.key.a{background:var(--a)}.key.b{background:var(--b)}dt{font-weight:600}dd{margin:0 0 .5rem "
    "1rem}code{font-"
    "size:.85em;overflow-wrap:anywhere}pre{background:var(--soft);padding:.8rem;overflow-x:auto;font-size:.8rem}"
    "@media "
    "print{body{margin:0;max-width:none;font-size:11px}h2{break-after:avoid}figure,table{break-inside:avoid}pre{white-"
    "space:pre-wrap}}";

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

struct result html_page_begin(const char *title, const char *more_style, struct buffer *out)
{
    TRY(buffer_text(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                         "content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" "
                         "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>"));
    TRY(html_text(title, out));
    return buffer_format(out, "</title><style>%s%s</style></head><body><main>\n", style, more_style);
}

struct result html_page_end(struct buffer *out)
{
    return buffer_text(out, "</main></body></html>\n");
}

struct result html_item(const char *name, const char *text, struct buffer *out)
{
    TRY(buffer_text(out, "<dt>"));
    TRY(html_text(name, out));
    TRY(buffer_text(out, "</dt><dd>"));
    TRY(html_text(text, out));
    return buffer_text(out, "</dd>\n");
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

struct result html_count(uint64_t value, struct buffer *out)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) TRY(buffer_u8(out, ','));
        TRY(buffer_u8(out, (uint8_t)digits[i]));
    }
    return RESULT_OK;
}

struct result html_code(const char *text, struct buffer *out)
{
    size_t length = strlen(text);
    TRY(buffer_text(out, "<code>"));
    if (length == 64 && strspn(text, "0123456789abcdef") == length)
        for (; *text; text += 16) TRY(buffer_format(out, "%.16s%s", text, text[16] ? "<wbr>" : ""));
    else
        TRY(html_text(text, out));
    return buffer_text(out, "</code>");
}

static struct result cell(const struct html_column *column, const json_t *item, bool first, struct buffer *out)
{
    const char *tag = first ? "th scope=\"row\"" : "td", *end = first ? "th" : "td";
    const json_t *value = json_object_get(item, column->key);
    bool number = column->digits > 0 || column->digits == HTML_COUNT;
    TRY(buffer_format(out, "<%s%s>", tag, number ? " class=\"n\"" : ""));
    if (column->digits == HTML_COUNT && json_is_integer(value))
        TRY(html_count((uint64_t)json_integer_value(value), out));
    else if (column->digits == HTML_CODE)
        TRY(html_code(report_text(item, column->key), out));
    else
        TRY(number ? html_number(report_number(item, column->key), column->digits, out)
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
        bool number = columns[c].digits > 0 || columns[c].digits == HTML_COUNT;
        TRY(buffer_format(out, "<th scope=\"col\"%s>", number ? " class=\"n\"" : ""));
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
