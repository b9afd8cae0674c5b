//! What `-s` and `-d` share.

use std::fmt;

use crate::encoding::{Encoder, Expression, PayloadBase};
use crate::{Family, Network};

/// `192.0.2.0/25` behind its option; a network that holds every address is left out, as iptables does.
pub(super) fn save(
    f: &mut fmt::Formatter<'_>,
    option: &str,
    network: Network,
    inverted: bool,
) -> fmt::Result {
    if network.prefix_length() == 0 {
        return Ok(());
    }
    write!(f, "{}{option} {network} ", if inverted { "! " } else { "" })
}

pub(super) fn check(network: Network, inverted: bool, family: Family) -> Result<(), String> {
    if network.family() != family {
        return Err(format!("{network} is not an {family} address"));
    }
    if inverted && network.prefix_length() == 0 {
        return Err("\"not any address\" matches nothing".to_owned());
    }
    Ok(())
}

/// Only the bytes that count are loaded when the prefix ends with a byte, so that no mask is needed.
pub(super) fn encode(encoder: &mut Encoder<'_>, offset: u32, network: Network, inverted: bool) {
    let prefix = usize::from(network.prefix_length());
    if prefix == 0 {
        return;
    }
    let mut value = network.octets();
    let whole_bytes = prefix % 8 == 0;
    if whole_bytes {
        value.truncate(prefix / 8);
    }
    let length =
        u32::try_from(value.len()).unwrap_or(u32::from(network.family().address_bits() / 8));
    encoder.push(Expression::Payload {
        base: PayloadBase::Network,
        offset,
        length,
    });
    if !whole_bytes {
        encoder.push(Expression::Mask(network.mask()));
    }
    encoder.push(Expression::Compare {
        inverted,
        data: value,
    });
}
