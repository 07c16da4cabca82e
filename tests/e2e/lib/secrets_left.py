#!/usr/bin/env python3
"""Whether a secrets.db still holds secrets: secrets_left.py FILE. No record, nothing in the log, and no bytes in pages
that SQLite has freed. Exit 1 and a line when there are some."""
import os
import sqlite3
import sys

path = sys.argv[1]
log = path + "-wal"
if os.path.exists(log) and os.path.getsize(log) > 0:
    sys.exit(f"{log} is not empty")
database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
records = database.execute("SELECT key FROM record").fetchall()
if records:
    sys.exit(f"{path} holds {len(records)} records: {records[:5]}")
size = database.execute("PRAGMA page_size").fetchone()[0]
with open(path, "rb") as file:
    pages = file.read()[size:]  # the first holds the schema
# What is left in the others are page numbers and offsets, each with a high byte under 16; a key or a share is random.
for start in range(0, len(pages), 32):
    piece = pages[start : start + 32]
    if sum(byte >= 16 for byte in piece) > 20:
        sys.exit(f"{path} has bytes left at {size + start}: {piece.hex()}")
