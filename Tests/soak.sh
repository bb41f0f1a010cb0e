#!/bin/sh
# Hours of mixed work for two daemons, to see what grows: builds the release daemon and lets soak.py work with it.
# Usage: sh Tests/soak.sh [MINUTES]    (60 unless it says otherwise)
# JOBSPOOL_SOAK_PROGRAM is a jobspool that is built already. The exit status is 0 when nothing grew and no job was lost.
set -eu
umask 022
cd "$(dirname "$0")/.."
command -v swift >/dev/null 2>&1 || PATH=$PATH:/opt/swift/usr/bin
program=${JOBSPOOL_SOAK_PROGRAM:-}
if [ -z "$program" ]; then
    sh samples/install.sh /usr/include/inotifytools/inotifytools.h:libinotifytools0-dev /usr/include/sqlite3.h:libsqlite3-dev \
        python3 flock:util-linux
    swift build -c release --static-swift-stdlib --product jobspool
    program=$(swift build -c release --static-swift-stdlib --show-bin-path)/jobspool
fi
exec nice -n 19 python3 -B Tests/soak.py "$program" "${1:-60}"
