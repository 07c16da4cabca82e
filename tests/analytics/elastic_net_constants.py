#!/usr/bin/env python3
"""Makes the constants of test_elastic_net.c from south_german_credit with scikit-learn (made with python 3.11.2, numpy 1.24.2,
pandas 1.5.3, scikit-learn 1.2.1): elastic_net_constants.py SouthGermanCredit.asc

Rows i with i mod 5 = 0 are left out; numbers are standardised over the others (divisor n), categories one 0/1 column a level
but the first; C = 1/λ, so that the same is minimised as by train: {penalty: λ, l1: ...}."""
import sys

import numpy
import pandas
from sklearn.linear_model import LogisticRegression

frame = pandas.read_csv(sys.argv[1], sep=" ", dtype=str)
numbers = ["duration", "amount", "installment_rate", "present_residence", "age", "number_credits", "people_liable"]
frame = frame[numpy.arange(len(frame)) % 5 != 0]
y = (frame["credit_risk"] == "0").astype(int)
columns, names = [], []
for name in frame.columns:
    if name == "credit_risk":
        continue
    if name in numbers:
        x = frame[name].astype(float).to_numpy()
        columns.append((x - x.mean()) / x.std())
        names.append(name)
    else:
        for level in sorted(frame[name].unique())[1:]:
            columns.append((frame[name] == level).astype(float).to_numpy())
            names.append(f"{name}={level}")
x = numpy.column_stack(columns)
for penalty, l1 in ((10, 1.0), (5, 0.5), (30, 0.2)):
    model = LogisticRegression(penalty="elasticnet", solver="saga", C=1 / penalty, l1_ratio=l1, tol=1e-13, max_iter=2000000)
    model.fit(x, y)
    print(f"/* penalty {penalty}, l1 {l1} */")
    print(f'{{"(intercept)", {model.intercept_[0]!r}}},')
    for name, b in zip(names, model.coef_[0]):
        print(f'{{"{name}", {float(b)!r}}},')
