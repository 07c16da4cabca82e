/* Whatever is changed in a bundle, its replay fails and names the entry: every byte, every entry's place, and every
 * signature by another key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ok.h"
#include "tests/support/small_run.h"
#include "tests/support/tamper.h"
#include "tests/support/toy.h"

enum { FORMS = 3 };

/* Two runs: of one a bank dies in the first round; the keys of the other last for one round, and two officers of each
 * bank but the first approve it. */
static struct fixture {
    struct small_run *run;
    struct buffer forms[FORMS];
    struct pieces pieces[FORMS];
} fixtures[2];

static int setup(void **state)
{
    (void)state;
    static const struct small_run_config configs[] = {
        {.banks = 4, .words = 3, .rounds = 2, .epoch_rounds = 2, .gone = 2},
        {.banks = 3, .words = 3, .rounds = 2, .epoch_rounds = 1, .officers = 2},
    };
    for (size_t i = 0; i < 2; i++) {
        struct fixture *fixture = &fixtures[i];
        fixture->run = small_run_new(&configs[i]);
        for (unsigned form = 0; form < FORMS; form++) {
            small_run_redact(fixture->run, form, &fixture->forms[form]);
            pieces_of(buffer_view(&fixture->forms[form]), &fixture->pieces[form]);
        }
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (unsigned form = 0; form < FORMS; form++) {
            pieces_done(&fixtures[i].pieces[form]);
            buffer_done(&fixtures[i].forms[form]);
        }
        small_run_free(fixtures[i].run);
    }
    return 0;
}

/* ---- it holds */

static void each_form_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_true(view_equal(buffer_view(&fixtures[i].forms[BUNDLE_FULL]), buffer_view(&fixtures[i].run->bundle)));
        for (unsigned form = 0; form < FORMS; form++)
            OK(small_run_replay(fixtures[i].run, buffer_view(&fixtures[i].forms[form])));
        assert_true(fixtures[i].forms[BUNDLE_FULL].length < 16384);
    }
}

static void it_counts_what_it_checks(void **state)
{
    (void)state;
    struct small_run *run = fixtures[0].run;
    struct memory_bundle memory;
    const struct bundle_source source = memory_source(&memory, buffer_view(&run->bundle));
    const struct replay_observer observer = small_run_observer(run);
    CLEANUP(replay_freep) struct replay *replay = NULL;
    OK(replay_bundle(&source, &run->consortium.roster.hash, &observer, &replay));
    const struct replay_counts *counts = &replay->counts;
    assert_int_equal(counts->bytes, run->bundle.length);
    assert_int_equal(counts->entries, fixtures[0].pieces[BUNDLE_FULL].count - 1);
    /* The fourth bank dies when its input of the first round is in: four inputs, then three. */
    assert_int_equal(counts->certificates, 2 * 2); /* R2 and CLOSE */
    assert_int_equal(counts->commitments, 2 * 4);  /* in the second round the dead bank's b */
    assert_int_equal(counts->inputs, 4 + 3);
    assert_int_equal(counts->words, (4 + 3) * 3);
    assert_int_equal(counts->masks, 4 + 3 + 3); /* own ones, and those of three pairs with the dead bank */
    assert_int_equal(counts->sums, 2);
    assert_int_equal(counts->steps, 2);
    assert_int_equal(counts->checkpoints, 2);
    assert_int_equal(counts->models, 1);
    size_t keys = 4 + 2 + 4 + 4 + 1;     /* roster, submission, P1, ACK, DONE */
    size_t each = 1 + 3 + 1 + 3 + 3 + 1; /* R0, R2, OPEN, CLOSE with cosignatures, the checkpoint's own */
    assert_int_equal(counts->signatures, keys + 2 * each + 4 + 3);
}

/* ---- bit rot */

/* In the full form of the first run one byte in three, each where EVERY_BYTE is set; elsewhere, where most is the same,
 * one in thirteen. */
