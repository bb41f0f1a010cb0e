#!/bin/sh
# Measures the built-in handlers beside what somebody would use instead, in runs that take turns, and prints a table of medians
# and their ratios. What it needs is installed first (Debian, as root or with sudo), if it is missing.
# Usage: sh Tests/figures.sh [documents] [records] [memory] [search]   (default: all of them)
# RUNS (7): how often each is run. RECORDS (1000000): the larger of the two sources for `memory`.
# HANDLERS: a directory with the built handlers; without it they are built (release, --static-swift-stdlib).
set -eu
umask 022
exec </dev/null
cd "$(dirname "$0")/.."

command -v swift >/dev/null 2>&1 || PATH=$PATH:/opt/swift/usr/bin
sh samples/install.sh /usr/include/inotifytools/inotifytools.h:libinotifytools0-dev /usr/include/sqlite3.h:libsqlite3-dev \
    sqlite3 /usr/share/ieee-data/oui.csv:ieee-data rsync python3 pip:python3-pip \
    /usr/share/doc/python3.11/html/index.html:python3.11-doc
data=$(sh Tests/data.sh)
if [ -z "${HANDLERS:-}" ]; then
    for product in jobspool-documents jobspool-records jobspool-library; do
        swift build -c release --static-swift-stdlib --product $product >&2
    done
    HANDLERS=$(swift build -c release --static-swift-stdlib --show-bin-path)
fi
exec python3 Tests/figures/handlers.py "$HANDLERS" "$data" "$@"
