/* Counters (rule 7) in the node's shared records: "counter/RUN" holds the count after the last message of that run,
 * "held/RUN" the highest seen of each node key. Each run writes its own; the highest counts. */
#include <string.h>

#include "proto/secagg/counters.h"

struct result counters_keep(const struct node_counters *counters, const struct roster *roster, const char *tag,
                            bool counted, bool held_changed, struct effects *effects)
{
    if (counted) {
        uint8_t mine[8];
        bytes_put_u64(mine, counters->mine);
        TRY(effect_persist(effects, KEEP_SHARED, view_of(mine, sizeof mine), "counter/%s", tag));
    }
    if (!held_changed) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer held = {0};
    for (unsigned i = 1; i <= roster->size; i++) {
        if (!counters->held[i]) continue;
        TRY(buffer_append(&held, view_of(roster->members[i - 1].node.bytes, SIGN_PUBLIC_BYTES)));
        TRY(buffer_u64(&held, counters->held[i]));
    }
    return effect_persist(effects, KEEP_SHARED, buffer_view(&held), "held/%s", tag);
}

struct loading {
    const struct roster *roster;
    struct node_counters *counters;
};

static struct result load_mine(void *visitor, const char *key, struct view value)
{
    struct loading *loading = visitor;
    ENSURE(value.length == 8, CATEGORY_ENVIRONMENT, "a damaged record %s", key);
    uint64_t mine = bytes_get_u64(value.data);
    if (mine > loading->counters->mine) loading->counters->mine = mine;
    return RESULT_OK;
}

static struct result load_held(void *visitor, const char *key, struct view value)
{
    struct loading *loading = visitor;
    struct reader reader = reader_of(value, key);
    while (reader.rest.length) {
        struct view bytes;
        struct sign_public node;
        uint64_t held;
        TRY(reader_take(&reader, SIGN_PUBLIC_BYTES, &bytes));
        TRY(reader_u64(&reader, &held));
        memcpy(node.bytes, bytes.data, SIGN_PUBLIC_BYTES);
        unsigned position = roster_position_of_node(loading->roster, &node);
        if (position && held > loading->counters->held[position]) loading->counters->held[position] = held;
    }
    return RESULT_OK;
}

struct result node_counters_load(const struct record_source *records, const struct roster *roster,
                                 struct node_counters *ret)
{
    memset(ret, 0, sizeof *ret);
    struct loading loading = {roster, ret};
    TRY(records->each(records->context, false, true, "counter/", load_mine, &loading));
    return records->each(records->context, false, true, "held/", load_held, &loading);
}
