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
sh samples/install.sh /usr/include/inotifytools/inotifytools.h:libinotifytools0-dev git jq rsync python3 pip:python3-pip \
    php:php-cli ps:procps setpriv:util-linux /usr/share/iso-codes/json:iso-codes /etc/ssl/certs/ca-certificates.crt:ca-certificates

swift build --build-tests

# Tests that lack their data say so themselves.
sh Tests/data.sh || echo "The test data could not be fetched: the tests that need it will fail" >&2

layout=0
if [ -n "${CI:-}" ]; then
    swift format lint --strict --recursive Sources Tests Package.swift || layout=$?
    [ $layout = 0 ] || echo "swift format lint: the layout is not right (see above); swift format -i settles it" >&2
fi

swift test --skip-build --disable-xctest "$@"
exit $layout
