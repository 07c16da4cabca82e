#include "tests/support/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { FIELDS_MAX = 40, LINE_MAX_BYTES = 8192 };

static const struct source {
    const char *set, *path, *target, *positive;
    char delimiter;
    const char *header; /* of a file without one */
    const char *missing;
} sources[] = {
    {"german_credit", "german_credit/german.data", "class", "2", ' ',
     "status duration credit_history purpose amount savings employment installment_rate personal_status_sex "
     "other_debtors residence_since property age other_installment_plans housing existing_credits job people_liable "
     "telephone foreign_worker class",
     ""},
    {"south_german_credit", "south_german_credit/SouthGermanCredit.asc", "credit_risk", "0", ' ', NULL, ""},
    {"taiwan_default", "taiwan_default/UCI_Credit_Card.csv.gz", "default.payment.next.month", "1", ',', NULL, ""},
    {"hmda", "hmda/hmda.csv", "deny", "yes", ',', NULL, ""},
    {"telco_churn", "telco_churn/Telco-Customer-Churn.csv", "Churn", "Yes", ',', NULL, " "},
    {"credit_data", "credit_data/credit_data.csv", "Status", "bad", ',', NULL, ""},
    {"bank_marketing", "bank_marketing/bank-additional-full.csv.gz", "y", "yes", ';', NULL, ""},
};

struct line {
    char text[LINE_MAX_BYTES];
    char *fields[FIELDS_MAX];
    size_t count;
};

/* Cuts a line into fields; quotes around a field go, and protect delimiters within. */
static void cut(struct line *line, char delimiter)
{
    line->count = 0;
    char *at = line->text, *put = line->text;
    bool quoted = false;
    line->fields[line->count++] = put;
    for (; *at && *at != '\n' && *at != '\r'; at++) {
        if (*at == '"') {
            quoted = !quoted;
        } else if (*at == delimiter && !quoted && line->count < FIELDS_MAX) {
            *put++ = 0;
            line->fields[line->count++] = put;
        } else {
            *put++ = *at;
        }
    }
    *put = 0;
}

static size_t find(const struct line *header, const char *name)
{
    for (size_t i = 0; i < header->count; i++)
        if (strcmp(header->fields[i], name) == 0) return i;
    return SIZE_MAX;
}

/* taiwan_default's recoding, as the reference states it. */
static const char *recoded(const json_t *json, const char *column, const char *value)
{
    const json_t *recode = json_object_get(json_object_get(json_object_get(json, "preprocessing"), "recode"), column);
    const char *to = json_string_value(json_object_get(recode, value));
    return to ? to : value;
}

static const char *value_of(const struct source *source, const json_t *json, const char *column, const char *text)
{
    if (text[0] == 0 || strcmp(text, source->missing) == 0) return NULL;
    return recoded(json, column, text);
}

/* Smallest and largest value of each column read as a number; text gives nonsense that nobody asks for. */
static struct result measure(const struct source *source, gzFile file, const struct line *header, double *low,
                             double *high)
{
    struct line *line = malloc(sizeof *line);
    ENSURE(line, CATEGORY_ENVIRONMENT, "out of memory");
    for (size_t i = 0; i < FIELDS_MAX; i++) {
        low[i] = 1e300;
        high[i] = -1e300;
    }
    while (gzgets(file, line->text, LINE_MAX_BYTES)) {
        cut(line, source->delimiter);
        for (size_t i = 0; i < header->count && i < line->count; i++) {
            if (line->fields[i][0] == 0 || strcmp(line->fields[i], source->missing) == 0) continue;
            double value = strtod(line->fields[i], NULL);
            if (value < low[i]) low[i] = value;
            if (value > high[i]) high[i] = value;
        }
    }
    free(line);
    return RESULT_OK;
}

static struct result put_number(const char *name, const json_t *number, double low, double high, struct buffer *yaml)
{
    TRY(buffer_format(yaml, "  - {name: \"%s\", kind: number, min: %.17g, max: %.17g", name, low, high));
    if (json_integer_value(json_object_get(number, "missing")) > 0)
        TRY(buffer_format(yaml, ", missing: %.17g", json_number_value(json_object_get(number, "median"))));
    return buffer_text(yaml, "}\n");
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct result put_category(const char *name, const json_t *category, struct buffer *yaml)
{
    const char *levels[100];
    size_t count = 0;
    const char *level;
    json_t *rows;
    json_object_foreach((json_t *)json_object_get(category, "levels"), level, rows) levels[count++] = level;
    qsort(levels, count, sizeof *levels, by_bytes);
    bool missing = json_integer_value(json_object_get(category, "missing")) > 0;
    TRY(buffer_format(yaml, "  - {name: \"%s\", kind: category, baseline: \"%s\"%s, levels: [", name, levels[0],
                      missing ? ", missing: level" : ""));
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (missing && strcmp(levels[i], "missing") == 0) continue;
        TRY(buffer_format(yaml, "%s\"%s\"", first ? "" : ", ", levels[i]));
        first = false;
    }
    return buffer_text(yaml, "]}\n");
}

