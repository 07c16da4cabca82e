/* Evidence: what a party keeps, with its signatures, of messages that contradict each other or what was agreed. Under
 * "evidence/" is what someone signed, once for each kind; under "proof/" what shows that it is not so. proto/audit
 * makes files of them (docs/protocol.md, Evidence). */
#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"

/* ---- node */

struct result node_evidence(struct secagg_node *node, struct effects *effects, const char *what, struct view one,
                            struct view other)
{
    unsigned long long round = (unsigned long long)node->round.terms.round;
    CLEANUP(buffer_done) struct buffer both = {0}, kept = {0};
    bool found;
    TRY(record_load(&node->config.records, KEEP_RUN, &kept, &found, "evidence/%s/%05llu", what, round));
    if (found) return RESULT_OK; /* one pair proves it; more would only fill the disk */
    struct view pair[2] = {one, other};
    struct wire_list list = {pair, 2};
    TRY(wire_list_encode(&list, &both));
    TRY(effect_event(effects, "%s signed in round %llu what cannot be (%s); it is kept as evidence",
                     run_member(&node->run, 0), round, what));
    return effect_persist(effects, KEEP_RUN, buffer_view(&both), "evidence/%s/%05llu", what, round);
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
