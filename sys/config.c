#include "sys/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/limits.h"
#include "crypto/base/text.h"
#include "sys/config_raw.h"
#include "sys/config_served.h"
#include "sys/config_text.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/token.h"

enum {
    CONFIG_MAX = 1 << 20,
    THREADS_MAX = 256,
    PATIENCE_MAX_SECONDS = 7 * 24 * 3600,
    PATH_BYTES = 128, /* of a key with the keys around it, "source.columns.999.levels.999.from" */
};

struct file {
    const char *path;
    const char *at; /* the source that is being read: "source", or "source.join.0" */
    struct buffer bytes;
    struct document document;
    void *raw;
    const cyaml_schema_value_t *schema;
};

static void file_done(struct file *file)
{
    document_free(file->schema, file->raw);
    buffer_done(&file->bytes);
}

static struct result file_load(struct file *file)
{
    TRY(file_read(file->path, CONFIG_MAX, &file->bytes));
    file->document = (struct document){buffer_view(&file->bytes), file->path, "docs/operators.md"};
    return document_load(&file->document, file->schema, &file->raw);
}

/* --- single values --- */

/* A copy, or the other text's copy where the file has none; NULL for neither. */
static struct result copy(const char *text, const char *otherwise, char **ret)
{
    if (!text) text = otherwise;
    if (!text) return RESULT_OK;
    *ret = strdup(text);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "out of memory for a configuration");
    return RESULT_OK;
}

/* A path in the file counts from the file's own directory. */
static struct result copy_path(const struct file *file, const char *text, char **ret)
{
    const char *slash = strrchr(file->path, '/');
    if (*text == '/' || !slash) return copy(text, NULL, ret);
    char joined[FILE_PATH_MAX];
    int length = snprintf(joined, sizeof joined, "%.*s/%s", (int)(slash - file->path), file->path, text);
    ENSURE(length > 0 && length < FILE_PATH_MAX, CATEGORY_USAGE, "%s: a path in it is longer than %d bytes", file->path,
           FILE_PATH_MAX - 1);
    return copy(joined, NULL, ret);
}

/* The daemon's own key: in a token; or systemd's credential of the file's name, where the service was given one. */
static struct result copy_key(const struct file *file, const char *text, char **ret)
{
    if (token_is_uri(text)) return copy(text, NULL, ret);
    const char *directory = getenv("CREDENTIALS_DIRECTORY"), *slash = strrchr(text, '/');
    char path[FILE_PATH_MAX];
    if (directory && result_ok(file_path(directory, slash ? slash + 1 : text, path)) && file_exists(path))
        return copy(path, NULL, ret);
    return copy_path(file, text, ret);
}

static struct result copy_log(const struct file *file, const char *text, char **ret)
{
    enum log_level level;
    if (text && !result_ok(log_level_parse(text, &level)))
        return document_fail(&file->document, "log", "key \"log\": must be debug, info, warning or error");
    return copy(text, "info", ret);
}

static struct result log_format(const struct file *file, const char *text, enum log_format *ret)
{
    bool as_json = text && strcmp(text, "json") == 0;
    if (text && !as_json && strcmp(text, "text") != 0)
        return document_fail(&file->document, "log_format", "key \"log_format\": must be text or json");
    *ret = !text ? FORMAT_BY_PLACE : as_json ? FORMAT_JSON : FORMAT_TEXT;
    return RESULT_OK;
}

static struct result whole(const struct file *file, const char *key, const char *text, uint32_t least, uint32_t most,
                           uint32_t otherwise, uint32_t *ret)
{
    uint64_t value = otherwise;
    if (text && (!text_whole(text, &value) || value < least || value > most))
        return document_fail(&file->document, key, "key \"%s\": must be a whole number from %u to %u", key, least,
                             most);
    *ret = (uint32_t)value;
    return RESULT_OK;
}

/* A key of the source that is being read. */
static struct result fail_source(const struct file *file, const char *key, const char *why)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s.%s", file->at, key);
    return document_fail(&file->document, path, "key \"%s\": %s", path, why);
}

