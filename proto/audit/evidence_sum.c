/* A sum that is not the sum, and a secret that is not the one committed to: computed again from what everyone signed.
 * The coordinator's own signatures bind all of it: OPEN names the terms, R0 the keys, M the inputs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/audit/evidence_case.h"

static struct result take_open(struct evidence_case *file, struct wire_open *ret)
{
    struct view payload;
    struct signed_body body;
    TRY(case_next(file, EVIDENCE_OPEN, &payload));
    TRY(case_signed(file, EVIDENCE_OF_OPEN, payload, &body));
    ENSURE(body.message.signer == 0, CATEGORY_FALSE, "OPEN is signed by %s",
           run_member(file->run, body.message.signer));
    ENSURE(body.open.epoch == file->terms.epoch && body.open.round == file->terms.round &&
               hash_equal(&body.open.ctx, &file->ctx),
           CATEGORY_FALSE, "OPEN is not for the round that R0 opened");
    ENSURE(members_within(&body.open.survivors, run_cohort(file->run)), CATEGORY_FALSE,
           "OPEN has inputs from beyond the cohort");
    *ret = body.open;
    return RESULT_OK;
}

static struct result take_secrets(struct evidence_case *file, const struct wire_open *open, struct view *ret)
{
    unsigned n = file->run->thresholds.n;
    struct hash hash;
    TRY(case_next(file, EVIDENCE_SECRETS, ret));
    ENSURE(ret->length == (size_t)n * SEED_BYTES, CATEGORY_FALSE, "%zu bytes of secrets for %u banks", ret->length, n);
    TRY(ctx_secrets_hash(*ret, &hash));
    ENSURE(hash_equal(&hash, &open->secrets), CATEGORY_FALSE, "they are not the secrets that OPEN names");
    return RESULT_OK;
}

struct result secret_judge(struct evidence_case *file)
{
    struct wire_open open;
    struct view secrets;
    unsigned position = 0;
    TRY(case_keys(file));
    TRY(case_terms(file));
    TRY(take_open(file, &open));
    TRY(take_secrets(file, &open, &secrets));
    struct result fits = check_secrets(file->run, &file->keys, open.round, &open.survivors, secrets.data, &position);
    ENSURE(!result_ok(fits), CATEGORY_FALSE, "every secret fits its commitment");
    if (fits.category != CATEGORY_PEER) return fits;
    unsigned long long round = (unsigned long long)open.round;
    case_blame(file, 0, open.epoch, open.round);
    case_checked(file, "the revealed secret of each bank, up to %s, against what that bank committed to in its keys",
                 run_member(file->run, position));
    CASE_SAY(file->report->claim, "%s revealed a secret of %s in round %llu that is not the one %s committed to",
             file->report->against, run_member(file->run, position), round, run_member(file->run, position));
    CASE_SAY(file->report->statement,
             "An opened sum of round %llu (OPEN) with the secrets that take the masks off, "
             "signed by %s.",
             round, file->report->against);
    CASE_SAY(file->report->because,
             "Each bank committed to its secrets, under its signature, before the round. With another secret another "
             "mask is taken off, and what is left is not the sum.");
    file->report->verdict = EVIDENCE_PROVEN;
    return RESULT_OK;
}

/* ---- a false sum */

struct recount {
    struct wire_open open;
    uint64_t words;
    uint32_t chunks;
    struct hash roots[MEMBERS_MAX]; /* of each input's chunks, by rank */
    struct mask_set *unmasking;
    uint64_t *sum;     /* as signed, when the file has it */
    uint64_t *counted; /* the inputs added up: all, or the one chunk */
    bool one;          /* only a chunk: */
    uint32_t chunk;
    size_t pieces;
};

static void recount_done(struct recount *recount)
{
    mask_set_free(recount->unmasking);
    free(recount->sum);
    free(recount->counted);
}

