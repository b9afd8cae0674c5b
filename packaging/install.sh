#!/bin/sh
# Copies Rampart's programs and files where they belong. Enables and starts nothing; the README says what to do next.
set -eu

usage() {
    cat <<'TEXT'
usage: packaging/install.sh [--log rsyslog|collector] [--scan timer|cron] [--system debian|ubuntu|fedora]

  --log      who writes /ram/iptables.log: rsyslog from the kernel's log (default), or log-collector from NFLOG
  --scan     what runs log-scanner: systemd timers, not enabled (default), or cron, which starts by itself
  --system   whose conventions to follow; by default those of this host

environment:
  DESTDIR    put everything below this directory instead of /
  BINARIES   where the built programs are (default: target/release)

A file in /etc that exists and differs is kept; the new one is put beside it as NAME.rpmnew, which cron,
logrotate, rsyslog and systemd all pass over.
TEXT
}

fail() { printf 'install.sh: %s\n' "$*" >&2; exit 2; }

system_of_this_host() {
    ids=$(. /etc/os-release 2>/dev/null && printf ' %s %s ' "${ID:-}" "${ID_LIKE:-}") || ids=
    case $ids in
        *' ubuntu '*) echo ubuntu ;;
        *' debian '*) echo debian ;;
        *' fedora '* | *' rhel '*) echo fedora ;;
        *) fail "cannot tell what system this is: say --system debian, ubuntu or fedora" ;;
    esac
}

log=rsyslog scan=timer system=
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --log | --scan | --system) [ $# -ge 2 ] || fail "$1 needs a value" ;;
        *) usage >&2; fail "unknown argument: $1" ;;
    esac
    case $1 in
        --log) log=$2 ;;
        --scan) scan=$2 ;;
        --system) system=$2 ;;
    esac
    shift 2
done
case $log in rsyslog | collector) ;; *) fail "--log is rsyslog or collector, not $log" ;; esac
case $scan in timer | cron) ;; *) fail "--scan is timer or cron, not $scan" ;; esac
[ -n "$system" ] || system=$(system_of_this_host)
case $system in debian | ubuntu | fedora) ;; *) fail "--system is debian, ubuntu or fedora, not $system" ;; esac

here=$(cd "$(dirname "$0")" && pwd)
root=${DESTDIR:-}
binaries=${BINARIES:-$here/../target/release}
units=/usr/lib/systemd/system

programs='firewall-apply log-scanner'
[ "$log" = rsyslog ] || programs="$programs log-collector"
for program in $programs; do
    [ -x "$binaries/$program" ] || fail "$binaries/$program is not there: run cargo build --release first"
done

copy() { # FILE PATH MODE: what is not meant to be edited
    install -D -m "$3" "$1" "$root$2"
    echo "$2"
}

configure() { # FILE PATH: what the administrator may have edited
    if [ -e "$root$2" ] && ! cmp -s "$here/$1" "$root$2"; then
        install -D -m 0644 "$here/$1" "$root$2.rpmnew"
        echo "$2.rpmnew  (yours is kept)"
    else
        rm -f "$root$2.rpmnew"
        copy "$here/$1" "$2" 0644
    fi
}

unit() { for name in "$@"; do copy "$here/systemd/$name" "$units/$name" 0644; done; }

for program in $programs; do copy "$binaries/$program" "/usr/sbin/$program" 0755; done
configure rampart/firewall.toml /etc/rampart/firewall.toml
unit ram.mount rampart-firewall.service
configure sysctl.d/60-rampart.conf /etc/sysctl.d/60-rampart.conf

# Only Ubuntu's rsyslog writes as a user of its own.
if [ "$system" = ubuntu ] && [ "$log" = rsyslog ]; then tmpfiles=rampart-ubuntu.conf; else tmpfiles=rampart.conf; fi
copy "$here/tmpfiles.d/$tmpfiles" /usr/lib/tmpfiles.d/rampart.conf 0644

case $log in
    rsyslog)
        [ "$system" != fedora ] || configure rsyslog/05-rampart-imklog.conf /etc/rsyslog.d/05-rampart-imklog.conf
        [ "$system" != ubuntu ] || configure apparmor/rampart /etc/apparmor.d/rsyslog.d/rampart
        configure rsyslog/10-iptables.conf /etc/rsyslog.d/10-iptables.conf
        configure logrotate/rampart /etc/logrotate.d/rampart
        unit rampart-logrotate.service rampart-logrotate.timer
        ;;
    collector) unit rampart-collector.service ;;
esac

configure rampart/scan.toml /etc/rampart/scan.toml
case $scan in
    timer) unit rampart-scan.service rampart-scan.timer ;;
    cron) configure cron.d/rampart /etc/cron.d/rampart ;;
esac
