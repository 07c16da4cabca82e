/* Any bytes as a bundle; a list of changes to one that holds, after which it no longer does; or any body for one of its
 * messages, signed by the key that should: what only every party together could forge, and must still do no harm.
 */
#include <stdlib.h>

#include "tests/support/small_run.h"
#include "tests/support/tamper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const unsigned fuzz_mutations;
const unsigned fuzz_mutations = 150;

enum { BODY_MOST = 3000 }; /* with its signature it fits into any entry */

static void must(bool condition)
{
    if (!condition) abort();
}

static const struct fixture {
    struct small_run *run;
    struct pieces pieces;
} * fixture_get(void)
{
    static struct fixture fixture;
    if (fixture.run) return &fixture;
    fixture.run =
        small_run_new(&(struct small_run_config){.banks = 4, .words = 3, .rounds = 2, .epoch_rounds = 2, .gone = 2});
    pieces_of(buffer_view(&fixture.run->bundle), &fixture.pieces);
    return &fixture;
}

static void replay(const struct fixture *fixture, struct view input)
{
    struct result result = small_run_replay(fixture->run, input);
    must(result_ok(result) || result.category == CATEGORY_FALSE);
}

/* Each four bytes: where, little-endian, and what it differs by. */
static void change(const struct fixture *fixture, struct view changes)
{
    CLEANUP(buffer_done) struct buffer copy = {0};
    pieces_join(&fixture->pieces, &copy);
    for (; changes.length >= 4; changes = view_of(changes.data + 4, changes.length - 4)) {
        size_t where = (size_t)changes.data[0] | (size_t)changes.data[1] << 8 | (size_t)changes.data[2] << 16;
        copy.data[where % copy.length] ^= changes.data[3];
    }
    bool same = view_equal(buffer_view(&copy), buffer_view(&fixture->run->bundle));
    struct result result = small_run_replay(fixture->run, buffer_view(&copy));
    must(same ? result_ok(result) : result.category == CATEGORY_FALSE);
}

/* Which entry, which of its messages, and the body. */
static void forge(const struct fixture *fixture, struct view input)
{
    if (input.length < 2 || input.length > BODY_MOST) return;
    const size_t number = 1 + input.data[0] % (fixture->pieces.count - 1);
    const struct view piece = fixture->pieces.items[number];
    const size_t count = signed_count(piece_kind(piece), piece_payload(piece));
    if (count == 0) return;
    CLEANUP(buffer_done) struct buffer payload = {0}, bundle = {0};
    const size_t which = input.data[1] % count;
    const uint32_t signer = signed_by(piece_kind(piece), piece_payload(piece), which);
    const struct view body = view_of(input.data + 2, input.length - 2);
    signed_again(piece_kind(piece), piece_payload(piece), which, fixture->run->consortium.parties[signer].key, signer,
                 &body, &payload);
    pieces_with(&fixture->pieces, number, buffer_view(&payload), &bundle);
    replay(fixture, buffer_view(&bundle));
}

/* The first byte says which. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    const struct fixture *fixture = fixture_get();
    const struct view input = view_of(data + 1, size - 1);
    if (data[0] % 3 == 0) replay(fixture, input);
    if (data[0] % 3 == 1) change(fixture, input);
    if (data[0] % 3 == 2) forge(fixture, input);
    return 0;
}
