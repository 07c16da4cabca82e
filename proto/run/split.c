#include "proto/run/split.h"

#include "crypto/hash.h"

struct result split_holds_out(const char *seed, double fraction, struct view record, bool *ret)
{
    ENSURE(fraction > 0 && fraction < 1, CATEGORY_USAGE, "a hold-out fraction must lie between 0 and 1");
    static const uint8_t separator = 0;
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    struct hash hash;
    TRY(hash_start(&stream, "split"));
    TRY(hash_update(&stream, view_text(seed)));
    TRY(hash_update(&stream, view_of(&separator, 1)));
    TRY(hash_update(&stream, record));
    TRY(hash_finish(&stream, &hash));
    *ret = bytes_get_u64(hash.bytes) < (uint64_t)(fraction * 0x1p64);
    return RESULT_OK;
}
