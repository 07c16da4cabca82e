/* Any bytes as any message of secure aggregation: the first byte chooses the type. What is taken has one encoding, and
 * that is the one that came. */
#include <stdlib.h>

#include "proto/wire/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROSTER = 3, STRUCT_MOST = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    enum wire_type type = (enum wire_type)(data[0] % WIRE_TYPES);
    struct view bytes = view_of(data + 1, size - 1);
    struct wire_arena arena = {0};
    static _Alignas(max_align_t) uint8_t message[STRUCT_MOST];
    if (result_ok(wire_decode(type, bytes, ROSTER, &arena, message))) {
        struct buffer again = {0};
        if (!result_ok(wire_encode(type, message, &again)) || !view_equal(buffer_view(&again), bytes)) abort();
        buffer_done(&again);
    }
    struct message any;
    (void)result_ok(message_decode(bytes, ROSTER, &arena, &any));
    wire_arena_done(&arena);
    return 0;
}
