"""Measures jobspool beside its alternatives: see ../bench.sh, which is how to start it.

bench.py TOOLS JOBSPOOL DIRECTORY [--readme] [MEASURE ...]     TOOLS: the directory of the C programs
"""

import importlib
import os
import platform
import signal
import sys
import time
import traceback

import figures
import harness
import spoolers
import systems
import workers

MEASURES = ["latency", "backlog", "commands", "finished", "idle", "memory", "logs", "burst"]
SYSTEMS = [
    systems.Limit0,
    systems.Limit2,
    systems.Limit4,
    systems.JobSpool,
    systems.Loop,
    spoolers.TaskSpooler,
    spoolers.NQ,
    spoolers.FileSpooler,
    workers.Beanstalkd,
    workers.DirQ,
    workers.Huey,
]


class Bench:
    here = os.path.dirname(os.path.abspath(__file__))

    def __init__(self, tools, jobspool, yard):
        self.tools, self.jobspool, self.yard = tools, jobspool, yard
        self.quick = os.environ.get("BENCH_QUICK", "0") != "0"
        systems.JobSpool.command, systems.Limit.command = jobspool, self.tool("limit")
        wanted = os.environ.get("BENCH_SYSTEMS", "").split()
        self.systems = []
        for system in SYSTEMS:
            why = system.missing()
            if wanted and system.kind == "alternative" and system.name.split()[0] not in wanted:
                continue
            if why:
                print(f"not measured: {system.name}: {why}")
            else:
                self.systems.append(system)

    def tool(self, name):
        return os.path.join(self.tools, name)

    def measures(self, name):
        """Whether a system is among those that are measured."""
        return any(system.name == name for system in self.systems)

    def size(self, name, usual, quick):
        """How much is measured: BENCH_name, or what is usual."""
        return int(os.environ.get(f"BENCH_{name}", quick if self.quick else usual))


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores ({model}), Linux {platform.release()}; load {load}"


def too_late(*_):
    raise harness.Late("this measure takes too long")


def main():
    tools, jobspool, directory, *wanted = sys.argv[1:]
    into_readme = "--readme" in wanted
    wanted = [name for name in wanted if name != "--readme"]
    unknown = set(wanted) - set(MEASURES)
    if unknown:
        sys.exit(f"there is no measure {' or '.join(sorted(unknown))}; there are: {' '.join(MEASURES)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGALRM, too_late)
    yard = harness.Yard(directory)
    began, tables, failed = time.monotonic(), [], []
    try:
        bench = Bench(tools, jobspool, yard)
        print(machine())
        for name in wanted or MEASURES:
            at = time.monotonic()
            signal.alarm(bench.size("PATIENCE", 600, 60))
            try:
                for table in importlib.import_module(name).measure(bench):
                    table.show()
                    tables.append(table)
            except Exception:  # the other measures are worth something without this one
                traceback.print_exc()
                failed.append(name)
            signal.alarm(0)
            yard.clear()
            print(f"  ({name}: {time.monotonic() - at:.0f} s)", flush=True)
        print(f"\n{machine()}; the whole run took {time.monotonic() - began:.0f} s\n")
        print(figures.markdown(tables))
        if failed:
            sys.exit(f"failed: {' '.join(failed)}")
        if into_readme:
            text = f"{time.strftime('%Y-%m-%d', time.gmtime())}, {machine()}.\n\n{figures.markdown(tables)}\n"
            figures.write_into(os.path.join(bench.here, "..", "..", "README.md"), text)
    finally:
        yard.clear()


main()
