# Shared by the set-up scripts: messages, apt without surprises, and which PostgreSQL servers there are.

oldest_major=15

say() {
    printf 'setup: %s\n' "$*"
}

refuse() {
    printf 'setup: %s\n' "$*" >&2
    exit 4
}

# Majors of installed servers, newest first.
servers() {
    for postgres in /usr/lib/postgresql/*/bin/postgres; do
        [ -x "$postgres" ] || continue
        major=${postgres#/usr/lib/postgresql/}
        major=${major%%/*}
        [ "$major" -ge "$oldest_major" ] 2>/dev/null && echo "$major"
    done | sort -rn
}

newest_server() {
    servers | head -n 1
}

# The newest installed server that has TimescaleDB.
extended_server() {
    for major in $(servers); do
        if [ -e "/usr/share/postgresql/$major/extension/timescaledb.control" ]; then
            echo "$major"
            return
        fi
    done
}

quietly() {
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        tail -n 25 "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

refresh_lists() {
    say "refreshing package lists"
    quietly apt-get update || refuse "apt-get update failed (its words are above): mend the machine's package sources or network."
}

# Installs those of the named packages that are missing; leaves installed ones at their version, and starts no service:
# a private server is wanted, and servers that tests start themselves.
install_packages() {
    [ $# -gt 0 ] || return 0
    say "installing $*"
    keep_services_down
    DEBIAN_FRONTEND=noninteractive quietly apt-get install --yes --no-upgrade --no-install-recommends "$@" ||
        refuse "apt-get could not install: $* (its words are above)."
    leave_services
}

cluster_rule=/etc/postgresql-common/createcluster.d/cemaphore-setup.conf
service_rule=/usr/sbin/policy-rc.d

keep_services_down() {
    trap leave_services EXIT
    trap 'exit 130' INT TERM
    mkdir -p "$(dirname "$cluster_rule")"
    echo "create_main_cluster = false" >"$cluster_rule"
    if [ ! -e "$service_rule" ]; then
        printf '#!/bin/sh\n# cemaphore-setup\nexit 101\n' >"$service_rule"
        chmod 755 "$service_rule"
    fi
}

leave_services() {
    rm -f "$cluster_rule"
    if grep -q cemaphore-setup "$service_rule" 2>/dev/null; then
        rm -f "$service_rule"
    fi
}
