"""Mixed work for two daemons at once, for a time: one that is never restarted, in which growth would show, and one that is stopped
and killed again and again, in which jobs would be lost. Ten lanes; jobs that succeed, fail, are tried again, die, hang, are cancelled,
withdrawn, replaced, rejected or scheduled, and every `on_busy`.

Every few seconds memory (PSS), descriptors, threads and zombies are noted. At the end the last quarter (after a time to warm up) is
set beside the second one. The exit status is 1 when the daemon grew, a zombie stayed, a job was lost, ended as it should not, or ran
beside another of its lane, when a slot of a schedule had no job or several, when the feed has a gap, and when anything is left at the end.

Usage: python3 soak.py JOBSPOOL MINUTES [--no-growth]    (growth is not looked at)"""

import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import feed

LANES = 10
RATE = float(os.environ.get("JOBSPOOL_SOAK_RATE", "2"))  # requests a second in each spool
INTERVAL = 5.0  # seconds between two samples
RESTART_EVERY = float(os.environ.get("JOBSPOOL_SOAK_RESTART_EVERY", "40"))
ARCHIVE_AFTER = 20.0
PATIENCE = 240.0  # for the jobs that are left at the end

# What every handler does first: nobody else of its lane may hold the lane's lock, which the kernel frees at death.
ALONE = 'exec 9>>"../lane-$LANE"; flock -n 9 || echo "$JOBSPOOL_JOB_ID" >>../overlaps; '

# kind: (script, more of the definition, statuses it may end in, how often)
KINDS = {
    "quick": ("exit 0", {}, {"completed"}, 30),
    "talk": (
        'i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo "line $i"; done; '
        'echo \'{"type":"progress","current":200,"total":200,"counts":{"created":200}}\'; '
        'echo \'{"type":"result","value":{"lines":200}}\'', {}, {"completed"}, 10),
    "items": ('for i in 1 2 3; do echo "{\\"type\\":\\"error\\",\\"item\\":\\"$i\\",\\"code\\":\\"E\\",\\"message\\":\\"m\\"}"; done',
              {}, {"completed"}, 6),
    "fails": ("echo no >&2; exit 1", {}, {"failed"}, 8),
    "retried": ('[ "$JOBSPOOL_ATTEMPT" -ge 3 ] || exit 75', {"retry": {"max_attempts": 9, "backoff_seconds": 0.5}},
                {"completed"}, 6),
    "dies": ("kill -9 $$", {}, {"failed"}, 4),
    "steps": (
        'n=$(cat "$JOBSPOOL_CHECKPOINT" 2>/dev/null || echo 0); while [ "$n" -lt 15 ]; do n=$((n+1)); '
        'echo "{\\"type\\":\\"checkpoint\\",\\"value\\":$n}"; sleep 0.2; done', {}, {"completed"}, 8),
    "stubborn": ("trap '' TERM; sleep 2; sleep 2", {"grace_seconds": 1, "on_interrupted": "restart"}, {"completed", "failed"}, 2),
    "hangs": ("sleep 600", {"timeout_seconds": 3, "grace_seconds": 1}, {"failed"}, 2),
}
# What is done with a request beside dropping it, and how often
DEEDS = {"nothing": 60, "cancel": 10, "withdraw": 5, "replace": 4, "again": 6, "bad": 5, "after": 5, "later": 5,
         "busy-join": 4, "busy-reject": 4, "busy-replace": 2}
# name: what it is dropped by, and the seconds between two of its slots
SCHEDULES = {"often": ({"every_seconds": 2, "request": {"type": "quick-0"}}, 2),
             "minutely": ({"cron": "* * * * *", "request": {"type": "talk-1"}}, 60)}


def weighted(table, weight):
    return random.choices(list(table), [weight(value) for value in table.values()])[0]