static void every_flip_is_found(void **state)
{
    (void)state;
    const size_t first = getenv("EVERY_BYTE") ? 1 : 3;
    for (size_t i = 0; i < 2; i++)
        for (unsigned form = 0; form < FORMS; form++) {
            struct buffer *bundle = &fixtures[i].forms[form];
            const struct pieces *pieces = &fixtures[i].pieces[form];
            size_t step = i == 0 && form == BUNDLE_FULL ? first : 13, at = 0;
            for (size_t number = 0, end = 0; number < pieces->count; number++) {
                for (end += pieces->items[number].length; at < end; at += step) {
                    bundle->data[at] ^= (uint8_t)(1u << (at % 8));
                    small_run_refuted(fixtures[i].run, buffer_view(bundle), number, "flip of byte", at);
                    bundle->data[at] ^= (uint8_t)(1u << (at % 8));
                }
            }
        }
}

/* Cut after each entry, and inside the last one; or with something behind it. */
static void every_cut_is_found(void **state)
{
    (void)state;
    const struct fixture *fixture = &fixtures[1];
    const struct pieces *pieces = &fixture->pieces[BUNDLE_FULL];
    struct view bundle = buffer_view(&fixture->forms[BUNDLE_FULL]);
    size_t length = 0;
    for (size_t number = 0; number < pieces->count; number++) {
        length += pieces->items[number].length;
        if (length < bundle.length)
            small_run_refuted(fixture->run, view_of(bundle.data, length), 0, "cut after entry", number);
        if (number > 0)
            small_run_refuted(fixture->run, view_of(bundle.data, length - 1), number, "cut in entry", number);
    }
    for (length = 0; length < pieces->items[0].length; length++)
        small_run_refuted(fixture->run, view_of(bundle.data, length), 0, "cut at byte", length);
    CLEANUP(buffer_done) struct buffer longer = {0};
    OK(buffer_append(&longer, bundle));
    OK(buffer_u8(&longer, BUNDLE_MODEL));
    small_run_refuted(fixture->run, buffer_view(&longer), pieces->count, "a byte behind entry", pieces->count - 1);
}

/* ---- entries that are not where they were */

static void expect_moved(const struct fixture *fixture, const struct pieces *moved, size_t number, const char *what)
{
    CLEANUP(buffer_done) struct buffer bundle = {0};
    pieces_join(moved, &bundle);
    small_run_refuted(fixture->run, buffer_view(&bundle), number, what, number);
}

static void no_entry_can_be_dropped(const struct fixture *fixture, const struct pieces *pieces)
{
    struct view items[64];
    assert_true(pieces->count <= 64);
    for (size_t number = 1; number < pieces->count; number++) {
        struct pieces rest = {items, 0};
        for (size_t i = 0; i < pieces->count; i++)
            if (i != number) items[rest.count++] = pieces->items[i];
        expect_moved(fixture, &rest, number, "dropped entry");
    }
}

static void no_entry_can_be_doubled(const struct fixture *fixture, const struct pieces *pieces)
{
    struct view items[65];
    for (size_t number = 1; number < pieces->count; number++) {
        struct pieces more = {items, 0};
        for (size_t i = 0; i < pieces->count; i++) {
            items[more.count++] = pieces->items[i];
            if (i == number) items[more.count++] = pieces->items[i];
        }
        expect_moved(fixture, &more, number + 1, "doubled entry");
    }
}

static void no_entries_can_be_swapped(const struct fixture *fixture, const struct pieces *pieces)
{
    struct view items[64];
    struct pieces swapped = {items, pieces->count};
    memcpy(items, pieces->items, pieces->count * sizeof *items);
    for (size_t a = 1; a < pieces->count; a++)
        for (size_t b = a + 1; b < pieces->count; b++) {
            items[a] = pieces->items[b];
            items[b] = pieces->items[a];
            expect_moved(fixture, &swapped, a, "swapped entry");
            items[a] = pieces->items[a];
            items[b] = pieces->items[b];
        }
}

static void entries_stay_where_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (unsigned form = 0; form < FORMS; form++) {
            no_entry_can_be_dropped(&fixtures[i], &fixtures[i].pieces[form]);
            no_entry_can_be_doubled(&fixtures[i], &fixtures[i].pieces[form]);
            if (form == BUNDLE_FULL) no_entries_can_be_swapped(&fixtures[i], &fixtures[i].pieces[form]);
        }
}

