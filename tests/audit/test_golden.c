/* Bundles of earlier versions hold with this one: what was computed then is computed again, to the last byte of the
 * model. A golden bundle is never made anew; a version that reads another form, or computes otherwise, keeps what these
 * need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "crypto/secret.h"
#include "tests/support/memory_bundle.h"
#include "tests/support/ok.h"

static const struct golden {
    const char *name, *roster, *model;
    uint64_t entries, signatures, steps;
    unsigned version, approvals; /* of the protocol; officers' of the second bank */
} goldens[] = {
    /* 0.1.0: three banks of 60 rows, simulated */
    {"logistic", "7405ed830082e62c950fee304bdef5aedb563081e066474adfadd79650957dfc",
     "a83a8432783eca5ea2d51f558886a76ab50a1116df63affc562de4b7a58b41a0", 186, 237, 15, 1, 0},
    {"statistics", "195444b4abb9768ebe6489ff210894316659ba6dd7f2e3a0debdda09209f9343",
     "993b88ef513a1076293e3123ec1d2bbee028dd89e82021b404a3a5362cf58fa6", 42, 57, 3, 1, 0},
    {"scorecard", "f4b47293703d9d509ad305de4100c3904209769b4519f894ff5eb63e8ed12790",
     "23ccf57586eee8f0d80d939feea447fd151713c5397680a25984759c4b0d46c0", 212, 273, 17, 1, 0},
    {"evaluate", "7071841e213ba0ef49ab3df8a3ce2fb1516b3b0aa688d2bc08fcac8a2f0b8cc4",
     "88885fb460f39674467cdfbea17a1026f72aeef830dac8cf5b05ac5952b7c873", 126, 162, 10, 1, 0},
    /* three daemons, an officer at one of them */
    {"approved", "97ecc35f0769eae52fb5ce3d649585573de2da8bc52e36c1eae309867bea5ab1",
     "c1354fa46eb3b7c43c103b34bb9a1b82f56a518851072921c1689affa1155994", 42, 58, 3, 2, 1},
};

static void read_golden(const char *name, struct buffer *out)
{
    char path[128];
    uint8_t piece[4096];
    size_t got;
    (void)snprintf(path, sizeof path, "tests/audit/golden/%s.cfd", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    while ((got = fread(piece, 1, sizeof piece, file)) > 0) OK(buffer_append(out, view_of(piece, got)));
    assert_int_equal(fclose(file), 0);
}

static void assert_holds(const struct golden *golden)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    CLEANUP(replay_freep) struct replay *replay = NULL;
    struct memory_bundle memory;
    struct hash roster, model;
    read_golden(golden->name, &bytes);
    OK(bytes_unhex(view_text(golden->roster), roster.bytes, HASH_BYTES));
    OK(bytes_unhex(view_text(golden->model), model.bytes, HASH_BYTES));
    const struct bundle_source source = memory_source(&memory, buffer_view(&bytes));
    OK(replay_bundle(&source, &roster, NULL, &replay));
    assert_int_equal(replay->stage, REPLAY_DONE);
    assert_true(hash_equal(&replay->model_hash, &model));
    assert_int_equal(replay->counts.entries, golden->entries);
    assert_int_equal(replay->counts.signatures, golden->signatures);
    assert_int_equal(replay->counts.steps, golden->steps);
    assert_int_equal(replay->submission.terms.version, golden->version);
    for (unsigned j = 1; j <= 3; j++) assert_int_equal(replay->approvals[j].count, j == 2 ? golden->approvals : 0);
}

static void each_holds(void **state)
{
    (void)state;
    OK(crypto_start());
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) assert_holds(&goldens[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
