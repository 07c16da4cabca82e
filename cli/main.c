/* cofferdam: the command for people.
 *
 * Welcome. The table below is the whole program: dispatch walks it, and the help prints it. Each row's function is in
 * the file that cli/cli.h names; what the commands do is done in the layers underneath.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "crypto/secret.h"
#include "sys/process.h"

static const struct cli_command commands[] = {
    {"keygen", cli_keygen,
     "--org NAME --out DIR [--token URI] [--node-token URI] [--officer --name PERSON] [--no-passphrase] [--json]",
     "Makes an organisation's two keys and the file it sends to the others; or an officer's key",
     "Writes DIR/identity.key, DIR/node.key, DIR/node.crt and DIR/NAME.pub; none may exist. With --officer it writes\n"
     "DIR/officer.key alone, with which a person approves plans for the bank, and prints the line for its policy. "
     "With\n"
     "--token both keys are made in a PKCS#11 token and stay there, or are those that it has: DIR/node.crt and\n"
     "DIR/NAME.pub are written.\n\n"
     "  --org NAME        the name in the roster: no blanks, no slash\n"
     "  --out DIR         made when it is not there\n"
     "  --token URI       the token, as pkcs11:token=NAME?module-path=/PATH&pin-source=file:/PATH\n"
     "  --node-token URI  another token for the node key; without --token the identity key goes into its file\n"
     "  --officer         an officer's key, whose name is given with --name PERSON\n"
     "  --no-passphrase   leaves the key unsealed; else COFFERDAM_PASSPHRASE_FILE or the terminal is asked\n"
     "  --json            prints the public keys as JSON\n\n"
     "Examples:\n"
     "  cofferdam keygen --org north --out keys\n"
     "  cofferdam keygen --officer --org north --name ada --out ada\n"
     "  cofferdam keygen --org north --out keys --token "
     "'pkcs11:token=bank?module-path=/usr/lib/softhsm/libsofthsm2.so'\n"
     "  cofferdam keygen --org test --out /tmp/test --no-passphrase\n"},
    {"roster new", cli_roster_new, "--coordinator FILE.pub --address ADDRESS -o ROSTER MEMBER.pub...",
     "Writes the first roster from the .pub files of coordinator and members",
     "Every member then signs it. Compare the keys by another way than the one that brought the files.\n\n"
     "  --coordinator FILE.pub   the coordinator's public keys\n"
     "  --address ADDRESS        where it listens: tls+tcp://HOST:PORT\n"
     "  -o, --out ROSTER         must not exist; - for stdout\n\n"
     "Example:\n"
     "  cofferdam roster new --coordinator hub.pub --address tls+tcp://hub.example:7700 -o roster.note \\\n"
     "      north.pub south.pub east.pub west.pub centre.pub\n"},
    {"roster add", cli_roster_add,
     "ROSTER.note [MEMBER.pub...] [--remove NAME] [--coordinator FILE.pub] [--address ADDRESS] -o NEXT",
     "Writes the roster that follows: members added, re-keyed or removed",
     "A .pub file whose name is in the roster gives that member new keys. A quorum of the members before signs the\n"
     "result, and so does each member that is new or has a new key.\n\n"
     "  --remove NAME            leaves a member out; may be repeated\n"
     "  --coordinator FILE.pub   another coordinator\n"
     "  --address ADDRESS        another address\n"
     "  -o, --out NEXT           must not exist; - for stdout\n\n"
     "Example:\n"
     "  cofferdam roster add roster.note harbour.pub -o roster-2.note\n"},
    {"roster sign", cli_roster_sign, "ROSTER --key identity.key [--previous OLD.note] [-o OUT]",
     "Adds your organisation's signature to a roster",
     "Who signs is found by the key. Without -o the file is replaced by the signed one.\n\n"
     "  --key FILE            your identity.key\n"
     "  --previous OLD.note   the roster before: checked to be what this one follows; needed by a member whose key\n"
     "                        changes\n"
     "  -o, --out OUT         must not exist; - for stdout\n\n"
     "Examples:\n"
     "  cofferdam roster sign roster.note --key keys/identity.key\n"
     "  cofferdam roster sign roster-2.note --key keys/identity.key --previous roster.note\n"},
    {"roster show", cli_roster_show, "ROSTER [--previous OLD.note] [--json]",
     "Prints members, thresholds and fingerprint of a roster, and verifies it",
     "Exit code 1 when a signature that it needs is missing or false.\n\n"
     "  --previous OLD.note   the roster before: verifies the succession\n"
     "  --json                prints JSON\n\n"
     "Example:\n"
     "  cofferdam roster show roster.note\n"},
    {"plan new", cli_plan_new,
     "--from FILE.csv [--target COLUMN --positive VALUE] [--id COLUMN] [--delimiter C] [--decimal-comma] "
     "[--missing TOKEN ...] [-o PLAN.yaml]",
     "Drafts a plan from a file: types, levels, bounds rounded outward, for a person to edit",
     "What is left to decide stands as FILL_IN in the draft, and plan check refuses it there.\n\n"
     "  --from FILE.csv      one bank's rows; .gz is unpacked\n"
     "  --target COLUMN      what the model predicts, with --positive VALUE\n"
     "  --id COLUMN          what names a row; it never leaves the node\n"
     "  --delimiter C        one character; a comma where it is left out\n"
     "  --decimal-comma      numbers are written 1,5\n"
     "  --missing TOKEN      what means that a value is missing, beside an empty field; may be repeated\n"
     "  -o, --out PLAN.yaml  must not exist; stdout where it is left out\n\n"
     "Examples:\n"
     "  cofferdam plan new --from customers.csv -o plan.yaml\n"
     "  cofferdam plan new --from customers.csv --target default --positive 1 --id customer_id -o plan.yaml\n"},
    {"plan check", cli_plan_check, "PLAN.yaml [--policy policy.yaml] [--json]",
     "Explains what a plan would compute and release, and proves its bounds",
     "Takes YAML or a signed plan; - is stdin. Exit code 2 with file and line when the plan is wrong.\n\n"
     "  --policy FILE   a bank's policy: what would leave that bank, and which line allows or refuses it; exit code 1\n"
     "                  when it refuses. The author is who signed first; no signature is verified here\n"
     "  --json          prints JSON\n\n"
     "Examples:\n"
     "  cofferdam plan check plan.yaml\n"
     "  cofferdam plan check plan.note --json\n"
     "  cofferdam plan check plan.note --policy policy.yaml\n"},
    {"plan sign", cli_plan_sign, "PLAN.yaml --org NAME --key identity.key -o PLAN.note",
     "Signs a plan as your organisation",
     "The plan is checked first. A signed plan gets one more signature.\n\n"
     "  --org NAME       your name in the roster\n"
     "  --key FILE       your identity.key\n"
     "  -o, --out FILE   must not exist; - for stdout\n\n"
     "Example:\n"
     "  cofferdam plan sign plan.yaml --org north --key keys/identity.key -o plan.note\n"},
    {"plan show", cli_plan_show, "PLAN [--roster ROSTER.note] [--json]", "Prints a plan, its hash, and who signed it",
     "Exit code 1 when a signature under a member's name does not verify.\n\n"
     "  --roster ROSTER.note   whose keys the signatures are checked with\n"
     "  --json                 prints JSON\n\n"
     "Example:\n"
     "  cofferdam plan show plan.note --roster roster.note\n"},
    {"audit verify", cli_audit_verify, "BUNDLE [--roster FINGERPRINT|ROSTER.note] [--json]",
     "Replays a run from its bundle, without a raw record, and says whether everything in it holds",
     "Checks every signature, commitment, certificate and checkpoint, takes the masks off, redoes every sum and every\n"
     "step, and compares the model byte for byte. Exit code 1 at the first thing that does not hold. Who the parties\n"
     "are is the one thing a bundle cannot tell: compare the roster's fingerprint with the one you know.\n\n"
     "  --roster FINGERPRINT|ROSTER.note   the fingerprint that roster show prints, or the pinned roster itself: the\n"
     "                                     bundle must be of that roster or of one that its members signed after it\n"
     "  --json                             prints JSON\n\n"
     "Example:\n"
     "  cofferdam audit verify run.cfd --roster roster.note\n"},
    {"audit report", cli_audit_report, "BUNDLE -o FILE.html [--roster FINGERPRINT|ROSTER.note] [--json]",
     "Replays a run from its bundle and writes what it tells, for people: a page to read, print and file",
     "Who took part under which keys, what was asked, what was released to whom, what went otherwise, hashes and how "
     "to\n"
     "check them again. A bundle that does not hold gets a report that says so first, and exit code 1. The same "
     "bundle,\n"
     "under the same name, gives the same page, to the byte.\n\n"
     "  -o, --out FILE.html                replaced when it is there; - for stdout\n"
     "  --roster FINGERPRINT|ROSTER.note   as for audit verify; without it the fingerprint is shown to be compared\n"
     "  --json                             prints the same facts as JSON; -o may then be left out\n\n"
     "Example:\n"
     "  cofferdam audit report run.cfd --roster roster.note -o audit.html\n"},
    {"audit redact", cli_audit_redact, "BUNDLE -o FILE [--keep-sums]",
     "Writes a bundle without masked inputs, revealed secrets, sums and model: a form that may be public",
     "The bundle is replayed while it is copied, and nothing is written when it does not hold. audit verify takes the\n"
     "result: signatures, certificates and checkpoints are all there, and that t banks checked every sum.\n\n"
     "  -o, --out FILE   replaced when it is there\n"
     "  --keep-sums      leaves sums, states and model in, from which the model can be computed again\n\n"
     "Example:\n"
     "  cofferdam audit redact run.cfd -o public.cfd\n"},
    {"audit timestamp", cli_audit_timestamp,
     "BUNDLE (--query FILE.tsq | --response FILE.tsr --trust CA.pem [--json]) [--roster FINGERPRINT|ROSTER.note]",
     "Asks a time-stamping authority (RFC 3161) for the time of a run's last checkpoint, or verifies its answer",
     "The bundle, in any form, is replayed first. The request is over the SHA-256 of the text of the last checkpoint;\n"
     "sending it is left to you (curl). Exit code 1 when the answer does not hold: it is of another run, was refused, "
     "or\n"
     "its signature does not lead to a trusted CA. Revocation lists are not looked at.\n\n"
     "  --query FILE.tsq      the request; must not exist; - for stdout\n"
     "  --response FILE.tsr   the authority's answer; keep it as run.tsr beside run.cfd\n"
     "  --trust CA.pem        certificates of the CAs that you trust to certify time-stamping authorities\n"
     "  --roster ...          as audit verify\n"
     "  --json                prints JSON\n\n"
     "Examples:\n"
     "  cofferdam audit timestamp run.cfd --query run.tsq\n"
     "  curl -H 'Content-Type: application/timestamp-query' --data-binary @run.tsq -o run.tsr http://tsa.example/\n"
     "  cofferdam audit timestamp run.cfd --response run.tsr --trust tsa-ca.pem\n"},
    {"audit journal", cli_audit_journal, "JOURNAL --roster ROSTER.note [--bundle run.cfd] [--json]",
     "Verifies a node's journal, tells what it says, and compares it with the bundle of a run",
     "A node's journal is state/journal.jsonl: what it did, each entry signed and bound to the one before. Prints a\n"
     "line an entry, then what each run came to: plan, rows, columns, what left. Exit code 1 at the first line that\n"
     "does not hold, or when journal and bundle do not say the same of what this bank sent, signed and knows.\n\n"
     "  --roster ROSTER.note   the roster in which the node's key is; again for one from before a change of keys\n"
     "  --bundle run.cfd       replays the bundle, in any form, and compares\n"
     "  --json                 prints JSON\n\n"
     "Example:\n"
     "  cofferdam audit journal journal.jsonl --roster roster.note --bundle run.cfd\n"},
    {"audit evidence", cli_audit_evidence, "FILE [--roster FINGERPRINT|ROSTER.note] [--json]",
     "Says in plain words what a file of evidence proves, and against whom",
     "Such files are in runs/RUN/evidence/ of a bank's or the coordinator's state directory: what somebody signed "
     "that\n"
     "cannot be, with all that is needed to see it. Nothing in one is trusted but the roster: compare its "
     "fingerprint.\n"
     "Exit code 0 when the file holds: it proves what it says, or shows a signed message and proves no more; 1 when\n"
     "it does not.\n\n"
     "  --roster FINGERPRINT|ROSTER.note   the fingerprint that roster show prints, or the pinned roster itself\n"
     "  --json                             prints JSON\n\n"
     "Example:\n"
     "  cofferdam audit evidence state/runs/3f9a.../evidence/sum-00003.cfe --roster roster.note\n"},
    {"simulate", cli_simulate,
     "PLAN.yaml --out DIR (--site NAME=FILE.csv ... | --split FILE.csv:N) [--mapping [NAME=]FILE.yaml ...] "
     "[--faults SEED] [--threads N]",
     "Runs a plan with a whole consortium in this process: the real machines and masks",
     "Banks and coordinator are the machines that the daemons run; their messages go over an in-memory network, under\n"
     "keys made for this run. DIR gets model.json, report.html, plan.note and run.cfd, as in a real run. Progress goes "
     "to "
     "stderr.\n\n"
     "  --site NAME=FILE.csv         a bank and its rows; at least as many as the plan's cohort minimum\n"
     "  --split FILE.csv:N           the rows of one file, dealt to N banks; .gz is unpacked\n"
     "  --mapping [NAME=]FILE.yaml   how a bank's columns become the plan's: `source:` of a node's configuration\n"
     "  --faults SEED                loses, doubles, delays and reorders messages and kills processes, as the number\n"
     "                               says: ends with the same model, or says who stopped the run and why (exit code "
     "1)\n"
     "  --threads N                  one a processor when left out; the model does not depend on it\n"
     "  --out DIR                    made when it is missing\n\n"
     "Examples:\n"
     "  cofferdam simulate plan.yaml --split customers.csv:5 --out out\n"
     "  cofferdam simulate plan.yaml --site north=n.csv --site south=s.csv --site west=w.csv --out out\n"},
    {"fit", cli_fit, "PLAN.yaml --data FILE.csv ... --out DIR [--mapping FILE.yaml] [--threads N]",
     "Fits a plan to the rows of the given files alone: no network, no masks",
     "What one bank would get alone, or a pool of files: the same computation as a joint run, in the open.\n"
     "The model says \"banks\": 1.\n\n"
     "  --data FILE.csv       rows; any number of files, pooled\n"
     "  --mapping FILE.yaml   how the files' columns become the plan's: `source:` of a node's configuration\n"
     "  --threads N           one a processor when left out; the model does not depend on it\n"
     "  --out DIR             gets model.json and report.html\n\n"
     "Example:\n"
     "  cofferdam fit plan.yaml --data north.csv --out alone\n"},
    {"plan evaluate", cli_plan_evaluate,
     "MODEL.json [--against OTHER.json] [--cutoff P ...] [--group COLUMN] [--epsilon E --delta D] "
     "[--purpose WORD] [-o PLAN.yaml]",
     "Writes a plan that evaluates a model, or two against each other, on every bank's rows",
     "The models are in the plan; their columns, target and split are the plan's.\n\n"
     "  --against OTHER.json   a challenger: both are measured on the same rows, and their difference is tested\n"
     "  --cutoff P             a probability at which a row counts as positive; any number of times, rising\n"
     "  --group COLUMN         a category whose levels are compared for fairness\n"
     "  --epsilon E --delta D  differential privacy: figures carry noise; rows that a model refuses are counted\n"
     "  --purpose WORD         the plan's purpose\n"
     "  -o, --out PLAN.yaml    must not exist; stdout when left out\n\n"
     "Example:\n"
     "  cofferdam plan evaluate model.json --against old.json --cutoff 0.1 --cutoff 0.2 --group sex -o check.yaml\n"},
    {"model show", cli_model_show, "MODEL.json [--json]", "Prints a model: terms, errors, tests, metrics",
     "  --json   the model itself\n\n"
     "Example:\n"
     "  cofferdam model show out/model.json\n"},
    {"model compare", cli_model_compare, "A.json B.json", "Says whether two models are equal, bit for bit",
     "Only the number of banks may differ. Exit code 1 when anything else does: the values are listed, and the "
     "largest\n"
     "distance of two estimates is given in standard errors of the first model.\n\n"
     "Example:\n"
     "  cofferdam model compare joint/model.json pooled/model.json\n"},
    {"model export", cli_model_export, "MODEL.json --format pmml|onnx|sql|json -o FILE [--table NAME]",
     "Writes a model for a scoring engine",
     "  --format FORMAT   pmml: PMML 4.4, a RegressionModel or a Scorecard with reason codes; sql: a SELECT that "
     "scores in\n"
     "                    SQLite and PostgreSQL; json: the model itself\n"
     "  -o, --out FILE    - for stdout\n"
     "  --table NAME      the table or view that the SELECT reads; customers when left out\n\n"
     "A row that the model refuses (a missing, outside or unseen value without a rule) is NULL, NaN in ONNX, or "
     "invalid in PMML.\n\n"
     "Examples:\n"
     "  cofferdam model export model.json --format pmml -o model.pmml\n"
     "  cofferdam model export model.json --format sql --table applicants -o score.sql\n"},
    {"score", cli_score,
     "MODEL.json --data FILE.csv (-o FILE.csv [--id COLUMN] | --metrics [--json]) [--mapping FILE.yaml]",
     "Writes the probability of each row of a file, or measures a model on it",
     "  --data FILE.csv       rows with the model's columns; --metrics takes any number of files, pooled\n"
     "  -o, --out FILE.csv    gets a line a row: its id, or its number without --id, its probability, and of a "
     "scorecard\n"
     "                        points and reason codes; a row that the model refuses is told by its line and left "
     "empty,\n"
     "                        and the exit code is 1; - for stdout\n"
     "  --id COLUMN           what names a row in the output\n"
     "  --metrics             AUC, KS, Gini, Brier and log loss instead, exact, apart for the rows that the model's "
     "own\n"
     "                        split trains on and holds out; the files must have the target\n"
     "  --json                prints the measures as JSON\n"
     "  --mapping FILE.yaml   how the files' columns become the plan's: `source:` of a node's configuration\n\n"
     "Examples:\n"
     "  cofferdam score model.json --data applicants.csv --id applicant -o scores.csv\n"
     "  cofferdam score model.json --data north.csv --data south.csv --metrics\n"},
    {"run submit", cli_run_submit,
     "PLAN.note --node DIR --key identity.key [--member NAME ...] [--protocol N] [--prepare FILE] | --prepared FILE "
     "--node DIR",
     "Submits a signed plan through this bank's own node; prints the run's id",
     "The plan is signed by this organisation (cofferdam plan sign), and so is the run: with --key.\n\n"
     "  --node DIR|CONFIG   this bank's node: its configuration, or the directory with node.yaml\n"
     "  --key FILE          the organisation's identity key\n"
     "  --member NAME       a member of the cohort, any number of times; the whole roster without it\n"
     "  --protocol N        the version of the protocol that the run keeps to; the newest without it, which every "
     "member's\n"
     "                      node must speak\n"
     "  --prepare FILE      writes the signed run to FILE and prints its id; nobody is asked yet\n"
     "  --prepared FILE     submits that file, with --node alone: after officers approved the id\n\n"
     "Examples:\n"
     "  cofferdam run submit plan.note --node /etc/cofferdam --key identity.key\n"
     "  cofferdam run submit --prepared next.run --node /etc/cofferdam\n"},
    {"run list", cli_run_list, "--node DIR [--json]", "Lists runs: their plan, state and phase",
     "  --node DIR|CONFIG   this bank's node\n"
     "  --json              prints JSON\n\n"
     "Example:\n"
     "  cofferdam run list --node /etc/cofferdam\n"},
    {"run show", cli_run_show, "[RUN] --node DIR [--json]", "Shows one run: phase, who is awaited and since when",
     "RUN is the beginning of a run's id; the newest run without it.\n\n"
     "  --node DIR|CONFIG   this bank's node\n"
     "  --json              prints JSON\n\n"
     "Example:\n"
     "  cofferdam run show 3f9a --node /etc/cofferdam\n"},
    {"run watch", cli_run_watch, "[RUN] --node DIR", "Follows a run until it is over for this bank",
     "Exit code 1 when the run ends without a model, 2 when its data cannot be analysed as planned.\n\n"
     "  --node DIR|CONFIG   this bank's node\n\n"
     "Example:\n"
     "  cofferdam run watch --node /etc/cofferdam\n"},
    {"run cancel", cli_run_cancel, "RUN --node DIR [--reason TEXT]", "Ends a run that this organisation submitted",
     "  --node DIR|CONFIG   this bank's node\n"
     "  --reason TEXT       what the others are told\n\n"
     "Example:\n"
     "  cofferdam run cancel 3f9a --node /etc/cofferdam --reason \"wrong plan\"\n"},
    {0},
};

/* Whether the row's words are the first of argv; ret_count: how many of argv they take. */
static bool row_matches(const struct cli_command *command, int argc, char **argv, int *ret_count)
{
    const char *second = strchr(command->words, ' ');
    size_t first = second ? (size_t)(second - command->words) : strlen(command->words);
    if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], command->words, first) != 0) return false;
    if (second && (argc < 2 || strcmp(argv[1], second + 1) != 0)) return false;
    *ret_count = second ? 2 : 1;
    return true;
}

