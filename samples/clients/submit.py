#!/usr/bin/env python3
"""Drops a request, waits for its result and prints the outcome. Usage: submit.py SPOOL TYPE [PARAMS]"""
import json, pathlib, sys, time, uuid

spool, type, params = pathlib.Path(sys.argv[1]), sys.argv[2], json.loads((sys.argv[3:] or ["{}"])[0])
name = str(uuid.uuid4())  # Used by nobody before: a result of this name is this job's.
draft, result = spool / f".{name}.tmp", spool / f"{name}.result.json"
draft.write_text(json.dumps({"type": type, "params": params}))
draft.rename(spool / f"{name}.json")  # The daemon sees the whole request, or none.
while not result.exists():
    time.sleep(0.2)
end = json.loads(result.read_text())
why = end["outcome"] or (end["error"] or {}).get("code", "")  # Neither, of a job that was cancelled.
print(f"{end['status']} {why}".strip() + f": {end['message']}")
sys.exit(0 if end["outcome"] == "success" else 1)
