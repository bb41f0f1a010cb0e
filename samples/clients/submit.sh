#!/bin/sh
# Drops a request, waits for its result and prints the outcome; needs jq. Usage: submit.sh SPOOL TYPE [PARAMS]
set -eu
spool=$1 type=$2 params=${3:-"{}"}
name=$(cat /proc/sys/kernel/random/uuid) # Used by nobody before: a result of this name is this job's.
jq -n --arg type "$type" --argjson params "$params" '{$type, $params}' >"$spool/.$name.tmp"
mv "$spool/.$name.tmp" "$spool/$name.json" # A rename: the daemon sees the whole request, or none.
until [ -e "$spool/$name.result.json" ]; do sleep 0.2; done
jq -r '"\([.status, .outcome // .error.code // empty] | join(" ")): \(.message)"' "$spool/$name.result.json"
jq -e '.outcome == "success"' "$spool/$name.result.json" >/dev/null
