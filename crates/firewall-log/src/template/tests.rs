//! What a recognizer makes of lines, beside what the parser does.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::time::SystemTime;

use jiff::tz::TimeZone;

use super::*;

const BODY: &str = "SRC=203.0.113.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4660 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 ";

const V6_MIDDLE: &str = "DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=60 TC=0 HOPLIMIT=64";

const V6: &str = "SRC=2001:0db8:0001:0000:0000:0000:0000:0007 DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=UDP SPT=1 DPT=53 LEN=8 ";

fn clock() -> Clock {
    Clock::new(
        SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_795_343_154),
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap(),
    )
}

/// What is known of a line: the time, and who sent the packet, under which prefix, of which nature.
type Known = (Option<i64>, Option<(Observation, Vec<u8>, Nature)>);

fn read_alone(line: &[u8]) -> Result<Known, ParseError> {
    let event = Event::parse(line)?;
    let at = event.time.resolve(&clock()).ok().map(to_micros);
    let port = || Some(event.packet.network.transport()?.ports()?.1);
    let observation = at.zip(event.source()).map(|(at, source)| Observation {
        at,
        source: source.into(),
        rule_set: 0,
        port: port(),
        yearless: matches!(event.time, LogTime::Rfc3164 { .. }),
    });
    let known = |observation| {
        (
            observation,
            event.prefix.to_vec(),
            Nature::of(&event.packet),
        )
    };
    Ok((at, observation.map(known)))
}

/// Shows a recognizer line after line; each must look as it does to someone who has seen none.
/// Answers how many of them it knew again.
fn agree<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> usize {
    let mut recognizer = Recognizer::new(clock(), true);
    let mut kinds: Vec<(Vec<u8>, Nature)> = Vec::new();
    let mut found = 0;
    for line in lines {
        let mut text = [line, b"\n"].concat();
        let end = text.len();
        text.resize(end + PADDED, b'7');
        let mut what = Observation::default();
        let padded = PaddedLine::new(&text).unwrap();
        let parsed = match recognizer.recognize(padded, &mut what) {
            Some(length) => {
                found += 1;
                assert_eq!(length, end, "{}", line.escape_ascii());
                Ok(ParsedLine {
                    at: Some(what.at),
                    observation: Some(what),
                    repeated: None,
                })
            }
            None => recognizer.parse(&text[..end], |prefix, nature| {
                kinds.push((prefix.to_vec(), nature));
                u32::try_from(kinds.len() - 1).unwrap()
            }),
        };
        let known = parsed.map(|parsed| {
            let known = |what: Observation| {
                let (prefix, nature) = kinds[what.rule_set as usize].clone();
                (
                    Observation {
                        rule_set: 0,
                        ..what
                    },
                    prefix,
                    nature,
                )
            };
            (parsed.at, parsed.observation.map(known))
        });
        assert_eq!(known, read_alone(line), "{}", line.escape_ascii());
    }
    found
}

/// Lines of the kernel in every form of header.
fn lines() -> Vec<String> {
    let heads = [
        "2026-11-22T09:25:54.194069+00:00 fw kernel: [ 1836.585591] ",
        "2026-11-22T10:25:54+01:00 fw kernel: ",
        "Nov 22 09:25:54 fw-with-a-name-that-is-longer-than-a-chunk-of-text kernel: [12345678.585591] ",
    ];
    let samples = include_str!("../../tests/samples/kernel.log").lines();
    let kernel_parts = samples
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once("] ").map(|(_, text)| text));
    kernel_parts
        .flat_map(|text| heads.map(|head| [head, text].concat()))
        .collect()
}

#[test]
fn a_line_is_recognized_by_the_one_before_it() {
    let lines = lines();
    assert!(lines.len() > 100);
    let mut recognized = 0;
    let mut twice = 0;
    for line in &lines {
        if read_alone(line.as_bytes()).is_ok_and(|(_, known)| known.is_some()) {
            twice += 1;
            recognized += agree([line.as_bytes(); 2]);
        }
    }
    assert_eq!(recognized, twice);
}

