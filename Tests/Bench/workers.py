"""The queues of others that need a worker: beanstalkd, and dirq and huey on files. The workers are scripts beside this
file."""

import importlib.util
import os
import socket
import sys

import harness
import proc
from systems import System

HERE = os.path.dirname(os.path.abspath(__file__))


class Python(System):
    """A worker in Python, and a library for its client."""

    module = None

    @classmethod
    def missing(cls):
        if cls.module and not importlib.util.find_spec(cls.module):
            return f"the Python package {cls.module} is not installed"
        return super().missing()

    def __init__(self, yard, label=""):
        super().__init__(yard, label)
        self.queue = self.path("queue")
        os.mkdir(self.queue)
        self.done = self.path("done")
        os.mkdir(self.done)

    def worker(self, job):
        self.process = self.yard.start(
            [sys.executable, "-B", os.path.join(HERE, self.script), self.queue, self.done, *job], self.log
        )
        harness.until(f"{self.name} serves", lambda: os.path.exists(os.path.join(self.done, "ready")))

    def start(self, job):
        self.watch = harness.Watch(self.done, harness.IN_MOVED_TO)
        self.worker(job)

    def wait(self, name):
        self.watch.wait(name)

    def fill(self, count, job, named=False):
        self.job = [*job, "{}"] if named else job
        for index in range(count):
            self.drop(f"job{index:06}")

    def go(self):
        self.worker(self.job)

    def again(self):
        os.unlink(os.path.join(self.done, "ready"))
        self.go()


class DirQ(Python):
    """Polls ten times a second."""

    name = "dirq"
    module = "dirq"
    slow = True
    script = "dirq_worker.py"

    def drop(self, name):
        from dirq.QueueSimple import QueueSimple

        QueueSimple(self.queue).add(name)


class Huey(Python):
    """Polls, less often the longer nothing comes; on files."""

    name = "huey"
    module = "huey"
    slow = True
    script = "huey_worker.py"
    backlog_share = 0.05  # it lists all that waits for each job

    def __init__(self, yard, label=""):
        super().__init__(yard, label)
        import huey_worker

        self.task = huey_worker.task(self.queue, self.done, None)

    def drop(self, name):
        self.task(name)


class Beanstalkd(Python):
    """A server with a log on disk (-b), synced every 50 ms as it comes; its worker answers through another tube."""

    name = "beanstalkd"
    program = "beanstalkd"
    script = "beanstalk_worker.py"

    def __init__(self, yard, label=""):
        super().__init__(yard, label)
        self.server = self.client = None
        self.port = 0

    def open(self):
        import beanstalk_worker

        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        self.server = self.yard.start(
            ["beanstalkd", "-l", "127.0.0.1", "-p", str(self.port), "-b", self.queue, "-s", "100000000"], self.log
        )
        harness.until("beanstalkd listens", lambda: self.client or self.connect(beanstalk_worker))

    def connect(self, module):
        try:
            self.client = module.Client(self.port, use="jobs", watch="done")
        except ConnectionRefusedError:
            pass
        return self.client

    def worker(self, job):
        self.process = self.yard.start(
            [sys.executable, "-B", os.path.join(HERE, self.script), str(self.port), self.done, *job], self.log
        )
        harness.until("the worker serves", lambda: os.path.exists(os.path.join(self.done, "ready")))

    def start(self, job):
        self.open()
        self.worker(job)

    def drop(self, name):
        self.client.put(name.encode())

    def wait(self, name):
        number, _ = self.client.reserve()
        self.client.delete(number)

    def fill(self, count, job, named=False):
        self.open()
        super().fill(count, job, named)

    def kill(self):
        """Of the server; its worker cannot do without it."""
        self.server.kill()
        self.server.wait()
        super().kill()

    def again(self):
        self.client = None
        self.open()
        super().again()

    def pids(self):
        return [pid for process in (self.server, self.process) if process for pid in proc.tree(process.pid)]

    def stop(self):
        super().stop()
        if self.server:
            self.yard.end(self.server)
