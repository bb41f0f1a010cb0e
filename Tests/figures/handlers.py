"""Measures the built-in handlers beside what somebody would use instead; `Tests/figures.sh` starts it and says how.

Everything is timed from outside, as whole processes, and what each of them did is checked. Runs of one comparison take turns,
so that a noisy machine is noisy for all of them.

Usage: handlers.py HANDLERS DATA [documents] [records] [memory] [search]
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HANDLERS, DATA = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
RUNS = int(os.environ.get("RUNS", "7"))
RECORDS = int(os.environ.get("RECORDS", "1000000"))
OUI = "/usr/share/ieee-data/oui.csv"
MANUAL = "/usr/share/doc/python3.11/html"
PLAIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plain_sync.py")
COUNTS = ("created", "updated", "skipped", "deleted", "failed")


def handler(program, job_type, params):
    """Runs a job by hand. Returns its result's value."""
    request = json.dumps({"type": job_type, "params": params})
    run = subprocess.run([f"{HANDLERS}/{program}", job_type], input=request, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{"type":"result"')][-1]["value"]


def counts(result):
    return [result["counts"][name] for name in COUNTS]


def command(*arguments, given=None):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, input=given).stdout


def compare(title, contenders, before=lambda name: None):
    """Runs the contenders in turns. The first is ours; prints its median and what the others take beside it."""
    times = {name: [] for name, _ in contenders}
    for _ in range(RUNS):
        for name, run in contenders:
            before(name)
            start = time.monotonic()
            run()
            times[name].append(time.monotonic() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    ours = contenders[0][0]
    for name, values in times.items():
        ratio = "" if name == ours else f"{medians[name] / medians[ours]:.2f} times ours"
        print(
            f"| {title} | {name} | {medians[name] * 1000:.0f} ms | {min(values) * 1000:.0f} to {max(values) * 1000:.0f} ms | {ratio} |",
            flush=True)


def heading(*columns):
    print("\n| " + " | ".join(columns) + " |\n|" + "---|" * len(columns), flush=True)


def documents(scratch):
    source = f"{DATA}/Django-4.2"
    total = int(command("sh", "-c", f"find '{source}' ! -type d | wc -l"))
    targets = {name: f"{scratch}/{name.replace(' ', '')}" for name in ("documents.sync", "rsync -a", "rsync -a --fsync")}

    def sync(expected):
        result = handler("jobspool-documents", "documents.sync", {"source": source, "target": targets["documents.sync"]})
        assert counts(result) == expected, result

    def rsync(name):
        command(*name.split(), f"{source}/", f"{targets[name]}/")
        return name

    def remove(name):
        shutil.rmtree(targets[name], ignore_errors=True)

    heading(f"Django 4.2, {total} files", "", "median", "range", "")
    others = [(name, lambda name=name: rsync(name)) for name in list(targets)[1:]]
    compare("first copy", [("documents.sync", lambda: sync([total, 0, 0, 0, 0]))] + others, before=remove)
    compare("nothing changed", [("documents.sync", lambda: sync([0, 0, total, 0, 0])), others[0]])


def records(scratch):
    sources = [
        ("airportsdata, 28,232 rows", f"{DATA}/airportsdata-20241001/airports.csv", "icao", 28232, 0),
        ("oui.csv, 32,530 rows", OUI, "Assignment", 32527, 3),
    ]
    for title, source, key, good, bad in sources:
        files = {name: f"{scratch}/{name.replace(' ', '')}.db" for name in ("records.sync", "Python", "sqlite3 .import")}

        def sync(expected, source=source):
            params = {"source": source, "key": key, "target": {"sqlite": files["records.sync"], "table": "t"}}
            assert counts(handler("jobspool-records", "records.sync", params)) == expected

        def plain(expected, source=source):
            did = command("python3", PLAIN, source, files["Python"], key).split()
            assert [int(n) for n in did] == expected[:3] + expected[4:], did

        def load():
            command("sqlite3", files["sqlite3 .import"], f".import --csv '{source}' t")

        def remove(name):
            for suffix in ("", "-wal", "-shm", "-journal"):
                if os.path.exists(files[name] + suffix):
                    os.remove(files[name] + suffix)

        heading(title, "", "median", "range", "")
        first, again = [good, 0, 0, 0, bad], [0, 0, good, 0, bad]
        compare(
            "into a new table",
            [("records.sync", lambda: sync(first)), ("Python", lambda: plain(first)), ("sqlite3 .import", load)],
            before=remove)
        compare("nothing changed", [("records.sync", lambda: sync(again)), ("Python", lambda: plain(again))])
        if "airports" not in source:
            continue
        later = f"{DATA}/airportsdata-20250622/airports.csv"
        changed = [38, 106, 28080, 0, 0]

        def earlier(name):
            remove(name)
            (sync if name == "records.sync" else plain)(first)

        compare(
            "144 rows new or changed",
            [("records.sync", lambda: sync(changed, later)), ("Python", lambda: plain(changed, later))], before=earlier)


PEAK = """
import os, sys
child = os.fork()
if child == 0: os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak(program, job_type, params):
    """The most memory that a job ever had, in KiB (VmHWM), its result, and the seconds it took."""
    request = json.dumps({"type": job_type, "params": params})
    start = time.monotonic()
    run = subprocess.run(
        ["python3", "-ISc", PEAK, f"{HANDLERS}/{program}", job_type], input=request, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr
    result = [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{"type":"result"')][-1]["value"]
    return int(run.stderr), result, time.monotonic() - start


def memory(scratch):
    heading("NDJSON source", "size", "job", "peak memory", "time", "records a second")
    for total in (RECORDS // 10, RECORDS):
        source = f"{scratch}/{total}.ndjson"
        with open(source, "w", encoding="utf-8") as file:
            for n in range(total):
                file.write(json.dumps({
                    "id": n, "name": f"Customer {n}", "email": f"customer{n}@example.com", "city": f"Città {n % 977}",
                    "balance": n * 7 % 100000 / 100, "active": n % 3 == 0, "tags": ["a", f"t{n % 13}"],
                    "address": {"street": f"Road {n % 5000}", "zip": f"{n % 90000:05}"}}, ensure_ascii=False) + "\n")
        params = {"source": source, "key": "id", "target": {"sqlite": f"{scratch}/{total}.db", "table": "t"}}
        jobs = [("first", params, [total, 0, 0, 0, 0]), ("nothing changed", params, [0, 0, total, 0, 0]),
                ("mirror, forced", {**params, "mode": "mirror", "force": True}, [0, total, 0, 0, 0])]
        for name, more, expected in jobs:
            kib, result, seconds = peak("jobspool-records", "records.sync", more)
            assert counts(result) == expected, result
            print(f"| {total:,} records | {os.path.getsize(source) / 1e6:.0f} MB | {name} | {kib / 1024:.0f} MiB | {seconds:.1f} s "
                  f"| {total / seconds:,.0f} |", flush=True)
        os.remove(source)


def search(scratch):
    index = f"{scratch}/index.db"
    kib, result, seconds = peak("jobspool-library", "documents.index", {"index": index, "directory": MANUAL})
    made = result["counts"]["created"]
    print(f"\nIndex of {MANUAL}: {made} documents in {seconds:.1f} s, {kib / 1024:.0f} MiB of memory at the most, "
          f"{os.path.getsize(index) / 1e6:.0f} MB", flush=True)
    kib, result, seconds = peak("jobspool-library", "documents.index", {"index": index, "directory": MANUAL})
    assert result["counts"]["skipped"] == made, result
    print(f"Again, nothing changed: {seconds:.2f} s", flush=True)
    heading("search", "found", "in the handler, median", "at the most", "first of the results")
    for q in ('"context manager"', "asyncio timeout", "naïve", "naive", "the", "how to read a file line by line", "python function"):
        runs = [handler("jobspool-library", "search", {"q": q, "index": index}) for _ in range(RUNS)]
        times = [run["took_ms"] for run in runs]
        first = runs[0]["results"][0]
        print(f"| {q} | {runs[0]['total']} | {statistics.median(times):.1f} ms | {max(times):.1f} ms "
              f"| {os.path.relpath(first['document'], MANUAL)} |", flush=True)


def main():
    known = {"documents": documents, "records": records, "memory": memory, "search": search}
    for name in sys.argv[3:] or known:
        with tempfile.TemporaryDirectory(prefix="jobspool-figures-") as scratch:
            known[name](scratch)


main()
