/* Figures as Prometheus reads them: its text format, version 0.0.4. Everything is appended to a buffer. */
#ifndef SYS_METRICS_H
#define SYS_METRICS_H

#include "crypto/base/bytes.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A family: HELP and TYPE. A name that ends in _total is a counter, any other a gauge. */
struct metric {
    const char *name;
    const char *help;
};
MUST_USE struct result metrics_family(const struct metric *metric, struct buffer *out);

/* One sample of a family. A label's value is any text; with invalid UTF-8 each byte of it that is not ASCII becomes
 * '?'. label NULL: none. Whole numbers up to 2^53 are written exactly. */
struct metric_label {
    const char *name;
    const char *value;
};
MUST_USE struct result metrics_sample(const char *name, const struct metric_label *label, double value,
                                      struct buffer *out);
/* A family of one sample without labels. */
MUST_USE struct result metrics_put(const struct metric *metric, double value, struct buffer *out);

#endif
