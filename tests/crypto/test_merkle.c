#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/merkle.h"
#include "tests/support/vectors.h"

enum { LEAVES = 70 };

static struct hash leaves[LEAVES];

static int start(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < LEAVES; k++) {
        uint8_t bytes[4];
        bytes_put_u32(bytes, k);
        if (!result_ok(merkle_leaf(view_of(bytes, sizeof bytes), &leaves[k]))) return -1;
    }
    return 0;
}

/* MTH of RFC 9162, 2.1.1, as it is written there. */
static struct hash by_definition(const struct hash *from, size_t count)
{
    struct hash hash;
    if (count == 1) return from[0];
    size_t half = 1;
    while (half * 2 < count) half *= 2;
    struct hash left = by_definition(from, half), right = by_definition(from + half, count - half);
    uint8_t bytes[1 + 2 * HASH_BYTES] = {1};
    memcpy(bytes + 1, left.bytes, HASH_BYTES);
    memcpy(bytes + 1 + HASH_BYTES, right.bytes, HASH_BYTES);
    assert_true(result_ok(hash_bytes(NULL, view_of(bytes, sizeof bytes), &hash)));
    return hash;
}

static void roots_follow_the_definition(void **state)
{
    (void)state;
    struct merkle_tree tree = {0};
    for (size_t count = 1; count <= LEAVES; count++) {
        struct hash expected = by_definition(leaves, count), root;
        assert_true(result_ok(merkle_root(leaves, count, &root)));
        assert_true(hash_equal(&root, &expected));
        assert_true(result_ok(merkle_tree_append(&tree, &leaves[count - 1])));
        assert_true(result_ok(merkle_tree_root(&tree, &root)));
        assert_true(tree.size == count && hash_equal(&root, &expected));
        CLEANUP(merkle_paths_freep) struct merkle_paths *paths = NULL;
        assert_true(result_ok(merkle_paths_new(leaves, count, &paths)));
        assert_true(hash_equal(merkle_paths_root(paths), &expected));
    }
}

/* Every change to a good proof must be noticed. */
static void refuse_changes(const struct hash *leaf, uint64_t index, uint64_t count, struct view path,
                           const struct hash *root)
{
    uint8_t changed[HASH_BYTES * 9];
    assert_true(path.length + HASH_BYTES <= sizeof changed);
    for (size_t at = 0; at < path.length; at += 7) {
        memcpy(changed, path.data, path.length);
        changed[at] ^= 1;
        assert_int_equal(merkle_verify_inclusion(leaf, index, count, view_of(changed, path.length), root).category,
                         CATEGORY_FALSE);
    }
    if (path.length) memcpy(changed, path.data, path.length);
    memset(changed + path.length, 3, HASH_BYTES);
    static const long differences[] = {HASH_BYTES, -HASH_BYTES, 1, -1};
    for (size_t k = 0; k < 4; k++) {
        if (differences[k] < 0 && path.length == 0) continue;
        struct view other = view_of(changed, path.length + (size_t)differences[k]);
        assert_int_equal(merkle_verify_inclusion(leaf, index, count, other, root).category, CATEGORY_FALSE);
    }
    for (uint64_t other = 0; other <= count; other++)
        if (other != index)
            assert_int_equal(merkle_verify_inclusion(leaf, other, count, path, root).category, CATEGORY_FALSE);
    struct hash wrong = *leaf;
    wrong.bytes[31] ^= 1;
    assert_int_equal(merkle_verify_inclusion(&wrong, index, count, path, root).category, CATEGORY_FALSE);
    wrong = *root;
    wrong.bytes[0] ^= 1;
    assert_int_equal(merkle_verify_inclusion(leaf, index, count, path, &wrong).category, CATEGORY_FALSE);
}

