/* The aggregation itself, by the machines that the daemons run: what a node's setup and masking cost, what the
 * coordinator's sum and unmasking cost, with one bank lost after provisioning, and what crosses the wire. One thread,
 * messages in memory; BENCH_MACHINE_TURNS overrides the five turns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "crypto/mask.h"
#include "tests/support/cohort.h"

enum { TURNS_MOST = 50 };

static unsigned turns(void)
{
    const char *text = getenv("BENCH_MACHINE_TURNS");
    unsigned long wanted = text ? strtoul(text, NULL, 10) : 5;
    return wanted >= 1 && wanted <= TURNS_MOST ? (unsigned)wanted : 5;
}

struct turn {
    double mask, sum, votes, unmask, close, keystream, check;
};

/* As many keystream words as a round's masks have, by one raw stream into memory that stays in the cache. */
static double keystream(unsigned streams, uint64_t words)
{
    static uint64_t out[4096];
    static const uint8_t key[MASK_KEY_BYTES] = {1};
    struct mask_stream *stream = NULL;
    bench_need(mask_stream_new(key, &stream));
    double began = bench_cpu();
    for (unsigned i = 0; i < streams; i++)
        for (uint64_t first = 0; first < words; first += 4096) {
            uint64_t count = words - first < 4096 ? words - first : 4096;
            bench_need(mask_stream_words(stream, first, out, (size_t)count));
        }
    double taken = bench_cpu() - began;
    mask_stream_free(stream);
    return taken;
}

/* One round of n banks, of which the last is lost after provisioning; it ends when bank 1 has checked the sum. */
static struct turn one_turn(unsigned banks, uint64_t words, uint64_t seed, uint64_t *carried)
{
    struct cohort cohort;
    struct cohort_config config = {
        .banks = banks, .words = words, .rounds = 1, .epoch_rounds = 1, .goes_on = true, .seed = seed};
    bench_need(cohort_init(&config, &cohort));
    cohort_lose(&cohort, MESSAGE_HEADER, banks, true);
    for (unsigned i = 2; i <= banks; i++) cohort_lose(&cohort, MESSAGE_OPENED, i, true);
    bench_need(cohort_start_all(&cohort));
    cohort.clock = bench_cpu;
    bench_need(cohort_pump(&cohort));
    bench_need(cohort_timer(&cohort)); /* patience with the lost bank is over */
    bench_need(cohort_pump(&cohort));
    if (!cohort.spent[0][MESSAGE_RELEASE] || !cohort.spent[1][MESSAGE_OPENED]) {
        (void)fprintf(stderr, "bench_machine: the round did not complete: %s\n",
                      secagg_coordinator_phase(cohort.coordinator));
        exit(1);
    }
    const double *spent = cohort.spent[0];
    struct turn turn = {
        .mask = cohort.spent[1][0],
        .sum = spent[MESSAGE_HEADER] + spent[MESSAGE_CHUNK],
        .votes = spent[MESSAGE_VOTE],
        .unmask = spent[MESSAGE_RELEASE],
        .check = cohort.spent[1][MESSAGE_OPENED] + cohort.spent[1][MESSAGE_SUM_PIECE] + cohort.spent[1][MESSAGE_PIECES],
        .keystream = keystream(banks, words),
    };
    turn.close = turn.sum + turn.votes + turn.unmask;
    memcpy(carried, cohort.carried, sizeof cohort.carried);
    cohort_done(&cohort);
    return turn;
}

static void print(const char *what, unsigned banks, uint64_t words, double *values, const double *references,
                  unsigned count, double limit)
{
    char name[96];
    double ratios[TURNS_MOST];
    for (unsigned i = 0; i < count; i++) ratios[i] = references ? references[i] / values[i] : 0;
    (void)snprintf(name, sizeof name, "%s_%ux%llu", what, banks, (unsigned long long)words);
    double value = bench_median(values, count);
    double ratio = references ? bench_median(ratios, count) : value / limit;
    const char *against = references ? "raw AES-256-CTR keystream of n streams, same core, same turn"
                          : limit    ? "what is promised, in seconds"
                                     : NULL;
    bench_print(&(struct bench_line){name, value, "s", against, ratio, references || !limit ? 0 : 1, "max"});
}

/* What checking the sum costs a bank, of all that it and the coordinator do for a round. */
static void print_share(unsigned banks, uint64_t words, double *shares, unsigned count)
{
    char name[96];
    (void)snprintf(name, sizeof name, "machine_check_share_%ux%llu", banks, (unsigned long long)words);
    bench_print(&(struct bench_line){.name = name, .value = bench_median(shares, count), .unit = "of a round"});
}

