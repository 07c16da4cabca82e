/* Any bytes as a signed note: refused with a reason, or taken apart so that nothing is lost. */
#include <stdlib.h>
#include <string.h>

#include "proto/log/checkpoint.h"
#include "proto/run/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sign_public nobody = {{0x58, 0x66, 0x66, 0x66}};
    CLEANUP(note_done) struct note note = {0};
    struct view bytes = view_of(data, size);
    if (!result_ok(note_parse(bytes, &note))) return 0;
    if (note.text.data != data || note.text.length + 2 > size) abort(); /* the text is the front of the note */
    if (data[note.text.length - 1] != '\n' || data[note.text.length] != '\n') abort();
    for (size_t i = 0; i < note.lines_count; i++)
        if (result_ok(note_verify(&note, note.lines[i].name, &nobody))) abort();
    struct checkpoint checkpoint;
    if (!result_ok(checkpoint_parse(note.text, &checkpoint))) return 0;
    /* What was read is written as it was, up to lines of others. */
    CLEANUP(buffer_done) struct buffer again = {0};
    if (!result_ok(checkpoint_write(&checkpoint, &again)) || again.length > note.text.length ||
        memcmp(again.data, note.text.data, again.length) != 0)
        abort();
    return 0;
}
