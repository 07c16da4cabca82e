#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/limits.h"
#include "sys/config.h"
#include "sys/file.h"
#include "tests/support/scratch.h"

static char directory[SCRATCH_MAX], path[FILE_PATH_MAX];

static void ok(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static int enter(void **state)
{
    (void)state;
    scratch_new(directory);
    return result_ok(file_path(directory, "node.yaml", path)) ? 0 : 1;
}

static int leave(void **state)
{
    (void)state;
    scratch_remove(directory);
    return 0;
}

static void write_config(const char *text)
{
    ok(file_write(path, view_text(text), 0600));
}

/* The file is refused on this line with this part of a sentence. */
static void refused(struct result result, unsigned line, const char *part)
{
    char place[FILE_PATH_MAX + 16];
    assert_int_equal(result.category, CATEGORY_USAGE);
    (void)snprintf(place, sizeof place, "%s:%u: ", path, line);
    if (strncmp(result_reason(), place, strlen(place)) != 0 || !strstr(result_reason(), part))
        fail_msg("\"%s\" is not \"%s... %s\"", result_reason(), place, part);
}

static void is_joined(const char *value, const char *name)
{
    char expected[FILE_PATH_MAX];
    ok(file_path(directory, name, expected));
    assert_string_equal(value, expected);
}

static void a_whole_node_configuration(void **state)
{
    (void)state;
    write_config("key: keys/node.key\n"
                 "roster: /etc/cofferdam/roster.note\n"
                 "state: state\n"
                 "policy: policy.yaml\n"
                 "log: debug\n"
                 "source:\n"
                 "  name: customers\n"
                 "  file: customers.csv\n"
                 "  delimiter: \";\"\n"
                 "  decimal: \",\"\n"
                 "  missing: [NA, \"\"]\n"
                 "  columns:\n"
                 "    - {plan: limit, column: LIMIT_BAL, factor: 1e-3}\n"
                 "    - plan: sex\n"
                 "      levels: [{from: m, to: \"1\"}, {from: \"\", to: \"2\"}]\n"
                 "  consent: {column: zustimmung, given: [ja, \"J\"]}\n"
                 "threads: 2\n");
    CLEANUP(config_node_freep) struct config_node *config = NULL;
    ok(config_node_load(path, &config));
    is_joined(config->key, "keys/node.key");
    assert_string_equal(config->roster, "/etc/cofferdam/roster.note");
    is_joined(config->state, "state");
    is_joined(config->policy, "policy.yaml");
    is_joined(config->source.file, "customers.csv");
    assert_string_equal(config->log, "debug");
    assert_int_equal(config->source.delimiter, ';');
    assert_int_equal(config->source.decimal, ',');
    assert_int_equal(config->source.missing_count, 2);
    assert_string_equal(config->source.missing[1], "");
    assert_int_equal(config->source.columns_count, 2);
    assert_string_equal(config->source.columns[0].column, "LIMIT_BAL");
    assert_true(config->source.columns[0].factor == 1e-3);
    assert_string_equal(config->source.columns[1].column, "sex");
    assert_true(config->source.columns[1].factor == 1);
    assert_int_equal(config->source.columns[1].levels_count, 2);
    assert_string_equal(config->source.columns[1].levels[1].from, "");
    assert_string_equal(config->source.columns[1].levels[1].to, "2");
    assert_string_equal(config->source.consent.column, "zustimmung");
    assert_int_equal(config->source.consent.given_count, 2);
    assert_string_equal(config->source.consent.given[1], "J");
    assert_int_equal(config->source.consent.separator, 0);
    assert_int_equal(config->threads, 2);
}

static const char node_begins[] = "key: k\nroster: r\nstate: s\npolicy: p\nsource: {name: n, file: f.csv}\n";

static struct result node_with(const char *line, struct config_node **ret)
{
    char text[256];
    (void)snprintf(text, sizeof text, "%s%s\n", node_begins, line);
    write_config(text);
    return config_node_load(path, ret);
}

static void console_is_of_this_machine(void **state)
{
    (void)state;
    CLEANUP(config_node_freep) struct config_node *config = NULL, *plain = NULL, *without = NULL, *bad = NULL;
    CLEANUP(config_coordinator_freep) struct config_coordinator *coordinator = NULL;
    ok(node_with("console: {address: \"127.0.0.2:9000\"}", &config));
    assert_string_equal(config->console.address, "127.0.0.2:9000");
    ok(node_with("console: {}", &plain));
    assert_string_equal(plain->console.address, "127.0.0.1:9465");
    ok(node_with("", &without));
    assert_null(without->console.address);
    refused(node_with("console: {address: \"0.0.0.0:9465\"}", &bad), 6, "must be a loopback address of this machine");
    refused(node_with("console: {address: \"[::]:9465\"}", &bad), 6, "must be a loopback address of this machine");
    refused(node_with("console: {address: \"bank.example:9465\"}", &bad), 6, "must be a loopback address");
    refused(node_with("console: {address: \"127.0.0.1:0\"}", &bad), 6, "must be a loopback address");
    write_config("key: k\nroster: r\nstate: s\nconsole: {address: \"[::1]:9465\"}\n");
    ok(config_coordinator_load(path, &coordinator));
    assert_string_equal(coordinator->console.address, "[::1]:9465");
}

static void metrics_and_log_format(void **state)
{
    (void)state;
    CLEANUP(config_node_freep) struct config_node *config = NULL, *plain = NULL, *without = NULL, *bad = NULL;
    CLEANUP(config_coordinator_freep) struct config_coordinator *coordinator = NULL;
    ok(node_with("metrics: {address: \"[::]:9000\"}\nlog_format: json", &config));
    assert_string_equal(config->metrics.address, "[::]:9000");
    assert_true(config->metrics.chosen && config->log_format == FORMAT_JSON);
    ok(node_with("metrics: {}\nlog_format: text", &plain));
    assert_string_equal(plain->metrics.address, "127.0.0.1:9464");
    assert_true(!plain->metrics.chosen && plain->log_format == FORMAT_TEXT);
    ok(node_with("", &without));
    assert_null(without->metrics.address);
    assert_int_equal(without->log_format, FORMAT_BY_PLACE);
    refused(node_with("metrics: {address: \"9464\"}", &bad), 6, "must be HOST:PORT");
    refused(node_with("metrics: {address: \"127.0.0.1:0\"}", &bad), 6, "must be HOST:PORT");
    refused(node_with("metrics: {port: 9464}", &bad), 6, "port");
    refused(node_with("log_format: xml", &bad), 6, "must be text or json");
    refused(node_with("metrics: {}\nconsole: {address: \"[::1]:9464\"}", &bad), 7,
            "listen, metrics and console need a port of their own each");
    write_config(
        "key: k\nroster: r\nstate: s\nlisten: tls+tcp://0.0.0.0:9465\nmetrics: {address: \"127.0.0.1:9465\"}\n");
    refused(config_coordinator_load(path, &coordinator), 5, "need a port of their own each");
    write_config("key: k\nroster: r\nstate: s\nmetrics: {address: \"localhost:9465\"}\nlog_format: json\n");
    ok(config_coordinator_load(path, &coordinator));
    assert_string_equal(coordinator->metrics.address, "localhost:9465");
    assert_int_equal(coordinator->log_format, FORMAT_JSON);
}

static void a_key_in_a_token_is_no_path(void **state)
{
    (void)state;
    static const char uri[] = "pkcs11:token=bank;object=node?module-path=/m.so";
    CLEANUP(config_node_freep) struct config_node *node = NULL;
    CLEANUP(config_coordinator_freep) struct config_coordinator *coordinator = NULL;
    write_config("key: pkcs11:token=bank;object=node?module-path=/m.so\nroster: r\nstate: s\npolicy: p\n"
                 "source: {name: n, file: f.csv}\n");
    ok(config_node_load(path, &node));
    assert_string_equal(node->key, uri);
    write_config("key: \"pkcs11:token=bank;object=node?module-path=/m.so\"\nroster: r\nstate: s\n");
    ok(config_coordinator_load(path, &coordinator));
    assert_string_equal(coordinator->key, uri);
}

static void what_is_left_out_has_its_default(void **state)
{
    (void)state;
    write_config("key: k\nroster: r\nstate: s\npolicy: p\nsource: {name: n, file: f.csv}\n");
    CLEANUP(config_node_freep) struct config_node *config = NULL;
    ok(config_node_load(path, &config));
    assert_string_equal(config->log, "info");
    assert_int_equal(config->source.delimiter, ',');
    assert_int_equal(config->source.decimal, '.');
    assert_null(config->source.consent.column);
    assert_int_equal(config->threads, 1);
    CLEANUP(config_coordinator_freep) struct config_coordinator *coordinator = NULL;
    write_config("key: k\nroster: r\nstate: s\n");
    ok(config_coordinator_load(path, &coordinator));
    assert_null(coordinator->listen);
    assert_string_equal(coordinator->log, "info");
    assert_int_equal(coordinator->patience_seconds, 0);
}

#define DATABASE "key: k\nroster: r\npolicy: p\nstate: s\nsource:\n  name: n\n  odbc:\n"
#define SOURCE "key: k\nroster: r\nstate: s\npolicy: p\nsource:\n  name: n\n  file: f\n" /* seven lines */
#define NODE "key: k\nroster: r\nstate: s\npolicy: p\nsource: {name: n, file: f.csv}\n"  /* five lines */

struct mistake {
    const char *text;
    unsigned line;
    const char *part;
};

static void told(const struct mistake *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct config_node *config = NULL;
        write_config(cases[i].text);
        refused(config_node_load(path, &config), cases[i].line, cases[i].part);
        assert_null(config);
    }
}

