#!/bin/sh
# A tour in one command: installs what is missing (Debian, as root or with sudo), builds, serves spool/, runs two jobs on
# real input, and stops the daemon. The jobs' files stay in spool/ to be looked at; everything else is removed.
set -eu
umask 022
unset JOBSPOOL_DIR # The commands are to use ./spool.
cd "$(dirname "$0")/.."

bold='' plain=''
if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
say() { printf '\n# %s\n' "$*"; }
show() { printf '%s$ %s%s\n' "$bold" "$1" "$plain"; }
run() { show "$1"; eval "$1"; }
fail() { printf '\nquickstart: %s\n' "$1" >&2; exit "${2:-1}"; }

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
run "sh samples/install.sh /usr/include/inotifytools/inotifytools.h:libinotifytools0-dev git jq \\
    /usr/share/iso-codes/json:iso-codes /etc/ssl/certs/ca-certificates.crt:ca-certificates"
# Definitions that somebody else could have written are refused, as sshd refuses keys.
run "chmod go-w samples samples/types samples/types/* samples/handlers samples/handlers/*"

say "Build (the first time takes some minutes)"
run "swift build -c release --static-swift-stdlib --product jobspool </dev/null"
run "swift build -c release --static-swift-stdlib --product jobspool-documents </dev/null"
run "PATH=\$PWD/.build/release:\$PATH"

say "The job types, and a daemon that serves spool/"
if [ -e spool/.jobspool ] && jobspool status >/dev/null 2>&1; then
    jobspool status >&2 || :
    fail "a daemon serves spool/ already, which is left alone: stop it, or drop requests for it yourself" 69
fi
run "jobspool types --types samples/types"
scratch=$(mktemp -d)
show "jobspool serve spool --types samples/types &"
jobspool serve spool --types samples/types 2>"$scratch/daemon.log" </dev/null &
daemon=$!
until [ "$(jq -r .daemon.pid spool/spool.status.json 2>/dev/null)" = "$daemon" ]; do
    kill -0 "$daemon" 2>/dev/null || { wait "$daemon" || status=$?; cat "$scratch/daemon.log" >&2; fail "the daemon ended" "${status:-1}"; }
    sleep 0.1
done

# Prints the status as often as it changes, until the job is over; `$1` is the job_id of an earlier run of that name.
follow() {
    last=
    while :; do
        now=$(jq -c "$filter" spool/iso-codes.status.json 2>/dev/null || :)
        if [ -n "$now" ] && [ "$now" != "$last" ] && [ "$(jq -r .job_id spool/iso-codes.status.json)" != "$1" ]; then
            echo "$now"
            last=$now
            case $now in *'"pending"'* | *'"running"'*) ;; *) break ;; esac
        fi
        sleep 0.02
    done
}

say "A job is a file: drop it, look at it"
run "jq '.params.target = \"$scratch/iso-codes\"' \\
    samples/requests/iso-codes.json >'$scratch/request.json'"
earlier=$(jq -r .job_id spool/iso-codes.status.json 2>/dev/null || :)
filter='[.status, .progress.percent, .progress.current]'
run "cp '$scratch/request.json' spool/iso-codes.json"
show "jq -c '$filter' spool/iso-codes.status.json"
follow "$earlier"
run "jq '{status, outcome, duration_seconds, counts}' spool/iso-codes.result.json"
[ "$(jq -r .outcome spool/iso-codes.result.json)" = success ] || fail "the job should have been a success: see spool/iso-codes.*"
run "jq -r .message spool/iso-codes.log.jsonl"

say "The same by a command: copy the sources that the build has fetched"
run "jobspool submit --name sources --replace --wait --type documents.sync \\
    --description 'Copy the fetched sources' \\
    --param source=\"\$PWD/.build/checkouts\" --param target='$scratch/sources'"
run "jobspool list"

say "Stop the daemon"
run "kill -TERM $daemon"
wait "$daemon"
daemon=
rm -rf "$scratch"
scratch=
say "The jobs' files are still in spool/: ls spool; jobspool status iso-codes"
