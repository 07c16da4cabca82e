/* Merkle proof verification. Input: size1 u8 ‖ size2 u8 ‖ index u8 ‖ proof. The trees are of known leaves, so what the
 * verifier accepts is checked: only the one proof that the tree itself gives may pass. */
#include <stdlib.h>
#include <string.h>

#include "crypto/merkle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LEAVES = 256 };

static struct hash leaves[LEAVES];

static void need(bool holds)
{
    if (!holds) abort();
}

static void inclusion(uint64_t count, uint64_t index, struct view path)
{
    struct hash root;
    need(result_ok(merkle_root(leaves, count, &root)));
    struct result result = merkle_verify_inclusion(&leaves[index], index, count, path, &root);
    CLEANUP(buffer_done) struct buffer true_path = {0};
    bool is_true = false;
    if (index < count) {
        need(result_ok(merkle_path(leaves, count, index, &true_path)));
        is_true = view_equal(buffer_view(&true_path), path);
        need(result_ok(merkle_verify_inclusion(&leaves[index], index, count, buffer_view(&true_path), &root)));
    }
    need(result_ok(result) == is_true);
}

static void consistency(uint64_t size1, uint64_t size2, struct view proof)
{
    struct hash root1, root2;
    need(result_ok(merkle_root(leaves, size1, &root1)));
    need(result_ok(merkle_root(leaves, size2, &root2)));
    struct result result = merkle_verify_consistency(size1, &root1, size2, &root2, proof);
    CLEANUP(buffer_done) struct buffer true_proof = {0};
    bool is_true = false;
    if (size1 > 0 && size1 <= size2) {
        need(result_ok(merkle_consistency(leaves, size2, size1, &true_proof)));
        is_true = view_equal(buffer_view(&true_proof), proof);
        need(result_ok(merkle_verify_consistency(size1, &root1, size2, &root2, buffer_view(&true_proof))));
    }
    need(result_ok(result) == is_true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    for (size_t k = 0; !made && k < LEAVES; k++) {
        uint8_t byte = (uint8_t)k;
        need(result_ok(merkle_leaf(view_of(&byte, 1), &leaves[k])));
    }
    made = true;
    if (size < 3) return 0;
    struct view proof = view_of(data + 3, size - 3);
    inclusion(data[1], data[2], proof);
    consistency(data[0], data[1], proof);
    return 0;
}