/* One character that can stand between fields or in a number. */
static struct result character(const struct file *file, const char *key, const char *text, const char *allowed,
                               char otherwise, char *ret)
{
    *ret = text ? text[0] : otherwise;
    if (text && (strlen(text) != 1 || !strchr(allowed, text[0])))
        return document_fail(&file->document, key, "key \"%s\": must be one of these characters, in quotes: %s", key,
                             strcmp(allowed, ".,") == 0 ? ". ," : ", ; | : and \"\\t\" for a tab");
    return RESULT_OK;
}

static struct result array(size_t count, size_t size, void *ret)
{
    void *memory = calloc(count ? count : 1, size);
    ENSURE(memory, CATEGORY_ENVIRONMENT, "out of memory for a configuration");
    memcpy(ret, &memory, sizeof memory);
    return RESULT_OK;
}

/* --- the coordinator's --- */

static struct result coordinator_from(const struct file *file, struct config_coordinator *config)
{
    const struct raw_coordinator *raw = file->raw;
    TRY(copy_key(file, raw->key, &config->key));
    TRY(copy_path(file, raw->roster, &config->roster));
    TRY(copy_path(file, raw->state, &config->state));
    TRY(copy(raw->listen, NULL, &config->listen));
    if (raw->listen && strncmp(raw->listen, "tls+tcp://", 10) != 0)
        return document_fail(&file->document, "listen", "key \"listen\": must look like tls+tcp://host:port");
    TRY(copy_log(file, raw->log, &config->log));
    TRY(log_format(file, raw->log_format, &config->log_format));
    TRY(config_served(&file->document, raw->metrics, raw->console, raw->listen, &config->metrics, &config->console));
    return whole(file, "patience_seconds", raw->patience_seconds, 1, PATIENCE_MAX_SECONDS, 0,
                 &config->patience_seconds);
}

struct result config_coordinator_load(const char *path, struct config_coordinator **ret)
{
    CLEANUP(file_done) struct file file = {.path = path, .at = "source", .schema = &config_raw_coordinator};
    CLEANUP(config_coordinator_freep) struct config_coordinator *config = NULL;
    TRY(file_needed(path, "name the configuration or its folder; cofferdam-coordinator init writes one to begin with"));
    TRY(file_load(&file));
    TRY(array(1, sizeof *config, (void *)&config));
    TRY(coordinator_from(&file, config));
    *ret = config;
    config = NULL;
    return RESULT_OK;
}

void config_coordinator_free(struct config_coordinator *config)
{
    if (!config) return;
    free(config->key);
    free(config->roster);
    free(config->listen);
    free(config->state);
    free(config->log);
    free(config->metrics.address);
    free(config->console.address);
    free(config);
}

void config_coordinator_freep(struct config_coordinator **config)
{
    config_coordinator_free(*config);
    *config = NULL;
}

/* --- a node's --- */

static struct result level_from(const struct file *file, const struct raw_column *raw, unsigned i,
                                const char *column_key, struct config_column *config)
{
    char key[PATH_BYTES];
    (void)snprintf(key, sizeof key, "%s.levels.%u", column_key, i);
    for (unsigned k = 0; k < i; k++)
        if (strcmp(raw->levels[k].from, raw->levels[i].from) == 0)
            return document_fail(&file->document, key, "key \"%s\": level \"%.64s\" stands here twice; keep one", key,
                                 raw->levels[i].from);
    TRY(copy(raw->levels[i].from, NULL, &config->levels[i].from));
    return copy(raw->levels[i].to, NULL, &config->levels[i].to);
}

