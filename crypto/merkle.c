#include "crypto/merkle.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/base/checked.h"

static struct result prefixed(uint8_t prefix, struct view a, struct view b, struct hash *ret)
{
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    TRY(hash_start(&stream, NULL));
    TRY(hash_update(&stream, view_of(&prefix, 1)));
    TRY(hash_update(&stream, a));
    TRY(hash_update(&stream, b));
    return hash_finish(&stream, ret);
}

struct result merkle_leaf(struct view data, struct hash *ret)
{
    return prefixed(0, data, view_of(NULL, 0), ret);
}

static struct result node(const struct hash *left, const struct hash *right, struct hash *ret)
{
    return prefixed(1, hash_view(left), hash_view(right), ret);
}

struct result merkle_root(const struct hash *leaves, uint64_t count, struct hash *ret)
{
    struct merkle_tree tree = {0};
    for (uint64_t i = 0; i < count; i++) TRY(merkle_tree_append(&tree, &leaves[i]));
    return merkle_tree_root(&tree, ret);
}

/* peaks[k] is the root of a full subtree of 2^k leaves, there when bit k of the size is set: appending is adding one
 * to a binary number. */
struct result merkle_tree_append(struct merkle_tree *tree, const struct hash *leaf)
{
    ENSURE(tree->size < UINT64_MAX, CATEGORY_BUG, "a Merkle tree is full");
    struct hash carry = *leaf;
    unsigned level = 0;
    for (; tree->size >> level & 1; level++) TRY(node(&tree->peaks[level], &carry, &carry));
    tree->peaks[level] = carry;
    tree->size++;
    return RESULT_OK;
}

struct result merkle_tree_root(const struct merkle_tree *tree, struct hash *ret)
{
    if (tree->size == 0) return hash_bytes(NULL, view_of(NULL, 0), ret);
    unsigned level = (unsigned)__builtin_ctzll(tree->size);
    struct hash root = tree->peaks[level];
    for (level++; level < 64; level++)
        if (tree->size >> level & 1) TRY(node(&tree->peaks[level], &root, &root));
    *ret = root;
    return RESULT_OK;
}

struct merkle_paths {
    unsigned levels;
    uint64_t width[65];     /* nodes of each level; the last has one */
    struct hash *level[65]; /* into `nodes` */
    struct hash root;
    struct hash nodes[];
};

static struct result paths_allocate(uint64_t count, struct merkle_paths **ret)
{
    uint64_t nodes = 0, width = count;
    unsigned levels = 0;
    for (; width; width = width == 1 ? 0 : width / 2 + width % 2, levels++)
        ENSURE(checked_add_u64(nodes, width, &nodes), CATEGORY_BUG, "too many leaves for a Merkle tree");
    size_t bytes = 0;
    ENSURE(nodes <= SIZE_MAX && checked_mul_size((size_t)nodes, sizeof(struct hash), &bytes) &&
               checked_add_size(bytes, sizeof(struct merkle_paths), &bytes),
           CATEGORY_BUG, "too many leaves for a Merkle tree");
    struct merkle_paths *paths = calloc(1, bytes);
    ENSURE(paths, CATEGORY_ENVIRONMENT, "out of memory for a Merkle tree of %llu leaves", (unsigned long long)count);
    paths->levels = levels;
    struct hash *next = paths->nodes;
    width = count;
    for (unsigned k = 0; k < levels; k++) {
        paths->level[k] = next;
        paths->width[k] = width;
        next += width;
        width = width / 2 + width % 2;
    }
    *ret = paths;
    return RESULT_OK;
}

/* A last node without a neighbour goes up unchanged, which gives the RFC's tree. */
struct result merkle_paths_new(const struct hash *leaves, uint64_t count, struct merkle_paths **ret)
{
    CLEANUP(merkle_paths_freep) struct merkle_paths *paths = NULL;
    TRY(paths_allocate(count, &paths));
    if (count) memcpy(paths->level[0], leaves, (size_t)count * sizeof *leaves);
    for (unsigned k = 0; k + 1 < paths->levels; k++) {
        const struct hash *below = paths->level[k];
        struct hash *above = paths->level[k + 1];
        uint64_t pairs = paths->width[k] / 2;
        for (uint64_t i = 0; i < pairs; i++) TRY(node(&below[2 * i], &below[2 * i + 1], &above[i]));
        if (paths->width[k] % 2) above[pairs] = below[2 * pairs];
    }
    if (count)
        paths->root = *paths->level[paths->levels - 1];
    else
        TRY(merkle_root(NULL, 0, &paths->root));
    *ret = paths;
    paths = NULL;
    return RESULT_OK;
}

void merkle_paths_free(struct merkle_paths *paths)
{
    free(paths);
}

void merkle_paths_freep(struct merkle_paths **paths)
{
    merkle_paths_free(*paths);
    *paths = NULL;
}

