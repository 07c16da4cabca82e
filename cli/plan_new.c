/* cofferdam plan new: a draft from one bank's file, for a person to edit.
 *
 * What the draft says of the file becomes public with the plan, so bounds are rounded outward (an exact maximum is one
 * customer's value), and columns with very many different texts, which may name customers, are left out.
 */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "crypto/base/text.h"
#include "data/csv.h"
#include "proto/run/plan.h"

/* Whole numbers with no more different values than CODES_MAX are taken for codes; texts with more than
 * TEXT_LEVELS_MAX for names. */
enum { CODES_MAX = 12, TEXT_LEVELS_MAX = 60 };

struct draft {
    const char *from;
    const char *target;   /* NULL: to be filled in */
    const char *positive; /* the same */
    const char *id;       /* NULL: proposed, when a column looks like one */
    struct csv_scan *scan;
    struct buffer out;
    unsigned features;
};

static void draft_done(struct draft *draft)
{
    csv_scan_free(draft->scan);
    buffer_done(&draft->out);
}

/* A text in double quotes. What a plan would refuse has been left out before. */
static struct result quoted(struct buffer *out, const char *text)
{
    TRY(buffer_text(out, "\""));
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') TRY(buffer_text(out, "\\"));
        TRY(buffer_append(out, view_of(text, 1)));
    }
    return buffer_text(out, "\"");
}

static bool name_good(const char *name)
{
    size_t length = strlen(name);
    struct view view = view_of(name, length);
    return length > 0 && length <= NAME_MAX_BYTES && text_utf8(view) && text_printable(view, "") &&
           !strchr(name, '=') && name[0] != ' ' && name[length - 1] != ' ' && strcmp(name, PLAN_FILL_IN) != 0 &&
           strcmp(name, "(intercept)") != 0;
}

static bool level_good(const char *level)
{
    size_t length = strlen(level);
    struct view view = view_of(level, length);
    return length > 0 && length <= LEVEL_MAX_BYTES && text_utf8(view) && text_printable(view, "") && level[0] != ' ' &&
           level[length - 1] != ' ';
}

static bool looks_like_id(const struct csv_profile *column)
{
    size_t length = strlen(column->name);
    bool named = length >= 2 && strcasecmp(column->name + length - 2, "id") == 0;
    return named && column->more && column->missing == 0 && (column->whole || !column->numeric);
}

/* The multiple of step at or beyond value, as the text that a plan will be read from. */
static void outward(double value, double step, int direction, char out[32])
{
    double count = direction < 0 ? floor(value / step) : ceil(value / step);
    double back;
    do {
        (void)snprintf(out, 32, "%.15g", count * step);
        back = strtod(out, NULL);
        count += direction;
    } while (direction < 0 ? back > value : back < value);
}

static struct result number_line(struct draft *draft, const struct csv_profile *column)
{
    char minimum[32], maximum[32];
    double power = floor(log10(column->maximum - column->minimum));
    double step = pow(10, power) / 2;
    outward(column->minimum, column->whole && step < 1 ? 1 : step, -1, minimum);
    outward(column->maximum, column->whole && step < 1 ? 1 : step, 1, maximum);
    double resolution = pow(10, power - 4);
    if (column->whole && power < 9) resolution = 1;
    TRY(buffer_text(&draft->out, "  - {name: "));
    TRY(quoted(&draft->out, column->name));
    TRY(buffer_format(&draft->out, ", kind: number, min: %s, max: %s, resolution: %.15g%s}\n", minimum, maximum,
                      resolution, column->missing ? ", missing: median" : ""));
    draft->features++;
    return RESULT_OK;
}

static struct result category_line(struct draft *draft, const struct csv_profile *column)
{
    size_t most = 0;
    TRY(buffer_text(&draft->out, "  - {name: "));
    TRY(quoted(&draft->out, column->name));
    TRY(buffer_text(&draft->out, ", kind: category, levels: ["));
    for (size_t i = 0; i < column->values_count; i++) {
        if (i) TRY(buffer_text(&draft->out, ", "));
        TRY(quoted(&draft->out, column->values[i].text));
        if (column->values[i].count > column->values[most].count) most = i;
    }
    TRY(buffer_text(&draft->out, "], baseline: "));
    TRY(quoted(&draft->out, column->values[most].text));
    draft->features++;
    return buffer_format(&draft->out, "%s}\n", column->missing ? ", missing: level" : "");
}