/* Nor can the last round go, as a whole: the coordinator's last word names it. */
static void no_round_can_be_dropped(void **state)
{
    (void)state;
    for (unsigned form = 0; form < FORMS; form++) {
        const struct pieces *pieces = &fixtures[0].pieces[form];
        struct view items[64];
        struct pieces rest = {items, 0};
        size_t r0 = 0, end = form == BUNDLE_PUBLIC ? pieces->count - 1 : pieces->count - 2;
        for (size_t number = 1; number < pieces->count; number++)
            if (piece_kind(pieces->items[number]) == BUNDLE_R0) r0 = number;
        for (size_t i = 0; i < pieces->count; i++)
            if (i < r0 || i >= end) items[rest.count++] = pieces->items[i];
        expect_moved(&fixtures[0], &rest, r0, "without its last round, entry");
    }
}

/* Nor where the coordinator signs that the run was over before: the banks certify a model with the last step alone. */
static void no_run_is_over_before_its_end(void **state)
{
    (void)state;
    const struct pieces *pieces = &fixtures[0].pieces[BUNDLE_PUBLIC];
    CLEANUP(buffer_done) struct buffer forged = {0}, cut = {0}, bundle = {0};
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(pieces_done) struct pieces rest = {0};
    struct view items[64];
    struct pieces shorter = {items, 0};
    struct wire_end body;
    size_t r0 = 0;
    for (size_t number = 1; number < pieces->count; number++)
        if (piece_kind(pieces->items[number]) == BUNDLE_R0) r0 = number;
    for (size_t i = 0; i < pieces->count; i++)
        if (i < r0 || i == pieces->count - 1) items[shorter.count++] = pieces->items[i];
    pieces_join(&shorter, &cut);
    pieces_of(buffer_view(&cut), &rest);
    OK(wire_end_decode(message_body(BUNDLE_DONE, piece_payload(rest.items[r0]), 0, &arena), 4, &arena, &body));
    body.round--;
    OK(signed_make(fixtures[0].run->consortium.parties[0].key, 0, "done", WIRE_END, &body, &forged));
    pieces_with(&rest, r0, buffer_view(&forged), &bundle);
    small_run_refuted(fixtures[0].run, buffer_view(&bundle), r0, "over after round", 1);
}

/* An entry of one run does not go into another's. */
static void entries_belong_to_their_run(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer bundle = {0};
    const struct pieces *mine = &fixtures[0].pieces[BUNDLE_FULL], *other = &fixtures[1].pieces[BUNDLE_FULL];
    for (size_t number = 1; number < mine->count; number++)
        for (size_t k = 1; k < other->count; k++) {
            if (piece_kind(mine->items[number]) != piece_kind(other->items[k])) continue;
            struct view payload = piece_payload(other->items[k]);
            if (view_equal(payload, piece_payload(mine->items[number]))) continue;
            pieces_with(mine, number, payload, &bundle);
            small_run_refuted(fixtures[0].run, buffer_view(&bundle), 0, "an entry of another run for entry", number);
            break;
        }
}

/* ---- signatures by others */

/* Message `which` of an entry by every party but its own, in that one's name and in its own; but a vote that a bank
 * signs in its own name is a vote. */
static void signed_by_others(const struct fixture *fixture, size_t number, size_t which)
{
    CLEANUP(buffer_done) struct buffer payload = {0}, bundle = {0};
    const struct pieces *pieces = &fixture->pieces[BUNDLE_FULL];
    const unsigned kind = piece_kind(pieces->items[number]);
    const struct view was = piece_payload(pieces->items[number]);
    for (unsigned i = 0; i <= fixture->run->config.banks; i++) {
        const uint32_t names[] = {SIGNER_AS_IT_WAS, i};
        const bool vote = i > 0 && (kind == BUNDLE_R2 || kind == BUNDLE_CLOSE);
        for (size_t k = 0; k < (vote ? 1 : 2) && i != signed_by(kind, was, which); k++) {
            signed_again(kind, was, which, fixture->run->consortium.parties[i].key, names[k], NULL, &payload);
            pieces_with(pieces, number, buffer_view(&payload), &bundle);
            small_run_refuted(fixture->run, buffer_view(&bundle), number, k ? "under its own name, party" : "party", i);
        }
    }
}

