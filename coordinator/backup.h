/* Backups of the coordinator (sys/backup.h): the daemon's part, and the two commands. */
#ifndef COORDINATOR_BACKUP_H
#define COORDINATOR_BACKUP_H

#include "coordinator/hub.h"
#include "sys/program.h"
#include "sys/snapshot.h"

/* What is asked over the control socket, and how the answer begins when it is done; the snapshot's name follows. A
 * failure's sentence else. */
#define BACKUP_REQUEST "backup"
#define BACKUP_READY "ready "

/* A snapshot of the state directory (sys/snapshot.h). The loop stands still meanwhile. */
MUST_USE struct result hub_snapshot(struct hub *hub, struct snapshot_name *ret);

/* Whether the state directory was restored from a backup, kept for good: hub->restored. What was sent since a backup
 * that was made while the coordinator ran is not known: such runs that are open end here, once. The runs are restored.
 */
MUST_USE struct result restored_load(struct hub *hub);
MUST_USE struct result restored_end_runs(struct hub *hub);

MUST_USE struct result hub_backup(const struct program_words *words);
MUST_USE struct result hub_restore(const struct program_words *words);

#endif