static struct result column_from(const struct file *file, const struct raw_source *raw, unsigned i,
                                 struct config_column *config)
{
    const struct raw_column *column = &raw->columns[i];
    char key[PATH_BYTES / 2], factor_key[PATH_BYTES];
    (void)snprintf(key, sizeof key, "source.columns.%u", i);
    (void)snprintf(factor_key, sizeof factor_key, "source.columns.%u.factor", i);
    for (unsigned k = 0; k < i; k++)
        if (strcmp(raw->columns[k].plan, column->plan) == 0)
            return document_fail(&file->document, key, "key \"%s\": column \"%s\" stands here twice; keep one", key,
                                 column->plan);
    config->factor = 1;
    if (column->factor && (!text_number(column->factor, &config->factor) || config->factor == 0))
        return document_fail(&file->document, factor_key, "key \"%s\": must be a number other than 0", factor_key);
    TRY(copy(column->plan, NULL, &config->plan));
    TRY(copy(column->column, column->plan, &config->column));
    TRY(array(column->levels_count, sizeof *config->levels, (void *)&config->levels));
    config->levels_count = column->levels_count;
    for (unsigned k = 0; k < column->levels_count; k++) TRY(level_from(file, column, k, key, config));
    return RESULT_OK;
}

/* A value that means consent is one that a field can have, and not one that means that there is none. */
static struct result given_from(const struct file *file, const struct raw_source *raw, unsigned i,
                                struct config_consent *config)
{
    char key[PATH_BYTES];
    const char *given = raw->consent->given[i];
    bool missing = *given == 0;
    (void)snprintf(key, sizeof key, "source.consent.given.%u", i);
    for (unsigned k = 0; k < raw->missing_count; k++) missing = missing || strcmp(raw->missing[k], given) == 0;
    if (missing)
        return document_fail(&file->document, key,
                             "key \"%s\": \"%.64s\" means that there is no value, and so no consent; name another", key,
                             given);
    return copy(given, NULL, &config->given[i]);
}

static struct result consent_from(const struct file *file, const struct raw_source *raw, struct config_consent *config)
{
    const struct raw_consent *consent = raw->consent;
    if (!consent) return RESULT_OK;
    if ((consent->given_count > 0) == (consent->separator != NULL))
        return document_fail(&file->document, "source.consent",
                             "key \"source.consent\": give either the values that mean consent (given), or, where the "
                             "column lists purposes, what stands between them (separator)");
    if (consent->separator)
        TRY(character(file, "source.consent.separator", consent->separator, ",;|:\t", 0, &config->separator));
    TRY(copy(consent->column, NULL, &config->column));
    TRY(array(consent->given_count, sizeof *config->given, (void *)&config->given));
    config->given_count = consent->given_count;
    for (unsigned i = 0; i < consent->given_count; i++) TRY(given_from(file, raw, i, config));
    return RESULT_OK;
}

static struct result check_database(const struct file *file, const struct raw_odbc *raw)
{
    if (!raw->dsn == !raw->connection)
        return fail_source(file, "odbc", "give either dsn, a name in odbc.ini, or connection");
    if (!raw->table == !raw->query) return fail_source(file, "odbc", "give either table or query");
    if (raw->credentials && raw->environment)
        return fail_source(file, "odbc.credentials", "give either credentials, a file, or environment");
    if (raw->connection && config_text_secret(raw->connection))
        return fail_source(file, "odbc.connection",
                           "a password or token has no place here; put it into the file that odbc.credentials names, "
                           "or into the environment");
    if (raw->dsn && !config_text_name(raw->dsn, "_-. "))
        return fail_source(file, "odbc.dsn", "must be a name of letters, digits, blanks and _ - .");
    if (raw->table && !config_text_name(raw->table, "_$#."))
        return fail_source(file, "odbc.table",
                           "must be a name like schema.table; for one that needs quotation marks give query");
    return RESULT_OK;
}

/* What it says is checked in the place that runs it; here, that it can be no more than one statement that reads. */
static struct result check_query(const struct file *file, const char *query)
{
    const char *start = query + strspn(query, " \t\r\n("), *semicolon = strchr(query, ';');
    if (strncasecmp(start, "select", 6) != 0 && strncasecmp(start, "with", 4) != 0)
        return fail_source(file, "odbc.query", "must begin with SELECT or WITH; a node only reads");
    if (semicolon && semicolon[1 + strspn(semicolon + 1, " \t\r\n")])
        return fail_source(file, "odbc.query",
                           "must be one statement, with no semicolon inside, not even in a text; make a view of it "
                           "and name that");
    return RESULT_OK;
}

