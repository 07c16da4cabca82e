/* Makes the data of five banks for the demonstration: generate --out DIR --seed N
 *
 * One logistic model decides, for every customer of every bank, with which probability a loan is not paid back; the
 * banks differ in size and in whom they serve. Each bank's file is written in that bank's own words: WEST and HARBOUR
 * name and code their columns in their own way (examples/mappings says how). pooled.csv holds everybody in the plan's
 * coding, truth.csv the model that made them. The same seed gives the same bytes. No person is behind any row.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/base/text.h"
#include "crypto/random.h"

enum { POOL_BYTES = 4096, PATH_BYTES = 4096, LEVELS_MOST = 14, SEED_AT = 8 };

enum column {
    ID,
    AGE,
    INCOME,
    LOAN,
    DURATION,
    UTILISATION,
    TENURE,
    LATE,
    INQUIRIES,
    EMPLOYMENT,
    HOUSING,
    PURPOSE,
    REGION,
    DEFAULT,
    COLUMNS
};

/* One customer, in whole numbers: euros, months, tenths of a percent; levels by their index. */
struct customer {
    unsigned long number;
    long value[COLUMNS];
    bool missing[COLUMNS];
};

/* How a bank writes its table. */
struct coding {
    char delimiter, decimal;
    const char *missing;
    const char *names[COLUMNS]; /* indexed by column; written in `order` */
    enum column order[COLUMNS];
    int digits[COLUMNS]; /* behind the decimal mark: 1 for tenths, 3 for thousands of euros */
    const char *levels[COLUMNS][LEVELS_MOST];
};

struct bank {
    const char *name;
    char prefix;
    unsigned long customers;
    const struct coding *coding;
    double age, income, loan; /* typical: years, euros, euros */
    double missing_income;    /* share of customers */
    double employment[LEVELS_MOST], housing[LEVELS_MOST], purpose[LEVELS_MOST], region[LEVELS_MOST]; /* weights */
};

#define REGIONS "R01", "R02", "R03", "R04", "R05", "R06", "R07", "R08", "R09", "R10", "R11", "R12", "R13", "R14"

static const struct coding plain = {
    .delimiter = ',',
    .decimal = '.',
    .missing = "",
    .names = {"customer_id", "age", "income", "loan_amount", "duration", "utilisation", "months_with_bank",
              "late_payments", "inquiries", "employment", "housing", "purpose", "region", "default"},
    .order = {ID, AGE, INCOME, LOAN, DURATION, UTILISATION, TENURE, LATE, INQUIRIES, EMPLOYMENT, HOUSING, PURPOSE,
              REGION, DEFAULT},
    .digits = {[UTILISATION] = 1},
    .levels = {[EMPLOYMENT] = {"salaried", "civil servant", "self-employed", "retired", "unemployed"},
               [HOUSING] = {"owner", "tenant", "family"},
               [PURPOSE] = {"car", "home", "furniture", "education", "business", "medical", "holiday", "debt"},
               [REGION] = {REGIONS},
               [DEFAULT] = {"0", "1"}},
};

/* Semicolons, decimal commas, incomes and loans in thousands, German words. */
static const struct coding west = {
    .delimiter = ';',
    .decimal = ',',
    .missing = "k.A.",
    .names = {"Kundennummer", "Alter", "Jahreseinkommen_TEUR", "Kreditbetrag_TEUR", "Laufzeit", "Auslastung",
              "Monate_Kunde", "Mahnungen", "Anfragen", "Beruf", "Wohnen", "Zweck", "Gebiet", "Ausfall"},
    .order = {ID, DEFAULT, AGE, EMPLOYMENT, INCOME, HOUSING, REGION, TENURE, LOAN, DURATION, PURPOSE, UTILISATION, LATE,
              INQUIRIES},
    .digits = {[UTILISATION] = 1, [INCOME] = 3, [LOAN] = 3},
    .levels = {[EMPLOYMENT] = {"Angestellt", "Verbeamtet", "Selbstst\xc3\xa4ndig", "Rente", "Ohne Arbeit"},
               [HOUSING] = {"Eigentum", "Miete", "Familie"},
               [PURPOSE] = {"Auto", "Haus",
                            "M\xc3\xb6"
                            "bel",
                            "Bildung", "Gewerbe", "Gesundheit", "Reise", "Umschuldung"},
               [REGION] = {REGIONS},
               [DEFAULT] = {"nein", "ja"}},
};

