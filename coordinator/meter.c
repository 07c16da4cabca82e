#include "coordinator/meter.h"

#include <string.h>

#include "coordinator/session.h"
#include "sys/clock.h"

static void spend(struct meter_phase phases[SECAGG_PHASES_MAX], const char *phase, uint64_t ms)
{
    for (size_t i = 0; i < SECAGG_PHASES_MAX; i++) {
        struct meter_phase *place = &phases[i];
        if (place->name && strcmp(place->name, phase) != 0) continue;
        place->name = phase;
        place->ms += ms;
        return;
    }
}

/* phase NULL: the run is over. */
static void look_phase(struct run_meter *own, struct meter *meter, const char *phase)
{
    uint64_t now = clock_monotonic_ms();
    if (own->phase) spend(meter->phases, own->phase, now - own->at_ms);
    if (own->phase) spend(own->phases, own->phase, now - own->at_ms);
    own->phase = phase;
    own->at_ms = now;
}

/* What was here at the first look came before this process, or was counted by it already. */
static void look_uploads(struct run_meter *own, struct meter *meter, uint64_t round, unsigned uploads)
{
    if (own->round != round) own->uploads = 0;
    if (own->tally.seen && uploads > own->uploads) meter->uploads += uploads - own->uploads;
    own->round = round;
    own->uploads = uploads;
}

void meter_look(struct session *session)
{
    const struct secagg_coordinator *machine = session->machine;
    struct run_meter *own = &session->meter;
    struct meter *meter = &session->hub->meter;
    if (!machine) return;
    uint64_t round = secagg_coordinator_round(machine);
    look_phase(own, meter, session->state == SERVICE_RUN_OPEN ? secagg_coordinator_phase_name(machine) : NULL);
    look_uploads(own, meter, round, secagg_coordinator_uploads(machine));
    tally_look(&own->tally, &meter->rounds, round, session->sums);
}
