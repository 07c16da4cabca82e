#include "proto/run/fold.h"

#include <fenv.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <mpfr.h>
#include <string.h>

#include "crypto/label.h"

/* `advance` must give the same bytes on every machine: double arithmetic is done in double. */
_Static_assert(FLT_EVAL_METHOD == 0, "doubles must be computed as doubles");
_Static_assert(DBL_MANT_DIG == 53 && DBL_MAX_EXP == 1024, "doubles must be IEEE 754 binary64");

static struct result environment_check(void)
{
    ENSURE(fegetround() == FE_TONEAREST, CATEGORY_ENVIRONMENT,
           "floating point does not round to nearest; a library of this process changed it");
    volatile double smallest_normal = DBL_MIN;
    volatile double half = smallest_normal / 2; /* subnormal: 0 when results are flushed */
    volatile double back = half * 2;            /* 0 when operands are flushed */
    ENSURE(half != 0 && back == smallest_normal, CATEGORY_ENVIRONMENT,
           "floating point flushes small numbers to zero; a library of this process changed it");
    return RESULT_OK;
}

struct result task_f64(struct buffer *out, double value, const char *what)
{
    ENSURE(isfinite(value), CATEGORY_FALSE, "%s is not a finite number; the run cannot go on", what);
    return buffer_f64(out, value);
}

void fold_done(struct fold *fold)
{
    buffer_done(&fold->state);
    *fold = (struct fold){0};
}

/* The task's fields of a state, after label, plan hash and step. */
static struct view fields_of(const struct fold *fold)
{
    char text[LABEL_MAX];
    size_t header = label_of("state", text).length + HASH_BYTES + sizeof(uint64_t);
    return view_of(fold->state.data + header, fold->state.length - header);
}

static struct result header_put(const struct plan *plan, uint64_t step, struct buffer *out)
{
    char text[LABEL_MAX];
    TRY(buffer_append(out, label_of("state", text)));
    TRY(buffer_append(out, hash_view(&plan->hash)));
    return buffer_u64(out, step);
}

/* Either every sum of a run carries noise, or none does. */
static struct result check_noise(const struct plan *plan, const struct layout *layout)
{
    for (size_t i = 0; i < layout->fields_count; i++) {
        const struct layout_field *field = &layout->fields[i];
        bool noisy = field->rho > 0 && field->l2 > 0;
        ENSURE(noisy == plan_private(plan), CATEGORY_BUG, "the sum \"%s\" %s", field->name,
               noisy ? "has noise in a plan without privacy" : "has no noise in a plan with privacy");
    }
    return RESULT_OK;
}

struct result task_check(const struct task *task, const struct plan *plan)
{
    ENSURE(!plan_private(plan) || task->private, CATEGORY_USAGE,
           "the task \"%s\" has no differential privacy yet; remove the key \"privacy\"", task->name);
    return task->check(plan);
}

/* Everything that follows from plan, task, step and state. */
static struct result derive(struct fold *fold)
{
    TRY(hash_bytes("state-hash", buffer_view(&fold->state), &fold->state_hash));
    fold->finished = fold->task->finished(fold->plan, fields_of(fold));
    if (fold->finished) return RESULT_OK;
    TRY(fold->task->layout(fold->plan, fields_of(fold), &fold->layout));
    TRY(check_noise(fold->plan, &fold->layout));
    TRY(layout_prove(&fold->layout, fold->plan->rows));
    TRY(layout_hash(&fold->layout, &fold->layout_hash));
    fold->words = layout_words(&fold->layout);
    ENSURE(fold->words > 0, CATEGORY_BUG, "the task \"%s\" asks for an empty sum", fold->task->name);
    return RESULT_OK;
}

struct result fold_start(const struct plan *plan, const struct task *task, struct fold *ret)
{
    TRY(environment_check());
    TRY(task_check(task, plan));
    CLEANUP(fold_done) struct fold fold = {.plan = plan, .task = task};
    TRY(header_put(plan, 0, &fold.state));
    TRY(task->start(plan, &fold.state));
    TRY(derive(&fold));
    *ret = fold;
    fold = (struct fold){0};
    return RESULT_OK;
}

