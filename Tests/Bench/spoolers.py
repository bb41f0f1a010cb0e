"""The queues of others that are commands, as they come: task-spooler, nq, filespooler."""

import os
import signal
import subprocess
import time

import harness
from systems import System


def names(count, named):
    """The last arguments of so many jobs."""
    return [[f"job{index:06}"] if named else [] for index in range(count)]


def processes(variable, command=None):
    """Those that have a variable in their environment, of all commands or of one."""
    found = []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file, open(f"/proc/{pid}/comm") as comm:
                if os.fsencode(variable) in file.read().split(b"\0") and command in (None, comm.read().strip()):
                    found.append(pid)
        except OSError:
            pass
    return found


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class TaskSpooler(System):
    """A server in memory; each job that waits is a process. A job's end is seen by the client that stays with it (-f)."""

    name = "task-spooler"
    program = "tsp"
    backlog_share = 0.1
    backlog_most = 900  # more than 1,000 clients it cannot have

    def __init__(self, yard, label=""):
        super().__init__(yard, label)
        # The path of a socket is short.
        self.environment = dict(
            os.environ, TS_SOCKET=os.path.join(yard.path, f"{yard.number}.socket"), TS_MAXCONN="1000"
        )
        yard.stopping.append(self.stop)
        self.client = None

    def start(self, job):
        self.job = job
        self.run("-S", "1")

    def run(self, *arguments):
        if harness.spawn(["tsp", *arguments], self.environment) != 0:
            raise RuntimeError("tsp failed")

    def pids(self):
        return processes(self.mark(), "tsp")

    def mark(self):
        return f"TS_SOCKET={self.environment['TS_SOCKET']}"

    def drop(self, name):
        self.client = os.posix_spawnp("tsp", ["tsp", "-n", "-f", *self.job], self.environment)

    def wait(self, name):
        os.waitpid(self.client, 0)

    def fill(self, count, job, named=False):
        self.gate = self.path("gate")
        os.mkfifo(self.gate)
        self.again()
        self.run("-n", "cat", self.gate)
        for name in names(count, named):
            self.run("-n", *job, *name)

    def go(self):
        with open(self.gate, "wb"):
            pass

    def again(self):
        """One that was killed just now may still seem to be there."""
        harness.until("tsp serves", lambda: harness.spawn(["tsp", "-S", "1"], self.environment) == 0)
        self.server = self.pids()

    def kill(self):
        """Of the server: it alone was there before there was a job."""
        kill(self.server)

    def stop(self):
        if os.path.exists(self.environment["TS_SOCKET"]):
            harness.spawn(["tsp", "-K"], self.environment)
        kill(processes(self.mark()))


class NQ(System):
    """No daemon: a job is a process that waits for the locks of those before it; its file is executable while it runs."""

    name = "nq"
    program = "nq"
    backlog_share = 0.1

    def __init__(self, yard, label=""):
        super().__init__(yard, label)
        self.queue = self.path("queue")
        os.mkdir(self.queue)
        self.environment = dict(os.environ, NQDIR=self.queue)
        self.began = ""
        yard.stopping.append(self.stop)

    def start(self, job):
        self.job = job
        self.watch = harness.Watch(self.queue, harness.IN_ATTRIB)

    def drop(self, name):
        self.began = f",{time.time_ns() // 1_000_000:x}"  # as nq names its files
        harness.spawn(["nq", "-q", *self.job], self.environment)

    def wait(self, name):
        # A job's file is executable from its start to its end. Each job changes those before it, too.
        while True:
            for job in self.watch.names(harness.PATIENCE) or self.late():
                if job >= self.began and not os.stat(os.path.join(self.queue, job)).st_mode & 0o100:
                    return

    def late(self):
        raise harness.Late("nq: no job is over")

    def fill(self, count, job, named=False):
        self.gate = self.path("gate")
        os.mkfifo(self.gate)
        harness.spawn(["nq", "-q", "cat", self.gate], self.environment)
        for name in names(count, named):
            harness.spawn(["nq", "-q", *job, *name], self.environment)

    def go(self):
        with open(self.gate, "wb"):
            pass

    def kill(self):
        """No process serves; those that wait are the queue."""
        kill(processes(f"NQDIR={self.queue}", "nq"))

    def again(self):
        pass

    def stop(self):
        super().stop()
        kill(processes(f"NQDIR={self.queue}"))


class FileSpooler(System):
    """No daemon: who drops a job has the queue processed. The job's file is deleted when it is over."""

    name = "filespooler"
    program = "fspl"
    backlog_share = 0.1

    def __init__(self, yard, label=""):
        super().__init__(yard, label)
        self.queue = self.path("queue")
        harness.spawn(["fspl", "queue-init", "-q", self.queue])
        self.sequence = self.path("sequence")

    def start(self, job):
        self.job = job

    def write(self, *parameters):
        prepare = subprocess.Popen(
            ["fspl", "prepare", "-s", self.sequence, "--", *parameters], stdout=subprocess.PIPE, stderr=self.log
        )
        subprocess.run(["fspl", "queue-write", "-q", self.queue], stdin=prepare.stdout, stderr=self.log, check=True)
        prepare.stdout.close()
        prepare.wait()

    def process_queue(self, job, *options):
        return ["fspl", "-l", "warn", "queue-process", "-q", self.queue, *options, job[0], "--", *job[1:]]

    def drop(self, name):
        self.write()
        self.client = os.posix_spawnp("fspl", self.process_queue(self.job), os.environ)

    def wait(self, name):
        os.waitpid(self.client, 0)

    def fill(self, count, job, named=False):
        self.job = job
        for name in names(count, named):
            self.write(*name)

    def go(self):
        self.process = self.yard.start(self.process_queue(self.job, "--allow-job-params"), self.log)