static struct result database_from(const struct file *file, const struct raw_source *raw, struct config_odbc *config)
{
    const struct raw_odbc *odbc = raw->odbc;
    if (raw->delimiter || raw->decimal)
        return fail_source(file, raw->delimiter ? "delimiter" : "decimal",
                           "is for files; a database gives fields and numbers as such");
    TRY(check_database(file, odbc));
    if (odbc->query) TRY(check_query(file, odbc->query));
    TRY(copy(odbc->dsn, NULL, &config->dsn));
    TRY(copy(odbc->connection, NULL, &config->connection));
    TRY(copy(odbc->table, NULL, &config->table));
    TRY(copy(odbc->query, NULL, &config->query));
    TRY(copy(odbc->schema, NULL, &config->schema));
    if (odbc->credentials) TRY(copy_path(file, odbc->credentials, &config->credentials));
    if (!odbc->environment) return RESULT_OK;
    TRY(copy(odbc->environment->user, NULL, &config->user_variable));
    return copy(odbc->environment->password, NULL, &config->password_variable);
}

/* Where a run's rows are while it goes on. */
static struct result execute_from(const struct file *file, const struct raw_source *raw, struct config_source *config)
{
    const char *schema = raw->odbc ? raw->odbc->schema : NULL;
    config->pushdown = raw->execute && strcmp(raw->execute, "pushdown") == 0;
    if (raw->execute && !config->pushdown && strcmp(raw->execute, "memory") != 0)
        return document_fail(&file->document, "source.execute", "key \"source.execute\": must be memory or pushdown");
    if (config->pushdown && !raw->odbc)
        return document_fail(&file->document, "source.execute",
                             "key \"source.execute\": pushdown is for a database; give odbc instead of file");
    if (schema && !config->pushdown)
        return document_fail(&file->document, "source.odbc.schema",
                             "key \"source.odbc.schema\": is where push-down makes its tables; add execute: pushdown "
                             "to source, or leave it out");
    if (schema && !config_text_name(schema, "_"))
        return document_fail(&file->document, "source.odbc.schema",
                             "key \"source.odbc.schema\": must be a name of letters, digits and _");
    return RESULT_OK;
}

static struct result place_from(const struct file *file, const struct raw_source *raw, struct config_source *config)
{
    if (raw->file && raw->odbc)
        return fail_source(file, "odbc", "give either file or odbc; the rows come from one place");
    if (raw->file) return copy_path(file, raw->file, &config->file);
    if (!raw->odbc) return RESULT_OK;
    TRY(array(1, sizeof *config->odbc, (void *)&config->odbc));
    return database_from(file, raw, config->odbc);
}

/* Where rows are, and how they are written. */
static struct result rows_from(const struct file *file, const struct raw_source *raw, struct config_source *config)
{
    char delimiter[PATH_BYTES], decimal[PATH_BYTES];
    (void)snprintf(delimiter, sizeof delimiter, "%s.delimiter", file->at);
    (void)snprintf(decimal, sizeof decimal, "%s.decimal", file->at);
    TRY(copy(raw->name, NULL, &config->name));
    TRY(copy(raw->key, NULL, &config->key));
    TRY(place_from(file, raw, config));
    TRY(character(file, delimiter, raw->delimiter, ",;|:\t", ',', &config->delimiter));
    TRY(character(file, decimal, raw->decimal, ".,", '.', &config->decimal));
    if (config->delimiter == config->decimal) return fail_source(file, "decimal", "cannot be the delimiter as well");
    TRY(array(raw->missing_count, sizeof *config->missing, (void *)&config->missing));
    config->missing_count = raw->missing_count;
    for (unsigned i = 0; i < raw->missing_count; i++) TRY(copy(raw->missing[i], NULL, &config->missing[i]));
    return RESULT_OK;
}

