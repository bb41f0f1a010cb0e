"""How fast jobs run that wait already: one at a time, from the moment in which the queue is let go to the end of the
last one."""

import shutil
import statistics

import harness
from figures import Table


def run(bench, kind, count):
    """The jobs per second of one system with `count` jobs that wait."""
    system = kind(bench.yard)
    starts = harness.Starts(system.path("started"), fifo=False)
    try:
        system.fill(count, [bench.tool("started"), system.path("started")])
        let_go = harness.now()
        system.go()
        harness.until(f"{system.name}: all have started", lambda: starts.count() >= count, 300, 0.02)
        harness.until(f"{system.name}: all are over", lambda: system.finish(count), 60, 0.02)
        if starts.count() != count:
            raise RuntimeError(f"{system.name} ran {starts.count()} of {count} jobs")
        return count / ((harness.now() if kind.kind == "jobspool" else starts.last()) - let_go) * 1e9
    finally:
        system.stop()
        shutil.rmtree(system.directory)


def measure(bench):
    count = bench.size("BACKLOG", 10_000, 100)
    rates = {}
    for _ in range(bench.size("BACKLOG_ROUNDS", 1, 1)):
        for kind in bench.systems:
            rates.setdefault(kind, []).append(run(bench, kind, kind.share(count, 20)))
    table = Table(
        f"Backlog of {count:,} jobs, one at a time", "jobs/s", ["median", "lowest", "jobs"], "limit, 4 syncs", False
    )
    for kind, values in rates.items():
        table.add(kind, [statistics.median(values), min(values), kind.share(count, 20)])
    return [table]
