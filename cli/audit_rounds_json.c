/* Every round, and what the rounds of one kind released together. */
#include <string.h>

#include "cli/audit_facts.h"

struct writer {
    const struct audit_facts *facts;
    struct tree *tree;
    const char *task;
};

static json_t *hash_json(const struct hash *hash)
{
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(hash), hex);
    return json_string(hex);
}

static json_t *time_json(uint64_t seconds)
{
    char text[AUDIT_TIME_BYTES];
    return json_string(audit_time(seconds, text));
}

static uint64_t numbers_of(const struct audit_round *round)
{
    uint64_t numbers = 0;
    for (size_t i = 0; i < round->fields_count; i++) numbers += round->fields[i].numbers;
    return numbers;
}

static json_t *fields_json(const struct writer *writer, const struct audit_round *round)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < round->fields_count; i++)
        tree_add(writer->tree, fields,
                 json_pack("{s:s, s:o, s:s}", "name", round->fields[i].name, "numbers",
                           tree_count(round->fields[i].numbers), "words",
                           audit_field_words(writer->task, round->fields[i].name)));
    return fields;
}

static void put_decision(const struct writer *writer, const struct audit_round *round, json_t *json)
{
    struct tree *tree = writer->tree;
    const struct audit_facts *facts = writer->facts;
    if (round->decision == BUNDLE_R0) return;
    tree_put(tree, json, "signed_by", audit_names(facts, &round->voters, tree));
    if (round->decision == BUNDLE_VOID) return;
    struct members outside = *run_cohort(&facts->replay->run);
    for (unsigned j = members_next(&round->in, 0); j; j = members_next(&round->in, j)) members_remove(&outside, j);
    tree_put(tree, json, "banks", json_integer(members_count(&round->in)));
    tree_put(tree, json, "outside", audit_names(facts, &outside, tree));
    if (round->decision == BUNDLE_SUPERSEDED) return;
    tree_put(tree, json, "checked_by", audit_names(facts, &round->closers, tree));
    tree_put(tree, json, "earliest", time_json(round->earliest));
    tree_put(tree, json, "latest", time_json(round->latest));
    tree_put(tree, json, "sum", hash_json(&round->sum));
    tree_put(tree, json, "state", hash_json(&round->state));
}

static json_t *round_json(const struct writer *writer, const struct audit_round *round)
{
    const char *outcome = round->decision == BUNDLE_CHECKPOINT   ? "closed"
                          : round->decision == BUNDLE_VOID       ? "voided"
                          : round->decision == BUNDLE_SUPERSEDED ? "superseded"
                                                                 : "open";
    struct tree *tree = writer->tree;
    json_t *json = json_object();
    tree_put(tree, json, "round", tree_count(round->number));
    tree_put(tree, json, "epoch", json_integer(round->epoch));
    tree_put(tree, json, "step", tree_count(round->step + 1));
    tree_put(tree, json, "outcome", json_string(outcome));
    tree_put(tree, json, "phase", json_string(audit_phase(writer->task, round)));
    tree_put(tree, json, "before", json_string(round->progress));
    tree_put(tree, json, "numbers", round->laid_out ? tree_count(numbers_of(round)) : json_null());
    tree_put(tree, json, "words", round->words ? tree_count(round->words) : json_null());
    tree_put(tree, json, "fields", fields_json(writer, round));
    put_decision(writer, round, json);
    return json;
}

/* ---- rounds of the same kind, one after the other */

struct group {
    const struct audit_round *first, *last;
    uint64_t rounds, numbers_least, numbers_most, words_least, words_most;
    uint64_t least[LAYOUT_FIELDS_MAX], most[LAYOUT_FIELDS_MAX]; /* by field of the first */
};

static bool same_kind(const struct group *group, const struct audit_round *round)
{
    const struct audit_round *first = group->first;
    if (!first || first->laid_out != round->laid_out || first->fields_count != round->fields_count) return false;
    for (size_t i = 0; i < round->fields_count; i++)
        if (strcmp(first->fields[i].name, round->fields[i].name) != 0) return false;
    return true;
}

