/* 12. Truncated, oversized, replayed, reordered, duplicated and bit-flipped messages of every kind, in every state:
 * before each message of a run arrives, its receiver gets many that are wrong. Nothing changes by them: not its state,
 * not a record, not what it asks; and the run ends with the right sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"
#include "tests/support/seeded.h"

enum { BANKS = 5, FLIPS = 12, KEPT = 3 };

struct storm {
    struct random_source *random;
    struct buffer said[BANKS + 1][MESSAGE_KINDS_END][KEPT]; /* the last genuine ones to each bank, or from it */
    bool seen[MESSAGE_KINDS_END];
    unsigned wrong; /* messages fed */
    bool within;    /* a wrong one is under way */
};

/* All that a party would still know after a restart, and what it asks now. A signed OPEN stays also when what came with
 * it is refused: it says nothing but what the coordinator signed. */
static struct hash picture(const struct cohort *cohort, unsigned number)
{
    const struct cohort_party *party = &cohort->parties[number];
    struct hash_stream stream = {0};
    struct hash hash;
    OK(hash_start(&stream, NULL));
    for (unsigned map = 0; map < 4; map++) {
        const struct record_map *records = &party->records.maps[map / 2][map % 2];
        for (size_t i = 0; i < records->count; i++) {
            if (strncmp(records->items[i].key, "opened/", strlen("opened/")) == 0) continue;
            OK(hash_update(&stream, view_text(records->items[i].key)));
            OK(hash_update(&stream, buffer_view(&records->items[i].value)));
        }
    }
    if (number) {
        const struct secagg_node *node = party->node;
        const uint64_t numbers[] = {node->state, node->last, node->fold.step, node->epoch.epoch, node->joined};
        OK(hash_update(&stream, view_of(numbers, sizeof numbers)));
        OK(hash_update(&stream, buffer_view(&party->request)));
    } else {
        const struct secagg_coordinator *coordinator = cohort->coordinator;
        const uint64_t numbers[] = {coordinator->phase, coordinator->last, coordinator->fold.step,
                                    coordinator->epoch.epoch};
        OK(hash_update(&stream, view_of(numbers, sizeof numbers)));
        if (coordinator->round.sum)
            OK(hash_update(&stream, view_of(coordinator->round.sum, (size_t)coordinator->round.words * 8)));
    }
    OK(hash_finish(&stream, &hash));
    hash_stream_done(&stream);
    return hash;
}

/* Feeds one wrong message; it must be refused, or be harmless where `harmless` says that it may be. */
static void wrong(struct storm *storm, struct cohort *cohort, unsigned to, unsigned from, struct view bytes,
                  bool harmless)
{
    struct hash before = picture(cohort, to);
    unsigned refused = cohort->parties[to].refused;
    storm->within = true;
    storm->wrong++;
    OK(cohort_feed(cohort, to, from, bytes));
    storm->within = false;
    struct hash after = picture(cohort, to);
    if (!hash_equal(&before, &after) || (!harmless && cohort->parties[to].refused == refused))
        fail_msg("party %u in \"%s\" took a wrong message of kind %u (%zu bytes)", to,
                 to ? secagg_node_phase(cohort->parties[to].node) : secagg_coordinator_phase(cohort->coordinator),
                 bytes.length > 1 ? bytes.data[1] : 0, bytes.length);
}

/* A question, or an answer that nothing signs: a flipped bit makes it another one, which may be right as well. */
static bool is_unsigned(unsigned kind)
{
    return kind == MESSAGE_AWAIT || kind == MESSAGE_FETCH || kind == MESSAGE_FETCH_SUM || kind == MESSAGE_PROVISION ||
           kind == MESSAGE_SUM_PIECE || kind == MESSAGE_TAKEN || kind == MESSAGE_CHUNK;
}

