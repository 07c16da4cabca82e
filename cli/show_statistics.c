#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/document.h"
#include "cli/show.h"

static int widest(const json_t *items, const char *key)
{
    int most = 8;
    size_t index;
    const json_t *item;
    json_array_foreach(items, index, item)
    {
        int length = (int)strlen(document_text(item, key));
        if (length > most) most = length;
    }
    return most;
}

/* A number with so many significant digits, or a dash where it is withheld or does not exist. */
static struct result put_number(int digits, int width, double value, struct buffer *out)
{
    char text[64] = "-";
    if (!isnan(value)) (void)snprintf(text, sizeof text, "%.*g", digits, value);
    return buffer_format(out, " %*s", width, text);
}

static struct result show_moments(const json_t *features, struct buffer *out)
{
    static const char *const names[] = {"mean", "sd", "skewness"};
    int width = widest(features, "name");
    TRY(buffer_format(out, "%-*s %12s %12s %9s %9s %9s %12s %12s %12s\n", width, "number", "mean", "sd", "skewness",
                      "missing", "outside", "1%", "50%", "99%"));
    size_t index;
    const json_t *of;
    json_array_foreach(features, index, of)
    {
        if (strcmp(document_text(of, "kind"), "number") != 0) continue;
        TRY(buffer_format(out, "%-*s", width, document_text(of, "name")));
        for (size_t i = 0; i < 3; i++) TRY(put_number(6, i < 2 ? 12 : 9, document_number(of, names[i]), out));
        TRY(put_number(15, 9, document_number(json_object_get(of, "missing"), "rows"), out));
        TRY(put_number(15, 9, document_number(of, "outside"), out));
        static const size_t shown[] = {0, 4, 8};
        for (size_t i = 0; i < 3; i++)
            TRY(put_number(10, 12, document_number(json_array_get(json_object_get(of, "quantiles"), shown[i]), "value"),
                           out));
        TRY(buffer_text(out, "\n"));
    }
    return RESULT_OK;
}

static struct result show_cell(const json_t *cell, struct buffer *out)
{
    TRY(put_number(15, 9, document_number(cell, "rows"), out));
    if (json_object_get(cell, "positives")) {
        TRY(put_number(15, 9, document_number(cell, "positives"), out));
        TRY(put_number(4, 8, document_number(cell, "rate"), out));
    }
    return buffer_text(out, "\n");
}

static struct result show_bin(const json_t *bin, struct buffer *out)
{
    char from[40] = "below", to[40] = "", label[100];
    double low = document_number(bin, "from"), high = document_number(bin, "to");
    if (!isnan(low)) (void)snprintf(from, sizeof from, "%.10g to", low);
    if (!isnan(high)) (void)snprintf(to, sizeof to, "%s%.10g", isnan(low) ? "" : "below ", high);
    if (isnan(high)) (void)snprintf(from, sizeof from, isnan(low) ? "all" : "%.10g and above", low);
    (void)snprintf(label, sizeof label, "%s %s%s", from, to,
                   json_is_true(json_object_get(bin, "with_missing")) ? ", or missing" : "");
    TRY(buffer_format(out, "  %-40s", label));
    return show_cell(bin, out);
}

static struct result show_level(const json_t *level, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer names = {0};
    const json_t *list = json_object_get(level, "levels"), *name;
    const char *text;
    size_t index;
    TRY(buffer_text(&names, document_text(level, "level")));
    json_array_foreach(list, index, name)
        TRY(buffer_format(&names, "%s%s", index ? ", " : "", json_string_value(name)));
    TRY(buffer_terminate(&names, &text));
    TRY(buffer_format(out, "  %-40s", text));
    return show_cell(level, out);
}

static struct result show_cells(const json_t *of, struct buffer *out)
{
    size_t index;
    const json_t *cell;
    TRY(buffer_format(out, "\n%s\n", document_text(of, "name")));
    json_array_foreach(json_object_get(of, "bins"), index, cell) TRY(show_bin(cell, out));
    json_array_foreach(json_object_get(of, "levels"), index, cell) TRY(show_level(cell, out));
    const json_t *missing = json_object_get(of, "missing");
    if (!(document_number(missing, "rows") > 0)) return RESULT_OK;
    TRY(buffer_format(out, "  %-40s", "missing"));
    return show_cell(missing, out);
}

struct result show_statistics(const json_t *model, struct buffer *out)
{
    const json_t *features = json_object_get(model, "features"), *of, *rule = json_object_get(model, "cells");
    size_t index;
    TRY(show_moments(features, out));
    TRY(buffer_format(out, "\ncustomers%s\n",
                      json_object_get(model, "positives") ? ", positive ones, their share" : ""));
    json_array_foreach(features, index, of) TRY(show_cells(of, out));
    return buffer_format(out, "\ncells of at least %.0f customers: %s\n", document_number(rule, "minimum"),
                         document_text(rule, "disclosure"));
}
