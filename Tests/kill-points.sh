#!/bin/sh
# Kills the daemon (SIGKILL) right before each call that changes files, in a life with whole jobs: drop, accept, run with progress,
# checkpoint, log and error lines, result, archive by another run, jobs one behind the other, cancel, a second attempt, pause and resume, a
# schedule, stop (`--on-stop leave`) while a job runs. The next daemon goes on, and what came of it is checked (kill-points.jq). Likewise
# for the supervisors of attempts. Between two such calls nothing changes on the disk, so that these are all kill points of that life.
#
# Usage: Tests/kill-points.sh [daemon|supervisor|all|probe] [STRIDE [FIRST]]   every STRIDE-th point from FIRST on (1 1: all of them)
#   probe only finds out whether processes may be traced here
#   JOBSPOOL  the program (default: the release build, which is built first)
#   SECONDS_LIMIT  begins no more points after so many seconds
#   KEEP      keeps what a point has left that is not well, in KEEP-ROLE-POINT
# Exit status: 0 all is well, 1 not, 77 processes may not be traced here (ptrace(2)): nothing has been shown.
#
# Tests/kill-at.c does the killing, for strace's `inject=CALL:signal=KILL:when=N` counts the calls of each thread by themselves: the N-th
# call of a thread is never reached where another one has had so many before.
set -eu
umask 022
role=${1:-all} stride=${2:-1} first=${3:-1}
here=$(cd "$(dirname "$0")" && pwd)
cc=
for name in cc clang gcc; do
    if [ -z "$cc" ] && command -v $name >/dev/null 2>&1; then cc=$name; fi
done
# shellcheck disable=SC2086
sh "$here/../samples/install.sh" jq flock:util-linux $([ -n "$cc" ] || echo cc:gcc /usr/include/stdio.h:libc6-dev)
if [ -z "${JOBSPOOL:-}" ] && [ "$role" != probe ]; then
    (cd "$here/.." && swift build -c release --static-swift-stdlib --product jobspool >&2)
    JOBSPOOL=$here/../.build/release/jobspool
fi
work=$(mktemp -d /tmp/jobspool-kills-XXXXXX) yard=
# Whatever works for a point has its yard in its environment.
processes() { [ -z "$yard" ] || grep -lszxF -e "YARD=$yard" /proc/[0-9]*/environ | cut -d / -f 3; }
end_all() {
    for pid in $(processes); do kill -KILL "$pid" 2>/dev/null || :; done
    wait "${server:-}" 2>/dev/null || :
}
trap 'end_all; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
${cc:-cc} -O1 -o "$work/kill-at" "$here/kill-at.c"
status=0
"$work/kill-at" daemon 0 "$work/report" /bin/true || status=$?
if [ $status = 77 ]; then
    echo "kill points: SKIPPED, nothing is shown: ptrace(2) is not permitted here" >&2
    exit 77
elif [ $status != 0 ]; then
    echo "kill-at does not work: it ended with $status" >&2
    exit 1
fi
[ "$role" != probe ] || exit 0
# shellcheck disable=SC2016
handler='exec 9>>"$YARD/lock"; flock -n 9 || echo "$JOBSPOOL_JOB_ID ran beside another" >>"$YARD/problems"
echo "$JOBSPOOL_JOB_ID" >>"$YARD/starts"
echo "{\"type\":\"log\",\"level\":\"info\",\"message\":\"one\"}"
echo "{\"type\":\"progress\",\"current\":1,\"total\":2}"
echo "{\"type\":\"checkpoint\",\"value\":\"half\"}"
echo "{\"type\":\"error\",\"item\":\"x\",\"code\":\"BAD\",\"message\":\"\"}"
sleep "$SPAN" 9>&-
[ "$JOBSPOOL_ATTEMPT" -ge "$NEEDED" ] || exit 75
echo "{\"type\":\"log\",\"level\":\"info\",\"message\":\"two\"}"
echo "{\"type\":\"result\",\"value\":42}"'

# Starts the daemon, with what is to run it.
serve() {
    YARD=$yard "$@" "$JOBSPOOL" serve "$spool" --types "$yard/types" --on-stop leave --settle 0.2 --log-level warning 2>>"$yard/log" &
    server=$!
}

# Waits until it is so; a daemon that is gone is started again. Nothing takes longer than 20 s.
await() {
    turns=0
    until eval "$1"; do
        kill -0 "$server" 2>/dev/null || serve
        turns=$((turns + 1))
        if [ $turns -gt 2000 ]; then
            echo "waited in vain: $1" >>"$yard/problems"
            return 1
        fi
        sleep 0.01
    done
}

drop() {
    echo "$2" >"$spool/.$1.part"
    mv "$spool/.$1.part" "$spool/$1.json"
}

