/* What a coordinator that cheats leaves behind: every honest bank stops in that round, and the file that its node makes
 * of what it kept proves it to anyone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"
#include "tests/support/noted.h"
#include "tests/support/ok.h"

static const struct cohort_config five = {.banks = 5, .words = 8, .rounds = 3, .epoch_rounds = 8, .seed = 7};

static void says(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* Every bank that is not `except` stopped at this step, and its file of this name is proof against the coordinator. */
static void all_have_proof(struct noted *noted, unsigned except, uint64_t step, uint64_t round, const char *name,
                           const char *claim)
{
    for (unsigned i = 1; i <= noted->cohort.config.banks; i++) {
        if (i == except) continue;
        struct noted_files files = {.count = 0};
        assert_int_equal(secagg_node_fold(noted->cohort.parties[i].node)->step, step);
        assert_false(noted->cohort.parties[i].done);
        OK(noted_write(noted, i, &files));
        struct noted_file *file = noted_file(&files, name);
        if (!file) fail_msg("bank%u has no %s", i, name);
        if (file->report.verdict != EVIDENCE_PROVEN) fail_msg("bank%u's %s: %s", i, name, file->report.reason);
        assert_true(file->report.coordinator && file->report.round == round);
        assert_string_equal(file->report.against, "coordinator");
        says(file->report.claim, claim);
        assert_true(file->report.checked_count >= 2 && file->report.because[0] && file->report.statement[0]);
        noted_files_done(&files);
    }
}

/* ---- what it opens: the body of OPEN, changed and signed anew */

enum forgery { SUM, SECRET, DROPPED, ADDED, HEADERS, TERMS };
struct opening {
    enum forgery what;
};

static void forge(struct opening *opening, struct cohort *cohort, struct wire_open *open, uint8_t *secrets)
{
    switch (opening->what) {
    case SUM:
        open->sum.bytes[0] ^= 1;
        break;
    case SECRET:
        secrets[2 * 32 + 5] ^= 1;
        OK(ctx_secrets_hash(view_of(secrets, (size_t)cohort->config.banks * 32), &open->secrets));
        break;
    case DROPPED:
        members_remove(&open->survivors, 3);
        break;
    case ADDED:
        members_add(&open->survivors, 5);
        break;
    case HEADERS:
        open->headers.bytes[0] ^= 1;
        break;
    case TERMS:
        open->ctx.bytes[0] ^= 1;
        break;
    }
}

static bool forge_opened(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)to;
    if (bytes->data[1] != MESSAGE_OPENED) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer forged = {0}, secrets = {0};
    struct message message;
    struct wire_signed one;
    struct wire_open open;
    OK(message_decode(buffer_view(bytes), cohort->config.banks, &arena, &message));
    struct wire_opened opened = message.opened;
    OK(wire_signed_decode(opened.open, cohort->config.banks, &arena, &one));
    OK(wire_open_decode(one.body, cohort->config.banks, &arena, &open));
    OK(buffer_append(&secrets, opened.secrets));
    forge(context, cohort, &open, secrets.data);
    OK(cohort_sign(cohort, 0, "open", WIRE_OPEN, &open, &forged));
    opened.open = buffer_view(&forged);
    opened.secrets = buffer_view(&secrets);
    struct buffer other = {0};
    OK(message_encode(MESSAGE_OPENED, &opened, &other));
    buffer_done(bytes);
    *bytes = other;
    return true;
}

static void run_opening(struct noted *noted, struct opening *opening, const struct cohort_config *given)
{
    struct cohort_config config = *given;
    bool silent = opening->what == ADDED;
    config.goes_on = silent;
    OK(noted_init(&config, noted));
    noted->cohort.hooks = (struct cohort_hooks){.context = opening, .reply = forge_opened};
    if (silent) cohort_lose(&noted->cohort, MESSAGE_HEADER, 5, true);
    cohort_lose(&noted->cohort, MESSAGE_REFUSE, 0, true);
    OK(cohort_run(&noted->cohort));
    if (!silent) return;
    OK(cohort_timer(&noted->cohort));
    OK(cohort_settle(&noted->cohort));
}