/* Codes, thousands and fractions, as an old host system writes them. */
static const struct coding harbour = {
    .delimiter = ',',
    .decimal = '.',
    .missing = "-9",
    .names = {"CUST", "AGE_Y", "INC_K", "AMT", "TERM_M", "UTIL", "TENURE_M", "LATE12", "INQ6", "EMP", "HOUS", "PURP",
              "REG", "BAD"},
    .order = {REGION, ID, AGE, EMPLOYMENT, HOUSING, TENURE, INCOME, UTILISATION, LATE, INQUIRIES, PURPOSE, LOAN,
              DURATION, DEFAULT},
    .digits = {[UTILISATION] = 3, [INCOME] = 3},
    .levels = {[EMPLOYMENT] = {"E1", "E2", "E3", "E4", "E5"},
               [HOUSING] = {"H1", "H2", "H3"},
               [PURPOSE] = {"P1", "P2", "P3", "P4", "P5", "P6", "P7", "P9"},
               [REGION] = {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"},
               [DEFAULT] = {"N", "Y"}},
};

static const struct bank banks[] = {
    {"NORTH",
     'N',
     40000,
     &plain,
     46,
     39000,
     12000,
     0.04,
     {62, 12, 9, 14, 3},
     {48, 42, 10},
     {26, 16, 14, 8, 8, 6, 10, 12},
     {30, 22, 14, 9, 6, 4, 3, 3, 2, 2, 2, 1, 1, 1}},
    {"SOUTH",
     'S',
     18000,
     &plain,
     43,
     44000,
     15000,
     0.07,
     {66, 8, 13, 9, 4},
     {55, 36, 9},
     {30, 22, 12, 6, 12, 5, 6, 7},
     {2, 2, 3, 4, 6, 9, 22, 28, 12, 6, 3, 1, 1, 1}},
    {"EAST",
     'E',
     9000,
     &plain,
     49,
     31000,
     9000,
     0.05,
     {54, 10, 8, 21, 7},
     {40, 51, 9},
     {24, 8, 22, 5, 6, 10, 9, 16},
     {1, 1, 2, 2, 3, 3, 4, 6, 12, 26, 24, 10, 4, 2}},
    {"WEST",
     'W',
     6000,
     &west,
     41,
     38000,
     11000,
     0.09,
     {60, 6, 18, 8, 8},
     {36, 51, 13},
     {24, 8, 14, 9, 19, 5, 8, 13},
     {2, 2, 2, 3, 20, 24, 12, 8, 6, 5, 5, 5, 4, 2}},
    {"HARBOUR",
     'H',
     3000,
     &harbour,
     36,
     34000,
     7000,
     0.12,
     {68, 4, 11, 6, 11},
     {18, 60, 22},
     {18, 3, 22, 24, 6, 6, 12, 9},
     {8, 4, 2, 2, 2, 2, 3, 2, 3, 4, 10, 20, 28, 10}},
};
enum { BANKS = sizeof banks / sizeof *banks };

/* The truth: log-odds of a default. A number's slope is for its unit in the plan, counted from `from`. */
static const double intercept = -3.72;
static const struct slope {
    enum column column;
    double slope, from;
} slopes[] = {
    {AGE, -0.022, 43},        {INCOME, -2.4e-5, 37000}, {LOAN, 2.6e-5, 12000}, {DURATION, 0.011, 36},
    {UTILISATION, 0.016, 45}, {TENURE, -0.0035, 80},    {LATE, 0.55, 0},       {INQUIRIES, 0.21, 0},
};
enum { SLOPES = sizeof slopes / sizeof *slopes };
static const double effects[COLUMNS][LEVELS_MOST] = {
    [EMPLOYMENT] = {0, -0.55, 0.38, -0.15, 0.85},
    [HOUSING] = {0, 0.36, 0.12},
    [PURPOSE] = {0, -0.3, 0.1, -0.1, 0.55, 0.25, 0.4, 0.75},
    [REGION] = {0, 0.1, -0.1, 0.2, -0.25, 0.35, -0.4, 0.05, 0.5, -0.2, 0.3, 0.65, -0.55, 0.9},
};

struct draws {
    struct random_source *source;
    uint8_t pool[POOL_BYTES];
    size_t left;
};

/* In [0, 1), a multiple of 2^-53. */
static double uniform(struct draws *draws)
{
    if (draws->left == 0) {
        random_draw(draws->source, draws->pool, POOL_BYTES);
        draws->left = POOL_BYTES;
    }
    draws->left -= sizeof(uint64_t);
    return (double)(bytes_get_u64(draws->pool + draws->left) >> 11) * 0x1p-53;
}

/* Nearly normal: mean 0, deviation 1, within ±6. */
static double normal(struct draws *draws)
{
    double sum = -6;
    for (int k = 0; k < 12; k++) sum += uniform(draws);
    return sum;
}

static long pick(struct draws *draws, const double weights[LEVELS_MOST])
{
    double total = 0;
    for (int k = 0; k < LEVELS_MOST; k++) total += weights[k];
    double left = uniform(draws) * total;
    long level = 0;
    while (level + 1 < LEVELS_MOST && weights[level + 1] > 0 && left >= weights[level]) left -= weights[level++];
    return level;
}

/* How often something with this chance happens before it fails to, at most `most` times. */
static long repeated(struct draws *draws, double chance, long most)
{
    long times = 0;
    while (times < most && uniform(draws) < chance) times++;
    return times;
}

static long within(double value, long least, long most)
{
    return value < (double)least ? least : value > (double)most ? most : lround(value);
}

static void draw_customer(struct draws *draws, const struct bank *bank, struct customer *customer)
{
    static const long durations[] = {6, 12, 18, 24, 36, 48, 60, 72, 84};
    static const double often[LEVELS_MOST] = {4, 12, 8, 18, 20, 14, 12, 7, 5};
    long *value = customer->value;
    value[EMPLOYMENT] = pick(draws, bank->employment);
    value[HOUSING] = pick(draws, bank->housing);
    value[PURPOSE] = pick(draws, bank->purpose);
    value[REGION] = pick(draws, bank->region);
    double age = value[EMPLOYMENT] == 3 ? 70 + 6 * normal(draws) : bank->age - 2 + 11 * normal(draws);
    value[AGE] = within(age, 18, 95);
    static const double earning[] = {1, 1.05, 1.2, 0.65, 0.4};
    value[INCOME] = within(bank->income * earning[value[EMPLOYMENT]] * exp(0.42 * normal(draws)), 4000, 400000);
    double loan = bank->loan * (value[PURPOSE] == 1 ? 2.5 : 1) * exp(0.7 * normal(draws));
    value[LOAN] = 100 * within(loan / 100, 5, 1500);
    value[DURATION] = durations[pick(draws, often)];
    double used = uniform(draws);
    value[UTILISATION] = within(1000 * used * used + 80 * normal(draws) + 120, 0, 1500);
    value[TENURE] = within(-85 * log(1 - uniform(draws)), 0, 600);
    value[LATE] = repeated(draws, 0.1 + (double)value[UTILISATION] * 0.0002, 12);
    value[INQUIRIES] = repeated(draws, 0.36, 15);
}

/* As the plan counts it. */
static double plain_value(const struct customer *customer, enum column column)
{
    return column == UTILISATION ? (double)customer->value[column] / 10 : (double)customer->value[column];
}

static void draw_outcome(struct draws *draws, const struct bank *bank, struct customer *customer)
{
    double score = intercept;
    for (int k = 0; k < SLOPES; k++)
        score += slopes[k].slope * (plain_value(customer, slopes[k].column) - slopes[k].from);
    for (int column = EMPLOYMENT; column <= REGION; column++) score += effects[column][customer->value[column]];
    customer->value[DEFAULT] = uniform(draws) < 1 / (1 + exp(-score));
    customer->missing[INCOME] = uniform(draws) < bank->missing_income;
    customer->missing[UTILISATION] = uniform(draws) < 0.02;
    customer->missing[EMPLOYMENT] = uniform(draws) < 0.03;
}

/* A whole number with the mark `digits` places from its right end. */
static void write_number(FILE *file, long value, int digits, char mark)
{
    long unit = 1;
    for (int k = 0; k < digits; k++) unit *= 10;
    if (digits == 0) (void)fprintf(file, "%ld", value);
    if (digits) (void)fprintf(file, "%ld%c%0*ld", value / unit, mark, digits, value % unit);
}

static void write_customer(FILE *file, const struct coding *coding, char prefix, const struct customer *customer)
{
    for (int k = 0; k < COLUMNS; k++) {
        enum column column = coding->order[k];
        if (k) (void)fputc(coding->delimiter, file);
        if (customer->missing[column]) {
            (void)fputs(coding->missing, file);
        } else if (column == ID) {
            (void)fprintf(file, "%c%06lu", prefix, customer->number);
        } else if (coding->levels[column][0]) {
            (void)fputs(coding->levels[column][customer->value[column]], file);
        } else {
            write_number(file, customer->value[column], coding->digits[column], coding->decimal);
        }
    }
    (void)fputc('\n', file);
}

static void write_names(FILE *file, const struct coding *coding)
{
    for (int k = 0; k < COLUMNS; k++)
        (void)fprintf(file, "%s%c", coding->names[coding->order[k]], k + 1 < COLUMNS ? coding->delimiter : '\n');
}

static struct result create(const char *folder, const char *name, FILE **ret)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s.csv", folder, name);
    *ret = fopen(path, "w");
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "%s: the file cannot be written: %s", path, strerror(errno));
    return RESULT_OK;
}

