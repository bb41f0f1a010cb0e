#!/bin/sh
# Fetches the real data that tests are judged by, once, and prints the directory it is in; all from PyPI:
#   Django-4.2, Django-4.2.16          the sources of Django (6,693 and 6,725 files)
#   airportsdata-20241001, -20250622   airports.csv (28,232 and 28,224 rows)
#   vega_datasets-0.9.0                airports.csv (3,376 rows)
#   holidays-0.40, holidays-0.108      iCalendar files of 20 countries (3,340 and 2,745 events)
#   tap-rest-api-0.2.22                a Singer tap, with what it needs
# Usage: Tests/data.sh [DIRECTORY]   (default: $JOBSPOOL_TEST_DATA, or jobspool-test-data in the temporary directory)
set -eu
umask 022
tests=$(cd "$(dirname "$0")" && pwd)
data=${1:-${JOBSPOOL_TEST_DATA:-${TMPDIR:-/tmp}/jobspool-test-data}}
mkdir -p "$data"
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT INT TERM

download() { pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "$@" >&2; }

# Runs a function that makes $work/$1, unless $data/$1 is there already. It is moved into place in one step: an interrupted
# run leaves nothing that looks complete.
make() {
    [ -d "$data/$1" ] && return
    work=$(mktemp -d "$data/.fetch-XXXXXX")
    "$2" "${1%-*}" "${1##*-}"
    mv "$work/$1" "$data/" 2>/dev/null || [ -d "$data/$1" ]
    rm -rf "$work"
    work=
}

sources() {
    download --no-binary :all: "$1==$2"
    tar -xzf "$work"/*.tar.gz -C "$work"
}

# airports.csv, wherever in the package it is.
airports() {
    download "$1==$2"
    mkdir "$work/$1-$2"
    python3 -m zipfile -e "$work"/*.whl "$work/package"
    find "$work/package" -name airports.csv -exec mv {} "$work/$1-$2/" \;
}

calendars() {
    pip install --quiet --disable-pip-version-check --no-compile --root-user-action ignore --target "$work/modules" \
        "$1==$2" 'python-dateutil<3' >&2
    python3 "$tests/holidays_calendar.py" "$work/modules" "$work/$1-$2"
}

modules() {
    pip install --quiet --disable-pip-version-check --no-compile --root-user-action ignore --target "$work/$1-$2" "$1==$2" >&2
}

make Django-4.2 sources
make Django-4.2.16 sources
make airportsdata-20241001 airports
make airportsdata-20250622 airports
make vega_datasets-0.9.0 airports
make holidays-0.40 calendars
make holidays-0.108 calendars
make tap-rest-api-0.2.22 modules
echo "$data"
