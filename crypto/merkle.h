/* Merkle trees with RFC 6962 / RFC 9162 section 2.1 hashing: leaf H(0x00 ‖ data), node H(0x01 ‖ left ‖ right). */
#ifndef CRYPTO_MERKLE_H
#define CRYPTO_MERKLE_H

#include "crypto/hash.h"

MUST_USE struct result merkle_leaf(struct view data, struct hash *ret);
/* Root over leaf hashes; the root of no leaves is H(). */
MUST_USE struct result merkle_root(const struct hash *leaves, uint64_t count, struct hash *ret);

/* Append-only: O(log n) memory. Zeroed is the empty tree; plain data, may be copied and persisted. */
struct merkle_tree {
    uint64_t size;
    struct hash peaks[64];
};
MUST_USE struct result merkle_tree_append(struct merkle_tree *tree, const struct hash *leaf);
MUST_USE struct result merkle_tree_root(const struct merkle_tree *tree, struct hash *ret);

/* Inclusion path of leaf `index` among `count` leaves: appends the path's hashes to out (RFC 9162, 2.1.3.1). */
MUST_USE struct result merkle_path(const struct hash *leaves, uint64_t count, uint64_t index, struct buffer *out);
/* All paths of a tree from one pass: levels are kept. Free with _free. */
struct merkle_paths;
MUST_USE struct result merkle_paths_new(const struct hash *leaves, uint64_t count, struct merkle_paths **ret);
void merkle_paths_free(struct merkle_paths *paths);
void merkle_paths_freep(struct merkle_paths **paths);
MUST_USE struct result merkle_paths_get(const struct merkle_paths *paths, uint64_t index, struct buffer *out);
const struct hash *merkle_paths_root(const struct merkle_paths *paths);

/* CATEGORY_FALSE when the path does not lead from the leaf to the root. path is a multiple of 32 bytes. */
MUST_USE struct result merkle_verify_inclusion(const struct hash *leaf, uint64_t index, uint64_t count,
                                               struct view path, const struct hash *root);
/* RFC 9162, 2.1.4.2; size1 = 0 is refused. */
MUST_USE struct result merkle_verify_consistency(uint64_t size1, const struct hash *root1, uint64_t size2,
                                                 const struct hash *root2, struct view proof);
MUST_USE struct result merkle_consistency(const struct hash *leaves, uint64_t count, uint64_t size1,
                                          struct buffer *out);

#endif