static void no_message_can_be_signed_by_another(void **state)
{
    (void)state;
    unsigned tried = 0, kinds = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct pieces *pieces = &fixtures[i].pieces[BUNDLE_FULL];
        for (size_t number = 1; number < pieces->count; number++) {
            const unsigned kind = piece_kind(pieces->items[number]);
            const size_t count = signed_count(kind, piece_payload(pieces->items[number]));
            for (size_t which = 0; which < count; which++) signed_by_others(&fixtures[i], number, which);
            tried += (unsigned)count;
            kinds |= count ? 1u << kind : 0;
        }
    }
    assert_int_equal(kinds, 1u << BUNDLE_P1 | 1u << BUNDLE_ACK | 1u << BUNDLE_R0 | 1u << BUNDLE_R2 | 1u << BUNDLE_R1 |
                                1u << BUNDLE_OPEN | 1u << BUNDLE_CLOSE | 1u << BUNDLE_DONE);
    assert_true(tried > 60);
}

/* A note's signatures, by another's key under its own id or under the right one. */
static void note_signed_by_others(const struct fixture *fixture, size_t number, const struct sign_public *shown,
                                  size_t which)
{
    CLEANUP(buffer_done) struct buffer payload = {0}, bundle = {0};
    const struct pieces *pieces = &fixture->pieces[BUNDLE_FULL];
    const struct sign_key *wrong = fixture->run->consortium.parties[fixture->run->config.banks].key;
    const struct sign_public *ids[] = {shown, sign_key_public(wrong)};
    for (size_t k = 0; k < 2; k++) {
        note_again(piece_payload(pieces->items[number]), which, wrong, ids[k], &payload);
        pieces_with(pieces, number, buffer_view(&payload), &bundle);
        small_run_refuted(fixture->run, buffer_view(&bundle), number, k ? "note with another id, line" : "note, line",
                          which);
    }
}

static void no_note_can_be_signed_by_another(void **state)
{
    (void)state;
    const struct fixture *fixture = &fixtures[0];
    const struct party *parties = fixture->run->consortium.parties;
    const struct pieces *pieces = &fixture->pieces[BUNDLE_FULL];
    unsigned checkpoints = 0;
    for (unsigned i = 1; i <= fixture->run->config.banks; i++)
        note_signed_by_others(fixture, 1, sign_key_public(parties[i].identity), i - 1);
    for (size_t number = 1; number < pieces->count; number++) {
        if (piece_kind(pieces->items[number]) != BUNDLE_CHECKPOINT) continue;
        note_signed_by_others(fixture, number, sign_key_public(parties[0].key), 0);
        note_signed_by_others(fixture, number, sign_key_public(parties[1].key), 1);
        checkpoints++;
    }
    assert_int_equal(checkpoints, 2);
}

static void a_submission_is_signed_by_its_submitter(void **state)
{
    (void)state;
    const struct fixture *fixture = &fixtures[0];
    const struct consortium *consortium = &fixture->run->consortium;
    CLEANUP(buffer_done) struct buffer payload = {0}, bundle = {0};
    struct signature forged;
    const size_t at = 4 + 1 + 4 + NONCE_BYTES; /* roster size, a cohort of up to eight, submitter, nonce */
    assert_int_equal(piece_kind(fixture->pieces[BUNDLE_FULL].items[2]), BUNDLE_RUN);
    OK(buffer_append(&payload, piece_payload(fixture->pieces[BUNDLE_FULL].items[2])));
    OK(sign_bytes(consortium->parties[2].identity, "submit", hash_view(&consortium->submission.id), &forged));
    memcpy(payload.data + at, forged.bytes, sizeof forged.bytes);
    pieces_with(&fixture->pieces[BUNDLE_FULL], 2, buffer_view(&payload), &bundle);
    small_run_refuted(fixture->run, buffer_view(&bundle), 2, "submission signed by bank", 2);
    /* The very same place with the submitter's own signature. */
    OK(sign_bytes(consortium->parties[1].identity, "submit", hash_view(&consortium->submission.id), &forged));
    memcpy(payload.data + at, forged.bytes, sizeof forged.bytes);
    pieces_with(&fixture->pieces[BUNDLE_FULL], 2, buffer_view(&payload), &bundle);
    OK(small_run_replay(fixture->run, buffer_view(&bundle)));
}

/* ---- a coordinator that signs what it likes, with its own key */

static size_t first_of(const struct pieces *pieces, unsigned kind)
{
    for (size_t number = 1; number < pieces->count; number++)
        if (piece_kind(pieces->items[number]) == kind) return number;
    fail_msg("no entry of kind %u", kind);
    return 0;
}