static void what_is_opened_falsely_is_proven_by_every_bank(void **state)
{
    (void)state;
    static const struct {
        enum forgery what;
        const char *name, *claim, *statement;
    } cases[] = {
        {SUM, "sum-00001.cfe", "signed a sum of round 1 that is not the sum of the banks' inputs", "OPEN"},
        {SECRET, "secret-00001.cfe", "revealed a secret of bank3 in round 1 that is not the one bank3 committed to",
         "OPEN"},
        {DROPPED, "inputs-00001.cfe", "opened round 1 for the inputs of other banks than a quorum of the banks",
         "It leaves out the input of bank3."},
        {ADDED, "inputs-00001.cfe", "opened round 1 for the inputs of other banks than a quorum of the banks",
         "It adds the input of bank5."},
        {HEADERS, "inputs-00001.cfe", "opened round 1 for other inputs of the same banks", "OPEN"},
        {TERMS, "inputs-00001.cfe", "opened round 1 for other terms", "OPEN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct noted noted;
        struct opening opening = {cases[i].what};
        struct noted_files files = {.count = 0};
        run_opening(&noted, &opening, &five);
        for (unsigned bank = 1; bank <= 4; bank++)
            assert_int_equal(noted.cohort.parties[bank].node->state, NODE_ENDING);
        all_have_proof(&noted, cases[i].what == ADDED ? 5 : 0, 0, 1, cases[i].name, cases[i].claim);
        OK(noted_write(&noted, 1, &files));
        assert_int_equal(files.count, 1);
        says(files.items[0].report.statement, cases[i].statement);
        noted_files_done(&files);
        noted_done(&noted);
    }
}

/* A sum of several chunks, of which each bank checks some: the file has the one chunk that was found false. */
static bool forge_chunk(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)context, (void)to;
    uint64_t *sum = cohort->coordinator->round.sum;
    const uint64_t words = cohort->config.words;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer forged = {0};
    struct buffer other = {0};
    struct message message;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    if (message.kind == MESSAGE_SUM_PIECE && message.sum_piece.chunk == 1) bytes->data[bytes->length - 8] += 1;
    if (message.kind != MESSAGE_OPENED) return true;
    struct wire_signed one;
    struct wire_open open;
    OK(wire_signed_decode(message.opened.open, 5, &arena, &one));
    OK(wire_open_decode(one.body, 5, &arena, &open));
    sum[2 * CHUNK_WORDS - 1]++;
    OK(ctx_sum_hash(sum, words, &open.sum));
    sum[2 * CHUNK_WORDS - 1]--;
    OK(cohort_sign(cohort, 0, "open", WIRE_OPEN, &open, &forged));
    message.opened.open = buffer_view(&forged);
    OK(message_encode(MESSAGE_OPENED, &message.opened, &other));
    buffer_done(bytes);
    *bytes = other;
    return true;
}

static void a_false_chunk_of_a_sampled_sum_is_proven_by_itself(void **state)
{
    (void)state;
    struct noted noted;
    const struct cohort_config large = {.banks = 5, .words = 3 * CHUNK_WORDS + 4, .rounds = 1, .epoch_rounds = 1};
    OK(noted_init(&large, &noted));
    noted.cohort.hooks.reply = forge_chunk;
    cohort_lose(&noted.cohort, MESSAGE_REFUSE, 0, true);
    OK(cohort_start_all(&noted.cohort));
    for (unsigned i = 1; i <= 5; i++) noted.cohort.parties[i].node->close_full_bytes = 1000;
    OK(cohort_settle(&noted.cohort));
    unsigned found = 0;
    for (unsigned i = 1; i <= 5; i++) {
        struct noted_files files = {.count = 0};
        if (noted.cohort.parties[i].node->state != NODE_ENDING) continue; /* its dice did not fall on that chunk */
        OK(noted_write(&noted, i, &files));
        assert_int_equal(files.count, 1);
        assert_string_equal(files.items[0].name, "sum-00001.cfe");
        if (files.items[0].report.verdict != EVIDENCE_PROVEN) fail_msg("%s", files.items[0].report.reason);
        assert_string_equal(files.items[0].report.against, "coordinator");
        /* the sum, and one chunk of each bank, not four */
        assert_true(files.items[0].bytes.length < (size_t)9 * CHUNK_BYTES);
        found++;
        noted_files_done(&files);
    }
    assert_true(found >= 4);
    noted_done(&noted);
}

