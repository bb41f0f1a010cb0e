#!/bin/bash
# Copies params.source to params.target with rclone; each is a path or REMOTE:PATH. Deletes nothing. Needs rclone and jq.
set -uo pipefail
request=$(cat)
get() { jq -er "$1" <<<"$request"; }
source=$(get .params.source) && target=$(get .params.target) || exit 64
rclone copy "--dry-run=$(get .dry_run)" --use-json-log --log-level INFO --stats 1s --stats-log-level NOTICE -- "$source" "$target" 2>&1 |
    jq -Rc --unbuffered '. as $line | (fromjson? // {level: "error", msg: $line}) | if .stats then .stats
        | {type: "progress", phase: "copy", current: .transfers, total: .totalTransfers, bytes, total_bytes: .totalBytes},
          {type: "result", value: {transfers, checks, bytes, errors}}
        else {type: "log", level, message: ([.object // empty, .msg] | join(": "))} end'
# https://rclone.org/docs/#exit-code: 1 is a wrong usage, 3 and 4 that something is not there, 5 what may work the next time.
case ${PIPESTATUS[0]} in 0) ;; 1 | 3 | 4) exit 64 ;; 5) exit 75 ;; *) exit 1 ;; esac