static void each_mistake_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {NODE "colour: blue\n", 6, "\"colour\" is not known here; see docs/operators.md"},
        {NODE "key: again\n", 6, "twice"},
        {"key: k\nroster: r\nsource: {name: n, file: f.csv}\n", 1, "\"state\" is missing"},
        {NODE "---\nkey: other\n", 6, "second document"},
        {NODE "threads: two\n", 6, "whole number from 1 to 256"},
        {NODE "threads: 1.5\n", 6, "whole number"},
        {NODE "threads: 0\n", 6, "whole number"},
        {NODE "threads: 99999999999999999999\n", 6, "whole number"},
        {NODE "threads: [1]\n", 6, "single value"},
        {NODE "log: loud\n", 6, "debug, info, warning or error"},
        {NODE "allow: []\n", 6,
         "\"allow\": stands in the policy now, the file that the key \"policy\" names, as approve"},
        {NODE "cohort_minimum: 3\n", 6, "as cohort.minimum; move it there"},
        {NODE "approve_cohort_change: [x]\n", 6, "as cohort.changes; move it there"},
        {"key: k\nroster: r\nstate: s\ncohort_minimum: 3\nsource: {name: n, file: f.csv}\n", 4, "stands in the policy"},
        {"key: k\nroster: r\nstate: s\nsource: {name: n, file: f.csv}\n", 1, "\"policy\" is missing; add it"},
        {"key: k\nroster: r\nstate: s\nsource: csv\n", 4, "keys of its own"},
        {"key: k\nroster: r\npolicy: p\nstate: s\nsource:\n  name: n\n  file: f\n  delimiter: ab\n", 8, "one of these"},
        {"key: k\nroster: r\npolicy: p\nstate: s\nsource:\n  name: n\n  file: f\n  decimal: \",\"\n", 8,
         "delimiter as well"},
        {"key: k\nroster: r\npolicy: p\nstate: s\nsource:\n  name: n\n  file: f\n  columns:\n  - {plan: a, factor: "
         "1.5abc}\n",
         9, "a number other than 0"},
        {"key: k\nroster: r\npolicy: p\nstate: s\nsource:\n  name: n\n  file: f\n  columns:\n  - {plan: a, factor: "
         "nan}\n",
         9, "a number other than 0"},
        {"key: k\nroster: r\npolicy: p\nstate: s\nsource:\n  name: n\n  file: f\n  columns:\n  - {plan: a}\n  - {plan: "
         "a}\n",
         10, "\"a\" stands here twice"},
        {"key: k\nroster: r\npolicy: p\nstate: s\nsource:\n  name: n\n  file: f\n  columns:\n  - plan: a\n    levels:\n"
         "    - {from: m, to: x}\n    - {from: m, to: y}\n",
         12, "\"m\" stands here twice"},
        {SOURCE "  consent: {given: [ja]}\n", 8, "\"column\" is missing"},
        {SOURCE "  consent:\n    column: c\n", 8, "what stands between them (separator)"},
        {SOURCE "  consent: {column: c, given: [ja], separator: \";\"}\n", 8, "either the values that mean consent"},
        {SOURCE "  consent: {column: c, given: []}\n", 8, "either the values that mean consent"},
        {SOURCE "  consent:\n    column: c\n    separator: and\n", 10, "one of these characters"},
        {SOURCE "  consent:\n    column: c\n    given:\n    - ja\n    - \"\"\n", 12, "means that there is no value"},
        {SOURCE "  missing: [NA]\n  consent:\n    column: c\n    given:\n    - NA\n", 12, "and so no consent"},
        {SOURCE "  consent:\n    column: c\n    given: [ja]\n    purpose: x\n", 11, "\"purpose\" is not known here"},
        {"key: k\nroster: r\nstate: s\npolicy: p\nsource: {name: n}\n", 5, "\"file\" is missing; add it, or \"odbc\""},
        {"key: \"unclosed\nroster: r\n", 3, "not well-formed YAML"},
        {"", 1, "empty"},
    };
    told(cases, sizeof cases / sizeof *cases);
    struct config_coordinator *coordinator = NULL;
    write_config("key: k\nroster: r\nstate: s\nlisten: 0.0.0.0:7000\n");
    refused(config_coordinator_load(path, &coordinator), 4, "tls+tcp://host:port");
    write_config("key: k\nroster: r\nstate: s\npatience_seconds: -1\n");
    refused(config_coordinator_load(path, &coordinator), 4, "whole number");
    assert_null(coordinator);
}

