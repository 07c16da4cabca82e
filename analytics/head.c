#include "analytics/head.h"

#include "analytics/cells.h"

static json_t *two_sets(struct tree *tree, uint64_t train, uint64_t held)
{
    json_t *object = json_object();
    tree_put(tree, object, "train", tree_count(train));
    tree_put(tree, object, "holdout", tree_count(held));
    return object;
}

/* A set's positive rows: null where they, or the others, are too few to be shown. */
static json_t *positive_rows(const struct plan *plan, uint64_t negatives, uint64_t positives)
{
    const struct cells_rule rule = {plan->cells_minimum, true};
    return cells_shown(rule, (struct cell){negatives, positives}) ? tree_count(positives) : json_null();
}

static json_t *target(struct tree *tree, const struct plan *plan)
{
    json_t *object = json_object(), *values = plan->negative_count ? json_array() : NULL;
    tree_put(tree, object, "column", json_string(plan->target));
    tree_put(tree, object, "positive", json_string(plan->positive));
    for (size_t i = 0; i < plan->negative_count; i++) tree_add(tree, values, json_string(plan->negative[i]));
    if (values) tree_put(tree, object, "negative", values);
    return object;
}

static json_t *split(struct tree *tree, const struct plan *plan)
{
    if (plan->split == SPLIT_NONE) return json_null();
    json_t *object = json_object();
    if (plan->split == SPLIT_HASH) {
        tree_put(tree, object, "fraction", tree_real(plan->split_fraction));
        tree_put(tree, object, "seed", json_string(plan->split_seed));
        if (plan->id[0]) tree_put(tree, object, "id", json_string(plan->id)); /* else a row's own values are hashed */
        return object;
    }
    json_t *values = json_array();
    for (size_t i = 0; i < plan->split_holdout_count; i++) tree_add(tree, values, json_string(plan->split_holdout[i]));
    tree_put(tree, object, "column", json_string(plan->split_column));
    tree_put(tree, object, "holdout", values);
    return object;
}

json_t *head_of(struct tree *tree, const struct plan *plan, uint64_t rounds, unsigned banks,
                const uint64_t cases[CASE_KINDS])
{
    char hash[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&plan->hash), hash);
    json_t *head = json_object();
    tree_put(tree, head, "cofferdam", json_integer(1));
    tree_put(tree, head, "task", json_string(plan->task));
    tree_put(tree, head, "plan", json_string(plan->name));
    tree_put(tree, head, "plan_hash", json_string(hash));
    tree_put(tree, head, "banks", tree_count(banks));
    tree_put(tree, head, "rounds", tree_count(rounds));
    tree_put(tree, head, "rows",
             two_sets(tree, cases[CASE_TRAIN_NEGATIVE] + cases[CASE_TRAIN_POSITIVE],
                      cases[CASE_HELD_NEGATIVE] + cases[CASE_HELD_POSITIVE]));
    if (plan->target[0]) {
        json_t *positives = json_object();
        tree_put(tree, positives, "train", positive_rows(plan, cases[CASE_TRAIN_NEGATIVE], cases[CASE_TRAIN_POSITIVE]));
        tree_put(tree, positives, "holdout", positive_rows(plan, cases[CASE_HELD_NEGATIVE], cases[CASE_HELD_POSITIVE]));
        tree_put(tree, head, "positives", positives);
        tree_put(tree, head, "target", target(tree, plan));
    }
    tree_put(tree, head, "split", split(tree, plan));
    return head;
}
