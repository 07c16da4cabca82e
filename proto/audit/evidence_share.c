/* What a bank did to the opening of a round: released a share that was not dealt to it, or dealt shares that lead to
 * another secret than it committed to. */
#include <stdio.h>
#include <string.h>

#include "crypto/shamir.h"
#include "proto/audit/evidence_case.h"

/* Keys, terms and the certified set of inputs: they say which share of each bank must be released, and where it stands
 * among those that were dealt. */
static struct result take_round(struct evidence_case *file, struct wire_r2 *ret)
{
    struct view certificate;
    TRY(case_keys(file));
    TRY(case_terms(file));
    TRY(case_next(file, EVIDENCE_R2, &certificate));
    TRY(certificate_r2(file->run, certificate, &file->arena, ret));
    ENSURE(ret->epoch == file->terms.epoch && ret->round == file->terms.round && hash_equal(&ret->ctx, &file->ctx),
           CATEGORY_FALSE, "the certificate is not for the round that R0 opened");
    case_checked(file, "that a quorum of at least %u banks signed one set of inputs", file->run->thresholds.t);
    return RESULT_OK;
}

/* The next release, whose arena is the caller's: many of them are larger than one file's. */
static struct result take_release(struct evidence_case *file, struct wire_arena *arena, struct signed_body *ret)
{
    struct view payload;
    TRY(case_next(file, EVIDENCE_MESSAGE, &payload));
    ENSURE(payload.length > 0 && payload.data[0] == EVIDENCE_OF_R3, CATEGORY_FALSE, "a release of shares is R3");
    TRY(signed_read(file->run, "r3", WIRE_R3, view_of(payload.data + 1, payload.length - 1), arena, ret));
    ENSURE(ret->message.signer && ret->r3.epoch == file->terms.epoch && ret->r3.round == file->terms.round &&
               hash_equal(&ret->r3.ctx, &file->ctx) && ret->r3.shares.count == file->run->thresholds.n,
           CATEGORY_FALSE, "R3 of %s is not for the round that R0 opened", run_member(file->run, ret->message.signer));
    return RESULT_OK;
}

/* Whether the share that `author` released of what `dealer` dealt is one that was dealt. */
static struct result share_dealt(struct evidence_case *file, const struct wire_r2 *voted, unsigned dealer,
                                 unsigned author, struct view share, bool *ret)
{
    struct round_name name = run_round(file->run, file->terms.epoch, file->terms.round);
    enum share_kind kind = members_has(&voted->survivors, dealer) ? SHARE_A : SHARE_B;
    struct hash leaf;
    *ret = false;
    if (share.length < SEED_BYTES || share.length % HASH_BYTES) return RESULT_OK;
    TRY(ctx_share_leaf(&name, dealer, author, kind, share.data, &leaf));
    uint32_t index = provision_leaf_index(&file->keys, members_rank(run_cohort(file->run), author), name.round, kind);
    struct result found = merkle_verify_inclusion(&leaf, index, provision_leaves(&file->keys),
                                                  view_of(share.data + SEED_BYTES, share.length - SEED_BYTES),
                                                  &file->keys.dealers[dealer].root);
    if (!result_ok(found) && found.category != CATEGORY_FALSE && found.category != CATEGORY_PEER) return found;
    *ret = result_ok(found);
    return RESULT_OK;
}

struct result share_judge(struct evidence_case *file)
{
    const struct members *cohort = run_cohort(file->run);
    struct wire_r2 voted;
    struct signed_body release;
    TRY(take_round(file, &voted));
    TRY(take_release(file, &file->arena, &release));
    unsigned author = release.message.signer, dealer = 0;
    size_t rank = 0;
    bool dealt = true;
    for (unsigned j = members_next(cohort, 0); j && dealt; j = members_next(cohort, j)) {
        dealer = j;
        TRY(share_dealt(file, &voted, j, author, release.r3.shares.items[rank++], &dealt));
    }
    ENSURE(!dealt, CATEGORY_FALSE, "every share was dealt to %s", run_member(file->run, author));
    case_blame(file, author, file->terms.epoch, file->terms.round);
    unsigned long long round = (unsigned long long)file->terms.round;
    case_checked(file, "each share that %s released against what its dealer signed, up to that of %s",
                 file->report->against, run_member(file->run, dealer));
    CASE_SAY(file->report->claim, "%s released a share of %s in round %llu that was not dealt to it",
             file->report->against, run_member(file->run, dealer), round);
    CASE_SAY(file->report->statement, "A release of shares (R3) of round %llu, signed by %s.", round,
             file->report->against);
    CASE_SAY(file->report->because,
             "%s acknowledged the shares that it was dealt, and what was dealt is under the dealer's signature. The "
             "share is not among it. With false shares a round cannot be opened.",
             file->report->against);
    file->report->verdict = EVIDENCE_PROVEN;
    return RESULT_OK;
}