static void each_mistake_of_a_database_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {DATABASE "    dsn: d\n    table: t\n  file: f.csv\n", 7, "give either file or odbc"},
        {DATABASE "    table: t\n", 7, "give either dsn, a name in odbc.ini, or connection"},
        {DATABASE "    dsn: d\n    connection: Driver=x\n    table: t\n", 7, "give either dsn"},
        {DATABASE "    dsn: d\n", 7, "give either table or query"},
        {DATABASE "    dsn: d\n    table: t\n    query: SELECT 1\n", 7, "give either table or query"},
        {DATABASE "    table: t\n    connection: Driver=x;Pwd=geheim\n", 9, "has no place here"},
        {DATABASE "    table: t\n    connection: Driver=x;pqopt={a=b password = geheim}\n", 9, "has no place here"},
        {DATABASE "    table: t\n    dsn: d;UID=x\n", 9, "must be a name of letters"},
        {DATABASE "    dsn: d\n    table: t; DROP TABLE t\n", 9, "a name like schema.table"},
        {DATABASE "    dsn: d\n    query: DELETE FROM t\n", 9, "must begin with SELECT or WITH"},
        {DATABASE "    dsn: d\n    query: SELECT 1; DROP TABLE t\n", 9, "must be one statement"},
        {DATABASE "    dsn: d\n    table: t\n    credentials: c\n    environment: {password: P}\n", 10,
         "either credentials, a file, or environment"},
        {DATABASE "    dsn: d\n    table: t\n    environment: {user: U}\n", 10, "\"password\" is missing"},
        {DATABASE "    dsn: d\n    table: t\n  decimal: \",\"\n", 10, "is for files"},
        {DATABASE "    dsn: d\n    table: t\n  execute: there\n", 10, "must be memory or pushdown"},
        {SOURCE "  execute: pushdown\n", 8, "pushdown is for a database; give odbc instead of file"},
        {DATABASE "    dsn: d\n    table: t\n    schema: s\n", 10, "add execute: pushdown"},
        {DATABASE "    dsn: d\n    table: t\n    schema: s\n  execute: memory\n", 10, "add execute: pushdown"},
        {DATABASE "    dsn: d\n    table: t\n    schema: 's\"; DROP TABLE t'\n  execute: pushdown\n", 10,
         "a name of letters, digits and _"},
        {DATABASE "    dsn: d\n    table: t\n    schema: a.b\n  execute: pushdown\n", 10,
         "a name of letters, digits and _"},
        {DATABASE "    dsn: d\n    table: t\n  execute: pushdown\n  key: k\n  join:\n  - name: a\n    key: k\n    "
                  "odbc:\n      dsn: d\n      table: t\n      schema: s\n",
         18, "stands with the first source alone"},
    };
    told(cases, sizeof cases / sizeof *cases);
}