static struct result take_headers(struct evidence_case *file, struct recount *recount)
{
    const struct members *in = &recount->open.survivors;
    struct view payload, bodies[MEMBERS_MAX];
    struct wire_list list;
    struct hash headers;
    size_t rank = 0;
    TRY(case_next(file, EVIDENCE_R1, &payload));
    TRY(wire_list_decode(payload, file->replay->roster.size, &file->arena, &list));
    ENSURE(list.count > 0 && list.count == members_count(in), CATEGORY_FALSE, "%zu headers for %u inputs", list.count,
           members_count(in));
    for (unsigned j = members_next(in, 0); j; j = members_next(in, j), rank++) {
        struct signed_body body;
        TRY(case_signed(file, EVIDENCE_OF_R1, list.items[rank], &body));
        if (rank == 0) recount->words = body.r1.words;
        ENSURE(body.message.signer == j && hash_equal(&body.r1.ctx, &file->ctx) && body.r1.words == recount->words &&
                   body.r1.chunks == check_chunks(recount->words),
               CATEGORY_FALSE, "the header of %s is not for this round", run_member(file->run, j));
        recount->roots[rank] = body.r1.root;
        bodies[rank] = body.message.body;
    }
    TRY(check_headers_root(bodies, rank, &headers));
    ENSURE(hash_equal(&headers, &recount->open.headers), CATEGORY_FALSE, "they are not the headers that OPEN names");
    recount->chunks = check_chunks(recount->words);
    case_checked(file, "the signed headers of the masked inputs of %zu banks, which %s named in OPEN", rank,
                 run_member(file->run, 0));
    return RESULT_OK;
}

static struct result take_masks(struct evidence_case *file, struct recount *recount)
{
    const struct wire_open *open = &recount->open;
    struct round_name name = run_round(file->run, open->epoch, open->round);
    struct view secrets;
    unsigned position;
    TRY(take_secrets(file, open, &secrets));
    TRY(check_secrets(file->run, &file->keys, open->round, &open->survivors, secrets.data, &position));
    case_checked(file, "the revealed secret of each of %u banks against what it committed to", file->run->thresholds.n);
    return check_unmasking(file->run, &file->keys, &name, &file->ctx, &open->survivors, secrets.data,
                           &recount->unmasking);
}

/* The words whose hash was signed: with them one chunk is enough. */
static struct result take_sum(struct evidence_case *file, struct recount *recount)
{
    struct hash hash;
    if (case_peek(file) != EVIDENCE_SUM) return RESULT_OK;
    recount->sum = calloc((size_t)recount->words, sizeof *recount->sum);
    ENSURE(recount->sum, CATEGORY_ENVIRONMENT, "out of memory for a sum");
    for (uint32_t c = 0; c < recount->chunks; c++) {
        struct view payload;
        uint32_t chunk;
        TRY(case_next(file, EVIDENCE_SUM, &payload));
        struct reader reader = reader_of(payload, "the sum");
        TRY(reader_u32(&reader, &chunk));
        ENSURE(chunk == c && reader.rest.length == check_chunk_words(recount->words, c) * 8, CATEGORY_FALSE,
               "it is not chunk %u of the sum", c);
        memcpy(recount->sum + (size_t)c * CHUNK_WORDS, reader.rest.data, reader.rest.length);
    }
    TRY(ctx_sum_hash(recount->sum, recount->words, &hash));
    ENSURE(hash_equal(&hash, &recount->open.sum), CATEGORY_FALSE, "it is not the sum that was signed");
    recount->one = true;
    case_checked(file, "that the sum in the file is the one that %s signed", run_member(file->run, 0));
    return RESULT_OK;
}

/* The chunk of this bank, by the path under its signed root. */
static struct result take_chunk(struct evidence_case *file, struct recount *recount, unsigned position, uint32_t chunk)
{
    struct view payload, path;
    uint32_t whose, which, length;
    struct hash leaf;
    TRY(case_next(file, EVIDENCE_INPUT, &payload));
    struct reader reader = reader_of(payload, "the masked input");
    TRY(reader_u32(&reader, &whose));
    TRY(reader_u32(&reader, &which));
    TRY(reader_u32(&reader, &length));
    TRY(reader_take(&reader, length, &path));
    ENSURE(whose == position && which == chunk && reader.rest.length == check_chunk_words(recount->words, chunk) * 8,
           CATEGORY_FALSE, "it is not chunk %u of %s", chunk, run_member(file->run, position));
    ENSURE(length % HASH_BYTES == 0, CATEGORY_FALSE, "a path of %u bytes", length);
    TRY(ctx_chunk_leaf(chunk, reader.rest, &leaf));
    TRY(result_at(merkle_verify_inclusion(&leaf, chunk, recount->chunks, path,
                                          &recount->roots[members_rank(&recount->open.survivors, position)]),
                  "chunk %u of %s: ", chunk, run_member(file->run, position)));
    check_add(recount->counted + (recount->one ? 0 : (size_t)chunk * CHUNK_WORDS), reader.rest);
    recount->pieces++;
    return RESULT_OK;
}