static struct result finish(FILE *file, const char *name)
{
    bool failed = ferror(file) != 0;
    ENSURE(fclose(file) == 0 && !failed, CATEGORY_ENVIRONMENT, "%s.csv: the file cannot be written: %s", name,
           strerror(errno));
    return RESULT_OK;
}

static struct result write_bank(struct draws *draws, const char *folder, const struct bank *bank, FILE *pooled)
{
    FILE *file;
    TRY(create(folder, bank->name, &file));
    write_names(file, bank->coding);
    unsigned long bad = 0;
    for (unsigned long number = 1; number <= bank->customers; number++) {
        struct customer customer = {.number = number};
        draw_customer(draws, bank, &customer);
        draw_outcome(draws, bank, &customer);
        write_customer(file, bank->coding, bank->prefix, &customer);
        write_customer(pooled, &plain, bank->prefix, &customer);
        bad += customer.value[DEFAULT] == 1;
    }
    (void)printf("%-8s %6lu customers, %5lu defaults (%.1f %%)\n", bank->name, bank->customers, bad,
                 100.0 * (double)bad / (double)bank->customers);
    return finish(file, bank->name);
}

static struct result write_truth(const char *folder)
{
    FILE *file;
    TRY(create(folder, "truth", &file));
    double constant = intercept;
    for (int k = 0; k < SLOPES; k++) constant -= slopes[k].slope * slopes[k].from;
    (void)fprintf(file, "term,estimate\n(intercept),%.10g\n", constant);
    for (int k = 0; k < SLOPES; k++) (void)fprintf(file, "%s,%.10g\n", plain.names[slopes[k].column], slopes[k].slope);
    for (int column = EMPLOYMENT; column <= REGION; column++)
        for (int level = 1; level < LEVELS_MOST && plain.levels[column][level]; level++)
            (void)fprintf(file, "%s=%s,%.10g\n", plain.names[column], plain.levels[column][level],
                          effects[column][level]);
    return finish(file, "truth");
}