#define JOINED "key: k\nroster: r\nstate: s\npolicy: p\nsource:\n  name: core\n  file: core.csv\n"

static void sources_that_are_joined(void **state)
{
    (void)state;
    write_config(JOINED "  key: id\n  join:\n  - {name: crm, file: crm.csv, key: nr, delimiter: \";\", decimal: \",\", "
                        "missing: [NA]}\n"
                        "  - {name: desk, key: id, required: true, odbc: {dsn: d, table: t, credentials: secret}}\n");
    CLEANUP(config_node_freep) struct config_node *config = NULL;
    ok(config_node_load(path, &config));
    const struct config_source *source = &config->source, *crm = &source->joined[0], *desk = &source->joined[1];
    assert_string_equal(source->key, "id");
    assert_int_equal(source->joined_count, 2);
    assert_string_equal(crm->name, "crm");
    assert_string_equal(crm->key, "nr");
    is_joined(crm->file, "crm.csv");
    assert_int_equal(crm->delimiter, ';');
    assert_int_equal(crm->decimal, ',');
    assert_int_equal(crm->missing_count, 1);
    assert_false(crm->required);
    assert_true(desk->required);
    assert_string_equal(desk->odbc->table, "t");
    is_joined(desk->odbc->credentials, "secret");
    assert_int_equal(desk->delimiter, ',');
}

