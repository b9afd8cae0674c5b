//! Protocols, ports and ranges of ports, and what takes the place of a port: ICMP type and code.

use ipset_netlink::text::{IcmpNames, Protocols};
use ipset_netlink::{Family, Port};

use super::separator::{self, CIDR, PROTOCOL, cut, cut_range};
use super::{Values, number};
use crate::names;
use crate::report::{Refused, Report};
use crate::types::Field;

/// `PORT`, `FROM-TO` or one of them after `PROTOCOL:`.
pub(super) fn of_protocol(
    values: &mut Values,
    report: &mut Report,
    text: &str,
) -> Result<(), Refused> {
    let Some((protocol, ports)) = cut(text, PROTOCOL) else {
        set_protocol(values, IPPROTO_TCP);
        return range(values, report, text, "tcp");
    };
    let number = read_protocol(report, protocol)?;
    set_protocol(values, number);
    if let Some(names) = IcmpNames::of(number) {
        return icmp(values, report, ports, names, Port::new(number, 0).family());
    }
    match number {
        IPPROTO_TCP | IPPROTO_UDP | IPPROTO_SCTP | IPPROTO_UDPLITE => {
            range(values, report, ports, protocol)
        }
        _ if ports != "0" => Err(report.syntax_error(format_args!(
            "Protocol {protocol} can be used with pseudo port value 0 only."
        ))),
        _ => {
            set_port(values, 0);
            Ok(())
        }
    }
}

/// The same of TCP or UDP, which is then forgotten.
pub(super) fn without_protocol(
    values: &mut Values,
    report: &mut Report,
    text: &str,
) -> Result<(), Refused> {
    of_protocol(values, report, text)?;
    if !matches!(values.protocol, Some(IPPROTO_TCP | IPPROTO_UDP)) {
        return Err(report.syntax_error("Only protocols TCP and UDP are valid"));
    }
    values.protocol = None;
    values.given.remove(Field::Protocol);
    Ok(())
}

/// One TCP port, the first of a range.
pub(super) fn first(values: &mut Values, report: &mut Report, text: &str) -> Result<(), Refused> {
    let port = port(report, text, "tcp")?;
    set_port(values, port);
    Ok(())
}

/// One TCP port, the last of a range.
pub(super) fn last(values: &mut Values, report: &mut Report, text: &str) -> Result<(), Refused> {
    let port = port(report, text, "tcp")?;
    set_last_port(values, port);
    Ok(())
}

fn range(
    values: &mut Values,
    report: &mut Report,
    text: &str,
    protocol: &str,
) -> Result<(), Refused> {
    let mut first = text;
    if let Some((from, to)) = cut_range(report, text)? {
        let last = port(report, to, protocol)?;
        set_last_port(values, last);
        first = from;
    }
    let port = port(report, first, protocol)?;
    set_port(values, port);
    Ok(())
}

/// A number, or the name of a service of the protocol.
fn port(report: &mut Report, text: &str, protocol: &str) -> Result<u16, Refused> {
    if let Some(port) = number::number_or_warning(report, text, 0, u16::MAX.into()) {
        return Ok(u16::try_from(port).unwrap_or(u16::MAX));
    }
    if let Some(port) = service(report, text, protocol) {
        report.clear();
        return Ok(port);
    }
    report.warning(format_args!("cannot parse '{text}' as a {protocol} port"));
    Err(report.warning_is_error())
}

fn service(report: &mut Report, text: &str, protocol: &str) -> Option<u16> {
    let name = separator::strip(report, text).ok()?;
    let mut protocol = protocol;
    if let Some(number) = number::number_or_warning(report, protocol, 0, u8::MAX.into()) {
        protocol = Protocols::of_system().name(u8::try_from(number).ok()?)?;
    }
    names::port_of(name, protocol)
}

fn read_protocol(report: &mut Report, text: &str) -> Result<u8, Refused> {
    if let Some(number) = number::number_or_warning(report, text, 0, u8::MAX.into()) {
        return Ok(u8::try_from(number).unwrap_or(u8::MAX));
    }
    report.clear();
    let name = if text.eq_ignore_ascii_case("icmpv6") {
        "ipv6-icmp"
    } else {
        text
    };
    match Protocols::of_system().number(name) {
        None => Err(report.syntax_error(format_args!("cannot parse '{text}' as a protocol"))),
        Some(0) => Err(report.syntax_error(format_args!("Unsupported protocol '{text}'"))),
        Some(number) => Ok(number),
    }
}

fn icmp(
    values: &mut Values,
    report: &mut Report,
    text: &str,
    names: &IcmpNames,
    family: Option<Family>,
) -> Result<(), Refused> {
    if values.family != family {
        let family = family.unwrap_or(Family::Unspec);
        return Err(report.syntax_error(format_args!(
            "Protocol {} can be used with family {family} only",
            names.protocol()
        )));
    }
    let (icmp_type, code) = if let Some(both) = names.find_beginning(text) {
        both
    } else if let Some((icmp_type, code)) = cut(text, CIDR) {
        (
            number::byte(report, icmp_type)?,
            number::byte(report, code)?,
        )
    } else {
        return Err(report.error(format_args!(
            "Cannot parse {text} as an {} type/code.",
            names.protocol()
        )));
    };
    set_port(values, u16::from_be_bytes([icmp_type, code]));
    Ok(())
}

fn set_protocol(values: &mut Values, number: u8) {
    values.protocol = Some(number);
    values.given.insert(Field::Protocol);
}

fn set_port(values: &mut Values, port: u16) {
    values.port = Some(port);
    values.given.insert(Field::Port);
}

fn set_last_port(values: &mut Values, port: u16) {
    values.port_to = Some(port);
    values.given.insert(Field::PortTo);
}

// linux/in.h
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const IPPROTO_SCTP: u8 = 132;
const IPPROTO_UDPLITE: u8 = 136;
