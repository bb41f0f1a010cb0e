#!/bin/sh
# The quick start as a newcomer meets it: in a fresh clone of what is committed, under umask 002, twice, and once more
# beside a daemon that serves the spool already. It says what went wrong, and exits with 1 then.
set -eu
umask 002
exec </dev/null
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
daemon=''
trap '[ -z "$daemon" ] || kill "$daemon"; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
fail() { echo "Tests/quickstart.sh: $1" >&2; exit 1; }

git clone -q . "$scratch/clone"
cd "$scratch/clone"
mkdir "$scratch/tmp"
for run in first second; do
    TMPDIR=$scratch/tmp sh samples/quickstart.sh || fail "the $run quick start ended with $?"
    [ "$(jq -r .outcome spool/iso-codes.result.json spool/sources.result.json)" = "success
success" ] || fail "a job of the $run quick start was no success"
    [ "$(jq -r .daemon.state spool/spool.status.json)" = stopped ] || fail "the $run quick start left its daemon running"
    [ -z "$(find "$scratch/tmp" -name "jobspool.*")" ] || fail "the $run quick start left temporary files behind"
    [ -z "$(git status --porcelain)" ] || fail "the $run quick start changed the clone"
done
[ "$(find spool/archive -name iso-codes.result.json | wc -l)" = 1 ] || fail "the first run's files are not in the archive"

.build/release/jobspool serve spool 2>/dev/null &
daemon=$!
until [ "$(jq -r .daemon.pid spool/spool.status.json)" = "$daemon" ]; do sleep 0.1; done
if sh samples/quickstart.sh >/dev/null 2>&1; then fail "a quick start beside a running daemon should say no"; fi
kill -0 "$daemon" || fail "a quick start stopped a daemon that was not its own"
echo "The quick start works: in a fresh clone, twice, and not beside another daemon"
