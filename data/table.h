/* The table: typed columns of one bank's rows, built once, then only read. Never leaves the node.
 *
 * A table is described by column specs (what a plan asks for, as data/ needs it) and filled row by row by a source
 * (data/csv.h). Every value is checked as it comes in: what breaks a rule fails with the source's place, or is
 * counted where the spec says so. Row order is the source's; nothing may depend on it. Reasons of failures quote
 * values: they are for the bank's own eyes.
 */
#ifndef DATA_TABLE_H
#define DATA_TABLE_H

#include <string.h>

#include "crypto/base/bytes.h"
#include "crypto/base/limits.h"
#include "data/number.h"

enum column_kind { COLUMN_NUMBER, COLUMN_CATEGORY, COLUMN_TEXT };
enum column_outside { COLUMN_OUTSIDE_REFUSE, COLUMN_OUTSIDE_CLAMP, COLUMN_OUTSIDE_MISSING };

#define CODE_MISSING UINT16_C(0xFFFF)
#define CODE_OTHER UINT16_C(0xFFFE)

struct column_spec {
    char name[NAME_MAX_BYTES + 1]; /* the plan's name of the column */
    enum column_kind kind;
    bool missing_allowed; /* else a missing value refuses the row's table, with the place */
    /* COLUMN_NUMBER */
    double minimum, maximum; /* finite, minimum < maximum */
    enum column_outside outside;
    const double *specials; /* codes that are no quantities, wherever they lie; at most COLUMN_SPECIALS_MAX; borrowed */
    size_t specials_count;
    /* COLUMN_CATEGORY: code of a value is its index here; borrowed, must outlive the table */
    const char *const *levels;
    size_t levels_count;
    bool target;        /* the plan's target: errors say where its values are named */
    bool other_allowed; /* a level not listed becomes CODE_OTHER; else refused with the place */
};

/* What became of a row's number on the way in. */
#define COLUMN_SPECIALS_MAX 10u
enum column_mark {
    MARK_NONE,
    MARK_OUTSIDE, /* outside the bounds: made missing */
    MARK_CLAMPED, /* outside the bounds: moved to the nearest */
    MARK_SPECIAL, /* special code 0; the others follow. The number is NaN */
};

/* The values of a category that are no level, as they came: for telling a bank what it has. */
#define OTHERS_KEPT 4u
#define OTHER_TEXT_MAX 40u
struct others {
    struct {
        char text[OTHER_TEXT_MAX + 1]; /* its beginning */
        uint64_t count;
    } items[OTHERS_KEPT];
    size_t count;
    uint64_t more; /* rows with yet other values */
};

struct level_index; /* data/table.c: finds a level's code */

struct column {
    struct column_spec spec;
    struct number_format format; /* COLUMN_NUMBER: how the source writes it; set before the first row */
    struct level_index *index;   /* COLUMN_CATEGORY */
    double *numbers;             /* COLUMN_NUMBER: rows values, never -0; NaN = missing */
    uint8_t *marks;              /* COLUMN_NUMBER that may be outside its bounds or special: rows marks; else NULL */
    uint16_t *codes;             /* COLUMN_CATEGORY: rows codes */
    uint64_t *starts;            /* COLUMN_TEXT: rows + 1 offsets into texts; a missing text is empty */
    struct buffer texts;
    /* what happened on the way in */
    uint64_t missing, outside, clamped, other;
    struct others others; /* of a table that a source filled; not of one that is selected or loaded */
    double observed_minimum, observed_maximum; /* of numbers as read, before clamping; minimum > maximum: none */
};

struct table {
    struct column *columns;
    size_t columns_count;
    uint64_t rows;
    uint64_t capacity;
    uint64_t rows_max;
    uint64_t before;          /* rows of the source that tables before this one had; they count towards rows_max */
    uint64_t without_consent; /* rows that a source left out; not of a table that is selected or loaded */
    uint64_t unfit;           /* the same of rows that the specs refuse, where these are left out */
    uint8_t *held;    /* of each row, 1 when it is held out: derived once by analytics/cases.h; NULL until then */
    struct cell *row; /* data/table.c: the row being added, until all of it is accepted */
    size_t refused;   /* the column for which the last row was refused; SIZE_MAX: it was not, or for none */
};

/* specs are copied. rows_max: more rows than this are refused. */
MUST_USE struct result table_new(const struct column_spec *specs, size_t count, uint64_t rows_max, struct table **ret);
void table_free(struct table *table);
void table_freep(struct table **table);
/* One row: fields[k] is the text of column k; a NULL data pointer is missing. Numbers are strict decimal (number.h).
 * On failure the table is as before. `place` ("bank.csv:17: ") begins the reason; NULL adds none. */
MUST_USE struct result table_add_row(struct table *table, const struct view *fields, const char *place);
/* Counts rows with this value, which are told apart by the beginning of their text. */
void others_add(struct others *others, struct view text, uint64_t rows);
/* No rows again; memory, and the counts of what happened on the way in, stay. */
void table_clear(struct table *table);
/* Gives back the memory that growing took in advance. */
void table_trim(struct table *table);
/* NULL when absent. Inline, as the coordinator links the analyses but no data source. */
static inline const struct column *table_column(const struct table *table, const char *name)
{
    for (size_t k = 0; k < table->columns_count; k++)
        if (strcmp(table->columns[k].spec.name, name) == 0) return &table->columns[k];
    return NULL;
}
static inline bool column_marked(const struct column_spec *spec)
{
    return spec->kind == COLUMN_NUMBER && (spec->outside != COLUMN_OUTSIDE_REFUSE || spec->specials_count > 0);
}
/* Which special code a row's number is, from 0; SIZE_MAX for none. */
static inline size_t column_special(const struct column *column, uint64_t row)
{
    return column->marks && column->marks[row] >= MARK_SPECIAL ? (size_t)(column->marks[row] - MARK_SPECIAL) : SIZE_MAX;
}
/* A sub-table borrowing nothing: rows [index] for index in rows[0..count). For splitting one file among banks. */
MUST_USE struct result table_select(const struct table *table, const uint64_t *rows, uint64_t count,
                                    struct table **ret);
/* Canonical bytes of the whole table in order, in pieces, for the frozen table's hash: calls visit repeatedly. */
MUST_USE struct result table_canonical(const struct table *table,
                                       struct result (*visit)(void *context, struct view piece), void *context);
/* The table again from its canonical bytes, made under the same specs, with the same counts.
 * `name` stands for the bytes in reasons. CATEGORY_FALSE or _PEER when they are not such a table. */
MUST_USE struct result table_load(struct view canonical, const char *name, const struct column_spec *specs,
                                  size_t count, uint64_t rows_max, struct table **ret);

#endif
