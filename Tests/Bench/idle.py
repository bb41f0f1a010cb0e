"""What a queue costs in which nothing happens: processor time and wake-ups of all its processes."""

import time

import harness
import proc
from figures import Table


def measure(bench):
    systems = []
    for kind in bench.systems:
        if kind.name in ("nq", "filespooler"):  # no process, nothing to measure
            continue
        system = kind(bench.yard)
        starts = harness.Starts(system.path("started"), fifo=True)
        system.start([bench.tool("started"), system.path("started")])
        # It has worked once, and rests.
        system.drop("once")
        system.wait("once")
        starts.take()
        systems.append(system)
    time.sleep(0.3 if bench.quick else 7)  # what works only now and then has gone to rest, or ended
    seconds = bench.size("IDLE_SECONDS", 30, 1)
    pids = {system: system.pids() for system in systems}
    before = {system: (proc.waits(pids[system]), proc.cpu_seconds(pids[system])) for system in systems}
    time.sleep(seconds)
    table = Table(
        f"Idle for {seconds} s", "wake-ups a second", ["wake-ups/s", "CPU %", "MB (PSS)", "processes"], "limit, 4 syncs"
    )
    for system in systems:
        woken = proc.wake_ups(pids[system], before[system][0])
        used = proc.cpu_seconds(pids[system]) - before[system][1]
        share = used / seconds * 100
        table.add(
            system, [woken / seconds, share, proc.pss(pids[system]), len(pids[system])], f"{share:.1f} % of a core"
        )
    for system in systems:
        system.stop()
    return [table]
