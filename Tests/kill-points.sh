#!/bin/sh
# Kills the daemon (SIGKILL) right before each call that changes files, in a whole job's life: drop, accept, run with progress, checkpoint,
# log and error lines, result, archive by another run, jobs one behind the other, cancel, stop. The next daemon goes on, and what came of it is checked. Likewise for
# the supervisors of attempts. Between two such calls nothing changes on the disk, so that these are all kill points there are.
#
# Usage: Tests/kill-points.sh [daemon|supervisor|all|probe] [STRIDE [FIRST]]   every STRIDE-th point from FIRST on (1 1: all of them)
#   probe only finds out whether processes may be traced here
#   JOBSPOOL  the program (default: the release build, which is built first)
#   SECONDS_LIMIT  begins no more points after so many seconds
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
work=$(mktemp -d /tmp/jobspool-kills-XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
${cc:-cc} -O1 -o "$work/kill-at" "$here/kill-at.c"
status=0
"$work/kill-at" daemon 0 "$work/report" /bin/true || status=$?
if [ $status != 0 ]; then
    echo "kill points: SKIPPED, nothing is shown: ptrace(2) is not permitted here" >&2
    exit 77
fi
[ "$role" != probe ] || exit 0
# shellcheck disable=SC2016
handler='exec 9>>"$YARD/lock"; flock -n 9 || echo "$JOBSPOOL_JOB_ID" >>"$YARD/twice"
echo "$JOBSPOOL_JOB_ID" >>"$YARD/starts"
echo "{\"type\":\"log\",\"level\":\"info\",\"message\":\"one\"}"
echo "{\"type\":\"progress\",\"current\":1,\"total\":2}"
echo "{\"type\":\"checkpoint\",\"value\":\"half\"}"
echo "{\"type\":\"error\",\"item\":\"x\",\"code\":\"BAD\",\"message\":\"\"}"
sleep "$SPAN" 9>&-
echo "{\"type\":\"log\",\"level\":\"info\",\"message\":\"two\"}"
echo "{\"type\":\"result\",\"value\":42}"'

serve() {
    "$JOBSPOOL" serve "$yard/spool" --types "$yard/types" --log-level warning 2>>"$yard/log" &
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
    echo "{\"type\": \"$2\"}" >"$yard/spool/.$1.part"
    mv "$yard/spool/.$1.part" "$yard/spool/$1.json"
}

stop() {
    pid=$(jq -r .pid "$yard/spool/.jobspool/lock" 2>/dev/null || echo)
    [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null || :
    wait "$server" 2>/dev/null || :
}

# One life in $yard, with the N-th call of a role deadly.
live() {
    mkdir -p "$yard/spool" "$yard/types"
    for type in quick:0.06 slow:30; do
        jq -n --arg handler "$handler" --arg yard "$yard" --arg span "${type#*:}" '{command: ["/bin/sh", "-c", $handler],
            grace_seconds: 2, environment: {YARD: $yard, SPAN: $span, PATH: "/usr/bin:/bin"}}' >"$yard/types/${type%:*}.json"
    done
    "$work/kill-at" "$1" "$2" "$yard/report" "$JOBSPOOL" serve "$yard/spool" --types "$yard/types" --log-level warning \
        2>>"$yard/log" &
    server=$!
    spool=$yard/spool
    drop a quick
    await '[ -e "$spool/a.result.json" ]' || return 0
    first_id=$(jq -r .job_id "$spool/a.result.json")
    drop a quick
    await '[ -e "$spool/a.result.json" ] && ! grep -qs "$first_id" "$spool/a.result.json"' || return 0
    # One behind the other.
    for name in c d e; do drop $name quick; done
    await '[ -e "$spool/c.result.json" ] && [ -e "$spool/d.result.json" ] && [ -e "$spool/e.result.json" ]' || return 0
    drop b slow
    await '[ -e "$spool/b.errors.jsonl" ]' || return 0
    touch "$spool/b.cancel.json"
    await '[ -e "$spool/b.result.json" ]' || return 0
    stop
    # Whatever it had left to do is done by the next one.
    serve
    await 'jq -e ".daemon.state == \"running\" and .running == 0 and .pending == 0" "$spool/spool.status.json" >/dev/null 2>&1' ||
        return 0
    stop
}

# What is wrong with the outcome, a line each.
check() {
    cat "$yard/problems" "$yard/twice" 2>/dev/null || :
    find "$spool/.jobspool/attempts" "$spool/.jobspool/tmp" "$spool/.jobspool/archiving" -mindepth 1 2>/dev/null |
        sed 's/^/left over: /'
    find "$spool" -maxdepth 1 -name '*.cancel.json' | sed 's/^/left over: /'
    for name in a b c d e; do
        for file in status result; do jq -e . "$spool/$name.$file.json" >/dev/null 2>&1 || echo "$name.$file.json is torn"; done
    done
    set -- "$spool"/archive/*/*/*/a~*
    [ $# = 1 ] && [ -e "$1/a.result.json" ] || { echo "the archive has $*"; return; }
    cat "$spool/c.result.json" "$spool/d.result.json" "$spool/e.result.json" >"$yard/others"
    jq -r -n --slurpfile others "$yard/others" --slurpfile events "$spool/spool.events.jsonl" --slurpfile old "$1/a.result.json" --slurpfile oldLog "$1/a.log.jsonl" \
        --slurpfile a "$spool/a.result.json" --slurpfile status "$spool/a.status.json" --slurpfile log "$spool/a.log.jsonl" \
        --slurpfile b "$spool/b.result.json" --rawfile starts "$yard/starts" --arg role "$role_now" '
        def said(log): [log[] | select(.source == "handler" and .attempt == (log | last).attempt) | .message];
        ($starts | split("\n")[:-1]) as $runs
        | (if ([$events[].sequence] == [range(1; ($events | length) + 1)]) then empty else "the feed has gaps" end),
        ([$old[0], $a[0], $others[]][] | if .status == "completed" and .outcome == "partial" and .result == 42 and .errors_total >= 1
            then empty else "a result is \(.status) \(.outcome) \(.result) \(.errors_total)" end),
        (if $b[0].status == "cancelled" then empty else "b is \($b[0].status)" end),
        (if $status[0].job_id == $a[0].job_id and $status[0].status == "completed" then empty else "the status is another one" end),
        (if said($oldLog) == ["one", "two"] and said($log) == ["one", "two"] then empty else "a log is not whole" end),
        ([$old[0], $a[0], $b[0], $others[]][] | .job_id as $id
            | (if [$events[] | select(.job_id == $id)] | last.status == ({completed: "completed", cancelled: "cancelled"} | to_entries
                | map(.value) | if $id == $b[0].job_id then .[1] else .[0] end) then empty else "the feed does not tell the end of \($id)" end),
            ([$runs[] | select(. == $id)] | length
                | if . == 1 or (. > 1 and $role == "supervisor") then empty else "\($id) ran \(.) times" end))
    ' 2>&1
}

began=$(date +%s)
points=0 bad=0
# Every STRIDE-th point of a role, until a life passes undisturbed.
all_points() {
    role_now=$1 n=$first shown=0
    while :; do
        if [ -n "${SECONDS_LIMIT:-}" ] && [ $(($(date +%s) - began)) -ge "$SECONDS_LIMIT" ]; then
            printf '\n%s: the time is over before point %s\n' "$1" "$n"
            return
        fi
        yard=$work/yard
        rm -rf "$yard"
        live "$1" "$n"
        killed=$(sed -n 's/^killed //p' "$yard/report" 2>/dev/null || :)
        problems=$(check)
        if [ -n "$problems" ]; then
            bad=$((bad + 1))
            printf '\n%s %s %s: NOT WELL\n%s\n%s\n' "$1" "$n" "$killed" "$problems" "$(tail -n 5 "$yard/log")"
            [ -z "${KEEP:-}" ] || cp -a "$yard" "$KEEP-$1-$n"
        fi
        if [ -z "$killed" ]; then
            printf '\n%s: a life has %s\n' "$1" "$(cat "$yard/report")"
            return
        fi
        points=$((points + 1))
        [ -n "$problems" ] || printf '%s %s %s ok%s' "$1" "$n" "$killed" "$([ $((points % 5)) = 0 ] && printf ';\n.' || echo '; ')"
        n=$((n + stride))
    done
}
case $role in
    all) all_points daemon; all_points supervisor ;;
    daemon | supervisor) all_points "$role" ;;
    *) echo "usage: Tests/kill-points.sh [daemon|supervisor|all] [STRIDE [FIRST]]" >&2; exit 64 ;;
esac
echo "kill points: $points tried, $((points - bad)) well, $bad not ($(($(date +%s) - began)) s)"
[ $bad = 0 ]
