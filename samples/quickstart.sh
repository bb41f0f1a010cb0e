#!/bin/sh
# A tour in one command: installs what is missing (Debian, as root or with sudo), builds, serves spool/, runs two jobs on
# real input, and stops the daemon. The jobs' files stay in spool/ to be looked at; everything else is removed.
set -eu
umask 022
exec </dev/null
unset JOBSPOOL_DIR # The commands are to use ./spool.
cd "$(dirname "$0")/.."

bold='' plain=''
if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
say() { printf '\n# %s\n' "$*"; }
show() { printf '%s$ %s%s\n' "$bold" "$1" "$plain"; }
fail() { printf '\nquickstart: %s\n' "$1" >&2; exit "${2:-1}"; }
run() { show "$1"; eval "$1" || fail "that command failed; files of jobs are in spool/" $?; }

daemon='' scratch=''
clean_up() {
    status=$?
    trap '' INT TERM HUP
    if [ -n "$daemon" ]; then
        kill -TERM "$daemon" 2>/dev/null || :
        wait "$daemon" || :
        # A job that an interrupted tour leaves unfinished would go on at the daemon's next start: its request is withdrawn.
        for job in iso-codes sources; do
            case $(jobspool status --json "$job" 2>/dev/null | jq -r .status) in
                dropped | pending | running) rm -f "spool/$job.json" ;;
            esac
        done
    fi
    [ -z "$scratch" ] || rm -rf "$scratch"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

say "What it needs"
command -v swift >/dev/null 2>&1 || PATH=$PATH:/opt/swift/usr/bin
command -v swift >/dev/null 2>&1 || fail "there is no swift: install Swift 6.3 and put it on the PATH" 69
run "sh samples/install.sh jq git /usr/share/iso-codes/json:iso-codes \\
    /usr/include/inotifytools/inotifytools.h:libinotifytools0-dev \\
    /etc/ssl/certs/ca-certificates.crt:ca-certificates"
# Definitions that somebody else could have written are refused, as sshd refuses keys.
run "chmod -R go-w samples"

say "Build (the first time takes some minutes)"
run "swift build -c release --static-swift-stdlib --product jobspool"
run "swift build -c release --static-swift-stdlib --product jobspool-documents"
run "PATH=\$PWD/.build/release:\$PATH"

say "The job types, and a daemon that serves spool/"
if [ -e spool/.jobspool ] && jobspool status >/dev/null 2>&1; then
    jobspool status >&2 || :
    fail "a daemon serves spool/ already, which is left alone: stop it, or drop requests for it yourself" 69
fi
run "jobspool types --types samples/types"
scratch=$(mktemp -dt jobspool.XXXXXX)
show "jobspool serve spool --types samples/types &"
jobspool serve spool --types samples/types 2>"$scratch/daemon.log" &
daemon=$!
until [ "$(jq -r .daemon.pid spool/spool.status.json 2>/dev/null)" = "$daemon" ]; do
    kill -0 "$daemon" 2>/dev/null || { wait "$daemon" || status=$?; cat "$scratch/daemon.log" >&2; fail "the daemon ended" "${status:-1}"; }
    sleep 0.1
done

# Prints the job's status as often as it changes, until the job is over; `$2` is the job_id of an earlier run of the name.
follow() {
    last=''
    while :; do
        now=$(jq -c "$filter" "spool/$1.status.json" 2>/dev/null || :)
        if [ -n "$now" ] && [ "$now" != "$last" ] && [ "$(job_id "$1")" != "$2" ]; then
            echo "$now"
            last=$now
            case $now in *'"pending"'* | *'"running"'*) ;; *) break ;; esac
        fi
        sleep 0.05
    done
}
job_id() { jq -r .job_id "spool/$1.status.json" 2>/dev/null || :; }

say "A job is a file: drop a request, and wait for the result"
run "jq '.params.target = \"$scratch/iso-codes\"' \\
    samples/requests/iso-codes.json >'$scratch/request.json'"
run "cp '$scratch/request.json' spool/iso-codes.json"
run "jobspool wait iso-codes >/dev/null"
run "jq -c '[.status, .outcome, .duration_seconds]' spool/iso-codes.result.json"
run "jq -r .message spool/iso-codes.log.jsonl"

say "A longer one, looked at while it runs: the sources that the build fetched"
earlier=$(job_id sources)
filter='[.status, .progress.percent, .message]'
run "jq -n '{type: \"documents.sync\", description: \"Copy the fetched sources\",
    params: {source: \"$PWD/.build/checkouts\",
             target: \"$scratch/sources\"}}' \\
    >spool/sources.json"
show "jq -c '$filter' spool/sources.status.json"
follow sources "$earlier"
run "jq -ce 'select(.outcome == \"success\") | .counts' spool/sources.result.json"

say "Again, by a command this time: what is equal is skipped"
run "jobspool retry sources --wait >/dev/null"
run "jobspool logs sources"
run "jobspool list"

say "Stop the daemon"
run "kill -TERM $daemon"
wait "$daemon"
daemon=
rm -rf "$scratch"
scratch=
say "The jobs' files are still in spool/: ls spool; jobspool status iso-codes"