static struct result write_all(struct draws *draws, const char *folder)
{
    FILE *pooled;
    TRY(create(folder, "pooled", &pooled));
    write_names(pooled, &plain);
    struct result result = RESULT_OK;
    for (int k = 0; k < BANKS && result_ok(result); k++) result = write_bank(draws, folder, &banks[k], pooled);
    struct result finished = finish(pooled, "pooled");
    TRY(result);
    TRY(finished);
    return write_truth(folder);
}

static struct result generate(const char *folder, uint64_t number)
{
    TRY(crypto_start());
    ENSURE(mkdir(folder, 0777) == 0 || errno == EEXIST, CATEGORY_ENVIRONMENT, "%s: the folder cannot be made: %s",
           folder, strerror(errno));
    uint8_t bytes[RANDOM_SEED_BYTES] = "examples";
    bytes_put_u64(bytes + SEED_AT, number);
    CLEANUP(secret_freep) struct secret *seed = NULL;
    TRY(secret_from(view_of(bytes, sizeof bytes), &seed));
    CLEANUP(random_source_freep) struct random_source *source = NULL;
    TRY(random_source_new(seed, &source));
    struct draws draws = {.source = source};
    return write_all(&draws, folder);
}

int main(int argc, char **argv)
{
    uint64_t number;
    if (argc != 5 || strcmp(argv[1], "--out") != 0 || strcmp(argv[3], "--seed") != 0 || !text_whole(argv[4], &number)) {
        (void)fprintf(stderr, "usage: %s --out DIR --seed N\nMakes the data of the demonstration's five banks.\n",
                      argv[0]);
        return CATEGORY_USAGE;
    }
    struct result result = generate(argv[2], number);
    if (!result_ok(result)) (void)fprintf(stderr, "generate: %s\n", result_reason());
    return (int)result.category;
}
