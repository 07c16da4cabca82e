#!/usr/bin/env python3
"""The keys of a store's records that begin with PREFIX, a line each: records.py STATE_DB PREFIX. The process that has it
open must have stopped."""
import sqlite3
import sys

path, prefix = sys.argv[1:]
database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
for (key,) in database.execute("SELECT key FROM record ORDER BY key"):
    if key.startswith(prefix):
        print(key)
