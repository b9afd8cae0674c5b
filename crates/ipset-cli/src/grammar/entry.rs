//! The text of an entry: one to three parts, separated by commas.

use ipset_netlink::{Interface, MacAddress};

use super::address::{self, Place};
use super::separator::{ELEMENT, cut};
use super::{Values, number, port, read_set_name};
use crate::report::{Refused, Report};
use crate::text;
use crate::types::{Field, Reading, TypeSpec};

/// Reads an entry of a set of this type; `values.family` is that of the set.
pub(crate) fn read_entry(
    values: &mut Values,
    report: &mut Report,
    spec: &TypeSpec,
    text: &str,
) -> Result<(), Refused> {
    let (dimension, optional) = (spec.elements.len(), spec.last_element_optional);
    let (first, rest) = split(text);
    match rest {
        None if dimension > 1 && !optional => {
            return Err(report.syntax_error(format_args!("Second element is missing from {text}.")));
        }
        Some(_) if dimension == 1 => {
            if let [(Reading::SetName, _)] = &*spec.elements {
                return with_neighbour(values, report, text);
            }
            return Err(report.syntax_error(format_args!(
                "Elem separator in {text}, but settype {} supports none.",
                spec.name
            )));
        }
        _ => {}
    }
    let (mut second, mut third) = (rest, rest.and_then(|rest| split(rest).1));
    match third {
        None if dimension > 2 && !optional => {
            return Err(report.syntax_error(format_args!("Third element is missing from {text}.")));
        }
        Some(_) if dimension < 3 => {
            return Err(report.syntax_error(format_args!(
                "Two elem separators in {text}, but settype {} supports one.",
                spec.name
            )));
        }
        Some(rest) if split(rest).1.is_some() => {
            return Err(report.syntax_error(format_args!(
                "Three elem separators in {text}, but settype {} supports two.",
                spec.name
            )));
        }
        Some(_) => second = rest.map(|rest| split(rest).0),
        None => {}
    }
    for (reading, field) in &spec.elements {
        let part = if *field == first_field(spec) {
            Some(first)
        } else {
            second.take().or_else(|| third.take())
        };
        let Some(part) = part else {
            continue;
        };
        read_part(values, report, *reading, *field, part)?;
    }
    Ok(())
}

fn first_field(spec: &TypeSpec) -> Field {
    spec.elements.first().map_or(Field::Ip, |(_, field)| *field)
}

fn split(text: &str) -> (&str, Option<&str>) {
    match cut(text, ELEMENT) {
        Some((first, rest)) => (first, Some(rest)),
        None => (text, None),
    }
}

fn read_part(
    values: &mut Values,
    report: &mut Report,
    reading: Reading,
    field: Field,
    text: &str,
) -> Result<(), Refused> {
    let place = Place::of(field);
    match reading {
        Reading::Ip => address::any(values, report, place, text),
        Reading::SingleIp => address::single(values, report, place, text),
        Reading::IpOrRange => address::any_or_single_inet6(values, report, place, text),
        Reading::Net => address::any_or_network_inet6(values, report, place, text),
        Reading::Port => port::of_protocol(values, report, text),
        Reading::PlainPort => port::without_protocol(values, report, text),
        Reading::Mac => mac(values, report, text),
        Reading::Mark => {
            values.mark = Some(number::word(report, text)?);
            values.given.insert(Field::Mark);
            report.clear();
            Ok(())
        }
        Reading::Interface => interface(values, report, text),
        Reading::SetName => {
            values.name = Some(read_set_name(report, text)?);
            values.given.insert(Field::Name);
            Ok(())
        }
    }
}

fn mac(values: &mut Values, report: &mut Report, text: &str) -> Result<(), Refused> {
    let Some(address) = mac_address(text) else {
        return Err(report.syntax_error(format_args!("cannot parse '{text}' as ethernet address")));
    };
    values.mac = Some(address);
    values.given.insert(Field::Mac);
    Ok(())
}

/// Six bytes of one or two digits, and no longer than that is in all.
fn mac_address(text: &str) -> Option<MacAddress> {
    if text.len() > "00:00:00:00:00:00".len() {
        return None;
    }
    let mut address = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut address {
        *byte = number::hex_byte(parts.next()?)?;
    }
    parts.next().is_none().then_some(MacAddress(address))
}

