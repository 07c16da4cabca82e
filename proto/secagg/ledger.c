#include "proto/secagg/ledger.h"

#include <stdio.h>
#include <string.h>

#include "proto/secagg/node.h"

enum { TAG_BYTES = 17 };

static struct result source_tag(const struct secagg_node *node, char tag[TAG_BYTES])
{
    struct hash hash;
    char hex[2 * HASH_BYTES + 1];
    TRY(hash_bytes("source", view_text(node->config.source ? node->config.source : ""), &hash));
    bytes_hex(hash_view(&hash), hex);
    memcpy(tag, hex, TAG_BYTES - 1);
    tag[TAG_BYTES - 1] = 0;
    return RESULT_OK;
}

static struct result put_text(struct buffer *out, const char *text)
{
    TRY(buffer_u8(out, (uint8_t)strnlen(text, 255)));
    return buffer_append(out, view_of(text, strnlen(text, 255)));
}

static struct result entry(const struct secagg_node *node, struct buffer *out)
{
    const struct roster *roster = node->run.terms.roster;
    TRY(buffer_append(out, hash_view(&node->run.id)));
    TRY(put_text(out, node->config.source ? node->config.source : ""));
    TRY(buffer_append(out, hash_view(&node->run.terms.plan->hash)));
    TRY(buffer_u32(out, node->run.thresholds.n));
    const struct members *cohort = run_cohort(&node->run);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        TRY(buffer_append(out, view_of(roster->members[j - 1].identity.bytes, SIGN_PUBLIC_BYTES)));
        TRY(put_text(out, roster->members[j - 1].name));
    }
    return RESULT_OK;
}

/* Compares an earlier run's cohort with this one's; members are known by their identity keys. */
struct comparison {
    const struct secagg_node *node;
    struct members found;
    char difference[NAME_MAX_BYTES + 32];
};

static struct result read_text(struct reader *reader, char *out)
{
    uint8_t length;
    struct view text;
    TRY(reader_u8(reader, &length));
    TRY(reader_take(reader, length, &text));
    size_t kept = text.length < NAME_MAX_BYTES ? text.length : NAME_MAX_BYTES;
    memcpy(out, text.data, kept);
    out[kept] = 0;
    return RESULT_OK;
}

static unsigned position_of(const struct secagg_node *node, struct view identity)
{
    const struct roster *roster = node->run.terms.roster;
    const struct members *cohort = run_cohort(&node->run);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j))
        if (memcmp(roster->members[j - 1].identity.bytes, identity.data, SIGN_PUBLIC_BYTES) == 0) return j;
    return 0;
}

static struct result compare(void *visitor, const char *key, struct view value)
{
    struct comparison *comparison = visitor;
    const struct secagg_node *node = comparison->node;
    const char *run = strrchr(key, '/');
    /* Steps and certificates lie below a run's entry. */
    if (!run || strlen(run + 1) != TAG_BYTES - 1) return RESULT_OK;
    struct reader reader = reader_of(value, "a ledger entry");
    char text[NAME_MAX_BYTES + 1];
    struct view skipped, id;
    uint32_t count;
    TRY(reader_take(&reader, HASH_BYTES, &id));
    /* This run is no other. The key has 64 bits of its id, for which a submitter can find a second nonce. */
    if (view_equal(id, hash_view(&node->run.id))) return RESULT_OK;
    TRY(read_text(&reader, text));
    TRY(reader_take(&reader, HASH_BYTES, &skipped));
    TRY(reader_u32(&reader, &count));
    struct members found = members_none(node->run.terms.roster->size);
    for (uint32_t i = 0; i < count; i++) {
        struct view identity;
        TRY(reader_take(&reader, SIGN_PUBLIC_BYTES, &identity));
        TRY(read_text(&reader, text));
        unsigned position = position_of(node, identity);
        if (position)
            members_add(&found, position);
        else
            (void)snprintf(comparison->difference, sizeof comparison->difference, "%s is missing", text);
    }
    const struct members *cohort = run_cohort(&node->run);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j))
        if (!members_has(&found, j))
            (void)snprintf(comparison->difference, sizeof comparison->difference, "%s is new",
                           run_member(&node->run, j));
    return RESULT_OK;
}

struct result ledger_check(const struct secagg_node *node)
{
    if (node->config.cohort_change_approved) return RESULT_OK;
    char tag[TAG_BYTES], prefix[TAG_BYTES + 16];
    TRY(source_tag(node, tag));
    (void)snprintf(prefix, sizeof prefix, "ledger/%s/", tag);
    struct comparison comparison = {.node = node};
    const struct record_source *records = &node->config.records;
    TRY(records->each(records->context, false, true, prefix, compare, &comparison));
    ENSURE(
        !comparison.difference[0], CATEGORY_FALSE,
        "the source %s took part with another cohort (%s): the difference of two sums would be one bank's; an officer "
        "can approve this run by naming it in the node's configuration",
        node->config.source ? node->config.source : "(unnamed)", comparison.difference);
    return RESULT_OK;
}

struct result ledger_add_step(const struct secagg_node *node, struct effects *effects)
{
    char tag[TAG_BYTES];
    TRY(source_tag(node, tag));
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(entry(node, &bytes));
    TRY(effect_persist(effects, KEEP_SHARED, buffer_view(&bytes), "ledger/%s/%s", tag, node->run.tag));
    return effect_persist(effects, KEEP_SHARED, hash_view(&node->round.ctx), "ledger/%s/%s/step/%05llu/%05llu", tag,
                          node->run.tag, (unsigned long long)node->round.terms.step,
                          (unsigned long long)node->round.terms.round);
}

struct result ledger_add_certificate(const struct secagg_node *node, const char *kind, uint64_t round,
                                     struct view certificate, struct effects *effects)
{
    char tag[TAG_BYTES];
    struct hash hash;
    TRY(source_tag(node, tag));
    TRY(ctx_certificate_hash(certificate, &hash));
    return effect_persist(effects, KEEP_SHARED, hash_view(&hash), "ledger/%s/%s/%s/%05llu", tag, node->run.tag, kind,
                          (unsigned long long)round);
}