static void every_leaf_of_every_size_has_its_path(void **state)
{
    (void)state;
    for (uint64_t count = 1; count <= LEAVES; count++) {
        struct hash root;
        assert_true(result_ok(merkle_root(leaves, count, &root)));
        CLEANUP(merkle_paths_freep) struct merkle_paths *paths = NULL;
        assert_true(result_ok(merkle_paths_new(leaves, count, &paths)));
        for (uint64_t index = 0; index < count; index++) {
            CLEANUP(buffer_done) struct buffer one = {0};
            CLEANUP(buffer_done) struct buffer path = {0};
            assert_true(result_ok(merkle_path(leaves, count, index, &one)));
            assert_true(result_ok(merkle_paths_get(paths, index, &path)));
            assert_true(view_equal(buffer_view(&one), buffer_view(&path)));
            struct view view = buffer_view(&path);
            assert_true(result_ok(merkle_verify_inclusion(&leaves[index], index, count, view, &root)));
            if (count == 1 || count == 7 || count == 64 || count == LEAVES)
                refuse_changes(&leaves[index], index, count, view, &root);
        }
        CLEANUP(buffer_done) struct buffer none = {0};
        assert_int_equal(merkle_paths_get(paths, count, &none).category, CATEGORY_BUG);
        assert_int_equal(merkle_path(leaves, count, count, &none).category, CATEGORY_BUG);
        assert_int_equal(none.length, 0);
    }
}

static void every_size_is_consistent_with_every_later_one(void **state)
{
    (void)state;
    for (uint64_t size2 = 1; size2 <= LEAVES; size2++) {
        struct hash root1, root2;
        assert_true(result_ok(merkle_root(leaves, size2, &root2)));
        for (uint64_t size1 = 1; size1 <= size2; size1++) {
            assert_true(result_ok(merkle_root(leaves, size1, &root1)));
            CLEANUP(buffer_done) struct buffer proof = {0};
            assert_true(result_ok(merkle_consistency(leaves, size2, size1, &proof)));
            struct view view = buffer_view(&proof);
            assert_true(result_ok(merkle_verify_consistency(size1, &root1, size2, &root2, view)));
            struct hash wrong = root1;
            wrong.bytes[5] ^= 4;
            assert_int_equal(merkle_verify_consistency(size1, &wrong, size2, &root2, view).category, CATEGORY_FALSE);
            wrong = root2;
            wrong.bytes[5] ^= 4;
            assert_int_equal(merkle_verify_consistency(size1, &root1, size2, &wrong, view).category, CATEGORY_FALSE);
            if (size1 == size2) continue;
            proof.data[proof.length / 2] ^= 1;
            assert_int_equal(merkle_verify_consistency(size1, &root1, size2, &root2, view).category, CATEGORY_FALSE);
            proof.data[proof.length / 2] ^= 1;
            view.length -= HASH_BYTES;
            assert_int_equal(merkle_verify_consistency(size1, &root1, size2, &root2, view).category, CATEGORY_FALSE);
        }
        CLEANUP(buffer_done) struct buffer proof = {0};
        assert_int_equal(merkle_consistency(leaves, size2, 0, &proof).category, CATEGORY_BUG);
        assert_int_equal(merkle_consistency(leaves, size2, size2 + 1, &proof).category, CATEGORY_BUG);
    }
}

static void an_empty_tree_has_the_hash_of_nothing(void **state)
{
    (void)state;
    struct merkle_tree tree = {0};
    struct hash nothing, root;
    assert_true(result_ok(hash_bytes(NULL, view_of(NULL, 0), &nothing)));
    assert_true(result_ok(merkle_tree_root(&tree, &root)));
    assert_true(hash_equal(&root, &nothing));
    CLEANUP(merkle_paths_freep) struct merkle_paths *paths = NULL;
    assert_true(result_ok(merkle_paths_new(NULL, 0, &paths)));
    assert_true(hash_equal(merkle_paths_root(paths), &nothing));
    CLEANUP(buffer_done) struct buffer path = {0};
    assert_int_equal(merkle_paths_get(paths, 0, &path).category, CATEGORY_BUG);
    assert_int_equal(merkle_verify_inclusion(&nothing, 0, 0, view_of(NULL, 0), &root).category, CATEGORY_FALSE);
    assert_int_equal(merkle_verify_consistency(0, &root, 0, &root, view_of(NULL, 0)).category, CATEGORY_FALSE);
    struct merkle_paths *none = NULL;
    assert_int_equal(merkle_paths_new(NULL, UINT64_MAX, &none).category, CATEGORY_BUG);
    assert_null(none);
}

