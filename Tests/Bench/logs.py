"""Many log lines from one handler: how fast they get into the job's log, and how much of a core the daemon takes."""

import os

import harness
import proc
import systems
from figures import Table


def measure(bench):
    count = bench.size("LINES", 1_000_000, 2_000)
    system = systems.JobSpool(bench.yard)
    system.start([bench.tool("lines"), str(count)])
    pids = system.pids()
    used, began = proc.cpu_seconds(pids), harness.now()
    system.drop("lines")
    system.watch.wait("lines.result.json", patience=300)
    seconds = (harness.now() - began) / 1e9
    used = proc.cpu_seconds(pids) - used
    with open(os.path.join(system.spool, "lines.log.jsonl"), "rb") as file:
        lines = sum(b"Processed" in line for line in file)
    system.stop()
    if lines != count:
        raise RuntimeError(f"the log has {lines} of {count} lines")
    table = Table(
        f"{count:,} log lines from a handler, drop to result",
        "lines/s",
        ["lines/s", "daemon's cores", "s"],
        less_is_better=False,
    )
    table.add(system, [count / seconds, used / seconds, seconds], f"the daemon took {used / seconds:.2f} cores")
    return [table]
