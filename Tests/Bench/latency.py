"""From the drop of a job to the start of its handler, and to its committed result, when nothing else is to be done."""

import random
import statistics
import time

import harness
from figures import Table


def rounds(systems, starts, count, label="r"):
    """Drops one job at each system in turn, `count` times. The times in ms by system: to the start, to the result."""
    times = {system: ([], []) for system in systems}
    order, chance = list(systems), random.Random(1)
    for index in range(-3, count):  # the first ones warm up, and do not count
        chance.shuffle(order)  # what one leaves behind must not always fall upon the same other
        for system in order:
            time.sleep(0.005)  # what the last one left behind is done
            name = f"{label}{index + 3:06}"
            dropped = harness.now()
            system.drop(name)
            system.wait(name)
            over = harness.now()
            started = starts[system].take()
            if index >= 0:
                times[system][0].append((started - dropped) / 1e6)
                times[system][1].append((over - dropped) / 1e6)
    return times


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(bench):
    systems, starts = [], {}
    for kind in bench.systems:
        system = kind(bench.yard)
        starts[system] = harness.Starts(system.path("started"), fifo=True)
        system.start([bench.tool("started"), system.path("started")])
        systems.append(system)
    count = bench.size("ROUNDS", 200, 10)
    times = rounds([s for s in systems if not s.slow], starts, count)
    times |= rounds([s for s in systems if s.slow], starts, max(3, count // 10), "slow")
    started = Table(f"Drop to handler started, idle; {count} rounds", "ms", ["p50", "p95"], limit="limit, 2 syncs")
    committed = Table(f"Drop to committed result, idle; {count} rounds", "ms", ["p50", "p95"], limit="limit, 4 syncs")
    for system in systems:
        for table, values in zip((started, committed), times[system]):
            table.add(system, [statistics.median(values), percentile(values, 0.95)])
        system.stop()
    return [started, committed]