/* Without the inputs, of which there are too many to keep, it is a statement. */
static void a_false_sum_without_its_inputs_is_a_statement(void **state)
{
    (void)state;
    struct noted noted;
    struct opening opening = {SUM};
    struct noted_files files = {.count = 0};
    run_opening(&noted, &opening, &five);
    struct record_map *map = &noted.cohort.parties[1].records.maps[0][0];
    for (size_t i = 0; i < map->count; i++)
        if (strncmp(map->items[i].key, "proof/y/", 8) == 0) map->items[i].key[24] = 'x';
    OK(noted_write(&noted, 1, &files));
    assert_int_equal(files.items[0].report.verdict, EVIDENCE_STATEMENT);
    says(files.items[0].report.claim, "found false");
    noted_files_done(&files);
    noted_done(&noted);
}

/* ---- what it asks for twice */

static void feed(struct noted *noted, unsigned bank, enum message_kind kind, const void *payload)
{
    struct buffer bytes = {0};
    OK(message_encode(kind, payload, &bytes));
    OK(cohort_feed(&noted->cohort, bank, 0, buffer_view(&bytes)));
    buffer_done(&bytes);
}

/* The run is held up where a reply of this kind would come. */
static void hold(struct noted *noted, enum message_kind lost)
{
    OK(noted_init(&five, noted));
    cohort_lose(&noted->cohort, lost, 0, true);
    OK(cohort_start_all(&noted->cohort));
    OK(cohort_settle(&noted->cohort));
    cohort_lose(&noted->cohort, MESSAGE_REFUSE, 0, true);
}

static void two_sets_of_terms_are_proof(void **state)
{
    (void)state;
    static const enum message_kind stages[] = {MESSAGE_PROPOSAL, MESSAGE_CERTIFICATE, MESSAGE_OPENED, MESSAGE_PIECES};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        struct noted noted;
        struct buffer r0 = {0};
        hold(&noted, stages[i]);
        struct wire_r0 terms = noted.cohort.coordinator->round.terms;
        terms.checkpoint.bytes[4] ^= 1;
        OK(cohort_sign(&noted.cohort, 0, "r0", WIRE_R0, &terms, &r0));
        const struct wire_round round = {.r0 = buffer_view(&r0)};
        for (unsigned bank = 1; bank <= 5; bank++) {
            feed(&noted, bank, MESSAGE_ROUND, &round);
            assert_int_equal(noted.cohort.parties[bank].node->state, NODE_ENDING);
        }
        all_have_proof(&noted, 0, 0, 1, "r0-00001.cfe", "two different messages for round 1 where one is allowed");
        struct noted_files files = {.count = 0};
        OK(noted_write(&noted, 1, &files));
        says(files.items[0].report.statement, "two histories of the run");
        noted_files_done(&files);
        buffer_done(&r0);
        noted_done(&noted);
    }
}

static void two_sets_of_inputs_are_proof(void **state)
{
    (void)state;
    struct noted noted;
    struct buffer proposal = {0};
    hold(&noted, MESSAGE_CERTIFICATE);
    for (unsigned bank = 1; bank <= 5; bank++) {
        const struct node_round *round = &noted.cohort.parties[bank].node->round;
        struct wire_r2 other = {.run = noted.submission.id,
                                .epoch = 1,
                                .round = 1,
                                .ctx = round->ctx,
                                .survivors = noted.cohort.terms.cohort,
                                .headers = {{3}}};
        members_remove(&other.survivors, 2);
        buffer_clear(&proposal);
        OK(cohort_sign(&noted.cohort, 0, "r2", WIRE_R2, &other, &proposal));
        feed(&noted, bank, MESSAGE_PROPOSAL, &(struct wire_proposal){.proposal = buffer_view(&proposal)});
        assert_int_equal(noted.cohort.parties[bank].node->state, NODE_ENDING);
    }
    all_have_proof(&noted, 0, 0, 1, "r2-00001.cfe", "set of inputs (R2)");
    buffer_done(&proposal);
    noted_done(&noted);
}

