"""Memory (PSS of all processes of a queue): idle, and with many jobs that wait."""

import os

import families
import harness
import proc
import systems
import workers
from figures import Table


def waiting_jobspool(bench, count):
    """A paused spool with so many requests, which the daemon has all taken in."""
    system = systems.JobSpool(bench.yard, "-pending")
    families.copy_families(bench, system.spool, count, over=False, prefix="later")
    open(os.path.join(system.spool, "spool.pause.json"), "w").close()
    system.start(["/bin/true"])
    harness.until("all jobs are pending", lambda: (system.status() or {}).get("pending") == count, 120)
    return system


def waiting_beanstalkd(bench, count):
    system = workers.Beanstalkd(bench.yard, "-pending")
    system.fill(count, ["/bin/true"])
    return system


def measure(bench):
    count = bench.size("WAITING", 100_000, 200)
    idle = Table("Memory, idle", "MB, PSS", ["MB"], "limit, 4 syncs")
    full = Table(f"Memory, {count:,} jobs pending", "MB, PSS", ["MB"])
    for kind in bench.systems:
        if kind.name in ("nq", "filespooler"):
            continue
        system = kind(bench.yard)
        starts = harness.Starts(system.path("started"), fifo=True)
        system.start([bench.tool("started"), system.path("started")])
        system.drop("once")
        system.wait("once")
        starts.take()
        idle.add(kind, [proc.pss(system.pids())])
        system.stop()
    for kind, waiting in ((systems.JobSpool, waiting_jobspool), (workers.Beanstalkd, waiting_beanstalkd)):
        if kind in bench.systems:
            system = waiting(bench, count)
            full.add(kind, [proc.pss(system.pids())])
            system.stop()
    return [idle, full]
