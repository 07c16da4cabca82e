"""The public data sets that bench/utility.py measures on: how each becomes a table, and its plans.

Bounds and levels are round figures such as a data scientist would write from the sets' documentation.
"""
import csv
import gzip

AMOUNTS = [f"BILL_AMT{i}" for i in range(1, 7)]
PAYMENTS = [f"PAY_AMT{i}" for i in range(1, 7)]
DELAYS = [f"PAY_{i}" for i in (0, 2, 3, 4, 5, 6)]
ADULT_COLUMNS = ["age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation",
                 "relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country",
                 "income"]

TAIWAN = {
    "name": "taiwan_default", "file": "taiwan_default/UCI_Credit_Card.csv.gz", "id": "ID",
    "target": "default.payment.next.month", "positive": "1",
    "numbers": {"LIMIT_BAL": (0, 1000000), "AGE": (18, 80)} | {name: (-2, 8) for name in DELAYS} |
               {name: (-50000, 500000) for name in AMOUNTS} | {name: (0, 50000) for name in PAYMENTS},
    "categories": {"SEX": ["1", "2"], "EDUCATION": ["1", "2", "3"], "MARRIAGE": ["1", "2"]},
}
ADULT = {
    "name": "adult", "file": "adult/adult.data.gz", "id": "id", "target": "income", "positive": ">50K",
    "numbers": {"age": (17, 90), "education-num": (1, 16), "capital-gain": (0, 20000), "capital-loss": (0, 2500),
                "hours-per-week": (1, 99)},
    "categories": {
        "workclass": ["Private", "Self-emp-not-inc", "Self-emp-inc", "Federal-gov", "Local-gov", "State-gov",
                      "Without-pay", "Never-worked"],
        "marital-status": ["Married-civ-spouse", "Divorced", "Never-married", "Separated", "Widowed",
                           "Married-spouse-absent", "Married-AF-spouse"],
        "occupation": ["Prof-specialty", "Tech-support", "Craft-repair", "Other-service", "Sales", "Exec-managerial",
                       "Handlers-cleaners", "Machine-op-inspct", "Adm-clerical", "Farming-fishing",
                       "Transport-moving", "Priv-house-serv", "Protective-serv", "Armed-Forces"],
        "relationship": ["Husband", "Wife", "Own-child", "Not-in-family", "Other-relative", "Unmarried"],
        "race": ["White", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other", "Black"],
        "sex": ["Male", "Female"],
    },
}
SETS = [TAIWAN, ADULT]


def feature_lines(dataset):
    for name, (least, most) in dataset["numbers"].items():
        yield (f"  - {{name: {name}, kind: number, min: {least}, max: {most}, missing: mean, outside: clamp, "
               f"resolution: 1}}")
    for name, levels in dataset["categories"].items():
        quoted = ", ".join(f'"{level}"' for level in levels)
        yield (f'  - {{name: {name}, kind: category, levels: [{quoted}], baseline: "{levels[0]}", other: level, '
               f"missing: level}}")


def plan(dataset, task, epsilon, delta):
    """epsilon None: exact sums."""
    lines = ["cofferdam: 1", f"name: {dataset['name']}", "purpose: credit-risk", f"task: {task}",
             f"id: {dataset['id']}", f'target: {{column: {dataset["target"]}, positive: "{dataset["positive"]}"}}',
             "split: {fraction: 0.2, seed: 2026q4}", "features:", *feature_lines(dataset),
             "cohort: {minimum: 5, rows: 100000}"]
    if epsilon is not None:
        lines.append(f"privacy: {{epsilon: {epsilon:g}, delta: {delta:.1e}}}")
    return "\n".join(lines) + "\n"


def adult_rows(lines):
    yield ["id", *ADULT_COLUMNS]
    for number, cells in enumerate(csv.reader(lines, skipinitialspace=True), 1):
        if cells:
            yield [str(number), *("" if cell == "?" else cell for cell in cells)]


def write_table(dataset, source, target):
    """A CSV with a header and an id, as a bank would have it."""
    with gzip.open(source, "rt", encoding="utf-8", newline="") as lines, \
            open(target, "w", encoding="utf-8", newline="") as out:
        rows = adult_rows(lines) if dataset is ADULT else csv.reader(lines)
        csv.writer(out, lineterminator="\n").writerows(rows)
