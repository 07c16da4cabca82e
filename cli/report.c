#include "cli/report.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/document.h"

struct progress progress_start(void)
{
    return (struct progress){.live = isatty(STDERR_FILENO) == 1};
}

void progress_line(void *progress, const char *line)
{
    struct progress *state = progress;
    (void)fprintf(stderr, state->live ? "\r\033[K%s" : "%s\n", line);
    (void)fflush(stderr);
    state->open = state->live;
}

void progress_end(struct progress *progress)
{
    if (progress->open) (void)fputc('\n', stderr);
    progress->open = false;
}

static struct result line_metric(const json_t *model, const char *words, const char *key, struct buffer *out)
{
    const json_t *metrics = json_object_get(model, "metrics");
    double train = document_number(json_object_get(metrics, "train"), key);
    double holdout = document_number(json_object_get(metrics, "holdout"), key);
    if (isnan(train)) return RESULT_OK;
    TRY(buffer_format(out, "%-15s %.4f training", words, train));
    if (!isnan(holdout)) TRY(buffer_format(out, ", %.4f held out", holdout));
    return buffer_text(out, "\n");
}

struct result report_aliased(const json_t *model, struct buffer *out)
{
    const json_t *term;
    size_t index;
    json_array_foreach(json_object_get(model, "terms"), index, term)
    {
        const char *reason = document_text(term, "reason");
        if (reason[0]) TRY(buffer_format(out, "%-15s %s: %s\n", "aliased", document_text(term, "term"), reason));
    }
    return RESULT_OK;
}

struct result report_summary(struct view model, struct buffer *out)
{
    json_error_t error;
    CLEANUP(document_freep) json_t *document = json_loadb((const char *)model.data, model.length, 0, &error);
    ENSURE(document != NULL, CATEGORY_BUG, "the model is not JSON: %s", error.text);
    const json_t *rows = json_object_get(document, "rows");
    double banks = document_number(document, "banks");
    TRY(buffer_format(out, "%-15s ", document_text(document, "plan")));
    TRY(banks == 1 ? buffer_text(out, "a local fit, of this data alone; ") : buffer_format(out, "%.0f banks, ", banks));
    const json_t *converged = json_object_get(document, "converged");
    TRY(buffer_format(out, "%.0f rounds%s\n", document_number(document, "rounds"),
                      json_is_false(converged)  ? ", not converged"
                      : json_is_true(converged) ? ", converged"
                                                : ""));
    TRY(buffer_format(out, "%-15s %.0f training", "rows", document_number(rows, "train")));
    if (document_number(rows, "holdout") > 0)
        TRY(buffer_format(out, ", %.0f held out", document_number(rows, "holdout")));
    else if (json_is_object(json_object_get(document, "split")))
        TRY(buffer_text(out, "; the plan holds rows out, and there are none such: check split"));
    TRY(buffer_text(out, "\n"));
    double likelihood = document_number(document, "log_likelihood");
    if (!isnan(likelihood)) TRY(buffer_format(out, "%-15s %.6f\n", "log-likelihood", likelihood));
    TRY(line_metric(document, "AUC", "auc", out));
    return report_aliased(document, out);
}
