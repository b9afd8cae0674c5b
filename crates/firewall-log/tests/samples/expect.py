#!/usr/bin/env python3
"""Writes above each line of a log what is in it, as JSON; the tests compare that with what the library reads.

    ./expect.py < lines > kernel.log       takes lines, with or without earlier expectations; also those of rsyslog

It is an oracle of its own: it knows no grammar. It cuts the quoted packet out of its brackets, takes the rest for a
bag of words of which the first KEY= wins, and looks up what it wants. That is enough for lines the kernel wrote, and
wrong for forged ones, which is what the library's parser is for.
"""
import ipaddress
import json
import re
import sys

FLAGS = "AE CWR ECE URG ACK PSH RST SYN FIN".split()


def bag(words):
    values = {}
    for word in words:
        key, equals, value = word.partition("=")
        if equals:
            values.setdefault(key, value)
    return values


def number(values, key):
    return int(values[key]) if key in values else None


def address(text):
    parsed = ipaddress.ip_address(text)
    mapped = getattr(parsed, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(parsed)


def packet(text):
    words = text.split()
    values = bag(words)
    proto = values.get("PROTO") or ("ESP" if " ESP SPI=" in text else None)
    tcp = "WINDOW" in values
    return {
        "src": address(values["SRC"]) if "SRC" in values else None,
        "dst": address(values["DST"]) if "DST" in values else None,
        "proto": proto,
        "spt": number(values, "SPT"),
        "dpt": number(values, "DPT"),
        "len": number(values, "LEN"),
        "ttl": number(values, "TTL" if "TTL" in values else "HOPLIMIT"),
        "flags": [word for word in words if word in FLAGS] if tcp else None,
        "icmp_type": number(values, "TYPE"),
        "icmp_code": number(values, "CODE"),
    }


def of_rsyslog(line):
    host, text = re.fullmatch(r"(?:\w{3} [ \d]\d [\d:]+|[\d-]+T\S+) (\S+) kernel: (.*)", line).groups()
    repeated = re.fullmatch(r"message repeated (\d+) times: \[(.*)\]", text)
    stamp, message = re.fullmatch(r"(?: *\[ *(\d+\.\d+)\])? *(.*)", repeated.group(2) if repeated else text).groups()
    found = of_kernel(None, stamp, message)
    return {**found, "host": host, "repeated": int(repeated.group(1)) if repeated else None}


def expectation(line):
    if not line.startswith("<"):
        return of_rsyslog(line)
    return of_kernel(*re.fullmatch(r"<(\d)>\[ *(\d+\.\d+)\](?:\[ *[TC]\d+\])? (.*)", line).groups())


def of_kernel(level, stamp, message):
    start = [m.start() for m in re.finditer(r"IN=\S* OUT=", message) if "PHYS" not in message[m.start() - 4:m.start()]][-1]
    prefix, kernel = message[:start], message[start:]
    quoted = re.search(r"\[((?:SRC=|TRUNCATED).*)\](?: |$)", kernel)
    outer = kernel if quoted is None else kernel[:quoted.start()] + kernel[quoted.end():]
    values = bag(outer.split())
    decoded = "MACPROTO" in values
    mac = values.get("MACSRC") if decoded else values.get("MAC")
    return {
        "uptime": stamp,
        "priority": None if level is None else int(level),
        "prefix": prefix,
        "in": values["IN"],
        "out": values["OUT"],
        "physin": values.get("PHYSIN", ""),
        "physout": values.get("PHYSOUT", ""),
        "mac": mac,
        **packet(re.sub(r"\bMACSRC=.*MACPROTO=\S+ ", "", outer)),
        "uid": number(values, "UID"),
        "mark": int(values.get("MARK", "0x0"), 16),
        "inner": packet(quoted.group(1)) if quoted else None,
    }


for line in sys.stdin:
    line = line.rstrip("\n")
    if not line.startswith("#"):
        print("# " + json.dumps(expectation(line), ensure_ascii=False))
        print(line)
    elif not line.startswith("# {"):
        print(line)
