#!/bin/bash
# A job type in one command: rsync copies params.source to params.target; needs rsync and jq.
set -euo pipefail
request=$(cat)
get() { jq -er "$1" <<<"$request"; }
source=$(get .params.source) && target=$(get .params.target) || exit 64
dry=$(get 'if .dry_run then "--dry-run" else "" end')
jq -nc --arg m "Copying $source to $target" '{type: "log", level: "info", message: $m}'
# What rsync calls a partial transfer may work the next time: 75. Its first four statuses say that it is told something wrong.
rsync -a --out-format=%n $dry -- "$source/" "$target/" | jq -Rnc --unbuffered 'foreach inputs as $file
    (0; . + 1; {type: "progress", phase: "copy", current: ., item: $file})' || exit $((PIPESTATUS[0] > 4 ? 75 : 64))
jq -nc --arg s "$source" --arg t "$target" '{type: "result", value: {source: $s, target: $t}}'
