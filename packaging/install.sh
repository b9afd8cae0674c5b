#!/bin/sh
# Copies Rampart's programs and files where they belong. Enables and starts nothing; the README says what to do next.
set -eu

usage() {
    cat <<'TEXT'
usage: packaging/install.sh [--log collector|rsyslog|rsyslog-imklog] [--scan timer|cron] [--system debian|ubuntu|fedora]
       packaging/install.sh --package --system debian|fedora

  --log      who writes /ram/iptables.log:
               collector       log-collector, from NFLOG (default, but for a host whose rsyslog has done it so far)
               rsyslog         rsyslog's imkmsg, from the kernel's log
               rsyslog-imklog  rsyslog's imklog, from the kernel's log: NOT safe where others than root run programs,
                               any of them can have any address banned
  --scan     what runs log-scanner: systemd timers, not enabled (default), or cron, which starts by itself
  --system   whose conventions to follow; by default those of this host
  --package  what a package holds: whatever is the same for every --log and --scan in its place, and in
             /usr/share/rampart what these choose from, this script among it
  --choose   from there, on a host that has the package: only what --log and --scan choose, into /etc
  --unchoose what --choose has put there away again; what was edited since is kept as NAME.dpkg-old

environment:
  DESTDIR    put everything below this directory instead of /
  BINARIES   where the built programs are (default: target/release)
  MANUAL     where `cargo run -p rampart -- DIRECTORY` wrote the manual's pages (default: target/manual); without
             them there are no pages and no completions

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

log= scan=timer system= part=all
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --package | --choose | --unchoose) part=${1#--}; shift; continue ;;
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
case $scan in timer | cron) ;; *) fail "--scan is timer or cron, not $scan" ;; esac
[ -n "$system" ] || [ "$part" = unchoose ] || system=$(system_of_this_host)
case $part:$system in unchoose:* | *:debian | *:ubuntu | *:fedora) ;; *) fail "--system is debian, ubuntu or fedora, not $system" ;; esac

here=$(cd "$(dirname "$0")" && pwd)
root=${DESTDIR:-}
binaries=${BINARIES:-$here/../target/release}
manual=${MANUAL:-$here/../target/manual}
units=/usr/lib/systemd/system
# What is the administrator's choice lies where he puts things; a package owns the rest.
case $part in choose | unchoose) dropins=/etc/systemd/system tmpfiles_d=/etc/tmpfiles.d ;; *) dropins=$units tmpfiles_d=/usr/lib/tmpfiles.d ;; esac

as_before=
if [ -z "$log" ]; then
    log=collector
    if [ -e "$root/etc/rsyslog.d/10-iptables.conf" ]; then
        log=rsyslog as_before=1
        [ ! -e "$root/etc/rsyslog.d/08-rampart-imklog.conf" ] || log=rsyslog-imklog
    fi
fi
case $log in collector | rsyslog | rsyslog-imklog) ;; *) fail "--log is collector, rsyslog or rsyslog-imklog, not $log" ;; esac

# Where files go for another host only the system tells: Fedora's and RHEL's rsyslog is built without imkmsg.
has_imkmsg() {
    if [ -n "$root" ]; then [ "$system" != fedora ]
    else [ -n "$(find /usr/lib /usr/lib64 -path '*/rsyslog/imkmsg.so' 2>/dev/null)" ]
    fi
}
[ "$log" != rsyslog ] || has_imkmsg ||
    fail "this system's rsyslog has no imkmsg, without which any user of the host can write lines that count: use --log collector, or, where nobody but root runs programs, --log rsyslog-imklog"

programs='firewall-apply log-scanner'
if [ "$part" = package ] || [ "$log" = collector ]; then programs="$programs log-collector"; fi
case $part in choose | unchoose) programs= ;; esac
for program in $programs; do
    [ -x "$binaries/$program" ] || fail "$binaries/$program is not there: run cargo build --release first"
done

copy() { # FILE PATH MODE: what is not meant to be edited
    install -D -m "$3" "$1" "$root$2"
    echo "$2"
}

configure() { # FILE PATH: what the administrator may have edited
    if [ -e "$root$2" ] && ! cmp -s "$1" "$root$2"; then
        install -D -m 0644 "$1" "$root$2.rpmnew"
        echo "$2.rpmnew  (yours is kept)"
        todo "compare $2 with $2.rpmnew, take over what is new, remove the latter"
    else
        rm -f "$root$2.rpmnew"
        copy "$1" "$2" 0644
    fi
}

there() { [ -e "$root$1" ]; }

todo() {
    steps="$steps
  - $*"
}

remove() { # WHY PATH...: left from another choice
    why=$1 left=
    shift
    for path in "$@"; do ! there "$path" || left="$left $path"; done
    [ -z "$left" ] || todo "$why: rm$left"
}
steps=
[ -z "$as_before" ] ||
    todo "rsyslog goes on writing the log, as before; --log collector is the better choice, README says why"

