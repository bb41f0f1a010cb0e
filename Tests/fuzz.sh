#!/bin/sh
# Looks with libFuzzer for bytes that requests, schedules, definitions, control files, statuses, results, lines, feeds, records of attempts
# and names are not decoded from as they should (Tests/FuzzTests/*Checks.swift): traps, refusals without a place, values that change when
# they are written. First what daemons wrote: all of it has to be read.
# Usage: sh Tests/fuzz.sh [SECONDS] [SPOOL]    (60 seconds unless it says otherwise)
# SPOOL: every status, result and line in this spool is tried as well. It begins with Tests/Fixtures and what earlier runs have found: what
# has found a new way is kept in .build-fuzz/corpus. What fails is kept in .build-fuzz/crash-*, and makes the exit status not 0.
set -eu
umask 022
exec </dev/null
cd "$(dirname "$0")/.."
command -v swiftc >/dev/null 2>&1 || PATH=$PATH:/opt/swift/usr/bin
sh samples/install.sh /usr/share/zoneinfo/Europe/Berlin:tzdata

place=.build-fuzz
rm -rf "$place/own"
mkdir -p "$place/corpus" "$place/own" "$place/include"
# The spool in which feeds are tried goes with the program, however that ends.
scratch=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)/jobspool-fuzz-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
echo "module CLinux { header \"$PWD/Sources/CLinux/include/CLinux.h\" export * }" >"$place/include/module.modulemap"
clang -O1 -c -I Sources/CLinux/include -o "$place/CLinux.o" Sources/CLinux/CLinux.c
compile() {
    swiftc -O -sanitize=fuzzer -parse-as-library -package-name jobspool -swift-version 6 \
        -enable-upcoming-feature InternalImportsByDefault -I "$place" -I "$place/include" "$@"
}
module() {
    compile -wmo -c -emit-module -emit-module-path "$place/$1.swiftmodule" -module-name "$1" -o "$place/$1.o" Sources/"$1"/*.swift
}
for name in JSONText SpoolProtocol SpoolStorage; do module $name; done
# What the runner reads of its own files is in these of its files, which need no other of them.
runner="Sources/JobRunner/FeedRecord.swift Sources/JobRunner/NameTable.swift Sources/JobRunner/ExitRecord.swift"
# shellcheck disable=SC2086
compile -module-name decode -o "$place/decode" Tests/LibFuzzer/decode.swift Tests/FuzzTests/*Checks.swift $runner \
    "$place/JSONText.o" "$place/SpoolProtocol.o" "$place/SpoolStorage.o" "$place/CLinux.o"

# The letters are those of DecodingCheck.
seed() {
    letter=$1 file=$2 to=${3:-corpus}
    { printf %s "$letter"; cat "$file"; } >"$place/$to/seed-$(printf '%s %s' "$letter" "$file" | cksum | cut -d ' ' -f 1)"
}
# What a daemon wrote.
own() { seed "$1" "$2"; seed "$1" "$2" own; }
lines() {
    split -l 1 -a 6 "$2" "$place/line-"
    for line in "$place"/line-*; do [ -e "$line" ] && own "$1" "$line" && rm "$line"; done
}
for spool in Tests/Fixtures/spool-v1 ${2:+"$2"}; do
    for file in "$spool"/*.json "$spool"/*.jsonl; do
        [ -f "$file" ] || continue
        case $file in
        *.schedule.status.json) own u "$file" ;;
        */spool.status.json) own j "$file" ;;
        *.status.json) own t "$file"; own j "$file" ;;
        *.result.json) own o "$file"; own j "$file" ;;
        *.schedule.json) seed s "$file" ;;
        *.cancel.json | */spool.pause.json) seed c "$file" ;;
        */spool.events.jsonl) own f "$file"; lines f "$file" ;;
        *.jsonl) lines l "$file" ;;
        *) seed r "$file" ;;
        esac
        printf 'n%s' "${file##*/}" >"$place/corpus/seed-$(printf 'n %s' "$file" | cksum | cut -d ' ' -f 1)"
    done
done
for file in samples/types/*.json; do seed d "$file"; done
for file in samples/schedules/*.json; do seed s "$file"; done
for file in samples/requests/*.json; do seed r "$file"; done
for kind in r:request s:schedule d:definition c:control t:status o:result u:schedule-status l:log-line h:handler-line n:name j:json f:feed \
    k:feed-record a:attempt-record; do
    for file in Tests/Fixtures/fuzz/"${kind#*:}"/*; do [ ! -f "$file" ] || seed "${kind%%:*}" "$file"; done
done

decode() { TMPDIR=$scratch "$place/decode" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$place/" "$@"; }
JOBSPOOL_FUZZ_OWN=1 decode -runs=0 -max_len=16777216 "$place/own"
decode "$place/corpus" -max_total_time="${1:-60}" -max_len=65536 -print_final_stats=1 -dict=Tests/LibFuzzer/words.dict