static void print_bytes(unsigned banks, uint64_t words, const uint64_t *carried)
{
    static const struct {
        const char *stage;
        unsigned kinds[6];
    } stages[] = {
        {"up_setup", {MESSAGE_P1, MESSAGE_P2, MESSAGE_ACK}},
        {"down_setup", {MESSAGE_P1S, MESSAGE_P2S, MESSAGE_ACKS}},
        {"up_input", {MESSAGE_HEADER, MESSAGE_CHUNK}},
        {"up_votes_and_shares", {MESSAGE_VOTE, MESSAGE_RELEASE}},
        {"down_round", {MESSAGE_ROUND, MESSAGE_TAKEN, MESSAGE_PROPOSAL, MESSAGE_CERTIFICATE, MESSAGE_OPENED}},
        {"down_check", {MESSAGE_PIECES, MESSAGE_SUM_PIECE}},
    };
    for (size_t s = 0; s < sizeof stages / sizeof *stages; s++) {
        char name[96];
        double bytes = 0;
        for (size_t k = 0; k < 6; k++) bytes += stages[s].kinds[k] ? (double)carried[stages[s].kinds[k]] : 0;
        (void)snprintf(name, sizeof name, "bytes_%s_%ux%llu", stages[s].stage, banks, (unsigned long long)words);
        bench_print(&(struct bench_line){.name = name, .value = bytes, .unit = "bytes"});
    }
}

static void bench_round(unsigned banks, uint64_t words, bool promised)
{
    double mask[TURNS_MOST], sum[TURNS_MOST], unmask[TURNS_MOST], close[TURNS_MOST], raw[TURNS_MOST], check[TURNS_MOST],
        share[TURNS_MOST];
    uint64_t carried[MESSAGE_KINDS_END] = {0};
    unsigned count = turns();
    for (unsigned i = 0; i < count; i++) {
        struct turn turn = one_turn(banks, words, i + 1, carried);
        mask[i] = turn.mask;
        sum[i] = turn.sum;
        unmask[i] = turn.unmask;
        close[i] = turn.close;
        raw[i] = turn.keystream;
        check[i] = turn.check;
    }
    for (unsigned i = 0; i < count; i++) share[i] = check[i] / (mask[i] + check[i] + close[i]);
    print_share(banks, words, share, count);
    print("machine_node_input", banks, words, mask, raw, count, 0);
    print("machine_node_check", banks, words, check, NULL, count, 0);
    print("machine_coordinator_sum", banks, words, sum, NULL, count, 0);
    print("machine_coordinator_unmask", banks, words, unmask, raw, count, 0);
    print("machine_coordinator_round", banks, words, close, NULL, count, promised ? 0.3 : 0);
    print_bytes(banks, words, carried);
}

/* A node's part in provisioning an epoch, from JOINED to the last ACK. */
static void bench_setup(unsigned banks)
{
    double whole[TURNS_MOST], each[TURNS_MOST];
    unsigned count = turns();
    for (unsigned i = 0; i < count; i++) {
        struct cohort cohort;
        struct cohort_config config = {
            .banks = banks, .words = 8, .rounds = 1, .epoch_rounds = EPOCH_ROUNDS, .seed = i + 1};
        bench_need(cohort_init(&config, &cohort));
        cohort_lose(&cohort, MESSAGE_AWAIT, 0, true);
        cohort.clock = bench_cpu;
        bench_need(cohort_start_all(&cohort));
        bench_need(cohort_pump(&cohort));
        const double *spent = cohort.spent[1];
        if (!spent[MESSAGE_ACKS]) exit(1);
        whole[i] = spent[MESSAGE_JOINED] + spent[MESSAGE_P1S] + spent[MESSAGE_P2S] + spent[MESSAGE_ACKS];
        each[i] = whole[i] / EPOCH_ROUNDS;
        cohort_done(&cohort);
    }
    print("machine_setup_epoch", banks, EPOCH_ROUNDS, whole, NULL, count, 0);
    print("machine_setup_round", banks, EPOCH_ROUNDS, each, NULL, count, 0);
}

int main(void)
{
    static const unsigned banks[] = {5, 10, 50, 100};
    for (size_t i = 0; i < 4; i++) bench_setup(banks[i]);
    for (size_t i = 0; i < 4; i++) {
        bench_round(banks[i], 1000, false);
        bench_round(banks[i], 100000, banks[i] == 100);
        if (banks[i] <= 10) bench_round(banks[i], 1000000, false);
    }
    return 0;
}
