#!/bin/sh
# Measures jobspool beside task-spooler, nq, filespooler, beanstalkd, an inotifywait loop, dirq and huey, and beside C programs that
# do the least that such a queue can do (Tests/Bench/limit.c): absolute figures and ratios, in one run, in turns. What is missing is
# installed (Debian, PyPI), or left out, with a line that says so. Ratios count: absolute figures are those of this machine now.
# Usage: sh Tests/bench.sh [--readme] [MEASURE ...]
#   MEASURE             latency backlog commands finished idle memory logs burst; all of them if none is named
#   --readme            put the figures into README.md
#   JOBSPOOL=FILE       measure this binary instead of a release build of this package
#   BENCH_QUICK=1       everything small: whether it works, not how fast
#   BENCH_SYSTEMS="nq"  only these alternatives; "none": jobspool and the limit alone
#   BENCH_ROUNDS=200 BENCH_BACKLOG=10000 BENCH_COMMANDS=100 ...   the sizes; each stands in the file of its measure
#   TMPDIR              where everything is written, and removed again: the file system that is measured
set -eu
umask 022
exec </dev/null
cd "$(dirname "$0")/.."

place=$(mktemp -d "${TMPDIR:-/tmp}/jobspool-bench-XXXXXX")
trap 'rm -rf "$place"' EXIT
trap 'exit 143' INT TERM
mkdir "$place/tools" "$place/python" "$place/yard"

sh samples/install.sh python3 gcc /usr/include/stdio.h:libc6-dev
if [ "${BENCH_SYSTEMS:-}" != none ]; then
    for need in tsp:task-spooler nq fspl:filespooler beanstalkd inotifywait:inotify-tools; do
        sh samples/install.sh "$need" || echo "$need could not be installed" >&2
    done
    sh samples/install.sh pip:python3-pip && python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
        --target "$place/python" dirq huey >&2 || echo "dirq and huey could not be fetched" >&2
fi
if [ -z "${JOBSPOOL:-}" ]; then
    command -v swift >/dev/null 2>&1 || PATH=$PATH:/opt/swift/usr/bin
    swift build -c release --static-swift-stdlib --product jobspool >&2
    JOBSPOOL=$(swift build -c release --static-swift-stdlib --show-bin-path)/jobspool
fi
for source in Tests/Bench/*.c; do
    name=${source##*/}
    gcc -O2 -Wall -Wextra -o "$place/tools/${name%.c}" "$source"
done
# What it starts ends with it, also when it is interrupted.
PYTHONPATH=$place/python python3 -B Tests/Bench/bench.py "$place/tools" "$JOBSPOOL" "$place/yard" "$@" &
bench=$!
trap 'kill "$bench" 2>/dev/null; wait "$bench"; exit 143' INT TERM
wait "$bench"
