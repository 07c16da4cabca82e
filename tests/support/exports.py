#!/usr/bin/env python3
"""Whether a model's exports score as cofferdam does.
exports.py MODEL.json MODEL.pmml MODEL.onnx MODEL.sql ROWS.csv SCORES.csv TABLE [psql ARGUMENTS...]

SCORES.csv is what `cofferdam score` wrote for ROWS.csv. SQL is run by SQLite, and by PostgreSQL where psql's arguments
are given; ONNX by onnxruntime, where it is installed (make deps)."""
import csv
import io
import json
import pathlib
import sqlite3
import subprocess
import sys

import pmml

model_path, pmml_path, onnx_path, sql_path, rows_path, scores_path, table = sys.argv[1:8]
psql_command = sys.argv[8:]
with open(rows_path, newline="") as file:
    header, *rows = list(csv.reader(file))
with open(scores_path, newline="") as file:
    scores = list(csv.DictReader(file))
assert len(rows) == len(scores), (len(rows), len(scores))
rows = [[field if field else None for field in row] for row in rows]
query = pathlib.Path(sql_path).read_text()
scorecard = "points" in scores[0]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def near(a, b):
    return (a is None) == (b is None) and (a is None or abs(a - b) <= 1e-9)


def check(engine, number, probability, points):
    expected = float(scores[number]["probability"]) if scores[number]["probability"] else None
    assert near(probability, expected), (engine, number, rows[number], probability, expected)
    if scorecard:
        wanted = float(scores[number]["points"]) if scores[number]["points"] else None
        assert near(points, wanted), (engine, number, rows[number], points, wanted)


database = sqlite3.connect(":memory:")
database.execute(f"CREATE TABLE {quoted(table)} (n INTEGER, {', '.join(map(quoted, header))})")
database.executemany(f'INSERT INTO {quoted(table)} VALUES (?{", ?" * len(header)})', [[i, *row] for i, row in enumerate(rows)])
wanted = "n, probability" + (", points" if scorecard else "")
wrapped = f"SELECT {wanted} FROM ({query.rstrip().rstrip(';')}) AS done ORDER BY n"
for result in database.execute(wrapped):
    check("sqlite", result[0], result[1], result[2] if scorecard else None)

if psql_command:
    def psql(text):
        return subprocess.run(psql_command + ["-v", "ON_ERROR_STOP=1", "-qAt", "--csv"], input=text, text=True, check=True,
                              stdout=subprocess.PIPE).stdout
    columns = ", ".join(quoted(name) + " TEXT" for name in header)
    copy = io.StringIO()
    csv.writer(copy, lineterminator="\n").writerows([i, *["" if f is None else f for f in row]] for i, row in enumerate(rows))
    out = psql(f"CREATE TEMP TABLE {quoted(table)} (n INTEGER, {columns});\nCOPY {quoted(table)} FROM STDIN CSV;\n{copy.getvalue()}\\.\n"
               f"SET extra_float_digits = 3;\n{wrapped};\n")
    results = list(csv.reader(io.StringIO(out)))
    assert len(results) == len(rows)
    for result in results:
        check("postgresql", int(result[0]), *[float(x) if x else None for x in result[1:3]], *([] if scorecard else [None]))

engines = pathlib.Path(__file__).resolve().parent.parent / "engines"
if (engines / "node_modules").is_dir():
    inputs, model = {}, json.loads(pathlib.Path(model_path).read_text())
    for feature in model["features"]:
        column = header.index(feature["name"])
        as_number = feature["kind"] == "number"
        inputs[feature["name"]] = [(float(row[column]) if row[column] else None) if as_number else row[column] or "" for row in rows]
    out = subprocess.run(["node", engines / "onnx.js", onnx_path], input=json.dumps(inputs), text=True, check=True, stdout=subprocess.PIPE)
    outputs = json.loads(out.stdout)
    for i in range(len(rows)):
        check("onnx", i, outputs["probability"][i][0], outputs["points"][i][0] if scorecard else None)
        if scorecard and outputs["points"][i][0] is not None:
            assert near(model["points"]["base_points"] + sum(outputs["points_by_feature"][i]), outputs["points"][i][0])
else:
    print("skipped: onnxruntime is not installed")

score = pmml.evaluate(pmml_path)
for i, row in enumerate(rows):
    outputs = score(dict(zip(header, row)))
    if scorecard:
        wanted = float(scores[i]["points"]) if scores[i]["points"] else None
        assert near(outputs and outputs["points"], wanted), ("pmml", i, row, outputs, wanted)
        for key in scores[i]:
            if key.startswith("reason_"):
                assert (outputs[key] if outputs else None) == (scores[i][key] or None), ("pmml", i, key, outputs)
    else:
        check("pmml", i, outputs and outputs["probability"], None)
print(len(rows), "rows,", sum(not s["probability"] for s in scores), "of them refused, agree")
