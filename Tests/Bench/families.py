"""Spools with many jobs in them, without running those: copies of the files of a real job, under other names and
identities.

A daemon takes them for what they are because nothing in them is wrong: each request's time is the one that its status
and result have recorded."""

import json
import os
import subprocess
import uuid

import harness
import systems

SUFFIXES = [".json", ".status.json", ".log.jsonl", ".result.json"]


def real_family(bench, over):
    """The bytes of the files of a job, by suffix, and its request's modification time in ns."""
    system = systems.JobSpool(bench.yard, "-template")
    if not over:
        open(os.path.join(system.spool, "spool.pause.json"), "w").close()
    system.start(["/bin/true"])
    system.drop("template")
    status = os.path.join(system.spool, "template.status.json")
    wanted = b'"completed"' if over else b'"pending"'
    harness.until("the template is there", lambda: os.path.exists(status) and wanted in open(status, "rb").read())
    modified = os.stat(os.path.join(system.spool, "template.json")).st_mtime_ns
    system.stop()
    files = {}
    for suffix in SUFFIXES:
        path = os.path.join(system.spool, "template" + suffix)
        if os.path.exists(path):
            with open(path, "rb") as file:
                files[suffix] = file.read()
    return files, modified


def copy_families(bench, spool, count, over=True, prefix="done", first=1):
    """Puts `count` jobs into a spool that nobody serves; the files of one job after those of the other."""
    files, modified = real_family(bench, over)
    job_id = json.loads(files[".status.json"])["job_id"].encode()
    directory = os.open(spool, os.O_RDONLY | os.O_DIRECTORY)
    for index in range(first, first + count):
        name = f"{prefix}{index:06}"
        other = str(uuid.UUID(int=index | 0x4000_8000 << 64, version=4)).encode()
        for suffix, text in files.items():
            text = text.replace(job_id, other).replace(b'"template', b'"' + name.encode())
            text = text.replace(b'"sequence": 1,', b'"sequence": %d,' % index)
            file = os.open(name + suffix, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=directory)
            os.write(file, text)
            if suffix == ".json":
                os.utime(file, ns=(modified, modified))
            os.close(file)
    os.close(directory)


def check(bench, spool, count, status):
    """Whether jobspool itself takes so many jobs for what they are meant to be."""
    command = [bench.jobspool, "list", "--spool", spool, "--status", status, "--limit", str(count + 1), "--json"]
    listed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    found = len(json.loads(listed)) if listed.lstrip().startswith(b"[") else len(listed.splitlines())
    if found != count:
        raise RuntimeError(f"jobspool lists {found} jobs as {status}, not {count}")
