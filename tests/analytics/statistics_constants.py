#!/usr/bin/env python3
"""Makes the constants of test_statistics.c from taiwan_default with pandas (made with python 3.11.2, numpy 1.24.2, pandas 1.5.3):
statistics_constants.py UCI_Credit_Card.csv.gz"""
import sys

import pandas

frame = pandas.read_csv(sys.argv[1])
for name in ("LIMIT_BAL", "AGE", "PAY_0", "BILL_AMT1", "BILL_AMT6", "PAY_AMT2"):
    column = frame[name]
    quantiles = ", ".join(repr(float(column.quantile(p))) for p in (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99))
    print(f'{{"{name}", {column.mean()!r}, {column.std()!r}, {column.skew()!r}, {{{quantiles}}}}},')
for a, b in (("LIMIT_BAL", "AGE"), ("BILL_AMT1", "BILL_AMT2"), ("PAY_0", "PAY_AMT2")):
    print(f'{{"{a}", "{b}", {frame[a].corr(frame[b])!r}}},')
