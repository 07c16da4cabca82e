/* Any bytes as a roster, signed or not: what is taken is written again as the same text. */
#include <stdlib.h>

#include "proto/run/note.h"
#include "proto/run/roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_text(const struct roster *roster, struct view text)
{
    CLEANUP(buffer_done) struct buffer again = {0};
    if (!result_ok(roster_text(roster, &again)) || !view_equal(buffer_view(&again), text)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!result_ok(crypto_start())) abort();
    struct view bytes = view_of(data, size);
    CLEANUP(roster_done) struct roster plain = {0}, noted = {0};
    if (result_ok(roster_parse_text(bytes, &plain))) same_text(&plain, bytes);
    if (!result_ok(roster_parse(bytes, &noted))) return 0;
    CLEANUP(note_done) struct note note = {0};
    if (!result_ok(note_parse(bytes, &note))) abort();
    same_text(&noted, note.text);
    if (noted.size < COHORT_MIN || noted.size > MEMBERS_MAX) abort();
    if (result_ok(roster_verify_successor(&noted, &noted))) abort(); /* nothing follows itself */
    (void)result_ok(roster_verify_first(&noted));
    return 0;
}