static struct result joined_from(const struct file *whole_file, const struct raw_source *raw, unsigned i,
                                 struct config_source *config)
{
    const struct raw_source *joined = &raw->join[i];
    char at[PATH_BYTES / 2];
    struct file file = *whole_file;
    (void)snprintf(at, sizeof at, "source.join.%u", i);
    file.at = at;
    bool taken = strcmp(raw->name, joined->name) == 0;
    for (unsigned k = 0; k < i; k++) taken = taken || strcmp(raw->join[k].name, joined->name) == 0;
    if (taken) return fail_source(&file, "name", "another source has this name; give each its own");
    TRY(rows_from(&file, joined, config));
    if (!config->file && !config->odbc)
        return fail_source(&file, "file", "is missing; add it, or \"odbc\" for a database");
    if (joined->odbc && joined->odbc->schema)
        return fail_source(&file, "odbc.schema", "stands with the first source alone; take it out");
    config->required = joined->required && strcmp(joined->required, "true") == 0;
    if (joined->required && !config->required && strcmp(joined->required, "false") != 0)
        return fail_source(&file, "required", "must be true or false");
    return RESULT_OK;
}

static struct result join_from(const struct file *file, const struct raw_source *raw, struct config_source *config)
{
    if (!raw->key != !raw->join_count)
        return raw->key ? fail_source(file, "key",
                                      "is the column that joins; \"join\" is missing: add it, or take the "
                                      "key out")
                        : fail_source(file, "join",
                                      "\"key\" is missing beside it; add it: this source's column that "
                                      "joins");
    TRY(array(raw->join_count, sizeof *config->joined, (void *)&config->joined));
    config->joined_count = raw->join_count;
    for (unsigned i = 0; i < raw->join_count; i++) TRY(joined_from(file, raw, i, &config->joined[i]));
    return RESULT_OK;
}

static struct result source_from(const struct file *file, const struct raw_source *raw, struct config_source *config)
{
    TRY(rows_from(file, raw, config));
    TRY(execute_from(file, raw, config));
    TRY(join_from(file, raw, config));
    TRY(array(raw->columns_count, sizeof *config->columns, (void *)&config->columns));
    config->columns_count = raw->columns_count;
    for (unsigned i = 0; i < raw->columns_count; i++) TRY(column_from(file, raw, i, &config->columns[i]));
    return consent_from(file, raw, &config->consent);
}

/* Keys of before, whose place is the policy now: a node that passed over them would take part in less, or in more, than
 * their writer meant. */
static struct result node_moved(const struct file *file)
{
    static const struct {
        const char *key, *where;
    } moved[] = {
        {"allow", "approve, with purposes and authors"},
        {"cohort_minimum", "cohort.minimum"},
        {"approve_cohort_change", "cohort.changes"},
    };
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
        bool there = false;
        TRY(document_has(&file->document, moved[i].key, &there));
        if (there)
            return document_fail(&file->document, moved[i].key,
                                 "key \"%s\": stands in the policy now, the file that the key \"policy\" names, as %s; "
                                 "move it there (docs/operators.md, Policy)",
                                 moved[i].key, moved[i].where);
    }
    return RESULT_OK;
}

static struct result psk_from(const struct file *file, const struct raw_node *raw, struct config_node *config)
{
    TRY(array(raw->psk_count, sizeof *config->psk, (void *)&config->psk));
    config->psk_count = raw->psk_count;
    for (unsigned i = 0; i < raw->psk_count; i++) {
        char key[PATH_BYTES];
        (void)snprintf(key, sizeof key, "psk.%u", i);
        for (unsigned k = 0; k < i; k++)
            if (strcmp(raw->psk[k].member, raw->psk[i].member) == 0)
                return document_fail(&file->document, key, "key \"%s\": member \"%s\" stands here twice; keep one", key,
                                     raw->psk[i].member);
        TRY(copy(raw->psk[i].member, NULL, &config->psk[i].member));
        TRY(copy_path(file, raw->psk[i].file, &config->psk[i].file));
    }
    return RESULT_OK;
}

