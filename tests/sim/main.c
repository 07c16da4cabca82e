/* The deterministic simulator: a seed is a consortium, its plan and everything that goes wrong in its world.
 *
 *   sim                        seeds 1 to 500
 *   sim --seeds 7 --count 1    seed 7 alone; --trace tells all that happens
 *   sim --seconds 600          as many as there is time for
 *
 * Exit 1 at the first seed under which something does not hold, with the line that runs it again.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"
#include "tests/sim/sim.h"

enum { JOBS_MAX = 64 };

struct options {
    uint64_t first, count, seconds;
    unsigned jobs;
    bool trace;
    const char *program;
};

static int fail(const struct options *options, uint64_t seed)
{
    fflush(stdout);
    fprintf(stderr, "seed %llu: %s\nrun it again: %s --seeds %llu --count 1 --trace\n", (unsigned long long)seed,
            result_reason(), options->program, (unsigned long long)seed);
    return 1;
}

/* Every jobs-th seed from the job's own on. The tally goes through the pipe at the end. */
static int work(const struct options *options, unsigned job, int pipe_end)
{
    struct sim_tally tally = {0};
    uint64_t began = clock_monotonic_ms();
    int status = 0;
    for (uint64_t k = job; status == 0; k += options->jobs) {
        if (options->seconds ? clock_monotonic_ms() - began >= options->seconds * 1000 : k >= options->count) break;
        if (!result_ok(sim_run(options->first + k, options->trace, &tally))) status = fail(options, options->first + k);
    }
    bool sent = write(pipe_end, &tally, sizeof tally) == (ssize_t)sizeof tally;
    return sent ? status : 3;
}

static void report(const struct sim_tally *tally, uint64_t milliseconds)
{
    printf("%llu seeds, %llu runs finished, %llu ended for a named reason, %llu with a cheating coordinator; %llu "
           "replayed from their bundles\n",
           (unsigned long long)tally->seeds, (unsigned long long)tally->finished, (unsigned long long)tally->ended,
           (unsigned long long)tally->cheated, (unsigned long long)tally->replayed);
    printf("%llu sums closed, %llu releases, %llu rounds voided, %llu messages refused, %llu cheats, %llu files of "
           "evidence that prove one, %llu statements\n",
           (unsigned long long)tally->rounds, (unsigned long long)tally->released, (unsigned long long)tally->voided,
           (unsigned long long)tally->refused, (unsigned long long)tally->cheats, (unsigned long long)tally->proven,
           (unsigned long long)tally->stated);
    for (int kind = 0; kind < FAULT_KINDS; kind++)
        printf("%s%llu %s", kind ? ", " : "", (unsigned long long)tally->faults[kind], fault_names[kind]);
    printf("\n%.1f s: %.0f simulated rounds an hour\n", (double)milliseconds / 1000,
           (double)tally->rounds * 3600000 / (double)(milliseconds + 1));
}

static int judge(pid_t child, int status)
{
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    fprintf(stderr, "job %d was killed by signal %d\n", (int)child, WTERMSIG(status));
    return 3;
}

/* Once one job has found something, the others may stop. */
static int wait_for(pid_t *children, unsigned count)
{
    int worst = 0;
    for (unsigned left = count; left > 0; left--) {
        int status;
        pid_t child = wait(&status);
        if (worst != 0) continue;
        worst = judge(child, status);
        for (unsigned i = 0; worst != 0 && i < count; i++)
            if (children[i] != child) (void)kill(children[i], SIGKILL);
    }
    return worst;
}

static int run(const struct options *options)
{
    pid_t children[JOBS_MAX];
    int pipes[2];
    if (pipe(pipes) != 0) return 3;
    uint64_t began = clock_monotonic_ms();
    for (unsigned job = 0; job < options->jobs; job++) {
        children[job] = fork();
        if (children[job] < 0) return 3;
        if (children[job] == 0) exit(work(options, job, pipes[1]));
    }
    close(pipes[1]);
    int worst = wait_for(children, options->jobs);
    struct sim_tally sum = {0}, one;
    while (read(pipes[0], &one, sizeof one) == (ssize_t)sizeof one) sim_add(&sum, &one);
    close(pipes[0]);
    report(&sum, clock_monotonic_ms() - began);
    return worst;
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"seeds", required_argument, NULL, 'f'},   {"count", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'}, {"jobs", required_argument, NULL, 'j'},
        {"trace", no_argument, NULL, 't'},         {0}};
    struct options options = {.first = 1, .count = 500, .jobs = 2, .program = argv[0]};
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;
        if (option == 'f') options.first = number;
        if (option == 'c') options.count = number;
        if (option == 's') options.seconds = number;
        if (option == 'j') options.jobs = (unsigned)number;
        if (option == 't') options.trace = true;
        if (option == '?') return 2;
    }
    if (options.trace || options.count == 1) options.jobs = 1;
    if (options.jobs < 1 || options.jobs > JOBS_MAX) return 2;
    return run(&options);
}