stop() {
    pid=$(jq -r .pid "$spool/.jobspool/lock" 2>/dev/null || echo)
    [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null || :
    wait "$server" 2>/dev/null || :
}

# One life in $yard, with the N-th call of a role deadly.
live() {
    spool=$yard/spool
    mkdir -p "$spool" "$yard/types"
    # What each type's handler takes, in seconds, and the attempt that it needs.
    for type in quick:0.06:1 again:0.06:2 left:0.4:1 slow:30:1; do
        jq -n --arg handler "$handler" --arg yard "$yard" --arg type "$type" '($type | split(":")) as [$name, $span, $needed]
            | {command: ["/bin/sh", "-c", $handler], grace_seconds: 2, retry: {max_attempts: 9, backoff_seconds: 0.05},
                environment: {YARD: $yard, SPAN: $span, NEEDED: $needed, PATH: "/usr/bin:/bin"}}' >"$yard/types/${type%%:*}.json"
    done
    serve "$work/kill-at" "$1" "$2" "$yard/report"
    drop a '{"type": "quick"}'
    await '[ -e "$spool/a.result.json" ]' || return 0
    first_id=$(jq -r .job_id "$spool/a.result.json")
    drop a '{"type": "quick"}'
    await '[ -e "$spool/a.result.json" ] && ! grep -qs "$first_id" "$spool/a.result.json"' || return 0
    # One behind the other.
    for name in c d e; do drop $name '{"type": "quick"}'; done
    await '[ -e "$spool/c.result.json" ] && [ -e "$spool/d.result.json" ] && [ -e "$spool/e.result.json" ]' || return 0
    drop b '{"type": "slow"}'
    await '[ -e "$spool/b.errors.jsonl" ]' || return 0
    touch "$spool/b.cancel.json"
    await '[ -e "$spool/b.result.json" ]' || return 0
    drop r '{"type": "again"}'
    await '[ -e "$spool/r.result.json" ]' || return 0
    touch "$spool/spool.pause.json"
    drop p '{"type": "quick"}'
    await '[ -e "$spool/p.status.json" ]' || return 0
    grep -qF "$(jq -r .job_id "$spool/p.status.json")" "$yard/starts" && echo "p ran in the pause" >>"$yard/problems"
    rm "$spool/spool.pause.json"
    await '[ -e "$spool/p.result.json" ]' || return 0
    drop often.schedule '{"every_seconds": 1, "request": {"type": "quick"}}'
    await 'ls "$spool"/often-*.result.json >/dev/null 2>&1' || return 0
    rm "$spool/often.schedule.json"
    await '[ ! -e "$spool/often.schedule.status.json" ]' || return 0
    drop f '{"type": "left"}'
    await '[ -e "$spool/f.errors.jsonl" ]' || return 0
    stop
    # The next one takes it up, and does whatever there was left to do.
    serve
    await '[ -e "$spool/f.result.json" ]' || return 0
    await 'jq -e ".daemon.state == \"running\" and .running == 0 and .pending == 0" "$spool/spool.status.json" >/dev/null 2>&1' ||
        return 0
    stop
    turns=0
    while [ -n "$(processes)" ] && [ $turns -lt 200 ]; do turns=$((turns + 1)); sleep 0.01; done
    for pid in $(processes); do
        echo "left over: process $pid $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)" >>"$yard/problems"
    done
}

# What is wrong with the outcome, a line each.
check() {
    cat "$yard/problems" 2>/dev/null || :
    for place in attempts tmp archiving aside scheduled; do find "$spool/.jobspool/$place" -mindepth 1 2>/dev/null; done |
        sed 's/^/left over: /'
    find "$spool" -maxdepth 1 '(' -name '*.cancel.json' -o -name '.*.part' ')' | sed 's/^/left over: /'
    # A family of files each, in the spool and in the archive.
    for result in "$spool"/*.result.json "$spool"/archive/*/*/*/*/*.result.json; do
        family=${result%.result.json}
        jq -c -n --slurpfile result "$result" --slurpfile status "$family.status.json" --slurpfile log "$family.log.jsonl" \
            --slurpfile errors "$family.errors.jsonl" '{result: $result[0], status: $status[0], log: $log, errors: $errors}'
    done >"$yard/runs" 2>"$yard/torn"
    cat "$yard/torn"
    jq -r -n --slurpfile runs "$yard/runs" --slurpfile events "$spool/spool.events.jsonl" --rawfile starts "$yard/starts" \
        --arg role "$1" -f "$here/kill-points.jq" 2>&1
}

began=$(date +%s)
points=0 well=0 bad=0
# Every STRIDE-th point of a role, until a life passes undisturbed.
all_points() {
    n=$first
    while :; do
        if [ -n "${SECONDS_LIMIT:-}" ] && [ $(($(date +%s) - began)) -ge "$SECONDS_LIMIT" ]; then
            printf '\n%s: the time is over before point %s\n' "$1" "$n"
            return
        fi
        yard=$work/$1-$n
        live "$1" "$n"
        end_all
        killed=$(sed -n 's/^killed //p' "$yard/report" 2>/dev/null || :)
        problems=$(check "$1") || problems="$problems
the check does not work"
        if [ -n "$problems" ]; then
            bad=$((bad + 1))
            printf '\n%s %s %s: NOT WELL\n%s\n%s\n' "$1" "$n" "$killed" "$problems" "$(tail -n 5 "$yard/log")"
            [ -z "${KEEP:-}" ] || cp -a "$yard" "$KEEP-$1-$n"
        fi
        rm -rf "$yard/spool"
        if [ -z "$killed" ]; then
            printf '\n%s: a life has %s\n' "$1" "$(cat "$yard/report")"
            return
        fi
        points=$((points + 1))
        [ -n "$problems" ] || well=$((well + 1))
        [ -n "$problems" ] || printf '%s %s %s ok%s' "$1" "$n" "$killed" "$([ $((points % 5)) = 0 ] && printf ';\n.' || echo '; ')"
        n=$((n + stride))
    done
}
case $role in
    all) all_points daemon; all_points supervisor ;;
    daemon | supervisor) all_points "$role" ;;
    *) echo "usage: Tests/kill-points.sh [daemon|supervisor|all] [STRIDE [FIRST]]" >&2; exit 64 ;;
esac
echo "kill points: $points tried, $well well, $bad not ($(($(date +%s) - began)) s)"
[ $bad = 0 ]
