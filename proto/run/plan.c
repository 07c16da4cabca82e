/* Plans: from YAML to a struct in which everything that needs no data has been checked. */
#include "proto/run/plan.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "proto/run/plan_raw.h"

enum { HOURS_A_DAY = 24, DEADLINE_DEFAULT_HOURS = 7 * HOURS_A_DAY, DEADLINE_MAX_HOURS = 366 * HOURS_A_DAY };
#define TOLERANCE_DEFAULT 1e-8
#define TOLERANCE_LEAST 1e-14
#define TOLERANCE_MOST 1e-1
#define ROUNDS_DEFAULT 25u
#define CELLS_DEFAULT 10u
#define BINS_DEFAULT 20u
#define CLASSES_DEFAULT 6u
#define REASONS_DEFAULT 4u
/* One outcome weighs at most so much more than the other: beyond, the sums have too few bits for the other. */
#define CLASS_WEIGHT_MOST 1000.0

struct raw_target {
    char *column, *positive;
    char **negative;
    unsigned negative_count;
};
struct raw_split {
    char *fraction, *seed, *column;
    char **holdout;
    unsigned holdout_count;
};
struct raw_train {
    char *penalty, *l1, *path, *class_weight, *tolerance, *rounds;
};
struct raw_cells {
    char *minimum;
};
struct raw_binning {
    char *fine, *most, *share;
};
struct raw_selection {
    char *iv, *correlation, *signs;
};
struct raw_points {
    char *pdo, *base, *odds, *decimals, *reasons;
};
struct raw_model {
    char *name, *json;
};
struct raw_evaluate {
    char **cutoffs, *group;
    unsigned cutoffs_count;
};
struct raw_cohort {
    char *minimum, *on_dropout, *rows, *deadline;
};
struct raw_plan {
    char *version, *name, *purpose, *task, *id;
    struct raw_target *target;
    struct raw_split *split;
    struct raw_feature *features;
    unsigned features_count;
    struct raw_interaction *interactions;
    unsigned interactions_count;
    struct raw_train *train;
    struct raw_cells *cells;
    struct raw_binning *binning;
    struct raw_selection *selection;
    struct raw_points *points;
    struct raw_model *models;
    unsigned models_count;
    struct raw_evaluate *evaluate;
    struct raw_cohort *cohort;
    struct raw_privacy *privacy;
};

#define REQUIRED CYAML_FLAG_POINTER
#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, flags, structure, member) CYAML_FIELD_STRING_PTR(key, flags, structure, member, 1, CYAML_UNLIMITED)