fn interface(values: &mut Values, report: &mut Report, text: &str) -> Result<(), Refused> {
    let (name, bridge_port) = match text.strip_prefix("physdev:") {
        Some(name) => (name, true),
        None => (text, false),
    };
    if text::len(name) > Interface::MAX_LEN {
        return Err(report.syntax_error(format_args!(
            "interface name '{name}' is longer than {} characters",
            Interface::MAX_LEN
        )));
    }
    let interface = Interface::verbatim(text::bytes(name))
        .map_err(|error| report.error(text::of_display(error)))?;
    values.interface = Some(if bridge_port {
        values.given.insert(Field::Physdev);
        interface.bridge_port()
    } else {
        interface
    });
    values.given.insert(Field::Interface);
    Ok(())
}

/// The old way to say where a set stands in a list: `NAME,before,OTHER`.
fn with_neighbour(values: &mut Values, report: &mut Report, text: &str) -> Result<(), Refused> {
    let mut parts = text.splitn(3, ELEMENT);
    let (Some(name), Some(place @ ("before" | "after")), Some(other)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Err(report.error("you must specify elements as setname,[before|after],setname"));
    };
    values.name = Some(read_set_name(report, name)?);
    values.given.insert(Field::Name);
    values.neighbour = Some(read_set_name(report, other)?);
    values.given.insert(Field::Neighbour);
    if place == "before" {
        values.given.insert(Field::Before);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ipset_netlink::{Family, Key};
    use proptest::prelude::*;

    use super::*;
    use crate::types;

    fn read(set_type: &str, family: Family, text: &str) -> Result<String, String> {
        let spec = types::find(set_type).unwrap();
        let mut values = Values {
            family: Some(family),
            ..Values::default()
        };
        let mut report = Report::default();
        read_entry(&mut values, &mut report, spec, text).map_err(|_| report.text().to_owned())?;
        Ok(values.entry(spec).unwrap().key.to_string())
    }

    #[track_caller]
    fn reads(set_type: &str, text: &str, key: &str) {
        assert_eq!(read(set_type, Family::Inet, text).as_deref(), Ok(key));
    }

    /// The messages are those of `ipset add SET TEXT`, version 7.17.
    #[track_caller]
    fn refuses(set_type: &str, family: Family, text: &str, why: &str) {
        assert_eq!(read(set_type, family, text), Err(format!("{why}\n")));
    }

    #[test]
    fn reads_the_entries_of_every_type() {
        reads("bitmap:ip", "10.0.0.9-10.0.0.1", "10.0.0.1-10.0.0.9");
        reads("bitmap:ip,mac", "10.0.0.1", "10.0.0.1");
        reads(
            "bitmap:ip,mac",
            "10.0.0.1,1:2:3:4:5:6",
            "10.0.0.1,01:02:03:04:05:06",
        );
        reads("bitmap:port", "udp:90-80", "80-90");
        reads("hash:ip", "10.1/30", "10.0.0.0/30");
        reads("hash:ip", "[10.0.0.1]-[10.0.0.3]", "10.0.0.1-10.0.0.3");
        reads("hash:mac", "aa:bb:cc:dd:ee:ff", "AA:BB:CC:DD:EE:FF");
        reads(
            "hash:ip,mac",
            "10.0.0.1,1:2:3:4:5:6",
            "10.0.0.1,01:02:03:04:05:06",
        );
        reads("hash:net", "10.0.0.7/32", "10.0.0.7");
        reads(
            "hash:net,net",
            "10.0.0.7/8,10.0.0.1-10.0.0.2",
            "10.0.0.0/8,10.0.0.1-10.0.0.2",
        );
        reads("hash:ip,port", "10.0.0.1,80", "10.0.0.1,tcp:80");
        reads("hash:ip,port", "10.0.0.1,icmp:pi", "10.0.0.1,icmp:8/0");
        reads("hash:ip,port", "10.0.0.1,icmp:0x8/010", "10.0.0.1,icmp:8/8");
        reads("hash:net,port", "10.0.0.0/8,132:9-7", "10.0.0.0/8,sctp:7-9");
        reads(
            "hash:ip,port,ip",
            "10.0.0.1,47:0,10.0.0.2/32",
            "10.0.0.1,47:0,10.0.0.2",
        );
        reads(
            "hash:ip,port,net",
            "10.0.0.1,1,10.0.0.2/8",
            "10.0.0.1,tcp:1,10.0.0.0/8",
        );
        reads("hash:ip,mark", "10.0.0.1,010", "10.0.0.1,0x00000008");
        reads(
            "hash:net,port,net",
            "10.0.0.1,17:1,10.0.0.2",
            "10.0.0.1,udp:1,10.0.0.2",
        );
        reads(
            "hash:net,iface",
            "10.0.0.0/8,physdev:eth0",
            "10.0.0.0/8,physdev:eth0",
        );
        reads("list:set", "a,before,b", "a");
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a line for each message")]
    fn refuses_the_rest_as_ipset_does() {
        let four = Family::Inet;
        let six = Family::Inet6;
        for (set_type, family, text, why) in [
            (
                "hash:ip",
                four,
                "10.0.0.1/33",
                "Syntax error: '33' is out of range 0-32",
            ),
            (
                "hash:ip",
                four,
                "10.0.0.1/x",
                "Syntax error: 'x' is invalid as number",
            ),
            (
                "hash:ip",
                four,
                "10.0.0.1,5",
                "Syntax error: Elem separator in 10.0.0.1,5, but settype hash:ip supports none.",
            ),
            (
                "hash:ip",
                four,
                "10.0.0.1-",
                "Syntax error: cannot parse 10.0.0.1-: resolving to IPv4 address failed",
            ),
            (
                "hash:ip",
                four,
                "2001::1",
                "Syntax error: cannot parse 2001::1: resolving to IPv4 address failed",
            ),
            (
                "hash:ip",
                four,
                "[10.0.0.1",
                "Syntax error: cannot find closing escape character ']' in [10.0.0.1",
            ),
            (
                "hash:ip",
                six,
                "2001::1-2001::2",
                "Syntax error: plain IP address must be supplied: 2001::1-2001::2",
            ),
            (
                "hash:ip",
                six,
                "2001::/64",
                "Syntax error: plain IP address must be supplied: 2001::/64",
            ),
            (
                "hash:net",
                six,
                "2001::1-2001::2",
                "Syntax error: IP address or IP/cidr must be specified: 2001::1-2001::2",
            ),
            (
                "hash:ip,port",
                six,
                "2001::1,icmp:8/0",
                "Syntax error: Protocol ICMP can be used with family inet only",
            ),
            (
                "hash:ip,port",
                four,
                "10.0.0.1,icmp:xx",
                "Cannot parse xx as an ICMP type/code.",
            ),
            (
                "hash:ip,port",
                four,
                "10.0.0.1,icmp:8/300",
                "Syntax error: '300' is out of range 0-255",
            ),
            (
                "hash:ip,port",
                four,
                "10.0.0.1,99:domain",
                "Syntax error: Protocol 99 can be used with pseudo port value 0 only.",
            ),
            (
                "hash:ip,port",
                four,
                "10.0.0.1,nothing:1",
                "Syntax error: cannot parse 'nothing' as a protocol",
            ),
            (
                "hash:ip,port",
                four,
                "10.0.0.1,http2",
                "Syntax error: 'http2' is invalid as number\nSyntax error: 'tcp' is invalid as number\ncannot parse 'http2' as a tcp port",
            ),
            (
                "hash:ip,port",
                four,
                "10.0.0.1,70000",
                "Syntax error: '70000' is out of range 0-65535\nSyntax error: 'tcp' is invalid as number\ncannot parse '70000' as a tcp port",
            ),
            (
                "hash:ip,port",
                four,
                "10.0.0.1,x-[y",
                "Syntax error: cannot find closing escape character ']' in [y\ncannot parse '[y' as a tcp port",
            ),
            (
                "hash:net,iface",
                four,
                "10.0.0.0/8",
                "Syntax error: Second element is missing from 10.0.0.0/8.",
            ),
            (
                "hash:net,iface",
                four,
                "10.0.0.0/8,a,b",
                "Syntax error: Two elem separators in 10.0.0.0/8,a,b, but settype hash:net,iface supports one.",
            ),
            (
                "hash:net,iface",
                four,
                "10.0.0.0/8,averylonginterfacename",
                "Syntax error: interface name 'averylonginterfacename' is longer than 15 characters",
            ),
            (
                "hash:ip,port,ip",
                four,
                "10.0.0.1,1",
                "Syntax error: Third element is missing from 10.0.0.1,1.",
            ),
            (
                "hash:ip,port,ip",
                four,
                "10.0.0.1,1,2,3",
                "Syntax error: Three elem separators in 10.0.0.1,1,2,3, but settype hash:ip,port,ip supports two.",
            ),
            (
                "bitmap:port",
                Family::Unspec,
                "132:80",
                "Syntax error: Only protocols TCP and UDP are valid",
            ),
            (
                "bitmap:ip,mac",
                four,
                "10.0.0.1,01:02:03:04:05",
                "Syntax error: cannot parse '01:02:03:04:05' as ethernet address",
            ),
            (
                "bitmap:ip,mac",
                four,
                "10.0.0.2/31,1:2:3:4:5:6",
                "Syntax error: plain IP address must be supplied: 10.0.0.2/31",
            ),
            (
                "list:set",
                Family::Unspec,
                "a,b",
                "you must specify elements as setname,[before|after],setname",
            ),
            (
                "list:set",
                Family::Unspec,
                "0123456789012345678901234567890123",
                "Syntax error: setname '0123456789012345678901234567890123' is longer than 31 characters",
            ),
        ] {
            refuses(set_type, family, text, why);
        }
    }

    fn address() -> impl Strategy<Value = String> {
        any::<u32>().prop_map(|bits| std::net::Ipv4Addr::from_bits(bits).to_string())
    }

    fn network() -> impl Strategy<Value = String> {
        (address(), 0..=32u8).prop_map(|(address, bits)| format!("{address}/{bits}"))
    }

    fn port() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<u16>().prop_map(|port| format!("6:{port}")),
            (any::<u8>(), any::<u8>()).prop_map(|(t, code)| format!("1:{t}/{code}")),
            Just("47:0".to_owned()),
        ]
    }

    fn mac() -> impl Strategy<Value = String> {
        any::<[u8; 6]>().prop_map(|bytes| MacAddress(bytes).to_string())
    }

    /// Types and texts of their entries.
    fn entry() -> impl Strategy<Value = (&'static str, String)> {
        prop_oneof![
            address().prop_map(|ip| ("hash:ip", ip)),
            network().prop_map(|net| ("hash:net", net)),
            mac().prop_map(|mac| ("hash:mac", mac)),
            (address(), mac()).prop_map(|(ip, mac)| ("hash:ip,mac", format!("{ip},{mac}"))),
            (network(), network()).prop_map(|(a, b)| ("hash:net,net", format!("{a},{b}"))),
            (network(), port()).prop_map(|(a, b)| ("hash:net,port", format!("{a},{b}"))),
            (address(), port(), network())
                .prop_map(|(a, b, c)| ("hash:ip,port,net", format!("{a},{b},{c}"))),
            (address(), any::<u32>())
                .prop_map(|(a, mark)| ("hash:ip,mark", format!("{a},{mark:#010x}"))),
            (network(), "(physdev:)?[a-z][a-z0-9.-]{0,14}")
                .prop_map(|(a, name)| ("hash:net,iface", format!("{a},{name}"))),
        ]
    }

    proptest! {
        /// The library reads numbers only, by code of its own.
        #[test]
        fn the_key_is_the_one_the_library_reads((set_type, text) in entry()) {
            let expected = Key::parse(&text, &set_type.parse().unwrap()).unwrap().to_string();
            prop_assert_eq!(read(set_type, Family::Inet, &text), Ok(expected.clone()));
            let again = expected.replace("icmp:", "1:");
            prop_assert_eq!(read(set_type, Family::Inet, &again), Ok(expected));
        }

        #[test]
        fn nothing_panics(n in 0..types::ALL.len(), six: bool, text in "[0-9:,./\\[\\]-]{0,20}") {
            let family = if six { Family::Inet6 } else { Family::Inet };
            let _ = read(types::ALL[n].name, family, &text);
        }
    }
}
