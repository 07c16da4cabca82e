#include "sys/config_raw.h"

#include "crypto/base/limits.h"

#define REQUIRED CYAML_FLAG_POINTER
#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, flags, structure, member) CYAML_FIELD_STRING_PTR(key, flags, structure, member, 1, CYAML_UNLIMITED)

static const cyaml_schema_field_t served_fields[] = {
    TEXT("address", OPTIONAL, struct raw_served, address),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t coordinator_fields[] = {
    TEXT("key", REQUIRED, struct raw_coordinator, key),
    TEXT("roster", REQUIRED, struct raw_coordinator, roster),
    TEXT("listen", OPTIONAL, struct raw_coordinator, listen),
    TEXT("state", REQUIRED, struct raw_coordinator, state),
    TEXT("log", OPTIONAL, struct raw_coordinator, log),
    TEXT("log_format", OPTIONAL, struct raw_coordinator, log_format),
    CYAML_FIELD_MAPPING_PTR("metrics", OPTIONAL, struct raw_coordinator, metrics, served_fields),
    CYAML_FIELD_MAPPING_PTR("console", OPTIONAL, struct raw_coordinator, console, served_fields),
    TEXT("patience_seconds", OPTIONAL, struct raw_coordinator, patience_seconds),
    CYAML_FIELD_END,
};
const cyaml_schema_value_t config_raw_coordinator = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_coordinator, coordinator_fields),
};

