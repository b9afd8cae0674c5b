//! The arguments that follow a set or an entry.

use ipset_netlink::{Comment, Family, SkbMark, Timeout};

use super::{Values, address, number, port, read_set_name};
use crate::report::{Refused, Report};
use crate::text;
use crate::types::{Argument, Field};

/// Reads the value of an argument (or its own name, where it has none).
pub(crate) fn read_argument(
    values: &mut Values,
    report: &mut Report,
    argument: Argument,
    text: &str,
) -> Result<(), Refused> {
    match argument {
        Argument::Family | Argument::Inet | Argument::Inet6 => {
            values.family = Some(family(report, text)?);
            values.family_is_assumed = false;
        }
        Argument::HashSize => values.hash_size = Some(number::word(report, text)?),
        Argument::MaxElem => values.max_elem = Some(number::word(report, text)?),
        Argument::MarkMask => values.mark_mask = Some(number::word(report, text)?),
        Argument::Size => values.size = Some(number::word(report, text)?),
        Argument::BucketSize => values.bucket_size = Some(number::byte(report, text)?),
        Argument::InitVal => values.init_val = Some(number::word(report, text)?),
        Argument::Timeout => values.timeout = Some(timeout(report, text)?),
        Argument::Packets => values.packets = Some(count(report, text)?),
        Argument::Bytes => values.bytes = Some(count(report, text)?),
        Argument::Comment => values.comment = Some(comment(report, text)?),
        Argument::SkbMark => values.skb_mark = Some(skb_mark(report, text)?),
        Argument::SkbPrio => values.skb_prio = Some(skb_prio(report, text)?),
        Argument::SkbQueue => values.skb_queue = Some(number::short(report, text)?),
        Argument::Before | Argument::After => {
            values.neighbour = Some(read_set_name(report, text)?);
            if argument == Argument::Before {
                values.given.insert(Field::Before);
            }
        }
        // These say by themselves which fields they fill.
        Argument::Range => return address::network_or_range(values, report, text),
        Argument::Network => return address::network(values, report, text),
        Argument::From => {
            return address::single(values, report, address::Place::First, text);
        }
        Argument::To => return address::single(values, report, address::Place::End, text),
        Argument::Netmask => return address::netmask(values, report, text),
        Argument::Bitmask => return address::bitmask(values, report, text),
        Argument::PortRange => return port::without_protocol(values, report, text),
        Argument::FromPort => return port::first(values, report, text),
        Argument::ToPort => return port::last(values, report, text),
        Argument::Probes
        | Argument::Resize
        | Argument::Gc
        | Argument::IgnoredFrom
        | Argument::IgnoredTo
        | Argument::IgnoredNetwork => {
            ignore(values, report, argument, text);
            return Ok(());
        }
        Argument::ForceAdd
        | Argument::NoMatch
        | Argument::Wildcard
        | Argument::Counters
        | Argument::Comments
        | Argument::SkbInfo => {}
    }
    values.given.insert(argument.field());
    Ok(())
}

/// Warns once of what means nothing any more.
fn ignore(values: &mut Values, report: &mut Report, argument: Argument, text: &str) {
    if !values.ignored.contains(argument.field()) {
        values.ignored.insert(argument.field());
        // A network was another way to say where a range begins, and is called that.
        let name = match argument.field() {
            Field::Ip => Argument::IgnoredFrom.name(),
            _ => argument.name(),
        };
        report.warning(format_args!(
            "Option '--{name} {text}' is ignored. Please upgrade your syntax."
        ));
    }
}

fn family(report: &mut Report, text: &str) -> Result<Family, Refused> {
    match text {
        "inet" | "ipv4" | "-4" => Ok(Family::Inet),
        "inet6" | "ipv6" | "-6" => Ok(Family::Inet6),
        "any" | "unspec" => Ok(Family::Unspec),
        _ => Err(report.syntax_error(format_args!("unknown inet family {text}"))),
    }
}

fn timeout(report: &mut Report, text: &str) -> Result<Timeout, Refused> {
    let longest = Timeout::MAX;
    let seconds = number::number(report, text, 0, longest.as_secs().into())?;
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    Ok(Timeout::from_secs(seconds).unwrap_or(longest))
}

fn count(report: &mut Report, text: &str) -> Result<u64, Refused> {
    number::number(report, text, 0, u64::MAX - 1)
}

fn comment(report: &mut Report, text: &str) -> Result<Comment, Refused> {
    if text.contains('"') {
        return Err(report.syntax_error("\" character is not permitted in comments"));
    }
    let comment = text::bytes(text);
    if comment.len() > Comment::MAX_LEN {
        return Err(report.syntax_error(format_args!(
            "Comment is longer than the maximum allowed {} characters",
            Comment::MAX_LEN
        )));
    }
    Comment::try_from(&*comment).map_err(|error| report.error(text::of_display(error)))
}