static struct result take_inputs(struct evidence_case *file, struct recount *recount)
{
    const struct members *in = &recount->open.survivors;
    uint32_t first = 0, last = recount->chunks - 1;
    if (recount->one) { /* which one it is, the first entry says */
        struct evidence_case ahead = *file;
        struct view payload;
        TRY(case_next(&ahead, EVIDENCE_INPUT, &payload));
        ENSURE(payload.length >= 8, CATEGORY_FALSE, "a masked input without a place");
        first = last = bytes_get_u32(payload.data + 4);
        ENSURE(first < recount->chunks, CATEGORY_FALSE, "chunk %u of %u", first, recount->chunks);
    }
    recount->chunk = first;
    recount->counted = calloc(recount->one ? CHUNK_WORDS : (size_t)recount->words, sizeof *recount->counted);
    ENSURE(recount->counted, CATEGORY_ENVIRONMENT, "out of memory for a sum");
    for (unsigned j = members_next(in, 0); j; j = members_next(in, j))
        for (uint32_t c = first; c <= last; c++) TRY(take_chunk(file, recount, j, c));
    return RESULT_OK;
}

/* Takes the masks off; whether what is left is what was signed. */
static struct result compare(struct recount *recount, bool *ret_same)
{
    if (recount->one) {
        uint64_t at = (uint64_t)recount->chunk * CHUNK_WORDS;
        size_t words = check_chunk_words(recount->words, recount->chunk);
        TRY(mask_apply(recount->unmasking, at, recount->counted, words));
        *ret_same = memcmp(recount->counted, recount->sum + at, words * 8) == 0;
        return RESULT_OK;
    }
    struct hash hash;
    TRY(mask_apply(recount->unmasking, 0, recount->counted, (size_t)recount->words));
    TRY(ctx_sum_hash(recount->counted, recount->words, &hash));
    *ret_same = hash_equal(&hash, &recount->open.sum);
    return RESULT_OK;
}

static struct result judge_recount(struct evidence_case *file, struct recount *recount)
{
    struct evidence_report *report = file->report;
    bool same = true;
    TRY(take_inputs(file, recount));
    TRY(compare(recount, &same));
    ENSURE(!same, CATEGORY_FALSE, "the sum is that of the masked inputs");
    report->verdict = EVIDENCE_PROVEN;
    case_checked(file, "%zu masked chunks, each under its bank's signature; added up, and the masks taken off",
                 recount->pieces);
    if (recount->one)
        case_checked(file, "chunk %u of %u of the sum: other numbers than those signed", recount->chunk + 1,
                     recount->chunks);
    else
        case_checked(file, "all %llu words of the sum: not those signed", (unsigned long long)recount->words);
    CASE_SAY(report->claim, "%s signed a sum of round %llu that is not the sum of the banks' inputs", report->against,
             (unsigned long long)report->round);
    CASE_SAY(report->because,
             "The sum was computed again from what the banks signed: their masked inputs, and the secrets that they "
             "committed to. It is another one. A false sum would steer the model, or ask the banks a question that "
             "nobody agreed to.");
    return RESULT_OK;
}

static struct result judge_sum(struct evidence_case *file, struct recount *recount)
{
    struct evidence_report *report = file->report;
    TRY(case_keys(file));
    TRY(case_terms(file));
    TRY(take_open(file, &recount->open));
    TRY(take_headers(file, recount));
    TRY(take_masks(file, recount));
    TRY(take_sum(file, recount));
    case_blame(file, 0, recount->open.epoch, recount->open.round);
    CASE_SAY(report->statement, "An opened sum of round %llu (OPEN), signed by %s.",
             (unsigned long long)recount->open.round, report->against);
    if (case_peek(file) == EVIDENCE_INPUT) return judge_recount(file, recount);
    report->verdict = EVIDENCE_STATEMENT;
    CASE_SAY(report->claim, "%s signed a sum of round %llu that the bank that kept this file found false",
             report->against, (unsigned long long)recount->open.round);
    CASE_SAY(report->because, "The masked inputs are larger than what is kept as proof, so that the sum cannot be "
                              "computed again from the file alone.");
    return RESULT_OK;
}

struct result sum_judge(struct evidence_case *file)
{
    struct recount *recount = calloc(1, sizeof *recount);
    ENSURE(recount, CATEGORY_ENVIRONMENT, "out of memory for a sum");
    struct result result = judge_sum(file, recount);
    recount_done(recount);
    free(recount);
    return result;
}