static void each_mistake_of_a_join_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {JOINED "  key: id\n", 8, "\"join\" is missing"},
        {JOINED "  join:\n  - {name: a, file: f, key: k}\n", 8, "\"key\" is missing beside it"},
        {JOINED "  key: id\n  join:\n  - name: core\n    file: f\n    key: k\n", 10, "another source has this name"},
        {JOINED "  key: id\n  join:\n  - {name: a, file: f, key: k}\n  - name: a\n    file: f\n    key: k\n", 11,
         "another source has this name"},
        {JOINED "  key: id\n  join:\n  - name: a\n    key: k\n", 10, "\"source.join.0.file\": is missing"},
        {JOINED "  key: id\n  join:\n  - name: a\n    file: f\n    key: k\n    required: ja\n", 13,
         "must be true or false"},
        {JOINED "  key: id\n  join:\n  - name: a\n    file: f\n    key: k\n    delimiter: \"x\"\n", 13,
         "\"source.join.0.delimiter\": must be one of these characters"},
        {JOINED "  key: id\n  join:\n  - name: a\n    key: k\n    odbc:\n      dsn: d\n      table: a b\n", 14,
         "\"source.join.0.odbc.table\": must be a name"},
        {JOINED "  key: id\n  join:\n  - name: a\n    file: f\n", 10, "\"key\" is missing"},
        {JOINED "  key: id\n  join:\n  - name: a\n    file: f\n    key: k\n    columns: []\n", 13, "not known here"},
    };
    told(cases, sizeof cases / sizeof *cases);
    struct config_source *none = NULL;
    write_config("source:\n  key: id\n  join: [{name: a, file: f, key: k}]\n");
    refused(config_source_load(path, &none), 2, "not known here");
    assert_null(none);
}

