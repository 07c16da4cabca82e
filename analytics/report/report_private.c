/* What the page of a run under differential privacy says of its noise. */
#include "analytics/report/report_pages.h"

static struct result sums(const json_t *noise, struct buffer *out)
{
    const char *name;
    const json_t *sd;
    TRY(buffer_text(out, "<table>\n<caption>Noise in each sum, of all banks together</caption>\n<thead><tr><th "
                         "scope=\"col\">sum</th><th scope=\"col\" class=\"n\">standard "
                         "deviation</th></tr></thead>\n<tbody>\n"));
    json_object_foreach((json_t *)noise, name, sd)
    {
        TRY(buffer_text(out, "<tr><th scope=\"row\">"));
        TRY(html_text(name, out));
        TRY(buffer_text(out, "</th><td class=\"n\">"));
        TRY(html_number(json_number_value(sd), 4, out));
        TRY(buffer_text(out, "</td></tr>\n"));
    }
    return buffer_text(out, "</tbody>\n</table>\n");
}

struct result report_private_section(const json_t *model, struct buffer *out)
{
    const json_t *privacy = json_object_get(model, "privacy");
    if (!privacy) return RESULT_OK;
    TRY(html_element("h2", "Noise", out));
    TRY(buffer_text(out, "<p>Every figure on this page carries noise. Each bank added its own to each sum before it "
                         "left, so that nobody saw a sum without. All sums of the run together are differentially "
                         "private for one "));
    TRY(html_text(report_text(privacy, "unit"), out));
    TRY(buffer_text(out, " ("));
    TRY(html_text(report_text(privacy, "neighbours"), out));
    TRY(buffer_text(out, "): &epsilon; = "));
    TRY(html_number(report_number(privacy, "epsilon"), 6, out));
    TRY(buffer_text(out, ", &delta; = "));
    TRY(html_number(report_number(privacy, "delta"), 6, out));
    TRY(buffer_text(out, ". Counts are rounded, and put right where noise made them negative or disagree.</p>\n"));
    return sums(json_object_get(privacy, "noise_sd"), out);
}
