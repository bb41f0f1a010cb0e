"""The queues that are compared, each behind the same few verbs. Here: the base, jobspool, the limit, and a shell loop.

start(job)          serves an empty queue; `job` is the command that each dropped job runs
drop(name)          drops a job, as a client of that queue does
wait(name)          returns when the job's end is to be seen from outside
fill(count, job)    instead of start: so many jobs that wait; `named`: each gets its name as an argument
go()                lets them run, one at a time
burst(count, job)   instead of both: so many jobs, with their names, as fast as they come
kill(), again()     kill -9 of what serves, and a new one
"""

import json
import os
import shutil

import harness
import proc


class System:
    name = ""
    kind = "alternative"  # or "jobspool", or "limit"
    program = None  # the command without which it cannot be measured
    backlog_share = 0.2  # of BENCH_BACKLOG and BENCH_BURST; less where what waits costs a process each
    backlog_most = 1_000_000
    slow = False  # so slow to start a job that fewer rounds have to do

    def __init__(self, yard, label=""):
        self.yard = yard
        self.directory = yard.directory(self.name.replace(" ", "-").replace(",", "") + label)
        self.log = open(os.path.join(self.directory, "log"), "ab")
        self.process = None
        self.watch = None

    @classmethod
    def missing(cls):
        """Why it cannot be measured here, or nothing."""
        if cls.program and not shutil.which(cls.program):
            return f"{cls.program} is not installed"
        return None

    @classmethod
    def share(cls, count, least):
        """How many jobs it gets where jobspool gets so many."""
        return min(max(least, int(count * cls.backlog_share)), cls.backlog_most)

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def finish(self, count):
        """Whether so many jobs are over, once so many have started: where that is the same, there is nothing to ask."""
        return True

    def pids(self):
        """The processes that serve the queue."""
        return proc.tree(self.process.pid) if self.process else []

    def stop(self):
        if self.process:
            self.yard.end(self.process)
            self.process = None
        if self.watch:
            self.watch.close()
            self.watch = None

    def burst(self, count, job):
        self.fill(count, job, named=True)
        self.go()

    def kill(self):
        """kill -9 of what serves the queue, and of that alone: a job that runs goes on."""
        self.process.kill()
        self.process.wait()

    def again(self):
        self.go()


class Files(System):
    """A queue that is a directory: a request is a file that is renamed into it, a result one that appears in it."""

    request = b'{"type": "job"}'

    def __init__(self, yard, label=""):
        super().__init__(yard, label)
        self.spool = self.path("spool")
        os.mkdir(self.spool)
        self.job = None

    def start(self, job):
        self.job = job
        self.watch = harness.Watch(self.spool, harness.IN_MOVED_TO)
        self.serve()

    def drop(self, name):
        temporary = os.path.join(self.spool, f".{name}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        os.write(descriptor, self.request)
        os.close(descriptor)
        os.rename(temporary, os.path.join(self.spool, name + ".json"))

    def wait(self, name):
        self.watch.wait(name + ".result.json")

    def fill(self, count, job, named=False):
        self.job = job
        for index in range(count):
            self.drop(f"job{index:06}")

    def go(self):
        self.serve()

    def burst(self, count, job):
        """The job reads its name from the request."""
        self.job = job
        self.serve()
        self.fill(count, job)

    def serve(self):
        self.begin()
        harness.until(f"{self.name} serves", self.ready)

    def finish(self, count):
        return self.results() >= count

    def results(self):
        with os.scandir(self.spool) as entries:
            return sum(entry.name.endswith(".result.json") for entry in entries)


class JobSpool(Files):
    name = "jobspool"
    kind = "jobspool"
    backlog_share = 1.0
    command = None  # the binary that is measured, set by bench.py

    def begin(self):
        types = self.path("types")
        os.makedirs(types, exist_ok=True)
        with open(os.path.join(types, "job.json"), "w") as file:
            json.dump({"command": self.job}, file)
        self.process = self.yard.start([self.command, "serve", self.spool, "--types", types], self.log)

    def fill(self, count, job, named=False):
        """The daemon has taken them all in, as the servers of the others have; a pause lets them wait."""
        self.pause = os.path.join(self.spool, "spool.pause.json")
        open(self.pause, "w").close()
        self.start(job)
        super().fill(count, job, named)
        harness.until("all jobs are pending", lambda: (self.status() or {}).get("pending") == count, 300, 0.1)

    def go(self):
        os.unlink(self.pause)

    def burst(self, count, job):
        self.start(job)
        super().fill(count, job)

    def again(self):
        self.serve()

    def status(self):
        """`spool.status.json` as this daemon has written it, or nothing."""
        try:
            with open(os.path.join(self.spool, "spool.status.json")) as file:
                status = json.load(file)
        except FileNotFoundError:
            return None
        return status if status["daemon"] and status["daemon"]["pid"] == self.process.pid else None

    def ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"jobspool ended with {self.process.returncode}: see {self.log.name}")
        return self.status()


class Limit(Files):
    kind = "limit"
    syncs = 0
    command = None  # where the C programs are, set by bench.py

    def begin(self):
        if self.ready():
            os.unlink(os.path.join(self.spool, "limit.ready"))
        self.process = self.yard.start([self.command, self.spool, str(self.syncs), *self.job], self.log)

    def ready(self):
        return os.path.exists(os.path.join(self.spool, "limit.ready"))


class Limit0(Limit):
    name, syncs = "limit, no sync", 0


class Limit2(Limit):
    name, syncs = "limit, 2 syncs", 2


class Limit4(Limit):
    name, syncs = "limit, 4 syncs", 4
    backlog_share = 1.0


class Loop(Files):
    """What people write first. It sees what is dropped while it runs, and nothing else."""

    name = "inotifywait loop"
    program = "inotifywait"
    script = """inotifywait -q -m -e moved_to --format %f "$1" | while read -r file; do
        case $file in *.result.json) continue ;; esac
        shift $#; eval "set -- $JOB"
        "$@" ${NAMED:+"${file%.json}"}; echo $? >"$SPOOL/.${file%.json}.tmp"
        mv "$SPOOL/.${file%.json}.tmp" "$SPOOL/${file%.json}.result.json"
    done"""
    named = False  # whether the job gets the name as its last argument

    def begin(self):
        words = " ".join(f"'{word}'" for word in self.job)
        environment = dict(os.environ, JOB=words, SPOOL=self.spool, NAMED="1" if self.named else "")
        self.process = self.yard.start(["sh", "-c", self.script, "sh", self.spool], self.log, env=environment)

    def ready(self):
        return any(self.watches(pid) for pid in self.pids())

    @staticmethod
    def watches(pid):
        try:
            for descriptor in os.listdir(f"/proc/{pid}/fdinfo"):
                with open(f"/proc/{pid}/fdinfo/{descriptor}") as file:
                    if "inotify wd:" in file.read():
                        return True
        except OSError:
            pass
        return False

    def fill(self, count, job, named=False):
        self.job = job
        self.count = count

    def go(self):
        self.serve()
        super().fill(self.count, self.job)

    def burst(self, count, job):
        self.named = True
        super().burst(count, job)
        super().fill(count, job)

    def again(self):
        self.serve()

    def kill(self):
        for pid in self.pids():
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        self.process.wait()
