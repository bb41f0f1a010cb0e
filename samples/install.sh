#!/bin/sh
# Installs Debian packages, those alone of which something is missing; as root, or with sudo. Without anything missing it does nothing.
# Usage: samples/install.sh [COMMAND:|/PATH:]PACKAGE ...
#   jq               the command jq, from the package of that name
#   php:php-cli      the command php, from php-cli
#   /a/file:package  that file
set -eu
missing=
for need in "$@"; do
    package=${need#*:} what=${need%%:*}
    case $what in
        /*) [ -e "$what" ] || missing="$missing $package" ;;
        *) command -v "$what" >/dev/null 2>&1 || missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then as_root=sudo; fi
if ! command -v apt-get >/dev/null 2>&1 || ! command -v ${as_root:-env} >/dev/null 2>&1; then
    echo "These packages are missing, and installing them needs root on Debian. Please install:$missing" >&2
    exit 69
fi
echo "Installing:$missing" >&2
# Only the lists may be old: they are fetched anew when the packages are not to be had as they are.
install() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing </dev/null >&2
}
install 2>/dev/null || { $as_root apt-get update -qq </dev/null >&2 && install; }
