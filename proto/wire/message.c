#include "proto/wire/messages.h"

static const struct {
    const char *name;
    enum wire_type type;
} kinds[MESSAGE_KINDS_END] = {
    [MESSAGE_JOIN] = {"JOIN", WIRE_SIGNED},
    [MESSAGE_P1] = {"P1", WIRE_SIGNED},
    [MESSAGE_P2] = {"P2", WIRE_LIST},
    [MESSAGE_ACK] = {"ACK", WIRE_SIGNED},
    [MESSAGE_AWAIT] = {"the request for a round", WIRE_AWAIT},
    [MESSAGE_HEADER] = {"the R1 header", WIRE_HEADER},
    [MESSAGE_CHUNK] = {"an R1 chunk", WIRE_CHUNK},
    [MESSAGE_VOTE] = {"the R2 vote", WIRE_SIGNED},
    [MESSAGE_VOID] = {"the VOID vote", WIRE_SIGNED},
    [MESSAGE_RELEASE] = {"the R3 release", WIRE_SIGNED},
    [MESSAGE_FETCH] = {"the request for masked inputs", WIRE_FETCH},
    [MESSAGE_FETCH_SUM] = {"the request for a sum", WIRE_FETCH_SUM},
    [MESSAGE_REFUSE] = {"the refusal", WIRE_SIGNED},
    [MESSAGE_JOINED] = {"the attestations", WIRE_LIST},
    [MESSAGE_P1S] = {"all P1", WIRE_LIST},
    [MESSAGE_P2S] = {"the P2 for this bank", WIRE_LIST},
    [MESSAGE_ACKS] = {"all ACK", WIRE_LIST},
    [MESSAGE_PROVISION] = {"the call to provision", WIRE_PROVISION},
    [MESSAGE_ROUND] = {"R0", WIRE_ROUND},
    [MESSAGE_TAKEN] = {"a chunk's receipt", WIRE_TAKEN},
    [MESSAGE_PROPOSAL] = {"the R2 proposal", WIRE_PROPOSAL},
    [MESSAGE_VOID_PROPOSAL] = {"the VOID proposal", WIRE_SIGNED},
    [MESSAGE_CERTIFICATE] = {"the R3 certificate", WIRE_LIST},
    [MESSAGE_VOID_CERTIFICATE] = {"the VOID certificate", WIRE_LIST},
    [MESSAGE_OPENED] = {"OPEN", WIRE_OPENED},
    [MESSAGE_PIECES] = {"masked inputs", WIRE_PIECES},
    [MESSAGE_SUM_PIECE] = {"a sum's chunk", WIRE_SUM_PIECE},
    [MESSAGE_CLOSED] = {"a closed sum", WIRE_CLOSED},
    [MESSAGE_FINISHED] = {"the last CLOSE certificate", WIRE_LIST},
    [MESSAGE_ENDED] = {"the end of the run", WIRE_SIGNED},
    [MESSAGE_SUPERSEDED] = {"the certificate to do a step again", WIRE_LIST},
};

const char *message_name(unsigned kind)
{
    if (kind >= MESSAGE_KINDS_END || !kinds[kind].name) return "an unknown message";
    return kinds[kind].name;
}

enum wire_type message_type(enum message_kind kind)
{
    return kinds[kind].type;
}

struct result message_decode(struct view bytes, unsigned roster_size, struct wire_arena *arena, struct message *ret)
{
    struct reader reader = reader_of(bytes, "a message");
    uint8_t form, kind;
    TRY(reader_u8(&reader, &form));
    ENSURE(form == WIRE_FORM, CATEGORY_PEER, "a message of form %u: this program reads form %u", form, WIRE_FORM);
    TRY(reader_u8(&reader, &kind));
    ENSURE(kind < MESSAGE_KINDS_END && kinds[kind].name, CATEGORY_PEER, "a message of unknown kind %u", kind);
    struct message message = {.kind = (enum message_kind)kind, .payload = reader.rest};
    /* Every member of the union begins at the same address. */
    TRY(wire_decode(kinds[kind].type, reader.rest, roster_size, arena, &message.one));
    *ret = message;
    return RESULT_OK;
}

static struct result begin(enum message_kind kind, struct buffer *out)
{
    TRY(buffer_u8(out, WIRE_FORM));
    return buffer_u8(out, (uint8_t)kind);
}

struct result message_encode(enum message_kind kind, const void *payload, struct buffer *out)
{
    static const struct wire_list nothing = {NULL, 0};
    TRY(begin(kind, out));
    return wire_encode(kinds[kind].type, payload ? payload : &nothing, out);
}

struct result message_wrap(enum message_kind kind, struct view payload, struct buffer *out)
{
    TRY(begin(kind, out));
    return buffer_append(out, payload);
}
