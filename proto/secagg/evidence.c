/* Evidence: what a party keeps, with its signatures, of messages that contradict each other or what was agreed. Under
 * "evidence/" is what someone signed, once for each kind; under "proof/" what shows that it is not so. proto/audit
 * makes files of them (docs/protocol.md, Evidence). */
#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"

/* ---- node */

static struct result keep_pair(struct secagg_node *node, struct effects *effects, const char *what, uint64_t number,
                               const struct view pair[2])
{
    unsigned long long round = (unsigned long long)number;
    CLEANUP(buffer_done) struct buffer both = {0}, kept = {0};
    bool found;
    TRY(record_load(&node->config.records, KEEP_RUN, &kept, &found, "evidence/%s/%05llu", what, round));
    if (found) return RESULT_OK; /* one pair proves it; more would only fill the disk */
    TRY(wire_list_encode(&(struct wire_list){pair, 2}, &both));
    TRY(effect_event(effects, "%s signed in round %llu what cannot be (%s); it is kept as evidence",
                     run_member(&node->run, 0), round, what));
    return effect_persist(effects, KEEP_RUN, buffer_view(&both), "evidence/%s/%05llu", what, round);
}

struct result node_evidence(struct secagg_node *node, struct effects *effects, const char *what, struct view one,
                            struct view other)
{
    const struct view pair[2] = {one, other};
    return keep_pair(node, effects, what, node->round.terms.round, pair);
}

static bool closes_what_was_opened(const struct wire_close *close, const struct wire_open *open)
{
    return close->epoch == open->epoch && close->round == open->round && hash_equal(&close->ctx, &open->ctx) &&
           members_equal(&close->survivors, &open->survivors) && hash_equal(&close->headers, &open->headers) &&
           hash_equal(&close->sum, &open->sum);
}

/* What a certificate says by its first vote, no signature looked at. */
static struct result read_unverified(const struct secagg_node *node, struct view certificate, struct wire_arena *arena,
                                     struct wire_close *ret)
{
    unsigned size = node->run.terms.roster->size;
    struct wire_list list;
    struct wire_signed one;
    TRY(wire_list_decode(certificate, size, arena, &list));
    ENSURE(list.count, CATEGORY_PEER, "a certificate without votes");
    TRY(wire_signed_decode(list.items[0], size, arena, &one));
    return wire_close_decode(one.body, size, arena, ret);
}

/* Whether a certificate is one, or memory was short while that was looked at. */
static bool holds_or_fails(struct result result)
{
    return result_ok(result) || result.category == CATEGORY_ENVIRONMENT;
}

struct result node_check_opened(struct secagg_node *node, struct view certificate, struct wire_arena *arena,
                                struct effects *effects)
{
    CLEANUP(buffer_done) struct buffer opened = {0};
    struct wire_close close;
    struct signed_body body;
    bool found = false;
    struct result read = read_unverified(node, certificate, arena, &close);
    if (!holds_or_fails(read)) return RESULT_OK;
    TRY(read);
    TRY(record_load(&node->config.records, KEEP_RUN, &opened, &found, "opened/%05llu",
                    (unsigned long long)close.round));
    if (!found) return RESULT_OK;
    TRY(node_read_coordinator(node, "open", WIRE_OPEN, buffer_view(&opened), arena, &body));
    if (closes_what_was_opened(&close, &body.open)) return RESULT_OK;
    /* Only now the signatures of t banks: they are verified anyway where a certificate is taken. */
    read = certificate_close(&node->run, certificate, arena, &close);
    if (!holds_or_fails(read)) return RESULT_OK;
    TRY(read);
    const struct view pair[2] = {buffer_view(&opened), certificate};
    TRY(keep_pair(node, effects, "closed", close.round, pair));
    return node_refuse(node, effects,
                       "%s signed a sum of round %llu that is not the one that %u banks checked and certified",
                       run_member(&node->run, 0), (unsigned long long)close.round, node->run.thresholds.t);
}

struct result node_refused(struct secagg_node *node, struct effects *effects, const char *what, struct view bytes,
                           struct view context, struct result refusal)
{
    if (refusal.category != CATEGORY_PEER) return refusal;
    unsigned long long round = (unsigned long long)node->last;
    for (unsigned i = 0; i < EVIDENCE_REFUSED_MAX; i++) {
        CLEANUP(buffer_done) struct buffer kept = {0};
        bool found = false;
        TRY(record_load(&node->config.records, KEEP_RUN, &kept, &found, "evidence/refused/%s/%05llu/%u", what, round,
                        i));
        if (found && view_equal(bytes, buffer_view(&kept))) return refusal;
        if (found) continue;
        TRY(effect_event(effects, "%s signed what does not fit this run (%s); it is refused and kept as evidence: %s",
                         run_member(&node->run, 0), what, result_reason()));
        TRY(effect_persist(effects, KEEP_RUN, bytes, "evidence/refused/%s/%05llu/%u", what, round, i));
        if (context.length)
            TRY(effect_persist(effects, KEEP_RUN, context, "proof/refused/%s/%05llu/%u", what, round, i));
        node->refusing = true;
        return refusal;
    }
    return refusal;
}

/* ---- coordinator */

struct result coordinator_evidence(struct secagg_coordinator *coordinator, unsigned from, const char *what,
                                   struct view bytes, struct effects *effects)
{
    CLEANUP(buffer_done) struct buffer kept = {0};
    bool found;
    TRY(record_load(&coordinator->config.records, KEEP_RUN, &kept, &found, "evidence/%s", what));
    if (found) return RESULT_OK; /* one pair proves it; more would only fill the disk */
    TRY(effect_event(effects, "%s signed two different messages where one is allowed (%s); both are kept as evidence",
                     run_member(&coordinator->run, from), what));
    return effect_persist(effects, KEEP_RUN, bytes, "evidence/%s", what);
}