static const cyaml_schema_field_t target_fields[] = {
    TEXT("column", REQUIRED, struct raw_target, column),
    TEXT("positive", OPTIONAL, struct raw_target, positive),
    CYAML_FIELD_SEQUENCE("negative", OPTIONAL, struct raw_target, negative, &plan_raw_text, 1, LEVELS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t split_fields[] = {
    TEXT("fraction", OPTIONAL, struct raw_split, fraction),
    TEXT("seed", OPTIONAL, struct raw_split, seed),
    TEXT("column", OPTIONAL, struct raw_split, column),
    CYAML_FIELD_SEQUENCE("holdout", OPTIONAL, struct raw_split, holdout, &plan_raw_text, 1, LEVELS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t train_fields[] = {
    TEXT("penalty", OPTIONAL, struct raw_train, penalty),
    TEXT("l1", OPTIONAL, struct raw_train, l1),
    TEXT("path", OPTIONAL, struct raw_train, path),
    TEXT("class_weight", OPTIONAL, struct raw_train, class_weight),
    TEXT("tolerance", OPTIONAL, struct raw_train, tolerance),
    TEXT("rounds", OPTIONAL, struct raw_train, rounds),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t cells_fields[] = {
    TEXT("minimum", REQUIRED, struct raw_cells, minimum),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t binning_fields[] = {
    TEXT("fine", OPTIONAL, struct raw_binning, fine),
    TEXT("most", OPTIONAL, struct raw_binning, most),
    TEXT("share", OPTIONAL, struct raw_binning, share),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t selection_fields[] = {
    TEXT("iv", OPTIONAL, struct raw_selection, iv),
    TEXT("correlation", OPTIONAL, struct raw_selection, correlation),
    TEXT("signs", OPTIONAL, struct raw_selection, signs),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t points_fields[] = {
    TEXT("pdo", OPTIONAL, struct raw_points, pdo),         TEXT("base", OPTIONAL, struct raw_points, base),
    TEXT("odds", OPTIONAL, struct raw_points, odds),       TEXT("decimals", OPTIONAL, struct raw_points, decimals),
    TEXT("reasons", OPTIONAL, struct raw_points, reasons), CYAML_FIELD_END,
};
static const cyaml_schema_field_t model_fields[] = {
    TEXT("name", REQUIRED, struct raw_model, name),
    TEXT("json", REQUIRED, struct raw_model, json),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t raw_model = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_model, model_fields),
};
static const cyaml_schema_field_t evaluate_fields[] = {
    CYAML_FIELD_SEQUENCE("cutoffs", OPTIONAL, struct raw_evaluate, cutoffs, &plan_raw_text, 1, PLAN_CUTOFFS_MAX),
    TEXT("group", OPTIONAL, struct raw_evaluate, group),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t cohort_fields[] = {
    TEXT("minimum", OPTIONAL, struct raw_cohort, minimum),
    TEXT("on_dropout", OPTIONAL, struct raw_cohort, on_dropout),
    TEXT("rows", OPTIONAL, struct raw_cohort, rows),
    TEXT("deadline", OPTIONAL, struct raw_cohort, deadline),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t plan_fields[] = {
    TEXT("cofferdam", REQUIRED, struct raw_plan, version),
    TEXT("name", REQUIRED, struct raw_plan, name),
    TEXT("purpose", OPTIONAL, struct raw_plan, purpose),
    TEXT("task", REQUIRED, struct raw_plan, task),
    TEXT("id", OPTIONAL, struct raw_plan, id),
    CYAML_FIELD_MAPPING_PTR("target", OPTIONAL, struct raw_plan, target, target_fields),
    CYAML_FIELD_MAPPING_PTR("split", OPTIONAL, struct raw_plan, split, split_fields),
    CYAML_FIELD_SEQUENCE("features", REQUIRED, struct raw_plan, features, &plan_raw_feature, 1, FEATURES_MAX),
    CYAML_FIELD_SEQUENCE("interactions", OPTIONAL, struct raw_plan, interactions, &plan_raw_interaction, 1,
                         PLAN_DERIVED_MAX),
    CYAML_FIELD_MAPPING_PTR("train", OPTIONAL, struct raw_plan, train, train_fields),
    CYAML_FIELD_MAPPING_PTR("cells", OPTIONAL, struct raw_plan, cells, cells_fields),
    CYAML_FIELD_MAPPING_PTR("binning", OPTIONAL, struct raw_plan, binning, binning_fields),
    CYAML_FIELD_MAPPING_PTR("selection", OPTIONAL, struct raw_plan, selection, selection_fields),
    CYAML_FIELD_MAPPING_PTR("points", OPTIONAL, struct raw_plan, points, points_fields),
    CYAML_FIELD_SEQUENCE("models", OPTIONAL, struct raw_plan, models, &raw_model, 1, PLAN_MODELS_MAX),
    CYAML_FIELD_MAPPING_PTR("evaluate", OPTIONAL, struct raw_plan, evaluate, evaluate_fields),
    CYAML_FIELD_MAPPING_PTR("cohort", OPTIONAL, struct raw_plan, cohort, cohort_fields),
    CYAML_FIELD_MAPPING_PTR("privacy", OPTIONAL, struct raw_plan, privacy, plan_raw_privacy),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t plan_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_plan, plan_fields),
};

void plan_done(struct plan *plan)
{
    for (size_t i = 0; i < plan->features_count; i++) plan_feature_done(&plan->features[i]);
    free(plan->features);
    free(plan->derived);
    for (size_t i = 0; i < plan->models_count; i++) free(plan->models[i].json);
    free(plan->models);
    free(plan->cutoffs);
    plan_texts_free(plan->negative, plan->negative_count);
    plan_texts_free(plan->split_holdout, plan->split_holdout_count);
    buffer_done(&plan->text);
    *plan = (struct plan){0};
}

/* "NAME:LINE: key "PATH": sentence". */
static struct result fail(const struct document *document, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static struct result fail(const struct document *document, const char *path, const char *format, ...)
{
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return document_fail(document, path, "key \"%s\": %s", path, text);
}

static struct result name_copy(const struct document *document, const char *path, const char *text, size_t most,
                               char *out)
{
    if (!text) return RESULT_OK;
    if (strcmp(text, PLAN_FILL_IN) == 0) return fail(document, path, "is still to be filled in; decide and write it");
    if (result_ok(plan_name_copy(text, most, out))) return RESULT_OK;
    char why[160];
    (void)snprintf(why, sizeof why, "%s", result_reason());
    return fail(document, path, "%s", why);
}

static struct result number(const struct document *document, const char *path, const char *text, double *value)
{
    if (text && !text_number(text, value))
        return fail(document, path, "\"%.40s\" is not a finite decimal number", text);
    return RESULT_OK;
}

static struct result whole(const struct document *document, const char *path, const char *text, uint64_t least,
                           uint64_t most, uint64_t *value)
{
    if (!text) return RESULT_OK;
    uint64_t given;
    if (!text_whole(text, &given) || given < least || given > most)
        return fail(document, path, "\"%.40s\" is not a whole number from %llu to %llu", text,
                    (unsigned long long)least, (unsigned long long)most);
    *value = given;
    return RESULT_OK;
}

/* A number from `least` to `most`. */
static struct result within(const struct document *document, const char *path, const char *text, double least,
                            double most, double *value)
{
    TRY(number(document, path, text, value));
    if (text && !(*value >= least && *value <= most))
        return fail(document, path, "%.40s is not from %g to %g", text, least, most);
    return RESULT_OK;
}

/* A list of values of the key: each a level's text, none twice. */
static struct result values_parse(const struct document *document, const char *path, char *const *texts, size_t count,
                                  char ***ret, size_t *ret_count)
{
    for (size_t i = 0; i < count; i++) {
        char value[LEVEL_MAX_BYTES + 1];
        TRY(name_copy(document, path, texts[i], LEVEL_MAX_BYTES, value));
        for (size_t k = 0; k < i; k++)
            if (strcmp(texts[k], value) == 0)
                return fail(document, path, "\"%.64s\" stands there twice; keep one", value);
    }
    return plan_texts_copy(texts, count, ret, ret_count);
}

static struct result target_parse(const struct document *document, const struct raw_target *raw, struct plan *plan)
{
    if (!raw) return RESULT_OK;
    TRY(name_copy(document, "target.column", raw->column, NAME_MAX_BYTES, plan->target));
    TRY(name_copy(document, "target.positive", raw->positive, LEVEL_MAX_BYTES, plan->positive));
    if (!raw->negative) return RESULT_OK;
    if (!raw->positive) return fail(document, "target.negative", "needs the other value beside it: positive");
    TRY(values_parse(document, "target.negative", raw->negative, raw->negative_count, &plan->negative,
                     &plan->negative_count));
    for (size_t i = 0; i < plan->negative_count; i++)
        if (strcmp(plan->negative[i], plan->positive) == 0)
            return fail(document, "target.negative", "\"%.64s\" is the positive value; a row is one or the other",
                        plan->positive);
    return RESULT_OK;
}

static struct result split_by_hash(const struct document *document, const struct raw_split *raw, struct plan *plan)
{
    plan->split = SPLIT_HASH;
    if (raw->column || raw->holdout)
        return fail(document, "split", "either fraction and seed, or column and holdout; not both");
    if (!raw->fraction || !raw->seed)
        return fail(document, "split", "fraction and seed belong together; add the other");
    TRY(number(document, "split.fraction", raw->fraction, &plan->split_fraction));
    if (!(plan->split_fraction > 0 && plan->split_fraction < 1))
        return fail(document, "split.fraction", "%.40s is not between 0 and 1; leave split out to hold nothing out",
                    raw->fraction);
    return name_copy(document, "split.seed", raw->seed, NAME_MAX_BYTES, plan->split_seed);
}

static struct result split_parse(const struct document *document, const struct raw_split *raw, struct plan *plan)
{
    if (!raw) return RESULT_OK;
    if (raw->fraction || raw->seed) return split_by_hash(document, raw, plan);
    plan->split = SPLIT_COLUMN;
    if (!raw->column || !raw->holdout) return fail(document, "split", "needs fraction and seed, or column and holdout");
    TRY(name_copy(document, "split.column", raw->column, NAME_MAX_BYTES, plan->split_column));
    return values_parse(document, "split.holdout", raw->holdout, raw->holdout_count, &plan->split_holdout,
                        &plan->split_holdout_count);
}

/* Penalties are tried on held-out rows. */
static struct result path_parse(const struct document *document, const struct raw_train *raw, struct plan *plan)
{
    uint64_t path = 0;
    if (!raw->path) return RESULT_OK;
    TRY(whole(document, "train.path", raw->path, 2, PLAN_PATH_MAX, &path));
    if (strcmp(plan->task, "logistic") != 0) return fail(document, "train.path", "belongs to the task logistic");
    if (raw->penalty) return fail(document, "train.path", "finds the penalty; remove train.penalty");
    if (plan->split == SPLIT_NONE)
        return fail(document, "train.path",
                    "chooses by the likelihood of held-out rows, and there are none; add split");
    plan->path = (uint32_t)path;
    return RESULT_OK;
}

static struct result weight_parse(const struct document *document, const char *text, struct plan *plan)
{
    plan->weight = 1;
    if (!text) return RESULT_OK;
    if (strcmp(plan->task, "logistic") != 0)
        return fail(document, "train.class_weight", "belongs to the task logistic");
    plan->balanced = strcmp(text, "balanced") == 0;
    if (plan->balanced) return RESULT_OK;
    if (!text_number(text, &plan->weight) || plan->weight < 1 / CLASS_WEIGHT_MOST || plan->weight > CLASS_WEIGHT_MOST)
        return fail(document, "train.class_weight",
                    "\"%.40s\" is neither balanced nor what a positive row weighs against another, from %g to %g", text,
                    1 / CLASS_WEIGHT_MOST, CLASS_WEIGHT_MOST);
    return RESULT_OK;
}

static struct result train_parse(const struct document *document, const struct raw_train *raw, struct plan *plan)
{
    static const struct raw_train none;
    if (!raw) raw = &none;
    uint64_t rounds = ROUNDS_DEFAULT;
    plan->tolerance = TOLERANCE_DEFAULT;
    TRY(number(document, "train.penalty", raw->penalty, &plan->penalty));
    if (plan->penalty < 0) return fail(document, "train.penalty", "must not be negative; 0 means none");
    TRY(within(document, "train.l1", raw->l1, 0, 1, &plan->l1));
    TRY(path_parse(document, raw, plan));
    TRY(weight_parse(document, raw->class_weight, plan));
    if (plan->l1 > 0 && plan->penalty == 0 && !plan->path)
        return fail(document, "train.l1", "is a share of the penalty, and train.penalty is 0; set it, or train.path");
    if (plan->l1 > 0 && strcmp(plan->task, "scorecard") == 0)
        return fail(document, "train.l1", "a scorecard selects its features by selection; remove it");
    TRY(number(document, "train.tolerance", raw->tolerance, &plan->tolerance));
    if (plan->tolerance < TOLERANCE_LEAST || plan->tolerance > TOLERANCE_MOST)
        return fail(document, "train.tolerance", "%.40s is not from %g to %g", raw->tolerance, TOLERANCE_LEAST,
                    TOLERANCE_MOST);
    TRY(whole(document, "train.rounds", raw->rounds, 1, TRAIN_ROUNDS_MAX, &rounds));
    plan->rounds = (uint32_t)rounds;
    return RESULT_OK;
}

static struct result cells_parse(const struct document *document, const struct raw_plan *raw, struct plan *plan)
{
    uint64_t minimum = CELLS_DEFAULT;
    if (raw->cells) TRY(whole(document, "cells.minimum", raw->cells->minimum, 1, PLAN_CELLS_MOST, &minimum));
    plan->cells_minimum = (uint32_t)minimum;
    return RESULT_OK;
}

static struct result binning_parse(const struct document *document, const struct raw_binning *raw, struct plan *plan)
{
    static const struct raw_binning none;
    if (!raw) raw = &none;
    uint64_t fine = BINS_DEFAULT, most = CLASSES_DEFAULT;
    plan->scorecard.share = 0.05;
    TRY(whole(document, "binning.fine", raw->fine, 2, PLAN_BINS_MAX, &fine));
    TRY(whole(document, "binning.most", raw->most, 2, PLAN_CLASSES_MAX, &most));
    TRY(within(document, "binning.share", raw->share, 0, 0.5, &plan->scorecard.share));
    plan->bins = (uint32_t)fine;
    plan->scorecard.most = (uint32_t)most;
    return RESULT_OK;
}

static struct result selection_parse(const struct document *document, const struct raw_selection *raw,
                                     struct plan *plan)
{
    static const struct raw_selection none;
    if (!raw) raw = &none;
    struct plan_scorecard *into = &plan->scorecard;
    into->iv = 0.02;
    into->correlation = 0.8;
    TRY(within(document, "selection.iv", raw->iv, 0, 10, &into->iv));
    TRY(within(document, "selection.correlation", raw->correlation, 0, 1, &into->correlation));
    into->signs = !raw->signs || strcmp(raw->signs, "check") == 0;
    if (!into->signs && strcmp(raw->signs, "any") != 0)
        return fail(document, "selection.signs", "\"%.40s\" is none of check or any", raw->signs);
    return RESULT_OK;
}

static struct result points_parse(const struct document *document, const struct raw_points *raw, struct plan *plan)
{
    static const struct raw_points none;
    if (!raw) raw = &none;
    struct plan_scorecard *into = &plan->scorecard;
    uint64_t decimals = 0, reasons = REASONS_DEFAULT;
    into->pdo = 20;
    into->base = 600;
    into->odds = 50;
    TRY(within(document, "points.pdo", raw->pdo, 1e-6, 1e6, &into->pdo));
    TRY(within(document, "points.base", raw->base, -1e6, 1e6, &into->base));
    TRY(within(document, "points.odds", raw->odds, 1e-6, 1e6, &into->odds));
    TRY(whole(document, "points.decimals", raw->decimals, 0, 6, &decimals));
    TRY(whole(document, "points.reasons", raw->reasons, 0, PLAN_REASONS_MAX, &reasons));
    into->decimals = (uint32_t)decimals;
    into->reasons = (uint32_t)reasons;
    return RESULT_OK;
}

static struct result models_parse(const struct document *document, const struct raw_plan *raw, struct plan *plan)
{
    plan->models = calloc(raw->models_count + 1, sizeof *plan->models);
    ENSURE(plan->models, CATEGORY_ENVIRONMENT, "out of memory for a plan");
    for (size_t i = 0; i < raw->models_count; i++) {
        struct plan_model *model = &plan->models[plan->models_count++];
        char path[64];
        (void)snprintf(path, sizeof path, "models.%zu.name", i);
        TRY(name_copy(document, path, raw->models[i].name, NAME_MAX_BYTES, model->name));
        if (i > 0 && strcmp(model->name, plan->models[0].name) == 0)
            return fail(document, path, "\"%s\" is the other model's name", model->name);
        model->json = strdup(raw->models[i].json);
        ENSURE(model->json, CATEGORY_ENVIRONMENT, "out of memory for a plan");
    }
    return RESULT_OK;
}

/* Once the features are known. */
static struct result evaluate_parse(const struct document *document, const struct raw_evaluate *raw, struct plan *plan)
{
    static const struct raw_evaluate none;
    if (!raw) raw = &none;
    plan->group = SIZE_MAX;
    plan->cutoffs = calloc(raw->cutoffs_count + 1, sizeof *plan->cutoffs);
    ENSURE(plan->cutoffs, CATEGORY_ENVIRONMENT, "out of memory for a plan");
    for (size_t i = 0; i < raw->cutoffs_count; i++) {
        double *cutoff = &plan->cutoffs[plan->cutoffs_count++];
        TRY(number(document, "evaluate.cutoffs", raw->cutoffs[i], cutoff));
        if (!(*cutoff > 0 && *cutoff < 1))
            return fail(document, "evaluate.cutoffs", "%.40s is not a probability between 0 and 1", raw->cutoffs[i]);
        if (i > 0 && !(*cutoff > plan->cutoffs[i - 1]))
            return fail(document, "evaluate.cutoffs", "%.40s does not come after %.40s; write them in rising order",
                        raw->cutoffs[i], raw->cutoffs[i - 1]);
    }
    if (!raw->group) return RESULT_OK;
    for (size_t f = 0; f < plan->features_count; f++)
        if (plan->features[f].kind == PLAN_CATEGORY && strcmp(plan->features[f].name, raw->group) == 0) plan->group = f;
    if (plan->group == SIZE_MAX)
        return fail(document, "evaluate.group", "\"%.64s\" is no category among the features", raw->group);
    return RESULT_OK;
}

/* "7d" or "12h". */
static struct result deadline_parse(const struct document *document, const char *text, struct plan *plan)
{
    plan->deadline_hours = DEADLINE_DEFAULT_HOURS;
    if (!text) return RESULT_OK;
    char digits[8] = "";
    size_t length = strlen(text);
    uint64_t value = 0;
    bool days = length > 0 && text[length - 1] == 'd', hours = length > 0 && text[length - 1] == 'h';
    if (length >= 2 && length <= sizeof digits) memcpy(digits, text, length - 1);
    bool good = (days || hours) && text_whole(digits, &value);
    value *= days ? HOURS_A_DAY : 1;
    if (!good || value < 1 || value > DEADLINE_MAX_HOURS)
        return fail(document, "cohort.deadline",
                    "\"%.40s\" is not a time from 1h to 366d; write days or hours, 7d or 12h", text);
    plan->deadline_hours = (uint32_t)value;
    return RESULT_OK;
}

static struct result cohort_parse(const struct document *document, const struct raw_cohort *raw, struct plan *plan)
{
    static const struct raw_cohort none;
    if (!raw) raw = &none;
    uint64_t minimum = COHORT_DEFAULT;
    plan->rows = ROWS_DEFAULT;
    plan->on_dropout = DROPOUT_WAIT;
    if (raw->minimum && (strcmp(raw->minimum, "1") == 0 || strcmp(raw->minimum, "2") == 0))
        return fail(document, "cohort.minimum",
                    "with two banks each subtracts itself and knows the other; 3 is the least");
    TRY(whole(document, "cohort.minimum", raw->minimum, COHORT_MIN, MEMBERS_MAX, &minimum));
    plan->cohort_minimum = (uint32_t)minimum;
    TRY(whole(document, "cohort.rows", raw->rows, 1, ROWS_MAX, &plan->rows));
    if (raw->on_dropout && strcmp(raw->on_dropout, "continue") == 0) plan->on_dropout = DROPOUT_CONTINUE;
    if (plan->on_dropout == DROPOUT_CONTINUE && !plan_private(plan))
        return fail(document, "cohort.on_dropout",
                    "\"continue\" needs differential privacy: two exact sums over different banks show what one of "
                    "them brought; write wait, or add privacy: {epsilon: ..., delta: ...}");
    if (raw->on_dropout && plan->on_dropout == DROPOUT_WAIT && strcmp(raw->on_dropout, "wait") != 0)
        return fail(document, "cohort.on_dropout", "\"%.40s\" is not known; write wait or continue", raw->on_dropout);
    return deadline_parse(document, raw->deadline, plan);
}

static struct result features_parse(const struct document *document, const struct raw_plan *raw, struct plan *plan)
{
    plan->features = calloc(raw->features_count, sizeof *plan->features);
    ENSURE(plan->features, CATEGORY_ENVIRONMENT, "out of memory for a plan");
    size_t terms = 1; /* the intercept */
    for (size_t i = 0; i < raw->features_count; i++) {
        struct plan_feature *feature = &plan->features[i];
        plan->features_count++;
        TRY(plan_feature_parse(document, i, &raw->features[i], feature));
        char path[64];
        TRY(plan_keys_check_feature(document, i, feature, plan->task));
        (void)snprintf(path, sizeof path, "features.%zu.name", i);
        terms += feature->kind == PLAN_NUMBER ? 1 : plan_feature_levels(feature) - 1;
        if (terms > TERMS_MAX)
            return document_fail(document, path,
                                 "feature \"%s\" brings the model over %u terms; drop features or levels",
                                 feature->name, TERMS_MAX);
        for (size_t k = 0; k < i; k++)
            if (strcmp(plan->features[k].name, feature->name) == 0)
                return document_fail(document, path, "feature \"%s\" stands there twice; keep one", feature->name);
    }
    return RESULT_OK;
}

/* One column has one part: target, id, split or feature. */
static struct result columns_check(const struct document *document, const struct plan *plan)
{
    const struct {
        const char *path, *column;
    } parts[] = {{"target.column", plan->target}, {"id", plan->id}, {"split.column", plan->split_column}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!*parts[i].column) continue;
        for (size_t k = 0; k < i; k++)
            if (strcmp(parts[i].column, parts[k].column) == 0)
                return fail(document, parts[i].path, "\"%s\" is the %s already; a column has one part", parts[i].column,
                            parts[k].path);
        for (size_t k = 0; k < plan->features_count; k++)
            if (strcmp(parts[i].column, plan->features[k].name) == 0)
                return fail(document, parts[i].path,
                            "\"%s\" is also a feature; a model would read its answer or a name", parts[i].column);
    }
    return RESULT_OK;
}

static struct result document_parse(const struct document *document, const struct raw_plan *raw, struct plan *plan)
{
    if (strcmp(raw->version, "1") != 0)
        return fail(document, "cofferdam", "\"%.40s\" is another version of plans; this program reads version 1",
                    raw->version);
    TRY(name_copy(document, "name", raw->name, NAME_MAX_BYTES, plan->name));
    TRY(name_copy(document, "purpose", raw->purpose, NAME_MAX_BYTES, plan->purpose));
    TRY(name_copy(document, "task", raw->task, NAME_MAX_BYTES, plan->task));
    TRY(plan_keys_check(document, plan->task));
    TRY(name_copy(document, "id", raw->id, NAME_MAX_BYTES, plan->id));
    TRY(target_parse(document, raw->target, plan));
    TRY(split_parse(document, raw->split, plan));
    TRY(train_parse(document, raw->train, plan));
    TRY(cells_parse(document, raw, plan));
    TRY(binning_parse(document, raw->binning, plan));
    TRY(selection_parse(document, raw->selection, plan));
    TRY(points_parse(document, raw->points, plan));
    TRY(plan_privacy_parse(document, raw->privacy, &plan->privacy));
    TRY(cohort_parse(document, raw->cohort, plan));
    TRY(models_parse(document, raw, plan));
    TRY(features_parse(document, raw, plan));
    TRY(plan_derived_parse(document, raw->features, raw->interactions, raw->interactions_count, plan));
    TRY(evaluate_parse(document, raw->evaluate, plan));
    return columns_check(document, plan);
}

struct result plan_parse(struct view text, const char *name, struct plan *ret)
{
    CLEANUP(plan_done) struct plan plan = {0};
    struct document document = {text, name, "docs/plan.md"};
    void *raw = NULL;
    TRY(document_load(&document, &plan_schema, &raw));
    struct result parsed = document_parse(&document, raw, &plan);
    document_free(&plan_schema, raw);
    TRY(parsed);
    TRY(buffer_append(&plan.text, text));
    if (text.data[text.length - 1] != '\n') TRY(buffer_u8(&plan.text, '\n')); /* so that a note can carry it */
    TRY(hash_bytes("plan", buffer_view(&plan.text), &plan.hash));
    *ret = plan;
    plan = (struct plan){0};
    return RESULT_OK;
}

unsigned plan_line(const struct plan *plan, const char *path)
{
    const struct document document = {.text = buffer_view(&plan->text), .name = plan->name};
    unsigned line = document_line(&document, path);
    return line ? line : 1;
}