/* False when one is not 32 bytes: a path of ours, which is hash after hash, cannot hold it. */
static bool hashes_of(const json_t *list, struct buffer *out, bool base64)
{
    size_t index;
    json_t *one;
    json_array_foreach(list, index, one)
    {
        struct view hash = base64 ? vectors_base64_of(one, out) : vectors_hex_of(one, out);
        if (hash.length != HASH_BYTES) return false;
    }
    return true;
}

static void published_trees_come_out_right(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "03-tlog/rfc6962_trees.json");
    struct hash tree[8], root, expected;
    size_t index;
    json_t *one;
    const json_t *level = json_array_get(vectors_array(file, "node_hashes_by_level"), 0);
    json_array_foreach(vectors_array(file, "leaves"), index, one)
    {
        CLEANUP(buffer_done) struct buffer bytes = {0};
        assert_true(index < 8);
        assert_true(result_ok(merkle_leaf(vectors_hex_of(one, &bytes), &tree[index])));
        CLEANUP(buffer_done) struct buffer hash = {0};
        assert_true(view_equal(hash_view(&tree[index]), vectors_hex_of(json_array_get(level, index), &hash)));
    }
    json_array_foreach(vectors_array(file, "root_by_tree_size"), index, one)
    {
        CLEANUP(buffer_done) struct buffer hash = {0};
        assert_true(result_ok(merkle_root(tree, index, &root)));
        assert_true(view_equal(hash_view(&root), vectors_hex_of(one, &hash)));
    }
    json_array_foreach(vectors_array(file, "inclusion_proofs"), index, one)
    {
        CLEANUP(buffer_done) struct buffer proof = {0};
        CLEANUP(buffer_done) struct buffer made = {0};
        uint64_t leaf = vectors_u64(one, "index"), size = vectors_u64(one, "size");
        assert_true(hashes_of(json_object_get(one, "proof"), &proof, false));
        assert_true(result_ok(merkle_path(tree, size, leaf, &made)));
        assert_true(view_equal(buffer_view(&made), buffer_view(&proof)));
        assert_true(result_ok(merkle_root(tree, size, &root)));
        assert_true(result_ok(merkle_verify_inclusion(&tree[leaf], leaf, size, buffer_view(&proof), &root)));
    }
    json_array_foreach(vectors_array(file, "consistency_proofs"), index, one)
    {
        CLEANUP(buffer_done) struct buffer proof = {0};
        CLEANUP(buffer_done) struct buffer made = {0};
        uint64_t size1 = vectors_u64(one, "size1"), size2 = vectors_u64(one, "size2");
        assert_true(hashes_of(json_object_get(one, "proof"), &proof, false));
        assert_true(result_ok(merkle_consistency(tree, size2, size1, &made)));
        assert_true(view_equal(buffer_view(&made), buffer_view(&proof)));
        assert_true(result_ok(merkle_root(tree, size1, &expected)));
        assert_true(result_ok(merkle_root(tree, size2, &root)));
        assert_true(result_ok(merkle_verify_consistency(size1, &expected, size2, &root, buffer_view(&proof))));
    }
}

/* False when the vector's value is not 32 bytes, which struct hash cannot hold: a refusal by type. */
static bool hash_of(const json_t *object, const char *key, struct hash *ret)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) return false;
    struct view view = vectors_base64_of(value, &bytes);
    if (view.length != HASH_BYTES) return false;
    memcpy(ret->bytes, view.data, HASH_BYTES);
    return true;
}

/* The upstream file whose roots are 12 bytes: we want 32 (see the vectors' README). */
static const char short_roots[] = "sizes-are-equal-one-and-proof-is-empty.json";

