"""What finished jobs that still lie in the spool cost: the time of another job, and the daemon's start with pending
ones on top."""

import os
import statistics
import time

import families
import harness
import latency
import spoolers
import systems
from figures import Table


def fill(bench, system, count):
    """Finished jobs in a queue that is not served yet."""
    if isinstance(system, systems.Files):
        families.copy_families(bench, system.spool, count)
        families.check(bench, system.spool, count, "completed")
    else:
        for index in range(count):
            with open(os.path.join(system.queue, f",{index:011x}.{index}"), "w") as file:
                file.write("exec nq /bin/true\n\n\n[exited with status 0.]\n")
            os.chmod(file.name, 0o600)


def start_job(bench, system, starts):
    starts[system] = harness.Starts(system.path("started"), fifo=True)
    return [bench.tool("started"), system.path("started")]


def job(bench, count):
    """The same job in a spool with so many finished jobs, and in an empty one; and the spools with many, by kind."""
    kinds = [kind for kind in bench.systems if kind in (systems.JobSpool, systems.Limit4, spoolers.NQ)]
    full, empty, starts = {}, {}, {}
    for kind in kinds:
        full[kind] = kind(bench.yard, "-full")
        fill(bench, full[kind], count)
        empty[kind] = kind(bench.yard, "-empty")
        for system in (full[kind], empty[kind]):
            system.start(start_job(bench, system, starts))
    os.sync()
    rounds = bench.size("FINISHED_ROUNDS", 60, 5)
    slow = [full[kind] for kind in kinds if kind is spoolers.NQ]
    times = latency.rounds(
        [system for system in [*full.values(), *empty.values()] if system not in slow], starts, rounds
    )
    times |= latency.rounds(slow, starts, max(3, rounds // 10), "slow")
    table = Table(
        f"Drop to result with {count:,} finished jobs there, beside an empty spool",
        "times as long",
        ["ratio", "ms, full", "ms, empty"],
    )
    for kind in kinds:
        with_them, without = (statistics.median(times[system[kind]][1]) for system in (full, empty))
        table.add(kind, [with_them / without, with_them, without], f"{with_them:.1f} and {without:.1f} ms")
        empty[kind].stop()
        full[kind].stop()
    table.limit = "limit, 4 syncs"
    return table, full


def start(bench, full, finished, pending):
    """From the start of a daemon to the start of its first job."""
    rounds = bench.size("START_ROUNDS", 3, 1)
    table = Table(
        f"Start with {finished:,} finished and {pending:,} pending jobs, to the first job",
        "s",
        ["median", "slowest"],
        "limit, 4 syncs",
    )
    for kind, system in full.items():
        if not isinstance(system, systems.Files):
            continue
        families.copy_families(bench, system.spool, pending, over=False, prefix="later", first=finished + 1)
        starts = harness.Starts(system.path("first"), fifo=True)
        system.job = [bench.tool("started"), system.path("first")]
        times = []
        for _ in range(rounds):
            os.sync()
            began = harness.now()
            system.begin()
            times.append((starts.take() - began) / 1e9)
            system.stop()
            time.sleep(0.2)  # a job that had begun is over
            starts.drain()
        table.add(kind, [statistics.median(times), max(times)])
    return table


def measure(bench):
    finished, pending = bench.size("FINISHED", 100_000, 200), bench.size("PENDING", 10_000, 50)
    table, full = job(bench, finished)
    return [table, start(bench, full, finished, pending)]
