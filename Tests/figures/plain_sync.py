"""What somebody would write instead of records.sync: brings the rows of a CSV file into a SQLite table by their key, new
ones inserted, changed ones updated, equal ones left alone by the hash of their JSON. Same journal, transactions of the same
size, and the same flush at the end as records.sync has.

Usage: plain_sync.py FILE.csv DATABASE KEY
"""

import csv
import hashlib
import json
import sqlite3
import sys


def main(path, database, key):
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA wal_autocheckpoint = 4000")
    created = updated = skipped = failed = 0
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        names = next(rows)
        key = names.index(key)
        columns = ", ".join(f'"{name}"' for name in names)
        db.execute(f"CREATE TABLE IF NOT EXISTS t (_key TEXT NOT NULL UNIQUE, _hash BLOB NOT NULL, {columns})")
        find = "SELECT _hash FROM t WHERE _key = ?"
        insert = f"INSERT INTO t VALUES (?, ?, {', '.join('?' for _ in names)})"
        update = f"UPDATE t SET _hash = ?, {', '.join(f'{chr(34)}{name}{chr(34)} = ?' for name in names)} WHERE _key = ?"
        seen = set()
        for number, row in enumerate(rows):
            if number % 1000 == 0:
                if number:
                    db.execute("COMMIT")
                db.execute("BEGIN IMMEDIATE")
            if row[key] in seen:
                failed += 1
                continue
            seen.add(row[key])
            record = json.dumps(dict(zip(names, row)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            digest = hashlib.sha256(record.encode()).digest()
            held = db.execute(find, (row[key],)).fetchone()
            if held is None:
                db.execute(insert, (row[key], digest, *row))
                created += 1
            elif held[0] != digest:
                db.execute(update, (digest, *row, row[key]))
                updated += 1
            else:
                skipped += 1
        if db.in_transaction:
            db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    db.close()
    print(created, updated, skipped, failed)


main(*sys.argv[1:])
