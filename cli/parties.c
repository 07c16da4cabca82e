/* Who takes part: the roster and keys of a consortium that exists for one run, and the life of each process. */
#include "cli/parties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/protocol.h"
#include "crypto/hash.h"
#include "proto/run/note.h"

#define COORDINATOR_NAME "coordinator"

static void party_done(struct party *party)
{
    secagg_node_free(party->node);
    sign_key_free(party->identity);
    sign_key_free(party->key);
    records_done(&party->records);
    records_done(&party->copy);
    buffer_done(&party->request);
}

void consortium_done(struct consortium *consortium)
{
    secagg_coordinator_free(consortium->coordinator);
    for (unsigned i = 0; consortium->parties != NULL && i <= consortium->members; i++)
        party_done(&consortium->parties[i]);
    free(consortium->parties);
    submission_done(&consortium->submission);
    roster_done(&consortium->roster);
    buffer_done(&consortium->plan_note);
    random_source_free(consortium->random);
    network_done(&consortium->network);
    *consortium = (struct consortium){0};
}

/* A source of its own for one process or one purpose, so that what one draws does not move the others. */
static struct result random_child(struct random_source *parent, struct random_source **ret)
{
    CLEANUP(secret_freep) struct secret *seed = NULL;
    TRY(secret_new(RANDOM_SEED_BYTES, &seed));
    random_draw(parent, secret_bytes(seed), RANDOM_SEED_BYTES);
    return random_source_new(seed, ret);
}

static struct result key_make(struct random_source *random, struct sign_key **ret)
{
    CLEANUP(secret_freep) struct secret *seed = NULL;
    TRY(secret_new(SIGN_SEED_BYTES, &seed));
    random_draw(random, secret_bytes(seed), SIGN_SEED_BYTES);
    return sign_key_from_seed(seed, ret);
}

static struct result table_hash_visit(void *context, struct view piece)
{
    return hash_update(context, piece);
}

static struct result table_hash(const struct table *table, struct hash *ret)
{
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    TRY(hash_start(&stream, "table"));
    TRY(table_canonical(table, table_hash_visit, &stream));
    return hash_finish(&stream, ret);
}

static struct result members_make(struct consortium *consortium)
{
    const struct consortium_config *config = consortium->config;
    consortium->parties = calloc((size_t)config->banks_count + 1, sizeof *consortium->parties);
    ENSURE(consortium->parties != NULL, CATEGORY_ENVIRONMENT, "out of memory for %u banks", config->banks_count);
    consortium->members = config->banks_count;
    consortium->parties[0].name = COORDINATOR_NAME;
    TRY(key_make(consortium->random, &consortium->parties[0].key));
    for (unsigned i = 1; i <= consortium->members; i++) {
        struct party *party = &consortium->parties[i];
        party->name = config->banks[i - 1].name;
        party->table = config->banks[i - 1].table;
        TRY(key_make(consortium->random, &party->identity));
        TRY(key_make(consortium->random, &party->key));
        TRY(table_hash(party->table, &party->table_hash));
    }
    return RESULT_OK;
}

/* A name goes into a roster's line of text as it is, so its length is all that is checked here. */
static struct result name_copy(char *out, const char *name)
{
    size_t length = strlen(name);
    ENSURE(length > 0 && length <= NAME_MAX_BYTES, CATEGORY_USAGE, "%s: a bank's name has 1 to %u bytes", name,
           NAME_MAX_BYTES);
    memcpy(out, name, length + 1);
    return RESULT_OK;
}

static struct result roster_write(const struct consortium *consortium, struct buffer *out)
{
    struct roster_member *members = calloc(consortium->members, sizeof *members);
    ENSURE(members != NULL, CATEGORY_ENVIRONMENT, "out of memory for %u banks", consortium->members);
    struct roster draft = {.version = 1, .members = members, .size = consortium->members};
    draft.coordinator = *sign_key_public(consortium->parties[0].key);
    (void)snprintf(draft.coordinator_name, sizeof draft.coordinator_name, COORDINATOR_NAME);
    (void)snprintf(draft.address, sizeof draft.address, "tls+tcp://localhost:1"); /* nobody dials it */
    struct result result = RESULT_OK;
    for (unsigned i = 0; i < consortium->members && result_ok(result); i++) {
        members[i].identity = *sign_key_public(consortium->parties[i + 1].identity);
        members[i].node = *sign_key_public(consortium->parties[i + 1].key);
        result = name_copy(members[i].name, consortium->parties[i + 1].name);
    }
    if (result_ok(result)) result = roster_text(&draft, out);
    free(members);
    return result;
}