static struct result left_out(struct draft *draft, const struct csv_profile *column, const char *why)
{
    TRY(buffer_text(&draft->out, "  # left out: "));
    TRY(quoted(&draft->out, name_good(column->name) ? column->name : "(a name that a plan cannot have)"));
    return buffer_format(&draft->out, ", %s\n", why);
}

static struct result column_line(struct draft *draft, const struct csv_profile *column)
{
    if (draft->target && strcmp(draft->target, column->name) == 0) return RESULT_OK;
    if (draft->id && strcmp(draft->id, column->name) == 0) return RESULT_OK;
    if (!name_good(column->name)) return left_out(draft, column, "rename it in the node's configuration");
    if (draft->features == FEATURES_MAX) return left_out(draft, column, "a plan has no room for more features");
    if (column->values_count < 2 || (column->numeric && column->minimum == column->maximum))
        return left_out(draft, column, "it has one value, or none");
    if (column->numeric &&
        !(column->maximum - column->minimum > DBL_EPSILON * 1e3 * fmax(fabs(column->minimum), fabs(column->maximum))))
        return left_out(draft, column, "its values differ in their last digits only");
    if (column->numeric && fmax(fabs(column->minimum), fabs(column->maximum)) > 1e99)
        return left_out(draft, column, "its values are too large; give it another unit");
    bool codes = column->whole ? column->values_count <= CODES_MAX : column->values_count == 2;
    if (column->numeric && (column->more || !codes)) return number_line(draft, column);
    if (column->more || column->values_count > TEXT_LEVELS_MAX)
        return left_out(
            draft, column,
            "very many different texts: an id, a name, a date, or numbers with a mark for missing (--missing)?");
    for (size_t i = 0; i < column->values_count; i++) {
        if (!level_good(column->values[i].text))
            return left_out(draft, column, "a value is too long or holds control characters");
        if (column->missing && strcmp(column->values[i].text, "missing") == 0)
            return left_out(draft, column, "it has gaps, and a value \"missing\" beside them; rename that value");
    }
    return category_line(draft, column);
}

static const struct csv_profile *column_find(const struct csv_scan *scan, const char *name)
{
    for (size_t i = 0; i < scan->columns_count; i++)
        if (strcmp(scan->columns[i].name, name) == 0) return &scan->columns[i];
    return NULL;
}

/* A target of two values names both: another bank's third, a typing error or a mark for missing, is then no negative.
 */
static struct result negative(struct draft *draft)
{
    const struct csv_profile *target = draft->target ? column_find(draft->scan, draft->target) : NULL;
    if (!draft->positive || !target || target->values_count != 2) return RESULT_OK;
    const char *other = target->values[strcmp(target->values[0].text, draft->positive) == 0 ? 1 : 0].text;
    if (!level_good(other)) return RESULT_OK;
    TRY(buffer_text(&draft->out, ", negative: ["));
    TRY(quoted(&draft->out, other));
    return buffer_text(&draft->out, "]");
}

static struct result head(struct draft *draft)
{
    const char *slash = strrchr(draft->from, '/');
    char name[NAME_MAX_BYTES + 1];
    (void)snprintf(name, sizeof name, "%.60s", slash ? slash + 1 : draft->from);
    name[strcspn(name, ".")] = 0;
    for (char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p)) *p = '-';
    if (!*name) (void)snprintf(name, sizeof name, "draft");
    TRY(buffer_format(&draft->out,
                      "# A draft from one bank's file. Bounds and levels must hold for every bank's rows and are "
                      "public: widen them.\n# Replace each " PLAN_FILL_IN "%s, then run: cofferdam plan check\n"
                      "cofferdam: 1\nname: %s\npurpose: " PLAN_FILL_IN "\ntask: logistic\ntarget: {column: ",
                      draft->target ? "" : ", take the target out of the features", name));
    TRY(quoted(&draft->out, draft->target ? draft->target : PLAN_FILL_IN));
    TRY(buffer_text(&draft->out, ", positive: "));
    TRY(quoted(&draft->out, draft->positive ? draft->positive : PLAN_FILL_IN));
    TRY(negative(draft));
    TRY(buffer_text(&draft->out, "}\n"));
    if (draft->id) {
        TRY(buffer_text(&draft->out, "id: "));
        TRY(quoted(&draft->out, draft->id));
        TRY(buffer_text(&draft->out, "    # never leaves the node; decides which rows are held out\n"));
    }
    return buffer_format(&draft->out, "split: {fraction: 0.2, seed: \"%s\"}\nfeatures:\n", name);
}