static void widen(uint64_t value, bool begins, uint64_t *least, uint64_t *most)
{
    if (begins || value < *least) *least = value;
    if (begins || value > *most) *most = value;
}

static void group_take(struct group *group, const struct audit_round *round)
{
    bool begins = group->first == NULL;
    if (begins) group->first = round;
    group->last = round;
    group->rounds++;
    widen(numbers_of(round), begins, &group->numbers_least, &group->numbers_most);
    widen(round->words, begins, &group->words_least, &group->words_most);
    for (size_t i = 0; i < round->fields_count; i++)
        widen(round->fields[i].numbers, begins, &group->least[i], &group->most[i]);
}

static json_t *group_json(const struct writer *writer, const struct group *group)
{
    struct tree *tree = writer->tree;
    json_t *fields = json_array(), *json = json_object();
    for (size_t i = 0; i < group->first->fields_count; i++)
        tree_add(tree, fields,
                 json_pack("{s:s, s:o, s:o, s:s}", "name", group->first->fields[i].name, "least",
                           tree_count(group->least[i]), "most", tree_count(group->most[i]), "words",
                           audit_field_words(writer->task, group->first->fields[i].name)));
    bool known = group->first->laid_out;
    tree_put(tree, json, "first", tree_count(group->first->number));
    tree_put(tree, json, "last", tree_count(group->last->number));
    tree_put(tree, json, "sums", tree_count(group->rounds));
    tree_put(tree, json, "phase", json_string(audit_phase(writer->task, group->first)));
    tree_put(tree, json, "numbers_least", known ? tree_count(group->numbers_least) : json_null());
    tree_put(tree, json, "numbers_most", known ? tree_count(group->numbers_most) : json_null());
    tree_put(tree, json, "words_least", tree_count(group->words_least));
    tree_put(tree, json, "words_most", tree_count(group->words_most));
    tree_put(tree, json, "fields", fields);
    return json;
}

/* Only what was opened: rounds that were voided or could not be opened lie between others of their kind. */
static void put_released(const struct writer *writer, json_t *root)
{
    const struct audit_facts *facts = writer->facts;
    struct tree *tree = writer->tree;
    struct group group = {0};
    uint64_t sums = 0, numbers = 0, words = 0;
    bool known = true;
    json_t *groups = json_array(), *released = json_object();
    for (size_t i = 0; i < facts->rounds_count; i++) {
        const struct audit_round *round = &facts->rounds[i];
        if (round->decision != BUNDLE_CHECKPOINT) continue;
        if (group.first && !same_kind(&group, round)) {
            tree_add(tree, groups, group_json(writer, &group));
            group = (struct group){0};
        }
        group_take(&group, round);
        sums++;
        numbers += numbers_of(round);
        words += round->words;
        known = known && round->laid_out;
    }
    if (group.first) tree_add(tree, groups, group_json(writer, &group));
    tree_put(tree, root, "released", released);
    tree_put(tree, released, "sums", tree_count(sums));
    tree_put(tree, released, "numbers", known ? tree_count(numbers) : json_null());
    tree_put(tree, released, "words", tree_count(words));
    tree_put(tree, released, "coordinator", json_string(run_member(&facts->replay->run, 0)));
    tree_put(tree, released, "banks", audit_names(facts, run_cohort(&facts->replay->run), tree));
    tree_put(tree, released, "groups", groups);
}

void audit_rounds_json(const struct audit_facts *facts, struct tree *tree, json_t *root)
{
    const struct writer writer = {facts, tree, facts->replay->submission.plan.task};
    json_t *rounds = json_array();
    for (size_t i = 0; i < facts->rounds_count; i++) tree_add(tree, rounds, round_json(&writer, &facts->rounds[i]));
    tree_put(tree, root, "rounds", rounds);
    put_released(&writer, root);
}