static void two_opened_sums_are_proof(void **state)
{
    (void)state;
    struct noted noted;
    hold(&noted, MESSAGE_PIECES);
    struct opening opening = {SUM};
    for (unsigned bank = 1; bank <= 5; bank++) {
        struct buffer bytes = {0};
        OK(message_wrap(MESSAGE_OPENED, buffer_view(&noted.cohort.coordinator->round.opening), &bytes));
        assert_int_equal(noted.cohort.parties[bank].node->state, NODE_CHECKING);
        unsigned refused = noted.cohort.parties[bank].refused;
        OK(cohort_feed(&noted.cohort, bank, 0, buffer_view(&bytes))); /* the same again is only late */
        assert_int_equal(noted.cohort.parties[bank].refused, refused + 1);
        assert_true(forge_opened(&opening, &noted.cohort, bank, &bytes));
        OK(cohort_feed(&noted.cohort, bank, 0, buffer_view(&bytes)));
        assert_int_equal(noted.cohort.parties[bank].node->state, NODE_ENDING);
        buffer_done(&bytes);
    }
    all_have_proof(&noted, 0, 0, 1, "open-00001.cfe", "opened sum (OPEN)");
    noted_done(&noted);
}

/* ---- another history, another model */

struct terms_change {
    unsigned what;
    uint64_t round;
};

static bool change_terms(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)to;
    const struct terms_change *change = context;
    if (bytes->data[1] != MESSAGE_ROUND) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer forged = {0};
    struct message message;
    struct wire_r0 terms = cohort->coordinator->round.terms;
    if (terms.round != change->round) return true;
    struct hash *const fields[] = {&terms.checkpoint, &terms.state,  &terms.set,
                                   &terms.plan,       &terms.roster, &terms.layout};
    fields[change->what]->bytes[7] ^= 1;
    OK(message_decode(buffer_view(bytes), cohort->config.banks, &arena, &message));
    OK(cohort_sign(cohort, 0, "r0", WIRE_R0, &terms, &forged));
    message.round.r0 = buffer_view(&forged);
    struct buffer other = {0};
    OK(message_encode(MESSAGE_ROUND, &message.round, &other));
    buffer_done(bytes);
    *bytes = other;
    return true;
}

static void false_terms_are_proven_as_far_as_anyone_can_compute_them(void **state)
{
    (void)state;
    static const char *const claims[] = {"another checkpoint of the log", "another model", "another set of keys",
                                         "another plan", "another roster"};
    for (uint64_t round = 1; round <= 2; round++)
        for (unsigned what = 0; what < 6; what++) {
            struct noted noted;
            struct terms_change change = {what, round};
            char name[64];
            OK(noted_init(&five, &noted));
            noted.cohort.hooks = (struct cohort_hooks){.context = &change, .reply = change_terms};
            OK(cohort_run(&noted.cohort));
            (void)snprintf(name, sizeof name, "refused-r0-%05u-0.cfe", (unsigned)round - 1);
            bool computable = what < 5 || round == 1; /* a later layout is the fold's */
            for (unsigned bank = 1; bank <= 5; bank++)
                assert_int_equal(noted.cohort.parties[bank].node->state, NODE_READY);
            if (computable) {
                const char *claim = what == 5 ? "another layout" : claims[what];
                if (what == 0 && round == 1) claim = "a checkpoint before anything was logged";
                all_have_proof(&noted, 0, round - 1, round, name, claim);
            } else {
                struct noted_files files = {.count = 0};
                OK(noted_write(&noted, 1, &files));
                assert_int_equal(noted_file(&files, name)->report.verdict, EVIDENCE_STATEMENT);
                noted_files_done(&files);
            }
            noted_done(&noted);
        }
}

