#!/bin/sh
# Install what Cemaphore needs from the distribution: PostgreSQL with TimescaleDB, Python's venv, and for tests a
# browser, a font with Chinese, Prometheus and Alertmanager.
#
#   system.sh [--tests]          install what is missing (as root, or through sudo where it asks no password)
#   system.sh [--tests] --check  install nothing; exit 1 when something is missing
#
# Exit codes: 0 there, 1 missing (--check), 4 cannot be installed here: the text says what to do.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/lib.sh"

tests=no
check=no
for argument in "$@"; do
    case $argument in
        --tests) tests=yes ;;
        --check) check=yes ;;
        *) refuse "system.sh knows --tests and --check, not $argument." ;;
    esac
done

needs_database() {
    [ -z "${CEMAPHORE_DATABASE_URL:-}" ] || return 1
    if [ "${CEMAPHORE_ALLOW_PLAIN_POSTGRESQL:-}" = true ]; then [ -z "$(newest_server)" ]; else [ -z "$(extended_server)" ]; fi
}

missing_programs() {
    [ "$tests" = yes ] || return 0
    command -v chromium >/dev/null || echo chromium
    command -v prometheus >/dev/null || echo prometheus
    command -v prometheus-alertmanager >/dev/null || echo prometheus-alertmanager
    ls /usr/share/fonts/opentype/noto/NotoSansCJK-*.ttc >/dev/null 2>&1 || echo fonts-noto-cjk
}

missing_venv() {
    "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

if ! needs_database && [ -z "$(missing_programs)$(missing_venv)" ]; then
    exit 0
fi
[ "$check" = no ] || exit 1

target=setup-system
[ "$tests" = no ] || target=setup-system-tests
if [ "$(id -u)" != 0 ]; then
    if sudo -n true 2>/dev/null; then
        exec sudo -n --preserve-env=CEMAPHORE_DATABASE_URL,CEMAPHORE_ALLOW_PLAIN_POSTGRESQL "$0" "$@"
    fi
    refuse "System packages are missing and this user may not install them. Run: sudo make $target
Without such rights: start deploy/compose.yaml, or set CEMAPHORE_DATABASE_URL to an existing TimescaleDB."
fi
command -v apt-get >/dev/null || refuse "This machine has no apt-get. Install PostgreSQL 15 or later with TimescaleDB by its own \
means (PostgreSQL alone does after CEMAPHORE_ALLOW_PLAIN_POSTGRESQL=true), or start deploy/compose.yaml."

refresh_lists
# shellcheck disable=SC2046 # one package per word
install_packages $(missing_programs) $(missing_venv)
if needs_database; then
    "$here/timescaledb.sh"
fi
say "System packages are there."
