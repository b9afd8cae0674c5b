#!/bin/sh
# The rules of tests/kernel/golden.rs as the stock iptables makes them. In an empty network namespace that has
# `ipset create SET4 hash:ip` and `ipset create SET6 hash:ip family inet6`:
#
#     sh rules.sh iptables  SET4 192.0.2.0/25 192.0.0.0/8 icmp
#     sh rules.sh ip6tables SET6 2001:db8::/32 fe80::/10 ipv6-icmp
#
# UPDATE_GOLDEN=1 cargo test -p iptables-ruleset --test kernel golden
# does this and writes what iptables-save then prints (v4.save, v6.save) and the kernel's list of the rules, expression by
# expression, attributes as number:hex (v4.txt, v6.txt). The files here are of iptables 1.8.9 (nf_tables).
set -e
I=$1; S=$2; N=$3; W=$4; P=$5
if [ "$P" = icmp ]; then TYPE="-m icmp --icmp-type" ECHO=8 CODE=3/4; else TYPE="-m icmp6 --icmpv6-type" ECHO=128 CODE=1/4; fi
$I -N GOLDEN
$I -N OTHER
g() { $I -A GOLDEN "$@"; }
g -i lo -j ACCEPT
g -i eth+ -o wg0 -j ACCEPT
g ! -i eth0 ! -o eth+ -p udp -j ACCEPT
g -s $N -j ACCEPT
g ! -s $N -d $W -i eth0 -j ACCEPT
g -d $W -p $P -j RETURN
g ! -p tcp -j DROP
g -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m comment --comment "ssh in" -j OTHER
g -p tcp -m tcp --sport 1000 --dport 22 -j ACCEPT
g -p tcp -m tcp --dport 1000:2000 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
g -p tcp -m tcp ! --sport 1:1023 ! --dport 80 -j ACCEPT
g -p udp -m udp --sport 53 -j ACCEPT
g -p udp -m udp ! --sport 53 --dport 1024:65535 -j ACCEPT
g -p tcp -m multiport --dports 80,443,8000:8100 -j ACCEPT
g -p udp -m multiport --sports 67,68 -j ACCEPT
g -p sctp -m multiport --ports 1:2,3:4,5:6,7:8,9:10,11:12,13:14,15 -j ACCEPT
g -p $P $TYPE $ECHO -m limit --limit 1/sec -j ACCEPT
g -p $P $TYPE $CODE -j ACCEPT
g -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
g -m conntrack ! --ctstate INVALID,UNTRACKED -j ACCEPT
g -m set --match-set $S src -j DROP
g -m set ! --match-set $S src,dst -j RETURN
g -m set --match-set $S src --return-nomatch ! --update-counters ! --update-subcounters -j DROP
g -m set --match-set $S src --packets-gt 10 ! --bytes-eq 0 -j DROP
g -m set --match-set $S src --packets-lt 4294967296 --bytes-eq 60 -j DROP
g -m mark --mark 0x1 -j ACCEPT
g -m mark --mark 0x10/0xf0 -j ACCEPT
g -m limit --limit 60/min --limit-burst 10 -j ACCEPT
g -m limit --limit 7/hour -j ACCEPT
g -m hashlimit --hashlimit-upto 10/min --hashlimit-mode srcip --hashlimit-htable-expire 30000 --hashlimit-name upto -j ACCEPT
g -m hashlimit --hashlimit-above 60/min --hashlimit-burst 50 --hashlimit-mode srcip --hashlimit-htable-expire 50000 --hashlimit-name above -j ACCEPT
g -m hashlimit --hashlimit-above 1/hour --hashlimit-mode srcip --hashlimit-htable-expire 18000000 --hashlimit-name slow -j ACCEPT
g -m hashlimit --hashlimit-upto 1/min --hashlimit-mode srcip --hashlimit-srcmask 16 --hashlimit-htable-size 1024 --hashlimit-htable-max 65536 --hashlimit-htable-expire 300000 --hashlimit-name wide -j ACCEPT
g -m hashlimit --hashlimit-above 1000/sec --hashlimit-burst 1000 --hashlimit-htable-size 1 --hashlimit-htable-max 1 --hashlimit-name all -j ACCEPT
g -p tcp -m tcp --dport 22 ! --syn -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT
g -p tcp -m multiport --dports 22,23 -m tcp --syn -j ACCEPT
g -p tcp -m tcp --dport 22 --syn -m connlimit --connlimit-above 20 --connlimit-mask 24 -j DROP
g -m connlimit --connlimit-upto 3 --connlimit-daddr -j ACCEPT
g -m addrtype --dst-type UNICAST,MULTICAST -j DROP
g -m addrtype ! --src-type LOCAL --limit-iface-in -j ACCEPT
if [ "$P" = icmp ]; then A=192.0.2.1-192.0.2.9 B=10.0.0.0-10.255.255.255; else A=2001:db8::1-2001:db8::9 B=fe80::-fe80::ffff; fi
g -m socket -j RETURN
g -m socket --nowildcard -j RETURN
g -m iprange --src-range $A -m iprange ! --src-range $B -j ACCEPT
g -m time --timestart 08:00 --timestop 17:59:59 --weekdays Mon,Fri -j ACCEPT
g -m time --timestart 22:00 --timestop 05:59:59 --weekdays Sun --contiguous -j ACCEPT
g -m time --datestart 2026-01-01 --datestop 2026-12-01T17:00:00 --monthdays 1,31 --kerneltz -j ACCEPT
g -m time -j ACCEPT
g -j LOG
g -j LOG --log-prefix "IPTABLES-BLOCKED: " --log-level info --log-tcp-options --log-ip-options --log-uid --log-tcp-sequence
g -j NFLOG
g -j NFLOG --nflog-group 5 --nflog-prefix BLK --nflog-threshold 10
g -j NFLOG --nflog-group 65535 --nflog-prefix "a b: " --nflog-size 128
g -p tcp -j REJECT --reject-with tcp-reset
if [ "$P" = icmp ]; then U=icmp-port-unreachable H=icmp-host-unreachable A=icmp-admin-prohibited; else U=icmp6-port-unreachable H=icmp6-addr-unreachable A=icmp6-adm-prohibited; fi
g -j REJECT --reject-with $U
g -j REJECT --reject-with $H
g -j REJECT --reject-with $A
g -j SET --add-set $S src
g -j SET --add-set $S src,dst --exist --timeout 600
g -j SET --add-set $S src --timeout 0
g -j SET --del-set $S dst