/* Another sum, hashed and signed as if it were the right one: its masked inputs refute it, or the banks' certificate.
 */
static void a_false_sum_is_refuted(void **state)
{
    (void)state;
    for (unsigned form = 0; form < FORMS; form++) {
        const struct fixture *fixture = &fixtures[0];
        const struct pieces *pieces = &fixture->pieces[form];
        const struct sign_key *key = fixture->run->consortium.parties[0].key;
        const size_t open = first_of(pieces, BUNDLE_OPEN), close = first_of(pieces, BUNDLE_CLOSE);
        CLEANUP(buffer_done) struct buffer signed_open = {0}, bundle = {0};
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        uint64_t words[3] = {1, 2, 3};
        struct wire_signed one;
        struct wire_open body;
        OK(wire_signed_decode(piece_payload(pieces->items[open]), MEMBERS_MAX, &arena, &one));
        OK(wire_open_decode(one.body, fixture->run->config.banks, &arena, &body));
        OK(ctx_sum_hash(words, 3, &body.sum));
        OK(signed_make(key, 0, "open", WIRE_OPEN, &body, &signed_open));
        pieces_with(pieces, open, buffer_view(&signed_open), &bundle);
        if (form != BUNDLE_PUBLIC) {
            CLEANUP(pieces_done) struct pieces changed = {0};
            CLEANUP(buffer_done) struct buffer sum = {0}, both = {0};
            OK(buffer_u32(&sum, 0));
            for (size_t k = 0; k < 3; k++) OK(buffer_u64(&sum, words[k]));
            pieces_of(buffer_view(&bundle), &changed);
            pieces_with(&changed, first_of(&changed, BUNDLE_SUM), buffer_view(&sum), &both);
            buffer_clear(&bundle);
            OK(buffer_append(&bundle, buffer_view(&both)));
        }
        const size_t where = form == BUNDLE_FULL ? first_of(pieces, BUNDLE_SUM) - 1 : close;
        small_run_refuted(fixture->run, buffer_view(&bundle), where, "false sum in form", form);
    }
}

/* A last word that names another model than the banks certified, also where the model itself is left out. */
static void a_false_model_is_refuted(void **state)
{
    (void)state;
    for (unsigned form = 0; form < FORMS; form++) {
        const struct fixture *fixture = &fixtures[0];
        const struct pieces *pieces = &fixture->pieces[form];
        const size_t done = first_of(pieces, BUNDLE_DONE);
        CLEANUP(buffer_done) struct buffer forged = {0}, bundle = {0};
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct wire_end body;
        OK(wire_end_decode(message_body(BUNDLE_DONE, piece_payload(pieces->items[done]), 0, &arena),
                           fixture->run->config.banks, &arena, &body));
        body.proof.bytes[0] ^= 1;
        OK(signed_make(fixture->run->consortium.parties[0].key, 0, "done", WIRE_END, &body, &forged));
        pieces_with(pieces, done, buffer_view(&forged), &bundle);
        small_run_refuted(fixture->run, buffer_view(&bundle), done, "another model in form", form);
    }
}

/* ---- whose bundle it is */

static void the_fingerprint_decides(void **state)
{
    (void)state;
    struct small_run *run = fixtures[0].run;
    const struct replay_observer observer = small_run_observer(run);
    struct hash fingerprint = run->consortium.roster.hash;
    OK(memory_replay(buffer_view(&run->bundle), &fingerprint, &observer));
    fingerprint.bytes[31] ^= 1;
    assert_int_equal(memory_replay(buffer_view(&run->bundle), &fingerprint, &observer).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "no roster of this bundle has the fingerprint"));
}

/* ---- what it does not hold */

static bool found(struct view in, struct view what)
{
    return memmem(in.data, in.length, what.data, what.length) != NULL;
}

/* All entries but the secrets that the round revealed. */
static void without_revealed(const struct pieces *pieces, struct buffer *out)
{
    for (size_t number = 0; number < pieces->count; number++)
        if (number == 0 || piece_kind(pieces->items[number]) != BUNDLE_SECRETS)
            OK(buffer_append(out, pieces->items[number]));
}