unit() { for name in "$@"; do copy "$here/systemd/$name" "$units/$name" 0644; done; }

# The rules log to whom the log is written by.
firewall_for() { # LOG: the configuration to install for it
    [ "$1" = collector ] || { echo "$here/rampart/firewall.toml"; return; }
    sed 's/^# target = "LOG".*/target = "NFLOG"            # read by log-collector; "LOG" is for rsyslog/' \
        "$here/rampart/firewall.toml" >"$nflog"
    grep -q '^target = "NFLOG"' "$nflog" || fail "rampart/firewall.toml has no line for the target"
    echo "$nflog"
}
nflog=$(mktemp)
trap 'rm -f "$nflog"' EXIT

# What --log and --scan choose from, and where each goes.
choices="rsyslog/05-rampart-imkmsg.conf /etc/rsyslog.d/05-rampart-imkmsg.conf
rsyslog/05-rampart-imklog.conf /etc/rsyslog.d/05-rampart-imklog.conf
rsyslog/08-rampart-imklog.conf /etc/rsyslog.d/08-rampart-imklog.conf
rsyslog/10-iptables.conf /etc/rsyslog.d/10-iptables.conf
systemd/rsyslog.service.d/rampart.conf $dropins/rsyslog.service.d/rampart.conf
apparmor/rampart /etc/apparmor.d/rsyslog.d/rampart
tmpfiles.d/rampart-ubuntu.conf $tmpfiles_d/rampart.conf
rampart/logrotate.conf /etc/rampart/logrotate.conf
cron.d/rampart /etc/cron.d/rampart
logrotate/rampart-report /etc/logrotate.d/rampart-report"

