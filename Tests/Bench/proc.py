"""What /proc tells of processes: who belongs together, what they use, how often they wake up."""

import os


def tree(pid):
    """A process's descendants, the process itself first."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry))
        except OSError:
            pass
    found = [pid]
    for parent in found:
        found.extend(children.get(parent, []))
    return found


def cpu_seconds(pids):
    """The time that processes have used; of those that have ended meanwhile, nothing."""
    ticks = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def waits(pids):
    """How often each thread has waited for something, by its number: each wait ends with a wake-up."""
    found = {}
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{thread}/status") as file:
                    lines = [line.split() for line in file if line.startswith("voluntary_ctxt_switches")]
                found[thread] = int(lines[0][1])
            except (FileNotFoundError, ProcessLookupError):
                pass  # it has just ended
    return found


def wake_ups(pids, before):
    """How many there have been since `before`, of the threads that are still there."""
    return sum(count - before.get(thread, 0) for thread, count in waits(pids).items())


def pss(pids):
    """Memory in MB (10^6 bytes), what is shared divided among those that share it."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has just ended
    return total * 1024 / 1e6