static struct result write_plan(const struct source *source, const json_t *json, const struct line *header,
                                const double *low, const double *high, const char *penalty, struct buffer *yaml)
{
    const json_t *preprocessing = json_object_get(json, "preprocessing");
    TRY(buffer_format(
        yaml,
        "cofferdam: 1\nname: %s\npurpose: test\ntask: logistic\n"
        "target: {column: \"%s\", positive: \"%s\"}\nsplit: {column: fold, holdout: [\"0\"]}\nfeatures:\n",
        source->set, source->target, source->positive));
    for (size_t i = 0; i < header->count; i++) {
        const char *name = header->fields[i];
        const json_t *number = json_object_get(json_object_get(preprocessing, "numeric"), name);
        const json_t *category = json_object_get(json_object_get(preprocessing, "categorical"), name);
        if (number) TRY(put_number(name, number, low[i], high[i], yaml));
        if (category) TRY(put_category(name, category, yaml));
    }
    return buffer_format(yaml, "train: {penalty: %s, tolerance: 1.0e-8, rounds: 40}\n", penalty);
}

static struct result read_rows(const struct source *source, gzFile file, const struct line *header,
                               struct reference *reference)
{
    struct line *line = malloc(sizeof *line);
    ENSURE(line, CATEGORY_ENVIRONMENT, "out of memory");
    const struct plan *plan = &reference->pooled.plan;
    const char *texts[FIELDS_MAX + 2];
    struct result result = RESULT_OK;
    for (uint64_t row = 0; result_ok(result) && gzgets(file, line->text, LINE_MAX_BYTES); row++) {
        cut(line, source->delimiter);
        for (size_t k = 0; k < reference->pooled.schema.count; k++) {
            const char *name = reference->pooled.schema.specs[k].name;
            size_t at = find(header, name);
            texts[k] = at == SIZE_MAX ? NULL : value_of(source, reference->json, name, line->fields[at]);
        }
        texts[schema_split(plan)] = row % 5 == 0 ? "0" : "1";
        result = result_at(pooled_row(&reference->pooled, texts), "row %llu: ", (unsigned long long)row);
    }
    free(line);
    return result;
}

static struct result read_header(const struct source *source, gzFile file, struct line *ret)
{
    if (source->header) {
        (void)snprintf(ret->text, sizeof ret->text, "%s", source->header);
    } else {
        ENSURE(gzgets(file, ret->text, LINE_MAX_BYTES), CATEGORY_ENVIRONMENT, "%s is empty", source->path);
    }
    cut(ret, source->delimiter);
    return RESULT_OK;
}

/* Two passes over the file: bounds first, since the plan needs them, then the rows. */
static struct result load(const struct source *source, gzFile file, const char *penalty, struct reference *ret)
{
    struct line *header = malloc(sizeof *header);
    ENSURE(header, CATEGORY_ENVIRONMENT, "out of memory");
    double low[FIELDS_MAX], high[FIELDS_MAX];
    CLEANUP(buffer_done) struct buffer yaml = {0};
    const char *text = NULL;
    struct result result = read_header(source, file, header);
    if (result_ok(result)) result = measure(source, file, header, low, high);
    if (result_ok(result)) result = write_plan(source, ret->json, header, low, high, penalty, &yaml);
    if (result_ok(result)) result = buffer_terminate(&yaml, &text);
    if (result_ok(result)) result = pooled_init(text, &ret->pooled);
    (void)gzrewind(file);
    if (result_ok(result)) result = read_header(source, file, header);
    if (result_ok(result)) result = read_rows(source, file, header, ret);
    free(header);
    return result;
}

void reference_done(struct reference *reference)
{
    json_decref(reference->json);
    reference->json = NULL;
    pooled_done(&reference->pooled);
}

bool reference_present(void)
{
    if (access("../shared/reference/README.md", R_OK) == 0) return true;
    printf("skipped: ../shared/reference is not here\n");
    return false;
}

struct result reference_load(const char *set, const char *penalty, struct reference *ret)
{
    *ret = (struct reference){0};
    const struct source *source = sources;
    while (strcmp(source->set, set) != 0) source++; /* callers name sets of the table above */
    char path[256];
    (void)snprintf(path, sizeof path, "../shared/reference/%s.json", set);
    ret->json = json_load_file(path, 0, NULL);
    ENSURE(ret->json, CATEGORY_ENVIRONMENT, "%s cannot be read", path);
    (void)snprintf(path, sizeof path, "../shared/data/%s", source->path);
    gzFile file = gzopen(path, "rb");
    struct result result = FAIL(CATEGORY_ENVIRONMENT, "%s cannot be read", path);
    if (file) result = load(source, file, penalty, ret);
    if (file) (void)gzclose(file);
    if (!result_ok(result)) reference_done(ret);
    return result;
}
