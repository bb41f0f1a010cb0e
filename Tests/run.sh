#!/bin/sh
# Builds everything and runs all tests. What they need is installed first (Debian, as root or with sudo), if it is missing.
# Usage: sh Tests/run.sh [ARGUMENT FOR swift test ...], such as --filter SamplesTests
# With CI set, warnings are errors and the layout of the sources is checked too. The exit status is that of the tests.
set -eu
umask 022
exec </dev/null
cd "$(dirname "$0")/.."

command -v swift >/dev/null 2>&1 || PATH=$PATH:/opt/swift/usr/bin
command -v swift >/dev/null 2>&1 || { echo "There is no swift: install Swift 6.3 and put it on the PATH" >&2; exit 69; }
sh samples/install.sh git jq rsync python3 pip:python3-pip gcc /usr/include/stdio.h:libc6-dev php:php-cli ps:procps \
    setpriv:util-linux openssl sqlite3 rclone vdirsyncer \
    /usr/include/inotifytools/inotifytools.h:libinotifytools0-dev /usr/include/sqlite3.h:libsqlite3-dev \
    /usr/share/ieee-data/oui.csv:ieee-data /usr/share/iso-codes/json:iso-codes \
    /usr/share/doc/python3.11/html/index.html:python3.11-doc \
    /usr/share/zoneinfo/Europe/Berlin:tzdata /etc/ssl/certs/ca-certificates.crt:ca-certificates

swift build --build-tests

# Tests that lack their data say so themselves.
sh Tests/data.sh || echo "The test data could not be fetched: the tests that need it will fail" >&2

layout=0
if [ -n "${CI:-}" ]; then
    swift format lint --strict --recursive Sources Tests Package.swift || layout=$?
    [ $layout = 0 ] || echo "swift format lint: the layout is not right (see above); swift format -i settles it" >&2
fi

if [ $# -gt 0 ]; then
    swift test --skip-build --disable-xctest "$@"
    exit $layout
fi

# One target after another: all at once, the tests that wait for processes leave no thread to those that have a time limit. Beside them those
# of the whole, which mostly wait and are one at a time themselves.
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
trap 'exit 130' INT TERM
bundle=$(swift build --show-bin-path)/jobspoolPackageTests.xctest
passed=0 failed=0 skipped=0 result=0
run() {
    NO_COLOR=1 "$bundle" --testing-library swift-testing --filter "^$1\\." --xunit-output "$reports/$1.xml" 2>&1 || echo $? >"$reports/$1.status"
}
# <testsuite ... tests="28" failures="1" ...>; a target that crashed has no report.
count() { sed -n "s/.*<testsuite .*[[:space:]]$2=\"\([0-9]*\)\".*/\1/p" "$reports/$1.xml" 2>/dev/null | head -n 1; }
add() {
    status=$(cat "$reports/$1.status" 2>/dev/null || echo 0)
    tests=$(count "$1" tests) failures=$(count "$1" failures) left_out=$(count "$1" skipped)
    tests=${tests:-0} failures=${failures:-0} left_out=${left_out:-0}
    if [ "$status" != 0 ]; then
        # What failed is told once more at the end; a crash is told by its last lines.
        {
            echo "$1: not all is well (exit status $status)"
            grep -E '^✘|Fatal error|Crash' "$reports/$1.txt" || tail -n 20 "$reports/$1.txt"
        } >>"$reports/failed.txt"
        result=1
        # Issues are counted, and a test may have several; a crash has none.
        [ "$failures" -gt 0 ] || failures=1
        [ "$tests" -ge "$failures" ] || tests=$failures
    fi
    passed=$((passed + tests - failures)) failed=$((failed + failures)) skipped=$((skipped + left_out))
}
whole=EndToEndTests
run $whole >"$reports/$whole.txt" &
beside=$!
trap 'kill $beside 2>/dev/null; exit 130' INT TERM
for directory in Tests/*Tests; do
    target=${directory##*/}
    [ "$target" != $whole ] || continue
    run "$target" | tee "$reports/$target.txt"
    add "$target"
done
wait $beside || :
cat "$reports/$whole.txt"
add $whole
if [ "$skipped" != 0 ]; then
    # How many of which suite, and why.
    awk -F '[<>"]' '/<testcase / { suite = $3 } /<skipped/ { print suite ": skipped: " ($3 == "" ? "no reason is given" : $3) }' \
        "$reports"/*.xml | sort | uniq -c >&2
fi
[ "$result" = 0 ] || cat "$reports/failed.txt" >&2
echo "$passed passed, $failed failed, $skipped skipped"
[ "$result" = 0 ] || exit 1
exit "$layout"