/* The roster as members would make it: written, signed by every one, parsed and verified. */
static struct result roster_make(struct consortium *consortium)
{
    CLEANUP(buffer_done) struct buffer text = {0}, note = {0}, more = {0};
    TRY(roster_write(consortium, &text));
    for (unsigned i = 1; i <= consortium->members; i++) {
        const struct party *party = &consortium->parties[i];
        buffer_clear(&more);
        if (i == 1)
            TRY(note_sign(buffer_view(&text), party->name, party->identity, &more));
        else
            TRY(note_add(buffer_view(&note), party->name, party->identity, &more));
        struct buffer kept = note;
        note = more;
        more = kept;
    }
    TRY(roster_parse(buffer_view(&note), &consortium->roster));
    return roster_verify_first(&consortium->roster);
}

/* The first bank submits the plan; everyone opens the submission, as they would in a real run. */
static struct result plan_submit(struct consortium *consortium)
{
    const struct consortium_config *config = consortium->config;
    const struct party *submitter = &consortium->parties[1];
    TRY(note_sign(buffer_view(&config->plan->text), submitter->name, submitter->identity, &consortium->plan_note));
    uint8_t nonce[NONCE_BYTES];
    random_draw(consortium->random, nonce, sizeof nonce);
    const struct members everyone = members_all(consortium->members);
    CLEANUP(buffer_done) struct buffer payload = {0};
    struct hash id;
    TRY(submission_make(&consortium->roster, buffer_view(&consortium->plan_note), &everyone, 1, protocol_spoken.newest,
                        submitter->identity, nonce, &payload, &id));
    return submission_open(&consortium->roster, buffer_view(&payload), &consortium->submission);
}

struct result consortium_init(const struct consortium_config *config, struct consortium *ret)
{
    *ret = (struct consortium){.config = config, .network = {.now = NETWORK_START_MS, .members = config->banks_count}};
    TRY(random_source_new(config->seed, &ret->random));
    if (config->faults) {
        struct random_source *random = NULL;
        TRY(random_child(ret->random, &random));
        ret->network.faults = faults_from(random, config->banks_count);
    }
    TRY(members_make(ret));
    TRY(roster_make(ret));
    return plan_submit(ret);
}

static struct result coordinator_start(struct consortium *consortium)
{
    struct party *party = &consortium->parties[0];
    const struct secagg_coordinator_config config = {.terms = &consortium->submission.terms,
                                                     .key = party->key,
                                                     .records = records_source(&party->records),
                                                     .epoch_rounds = consortium->epoch_rounds};
    return secagg_coordinator_new(&config, &consortium->coordinator);
}

static struct result member_start(struct consortium *consortium, unsigned number)
{
    struct party *party = &consortium->parties[number];
    const struct record_source records = records_source(&party->records);
    TRY(node_counters_load(&records, &consortium->roster, &party->counters));
    struct random_source *random = NULL;
    TRY(random_child(consortium->random, &random));
    const struct secagg_node_config config = {.terms = &consortium->submission.terms,
                                              .position = number,
                                              .key = party->key,
                                              .random = random,
                                              .counters = &party->counters,
                                              .records = records,
                                              .table_hash = party->table_hash,
                                              .approvals = party->approvals,
                                              .approvals_count = party->approvals_count,
                                              .epoch_rounds = consortium->epoch_rounds};
    return secagg_node_new(&config, &party->node);
}

struct result party_start(struct consortium *consortium, unsigned number)
{
    struct party *party = &consortium->parties[number];
    party->life++;
    TRY(number == 0 ? coordinator_start(consortium) : member_start(consortium, number));
    party->up = true;
    return RESULT_OK;
}

void party_stop(struct consortium *consortium, unsigned number)
{
    struct party *party = &consortium->parties[number];
    party->up = party->done = party->ended = party->waiting = party->asked = false;
    secagg_node_free(party->node);
    party->node = NULL;
    party->counters = (struct node_counters){0};
    if (number != 0) return;
    secagg_coordinator_free(consortium->coordinator);
    consortium->coordinator = NULL;
    for (unsigned i = 1; i <= consortium->members; i++) consortium->parties[i].parked = 0;
}
