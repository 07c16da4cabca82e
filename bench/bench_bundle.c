/* What a run's bundle takes: its size for each round and bank, and the time to replay it, against hashing its bytes
 * once and against verifying as many signatures as are in it. A replay hashes every masked input, derives and takes off
 * the masks, adds up, and hashes the sum. The large run takes minutes and 4 GB to make: with
 * BENCH_BUNDLE_LARGE=1 only. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "tests/support/small_run.h"

static double hashing(const struct small_run *run)
{
    struct hash hash;
    double began = bench_cpu();
    bench_need(hash_bytes(NULL, buffer_view(&run->bundle), &hash));
    return bench_cpu() - began;
}

static double signatures(uint64_t count)
{
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    CLEANUP(secret_freep) struct secret *seed = NULL;
    struct signature signature;
    static const uint8_t bytes[200] = {1};
    const struct view message = view_of(bytes, sizeof bytes);
    bench_need(secret_from(view_of(bytes, SIGN_SEED_BYTES), &seed));
    bench_need(sign_key_from_seed(seed, &key));
    bench_need(sign_bytes(key, "bench", message, &signature));
    double began = bench_cpu();
    for (uint64_t i = 0; i < count; i++) bench_need(sign_verify(sign_key_public(key), "bench", message, &signature));
    return bench_cpu() - began;
}

static double replaying(struct small_run *run, uint64_t *ret_signatures)
{
    struct memory_bundle memory;
    const struct bundle_source source = memory_source(&memory, buffer_view(&run->bundle));
    const struct replay_observer observer = small_run_observer(run);
    struct replay *replay = NULL;
    double began = bench_cpu();
    bench_need(replay_bundle(&source, NULL, &observer, &replay));
    double taken = bench_cpu() - began;
    *ret_signatures = replay->counts.signatures;
    replay_free(replay);
    return taken;
}

static void line(const char *what, const struct small_run_config *config, struct bench_line line)
{
    char name[96];
    (void)snprintf(name, sizeof name, "bundle_%s_%ux%llux%u", what, config->banks, (unsigned long long)config->words,
                   config->rounds);
    line.name = name;
    bench_print(&line);
}

/* banks × numbers × rounds. The limits are on what the run is made of: its bytes, or its signatures. */
static void bench_run(const struct small_run_config *config, unsigned turns)
{
    struct small_run *run = small_run_new(config);
    double time[BENCH_TURNS], against_hash[BENCH_TURNS], against_signatures[BENCH_TURNS];
    for (unsigned i = 0; i < turns; i++) {
        uint64_t count = 0;
        time[i] = replaying(run, &count);
        against_hash[i] = time[i] / hashing(run);
        against_signatures[i] = time[i] / signatures(count);
    }
    double bytes = (double)run->bundle.length;
    bool large = bytes > 1e8;
    line("bytes", config, (struct bench_line){.value = bytes, .unit = "bytes"});
    line("bytes_each", config,
         (struct bench_line){.value = bytes / config->rounds / config->banks, .unit = "bytes a round and bank"});
    line("replay", config,
         (struct bench_line){.value = bench_median(time, turns),
                             .unit = "s",
                             .against = large ? "SHA-256 over the bundle once" : "verifying its signatures",
                             .ratio = bench_median(large ? against_hash : against_signatures, turns),
                             .limit = 2,
                             .sense = "max"});
    small_run_free(run);
}

int main(void)
{
    bench_run(&(struct small_run_config){.banks = 5, .words = 1000, .rounds = 10, .epoch_rounds = 16}, BENCH_TURNS);
    if (!getenv("BENCH_BUNDLE_LARGE")) return 0;
    bench_run(&(struct small_run_config){.banks = 100, .words = 1000000, .rounds = 1, .epoch_rounds = 1}, 3);
    return 0;
}
