"""What measuring needs: processes that end with the run, and waiting for files and jobs without polling."""

import ctypes
import os
import select
import signal
import struct
import subprocess
import time

import proc

LIBC = ctypes.CDLL(None, use_errno=True)
IN_ATTRIB, IN_MOVED_TO, IN_DELETE = 0x4, 0x80, 0x200
PATIENCE = 60.0


class Late(Exception):
    """Something did not happen in time."""


def now():
    """The clock of `started.c`, in nanoseconds."""
    return time.monotonic_ns()


def until(what, condition, patience=PATIENCE, pause=0.002):
    """Asks `condition` again and again until it answers something true, and returns that."""
    deadline = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Late(what)
        time.sleep(pause)


class Watch:
    """The names that inotify(7) tells about a directory."""

    def __init__(self, directory, mask):
        self.descriptor = LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self.descriptor < 0 or LIBC.inotify_add_watch(self.descriptor, os.fsencode(directory), mask) < 0:
            raise OSError(ctypes.get_errno(), "inotify", directory)

    def names(self, patience=0.0):
        """The names of the events that are there; waits for the first one."""
        if not select.select([self.descriptor], [], [], patience)[0]:
            return []
        data, at, found = os.read(self.descriptor, 1 << 16), 0, []
        while at < len(data):
            length = struct.unpack_from("iIII", data, at)[3]
            found.append(os.fsdecode(data[at + 16 : at + 16 + length].rstrip(b"\0")))
            at += 16 + length
        return found

    def wait(self, name, times=1, patience=PATIENCE):
        """Returns when so many events of `name` have been seen."""
        deadline = time.monotonic() + patience
        while times > 0:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Late(f"no event of {name}")
            times -= self.names(left).count(name)

    def close(self):
        os.close(self.descriptor)


class Starts:
    """The times that `started` writes: to a FIFO, one after another, or to a file, all together."""

    def __init__(self, path, fifo):
        self.path = path
        if fifo:
            os.mkfifo(path)
            self.descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        else:
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)

    def take(self, patience=PATIENCE):
        if not select.select([self.descriptor], [], [], patience)[0]:
            raise Late("no job has started")
        return struct.unpack("q", os.read(self.descriptor, 8))[0]

    def drain(self):
        while select.select([self.descriptor], [], [], 0)[0]:
            os.read(self.descriptor, 1 << 16)

    def count(self):
        return os.fstat(self.descriptor).st_size // 8

    def last(self):
        return struct.unpack("q", os.pread(self.descriptor, 8, (self.count() - 1) * 8))[0]

    def close(self):
        os.close(self.descriptor)
        os.unlink(self.path)


class Yard:
    """A temporary directory, and processes that end when it does."""

    def __init__(self, path):
        self.path = path
        self.running = []
        self.stopping = []  # what is to be called in the end, whatever happens
        self.number = 0

    def directory(self, name):
        self.number += 1
        path = os.path.join(self.path, f"{self.number}-{name}")
        os.mkdir(path)
        return path

    def start(self, arguments, log, **options):
        """Starts a process in a session of its own, its output to the file `log`."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", log)
        process = subprocess.Popen(arguments, stderr=log, start_new_session=True, **options)
        self.running.append(process)
        return process

    def end(self, process, how=signal.SIGKILL):
        """Ends a process and what is left of its session."""
        pids = proc.tree(process.pid)
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if process in self.running:
            self.running.remove(process)

    def clear(self):
        for stop in self.stopping:
            stop()
        self.stopping.clear()
        for process in list(self.running):
            self.end(process)


def spawn(arguments, environment=None, input=None):
    """Runs a command to its end, by posix_spawn(3) without a shell, and returns its exit status."""
    null = os.open(input or os.devnull, os.O_RDWR | os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawnp(arguments[0], arguments, environment or os.environ, file_actions=actions)
    os.close(null)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