/// Every number, address and word of a line, one after the other, becomes something else.
#[test]
fn what_is_almost_the_same_is_not_mistaken_for_it() {
    const VALUES: [&str; 25] = [
        "",
        "0",
        "7",
        "00",
        "255",
        "256",
        "0255",
        "65535",
        "65536",
        "065535",
        "1048575",
        "9999999",
        "4294967295",
        "4294967296",
        "99999999999",
        "53",
        "00000053",
        "1.2.3.4",
        "239.1.2.3",
        "256.1.1.1",
        "2001:0db8:0000:0000:0000:0000:0000:0001",
        "ff02:0000:0000:0000:0000:0000:0000:0001",
        "02:00",
        "ff:ff:ff:ff:ff:ff:02:00:00:00:00:01:08:00",
        "x",
    ];
    // Each line with one of the headers.
    for line in lines().into_iter().step_by(2) {
        let mut variants = vec![line.clone()];
        let mut start = 0;
        for (end, _) in line.match_indices([' ', '=', ']', '[', '.']) {
            for value in VALUES {
                variants.push([&line[..start], value, &line[end..]].concat());
            }
            start = end + 1;
        }
        agree(variants.iter().map(String::as_bytes));
    }
}

/// A network of many hosts: more hardware addresses than there is room for are read each time, and
/// everything else is known again.
#[test]
fn many_shapes_are_kept_apart() {
    let mut lines = lines();
    lines.retain(|line| line.contains("IPTABLES-BLOCKED: IN=eth0 "));
    let mut many: Vec<String> = Vec::new();
    for round in 0..40 {
        for line in &lines {
            let host = format!("IN=eth{}", round % 3);
            let mac = format!("MAC=02:00:00:00:00:{round:02x}");
            many.push(
                line.replace("IN=eth0", &host)
                    .replace("MAC=02:00:00:00:00:01", &mac),
            );
        }
    }
    let recognized = agree(many.iter().map(String::as_bytes));
    assert!(
        recognized > many.len() / 2,
        "{recognized} of {}",
        many.len()
    );
}

/// Also where so many destinations and frames have been seen that they are passed over.
#[test]
fn what_counts_otherwise_is_told_apart_in_every_mode() {
    let frames = [
        "02:00:00:00:00:02",
        "ff:ff:ff:ff:ff:ff",
        "02:00:00:00:{:02x}:02",
        "ff:ff:ff:ff:ff:{:02x}",
        "01:00:5e:00:00:{:02x}",
        "01:00:5f:00:00:{:02x}",
        "33:33:00:00:00:{:02x}",
        "33:34:00:00:00:{:02x}",
    ];
    let v4 = [
        "203.0.113.{}",
        "239.0.0.{}",
        "223.0.0.{}",
        "240.0.0.{}",
        "255.255.255.{}",
    ];
    let v6 = ["2001:0db8", "ff02:0000", "feff:0000"];
    let ports = [53, 123, 443, 40000, 54];
    let transports = |number: usize| {
        let port = ports[number % ports.len()];
        [
            format!("PROTO=UDP SPT={port} DPT={number} LEN=8 "),
            format!("PROTO=TCP SPT={port} DPT={number} WINDOW=1 RES=0x00 SYN URGP=0 "),
            format!("PROTO=TCP SPT={port} DPT={number} WINDOW=1 RES=0x00 ACK SYN URGP=0 "),
            format!("PROTO=TCP SPT={port} DPT={number} WINDOW=1 RES=0x00 URGP=0 "),
        ]
    };
    let octet = |text: &str, number: usize| {
        let number = number % 256;
        text.replace("{:02x}", &format!("{number:02x}"))
            .replace("{}", &number.to_string())
    };
    let line = |number: usize, kinds: [usize; 3]| {
        let [frame, ip, transport] = kinds;
        let frame = octet(frames[frame % frames.len()], number);
        let (kind, ip) = match ip % (v4.len() + v6.len()) {
            place if place < v4.len() => {
                let destination = octet(v4[place], number + 55);
                (
                    "08:00",
                    format!(
                        "SRC=203.0.113.7 DST={destination} LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID={number} "
                    ),
                )
            }
            place => (
                "86:dd",
                format!(
                    "SRC=2001:0db8:0001:0000:0000:0000:0000:0007 DST={}:0000:0000:0000:0000:0000:{number:04x} LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0 ",
                    v6[place - v4.len()]
                ),
            ),
        };
        format!(
            "Nov 22 09:25:54 fw kernel: [ 1.0] IPTABLES-BLOCKED: IN=eth0 OUT= MAC={frame}:02:00:00:00:00:01:{kind} {ip}{}",
            transports(number)[transport % 4]
        )
    };
    let spread = |number: usize| number.wrapping_mul(0x9e37_79b1) >> 8;
    // From a few of each, by which every value is part of the text, to more than there is room for.
    for (count, least) in [(300, 0), (6000, 4000)] {
        let lines: Vec<String> = (0..count)
            .map(|number| {
                let dice = spread(number);
                line(number, [dice, dice / 7, dice / 77])
            })
            .collect();
        let recognized = agree(lines.iter().map(String::as_bytes));
        assert!(recognized >= least, "{recognized} of {count}");
    }
    // Destinations alone, so that frames are still part of the text.
    let lines: Vec<String> = (0..6000)
        .map(|number| line(number, [spread(number) % 2, spread(number) / 7, 1]))
        .collect();
    let recognized = agree(lines.iter().map(String::as_bytes));
    assert!(recognized > 5000, "{recognized}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of spellings")]