static struct result node_from(const struct file *file, struct config_node *config)
{
    const struct raw_node *raw = file->raw;
    TRY(node_moved(file));
    if (!raw->policy)
        return document_fail(&file->document, "policy",
                             "key \"policy\" is missing; add it: the file that says what this bank takes part in "
                             "(docs/operators.md, Policy)");
    TRY(copy_key(file, raw->key, &config->key));
    TRY(copy_path(file, raw->roster, &config->roster));
    TRY(copy_path(file, raw->state, &config->state));
    TRY(copy_path(file, raw->policy, &config->policy));
    TRY(copy_log(file, raw->log, &config->log));
    TRY(log_format(file, raw->log_format, &config->log_format));
    TRY(config_served(&file->document, raw->metrics, raw->console, NULL, &config->metrics, &config->console));
    TRY(whole(file, "threads", raw->threads, 1, THREADS_MAX, 1, &config->threads));
    TRY(source_from(file, raw->source, &config->source));
    if (!config->source.file && !config->source.odbc)
        return document_fail(&file->document, "source",
                             "key \"source\": \"file\" is missing; add it, or \"odbc\" for a database "
                             "(docs/operators.md)");
    return psk_from(file, raw, config);
}

struct result config_node_load(const char *path, struct config_node **ret)
{
    CLEANUP(file_done) struct file file = {.path = path, .at = "source", .schema = &config_raw_node};
    CLEANUP(config_node_freep) struct config_node *config = NULL;
    TRY(file_needed(path, "name the configuration or its folder; cofferdam-node init writes one to begin with"));
    TRY(file_load(&file));
    TRY(array(1, sizeof *config, (void *)&config));
    TRY(node_from(&file, config));
    *ret = config;
    config = NULL;
    return RESULT_OK;
}

static void column_done(struct config_column *column)
{
    free(column->plan);
    free(column->column);
    for (unsigned i = 0; i < column->levels_count; i++) {
        free(column->levels[i].from);
        free(column->levels[i].to);
    }
    free(column->levels);
}

static void database_free(struct config_odbc *odbc)
{
    if (!odbc) return;
    free(odbc->dsn);
    free(odbc->connection);
    free(odbc->table);
    free(odbc->query);
    free(odbc->credentials);
    free(odbc->user_variable);
    free(odbc->password_variable);
    free(odbc->schema);
    free(odbc);
}

static void source_done(struct config_source *source)
{
    free(source->name);
    free(source->file);
    database_free(source->odbc);
    for (unsigned i = 0; i < source->missing_count; i++) free(source->missing[i]);
    free((void *)source->missing);
    for (unsigned i = 0; i < source->columns_count; i++) column_done(&source->columns[i]);
    free(source->columns);
    free(source->consent.column);
    for (unsigned i = 0; i < source->consent.given_count; i++) free(source->consent.given[i]);
    free((void *)source->consent.given);
    free(source->key);
    for (unsigned i = 0; i < source->joined_count; i++) source_done(&source->joined[i]);
    free(source->joined);
}

struct result config_source_load(const char *path, struct config_source **ret)
{
    CLEANUP(file_done) struct file file = {.path = path, .at = "source", .schema = &config_raw_mapping};
    CLEANUP(config_source_freep) struct config_source *config = NULL;
    TRY(file_load(&file));
    TRY(array(1, sizeof *config, (void *)&config));
    const struct raw_node *raw = file.raw;
    TRY(source_from(&file, raw->source, config));
    *ret = config;
    config = NULL;
    return RESULT_OK;
}

void config_source_free(struct config_source *config)
{
    if (!config) return;
    source_done(config);
    free(config);
}

void config_source_freep(struct config_source **config)
{
    config_source_free(*config);
    *config = NULL;
}

void config_node_free(struct config_node *config)
{
    if (!config) return;
    free(config->key);
    free(config->roster);
    free(config->state);
    free(config->policy);
    free(config->log);
    free(config->metrics.address);
    free(config->console.address);
    source_done(&config->source);
    for (unsigned i = 0; i < config->psk_count; i++) {
        free(config->psk[i].member);
        free(config->psk[i].file);
    }
    free(config->psk);
    free(config);
}

void config_node_freep(struct config_node **config)
{
    config_node_free(*config);
    *config = NULL;
}