static void a_refused_set_of_inputs_is_proven_by_the_plan(void **state)
{
    (void)state;
    for (unsigned what = 0; what < 3; what++) {
        struct noted noted;
        struct buffer proposal = {0};
        struct noted_files files = {.count = 0};
        struct cohort_config config = five;
        config.goes_on = what == 2;
        OK(noted_init(&config, &noted));
        cohort_lose(&noted.cohort, MESSAGE_PROPOSAL, 0, true);
        OK(cohort_start_all(&noted.cohort));
        OK(cohort_settle(&noted.cohort));
        struct node_round *round = &noted.cohort.parties[2].node->round;
        struct wire_r2 other = {.run = noted.submission.id,
                                .epoch = 1,
                                .round = 1,
                                .ctx = round->ctx,
                                .survivors = noted.cohort.terms.cohort};
        if (what == 0) members_remove(&other.survivors, 4);
        if (what == 1) other.ctx.bytes[0] ^= 1;
        if (what == 2) members_remove(&other.survivors, 2); /* it may be that bank 2 never sent its input */
        OK(cohort_sign(&noted.cohort, 0, "r2", WIRE_R2, &other, &proposal));
        feed(&noted, 2, MESSAGE_PROPOSAL, &(struct wire_proposal){.proposal = buffer_view(&proposal)});
        assert_int_equal(noted.cohort.parties[2].node->state, NODE_UPLOADING);
        OK(noted_write(&noted, 2, &files));
        assert_int_equal(files.count, 1);
        assert_string_equal(files.items[0].name, "refused-r2-00001-0.cfe");
        assert_int_equal(files.items[0].report.verdict, what == 2 ? EVIDENCE_STATEMENT : EVIDENCE_PROVEN);
        if (what == 0) says(files.items[0].report.statement, "leaves out the input of bank4");
        noted_files_done(&files);
        buffer_done(&proposal);
        noted_done(&noted);
    }
}

/* ---- the files */

/* A file is the same whenever it is made: after a crash before it was written, after the run is over. */
static void a_file_is_made_again_as_it_was(void **state)
{
    (void)state;
    struct noted noted;
    struct opening opening = {SUM};
    struct noted_files files = {.count = 0}, again = {.count = 0};
    run_opening(&noted, &opening, &five);
    OK(noted_write(&noted, 4, &files));
    OK(noted_write(&noted, 4, &files)); /* what is there is left alone */
    assert_int_equal(files.count, 1);
    OK(cohort_start(&noted.cohort, 4));
    OK(cohort_settle(&noted.cohort));
    OK(noted_write(&noted, 4, &again));
    assert_int_equal(again.count, 1);
    assert_true(view_equal(buffer_view(&files.items[0].bytes), buffer_view(&again.items[0].bytes)));
    noted_files_done(&files);
    noted_files_done(&again);
    noted_done(&noted);
}

static bool same_claim(const struct evidence_report *a, const struct evidence_report *b)
{
    return strcmp(a->against, b->against) == 0 && strcmp(a->claim, b->claim) == 0 && a->round == b->round &&
           hash_equal(&a->run, &b->run) && hash_equal(&a->fingerprint, &b->fingerprint);
}

/* Not one byte can be another so that something else is proven. */
static void flip_each_byte(struct noted *noted, unsigned bank)
{
    struct noted_files files = {.count = 0};
    struct evidence_report report;
    unsigned kept = 0;
    OK(noted_write(noted, bank, &files));
    struct noted_file *file = &files.items[0];
    for (size_t i = 0; i < file->bytes.length; i++) {
        uint8_t flip = (uint8_t)(1u << (i % 8));
        file->bytes.data[i] ^= flip;
        OK(evidence_check(buffer_view(&file->bytes), NULL, &noted->observer, &report));
        if (report.verdict == EVIDENCE_PROVEN) assert_true(same_claim(&report, &file->report));
        kept += report.verdict != EVIDENCE_FALSE;
        file->bytes.data[i] ^= flip;
    }
    assert_int_equal(kept, 0);
    for (size_t length = 0; length < file->bytes.length; length += 7) {
        OK(evidence_check(view_of(file->bytes.data, length), NULL, &noted->observer, &report));
        assert_int_equal(report.verdict, EVIDENCE_FALSE);
    }
    OK(buffer_u8(&file->bytes, 0));
    OK(evidence_check(buffer_view(&file->bytes), NULL, &noted->observer, &report));
    assert_int_equal(report.verdict, EVIDENCE_FALSE);
    noted_files_done(&files);
}

