"""Follows a spool's feed as README.md says: each file to its end, and the next one when the name has another inode. What has gone wrong
in it is kept: numbers that are missing or come twice."""

import calendar
import json
import os
import time


def seconds(text):
    """Of a time as 2026-01-07T13:33:12.000Z, whole, since 1970."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


class Feed:
    def __init__(self, path):
        self.path, self.file, self.offset = path, None, 0
        self.last, self.wrong = 0, []
        self.jobs = {}  # job_id: (its name, how it ended, as often as that is told)
        self.latest = {}  # name: (when the last job of that name was first told of, how it ended)

    def read(self):
        """Takes in what is new."""
        while True:
            if self.file is None:
                try:
                    self.file, self.offset = open(self.path, "rb"), 0
                except FileNotFoundError:
                    return
            try:
                is_present = os.stat(self.path).st_ino == os.fstat(self.file.fileno()).st_ino
            except FileNotFoundError:
                is_present = True  # its successor is not there yet
            self.take_lines()
            if is_present:
                return
            self.file.close()
            self.file = None

    def take_lines(self):
        """Whole lines only: what a daemon did not write to the end is cut off by the next one."""
        self.file.seek(self.offset)
        content = self.file.read()
        content = content[:content.rfind(b"\n") + 1]
        self.offset += len(content)
        for line in content.splitlines():
            self.take(json.loads(line))

    def take(self, event):
        if event["sequence"] != self.last + 1:
            self.wrong.append(f"in the feed {event['sequence']} comes after {self.last}")
        self.last = event["sequence"]
        if event["job_id"]:
            if event["job_id"] not in self.jobs:
                self.jobs[event["job_id"]] = (event["name"], [])
                self.latest[event["name"]] = (seconds(event["at"]), self.jobs[event["job_id"]][1])
            ends = self.jobs[event["job_id"]][1]
            if event["status"] not in ("pending", "running") and event["event"] != "noticed":
                ends.append(event["status"])

    def end(self, name, since):
        """How the job ended that was dropped under this name no sooner than that; None when that is not told."""
        told, ends = self.latest.get(name, (0, []))
        return ends[0] if ends and told >= int(since) else None

    def slots(self, schedule):
        """The ends of the jobs of a schedule's slots, by the slots' times; of each slot there should be one."""
        found = {}
        for name, ends in self.jobs.values():
            if name.startswith(f"{schedule}-"):
                slot = calendar.timegm(time.strptime(name.removeprefix(f"{schedule}-"), "%Y%m%dT%H%M%SZ"))
                found.setdefault(slot, []).extend(ends or ["not at all"])
        return found
