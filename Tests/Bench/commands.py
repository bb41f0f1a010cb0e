"""A client's command as a whole process: one that drops a job, and one that asks how a job stands."""

import os
import statistics
import sys
import time

import harness
import spoolers
import systems
from figures import Table


class Client:
    """A command; `{n}` in it is the number of the round."""

    def __init__(self, name, kind, arguments, **environment):
        self.name, self.kind = name, kind
        self.arguments, self.environment = arguments, dict(os.environ, **environment)
        self.times = []

    def run(self, number):
        began = harness.now()
        status = harness.spawn([word.replace("{n}", str(number)) for word in self.arguments], self.environment)
        if status != 0:
            raise RuntimeError(f"{self.arguments} ended with {status}")
        self.times.append((harness.now() - began) / 1e6)


def script(text):
    return [sys.executable, "-B", "-c", text]


def clients(bench, place):
    """Those that drop, and those that ask, by system; the first of each is the limit."""
    spool, request, nq = (os.path.join(place, name) for name in ("spool", "request.json", "nq"))
    fspl, dirq, huey = (os.path.join(place, name) for name in ("fspl", "dirq", "huey"))
    socket = spoolers.TaskSpooler(bench.yard).environment["TS_SOCKET"]
    status = os.path.join(spool, "done.status.json")
    import_huey = (
        f"import sys; sys.path.insert(0, '{bench.here}'); import huey_worker; "
        f"t = huey_worker.task('{huey}', '{place}', None)"
    )
    import_dirq = f"from dirq.QueueSimple import QueueSimple; q = QueueSimple('{dirq}')"
    write = f"fspl prepare -s '{place}/sequence' | fspl queue-write -q '{fspl}'"
    drop = [
        Client("limit, 2 syncs", "limit", [bench.tool("drop"), request, spool, "limit{n}.json"]),
        Client("jobspool", "jobspool", [bench.jobspool, "submit", "--spool", spool, "--name", "job{n}", request]),
        Client("task-spooler", "alternative", ["tsp", "-n", "true"], TS_SOCKET=socket),
        Client("nq", "alternative", ["nq", "-q", "true"], NQDIR=nq),
        Client("filespooler", "alternative", ["sh", "-c", write]),
        Client("dirq", "alternative", script(f"{import_dirq}; q.add('job')")),
        Client("huey", "alternative", script(f"{import_huey}; t('job')")),
    ]
    ask = [
        Client("limit, cat", "limit", ["cat", status]),
        Client("jobspool", "jobspool", [bench.jobspool, "status", "--spool", spool, "done"]),
        Client("task-spooler", "alternative", ["tsp", "-s"], TS_SOCKET=socket),
        Client("nq", "alternative", ["nq", "-t"], NQDIR=nq),
        Client("filespooler", "alternative", ["fspl", "queue-ls", "-q", fspl]),
        Client("dirq", "alternative", script(f"{import_dirq}; q.count()")),
        Client("huey", "alternative", script(f"{import_huey}; t.huey.pending_count()")),
    ]
    measured = {system.name for system in bench.systems} | {client.name for client in (drop[0], ask[0])}
    return [[client for client in side if client.name in measured] for side in (drop, ask)]


def prepare(bench, place):
    """A spool that was served, with a job that is over; an empty queue of each of the others."""
    system = systems.JobSpool(bench.yard)
    system.start(["/bin/true"])
    system.drop("done")
    system.wait("done")
    # The status is announced after the result.
    harness.until(
        "the status says so", lambda: '"completed"' in open(os.path.join(system.spool, "done.status.json")).read()
    )
    system.stop()
    os.symlink(system.spool, os.path.join(place, "spool"))
    with open(os.path.join(place, "request.json"), "wb") as file:
        file.write(system.request)
    for name in ("nq", "dirq", "huey"):
        os.mkdir(os.path.join(place, name))
    if bench.measures("filespooler"):
        harness.spawn(["fspl", "queue-init", "-q", os.path.join(place, "fspl")])


def measure(bench):
    place = bench.yard.directory("clients")
    prepare(bench, place)
    count = bench.size("COMMANDS", 100, 5)
    tables = []
    for title, group in zip(
        ("A command that drops a job", "A command that asks for the status"), clients(bench, place)
    ):
        for number in range(count):
            for client in [*group, *group] if number == 0 else group:  # the first run warms up
                if number == 0 and len(client.times) == 1:
                    client.times.clear()
                    client.run("again")
                else:
                    client.run(number)
                time.sleep(0.002)
        table = Table(f"{title}, whole process; {count} rounds", "ms", ["p50", "p95"], group[0].name)
        for client in group:
            times = sorted(client.times)
            table.add(client, [statistics.median(times), times[int(len(times) * 0.95)]])
        tables.append(table)
    return tables