static void published_inclusion_proofs_are_judged_right(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "03-tlog/merkle_inclusion_proofs.json");
    size_t index, good = 0, bad = 0, decided = 0; /* decided: by the verifier, not by the types */
    json_t *one;
    json_array_foreach(file, index, one)
    {
        CLEANUP(buffer_done) struct buffer proof = {0};
        struct hash leaf, root;
        bool ok = hash_of(one, "leafHash", &leaf) && hash_of(one, "root", &root) &&
                  hashes_of(json_object_get(one, "proof"), &proof, true);
        decided += ok;
        if (ok) {
            struct result result = merkle_verify_inclusion(&leaf, vectors_u64(one, "leafIdx"),
                                                           vectors_u64(one, "treeSize"), buffer_view(&proof), &root);
            ok = result_ok(result);
            assert_true(ok || result.category == CATEGORY_FALSE);
        }
        bool refused = json_is_true(json_object_get(one, "wantErr"));
        if (ok == refused) fail_msg("%s", vectors_text(one, "file"));
        good += ok;
        bad += !ok;
    }
    assert_int_equal(good, 6);
    assert_int_equal(bad, 92);
    assert_int_equal(decided, 72);
}

static void published_consistency_proofs_are_judged_right(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "03-tlog/merkle_consistency_proofs.json");
    size_t index, good = 0, bad = 0, decided = 0; /* decided: by the verifier, not by the types */
    json_t *one;
    json_array_foreach(file, index, one)
    {
        CLEANUP(buffer_done) struct buffer proof = {0};
        struct hash root1, root2;
        bool ok = hash_of(one, "root1", &root1) && hash_of(one, "root2", &root2) &&
                  hashes_of(json_object_get(one, "proof"), &proof, true);
        decided += ok;
        if (ok) {
            struct result result = merkle_verify_consistency(vectors_u64(one, "size1"), &root1,
                                                             vectors_u64(one, "size2"), &root2, buffer_view(&proof));
            ok = result_ok(result);
            assert_true(ok || result.category == CATEGORY_FALSE);
        }
        const char *name = vectors_text(one, "file");
        bool refused = json_is_true(json_object_get(one, "wantErr")) || strstr(name, short_roots);
        if (ok == refused) fail_msg("%s", name);
        good += ok;
        bad += !ok;
    }
    assert_int_equal(good, 5);
    assert_int_equal(bad, 93);
    assert_int_equal(decided, 71);
}

static void a_real_log_proves_its_leaf_and_its_growth(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "03-tlog/ct_argon2020_proofs.json");
    const json_t *head = json_object_get(file, "sth"), *old = json_object_get(file, "old_tree");
    struct hash root, old_root, leaf;
    assert_true(hash_of(head, "sha256_root_hash", &root) && hash_of(old, "sha256_root_hash", &old_root));
    uint64_t size = vectors_u64(head, "tree_size"), index = vectors_u64(file, "leaf_index");
    CLEANUP(buffer_done) struct buffer input = {0};
    CLEANUP(buffer_done) struct buffer path = {0};
    CLEANUP(buffer_done) struct buffer proof = {0};
    assert_true(result_ok(merkle_leaf(vectors_base64_of(json_object_get(file, "leaf_input"), &input), &leaf)));
    assert_true(hashes_of(vectors_array(file, "audit_path"), &path, true));
    assert_true(hashes_of(vectors_array(file, "consistency"), &proof, true));
    assert_true(result_ok(merkle_verify_inclusion(&leaf, index, size, buffer_view(&path), &root)));
    assert_int_equal(merkle_verify_inclusion(&leaf, index + 1, size, buffer_view(&path), &root).category,
                     CATEGORY_FALSE);
    assert_true(result_ok(
        merkle_verify_consistency(vectors_u64(old, "tree_size"), &old_root, size, &root, buffer_view(&proof))));
    assert_int_equal(
        merkle_verify_consistency(vectors_u64(old, "tree_size") - 1, &old_root, size, &root, buffer_view(&proof))
            .category,
        CATEGORY_FALSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_follow_the_definition),
        cmocka_unit_test(every_leaf_of_every_size_has_its_path),
        cmocka_unit_test(every_size_is_consistent_with_every_later_one),
        cmocka_unit_test(an_empty_tree_has_the_hash_of_nothing),
        cmocka_unit_test(published_trees_come_out_right),
        cmocka_unit_test(published_inclusion_proofs_are_judged_right),
        cmocka_unit_test(published_consistency_proofs_are_judged_right),
        cmocka_unit_test(a_real_log_proves_its_leaf_and_its_growth),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
