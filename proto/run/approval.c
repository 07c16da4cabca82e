#include "proto/run/approval.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"

#define KIND "approval"

static const char *const words[] = {
    [APPROVAL_APPROVE] = "approve", [APPROVAL_CHANGE] = "approve-change", [APPROVAL_DENY] = "deny"};

const char *approval_word(enum approval_decision decision)
{
    return words[decision];
}

const char *approval_of(const struct approval *approval)
{
    if (approval->repetition) return "repetition";
    return approval->of_run ? "run" : "plan";
}

/* What is signed. */
static struct result covered(const struct approval *approval, struct buffer *out)
{
    char roster[2 * HASH_BYTES + 1], subject[2 * HASH_BYTES + 1], officer[2 * SIGN_PUBLIC_BYTES + 1];
    bytes_hex(hash_view(&approval->roster), roster);
    bytes_hex(hash_view(&approval->subject), subject);
    bytes_hex(view_of(approval->officer.bytes, SIGN_PUBLIC_BYTES), officer);
    return buffer_format(out,
                         "cofferdam/1 approval\nbank %s\nroster %s\n%s %s\ndecision %s\nofficer %s\n"
                         "given %" PRIu64 "\nexpires %" PRIu64 "\n",
                         approval->bank, roster, approval_of(approval), subject, words[approval->decision], officer,
                         approval->given, approval->expires);
}

static struct result document(const struct approval *approval, struct buffer *out)
{
    char signature[2 * SIGN_BYTES + 1];
    bytes_hex(view_of(approval->signature.bytes, SIGN_BYTES), signature);
    TRY(covered(approval, out));
    return buffer_format(out, "signature %s\n", signature);
}

struct result approval_sign(struct approval *approval, const struct sign_key *key, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    approval->officer = *sign_key_public(key);
    TRY(covered(approval, &text));
    TRY(sign_bytes(key, KIND, buffer_view(&text), &approval->signature));
    return document(approval, out);
}

struct result approval_verify(const struct approval *approval)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(covered(approval, &text));
    return sign_verify(&approval->officer, KIND, buffer_view(&text), &approval->signature);
}

/* What stands behind the word on the next line. */
static struct result line_take(struct view *rest, const char *word, char *out, size_t size)
{
    const uint8_t *end = rest->length ? memchr(rest->data, '\n', rest->length) : NULL;
    size_t length = end ? (size_t)(end - rest->data) : 0, before = strlen(word);
    bool right = end && length > before && memcmp(rest->data, word, before) == 0 && rest->data[before] == ' ' &&
                 length - before - 1 < size;
    ENSURE(right, CATEGORY_FALSE, "an approval has a line \"%s ...\" here", word);
    memcpy(out, rest->data + before + 1, length - before - 1);
    out[length - before - 1] = 0;
    *rest = view_of(end + 1, rest->length - length - 1);
    return RESULT_OK;
}

static struct result hex_take(struct view *rest, const char *word, uint8_t *out, size_t length)
{
    char text[2 * SIGN_BYTES + 1];
    TRY(line_take(rest, word, text, sizeof text));
    return result_at(bytes_unhex(view_text(text), out, length), "%s: ", word);
}

static struct result number_take(struct view *rest, const char *word, uint64_t *ret)
{
    char text[24];
    TRY(line_take(rest, word, text, sizeof text));
    ENSURE(text_whole(text, ret), CATEGORY_FALSE, "%s: not a whole number", word);
    return RESULT_OK;
}

/* The line's first word says what the word is on. */
static struct result subject_take(struct view *rest, struct approval *approval)
{
    approval->of_run = rest->length > 0 && rest->data[0] == 'r';
    approval->repetition = approval->of_run && rest->length > 1 && rest->data[1] == 'e';
    return hex_take(rest, approval_of(approval), approval->subject.bytes, HASH_BYTES);
}

static struct result decision_take(struct view *rest, enum approval_decision *ret)
{
    char text[24];
    TRY(line_take(rest, "decision", text, sizeof text));
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], text) != 0) continue;
        *ret = (enum approval_decision)i;
        return RESULT_OK;
    }
    return FAIL(CATEGORY_FALSE, "decision: \"%s\" is not known", text);
}

struct result approval_parse(struct view bytes, struct approval *ret)
{
    static const char first[] = "cofferdam/1 approval\n";
    struct approval approval = {0};
    struct view rest = bytes;
    ENSURE(bytes.length <= APPROVAL_MAX_BYTES && bytes.length > strlen(first) &&
               memcmp(bytes.data, first, strlen(first)) == 0,
           CATEGORY_FALSE, "it is no approval of an officer");
    rest = view_of(bytes.data + strlen(first), bytes.length - strlen(first));
    TRY(line_take(&rest, "bank", approval.bank, sizeof approval.bank));
    TRY(hex_take(&rest, "roster", approval.roster.bytes, HASH_BYTES));
    TRY(subject_take(&rest, &approval));
    TRY(decision_take(&rest, &approval.decision));
    TRY(hex_take(&rest, "officer", approval.officer.bytes, SIGN_PUBLIC_BYTES));
    TRY(number_take(&rest, "given", &approval.given));
    TRY(number_take(&rest, "expires", &approval.expires));
    TRY(hex_take(&rest, "signature", approval.signature.bytes, SIGN_BYTES));
    ENSURE(rest.length == 0, CATEGORY_FALSE, "something stands after the signature");
    ENSURE(text_printable(view_text(approval.bank), ""), CATEGORY_FALSE, "bank: not a name");
    ENSURE(approval.decision != APPROVAL_CHANGE || (approval.of_run && !approval.repetition), CATEGORY_FALSE,
           "a changed cohort is approved for a run, not for a plan");
    *ret = approval;
    return RESULT_OK;
}

struct result approval_check(struct view document, const struct approval_claim *claim, struct approval *ret)
{
    struct approval approval;
    TRY(approval_parse(document, &approval));
    ENSURE(strcmp(approval.bank, claim->bank) == 0, CATEGORY_FALSE, "it is of another bank");
    ENSURE(hash_equal(&approval.roster, claim->roster), CATEGORY_FALSE, "it is for another roster");
    ENSURE(!approval.repetition, CATEGORY_FALSE, "it is of a run's repetition, not of the run");
    ENSURE(hash_equal(&approval.subject, approval.of_run ? claim->run : claim->plan), CATEGORY_FALSE,
           "it is of another %s", approval.of_run ? "run" : "plan");
    ENSURE(approval.decision != APPROVAL_DENY, CATEGORY_FALSE, "it denies the %s", approval.of_run ? "run" : "plan");
    TRY(approval_verify(&approval));
    *ret = approval;
    return RESULT_OK;
}
