#include "sys/metrics.h"

#include <math.h>
#include <string.h>

#include "crypto/base/text.h"

static bool is_counter(const char *name)
{
    static const char end[] = "_total";
    size_t length = strlen(name);
    return length > sizeof end - 1 && strcmp(name + length - (sizeof end - 1), end) == 0;
}

struct result metrics_family(const struct metric *metric, struct buffer *out)
{
    return buffer_format(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                         is_counter(metric->name) ? "counter" : "gauge");
}

static struct result put_character(unsigned char character, bool utf8, struct buffer *out)
{
    if (character == '\n') return buffer_text(out, "\\n");
    if (character == '\\' || character == '"') return buffer_format(out, "\\%c", character);
    if (character < ' ' || character == 127 || (character > 127 && !utf8)) character = '?';
    return buffer_u8(out, character);
}

static struct result put_label(const struct metric_label *label, struct buffer *out)
{
    bool utf8 = text_utf8(view_text(label->value));
    TRY(buffer_format(out, "{%s=\"", label->name));
    for (const char *at = label->value; *at; at++) TRY(put_character((unsigned char)*at, utf8, out));
    return buffer_text(out, "\"}");
}

static struct result put_value(double value, struct buffer *out)
{
    if (isnan(value)) return buffer_text(out, " NaN\n");
    if (isinf(value)) return buffer_text(out, value > 0 ? " +Inf\n" : " -Inf\n");
    return buffer_format(out, " %.17g\n", value);
}

struct result metrics_sample(const char *name, const struct metric_label *label, double value, struct buffer *out)
{
    TRY(buffer_text(out, name));
    if (label) TRY(put_label(label, out));
    return put_value(value, out);
}

struct result metrics_put(const struct metric *metric, double value, struct buffer *out)
{
    TRY(metrics_family(metric, out));
    return metrics_sample(metric->name, NULL, value, out);
}
