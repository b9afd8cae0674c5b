//! Names for what is a number in the kernel: hosts, protocols, services, types of ICMP messages.

mod host;
mod icmp;
mod protocol;
mod service;

pub(crate) use host::{Host, address_of, name_of};
pub(crate) use icmp::{ICMP, ICMPV6, IcmpNames};
pub(crate) use protocol::Protocols;
pub(crate) use service::port_of;

/// The fields of a line of `/etc/protocols` or `/etc/services`, without its comment.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split('#')
        .next()
        .unwrap_or("")
        .split_ascii_whitespace()
}

/// The text of a file in `/etc`. A machine without the file knows no names.
fn read(path: &str) -> String {
    std::fs::read(path).map_or_else(
        |_| String::new(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}
