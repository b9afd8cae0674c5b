#!/bin/bash
# The test suite of the ipset project, run with the stock tool and with ours: upstream.sh OUR-PROGRAM [DIRECTORY]
#
# Every file of the suite runs in a network namespace of its own, beside the others, because it mostly sleeps. What counts is
# each command that the stock tool passes and ours does not; what both fail, the kernel or this machine lacks.
# The suite is fetched from Debian into DIRECTORY and is never a part of this project.
set -eu

version=7.17
archive=ipset_$version.orig.tar.bz2
checksum=be49c9ff489dd6610cad6541e743c3384eac96e9f24707da7b3929d8f2ac64d8
# The second keeps what the first no longer has.
places="https://deb.debian.org/debian/pool/main/i/ipset
https://snapshot.debian.org/archive/debian/20250520T000000Z/pool/main/i/ipset"
# How many files of the suite run at the same time.
beside=${UPSTREAM_JOBS:-12}

fail() { printf 'upstream.sh: %s\n' "$*" >&2; exit 2; }

# One file of the suite, in the current directory, a copy of the tests: `STATUS COMMAND` a line, `# WHAT` before it, `skip COMMAND`
# where the rest needs something.
one_file() { # TOOL FILE
    tool=$1 what= number=0
    export LC_ALL=C IPSET_BIN=$tool PATH="$PWD/../bin:$PATH"
    ip link set lo up
    ip link add eth0 type dummy 2>/dev/null && ip addr add dev eth0 10.255.255.0/24 && ip link set eth0 up
    # The tests read what the tool said from this file.
    ipset() { "$tool" "$@" 2>.foo.err; }
    while read -r wanted command; do
        case $wanted in
            '#') what=$command; [ "$what" != eof ] || break; continue ;;
            skip) eval "$command" >/dev/null 2>&1 || break; continue ;;
            '') continue ;;
        esac
        number=$((number + 1)) got=0
        eval "$command" </dev/null >.output 2>&1 || got=$?
        verdict=FAILED
        [ "$got" != "$wanted" ] || verdict=passed
        printf '%s\t%s\t%s: %s (wanted %s, got %s)\n' "$number" "$verdict" "$what" "$command" "$wanted" "$got"
        if [ $verdict = FAILED ]; then head -n 20 .output .foo.err 2>/dev/null | sed 's/^/\t/'; fi
    done <"$2"
}

# A copy of the suite for one tool and one file, and its result.
sandbox() { # WHO TOOL FILE
    where=$directory/run/$1/$3
    rm -rf "$where" && mkdir -p "$where/bin" "$where/src"
    cp -r "$suite" "$where/tests" && chmod +x "$where"/tests/*.sh "$where"/tests/check_*
    ln -s "$2" "$where/bin/ipset" && ln -s "$2" "$where/src/ipset"
    (cd "$where/tests" && $private "$self" --one-file "$2" "$3") >"$directory/run/$1/$3.result" 2>/dev/null || true
    rm -rf "$where"
}

count() { grep -c "	$1	" "$2" || true; }

# The commands that the stock tool passes and ours does not.
lost() { # FILE
    awk -F '\t' 'NR == FNR { if ($2 == "passed") passed[$1]; next } /^[0-9]/ { shown = $1 in passed && $2 == "FAILED" } shown' \
        "$directory/run/stock/$1.result" "$directory/run/ours/$1.result"
}

if [ "${1:-}" = --one-file ]; then
    one_file "$2" "$3"
    exit
fi
self=$(realpath "$0")
[ $# -ge 1 ] || fail "usage: upstream.sh OUR-PROGRAM [DIRECTORY]"
ours=$(realpath "$1")
directory=$(realpath -m "${2:-${CARGO_TARGET_DIR:-target}/upstream}")
suite=$directory/ipset-$version/tests
stock=$(PATH="$PATH:/usr/sbin:/sbin" command -v ipset) || fail "there is no ipset"
private="unshare -n"
[ "$(id -u)" -eq 0 ] || private="unshare -Urn"
$private true || fail "this host does not allow network namespaces"
export self directory suite private

mkdir -p "$directory"
if ! [ -d "$suite" ]; then
    for place in $places; do
        curl --fail --silent --show-error --location --output "$directory/$archive" "$place/$archive" && break
    done
    printf '%s  %s\n' "$checksum" "$directory/$archive" | sha256sum --check --quiet || fail "$archive is not what it was"
    tar -C "$directory" -xjf "$directory/$archive" "ipset-$version/tests"
fi

# The files that the suite itself runs where it finds no packet generator.
files=$(cd "$suite" && for file in *.t; do case $file in match_* | iptree*) ;; *) printf '%s\n' "$file" ;; esac done)
rm -rf "$directory/run"
export -f sandbox
for file in $files; do
    printf '%s\0' "sandbox stock '$stock' '$file'" "sandbox ours '$ours' '$file'"
done | xargs -0 -P "$beside" -I{} bash -c '{}'

# A machine with much to do can be late for a timeout: what is lost is tried again, alone.
for file in $files; do
    if [ -n "$(lost "$file")" ]; then
        sandbox stock "$stock" "$file"
        sandbox ours "$ours" "$file"
    fi
done

printf '%-20s %9s %9s %9s\n' file commands stock ours
all=0 all_stock=0 all_ours=0
for file in $files; do
    results="$directory/run/stock/$file.result $directory/run/ours/$file.result"
    # shellcheck disable=SC2086 # two names without blanks
    set -- $results
    passed=$(count passed "$1") commands=$((passed + $(count FAILED "$1"))) own=$(count passed "$2")
    printf '%-20s %9s %9s %9s\n' "$file" "$commands" "$passed" "$own"
    all=$((all + commands)) all_stock=$((all_stock + passed)) all_ours=$((all_ours + own))
done
printf '%-20s %9s %9s %9s\n' all "$all" "$all_stock" "$all_ours"
[ "$all_stock" -gt 0 ] || fail "the stock tool passes nothing here"

status=0
for file in $files; do
    missing=$(lost "$file")
    if [ -n "$missing" ]; then
        status=1
        printf '\n%s: the stock tool passes, ours does not\n%s\n' "$file" "$missing"
    fi
done
[ $status -ne 0 ] || printf '\nours passes whatever the stock tool passes\n'
exit $status
