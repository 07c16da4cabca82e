/* A journal in words: what an entry says, and what a run came to. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/journal_budget.h"
#include "crypto/base/text.h"

enum { SHORT_HEX = 12 };

/* What a peer or a plan called something, fit for a terminal. */
static struct result plain(const char *text, struct buffer *out)
{
    return text_put_plain(view_text(text), "", out);
}

static struct result put_date(uint64_t seconds, struct buffer *out)
{
    time_t time = seconds <= INT32_MAX ? (time_t)seconds : 0;
    struct tm parts;
    char text[32];
    if (!time || !gmtime_r(&time, &parts)) return buffer_format(out, "%20llu", (unsigned long long)seconds);
    (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &parts);
    return buffer_text(out, text);
}

static struct result put_names(const json_t *names, struct buffer *out)
{
    size_t index;
    const json_t *name;
    json_array_foreach(names, index, name)
    {
        const char *text = json_string_value(name);
        TRY(buffer_u8(out, ' '));
        TRY(plain(text ? text : "?", out));
    }
    return RESULT_OK;
}

/* ---- an entry */

/* A sentence with facts in it: {name} is a text or a number, {name:} the front of a hash, {name*} a list of names,
 * {name+} a number that people count from one. */
static const struct {
    const char *event, *sentence;
} sentences[] = {
    {"started", "cofferdam-node {version} of {member}; roster version {roster_version}, {roster:}"},
    {"seen", "plan {plan} ({plan_hash:}) for {purpose}, submitted by {submitter}, with{cohort*}"},
    {"approved", "by {approved_by}: {rule}"},
    {"frozen", "{rows} rows, {held_out} of them held out; columns{columns*}; digest {digest:}"},
    {"reserved", "rho {rho} of the privacy budget of source {source}"},
    {"charged", "step {step+}: rho {rho} of the privacy budget, {spent} of it in all"},
    {"released", "rho {freed} of the privacy budget was not spent and is free again"},
    {"sent", "round {round}, step {step+}: {words} masked words of 64 bits, {bytes} bytes, root {root:}"},
    {"void", "round {round} is given up: nothing was released for it, nor will be"},
    {"voted", "round {round}, step {step+}: the sum is right and leads to state {state:}"},
    {"closed", "round {round}, step {step+}: certified, leaf {leaf} of the log, whose root is {log:}"},
    {"evidence", "{verdict}: {claim}; evidence/{file}, {digest:}"},
    {"done", "after {steps} steps, model.json {model:}"},
    {"refused", "{reason}"},
    {"ended", "{reason}"},
    {"officer", "{officer}: {decision} {of} {subject:}"},
    {"bundle", "run.cfd is kept and holds: {bytes} bytes, {digest:}"},
    {"forgotten", "{files} files and {records} records of the run are removed"},
};

static struct result put_fact(const json_t *facts, struct view name, struct buffer *out)
{
    char key[32] = "", last = name.length ? (char)name.data[name.length - 1] : 0;
    bool marked = last == ':' || last == '*' || last == '+';
    size_t length = name.length - marked;
    if (length >= sizeof key) length = sizeof key - 1;
    memcpy(key, name.data, length);
    const json_t *fact = json_object_get(facts, key);
    if (json_is_array(fact)) return put_names(fact, out);
    if (json_is_integer(fact)) return buffer_format(out, "%lld", (long long)json_integer_value(fact) + (last == '+'));
    if (json_is_real(fact)) return buffer_format(out, "%.6g", json_real_value(fact));
    const char *text = json_is_string(fact) ? json_string_value(fact) : "?";
    char front[SHORT_HEX + 1];
    if (last != ':') return plain(text, out);
    (void)snprintf(front, sizeof front, "%s", text);
    return plain(front, out);
}

static struct result put_sentence(const char *sentence, const json_t *facts, struct buffer *out)
{
    while (*sentence) {
        size_t length = strcspn(sentence, "{");
        TRY(buffer_append(out, view_of(sentence, length)));
        sentence += length;
        if (!*sentence) break;
        length = strcspn(sentence, "}");
        TRY(put_fact(facts, view_of(sentence + 1, length - 1), out));
        sentence += length + 1;
    }
    return RESULT_OK;
}

/* What did not find together in a source that joins others. */
static struct result put_joined(const char *before, const json_t *facts, const char *after, struct buffer *out)
{
    size_t index;
    const json_t *one;
    json_array_foreach(json_object_get(facts, "joined"), index, one)
    {
        TRY(buffer_text(out, before));
        TRY(put_sentence("joined with {source}: {unmatched} rows have no match there, {orphans} of its {rows} match "
                         "nobody, {without_key} have no key",
                         one, out));
        TRY(buffer_text(out, after));
    }
    if (!json_is_integer(json_object_get(facts, "without_match"))) return RESULT_OK;
    TRY(buffer_text(out, before));
    TRY(put_sentence("{without_match} of {joined_rows} rows were left out for want of a match", facts, out));
    return buffer_text(out, after);
}