static void no_secret_is_in_it(void **state)
{
    (void)state;
    enum { WINDOW = 16 };
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buffer_done) struct buffer rest = {0};
        struct view hidden = buffer_view(&fixtures[i].run->hidden);
        without_revealed(&fixtures[i].pieces[BUNDLE_FULL], &rest);
        assert_true(hidden.length > 4096);
        for (size_t at = 0; at + WINDOW <= hidden.length; at++)
            if (found(buffer_view(&rest), view_of(hidden.data + at, WINDOW)))
                fail_msg("run %zu: hidden byte %zu", i, at);
        assert_true(found(buffer_view(&rest), view_of(rest.data + rest.length / 2, WINDOW)));
    }
}

/* Nor a bank's input in the clear, nor a sum over a part of the banks. */
static void no_input_is_in_it(void **state)
{
    (void)state;
    const struct small_run *run = fixtures[1].run;
    const unsigned all = (1u << run->config.banks) - 1;
    for (uint64_t step = 0; step < run->config.rounds; step++)
        for (uint64_t k = 0; k < run->config.words; k++)
            for (unsigned set = 1; set <= all; set++) {
                uint8_t word[8];
                uint64_t sum = 0;
                for (unsigned bank = 1; bank <= run->config.banks; bank++)
                    if (set >> (bank - 1) & 1) sum += toy_input(bank, step, k);
                bytes_put_u64(word, sum);
                assert_int_equal(found(buffer_view(&run->bundle), view_of(word, sizeof word)), set == all);
            }
}

/* ---- the corpus of tests/fuzz/fuzz_bundle.c: written with COFFERDAM_CORPUS set to the directory of the corpora */

static void write_corpus(const char *name, uint8_t how, struct view bytes)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/bundle/%s", getenv("COFFERDAM_CORPUS"), name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fputc(how, file), how);
    assert_int_equal(fwrite(bytes.data, 1, bytes.length, file), bytes.length);
    assert_int_equal(fclose(file), 0);
}

static void write_body(const struct fixture *fixture, size_t number)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer bytes = {0};
    const struct view piece = fixture->pieces[BUNDLE_FULL].items[number];
    char name[32];
    if (signed_count(piece_kind(piece), piece_payload(piece)) == 0) return;
    OK(buffer_u8(&bytes, (uint8_t)(number - 1)));
    OK(buffer_u8(&bytes, 0));
    OK(buffer_append(&bytes, message_body(piece_kind(piece), piece_payload(piece), 0, &arena)));
    (void)snprintf(name, sizeof name, "body-%02u", piece_kind(piece));
    write_corpus(name, 2, buffer_view(&bytes));
}

static void the_corpus_holds_a_bundle(void **state)
{
    (void)state;
    static uint8_t bytes[1 + 16384];
    const struct fixture *fixture = &fixtures[0];
    if (getenv("COFFERDAM_CORPUS")) {
        static const uint8_t changes[] = {9, 1, 0, 1, 200, 20, 0, 255};
        write_corpus("full", 0, buffer_view(&fixture->forms[BUNDLE_FULL]));
        write_corpus("public", 0, buffer_view(&fixture->forms[BUNDLE_PUBLIC]));
        write_corpus("changes", 1, view_of(changes, sizeof changes));
        for (size_t number = 1; number < fixture->pieces[BUNDLE_FULL].count; number++) write_body(fixture, number);
    }
    FILE *file = fopen("tests/fuzz/corpus/bundle/full", "rb");
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    OK(small_run_replay(fixture->run, view_of(bytes + 1, length - 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_holds),
        cmocka_unit_test(it_counts_what_it_checks),
        cmocka_unit_test(every_flip_is_found),
        cmocka_unit_test(every_cut_is_found),
        cmocka_unit_test(entries_stay_where_they_are),
        cmocka_unit_test(no_round_can_be_dropped),
        cmocka_unit_test(no_run_is_over_before_its_end),
        cmocka_unit_test(entries_belong_to_their_run),
        cmocka_unit_test(no_message_can_be_signed_by_another),
        cmocka_unit_test(no_note_can_be_signed_by_another),
        cmocka_unit_test(a_submission_is_signed_by_its_submitter),
        cmocka_unit_test(a_false_sum_is_refuted),
        cmocka_unit_test(a_false_model_is_refuted),
        cmocka_unit_test(the_fingerprint_decides),
        cmocka_unit_test(no_secret_is_in_it),
        cmocka_unit_test(no_input_is_in_it),
        cmocka_unit_test(the_corpus_holds_a_bundle),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
