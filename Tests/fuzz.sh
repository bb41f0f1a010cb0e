#!/bin/sh
# Looks with libFuzzer for bytes that requests, schedules, definitions, control files, statuses, results, lines and names are not decoded
# from as they should (Tests/FuzzTests/DecodingChecks.swift): traps, refusals without a place, values that change when they are written.
# Usage: sh Tests/fuzz.sh [SECONDS] [SPOOL]    (60 seconds unless it says otherwise)
# SPOOL: every status, result and line in this spool is tried as well. What has found a new way is kept in .build-fuzz/corpus, where the next
# run begins; what fails is kept in .build-fuzz/crash-*, and makes the exit status 1.
set -eu
umask 022
exec </dev/null
cd "$(dirname "$0")/.."
command -v swiftc >/dev/null 2>&1 || PATH=$PATH:/opt/swift/usr/bin
sh samples/install.sh /usr/share/zoneinfo/Europe/Berlin:tzdata

place=.build-fuzz
mkdir -p "$place/corpus"
compile() { swiftc -O -sanitize=fuzzer -parse-as-library -package-name jobspool -swift-version 6 -I "$place" "$@"; }
compile -wmo -c -emit-module -emit-module-path "$place/JSONText.swiftmodule" -module-name JSONText \
    -o "$place/JSONText.o" Sources/JSONText/*.swift
compile -wmo -c -emit-module -emit-module-path "$place/SpoolProtocol.swiftmodule" -module-name SpoolProtocol \
    -o "$place/SpoolProtocol.o" Sources/SpoolProtocol/*.swift
compile -module-name decode -o "$place/decode" Tests/LibFuzzer/decode.swift Tests/FuzzTests/DecodingChecks.swift \
    "$place/JSONText.o" "$place/SpoolProtocol.o"

# The letters are those of DecodingCheck.
seed() {
    letter=$1 file=$2
    { printf %s "$letter"; cat "$file"; } >"$place/corpus/seed-$(printf '%s %s' "$letter" "$file" | cksum | cut -d ' ' -f 1)"
}
lines() {
    split -l 1 -a 6 "$2" "$place/line-"
    for line in "$place"/line-*; do [ -e "$line" ] && seed "$1" "$line" && rm "$line"; done
}
for spool in Tests/Fixtures/spool-v1 ${2:+"$2"}; do
    for file in "$spool"/*.json "$spool"/*.jsonl; do
        [ -f "$file" ] || continue
        case $file in
        *.schedule.status.json) seed u "$file" ;;
        *.status.json) seed t "$file"; seed j "$file" ;;
        *.result.json) seed o "$file"; seed j "$file" ;;
        *.schedule.json) seed s "$file" ;;
        *.cancel.json | */spool.pause.json) seed c "$file" ;;
        *.jsonl) lines l "$file" ;;
        *) seed r "$file" ;;
        esac
        printf 'n%s' "${file##*/}" >"$place/corpus/seed-$(printf 'n %s' "$file" | cksum | cut -d ' ' -f 1)"
    done
done
for file in samples/types/*.json; do seed d "$file"; done
for file in samples/schedules/*.json; do seed s "$file"; done
for file in samples/requests/*.json; do seed r "$file"; done

"$place/decode" "$place/corpus" -max_total_time="${1:-60}" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -artifact_prefix="$place/" -print_final_stats=1 -dict=Tests/LibFuzzer/words.dict
