#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/document.h"
#include "cli/show.h"

int show_widest(const json_t *items, const char *key)
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

struct result show_number(int digits, int width, double value, struct buffer *out)
{
    char text[64] = "-";
    if (!isnan(value)) (void)snprintf(text, sizeof text, "%.*g", digits, value);
    return buffer_format(out, " %*s", width, text);
}

static struct result show_moments(const json_t *features, struct buffer *out)
{
    static const char *const names[] = {"mean", "sd", "skewness"};
    int width = show_widest(features, "name");
    TRY(buffer_format(out, "%-*s %12s %12s %9s %9s %9s %12s %12s %12s\n", width, "number", "mean", "sd", "skewness",
                      "missing", "outside", "1%", "50%", "99%"));
    size_t index;
    const json_t *of;
    json_array_foreach(features, index, of)
    {
        if (strcmp(document_text(of, "kind"), "number") != 0) continue;
        TRY(buffer_format(out, "%-*s", width, document_text(of, "name")));
        for (size_t i = 0; i < 3; i++) TRY(show_number(6, i < 2 ? 12 : 9, document_number(of, names[i]), out));
        TRY(show_number(15, 9, document_number(json_object_get(of, "missing"), "rows"), out));
        TRY(show_number(15, 9, document_number(of, "outside"), out));
        static const size_t shown[] = {0, 4, 8};
        for (size_t i = 0; i < 3; i++)
            TRY(show_number(10, 12,
                            document_number(json_array_get(json_object_get(of, "quantiles"), shown[i]), "value"), out));
        TRY(buffer_text(out, "\n"));
    }
    return RESULT_OK;
}

static struct result show_cell(const json_t *cell, struct buffer *out)
{
    TRY(show_number(15, 9, document_number(cell, "rows"), out));
    if (json_object_get(cell, "positives")) {
        TRY(show_number(15, 9, document_number(cell, "positives"), out));
        TRY(show_number(4, 8, document_number(cell, "rate"), out));
    }
    return buffer_text(out, "\n");
}

struct result show_range(const json_t *cell, const char *missing, struct buffer *out)
{
    const json_t *list = json_object_get(cell, "levels"), *name;
    bool with = json_is_true(json_object_get(cell, missing));
    double from = document_number(cell, "from"), to = document_number(cell, "to");
    size_t index;
    TRY(buffer_text(out, document_text(cell, "level")));
    json_array_foreach(list, index, name) TRY(buffer_format(out, "%s%s", index ? ", " : "", json_string_value(name)));
    if (!isnan(from)) TRY(buffer_format(out, "%.10g %s", from, isnan(to) ? "and above" : "to below "));
    if (!isnan(to)) TRY(buffer_format(out, "%s%.10g", isnan(from) ? "below " : "", to));
    bool all = json_object_get(cell, "from") && isnan(from) && isnan(to);
    if (all) TRY(buffer_text(out, "any value"));
    if (with) TRY(buffer_text(out, json_object_get(cell, "from") ? ", or missing" : "missing"));
    bool first = !with && !json_object_get(cell, "from");
    json_array_foreach(json_object_get(cell, "special"), index, name)
    {
        TRY(buffer_format(out, "%scode %.10g", first ? "" : ", or ", json_number_value(name)));
        first = false;
    }
    return RESULT_OK;
}

static struct result show_line(const json_t *cell, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer range = {0};
    const char *text;
    TRY(show_range(cell, "with_missing", &range));
    TRY(buffer_terminate(&range, &text));
    TRY(buffer_format(out, "  %-40s", text));
    return show_cell(cell, out);
}

static struct result show_cells(const json_t *of, struct buffer *out)
{
    size_t index;
    const json_t *cell;
    TRY(buffer_format(out, "\n%s\n", document_text(of, "name")));
    json_array_foreach(json_object_get(of, "bins"), index, cell) TRY(show_line(cell, out));
    json_array_foreach(json_object_get(of, "levels"), index, cell) TRY(show_line(cell, out));
    json_array_foreach(json_object_get(of, "special"), index, cell)
    {
        char name[40];
        (void)snprintf(name, sizeof name, "code %.10g", document_number(cell, "code"));
        TRY(buffer_format(out, "  %-40s", name));
        TRY(show_cell(cell, out));
    }
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