/* What an entry has in some cases only. */
static struct result put_more(const json_t *facts, bool forgotten, struct buffer *out)
{
    if (json_is_integer(json_object_get(facts, "without_consent")))
        TRY(put_sentence("; {without_consent} more were left out for want of consent", facts, out));
    if (json_is_integer(json_object_get(facts, "unfit")))
        TRY(put_sentence("; {unfit} more do not fit the plan and were left out", facts, out));
    TRY(put_joined("; ", facts, "", out));
    if (json_is_true(json_object_get(facts, "cohort_change")))
        TRY(buffer_text(out, "; an officer approved its cohort, which is another than before"));
    if (forgotten && json_object_get(facts, "model")) TRY(put_sentence(", model.json {model:}", facts, out));
    if (forgotten && json_object_get(facts, "bundle")) TRY(put_sentence(", run.cfd {bundle:}", facts, out));
    return RESULT_OK;
}

struct result journal_show_entry(const struct journal_entry *entry, const json_t *facts, struct buffer *out)
{
    char run[2 * HASH_BYTES + 1] = "";
    const char *sentence = "(of a later version of this program)";
    if (entry->has_run) bytes_hex(hash_view(&entry->run), run);
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (strcmp(sentences[i].event, entry->event) == 0) sentence = sentences[i].sentence;
    TRY(put_date(entry->time, out));
    TRY(buffer_format(out, "  %-12.*s  %-8s  ", SHORT_HEX, run, entry->event));
    TRY(put_sentence(sentence, facts, out));
    TRY(put_more(facts, strcmp(entry->event, "forgotten") == 0, out));
    return buffer_u8(out, '\n');
}

/* ---- a run */

static struct result put_rounds(const json_t *list, struct buffer *out)
{
    size_t index;
    const json_t *item;
    json_array_foreach(list, index, item)
    {
        TRY(buffer_format(out, " %llu", (unsigned long long)journal_book_number(item, "round")));
    }
    return RESULT_OK;
}

static struct result put_left(const json_t *run, struct buffer *out)
{
    const json_t *sent = json_object_get(run, "sent"), *voids = json_object_get(run, "void"), *item;
    unsigned long long words = 0, bytes = 0;
    size_t index;
    json_array_foreach(sent, index, item)
    {
        words += journal_book_number(item, "words");
        bytes += journal_book_number(item, "bytes");
    }
    if (json_array_size(sent) == 0) return buffer_text(out, "  left       nothing\n");
    TRY(buffer_format(out, "  left       %llu words of 64 bits, %llu bytes, all masked, in %zu rounds:", words, bytes,
                      json_array_size(sent)));
    TRY(put_rounds(sent, out));
    TRY(buffer_u8(out, '\n'));
    if (json_array_size(voids) == 0) return RESULT_OK;
    TRY(buffer_text(out, "  given up   rounds"));
    TRY(put_rounds(voids, out));
    return buffer_u8(out, '\n');
}

static struct result put_end(const json_t *run, struct buffer *out)
{
    static const struct {
        const char *state, *sentence;
    } ends[] = {{"done", "done, model.json {model}"}, {"refused", "refused: {reason}"}, {"ended", "ended: {reason}"}};
    const char *state = journal_book_text(run, "state"), *sentence = "not yet";
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strcmp(ends[i].state, state) == 0) sentence = ends[i].sentence;
    TRY(buffer_text(out, "  end        "));
    TRY(put_sentence(sentence, run, out));
    TRY(buffer_u8(out, '\n'));
    const json_t *bundle = json_object_get(run, "bundle"), *forgotten = json_object_get(run, "forgotten");
    if (bundle) TRY(put_sentence("  bundle     {bytes} bytes, {digest}\n", bundle, out));
    if (!forgotten) return RESULT_OK;
    TRY(put_sentence("  forgotten  {files} files and {records} records are removed", forgotten, out));
    TRY(put_more(forgotten, true, out));
    return buffer_u8(out, '\n');
}

struct result journal_show_run(const json_t *run, struct buffer *out)
{
    TRY(put_sentence("run {run}\n", run, out));
    if (json_object_get(run, "plan"))
        TRY(put_sentence("  plan       {plan}, for {purpose}, submitted by {submitter}\n"
                         "             {plan_hash}\n",
                         run, out));
    if (json_object_get(run, "approved_by")) TRY(put_sentence("  approved   by {approved_by}: {rule}\n", run, out));
    if (json_object_get(run, "rows"))
        TRY(put_sentence("  data       {rows} rows, {held_out} of them held out; columns{columns*}\n"
                         "             {digest}\n",
                         run, out));
    if (json_is_integer(json_object_get(run, "without_consent")))
        TRY(put_sentence("             {without_consent} more rows were left out for want of consent\n", run, out));
    TRY(put_joined("             ", run, "\n", out));
    TRY(put_left(run, out));
    TRY(journal_budget_show_run(run, out));
    TRY(buffer_format(out, "  closed     %zu steps\n", json_array_size(json_object_get(run, "closed"))));
    size_t kept = json_array_size(json_object_get(run, "evidence"));
    if (kept) TRY(buffer_format(out, "  evidence   %zu messages are kept that should not have come\n", kept));
    return put_end(run, out);
}
