#!/bin/bash
# Syncs the calendars or address books of params.pair, a PAIR or PAIR/COLLECTION of the file params.config. Needs vdirsyncer and jq.
set -uo pipefail
request=$(cat) log=$JOBSPOOL_WORK_DIR/last.log
get() { jq -er "$1" <<<"$request"; }
config=$(get .params.config) && pair=$(get .params.pair) || exit 64
run() { vdirsyncer -c "$config" "$@" </dev/null; }
{ run discover -- "${pair%%/*}" && run sync -- "$pair"; } 2>&1 | tee "$log" | jq -Rnc --unbuffered '
    foreach (inputs | {line: ., isItem: test("^(Copying|Deleting) ")}) as $l (0; . + (if $l.isItem then 1 else 0 end);
        if $l.isItem then {type: "progress", phase: "sync", current: ., item: $l.line}
        else {type: "log", level: (if $l.line | test("^(error|critical):") then "error" else "info" end), message: $l.line} end)'
case "${PIPESTATUS[0]}:$(cat "$log")" in
    0:*) ;; *"Unknown error occurred"*) exit 75 ;; *"does not exist. Please"* | *"reading config"*) exit 64 ;; *) exit 1 ;;
esac
