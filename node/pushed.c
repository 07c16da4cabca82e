#include "node/pushed.h"

#include <stdlib.h>

#include "crypto/secret.h"

void pushed_done(struct pushed *pushed)
{
    formula_sums_done(&pushed->sums);
    formula_queries_done(&pushed->queries);
    if (pushed->values) secret_bytes_wipe(pushed->values, pushed->values_count * sizeof *pushed->values);
    free(pushed->values);
}

struct result pushed_of(const struct fold *fold, const struct dialect *dialect, const char *table,
                        struct pushed *pushed, bool *ret_there, const char **ret_why)
{
    pushed->values_count = layout_values(&fold->layout);
    pushed->values = calloc(pushed->values_count + 1, sizeof *pushed->values);
    ENSURE(pushed->values, CATEGORY_ENVIRONMENT, "no memory for a contribution of %zu values", pushed->values_count);
    *ret_why = "a task without formulas";
    *ret_there = fold->task->formulas != NULL;
    if (!*ret_there) return RESULT_OK;
    TRY(fold_formulas(fold, &pushed->sums));
    TRY(formula_supported(&pushed->sums, ret_there, ret_why));
    if (!*ret_there) return RESULT_OK;
    struct result written = formula_sql(&pushed->sums, dialect, table, &pushed->queries);
    *ret_there = result_ok(written);
    *ret_why = "statements larger than the database takes";
    return written.category == CATEGORY_USAGE ? RESULT_OK : written;
}
