/* Between proto/run/plan.c and plan_feature.c: a plan as the YAML has it, all texts, before it is checked. */
#ifndef PROTO_RUN_PLAN_RAW_H
#define PROTO_RUN_PLAN_RAW_H

#include "crypto/base/document.h"
#include "proto/run/plan.h"

struct raw_group {
    char **levels;
    unsigned levels_count;
};
struct raw_feature {
    char *name, *kind, *minimum, *maximum, *missing, *outside, *resolution, *baseline, *other, *monotone;
    char **levels, **cuts, **knots, **specials;
    unsigned levels_count, cuts_count, knots_count, specials_count;
    struct raw_group *groups;
    unsigned groups_count;
};

struct raw_shares {
    char *weights[PLAN_PHASES];
};
struct raw_privacy {
    char *epsilon, *delta, *unit;
    struct raw_shares *split;
};

struct raw_interaction {
    char **of;
    unsigned of_count;
};

extern const cyaml_schema_value_t plan_raw_text;        /* any list's entries: a text that is not empty */
extern const cyaml_schema_value_t plan_raw_feature;     /* struct raw_feature */
extern const cyaml_schema_value_t plan_raw_interaction; /* struct raw_interaction */

/* A name of a column, plan or level: UTF-8, no control character, no blank at either end, at most `most` bytes. The
 * reason says what is wrong without a place. */
MUST_USE struct result plan_name_copy(const char *name, size_t most, char *out);

/* Feature `index` of the document, checked, into ret (zeroed before; plan_done frees it whatever happens). */
MUST_USE struct result plan_feature_parse(const struct document *document, size_t index, const struct raw_feature *raw,
                                          struct plan_feature *ret);
void plan_feature_done(struct plan_feature *feature);

/* Knots and interactions, into plan->derived; the plan has its features and task. */
MUST_USE struct result plan_derived_parse(const struct document *document, const struct raw_feature *features,
                                          const struct raw_interaction *interactions, size_t interactions_count,
                                          struct plan *plan);

extern const cyaml_schema_field_t plan_raw_privacy[]; /* struct raw_privacy */
/* raw is NULL where the plan has no such key. */
MUST_USE struct result plan_privacy_parse(const struct document *document, const struct raw_privacy *raw,
                                          struct plan_privacy *ret);

/* Refuses keys of other tasks. */
MUST_USE struct result plan_keys_check(const struct document *document, const char *task);
MUST_USE struct result plan_keys_check_feature(const struct document *document, size_t index,
                                               const struct plan_feature *feature, const char *task);

/* A copy of a list of texts. */
MUST_USE struct result plan_texts_copy(char *const *texts, size_t count, char ***ret, size_t *ret_count);
void plan_texts_free(char **texts, size_t count);

#endif