fn what_is_known_again_is_what_is_read_in_full() {
    let stamps = [
        "2026-11-22T09:25:54.194069+00:00",
        "2026-11-22T09:59:60.1+00:00",
        "2026-11-22T09:60:00+00:00",
        "2026-11-22T09:05:61+00:00",
        "2026-11-22T09:25:54.123456789+00:00",
        "2026-11-22T09:25:54.1234567890+00:00",
        "2026-11-22T09:25:54.+00:00",
        "2026-11-22T09:25:54+0000",
        "2026-11-22 09:25:54Z",
        "0000-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59Z",
        "Nov 22 09:25:54",
        "Nov 22 09:25:60",
        "Nov 22 09:25:61",
        "Nov 22 09:26:54",
        "Nov 22 10:26:54",
        "Nov 22 09:2 :54",
        "Nov 22 09:25:54.5",
        "Mar 29 02:30:00",
        "Mar 29 02:30:01",
        "Oct 25 02:30:00",
        "<4>Nov 22 09:25:54",
    ];
    let glues = [
        " fw kernel: ",
        " fw kernel:  ",
        " fw kernel:",
        " kernel:x kernel: ",
        " kernel: ",
        " fw x: ",
    ];
    let uptimes = [
        "[ 1836.585591] ",
        "[1.5] ",
        "[1.5]",
        " [1.5] ",
        "[12345678901.5] ",
        "[1.5][ T12] ",
        "",
    ];
    let heads = [
        "IPTABLES-BLOCKED: IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 ",
        "IPTABLES-BLOCKED: IN=eth0 OUT= ",
        " X: IN=eth0 OUT= ",
        "IN=a OUT= ",
        "IN=IN=a OUT= ",
        "IN=a OUT=b IN=eth0 OUT= PHYSIN=eth1 ",
        "IN=a OUT=b SRC=1.2.3.4 IN=eth0 OUT= PHYSIN=eth1 ",
    ];
    let bodies = [
        BODY.to_owned(),
        BODY.replace("DPT=22 ", "DPT=65536 "),
        format!("{BODY}IN=x OUT= SRC=1.1.1.1 "),
        "OUT= SRC=1.1.1.1 ".to_owned(),
        format!("OUT= {BODY}"),
        "TRUNCATED".to_owned(),
        BODY.trim_end().to_owned(),
        BODY.replace("PREC=0x00 ", "PREC=0x00"),
        BODY.replace("LEN=60 ", "LEN=44 "),
        BODY.replace(
            "DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64",
            V6_MIDDLE,
        ),
        V6.to_owned(),
        V6.replace(
            V6_MIDDLE,
            "DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64",
        ),
        V6.replace("TC=0 ", "TC=0"),
        V6.replace("TC=0 ", "TC=01 "),
        format!("{BODY}\r"),
    ];
    let mut lines = Vec::new();
    for stamp in stamps {
        for glue in glues {
            for uptime in uptimes {
                lines.push(format!("{stamp}{glue}{uptime}{}{BODY}", heads[0]));
                lines.push(format!("{stamp}{glue}{uptime}{}{BODY}", heads[2]));
            }
        }
        for head in heads {
            for body in &bodies {
                lines.push(format!("{stamp} fw kernel: {head}{body}"));
            }
        }
    }
    agree(lines.iter().map(String::as_bytes));
    agree(lines.iter().rev().map(String::as_bytes));
    // Every other one, so that different ones are remembered.
    for node in 2..7 {
        agree(
            lines
                .iter()
                .step_by(node)
                .chain(&lines)
                .map(String::as_bytes),
        );
    }
    agree(lines.iter().flat_map(|line| {
        (0..line.len())
            .step_by(7)
            .map(|cut| &line.as_bytes()[..cut])
    }));
}
