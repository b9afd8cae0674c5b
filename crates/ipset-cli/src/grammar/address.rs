//! Addresses, networks and ranges of addresses.

use std::net::IpAddr;

use ipset_netlink::Family;

use super::separator::{self, CIDR, cut, cut_range, has_range};
use super::{Values, number};
use crate::names::{self, Host};
use crate::report::{Refused, Report};
use crate::types::Field;

/// Which addresses of a line a text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    First,
    Second,
    /// The end of the first range, where it has an argument of its own.
    End,
    Bitmask,
}

impl Place {
    pub(super) fn of(field: Field) -> Self {
        match field {
            Field::Ip2 => Self::Second,
            _ => Self::First,
        }
    }

    fn set_address(self, values: &mut Values, address: IpAddr) {
        let (value, field) = match self {
            Self::First => (&mut values.ip, Field::Ip),
            Self::Second => (&mut values.ip2, Field::Ip2),
            Self::End => (&mut values.ip_to, Field::IpTo),
            Self::Bitmask => (&mut values.bitmask, Field::Bitmask),
        };
        *value = Some(address);
        values.given.insert(field);
    }

    /// Prefix and end mean nothing to a single address or a mask.
    fn set_prefix(self, values: &mut Values, bits: u8) {
        let (value, field) = match self {
            Self::First => (&mut values.cidr, Field::Cidr),
            Self::Second => (&mut values.cidr2, Field::Cidr2),
            Self::End | Self::Bitmask => return,
        };
        *value = Some(bits);
        values.given.insert(field);
    }

    fn set_end(self, values: &mut Values, address: IpAddr) {
        let (value, field) = match self {
            Self::First => (&mut values.ip_to, Field::IpTo),
            Self::Second => (&mut values.ip2_to, Field::Ip2To),
            Self::End | Self::Bitmask => return,
        };
        *value = Some(address);
        values.given.insert(field);
    }
}

/// An address, a network or a range.
pub(super) fn any(
    values: &mut Values,
    report: &mut Report,
    place: Place,
    text: &str,
) -> Result<(), Refused> {
    let family = family_of(values);
    read(values, report, place, text, family)
}

/// One address.
pub(super) fn single(
    values: &mut Values,
    report: &mut Report,
    place: Place,
    text: &str,
) -> Result<(), Refused> {
    let family = family_of(values);
    let whole = bits_of(family).to_string();
    if has_range(text) || cut(text, CIDR).is_some_and(|(_, prefix)| prefix != whole) {
        return Err(report.syntax_error(format_args!("plain IP address must be supplied: {text}")));
    }
    read(values, report, place, text, family)
}

/// An address, a network or a range of IPv4; one address of IPv6.
pub(super) fn any_or_single_inet6(
    values: &mut Values,
    report: &mut Report,
    place: Place,
    text: &str,
) -> Result<(), Refused> {
    match family_of(values) {
        Family::Inet6 => single(values, report, place, text),
        family => read(values, report, place, text, family),
    }
}

/// An address, a network or a range of IPv4; an address or a network of IPv6.
pub(super) fn any_or_network_inet6(
    values: &mut Values,
    report: &mut Report,
    place: Place,
    text: &str,
) -> Result<(), Refused> {
    let family = family_of(values);
    if family == Family::Inet6 && has_range(text) {
        return Err(report.syntax_error(format_args!(
            "IP address or IP/cidr must be specified: {text}"
        )));
    }
    read(values, report, place, text, family)
}

/// A network.
pub(super) fn network(values: &mut Values, report: &mut Report, text: &str) -> Result<(), Refused> {
    if cut(text, CIDR).is_none() || has_range(text) {
        return Err(report.syntax_error(format_args!("IP/netblock must be supplied: {text}")));
    }
    any(values, report, Place::First, text)
}

/// A network or a range.
pub(super) fn network_or_range(
    values: &mut Values,
    report: &mut Report,
    text: &str,
) -> Result<(), Refused> {
    if !has_range(text) && cut(text, CIDR).is_none() {
        return Err(report.syntax_error(format_args!(
            "IP/cidr or IP-IP range must be specified: {text}"
        )));
    }
    any(values, report, Place::First, text)
}

/// How many of the first bits of an address count.
pub(super) fn netmask(values: &mut Values, report: &mut Report, text: &str) -> Result<(), Refused> {
    refuse_second_mask(values, report, Field::Bitmask)?;
    let most = bits_of(family_of(values));
    let Ok(bits) = prefix(report, text, 1, most) else {
        return Err(report.syntax_error(format_args!(
            "netmask is out of the inclusive range of 1-{most}"
        )));
    };
    values.netmask = Some(bits);
    values.given.insert(Field::Netmask);
    Ok(())
}

/// Which bits of an address count.
pub(super) fn bitmask(values: &mut Values, report: &mut Report, text: &str) -> Result<(), Refused> {
    refuse_second_mask(values, report, Field::Netmask)?;
    let family = family_of(values);
    read(values, report, Place::Bitmask, text, family).map_err(|_| {
        report.syntax_error(format_args!("bitmask is not valid for family = {family}"))
    })
}

fn refuse_second_mask(values: &Values, report: &mut Report, other: Field) -> Result<(), Refused> {
    if values.has(other) {
        return Err(
            report.syntax_error("bitmask and netmask are mutually exclusive, provide only one")
        );
    }
    Ok(())
}

/// The family of the set; where nothing has been said, it is IPv4 from here on.
fn family_of(values: &mut Values) -> Family {
    if let Some(family @ (Family::Inet | Family::Inet6)) = values.family {
        return family;
    }
    values.family = Some(Family::Inet);
    values.given.insert(Field::Family);
    Family::Inet
}

fn read(
    values: &mut Values,
    report: &mut Report,
    place: Place,
    text: &str,
    family: Family,
) -> Result<(), Refused> {
    let mut last = None;
    let mut first = text;
    if let Some((address, bits)) = cut(text, CIDR) {
        let bits = prefix(report, bits, 0, bits_of(family))?;
        place.set_prefix(values, bits);
        first = address;
    } else if let Some((from, to)) = cut_range(report, text)? {
        (first, last) = (from, Some(to));
    }
    let address = host(values, report, first, family)?;
    place.set_address(values, address);
    if let Some(last) = last {
        let address = host(values, report, last, family)?;
        place.set_end(values, address);
    }
    Ok(())
}

fn prefix(report: &mut Report, text: &str, first: u8, last: u8) -> Result<u8, Refused> {
    let bits = number::byte(report, text)?;
    if !(first..=last).contains(&bits) {
        return Err(report.syntax_error(format_args!("'{text}' is out of range {first}-{last}")));
    }
    Ok(bits)
}

fn host(
    values: &mut Values,
    report: &mut Report,
    text: &str,
    family: Family,
) -> Result<IpAddr, Refused> {
    let name = separator::strip(report, text)?;
    let Some(Host {
        address,
        has_others,
    }) = names::address_of(name, family)
    else {
        let protocol = match family {
            Family::Inet6 => "IPv6",
            _ => "IPv4",
        };
        return Err(report.syntax_error(format_args!(
            "cannot parse {name}: resolving to {protocol} address failed"
        )));
    };
    if has_others {
        values.remarks.push(format!(
            "{name} resolves to multiple addresses: using only the first one returned by the resolver."
        ));
    }
    Ok(address)
}

fn bits_of(family: Family) -> u8 {
    match family {
        Family::Inet6 => 128,
        _ => 32,
    }
}