static void cut_and_flipped(struct storm *storm, struct cohort *cohort, unsigned to, unsigned from,
                            const struct buffer *bytes)
{
    struct buffer copy = {0};
    /* Of an upload that is here already, or comes too late, only the signed header is looked at. */
    bool repeat = bytes->data[1] == MESSAGE_HEADER &&
                  (cohort->coordinator->phase != PHASE_COLLECT ||
                   view_equal(buffer_view(&storm->said[from][MESSAGE_HEADER][0]), buffer_view(bytes)));
    const size_t lengths[] = {0, 1, 2, bytes->length / 2, bytes->length - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        wrong(storm, cohort, to, from, view_of(bytes->data, lengths[i]), false);
    OK(buffer_append(&copy, buffer_view(bytes)));
    OK(buffer_u8(&copy, 0));
    wrong(storm, cohort, to, from, buffer_view(&copy), false);
    copy.length--;
    for (unsigned i = 0; i < FLIPS && !is_unsigned(bytes->data[1]); i++) {
        size_t at = (size_t)random_below(storm->random, copy.length);
        uint8_t bit = (uint8_t)(1u << random_below(storm->random, 8));
        if (at == 1) continue; /* another kind: below */
        copy.data[at] ^= bit;
        wrong(storm, cohort, to, from, buffer_view(&copy), repeat);
        copy.data[at] ^= bit;
    }
    for (unsigned kind = 0; kind < 256; kind += kind < MESSAGE_KINDS_END ? 1 : 50) {
        if (kind == bytes->data[1]) continue;
        /* A certificate that says "do the step again" is a true one. */
        if (bytes->data[1] == MESSAGE_CERTIFICATE && kind == MESSAGE_SUPERSEDED) continue;
        copy.data[1] = (uint8_t)kind;
        wrong(storm, cohort, to, from, buffer_view(&copy), false);
    }
    buffer_done(&copy);
}

/* Made for one bank alone; every other reply is the same for all. */
static bool is_personal(unsigned kind)
{
    return kind == MESSAGE_P2S || kind == MESSAGE_PROPOSAL || kind == MESSAGE_JOINED;
}

/* What was right once, or right for someone else. */
static void replayed(struct storm *storm, struct cohort *cohort, unsigned bank, bool to_bank)
{
    unsigned first = to_bank ? MESSAGE_JOINED : MESSAGE_JOIN;
    unsigned end = to_bank ? MESSAGE_KINDS_END : MESSAGE_REQUESTS_END;
    for (unsigned kind = first; kind < end; kind++)
        for (unsigned other = 1; other <= BANKS; other++)
            for (unsigned i = 0; i < KEPT; i++) {
                const struct buffer *said = &storm->said[other][kind][i];
                if (!said->length || (to_bank && is_unsigned(kind))) continue;
                if (to_bank && other != bank && !is_personal(kind)) continue;
                if (to_bank)
                    wrong(storm, cohort, bank, 0, buffer_view(said), true);
                else if (kind != MESSAGE_JOIN) /* an old nonce asks for attestations again */
                    wrong(storm, cohort, 0, bank, buffer_view(said), other == bank || is_unsigned(kind));
            }
}

static void keep(struct storm *storm, unsigned bank, const struct buffer *bytes)
{
    struct buffer *kept = storm->said[bank][bytes->data[1]];
    storm->seen[bytes->data[1]] = true;
    if (view_equal(buffer_view(&kept[0]), buffer_view(bytes))) return;
    buffer_done(&kept[KEPT - 1]);
    memmove(&kept[1], &kept[0], (KEPT - 1) * sizeof *kept);
    kept[0] = (struct buffer){0};
    OK(buffer_append(&kept[0], buffer_view(bytes)));
}

static bool before_request(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    struct storm *storm = context;
    if (storm->within) return true;
    cut_and_flipped(storm, cohort, 0, from, bytes);
    replayed(storm, cohort, from, false);
    bool is_signed = !is_unsigned(bytes->data[1]);
    if (is_signed) wrong(storm, cohort, 0, from % BANKS + 1, buffer_view(bytes), false);
    wrong(storm, cohort, 0, 0, buffer_view(bytes), false);
    wrong(storm, cohort, 0, BANKS + 1, buffer_view(bytes), false);
    wrong(storm, cohort, 0, UINT32_MAX, buffer_view(bytes), false);
    keep(storm, from, bytes);
    return true;
}

static bool before_reply(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    struct storm *storm = context;
    if (storm->within) return false; /* an answer to a wrong question */
    cut_and_flipped(storm, cohort, to, 0, bytes);
    replayed(storm, cohort, to, true);
    wrong(storm, cohort, to, to % BANKS + 1, buffer_view(bytes), false);
    keep(storm, to, bytes);
    return true;
}

static void storm_begin(struct storm *storm, struct cohort *cohort, const struct cohort_config *config)
{
    memset(storm, 0, sizeof *storm);
    OK(cohort_init(config, cohort));
    storm->random = seeded("wrong messages");
    cohort->hooks = (struct cohort_hooks){.context = storm, .request = before_request, .reply = before_reply};
}

static void storm_end(struct storm *storm, struct cohort *cohort)
{
    cohort_assert_done(cohort, &cohort->terms.cohort);
    assert_true(storm->wrong > 1000);
    print_message("%u wrong messages\n", storm->wrong);
    for (unsigned bank = 0; bank <= BANKS; bank++)
        for (unsigned kind = 0; kind < MESSAGE_KINDS_END; kind++)
            for (unsigned i = 0; i < KEPT; i++) buffer_done(&storm->said[bank][kind][i]);
    random_source_free(storm->random);
    cohort_done(cohort);
}

static void a_run_over_two_epochs(void **state)
{
    (void)state;
    static struct storm storm;
    struct cohort cohort;
    storm_begin(&storm, &cohort,
                &(struct cohort_config){.banks = BANKS, .words = 8, .rounds = 2, .epoch_rounds = 1, .seed = 1});
    OK(cohort_run(&cohort));
    static const unsigned kinds[] = {MESSAGE_JOIN,   MESSAGE_P1,          MESSAGE_P2,        MESSAGE_ACK,
                                     MESSAGE_AWAIT,  MESSAGE_VOTE,        MESSAGE_HEADER,    MESSAGE_RELEASE,
                                     MESSAGE_FETCH,  MESSAGE_JOINED,      MESSAGE_P1S,       MESSAGE_P2S,
                                     MESSAGE_ACKS,   MESSAGE_ROUND,       MESSAGE_PROVISION, MESSAGE_PIECES,
                                     MESSAGE_OPENED, MESSAGE_CERTIFICATE, MESSAGE_FINISHED};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) assert_true(storm.seen[kinds[i]]);
    storm_end(&storm, &cohort);
}