/* ---- a false deal */

/* The shares of t releases, by author and then by dealer. */
struct dealt {
    uint32_t x[MEMBERS_MAX];
    size_t count;
    struct buffer shares;
};

static void dealt_done(struct dealt *dealt)
{
    buffer_done(&dealt->shares);
}

static struct result take_shares(struct evidence_case *file, const struct wire_r2 *voted, struct dealt *dealt)
{
    const struct members *cohort = run_cohort(file->run);
    while (dealt->count < file->run->thresholds.t) {
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct signed_body release;
        size_t rank = 0;
        TRY(take_release(file, &arena, &release));
        unsigned author = release.message.signer;
        ENSURE(!dealt->count || author > dealt->x[dealt->count - 1], CATEGORY_FALSE,
               "the releases are not in roster order");
        for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j), rank++) {
            bool good = false;
            struct view share = release.r3.shares.items[rank];
            TRY(share_dealt(file, voted, j, author, share, &good));
            ENSURE(good, CATEGORY_FALSE, "%s released a share of %s that was not dealt to it",
                   run_member(file->run, author), run_member(file->run, j));
            TRY(buffer_append(&dealt->shares, view_of(share.data, SEED_BYTES)));
        }
        dealt->x[dealt->count++] = author;
    }
    case_checked(file, "the shares that %zu banks released, each as its dealer signed it", dealt->count);
    return RESULT_OK;
}

/* What the shares of each bank lead to, in roster order. */
static struct result combine(const struct evidence_case *file, const struct dealt *dealt, struct buffer *secrets)
{
    size_t n = file->run->thresholds.n, count = dealt->count;
    CLEANUP(buffer_done) struct buffer memory = {0};
    uint8_t *coefficients, *secret;
    TRY(buffer_extend(&memory, 2 * count * SCALAR_BYTES, &coefficients));
    uint8_t *shares = coefficients + count * SCALAR_BYTES;
    TRY(shamir_coefficients(dealt->x, count, coefficients));
    for (size_t rank = 0; rank < n; rank++) {
        bool canonical = true;
        for (size_t k = 0; k < count; k++) {
            memcpy(shares + k * SCALAR_BYTES, dealt->shares.data + (k * n + rank) * SCALAR_BYTES, SCALAR_BYTES);
            canonical = canonical && scalar_canonical(shares + k * SCALAR_BYTES);
        }
        TRY(buffer_extend(secrets, SEED_BYTES, &secret));
        if (canonical) TRY(shamir_combine_with(coefficients, shares, count, secret));
    }
    return RESULT_OK;
}

static struct result judge_deal(struct evidence_case *file, struct dealt *dealt)
{
    struct wire_r2 voted;
    CLEANUP(buffer_done) struct buffer secrets = {0};
    unsigned dealer = 0;
    TRY(take_round(file, &voted));
    TRY(take_shares(file, &voted, dealt));
    TRY(combine(file, dealt, &secrets));
    struct result fits =
        check_secrets(file->run, &file->keys, file->terms.round, &voted.survivors, secrets.data, &dealer);
    ENSURE(!result_ok(fits), CATEGORY_FALSE, "the shares lead to what every bank committed to");
    if (fits.category != CATEGORY_PEER) return fits;
    case_blame(file, dealer, file->terms.epoch, file->terms.round);
    unsigned long long round = (unsigned long long)file->terms.round;
    case_checked(file, "what these shares lead to against what each bank committed to, up to %s",
                 file->report->against);
    CASE_SAY(file->report->claim, "%s dealt shares for round %llu that do not lead to what it committed to",
             file->report->against, round);
    CASE_SAY(file->report->statement,
             "Its keys (P1) for the rounds of epoch %u, with commitments to its secrets and "
             "the root of all shares that it dealt, signed by %s.",
             file->terms.epoch, file->report->against);
    CASE_SAY(
        file->report->because,
        "Shares of at least %u banks, each of them as it was dealt, must lead to the secret that was committed to. "
        "They lead to another one, so the round cannot be opened.",
        file->run->thresholds.t);
    file->report->verdict = EVIDENCE_PROVEN;
    return RESULT_OK;
}

struct result deal_judge(struct evidence_case *file)
{
    CLEANUP(dealt_done) struct dealt dealt = {0};
    return judge_deal(file, &dealt);
}
