/* Two TLS endpoints in memory, and between them someone who cuts, changes, repeats, loses and makes up bytes. What a
 * side reads is a beginning of what the other wrote, frames and all, or nothing; and only keys that are accepted open a
 * session. The first byte says who accepts whom; then come operations, each a byte and what follows it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/frame.h"
#include "sys/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const unsigned fuzz_mutations;

const unsigned fuzz_mutations = 60;

enum { MOVE, CHANGE, LOSE, REPEAT, MAKE_UP, WRITE, READ, OPERATIONS, OPERATIONS_MOST = 200, PIECE_MOST = 1 << 16 };

struct side {
    struct tls_endpoint *endpoint;
    struct tls_session *session;
    const struct sign_public *peer;  /* whom it accepts; NULL: nobody */
    struct buffer wrote, read, last; /* last: what it was given last */
    bool failed;
};

static struct sign_key *keys[2];

static void must(bool condition, const char *what)
{
    if (condition) return;
    (void)fprintf(stderr, "%s: %s\n", what, result_reason());
    abort();
}

static void ok(struct result result)
{
    must(result_ok(result), "a call");
}

static void make_keys(void)
{
    ok(crypto_start());
    for (int k = 0; k < 2; k++) {
        struct secret *seed = NULL;
        ok(secret_new(SIGN_SEED_BYTES, &seed));
        memset(secret_bytes(seed), k + 1, SIGN_SEED_BYTES);
        ok(sign_key_from_seed(seed, &keys[k]));
        secret_free(seed);
    }
}

static bool accept_pinned(void *context, const struct sign_public *peer)
{
    const struct side *side = context;
    return side->peer && sign_public_equal(side->peer, peer);
}

static void give(struct side *side, struct view bytes)
{
    buffer_clear(&side->last);
    ok(buffer_append(&side->last, bytes));
    enum tls_state state = tls_session_take(side->session, bytes);
    must(!side->failed || state == TLS_FAILED, "a session came back to life");
    side->failed = state == TLS_FAILED;
    if (state == TLS_OPEN)
        must(side->peer && sign_public_equal(tls_session_peer(side->session), side->peer), "a stranger was let in");
}

static void read_side(struct side *side, const struct side *from)
{
    if (tls_session_take(side->session, view_of("", 0)) != TLS_OPEN) return;
    struct result result = tls_session_read(side->session, &side->read);
    must(result_ok(result) || result.category == CATEGORY_PEER, "reading");
    must(side->read.length <= from->wrote.length &&
             view_equal(buffer_view(&side->read), view_of(from->wrote.data, side->read.length)),
         "another text was read than was written");
}

static void write_side(struct side *side, uint8_t length)
{
    uint8_t bytes[256 * 128];
    memset(bytes, length, sizeof bytes);
    struct frame frame = {length, view_of(bytes, (size_t)length * 128)};
    struct buffer framed = {0};
    ok(frame_write(&frame, &framed));
    bool open = tls_session_take(side->session, view_of("", 0)) == TLS_OPEN;
    if (open && framed.length <= 16384 && result_ok(tls_session_write(side->session, buffer_view(&framed))))
        ok(buffer_append(&side->wrote, buffer_view(&framed)));
    buffer_done(&framed);
}

static uint8_t next(struct reader *input)
{
    uint8_t byte = 0;
    return result_ok(reader_u8(input, &byte)) ? byte : 0;
}

/* Takes up to as many bytes as the input says from one side's output, and gives them to the other. */
static void move(struct reader *input, unsigned operation, struct side *from, struct side *to)
{
    uint8_t bytes[PIECE_MOST];
    size_t wanted = next(input);
    wanted = wanted == 255 ? PIECE_MOST : wanted * wanted;
    size_t length = tls_session_output(from->session, bytes, wanted);
    if (operation == CHANGE && length) {
        size_t at = next(input);
        at |= (size_t)next(input) << 8;
        bytes[at % length] ^= (uint8_t)(1u << (next(input) % 8u));
    }
    if (operation != LOSE && length) give(to, view_of(bytes, length));
}

static void operate(struct reader *input, struct side sides[2], bool *tampered)
{
    uint8_t word = next(input);
    struct side *side = &sides[word >> 7], *other = &sides[!(word >> 7)];
    unsigned operation = (word & 0x7fu) % OPERATIONS;
    *tampered = *tampered || (operation != MOVE && operation != WRITE && operation != READ);
    switch (operation) {
    case REPEAT: {
        struct buffer copy = {0};
        ok(buffer_append(&copy, buffer_view(&side->last)));
        give(side, buffer_view(&copy));
        buffer_done(&copy);
        return;
    }
    case MAKE_UP: {
        size_t length = next(input);
        struct view bytes = {0};
        ok(reader_take(input, length < input->rest.length ? length : input->rest.length, &bytes));
        give(side, bytes);
        return;
    }
    case WRITE:
        write_side(side, next(input));
        return;
    case READ:
        read_side(side, other);
        return;
    default:
        move(input, operation, side, other);
        return;
    }
}

/* Everything that is on its way arrives; where nobody tampered, everything is read. */
static void finish(struct side sides[2], bool tampered)
{
    uint8_t bytes[PIECE_MOST];
    bool moved = true;
    while (moved) {
        moved = false;
        for (unsigned k = 0; k < 2; k++) {
            size_t length = tls_session_output(sides[k].session, bytes, sizeof bytes);
            if (length) give(&sides[1 - k], view_of(bytes, length));
            moved = moved || length;
        }
    }
    for (unsigned k = 0; k < 2; k++) read_side(&sides[k], &sides[1 - k]);
    if (tampered || !sides[0].peer || !sides[1].peer) return;
    for (unsigned k = 0; k < 2; k++) must(sides[k].read.length == sides[1 - k].wrote.length, "a text was lost");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!keys[0]) make_keys();
    struct reader input = reader_of(view_of(data, size), "operations");
    uint8_t accepts = next(&input);
    static struct side sides[2];
    for (unsigned k = 0; k < 2; k++) {
        sides[k].peer = accepts & (1u << k) ? NULL : sign_key_public(keys[1 - k]);
        if (!sides[k].endpoint) ok(tls_endpoint_new(keys[k], accept_pinned, &sides[k], &sides[k].endpoint));
        ok(tls_session_new(sides[k].endpoint, k == 1, &sides[k].session));
    }
    give(&sides[0], view_of("", 0));
    bool tampered = false;
    for (unsigned i = 0; i < OPERATIONS_MOST && input.rest.length; i++) operate(&input, sides, &tampered);
    finish(sides, tampered);
    for (unsigned k = 0; k < 2; k++) {
        tls_session_free(sides[k].session);
        buffer_done(&sides[k].wrote);
        buffer_done(&sides[k].read);
        buffer_done(&sides[k].last);
        sides[k] = (struct side){.endpoint = sides[k].endpoint};
    }
    return 0;
}
