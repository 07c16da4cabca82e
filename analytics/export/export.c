#include "analytics/export/export.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct result export_number(double value, struct buffer *out)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.17g", value == 0 ? 0 : value);
    TRY(buffer_text(out, text));
    return strpbrk(text, ".e") ? RESULT_OK : buffer_text(out, ".0");
}

/* Whether `name` is what an export calls the points of the feature `of`. */
static bool points_of(const char *name, const char *of)
{
    static const char before[] = "points_";
    return strncasecmp(name, before, sizeof before - 1) == 0 && strcasecmp(name + sizeof before - 1, of) == 0;
}

struct result export_check_names(const struct model *model)
{
    static const char *const outputs[] = {"log_odds", "probability", "points", "points_by_feature"};
    for (size_t f = 0; f < model->features_count; f++) {
        const char *name = model->specs[f].name;
        bool taken = false;
        for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
            taken = taken || strcasecmp(name, outputs[i]) == 0;
        for (size_t g = 0; g < model->features_count; g++)
            taken = taken || (model->scorecard && points_of(name, model->specs[g].name));
        ENSURE(!taken, CATEGORY_USAGE,
               "the feature %s has the name of something that an export computes; train with the column under another "
               "name (a mapping renames it)",
               name);
    }
    return RESULT_OK;
}
