/* A disk in memory under SQLite (its default VFS, once installed) that fails at will and forgets what was not synced.
 *
 * Operations that change something are counted: opening, writing, syncing, cutting and deleting a file. The which-th
 * of them (from 1) fails. After DISK_CUT, the end of the machine's power, everything fails until disk_power: then a
 * file holds what was synced and, of the writes after that, what the caller says.
 */
#ifndef TESTS_FAULTS_DISK_H
#define TESTS_FAULTS_DISK_H

#include "crypto/base/bytes.h"

enum disk_fault {
    DISK_FULL,
    DISK_BROKEN, /* SQLITE_IOERR of the operation's kind */
    DISK_SHORT,  /* half of a write, then DISK_FULL */
    DISK_CUT,
    DISK_FAULTS,
};
/* What is left of the writes after the last sync: none, all, some of them, or some of them and half of others. */
enum disk_survival { DISK_NONE, DISK_ALL, DISK_SOME, DISK_TORN, DISK_SURVIVALS };

void disk_install(void);
void disk_clear(void); /* an empty disk without faults */
/* lasts: so does every operation after it. which 0: none fails, but they are counted. */
void disk_fail(unsigned long which, enum disk_fault fault, bool lasts);
/* No more faults. Whether there was one. */
bool disk_mend(void);
void disk_power(enum disk_survival survival, uint64_t seed);
/* Whether any file holds these bytes, synced or not. */
bool disk_holds(struct view bytes);

#endif
