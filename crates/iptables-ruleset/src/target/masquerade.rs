//! `-j MASQUERADE`.

use crate::Family;
use crate::encoding::{Expression, Extension, Field, Info};

/// The expression of `-j MASQUERADE`: no option is set.
pub(super) fn encode(family: Family) -> Expression {
    let info = match family {
        Family::Ipv4 => Info::new().put(RANGE_SIZE, 1u32.to_ne_bytes()).finish(),
        Family::Ipv6 => Info::<NF_NAT_RANGE>::new().finish(),
    };
    Expression::Target(Extension {
        name: "MASQUERADE",
        revision: 0,
        info,
    })
}

/// `linux/netfilter/nf_nat.h`: struct `nf_nat_ipv4_multi_range_compat` of one range, and the size of
/// struct `nf_nat_range`.
const RANGE_SIZE: Field<24, 4> = Field::at(0);
const NF_NAT_RANGE: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Target;

    /// The structures of iptables 1.8.9: `iptables -t nat -A POSTROUTING -j MASQUERADE`.
    #[test]
    fn the_structure_is_the_one_of_iptables() {
        for (family, bytes) in [
            (Family::Ipv4, [&[1][..], &[0; 23]].concat()),
            (Family::Ipv6, vec![0; 40]),
        ] {
            let Expression::Target(xt) = encode(family) else {
                panic!("not a target")
            };
            assert_eq!(xt.info, bytes);
            assert_eq!(
                Target::decode(&encode(family), family, &|_| None),
                Target::Masquerade
            );
        }
    }
}
