/* Any bytes as a journal: refused with a line, the same in whichever pieces they come; or each entry is spelled the one
 * way it can be, follows from the one before, and is signed by nobody whose key is not its signer's. */
#include <stdlib.h>
#include <string.h>

#include "proto/log/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) abort();
}

static struct sign_key *key_make(void)
{
    CLEANUP(secret_freep) struct secret *seed = NULL;
    struct sign_key *key = NULL;
    must(result_ok(crypto_start()) && result_ok(secret_new(SIGN_SEED_BYTES, &seed)));
    memset(secret_bytes(seed), 0x77, SIGN_SEED_BYTES);
    must(result_ok(sign_key_from_seed(seed, &key)));
    return key;
}

struct check {
    struct journal_head head; /* of our own copy */
    struct journal_reader *reader;
};

/* Written again from its fields, an entry is what was read, but for the signature: nobody here made it. */
static struct result check_entry(void *context, const struct journal_entry *entry)
{
    static struct sign_key *key;
    struct check *check = context;
    CLEANUP(buffer_done) struct buffer again = {0};
    struct journal_entry same;
    if (!key) key = key_make();
    must(!result_ok(journal_verify(entry, sign_key_public(key))));
    check->head = check->reader->head;
    must(result_ok(journal_add(&check->head, key, entry, &again)));
    must(again.length > entry->covered.length && memcmp(again.data, entry->covered.data, entry->covered.length) == 0);
    must(result_ok(journal_parse(view_of(again.data, again.length - 1), &same)));
    must(result_ok(journal_verify(&same, sign_key_public(key))));
    return RESULT_OK;
}

static struct result read_all(struct view bytes, size_t piece, struct journal_head *ret)
{
    CLEANUP(journal_reader_done) struct journal_reader reader = {.entry = check_entry};
    struct check check = {.reader = &reader};
    struct result result = RESULT_OK;
    reader.context = &check;
    while (result_ok(result) && bytes.length > 0) {
        size_t take = bytes.length < piece ? bytes.length : piece;
        result = journal_reader_take(&reader, view_of(bytes.data, take));
        bytes = view_of(bytes.data + take, bytes.length - take);
    }
    if (result_ok(result)) result = journal_reader_end(&reader);
    *ret = reader.head;
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct journal_head whole, pieces;
    struct view bytes = view_of(data, size);
    struct result result = read_all(bytes, size + 1, &whole);
    must(result_ok(result) || (result.category == CATEGORY_FALSE && strncmp(result_reason(), "line ", 5) == 0));
    struct result again = read_all(bytes, 1 + size % 61, &pieces);
    must(again.category == result.category && whole.entries == pieces.entries && hash_equal(&whole.last, &pieces.last));
    return 0;
}
