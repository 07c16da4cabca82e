/* Any bytes as an officer's approval: what is taken has one spelling, and is nobody's unless its officer signed it. */
#include <stdlib.h>
#include <string.h>

#include "proto/run/approval.h"
#include "tests/support/officer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) abort();
}

/* Up to the officer's key; the lines after it, without the signature. */
static struct view part(struct view document, bool after)
{
    const size_t key = 2 * SIGN_PUBLIC_BYTES + 1, signature = 2 * SIGN_BYTES + sizeof "signature \n" - 1;
    size_t at = 0;
    while (memcmp(document.data + at, "\nofficer ", 9) != 0) at++;
    at += 9;
    return after ? view_of(document.data + at + key, document.length - at - key - signature)
                 : view_of(document.data, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct view input = view_of(data, size);
    CLEANUP(buffer_done) struct buffer again = {0};
    struct approval approval, read;
    must(result_ok(crypto_start()));
    struct result result = approval_parse(input, &approval);
    must(result_ok(result) || result.category == CATEGORY_FALSE);
    if (!result_ok(result)) return 0;
    const struct hash subject = approval.subject;
    const struct approval_claim claim = {approval.bank, &approval.roster, &subject, &subject};
    const bool verified = result_ok(approval_verify(&approval));
    must(result_ok(approval_check(input, &claim, &read)) == (verified && approval.decision != APPROVAL_DENY));
    must(result_ok(officer_signs(1, &approval, &again)));
    must(view_equal(part(input, false), part(buffer_view(&again), false)));
    must(view_equal(part(input, true), part(buffer_view(&again), true)));
    must(result_ok(approval_parse(buffer_view(&again), &read)) && result_ok(approval_verify(&read)));
    return 0;
}
