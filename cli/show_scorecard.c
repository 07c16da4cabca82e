#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/document.h"
#include "cli/show.h"

static struct result show_class(const json_t *class, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer range = {0};
    const char *text;
    TRY(show_range(class, "missing", &range));
    TRY(buffer_terminate(&range, &text));
    TRY(buffer_format(out, "  %-36s", text));
    TRY(show_number(15, 9, document_number(class, "rows"), out));
    TRY(show_number(15, 9, document_number(class, "positives"), out));
    TRY(show_number(4, 9, document_number(class, "rate"), out));
    TRY(show_number(4, 9, document_number(class, "woe"), out));
    TRY(show_number(15, 8, document_number(class, "points"), out));
    return buffer_text(out, "\n");
}

static struct result show_feature(const json_t *feature, struct buffer *out)
{
    size_t index;
    const json_t *class;
    TRY(buffer_format(out, "%s  (information value %.4f)\n", document_text(feature, "name"),
                      document_number(feature, "iv")));
    json_array_foreach(json_object_get(feature, "classes"), index, class) TRY(show_class(class, out));
    return RESULT_OK;
}

static struct result show_left_out(const json_t *features, struct buffer *out)
{
    size_t index;
    const json_t *feature;
    if (json_array_size(features) == 0) return RESULT_OK;
    TRY(buffer_text(out, "\nleft out\n"));
    int width = show_widest(features, "name");
    json_array_foreach(features, index, feature)
    {
        TRY(buffer_format(out, "  %-*s information value %.4f: %s", width, document_text(feature, "name"),
                          document_number(feature, "iv"), document_text(feature, "reason")));
        if (document_text(feature, "with")[0])
            TRY(buffer_format(out, " (%s, r = %.3f)", document_text(feature, "with"), document_number(feature, "r")));
        TRY(buffer_text(out, "\n"));
    }
    return RESULT_OK;
}

struct result show_scorecard(const json_t *model, struct buffer *out)
{
    const json_t *points = json_object_get(model, "points"), *feature;
    size_t index;
    TRY(buffer_format(out, "points: %.15g at odds of %.15g to 1, %.15g more double the odds; base points %.15g\n\n",
                      document_number(points, "base"), document_number(points, "odds"), document_number(points, "pdo"),
                      document_number(points, "base_points")));
    TRY(buffer_format(out, "%-38s %9s %9s %9s %9s %8s\n", "class", "rows", "positive", "rate", "WoE", "points"));
    json_array_foreach(json_object_get(model, "features"), index, feature) TRY(show_feature(feature, out));
    TRY(show_left_out(json_object_get(model, "left_out"), out));
    return buffer_text(out, "\n");
}
