#include "cli/document.h"
#include "cli/show.h"

struct result show_privacy(const json_t *model, struct buffer *out)
{
    const json_t *privacy = json_object_get(model, "privacy"), *sd;
    const char *name, *before = "";
    if (!privacy) return RESULT_OK;
    TRY(buffer_format(out, "every figure carries noise: private for one %s (%s), epsilon %g, delta %g\n",
                      document_text(privacy, "unit"), document_text(privacy, "neighbours"),
                      document_number(privacy, "epsilon"), document_number(privacy, "delta")));
    TRY(buffer_text(out, "its standard deviation in each sum: "));
    json_object_foreach(json_object_get(privacy, "noise_sd"), name, sd)
    {
        TRY(buffer_format(out, "%s%s %.4g", before, name, json_number_value(sd)));
        before = ", ";
    }
    return buffer_text(out, "\n\n");
}
