#!/bin/bash
# Test programs under other kernels: kernels.sh DIRECTORY PROGRAM[:FILTER]... runs each program, or those of its trials whose
# names contain FILTER, as root and with nothing but what it needs, in a virtual machine with each of Debian's stock kernels, which have every set type as a module.
#
# The kernels are fetched from Debian into DIRECTORY and checked against its package index; nothing of them is a part of this
# project. Needs curl, xz, dpkg-deb, cpio, a static busybox and qemu-system-x86_64; fast with /dev/kvm, slow without.
#
# KERNELS names the Debian releases, oldest first; IPSET_CLI is the program that same_as_ipset tests; KERNELS_WITH names further
# programs that the tests start.
set -eu

releases=${KERNELS:-bullseye bookworm trixie}
mirror=https://deb.debian.org/debian
# Seconds after which a machine is given up.
patience=${KERNELS_PATIENCE:-3600}

fail() { printf 'kernels.sh: %s\n' "$*" >&2; exit 2; }

# The newest kernel for virtual machines in the index of a release: "FILE CHECKSUM".
newest() { # RELEASE
    curl --fail --silent --show-error --location "$mirror/dists/$1/main/binary-amd64/Packages.xz" | xz -dc | awk '
        /^Package: / { wanted = $2 ~ /^linux-image-[0-9].*-cloud-amd64$/ }
        wanted && /^Filename: / { file = $2 }
        wanted && /^SHA256: / { print file, $2 }' | sort -V | tail -n 1
}

# The kernel of a release, unpacked, with the list of what its modules need.
kernel() { # RELEASE
    unpacked=$directory/$1
    if ! [ -e "$unpacked/complete" ]; then
        # shellcheck disable=SC2046 # two words
        set -- "$1" $(newest "$1")
        [ $# -eq 3 ] || fail "no kernel in the index of $1"
        rm -rf "$unpacked" && mkdir -p "$unpacked"
        curl --fail --silent --show-error --location --output "$unpacked.deb" "$mirror/$2"
        printf '%s  %s\n' "$3" "$unpacked.deb" | sha256sum --check --quiet || fail "$2 is not what the index says"
        dpkg-deb -x "$unpacked.deb" "$unpacked" && rm "$unpacked.deb"
        [ -d "$unpacked/lib/modules" ] || ln -s usr/lib "$unpacked/lib"
        find "$unpacked/lib/modules/" -name '*.ko.xz' -exec xz -d {} +
        for modules in "$unpacked"/lib/modules/*; do
            "$busybox" depmod -b "$unpacked" "$(basename "$modules")"
        done
        touch "$unpacked/complete"
    fi
}

# Copies a program to the same place below ROOT, with the libraries it is linked with.
copy() { # ROOT PROGRAM
    { printf '%s\n' "$2"; ldd "$2" 2>/dev/null | grep -o '/[^ ]*' || true; } | while read -r file; do
        mkdir -p "$1$(dirname "$file")"
        [ -e "$1$file" ] || cp -L "$file" "$1$file"
    done
}

# The modules that have to do with what the tests do, and what they need, in the order in which they can be loaded.
modules() { # MODULES-DIRECTORY
    (cd "$1" && awk -F ': *' '
        { needs[$1] = $2 }
        function load(module, list, count, i) {
            if (module in loaded) return
            loaded[module]
            count = split(needs[module], list, " ")
            for (i = 1; i <= count; i++) load(list[i])
            print module
        }
        END { for (module in needs) if (module ~ /\/(ip_set[a-z_]*|xt_set|nfnetlink|nfnetlink_log|dummy|veth)\.ko$/) load(module) }' modules.dep)
}

machine() { # RELEASE
    root=$directory/$1.root
    rm -rf "$root"
    mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,run,modules,tests}
    cp "$busybox" "$root/bin/busybox"
    for file in hosts nsswitch.conf protocols services; do cp "/etc/$file" "$root/etc/"; done
    printf 'root:x:0:0::/:/bin/sh\n' >"$root/etc/passwd"
    copy "$root" "$ipset"
    number=100
    for module in $(modules "$directory/$1"/lib/modules/*); do
        number=$((number + 1))
        cp "$directory/$1"/lib/modules/*/"$module" "$root/modules/$number-$(basename "$module")"
    done
    for program in "${programs[@]}"; do
        filter=
        case $program in *:*) filter=${program#*:} program=${program%%:*} ;; esac
        copy "$root" "$program"
        printf '#!/bin/sh\nexec "%s" --color never "%s"\n' "$program" "$filter" >"$root/tests/$(basename "$program")"
        chmod +x "$root/tests/$(basename "$program")"
    done
    for program in ${KERNELS_WITH:-}; do copy "$root" "$(realpath "$program")"; done
    [ -z "${IPSET_CLI:-}" ] || copy "$root" "$(realpath "$IPSET_CLI")"
    cat >"$root/init" <<INIT
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
export PATH=/bin:/usr/sbin:/sbin:/usr/bin RAMPART_REQUIRE_NAMESPACES=1 RAMPART_REQUIRE_TOOLS=1 RUST_BACKTRACE=0
export ${IPSET_CLI:+IPSET_CLI=$(realpath "$IPSET_CLI")} ${IPSET_CLI_SEEDS:+IPSET_CLI_SEEDS=$IPSET_CLI_SEEDS} TMPDIR=/tmp
for module in /modules/*; do insmod "\$module"; done
ip link set lo up
failed=0
for test in /tests/*; do
    echo "\$(uname -r): \$(basename "\$test")"
    "\$test" || failed=1
done
echo "kernels.sh: status \$failed"
poweroff -f
INIT
    chmod +x "$root/init"
    (cd "$root" && find . | cpio --quiet -o -H newc) >"$directory/$1.initramfs"
    rm -rf "$root"
    # The accelerator that works is used.
    timeout "$patience" qemu-system-x86_64 -accel ${KERNELS_ACCELERATOR:-tcg} -smp 2 -m 2048 -nographic -no-reboot -net none \
        -kernel "$(echo "$directory/$1"/boot/vmlinuz-*)" -initrd "$directory/$1.initramfs" \
        -append "console=ttyS0 quiet panic=-1 oops=panic" </dev/null | sed -u 's,\r,,g' | tee "$directory/$1.log"
    rm -f "$directory/$1.initramfs"
    grep -q '^kernels.sh: status 0$' "$directory/$1.log"
}

[ $# -ge 2 ] || fail "usage: kernels.sh DIRECTORY PROGRAM[:FILTER]..."
directory=$(realpath -m "$1")
shift
programs=()
for program in "$@"; do programs+=("$(realpath "${program%%:*}")${program#"${program%%:*}"}"); done
export PATH="$PATH:/usr/sbin:/sbin"
for tool in curl xz dpkg-deb cpio busybox qemu-system-x86_64 ipset; do
    command -v "$tool" >/dev/null || fail "$tool is not installed"
done
busybox=$(command -v busybox)
ipset=$(command -v ipset)
ldd "$busybox" >/dev/null 2>&1 && fail "busybox is not static: install busybox-static"
mkdir -p "$directory"

status=0
for release in $releases; do
    printf '\n== %s\n' "$release"
    kernel "$release"
    machine "$release" || { status=1; printf 'kernels.sh: failed under the kernel of %s\n' "$release"; }
done
exit $status