class Yard:
    """A spool with its types and its daemon."""

    def __init__(self, program, root):
        self.program, self.root, self.spool = program, root, f"{root}/spool"
        os.makedirs(self.spool)
        os.makedirs(f"{root}/types")
        for lane in range(LANES):
            for kind, (script, more, _, _) in KINDS.items():
                definition = {"command": ["/bin/bash", "-c", f"LANE={lane}; {ALONE}{script}"], "lane": f"lane{lane}",
                              "stall_seconds": 120, **more}
                with open(f"{root}/types/{kind}-{lane}.json", "w") as file:
                    json.dump(definition, file)
        self.daemon = None
        self.log = open(f"{root}/daemon.log", "ab")
        self.number = 0
        # name: (when it was dropped, the statuses it may end in, its fingerprint, its type)
        self.open = {}
        self.ended, self.wrong, self.seen_last = {}, [], {}
        self.feed = feed.Feed(f"{self.spool}/spool.events.jsonl")
        self.bookmarks, self.zombies = {}, set()
        self.start()

    def start(self):
        self.daemon = subprocess.Popen(
            [self.program, "serve", self.spool, "--types", f"{self.root}/types", "--settle", "0.5", "--max-lanes", str(LANES),
             "--archive-after", f"{ARCHIVE_AFTER:.0f}s", "--delete-archived-after", "60s", "--rotate-events-at", "200000", "--log-level", "error"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def restart(self, how):
        self.daemon.send_signal(how)
        status = self.daemon.wait(timeout=60)
        if how == signal.SIGTERM and status != 0:
            self.wrong.append(f"a daemon that was asked to stop exited with {status}")
        self.start()

    def check(self):
        if self.daemon.poll() is not None:
            self.wrong.append(f"the daemon ended by itself, with {self.daemon.returncode}")
            self.start()

    def path(self, name):
        return f"{self.spool}/{name}"

    def put(self, name, content):
        temporary = self.path(f".{name}.part")
        with open(temporary, "w") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        stat = os.stat(temporary)
        os.rename(temporary, self.path(name))
        return {"size": stat.st_size, "mtime": f"{stat.st_mtime_ns // 10**9}.{stat.st_mtime_ns % 10**9:09}"}

    def touch(self, name):
        with open(self.path(name), "a"):
            pass

    # What clients do

    def drop(self):
        self.number += 1
        kind = weighted(KINDS, lambda value: value[3])
        deed = weighted(DEEDS, lambda value: value)
        name, ends = f"job{self.number}", set(KINDS[kind][2])
        # The first two lanes are those of the schedules, whose jobs nobody is to replace.
        lane = random.randrange(2 if deed == "busy-replace" else 0, LANES)
        request = {"type": f"{kind}-{lane}", "labels": {"kind": kind}}
        if deed == "bad":
            request = random.choice(["{", '{"type": 7}', {"type": "nosuch"}, {**request, "parms": {}}, {**request, "priority": 1000}])
            ends = {"rejected"}
        elif deed == "after" and self.number > 1:
            request["after"] = [f"job{self.number - 1}"]
            ends |= {"failed", "cancelled"}
        elif deed == "later":
            request["not_before"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
        elif deed.startswith("busy-"):
            request["on_busy"] = deed.removeprefix("busy-")
            if deed == "busy-reject":
                ends.add("rejected")
        if deed == "busy-replace":
            for _, ends_of_other, _, type_of_other in self.open.values():
                if type_of_other == request["type"]:
                    ends_of_other.add("cancelled")
        print_ = self.put(f"{name}.json", request)
        if deed == "cancel":
            time.sleep(random.choice([0, 0.02, 0.3]))
            self.touch(f"{name}.cancel.json")
            ends.add("cancelled")
        elif deed == "withdraw":
            time.sleep(random.choice([0.05, 0.3]))
            if self.exists(f"{name}.status.json"):
                os.unlink(self.path(f"{name}.json"))
                ends.add("cancelled")
        elif deed == "replace":
            print_ = self.put(f"{name}.json", {**request, "description": "another"})
        elif deed == "again" and self.seen_last:
            self.again()
        self.open[name] = (time.monotonic(), ends, print_, request["type"] if isinstance(request, dict) else "")

    def again(self):
        """A name that has been used is used again: its family goes to the archive."""
        name, ends = random.choice(list(self.seen_last.items()))
        if name in self.open:
            return
        request = {"type": f"quick-{random.randrange(LANES)}", "description": f"again {time.time_ns()}"}
        self.open[name] = (time.monotonic(), {"completed"}, self.put(f"{name}.json", request), request["type"])

    def exists(self, name):
        return os.path.exists(self.path(name))

    def look(self):
        """Takes note of what is over."""
        self.feed.read()
        for name, (dropped, ends, print_, _) in list(self.open.items()):
            try:
                with open(self.path(f"{name}.result.json")) as file:
                    result = json.load(file)
                if result["request"] != print_:
                    continue  # of an earlier version
            except FileNotFoundError:
                since = time.time() - (time.monotonic() - dropped)
                end = self.feed.end(name, since) if time.monotonic() > dropped + ARCHIVE_AFTER else None
                if not end:
                    continue
                result = {"status": end}  # archived before anybody looked
            del self.open[name]
            self.ended[result["status"]] = self.ended.get(result["status"], 0) + 1
            if result["status"] in ends:
                self.seen_last[name] = ends
                while len(self.seen_last) > 50:
                    del self.seen_last[next(iter(self.seen_last))]
            else:
                self.wrong.append(f"{name} ended {result['status']}, not {ends}: {result.get('error')}")

    # Schedules

    def schedule(self):
        for name, (content, _) in SCHEDULES.items():
            self.put(f"{name}.schedule.json", content)

    def unschedule(self):
        """Ends the schedules, and keeps what their statuses say."""
        for name in SCHEDULES:
            with open(self.path(f"{name}.schedule.status.json")) as file:
                self.bookmarks[name] = json.load(file)
            os.unlink(self.path(f"{name}.schedule.json"))

    def check_slots(self):
        """Every slot that the status says is dealt with had one job, which completed, but for those that it says were skipped."""
        for name, (_, interval) in SCHEDULES.items():
            slots, bookmark = self.feed.slots(name), self.bookmarks[name]
            since, until = (feed.seconds(bookmark[key]) for key in ("since", "handled_until"))
            due = until // 60 - since // 60 if interval == 60 else (until - since) // interval
            had = sum(slot <= until for slot in slots)
            if had + bookmark["skipped"] != due or (interval == 60 and bookmark["skipped"]):
                self.wrong.append(f"{name} had {due} slots: {had} jobs, {bookmark['skipped']} skipped")
            for slot, ends in slots.items():
                if ends != ["completed"]:
                    self.wrong.append(f"the jobs of {name} at {time.strftime('%H:%M:%S', time.gmtime(slot))} ended {ends}")
            print(f"{name}: {len(slots)} slots had a job, {bookmark['skipped']} were skipped")

    # What is measured

    def family(self):
        """The daemon and what it has started, by parent; and the zombies among them."""
        parents, states = {}, {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/stat") as file:
                        fields = file.read().rsplit(")", 1)[1].split()
                    parents[int(entry)], states[int(entry)] = int(fields[1]), fields[0]
                except (FileNotFoundError, ProcessLookupError):
                    pass
        inside, found = {self.daemon.pid}, True
        while found:
            found = {pid for pid, parent in parents.items() if parent in inside and pid not in inside}
            inside |= found
        return inside, {pid for pid in inside if states.get(pid) == "Z"}

    def sample(self):
        pid = self.daemon.pid
        with open(f"/proc/{pid}/smaps_rollup") as file:
            pss = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        with open(f"/proc/{pid}/status") as file:
            threads = next(int(line.split()[1]) for line in file if line.startswith("Threads:"))
        zombies = self.family()[1]
        # One that is waited for in a moment is none.
        for zombie in zombies & self.zombies:
            self.wrong.append(f"process {zombie} has been a zombie for {INTERVAL:g} s")
        self.zombies = zombies
        return {"PSS, KiB": pss, "descriptors": len(os.listdir(f"/proc/{pid}/fd")), "threads": threads, "zombies": len(zombies)}

    # The end

    def is_quiet(self):
        """All that was dropped is over, and the daemon has put away what it worked with."""
        with open(self.path("spool.status.json")) as file:
            status = json.load(file)
        return not self.open and not status["running"] and not status["pending"] and not self.left()

    def left(self):
        """What nobody needs any more when all is over."""
        places = [place for place in ("attempts", "tmp", "archiving", "aside") if self.exists(f".jobspool/{place}")]
        found = [f"{place}/{entry}" for place in places for entry in os.listdir(self.path(f".jobspool/{place}"))]
        return found + [entry for entry in os.listdir(self.spool) if entry.endswith((".cancel.json", ".schedule.status.json", ".part"))]

    def processes(self):
        """Those that work in the yard or for it."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and int(entry) != os.getpid():
                    with open(f"/proc/{entry}/cmdline", "rb") as file:
                        line = file.read().replace(b"\0", b" ").decode(errors="replace")
                    if os.readlink(f"/proc/{entry}/cwd").startswith(self.root) or f" {self.spool} " in line:
                        found.append(f"{entry} {line}")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                pass
        return found

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        if self.daemon.wait(timeout=60) != 0:
            self.wrong.append(f"the daemon exited with {self.daemon.returncode} at the end")


def soak(program, minutes):
    root = tempfile.mkdtemp(prefix="jobspool-soak-", dir=os.environ.get("TMPDIR", "/tmp"))
    steady, shaken = Yard(program, f"{root}/steady"), Yard(program, f"{root}/shaken")
    yards = [steady, shaken]
    for yard in yards:
        yard.schedule()
    samples, restarts = [], {"TERM": 0, "KILL": 0}
    began = time.monotonic()
    end = began + minutes * 60
    next_sample, next_restart = began, began + RESTART_EVERY
    try:
        while time.monotonic() < end:
            for yard in yards:
                yard.drop()
                yard.look()
                yard.check()
            if time.monotonic() >= next_sample:
                next_sample += INTERVAL
                samples.append(steady.sample())
                if len(samples) % 60 == 0:
                    print(f"{len(samples) * INTERVAL / 60:.0f} min: {samples[-1]}", file=sys.stderr, flush=True)
            if time.monotonic() >= next_restart:
                next_restart += RESTART_EVERY
                how = random.choice(list(restarts))
                restarts[how] += 1
                shaken.restart(signal.SIGTERM if how == "TERM" else signal.SIGKILL)
            time.sleep(random.expovariate(RATE))
        for yard in yards:
            yard.unschedule()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not all(yard.is_quiet() for yard in yards):
            for yard in yards:
                yard.look()
                yard.check()
            time.sleep(0.2)
        for yard in yards:
            yard.stop()
            yard.look()
        return report(yards, samples, restarts, minutes)
    finally:
        for yard in yards:
            yard.daemon.kill()
            yard.daemon.wait()
        if os.environ.get("JOBSPOOL_SOAK_KEEP"):
            print(f"kept: {root}", file=sys.stderr)
        else:
            shutil.rmtree(root)


# How much the last quarter's median may be above the second one's
ALLOWED = {"PSS, KiB": lambda before: before * 0.05 + 512, "descriptors": lambda before: before * 0.1, "threads": lambda before: 1}


def report(yards, samples, restarts, minutes):
    wrong = []
    warm = samples[len(samples) // 10:]
    quarter = max(1, len(warm) // 4)
    quarters = [warm[:quarter], warm[quarter:2 * quarter] or warm, warm[-quarter:]]
    print(f"{minutes:g} minutes, {len(samples)} samples of the daemon that was not restarted, the first tenth left out")
    print(f"{'':14}" + "".join(f"{name + ' quarter':>24}" for name in ("first", "second", "last")))
    print(f"{'':14}" + f"{'median':>12}{'most':>12}" * 3)
    for what in samples[0]:
        values = [[sample[what] for sample in part] for part in quarters]
        print(f"{what:14}" + "".join(f"{statistics.median(part):12g}{max(part):12g}" for part in values))
        before, after = statistics.median(values[1]), statistics.median(values[2])
        if what in ALLOWED and after > before + ALLOWED[what](before) and "--no-growth" not in sys.argv:
            wrong.append(f"{what} grew from {before:g} to {after:g}")
    for name, yard in zip(["never restarted", "restarted"], yards):
        print(f"{name}: {yard.number} requests; {dict(sorted(yard.ended.items()))}")
        for job, (when, ends, _, _) in yard.open.items():
            yard.wrong.append(f"{job}, which was to end {ends}, was lost, or not over within {time.monotonic() - when:.0f} s")
        if os.path.exists(yard.path(".jobspool/work/overlaps")):
            yard.wrong.append("jobs of one lane ran beside each other")
        yard.check_slots()
        yard.wrong += yard.feed.wrong
        yard.wrong += [f"the feed tells these ends of {job}: {ends}" for job, ends in yard.feed.jobs.values() if len(ends) != 1]
        yard.wrong += [f"{entry} is left" for entry in yard.left()]
        yard.wrong += [f"process {process} is left" for process in yard.processes()]
        wrong += [f"{name}: {text}" for text in yard.wrong]
    print(f"restarts: {restarts['TERM']} by TERM, {restarts['KILL']} by KILL")
    for text in wrong:
        print(f"WRONG: {text}")
    print("nothing grew, no job was lost" if not wrong else f"{len(wrong)} things are wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(soak(sys.argv[1], float(sys.argv[2])))