static void no_byte_of_a_file_can_be_another(void **state)
{
    (void)state;
    static const enum forgery whats[] = {SUM, DROPPED};
    for (size_t i = 0; i < sizeof whats / sizeof *whats; i++) {
        struct noted noted;
        struct opening opening = {whats[i]};
        run_opening(&noted, &opening, &noted_small);
        flip_each_byte(&noted, 2);
        noted_done(&noted);
    }
}

/* What the fuzzer begins with. */
static void the_corpus_is_what_this_program_makes(void **state)
{
    (void)state;
    static const enum forgery whats[] = {SUM, SECRET, DROPPED};
    for (size_t i = 0; i < sizeof whats / sizeof *whats; i++) {
        struct noted noted;
        struct opening opening = {whats[i]};
        struct noted_files files = {.count = 0};
        run_opening(&noted, &opening, &noted_small);
        OK(noted_write(&noted, 1, &files));
        OK(noted_corpus(files.items[0].name, buffer_view(&files.items[0].bytes)));
        noted_files_done(&files);
        noted_done(&noted);
    }
    struct noted noted;
    struct terms_change change = {0, 1};
    struct noted_files files = {.count = 0};
    OK(noted_init(&noted_small, &noted));
    noted.cohort.hooks = (struct cohort_hooks){.context = &change, .reply = change_terms};
    OK(cohort_run(&noted.cohort));
    OK(noted_write(&noted, 1, &files));
    OK(noted_corpus(files.items[0].name, buffer_view(&files.items[0].bytes)));
    noted_files_done(&files);
    noted_done(&noted);
}

static void a_file_of_another_roster_does_not_hold(void **state)
{
    (void)state;
    struct noted noted;
    struct opening opening = {DROPPED};
    struct noted_files files = {.count = 0};
    struct evidence_report report;
    run_opening(&noted, &opening, &five);
    OK(noted_write(&noted, 1, &files));
    struct hash fingerprint = noted.cohort.roster.hash;
    struct view bytes = buffer_view(&files.items[0].bytes);
    OK(evidence_check(bytes, &fingerprint, &noted.observer, &report));
    assert_int_equal(report.verdict, EVIDENCE_PROVEN);
    fingerprint.bytes[31] ^= 1;
    OK(evidence_check(bytes, &fingerprint, &noted.observer, &report));
    assert_int_equal(report.verdict, EVIDENCE_FALSE);
    says(report.reason, "fingerprint");
    assert_string_equal(report.against, "");
    noted_files_done(&files);
    noted_done(&noted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_opened_falsely_is_proven_by_every_bank),
        cmocka_unit_test(a_false_chunk_of_a_sampled_sum_is_proven_by_itself),
        cmocka_unit_test(a_false_sum_without_its_inputs_is_a_statement),
        cmocka_unit_test(two_sets_of_terms_are_proof),
        cmocka_unit_test(two_sets_of_inputs_are_proof),
        cmocka_unit_test(two_opened_sums_are_proof),
        cmocka_unit_test(false_terms_are_proven_as_far_as_anyone_can_compute_them),
        cmocka_unit_test(a_refused_set_of_inputs_is_proven_by_the_plan),
        cmocka_unit_test(a_file_is_made_again_as_it_was),
        cmocka_unit_test(no_byte_of_a_file_can_be_another),
        cmocka_unit_test(the_corpus_is_what_this_program_makes),
        cmocka_unit_test(a_file_of_another_roster_does_not_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