static bool row_in_group(const struct cli_command *command, const char *group)
{
    size_t length = strlen(group);
    return strncmp(command->words, group, length) == 0 && command->words[length] == ' ';
}

/* The commands of a group, or all of them with group NULL. */
static struct result help_list(const char *group)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    if (!group)
        TRY(buffer_text(&out, "cofferdam: banks compute on their customers' data together, and none shows its rows.\n\n"
                              "usage: cofferdam COMMAND ...\n\n"));
    for (const struct cli_command *command = commands; command->words; command++)
        if (!group || row_in_group(command, group))
            TRY(buffer_format(&out, "  %-15s %s\n", command->words, command->summary));
    TRY(buffer_format(&out, "\ncofferdam COMMAND --help explains one, with examples.%s\n",
                      group ? "" : " cofferdam --version prints the version."));
    if (!group)
        TRY(buffer_text(&out, "Exit codes: 0 done, 1 what was asked about is not so, 2 wrong usage or configuration,\n"
                              "3 environment (file, network, database).\n\n"
                              "Examples:\n"
                              "  cofferdam keygen --org north --out keys\n"
                              "  cofferdam plan new --from customers.csv -o plan.yaml\n"
                              "  cofferdam plan check plan.yaml\n"));
    return cli_print(buffer_view(&out));
}

