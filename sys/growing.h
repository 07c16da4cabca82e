/* A file that grows while something goes on, and is cut back to what is known to be whole after a crash.
 *
 * Its length is kept elsewhere, durably, after growing_sync. When all is there it is given its final name.
 */
#ifndef SYS_GROWING_H
#define SYS_GROWING_H

#include "crypto/hash.h"
#include "sys/file.h"

struct growing {
    char path[FILE_PATH_MAX];
    int descriptor; /* below 0: closed */
};
/* Opens the file, made when absent (0600) and cut to `length`. CATEGORY_FALSE when it is shorter than that,
 * or no plain file. */
MUST_USE struct result growing_open(const char *path, uint64_t length, struct growing *ret);
MUST_USE struct result growing_append(struct growing *file, struct view bytes);
MUST_USE struct result growing_sync(struct growing *file);
/* Durable, with this mode and under this name, and closed. */
MUST_USE struct result growing_finish(struct growing *file, const char *path, mode_t mode);
void growing_close(struct growing *file); /* a closed one is left alone */

/* Bytes of a file from `offset` on, at most `most`, and how long it is. Replaces out. */
MUST_USE struct result file_read_piece(const char *path, uint64_t offset, size_t most, struct buffer *out,
                                       uint64_t *ret_length);
/* SHA-256 of the file's bytes, as sha256sum prints it, and how many they are. */
MUST_USE struct result file_digest(const char *path, struct hash *ret, uint64_t *ret_bytes);

#endif
