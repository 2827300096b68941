#!/bin/sh
# Give this machine a PostgreSQL server with TimescaleDB (Apache-2 edition), as root, from its own distribution only:
# its package where it has one, else a build of the source package of its next release.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/lib.sh"

# The newest PostgreSQL for which the distribution packages TimescaleDB.
packaged_major() {
    apt-cache search --names-only '^postgresql-[0-9]+-timescaledb$' | sed -n 's/^postgresql-\([0-9]*\)-.*/\1/p' | sort -rn | head -n 1
}

# The release whose source package builds here: TimescaleDB 2.19 supports PostgreSQL 14 to 17.
next_release() {
    . /etc/os-release
    case ${VERSION_CODENAME:-} in
        bookworm) echo trixie ;;
    esac
}

# "URI component" of the archive that the machine itself installs from; apt reads both forms of its source files.
own_archive() {
    . /etc/os-release
    apt-get indextargets --format "\$(ORIGIN) \$(CODENAME) \$(COMPONENT) \$(REPO_URI)" 'Created-By: Packages' |
        awk -v release="$VERSION_CODENAME" '$1 == "Debian" && $2 == release && $3 == "main" { print $4, $3; exit }'
}

# Downloads the source package with an apt configuration of its own; apt checks it against the archive's signature.
fetch_source() {
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -e "$keyring" ] && signed="[signed-by=$keyring] " || signed=""
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    echo "deb-src $signed$1 $2 $3" >"$work/sources.list"
    set -- -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Update::Post-Invoke-Success::=true \
        -o APT::Sandbox::User=root
    quietly apt-get "$@" update || refuse "The source index of the next release could not be had from this machine's archive."
    (cd "$work" && quietly apt-get "$@" source --download-only timescaledb) ||
        refuse "The source package timescaledb could not be had from this machine's archive."
    (cd "$work" && quietly dpkg-source --no-check -x timescaledb_*.dsc source)
}

build() {
    config="/usr/lib/postgresql/$1/bin/pg_config"
    quietly cmake -S "$work/source" -B "$work/build" -DAPACHE_ONLY=1 -DREGRESS_CHECKS=OFF -DTAP_CHECKS=OFF \
        -DCMAKE_BUILD_TYPE=Release "-DPG_CONFIG=$config" || refuse "TimescaleDB could not be configured (see above)."
    quietly make -C "$work/build" -j "$(nproc)" install || refuse "TimescaleDB could not be built (see above)."
}

major=$(packaged_major)
if [ -n "$major" ]; then
    install_packages "postgresql-$major" "postgresql-$major-timescaledb"
    exit 0
fi

release=$(next_release)
archive=$(own_archive)
if [ -z "$release" ] || [ -z "$archive" ]; then
    refuse "This distribution packages no TimescaleDB, and no source of it is known to build here. Start deploy/compose.yaml, \
set CEMAPHORE_DATABASE_URL to an existing TimescaleDB, or accept plain PostgreSQL: CEMAPHORE_ALLOW_PLAIN_POSTGRESQL=true."
fi
[ -n "$(newest_server)" ] || install_packages postgresql
major=$(newest_server)
[ -n "$major" ] || refuse "No PostgreSQL $oldest_major or later is installed, and the distribution has none."
install_packages "postgresql-server-dev-$major" libssl-dev libkrb5-dev cmake dpkg-dev gcc make

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
say "building TimescaleDB for PostgreSQL $major from the source package of $release (about a minute)"
# shellcheck disable=SC2086 # URI and component are two words
set -- $archive
fetch_source "$1" "$release" "$2"
build "$major"
[ "$(extended_server)" = "$major" ] || refuse "TimescaleDB was built, but PostgreSQL $major does not have it."
say "TimescaleDB is installed for PostgreSQL $major."
