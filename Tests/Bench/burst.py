"""A burst of jobs, and kill -9 of what serves them, three times in the middle: what is lost, and what runs beside
another.

A job that had begun may run twice; none may be lost, and no two may run at once. nq has no process that serves, and
those that wait are the queue: these are killed. filespooler's burst is written before it is processed, as that is what
it is for."""

import collections
import os
import time

import harness
from figures import Table

KILLS = 3


class Runs:
    """What `once` has written."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "runs")
        open(self.path, "w").close()

    def lines(self):
        with open(self.path) as file:
            return [line.split() for line in file]

    def ended(self):
        return len({line[1] for line in self.lines() if line[0] == "end"})

    def quiet(self, seconds):
        """Whether nothing has been written for so long."""
        return time.time() - os.stat(self.path).st_mtime > seconds


def run(bench, kind, count):
    """Of `count` jobs: how many never ran to their end, how many ran beside another, how many ran more than once."""
    system = kind(bench.yard, "-burst")
    runs = Runs(system.directory)
    began = time.monotonic()
    system.burst(count, [bench.tool("once"), system.directory])
    for kill in range(1, KILLS + 1):
        harness.until(
            f"{kind.name}: a part has run",
            lambda: runs.ended() >= count * kill / (KILLS + 2) or runs.quiet(3),
            300,
            0.05,
        )
        system.kill()
        system.again()
    last = 30 if kind.kind == "jobspool" else 5
    harness.until(
        f"{kind.name}: all has run, or no more does", lambda: runs.ended() >= count or runs.quiet(last), 600, 0.2
    )
    seconds = time.monotonic() - began
    system.stop()
    lines = runs.lines()
    starts = collections.Counter(line[1] for line in lines if line[0] == "start")
    overlaps = sum(line[0] == "overlap" for line in lines)
    return [count - runs.ended(), overlaps, sum(value > 1 for value in starts.values()), count, seconds]


def measure(bench):
    count = bench.size("BURST", 20_000, 200)
    table = Table(
        f"A burst of {count:,} jobs with {KILLS} kill -9",
        "lost, %",
        ["lost %", "lost", "at once", "ran twice", "jobs", "s"],
    )
    for kind in bench.systems:
        if kind.kind == "limit":  # it recovers from nothing, and does not say that it does
            continue
        lost, overlaps, twice, jobs, seconds = run(bench, kind, kind.share(count, 100))
        table.add(
            kind, [lost / jobs * 100, lost, overlaps, twice, jobs, seconds], f"{overlaps} at once, {twice} ran twice"
        )
        if kind.kind == "jobspool" and (lost or overlaps):
            raise RuntimeError(f"jobspool lost {lost} jobs, and {overlaps} ran at once")
    return [table]