static void a_missing_file_is_the_environments_fault(void **state)
{
    (void)state;
    struct config_node *config = NULL;
    assert_int_equal(config_node_load(path, &config).category, CATEGORY_ENVIRONMENT);
    assert_non_null(strstr(result_reason(), "node.yaml: No such file or directory; name the configuration"));
    assert_int_equal(config_node_load(directory, &config).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "not a regular file"));
}

/* A mapping is a node's source without its name and file. */
static void a_mapping_alone(void **state)
{
    (void)state;
    write_config("source:\n  delimiter: \"|\"\n  columns: [{plan: sex, levels: [{from: m, to: \"1\"}]}]\n");
    CLEANUP(config_source_freep) struct config_source *config = NULL;
    ok(config_source_load(path, &config));
    assert_null(config->name);
    assert_null(config->file);
    assert_int_equal(config->delimiter, '|');
    assert_string_equal(config->columns[0].levels[0].to, "1");
    CLEANUP(config_source_freep) struct config_source *consent = NULL;
    write_config("source:\n  consent: {column: purposes, separator: \";\"}\n");
    ok(config_source_load(path, &consent));
    assert_string_equal(consent->consent.column, "purposes");
    assert_int_equal(consent->consent.separator, ';');
    assert_int_equal(consent->consent.given_count, 0);
    struct config_source *none = NULL;
    write_config("source:\n  delimiter: \"|\"\n  separator: \"|\"\n");
    refused(config_source_load(path, &none), 3, "separator");
    write_config("source: {columns: [{plan: sex}, {plan: sex}]}\n");
    refused(config_source_load(path, &none), 1, "twice");
    write_config(NODE);
    refused(config_source_load(path, &none), 1, "key");
    assert_null(none);
}

static void a_database_in_place_of_a_file(void **state)
{
    (void)state;
    write_config(DATABASE "    dsn: risk warehouse\n    table: risk.customers\n    credentials: db.secret\n");
    CLEANUP(config_node_freep) struct config_node *config = NULL, *other = NULL;
    ok(config_node_load(path, &config));
    assert_null(config->source.file);
    assert_string_equal(config->source.odbc->dsn, "risk warehouse");
    assert_string_equal(config->source.odbc->table, "risk.customers");
    is_joined(config->source.odbc->credentials, "db.secret");
    write_config(
        DATABASE
        "    connection: Driver=SQLite3;Database=/srv/compass/x.db\n    query: \"WITH a AS (SELECT 1) SELECT * "
        "FROM a; \"\n    environment: {user: DB_USER, password: DB_PASSWORD}\n");
    ok(config_node_load(path, &other));
    assert_string_equal(other->source.odbc->connection, "Driver=SQLite3;Database=/srv/compass/x.db");
    assert_string_equal(other->source.odbc->user_variable, "DB_USER");
    assert_string_equal(other->source.odbc->password_variable, "DB_PASSWORD");
    assert_null(other->source.odbc->credentials);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_whole_node_configuration, enter, leave),
        cmocka_unit_test_setup_teardown(a_key_in_a_token_is_no_path, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_left_out_has_its_default, enter, leave),
        cmocka_unit_test_setup_teardown(sources_that_are_joined, enter, leave),
        cmocka_unit_test_setup_teardown(each_mistake_of_a_join_is_told_with_its_line, enter, leave),
        cmocka_unit_test_setup_teardown(console_is_of_this_machine, enter, leave),
        cmocka_unit_test_setup_teardown(metrics_and_log_format, enter, leave),
        cmocka_unit_test_setup_teardown(a_mapping_alone, enter, leave),
        cmocka_unit_test_setup_teardown(a_database_in_place_of_a_file, enter, leave),
        cmocka_unit_test_setup_teardown(each_mistake_is_told_with_its_line, enter, leave),
        cmocka_unit_test_setup_teardown(each_mistake_of_a_database_is_told_with_its_line, enter, leave),
        cmocka_unit_test_setup_teardown(a_missing_file_is_the_environments_fault, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