static const cyaml_schema_value_t token = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, LEVEL_MAX_BYTES),
};
/* A level's own name may be empty: what a file writes for it. */
static const cyaml_schema_field_t level_fields[] = {
    CYAML_FIELD_STRING_PTR("from", REQUIRED, struct config_level, from, 0, LEVEL_MAX_BYTES),
    CYAML_FIELD_STRING_PTR("to", REQUIRED, struct config_level, to, 1, LEVEL_MAX_BYTES),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t level = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_level, level_fields),
};
static const cyaml_schema_field_t column_fields[] = {
    CYAML_FIELD_STRING_PTR("plan", REQUIRED, struct raw_column, plan, 1, NAME_MAX_BYTES),
    TEXT("column", OPTIONAL, struct raw_column, column),
    TEXT("factor", OPTIONAL, struct raw_column, factor),
    CYAML_FIELD_SEQUENCE("levels", OPTIONAL, struct raw_column, levels, &level, 1, LEVELS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t column = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_column, column_fields),
};
static const cyaml_schema_field_t consent_fields[] = {
    TEXT("column", REQUIRED, struct raw_consent, column),
    CYAML_FIELD_SEQUENCE("given", OPTIONAL, struct raw_consent, given, &token, 0, LEVELS_MAX),
    TEXT("separator", OPTIONAL, struct raw_consent, separator),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t environment_fields[] = {
    TEXT("user", OPTIONAL, struct raw_environment, user),
    TEXT("password", REQUIRED, struct raw_environment, password),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t odbc_fields[] = {
    TEXT("dsn", OPTIONAL, struct raw_odbc, dsn),
    TEXT("connection", OPTIONAL, struct raw_odbc, connection),
    TEXT("table", OPTIONAL, struct raw_odbc, table),
    TEXT("query", OPTIONAL, struct raw_odbc, query),
    TEXT("credentials", OPTIONAL, struct raw_odbc, credentials),
    CYAML_FIELD_MAPPING_PTR("environment", OPTIONAL, struct raw_odbc, environment, environment_fields),
    TEXT("schema", OPTIONAL, struct raw_odbc, schema),
    CYAML_FIELD_END,
};
/* Where the rows are, and how they become the plan's columns. */
#define SOURCE_MAPPING                                                                                                 \
    TEXT("file", OPTIONAL, struct raw_source, file),                                                                   \
        CYAML_FIELD_MAPPING_PTR("odbc", OPTIONAL, struct raw_source, odbc, odbc_fields),                               \
        TEXT("execute", OPTIONAL, struct raw_source, execute),                                                         \
        TEXT("delimiter", OPTIONAL, struct raw_source, delimiter),                                                     \
        TEXT("decimal", OPTIONAL, struct raw_source, decimal),                                                         \
        CYAML_FIELD_SEQUENCE("missing", OPTIONAL, struct raw_source, missing, &token, 0, LEVELS_MAX),                  \
        CYAML_FIELD_SEQUENCE("columns", OPTIONAL, struct raw_source, columns, &column, 0, FEATURES_MAX),               \
        CYAML_FIELD_MAPPING_PTR("consent", OPTIONAL, struct raw_source, consent, consent_fields)
static const cyaml_schema_field_t joined_fields[] = {
    CYAML_FIELD_STRING_PTR("name", REQUIRED, struct raw_source, name, 1, NAME_MAX_BYTES),
    TEXT("file", OPTIONAL, struct raw_source, file),
    CYAML_FIELD_MAPPING_PTR("odbc", OPTIONAL, struct raw_source, odbc, odbc_fields),
    TEXT("key", REQUIRED, struct raw_source, key),
    TEXT("required", OPTIONAL, struct raw_source, required),
    TEXT("delimiter", OPTIONAL, struct raw_source, delimiter),
    TEXT("decimal", OPTIONAL, struct raw_source, decimal),
    CYAML_FIELD_SEQUENCE("missing", OPTIONAL, struct raw_source, missing, &token, 0, LEVELS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t joined = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_source, joined_fields),
};
static const cyaml_schema_field_t source_fields[] = {
    CYAML_FIELD_STRING_PTR("name", REQUIRED, struct raw_source, name, 1, NAME_MAX_BYTES),
    TEXT("key", OPTIONAL, struct raw_source, key),
    CYAML_FIELD_SEQUENCE("join", OPTIONAL, struct raw_source, join, &joined, 1, CONFIG_JOINED_MAX),
    SOURCE_MAPPING,
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t mapping_source_fields[] = {
    CYAML_FIELD_STRING_PTR("name", OPTIONAL, struct raw_source, name, 1, NAME_MAX_BYTES),
    SOURCE_MAPPING,
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t mapping_fields[] = {
    CYAML_FIELD_MAPPING_PTR("source", REQUIRED, struct raw_node, source, mapping_source_fields),
    CYAML_FIELD_END,
};
const cyaml_schema_value_t config_raw_mapping = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_node, mapping_fields),
};
static const cyaml_schema_field_t psk_fields[] = {
    CYAML_FIELD_STRING_PTR("member", REQUIRED, struct config_psk, member, 1, NAME_MAX_BYTES),
    TEXT("file", REQUIRED, struct config_psk, file),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t psk = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_psk, psk_fields),
};
static const cyaml_schema_field_t node_fields[] = {
    TEXT("key", REQUIRED, struct raw_node, key),
    TEXT("roster", REQUIRED, struct raw_node, roster),
    TEXT("state", REQUIRED, struct raw_node, state),
    TEXT("policy", OPTIONAL, struct raw_node, policy),
    TEXT("log", OPTIONAL, struct raw_node, log),
    TEXT("log_format", OPTIONAL, struct raw_node, log_format),
    CYAML_FIELD_MAPPING_PTR("metrics", OPTIONAL, struct raw_node, metrics, served_fields),
    CYAML_FIELD_MAPPING_PTR("console", OPTIONAL, struct raw_node, console, served_fields),
    CYAML_FIELD_MAPPING_PTR("source", REQUIRED, struct raw_node, source, source_fields),
    TEXT("threads", OPTIONAL, struct raw_node, threads),
    /* They stand in the policy; node_moved says so. */
    CYAML_FIELD_IGNORE("allow", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("cohort_minimum", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("approve_cohort_change", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_SEQUENCE("psk", OPTIONAL, struct raw_node, psk, &psk, 0, MEMBERS_MAX),
    CYAML_FIELD_END,
};
const cyaml_schema_value_t config_raw_node = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_node, node_fields),
};
