#!/bin/sh
# Makes Debian root file systems for whole-system tests: system.sh DIRECTORY prints the path of each, one a line.
#
# SYSTEMS names the Debian releases, oldest first. They are fetched from Debian by debootstrap, which checks their signatures, and
# stay in DIRECTORY; nothing of them is a part of this project. Needs root.
set -eu

[ $# -eq 1 ] || { echo "usage: system.sh DIRECTORY" >&2; exit 2; }
directory=$(realpath -m "$1")
packages=systemd,systemd-sysv,dbus,rsyslog,logrotate,cron,kmod,procps,util-linux,iproute2,iptables,ipset,libmnl0,libnftnl11
mkdir -p "$directory"
for release in ${SYSTEMS:-bookworm trixie}; do
    root=$directory/$release
    if ! [ -e "$root.complete" ]; then
        rm -rf "$root"
        debootstrap --variant=minbase --include="$packages" "$release" "$root" https://deb.debian.org/debian >"$root.log" 2>&1 ||
            { tail -n 5 "$root.log" >&2; exit 1; }
        # Packages stay outside; what a first boot would ask is answered.
        rm -rf "$root"/var/cache/apt/archives/*.deb
        echo rampart >"$root/etc/hostname"
        echo LANG=C.UTF-8 >"$root/etc/locale.conf"
        echo uninitialized >"$root/etc/machine-id"
        touch "$root.complete"
    fi
    echo "$root"
done