choose() { # FILE...
    while read -r file path; do
        case " $* " in *" $file "*) ;; *) continue ;; esac
        case $path in /etc/*) configure "$here/$file" "$path" ;; *) copy "$here/$file" "$path" 0644 ;; esac
    done <<TEXT
$choices
TEXT
}

compress() { # FILE PATH: a page of the manual
    install -d "$root$(dirname "$2")"
    gzip -9nc "$1" >"$root$2.gz"
    chmod 0644 "$root$2.gz"
    echo "$2.gz"
}

manual() {
    [ -d "$manual/man8" ] || return 0
    case $system in fedora) zsh=/usr/share/zsh/site-functions ;; *) zsh=/usr/share/zsh/vendor-completions ;; esac
    for file in "$manual"/man8/* "$manual"/man5/* "$manual"/bash/* "$manual"/zsh/* "$manual"/fish/*; do
        name=${file##*/}
        case $file in
            */man8/*) compress "$file" "/usr/share/man/man8/$name" ;;
            */man5/*) compress "$file" "/usr/share/man/man5/$name" ;;
            */bash/*) copy "$file" "/usr/share/bash-completion/completions/$name" 0644 ;;
            */zsh/*) copy "$file" "$zsh/$name" 0644 ;;
            */fish/*) copy "$file" "/usr/share/fish/vendor_completions.d/$name" 0644 ;;
        esac
    done
}

# What is the same for every choice.
same() {
    for program in $programs; do copy "$binaries/$program" "/usr/sbin/$program" 0755; done
    copy "$here/rampart-setup" /usr/sbin/rampart-setup 0755
    unit ram.mount rampart-firewall.service rampart-rollback.service rampart-rollback.path
    unit rampart-metrics.service rampart-metrics.timer
    for file in rampart-alerts.yml rampart-dashboard.json; do
        copy "$here/metrics/$file" "/usr/share/rampart/metrics/$file" 0644
    done
    copy "$here/systemd/80-rampart.preset" "${units%system}system-preset/80-rampart.preset" 0644
    configure "$here/sysctl.d/60-rampart.conf" /etc/sysctl.d/60-rampart.conf
    copy "$here/modules-load.d/rampart.conf" /usr/lib/modules-load.d/rampart.conf 0644
    configure "$here/rampart/scan.toml" /etc/rampart/scan.toml
    manual
}

collector_units='rampart-collector.service'
logrotate_units='rampart-logrotate.service rampart-logrotate.timer'
scan_units='rampart-scan.service rampart-scan.timer rampart-scan.path rampart-live.service'

if [ "$part" = package ]; then
    same
    # shellcheck disable=SC2086 # lists of names
    unit $collector_units $logrotate_units $scan_units
    configure "$(firewall_for collector)" /etc/rampart/firewall.toml
    copy "$here/tmpfiles.d/rampart.conf" /usr/lib/tmpfiles.d/rampart.conf 0644
    copy "$here/install.sh" /usr/share/rampart/install.sh 0755
    while read -r file _; do copy "$here/$file" "/usr/share/rampart/$file" 0644; done <<TEXT
$choices
TEXT
    exit 0
fi

if [ "$part" = unchoose ]; then
    while read -r file path; do
        there "$path" || continue
        rm -f "$root$path.rpmnew"
        if cmp -s "$here/$file" "$root$path"; then rm -f "$root$path"; else mv -f "$root$path" "$root$path.dpkg-old"; fi
        echo "$path"
        # A directory that is there for this alone.
        case $path in
            */rsyslog.service.d/*) rmdir "$root${path%/*}" 2>/dev/null || : ;;
            # imklog was put away for imkmsg alone.
            *-imkmsg.conf) sed -i -E 's/^#(module\(load="imklog"|\$ModLoad imklog)/\1/' "$root/etc/rsyslog.conf" || : ;;
        esac
    done <<TEXT
$choices
TEXT
    exit 0
fi

if [ "$part" = all ]; then
    same
    firewall=$(firewall_for "$log")
    # A file that is ours as it was for the other choice was not edited.
    if [ "$log" = collector ]; then other=$(firewall_for rsyslog); else other=$(firewall_for collector); fi
    ! cmp -s "$other" "$root/etc/rampart/firewall.toml" || install -m 0644 "$firewall" "$root/etc/rampart/firewall.toml"
    configure "$firewall" /etc/rampart/firewall.toml
    logs_to_nflog() { grep -Eq '^ *target *= *"NFLOG"' "$root/etc/rampart/firewall.toml"; }
    if [ "$log" = collector ]; then
        logs_to_nflog || todo 'write target = "NFLOG" under [log] in /etc/rampart/firewall.toml, then: firewall-apply'
    elif logs_to_nflog; then
        todo 'write target = "LOG" under [log] in /etc/rampart/firewall.toml, then: firewall-apply'
    fi
else
    # The package has the units.
    unit() { :; }
fi

# Only Ubuntu's rsyslog writes as a user of its own.
if [ "$system" = ubuntu ] && [ "$log" != collector ]; then choose tmpfiles.d/rampart-ubuntu.conf
elif [ "$part" = all ]; then copy "$here/tmpfiles.d/rampart.conf" "$tmpfiles_d/rampart.conf" 0644
else rm -f "$root$tmpfiles_d/rampart.conf"
fi

case $log in
    collector)
        unit $collector_units
        remove "rsyslog no longer writes the log" /etc/rsyslog.d/05-rampart-imkmsg.conf /etc/rsyslog.d/05-rampart-imklog.conf \
            /etc/rsyslog.d/08-rampart-imklog.conf /etc/rsyslog.d/10-iptables.conf /etc/rampart/logrotate.conf \
            "$dropins/rsyslog.service.d/rampart.conf"
        [ "$part" = choose ] || ! there "$units/rampart-logrotate.timer" ||
            todo "log-collector rotates by itself: systemctl disable --now rampart-logrotate.timer; rm $units/rampart-logrotate.*"
        ;;
    rsyslog)
        choose rsyslog/05-rampart-imkmsg.conf rsyslog/10-iptables.conf systemd/rsyslog.service.d/rampart.conf
        remove "imkmsg takes its place" /etc/rsyslog.d/05-rampart-imklog.conf /etc/rsyslog.d/08-rampart-imklog.conf
        if [ "$part" = all ] && grep -Eqs '^(module\(load="imklog"|\$ModLoad imklog)' "$root/etc/rsyslog.conf"; then
            todo "rsyslog takes imkmsg only where imklog is not loaded:
      sed -i -E 's/^(module\(load=\"imklog\"|\\\$ModLoad imklog)/#\1/' /etc/rsyslog.conf"
        fi
        ;;
    rsyslog-imklog)
        [ "$system" != fedora ] || choose rsyslog/05-rampart-imklog.conf
        choose rsyslog/08-rampart-imklog.conf rsyslog/10-iptables.conf
        remove "imklog is not loaded beside it" /etc/rsyslog.d/05-rampart-imkmsg.conf
        todo "WARNING: any user of this host who can run a program can have any address banned (--log collector is safe)"
        if grep -Eqs '^\$RepeatedMsgReduction +on' "$root/etc/rsyslog.conf"; then
            todo "equal lines are summed up: they count, but late; to switch it off: 08-rampart-imklog.conf says how"
        fi
        ;;
esac
if [ "$log" != collector ]; then
    [ "$system" != ubuntu ] || choose apparmor/rampart
    choose rampart/logrotate.conf
    unit $logrotate_units
    [ "$part" = choose ] || ! there "$units/rampart-collector.service" ||
        todo "rsyslog writes the log: systemctl disable --now rampart-collector; rm $units/rampart-collector.service"
fi
remove "logrotate's daily run is no longer to cut the log" /etc/logrotate.d/rampart

case $scan in
    timer) unit $scan_units ;;
    cron) choose cron.d/rampart logrotate/rampart-report ;;
esac

[ -z "$steps" ] || printf '\nTo do:%s\n' "$steps"