/// `0xMARK` or `0xMARK/0xMASK`; what follows is not looked at.
fn skb_mark(report: &mut Report, text: &str) -> Result<SkbMark, Refused> {
    let Some((value, rest)) = text.strip_prefix("0x").and_then(number::hex_prefix) else {
        return Err(report.syntax_error(
            "Invalid skbmark format, it should be:  MARK/MASK or MARK (see manpage)",
        ));
    };
    let mask = rest.strip_prefix("/0x").and_then(number::hex_prefix);
    Ok(SkbMark {
        value,
        mask: mask.map_or(u32::MAX, |(mask, _)| mask),
    })
}

/// `MAJOR:MINOR`, both hexadecimal.
fn skb_prio(report: &mut Report, text: &str) -> Result<u32, Refused> {
    let both = number::hex_prefix(text).and_then(|(major, rest)| {
        let (minor, _) = number::hex_prefix(rest.strip_prefix(':')?)?;
        Some(major << 16 | minor & 0xffff)
    });
    both.ok_or_else(|| {
        report.syntax_error("Invalid skbprio format, it should be:MAJOR:MINOR (see manpage)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[(Argument, &str)]) -> Result<Values, String> {
        let mut values = Values::default();
        let mut report = Report::default();
        for (argument, text) in arguments {
            read_argument(&mut values, &mut report, *argument, text)
                .map_err(|_| report.text().to_owned())?;
        }
        Ok(values)
    }

    #[test]
    fn reads_what_ipset_reads() {
        let values = read(&[
            (Argument::SkbMark, "0x5/0xz"),
            (Argument::SkbPrio, "1:ff"),
            (Argument::SkbQueue, "07"),
            (Argument::Timeout, "0x10"),
            (Argument::Comment, "port scan"),
            (Argument::NoMatch, "nomatch"),
            (Argument::NoMatch, "nomatch"),
        ])
        .unwrap();
        let mark = SkbMark {
            value: 5,
            mask: u32::MAX,
        };
        assert_eq!(values.skb_mark, Some(mark));
        assert_eq!(values.skb_prio, Some(0x0001_00ff));
        assert_eq!(values.skb_queue, Some(7));
        assert_eq!(values.timeout.map(Timeout::as_secs), Some(16));
        assert!(values.has(Field::NoMatch));
        let mark = read(&[(Argument::SkbMark, "0x5/0xf")]).unwrap().skb_mark;
        assert_eq!(mark, Some(SkbMark { value: 5, mask: 15 }));
    }

    /// The messages are those of `ipset add` and `ipset create`, version 7.17.
    #[test]
    fn refuses_the_rest_as_ipset_does() {
        for (arguments, why) in [
            (
                &[(Argument::Timeout, "2147484")][..],
                "Syntax error: '2147484' is out of range 0-2147483\n",
            ),
            (
                &[(Argument::SkbMark, "5")],
                "Syntax error: Invalid skbmark format, it should be:  MARK/MASK or MARK (see manpage)\n",
            ),
            (
                &[(Argument::SkbPrio, "1")],
                "Syntax error: Invalid skbprio format, it should be:MAJOR:MINOR (see manpage)\n",
            ),
            (
                &[(Argument::SkbQueue, "65536")],
                "Syntax error: '65536' is out of range 0-65535\n",
            ),
            (
                &[(Argument::Packets, "18446744073709551615")],
                "Syntax error: '18446744073709551615' is out of range 0-18446744073709551614\n",
            ),
            (
                &[(Argument::Comment, "a\"b")],
                "Syntax error: \" character is not permitted in comments\n",
            ),
            (
                &[(Argument::Netmask, "33")],
                "Syntax error: '33' is out of range 1-32\nSyntax error: netmask is out of the inclusive range of 1-32\n",
            ),
            (
                &[(Argument::Netmask, "24"), (Argument::Bitmask, "255.0.0.0")],
                "Syntax error: bitmask and netmask are mutually exclusive, provide only one\n",
            ),
            (
                &[(Argument::Inet6, "-6"), (Argument::Bitmask, "10.0.0.0")],
                "Syntax error: cannot parse 10.0.0.0: resolving to IPv6 address failed\nSyntax error: bitmask is not valid for family = inet6\n",
            ),
            (
                &[(Argument::Family, "foo")],
                "Syntax error: unknown inet family foo\n",
            ),
            (
                &[(Argument::Range, "10.0.0.0")],
                "Syntax error: IP/cidr or IP-IP range must be specified: 10.0.0.0\n",
            ),
            (
                &[(Argument::BucketSize, "300")],
                "Syntax error: '300' is out of range 0-255\n",
            ),
        ] {
            assert_eq!(read(arguments).map(|_| ()), Err(why.into()));
        }
    }

    #[test]
    fn what_means_nothing_any_more_is_warned_of_once() {
        let mut values = Values::default();
        let mut report = Report::default();
        for argument in [
            Argument::IgnoredNetwork,
            Argument::IgnoredFrom,
            Argument::Probes,
        ] {
            read_argument(&mut values, &mut report, argument, "4").unwrap();
        }
        assert_eq!(
            report.text(),
            "Option '--from 4' is ignored. Please upgrade your syntax.\n\
             Option '--probes 4' is ignored. Please upgrade your syntax.\n"
        );
    }
}