/* Bank 2 restarts without its secrets: rounds are voided; bank 4 is away while a sum is closed and catches up. */
static void a_run_with_void_and_a_late_bank(void **state)
{
    (void)state;
    static struct storm storm;
    struct cohort cohort;
    storm_begin(&storm, &cohort,
                &(struct cohort_config){.banks = BANKS, .words = 8, .rounds = 2, .epoch_rounds = 2, .seed = 2});
    cohort_lose(&cohort, MESSAGE_HEADER, 2, true);
    OK(cohort_run(&cohort));
    cohort_stop(&cohort, 2);
    records_lose_secrets(&cohort.parties[2].records);
    cohort_lose(&cohort, MESSAGE_HEADER, 2, false);
    cohort_lose(&cohort, MESSAGE_RELEASE, 4, true);
    OK(cohort_start(&cohort, 2));
    OK(cohort_settle(&cohort));
    OK(cohort_settle(&cohort));
    cohort_lose(&cohort, MESSAGE_RELEASE, 4, false);
    OK(cohort_settle(&cohort));
    static const unsigned kinds[] = {MESSAGE_VOID,   MESSAGE_VOID_PROPOSAL, MESSAGE_VOID_CERTIFICATE,
                                     MESSAGE_CLOSED, MESSAGE_FETCH_SUM,     MESSAGE_SUM_PIECE};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!storm.seen[kinds[i]]) fail_msg("no message of kind %u was seen", kinds[i]);
    storm_end(&storm, &cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_over_two_epochs),
        cmocka_unit_test(a_run_with_void_and_a_late_bank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
