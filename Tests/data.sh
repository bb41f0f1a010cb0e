#!/bin/sh
# Fetches the real data that tests are judged by, once, and prints the directory it is in:
# the sources of Django 4.2 and 4.2.16 from PyPI (6,693 and 6,725 files).
# Usage: Tests/data.sh [DIRECTORY]   (default: $JOBSPOOL_TEST_DATA, or jobspool-test-data in the temporary directory)
set -eu
umask 022
data=${1:-${JOBSPOOL_TEST_DATA:-${TMPDIR:-/tmp}/jobspool-test-data}}
mkdir -p "$data"
for version in 4.2 4.2.16; do
    [ -d "$data/Django-$version" ] && continue
    work=$(mktemp -d "$data/.fetch-XXXXXX")
    trap 'rm -rf "$work"' EXIT INT TERM
    pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$work" "Django==$version" >&2
    tar -xzf "$work"/*.tar.gz -C "$work"
    # Into place in one step: an interrupted run leaves nothing that looks complete.
    mv "$work/Django-$version" "$data/" 2>/dev/null || [ -d "$data/Django-$version" ]
    rm -rf "$work"
done
echo "$data"