struct result merkle_paths_get(const struct merkle_paths *paths, uint64_t index, struct buffer *out)
{
    ENSURE(index < paths->width[0], CATEGORY_BUG, "leaf %llu is not among %llu", (unsigned long long)index,
           (unsigned long long)paths->width[0]);
    size_t before = out->length;
    for (unsigned k = 0; k + 1 < paths->levels; k++, index /= 2) {
        uint64_t sibling = index ^ 1;
        if (sibling >= paths->width[k]) continue;
        struct result result = buffer_append(out, hash_view(&paths->level[k][sibling]));
        if (!result_ok(result)) {
            out->length = before;
            return result;
        }
    }
    return RESULT_OK;
}

const struct hash *merkle_paths_root(const struct merkle_paths *paths)
{
    return &paths->root;
}

struct result merkle_path(const struct hash *leaves, uint64_t count, uint64_t index, struct buffer *out)
{
    CLEANUP(merkle_paths_freep) struct merkle_paths *paths = NULL;
    TRY(merkle_paths_new(leaves, count, &paths));
    return merkle_paths_get(paths, index, out);
}

static struct result take_hash(struct reader *reader, struct hash *ret)
{
    struct view bytes;
    TRY(reader_take(reader, HASH_BYTES, &bytes));
    memcpy(ret->bytes, bytes.data, HASH_BYTES);
    return RESULT_OK;
}

static struct result not_included(void)
{
    return FAIL(CATEGORY_FALSE, "an inclusion path does not lead to the root");
}

static struct result not_consistent(void)
{
    return FAIL(CATEGORY_FALSE, "a consistency proof does not join the two roots");
}

/* RFC 9162, 2.1.3.2; fn and sn are the RFC's names. */
struct result merkle_verify_inclusion(const struct hash *leaf, uint64_t index, uint64_t count, struct view path,
                                      const struct hash *root)
{
    if (index >= count || path.length % HASH_BYTES) return not_included();
    struct reader reader = reader_of(path, "an inclusion path");
    uint64_t fn = index, sn = count - 1;
    struct hash hash = *leaf, sibling;
    while (reader.rest.length) {
        if (sn == 0) return not_included();
        TRY(take_hash(&reader, &sibling));
        if (fn & 1 || fn == sn) {
            TRY(node(&sibling, &hash, &hash));
            while (!(fn & 1) && fn) fn >>= 1, sn >>= 1;
        } else {
            TRY(node(&hash, &sibling, &hash));
        }
        fn >>= 1, sn >>= 1;
    }
    return sn == 0 && hash_equal(&hash, root) ? RESULT_OK : not_included();
}

struct result merkle_verify_consistency(uint64_t size1, const struct hash *root1, uint64_t size2,
                                        const struct hash *root2, struct view proof)
{
    if (size1 == 0 || size1 > size2 || proof.length % HASH_BYTES) return not_consistent();
    if (size1 == size2) return proof.length == 0 && hash_equal(root1, root2) ? RESULT_OK : not_consistent();
    if (proof.length == 0) return not_consistent();
    struct reader reader = reader_of(proof, "a consistency proof");
    struct hash first, second, sibling;
    if (size1 & (size1 - 1))
        TRY(take_hash(&reader, &first));
    else
        first = *root1; /* a full old tree is a node of the new one, and the proof leaves it out */
    second = first;
    uint64_t fn = size1 - 1, sn = size2 - 1;
    while (fn & 1) fn >>= 1, sn >>= 1;
    while (reader.rest.length) {
        if (sn == 0) return not_consistent();
        TRY(take_hash(&reader, &sibling));
        if (fn & 1 || fn == sn) {
            TRY(node(&sibling, &first, &first));
            TRY(node(&sibling, &second, &second));
            while (!(fn & 1) && fn) fn >>= 1, sn >>= 1;
        } else {
            TRY(node(&second, &sibling, &second));
        }
        fn >>= 1, sn >>= 1;
    }
    return sn == 0 && hash_equal(&first, root1) && hash_equal(&second, root2) ? RESULT_OK : not_consistent();
}

/* SUBPROOF of RFC 9162, 2.1.4.1: each step halves the tree, so it is at most 64 deep. */
static struct result subproof(const struct hash *leaves, uint64_t count, uint64_t size1, bool known, struct buffer *out)
{
    struct hash hash;
    if (size1 == count) {
        if (known) return RESULT_OK;
        TRY(merkle_root(leaves, count, &hash));
        return buffer_append(out, hash_view(&hash));
    }
    uint64_t half = UINT64_C(1) << (63 - __builtin_clzll(count - 1)); /* the largest power of two below count */
    if (size1 <= half) {
        TRY(subproof(leaves, half, size1, known, out));
        TRY(merkle_root(leaves + half, count - half, &hash));
    } else {
        TRY(subproof(leaves + half, count - half, size1 - half, false, out));
        TRY(merkle_root(leaves, half, &hash));
    }
    return buffer_append(out, hash_view(&hash));
}

struct result merkle_consistency(const struct hash *leaves, uint64_t count, uint64_t size1, struct buffer *out)
{
    ENSURE(size1 > 0 && size1 <= count, CATEGORY_BUG, "no consistency proof from %llu to %llu leaves",
           (unsigned long long)size1, (unsigned long long)count);
    CLEANUP(buffer_done) struct buffer proof = {0};
    TRY(subproof(leaves, count, size1, true, &proof));
    return buffer_append(out, buffer_view(&proof));
}
