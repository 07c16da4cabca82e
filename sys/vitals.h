/* What both daemons tell an operator's tools: process, runs, rounds, traffic, files, disk.
 *
 * A daemon fills it from its own state; what is written from it names no row, no member and no plan, and a run only by
 * how its id begins while it is open.
 */
#ifndef SYS_VITALS_H
#define SYS_VITALS_H

#include "crypto/base/bytes.h"
#include "sys/config.h"
#include "sys/http.h"
#include "sys/metrics.h"
#include "sys/traffic.h"

enum vitals_state { VITALS_OPEN, VITALS_WAITS, VITALS_DONE, VITALS_FAILED, VITALS_STATES };

struct vitals_run {
    char hex[65]; /* its id */
    enum vitals_state state;
    uint64_t step, since_ms;   /* sums taken; when its phase began, since the epoch */
    unsigned awaited, uploads; /* the coordinator's alone */
};
struct vitals {
    const char *version;
    const char *directory; /* the state directory, which has runs/RUN/{run.cfd,evidence/} */
    uint64_t started_ms;   /* since the epoch */
    uint64_t taken_ms;     /* when all this was taken from the daemon, by the steady clock; 0: never yet */
    uint64_t rounds_begun, rounds_closed, rounds_voided, refused;
    struct traffic traffic;
    struct vitals_run *runs;
    size_t runs_count, runs_room;
};
void vitals_done(struct vitals *vitals);
void vitals_clear(struct vitals *vitals); /* of its runs */
MUST_USE struct result vitals_add(struct vitals *vitals, const struct vitals_run *run);
/* Replaces ret, a vitals of its own. */
MUST_USE struct result vitals_copy(const struct vitals *vitals, struct vitals *ret);

/* Looks at the disk, too. How many runs there are is left out as long as nothing was taken. Appended. */
MUST_USE struct result vitals_put(const struct vitals *vitals, struct buffer *out);
/* A family with a sample for each open run, of the first of them. Appended. */
MUST_USE struct result vitals_put_open(const struct vitals *vitals, const struct metric *metric,
                                       double (*value)(const struct vitals_run *run), struct buffer *out);

/* Whether files can be written in the directory: the file system is not read-only, not full, and lets us. */
bool vitals_writable(const char *directory);

/* A list of what must be so, with what it means when it is not; ends with a NULL. "ready", or 503 and each of those. */
struct vitals_need {
    const char *otherwise;
    bool met;
};
MUST_USE struct result vitals_ready(const struct vitals_need *needs, struct http_answer *answer);

/* Where to listen, by whose file, and a daemon's own answers; the context is theirs. */
struct vitals_serving {
    const struct config_metrics *metrics; /* with an address */
    const char *where;
    struct result (*answer_metrics)(void *context, struct http_answer *answer);
    struct result (*answer_ready)(void *context, struct http_answer *answer);
    void *context;
};
/* /metrics, /readyz, and /healthz, which answers as long as the process does; the log says where. The struct lives as
 * long as the server. */
MUST_USE struct result vitals_serve(const struct vitals_serving *serving, struct http_server **ret);
/* Whether it could be listened there, which nobody does after; no address is no failure. `where` as above. */
MUST_USE struct result vitals_try(const struct config_metrics *metrics, const char *where);

#endif
