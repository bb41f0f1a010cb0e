#!/bin/sh
# Runs tests under the address and the thread sanitizer, each in a build directory of its own (.build-asan, .build-tsan), and lets the
# sanitized daemon work for a minute. What they report makes it fail.
# Usage: sh Tests/sanitize.sh [address|thread|both] [TARGET ...]
# TARGET: a directory of tests, or `daemon`; the daemon and the libraries' tests unless it says otherwise.
set -eu
umask 022
exec </dev/null
cd "$(dirname "$0")/.."
command -v swift >/dev/null 2>&1 || PATH=$PATH:/opt/swift/usr/bin
sh samples/install.sh /usr/include/inotifytools/inotifytools.h:libinotifytools0-dev /usr/include/sqlite3.h:libsqlite3-dev \
    python3 flock:util-linux
command -v clang >/dev/null 2>&1 || PATH=$(dirname "$(command -v swift)"):$PATH

kinds=${1:-both}
[ $# = 0 ] || shift
[ "$kinds" != both ] || kinds="address thread"
[ $# -gt 0 ] || set -- daemon JSONTextTests SpoolProtocolTests SpoolStorageTests SpoolWatcherTests JobRunnerTests SpoolClientTests JobHandlerTests FuzzTests

place=$(mktemp -d)
reports=$place/reports
# Some tests are other users.
chmod 755 "$place"
mkdir "$reports"
chmod 1777 "$reports"
trap 'rm -rf "$place"' EXIT
result=0
for kind in $kinds; do
    scratch=.build-$(echo "$kind" | cut -c1)san
    build="--sanitize=$kind --scratch-path $scratch ${JOBSPOOL_SANITIZE_OPTIONS:-}"
    # What the kernel gives at a thread's end is no leak of the program's; Swift's runtime keeps what it has loaded.
    export ASAN_OPTIONS="detect_leaks=0:log_path=$reports/$kind" TSAN_OPTIONS="log_path=$reports/$kind:die_after_fork=0"
    preload=
    if [ "$kind" = thread ]; then
        clang -shared -fPIC -O2 -Wall -Wextra -o "$place/mutex.so" Tests/Sanitize/mutex.c
        preload=$place/mutex.so
    fi
    hasTests=
    for target; do
        if [ "$target" = daemon ]; then
            swift build $build --product jobspool
            LD_PRELOAD=$preload python3 -B Tests/soak.py "$(swift build $build --show-bin-path)/jobspool" "${JOBSPOOL_SANITIZE_MINUTES:-1}" --no-growth || result=1
        else
            [ -n "$hasTests" ] || swift build $build --build-tests
            hasTests=1
            # One test at a time: slowed down as they are, all together run out of their time limits.
            LD_PRELOAD=$preload swift test --skip-build --disable-xctest --no-parallel $build --filter "^$target\\." || { echo "$kind: $target failed" >&2; result=1; }
        fi
    done
done
for report in "$reports"/*; do
    [ -e "$report" ] || continue
    cat "$report" >&2
    result=1
done
[ "$result" = 0 ] && echo "The sanitizers have nothing to report"
exit "$result"