static struct result help_command(const struct cli_command *command)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(buffer_format(&out, "usage: cofferdam %s %s\n\n%s.\n\n%s", command->words, command->synopsis, command->summary,
                      command->help));
    return cli_print(buffer_view(&out));
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
    return false;
}

static bool group_exists(const char *group)
{
    for (const struct cli_command *command = commands; command->words; command++)
        if (row_in_group(command, group)) return true;
    return false;
}

/* argv without the program's own name. */
static struct result dispatch(int argc, char **argv)
{
    ENSURE(argc > 0, CATEGORY_USAGE, "a command is missing; cofferdam --help lists them");
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) return help_list(NULL);
    if (strcmp(argv[0], "--version") == 0) return cli_print(view_text("cofferdam " COFFERDAM_VERSION "\n"));
    for (const struct cli_command *command = commands; command->words; command++) {
        int count;
        if (!row_matches(command, argc, argv, &count)) continue;
        if (asks_for_help(argc - count, argv + count)) return help_command(command);
        char words[64]; /* argv[0] of a command: its words, which getopt and errors use */
        (void)snprintf(words, sizeof words, "%s", command->words);
        argv[count - 1] = words;
        TRY(crypto_start());
        return command->run(argc - count + 1, argv + count - 1);
    }
    if (group_exists(argv[0])) {
        if (asks_for_help(argc, argv)) return help_list(argv[0]);
        if (argc == 1)
            return FAIL(CATEGORY_USAGE, "%s needs a further word; see cofferdam %s --help", argv[0], argv[0]);
        return FAIL(CATEGORY_USAGE, "no such command: %s %s; see cofferdam %s --help", argv[0], argv[1], argv[0]);
    }
    return FAIL(CATEGORY_USAGE, "no such command: %s; cofferdam --help lists them", argv[0]);
}

int main(int argc, char **argv)
{
    struct result result = process_start();
    if (result_ok(result)) result = dispatch(argc - 1, argv + (argc > 0));
    if (!result_ok(result)) (void)fprintf(stderr, "cofferdam: %s\n", result_reason());
    return cli_exit(result);
}
