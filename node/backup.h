/* Backups of this node (sys/backup.h): the daemon's part, and the two commands. */
#ifndef NODE_BACKUP_H
#define NODE_BACKUP_H

#include "node/bank.h"
#include "sys/program.h"
#include "sys/snapshot.h"

/* A snapshot of the state directory, with the journal of the same moment (sys/snapshot.h). */
MUST_USE struct result bank_snapshot(struct bank *bank, struct snapshot_name *ret);

MUST_USE struct result bank_backup(const struct program_words *words);
MUST_USE struct result bank_restore(const struct program_words *words);

#endif