/* A value that the file does not have is a slip; where it has too many to know them all, nobody can tell. */
static struct result positive_check(const struct draft *draft, const struct csv_profile *target)
{
    bool found = target->more;
    for (size_t i = 0; i < target->values_count && !found; i++)
        found = strcmp(target->values[i].text, draft->positive) == 0;
    ENSURE(found, CATEGORY_USAGE, "--positive %s: column %s of %s has no such value", draft->positive, draft->target,
           draft->from);
    return RESULT_OK;
}

static struct result words_check(struct draft *draft)
{
    const struct csv_profile *target = draft->target ? column_find(draft->scan, draft->target) : NULL;
    ENSURE(!draft->target || target, CATEGORY_USAGE, "--target %s: %s has no such column", draft->target, draft->from);
    ENSURE(!draft->id || column_find(draft->scan, draft->id), CATEGORY_USAGE, "--id %s: %s has no such column",
           draft->id, draft->from);
    ENSURE(!draft->positive || draft->target, CATEGORY_USAGE, "--positive belongs to --target; give both");
    ENSURE(!draft->id || !draft->target || strcmp(draft->id, draft->target) != 0, CATEGORY_USAGE,
           "--id and --target name one column, %s; a column has one part", draft->id);
    if (draft->positive) TRY(positive_check(draft, target));
    for (size_t i = 0; !draft->id && i < draft->scan->columns_count; i++) {
        const struct csv_profile *column = &draft->scan->columns[i];
        if (column != target && name_good(column->name) && looks_like_id(column)) draft->id = column->name;
    }
    return RESULT_OK;
}

static struct result write_draft(struct draft *draft)
{
    TRY(words_check(draft));
    TRY(head(draft));
    for (size_t i = 0; i < draft->scan->columns_count; i++) TRY(column_line(draft, &draft->scan->columns[i]));
    ENSURE(draft->features > 0, CATEGORY_USAGE, "%s: no column could be a feature", draft->from);
    return buffer_text(&draft->out, "train: {penalty: 0}\ncohort: {minimum: 5}\n");
}

struct result cli_plan_new(int argc, char **argv)
{
    CLEANUP(draft_done) struct draft draft = {0};
    const char *out = NULL, *delimiter = NULL;
    static struct cli_values missing;
    struct csv_options csv = {0};
    const struct cli_option options[] = {
        {.name = "from", .required = true, .value = &draft.from},
        {.name = "target", .value = &draft.target},
        {.name = "positive", .value = &draft.positive},
        {.name = "id", .value = &draft.id},
        {.name = "delimiter", .value = &delimiter},
        {.name = "decimal-comma", .flag = &csv.decimal_comma},
        {.name = "missing", .values = &missing},
        {.name = "out", .letter = 'o', .value = &out},
        {0},
    };
    TRY(cli_parse(argc, argv, options, "", 0, 0, NULL));
    ENSURE(!delimiter || strlen(delimiter) == 1, CATEGORY_USAGE, "--delimiter takes one character");
    if (delimiter) csv.delimiter = delimiter[0];
    csv.missing = missing.items;
    csv.missing_count = missing.count;
    TRY(csv_scan(draft.from, &csv, &draft.scan));
    TRY(write_draft(&draft));
    return cli_write(out ? out : "-", buffer_view(&draft.out), false);
}