static struct result header_take(const struct plan *plan, struct view state, uint64_t *ret_step)
{
    struct reader reader = reader_of(state, "the state");
    char text[LABEL_MAX];
    struct view label = label_of("state", text);
    struct view bytes;
    TRY(reader_take(&reader, label.length, &bytes));
    ENSURE(view_equal(bytes, label), CATEGORY_FALSE, "the state does not begin with its label");
    TRY(reader_take(&reader, HASH_BYTES, &bytes));
    ENSURE(view_equal(bytes, hash_view(&plan->hash)), CATEGORY_FALSE, "the state belongs to another plan");
    TRY(reader_u64(&reader, ret_step));
    ENSURE(*ret_step <= RUN_ROUNDS_MAX, CATEGORY_FALSE, "the state's step %" PRIu64 " is over the limit", *ret_step);
    return RESULT_OK;
}

static struct result load(const struct plan *plan, const struct task *task, struct view state, struct fold *ret)
{
    CLEANUP(fold_done) struct fold fold = {.plan = plan, .task = task};
    TRY(header_take(plan, state, &fold.step));
    TRY(buffer_append(&fold.state, state));
    TRY(derive(&fold));
    *ret = fold;
    fold = (struct fold){0};
    return RESULT_OK;
}

struct result fold_load(const struct plan *plan, const struct task *task, struct view state, struct fold *ret)
{
    TRY(environment_check());
    TRY(task_check(task, plan));
    struct result result = load(plan, task, state, ret);
    if (result.category == CATEGORY_PEER) result.category = CATEGORY_FALSE; /* bytes that end early are no state */
    return result;
}

struct result fold_advance(struct fold *fold, const uint64_t *words, uint64_t count)
{
    ENSURE(!fold->finished && count == fold->words, CATEGORY_BUG, "a sum of %" PRIu64 " words where %" PRIu64 " belong",
           count, fold->finished ? 0 : fold->words);
    ENSURE(fold->step < RUN_ROUNDS_MAX, CATEGORY_USAGE, "the run has taken %u rounds, which is the limit",
           RUN_ROUNDS_MAX);
    TRY(environment_check());
    CLEANUP(fold_done) struct fold next = {.plan = fold->plan, .task = fold->task, .step = fold->step + 1};
    TRY(header_put(next.plan, next.step, &next.state));
    TRY(next.task->advance(next.plan, fields_of(fold), words, &next.state));
    TRY(derive(&next));
    struct fold before = *fold;
    *fold = next;
    next = before;
    return RESULT_OK;
}

struct result fold_contribute(const struct fold *fold, const struct table *table, unsigned threads, uint64_t *words,
                              uint64_t count)
{
    ENSURE(!fold->finished && count == fold->words, CATEGORY_BUG, "room for %" PRIu64 " words where %" PRIu64 " belong",
           count, fold->finished ? 0 : fold->words);
    ENSURE(threads >= 1, CATEGORY_BUG, "a contribution needs a thread");
    TRY(environment_check());
    memset(words, 0, count * sizeof *words);
    return fold->task->contribute(fold->plan, fields_of(fold), table, threads, words);
}

struct result fold_formulas(const struct fold *fold, struct formula_sums *ret)
{
    ENSURE(!fold->finished && fold->task->formulas, CATEGORY_BUG, "a round that has no formulas is asked for them");
    TRY(environment_check());
    return fold->task->formulas(fold->plan, fields_of(fold), ret);
}

struct result fold_result(const struct fold *fold, unsigned banks, struct buffer *out)
{
    ENSURE(fold->finished, CATEGORY_BUG, "the run is not finished");
    TRY(environment_check());
    return fold->task->result(fold->plan, fields_of(fold), fold->step, banks, out);
}

struct result fold_model(const struct fold *fold, unsigned banks, struct buffer *model, struct hash *ret)
{
    *ret = (struct hash){0};
    if (!fold->finished) return RESULT_OK;
    struct result result = fold_result(fold, banks, model);
    if (result_ok(result)) return hash_bytes(NULL, buffer_view(model), ret);
    buffer_clear(model);
    return result.category == CATEGORY_ENVIRONMENT ? result : RESULT_OK;
}

struct result fold_figure(const struct fold *fold, struct task_figure *ret)
{
    *ret = (struct task_figure){0};
    return fold->task->figure ? fold->task->figure(fold->plan, fields_of(fold), ret) : RESULT_OK;
}

struct result fold_progress(const struct fold *fold, struct buffer *out)
{
    return fold->task->progress(fold->plan, fields_of(fold), out);
}

void fold_thread_done(void)
{
    mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
}
