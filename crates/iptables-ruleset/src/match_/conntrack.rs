use std::fmt;

use super::Extension;
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Expression, Extension as Xt, Info};
use crate::{BuildError, Family, Rule};

/// `-m conntrack --ctstate`: what connection tracking knows of the packet.
///
/// ```
/// use iptables_ruleset::match_::{Conntrack, CtState};
/// use iptables_ruleset::{Family, Rule, Target};
///
/// let known = Rule::new(Target::Accept).matching(Conntrack::state(CtState::RELATED.or(CtState::ESTABLISHED)));
/// assert_eq!(
///     known.to_iptables_save(Family::Ipv4).to_string(),
///     "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conntrack {
    state: CtState,
    inverted: bool,
}

impl Conntrack {
    /// Packets in one of these states.
    pub fn state(state: CtState) -> Self {
        Self {
            state,
            inverted: false,
        }
    }

    /// Packets in any other state.
    pub fn not_state(state: CtState) -> Self {
        Self {
            state,
            inverted: true,
        }
    }
}

/// States of connection tracking, one or several: `XT_CONNTRACK_STATE`_*,
/// `linux/netfilter/xt_conntrack.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CtState(u16);

impl CtState {
    /// Belongs to no connection and cannot begin one.
    pub const INVALID: Self = Self(1);
    /// Packets have gone both ways.
    pub const ESTABLISHED: Self = Self(2);
    /// Belongs to a connection that another one brought about, an ICMP error for instance.
    pub const RELATED: Self = Self(4);
    /// Begins a connection.
    pub const NEW: Self = Self(8);
    /// Is not tracked.
    pub const UNTRACKED: Self = Self(256);

    /// This state or that.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for CtState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The order of state_print() in extensions/libxt_conntrack.c.
        let names = [
            (Self::INVALID, "INVALID"),
            (Self::NEW, "NEW"),
            (Self::RELATED, "RELATED"),
            (Self::ESTABLISHED, "ESTABLISHED"),
            (Self::UNTRACKED, "UNTRACKED"),
        ];
        let on: Vec<&str> = names
            .into_iter()
            .filter(|(state, _)| self.0 & state.0 != 0)
            .map(|(_, name)| name)
            .collect();
        f.write_str(&on.join(","))
    }
}

impl Extension for Conntrack {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        write!(
            f,
            "-m conntrack {}--ctstate {} ",
            if self.inverted { "! " } else { "" },
            self.state
        )
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        // struct xt_conntrack_mtinfo3, linux/netfilter/xt_conntrack.h; 164 bytes, padded.
        let invert = if self.inverted { XT_CONNTRACK_STATE } else { 0 };
        let info = Info::new(168)
            .put(146, &XT_CONNTRACK_STATE.to_ne_bytes())
            .put(148, &invert.to_ne_bytes())
            .put(150, &self.state.0.to_ne_bytes())
            .finish();
        encoder.push(Expression::Match(Xt {
            name: "conntrack",
            revision: 3,
            info,
        }));
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let info = decoder.extension("conntrack")?;
        Some(Self {
            state: CtState(info.u16(150)?),
            inverted: info.u16(148)? != 0,
        })
    }

    fn check(&self, _rule: &Rule, _family: Family) -> Result<(), String> {
        Ok(())
    }
}

/// `XT_CONNTRACK_STATE`, `linux/netfilter/xt_conntrack.h`.
const XT_CONNTRACK_STATE: u16 = 1;

#[cfg(test)]
mod tests {
    use super::super::testing::{info, text};
    use super::*;

    #[test]
    fn states_print_in_the_order_of_iptables() {
        let known = Conntrack::state(CtState::ESTABLISHED.or(CtState::RELATED));
        assert_eq!(
            text(known, Family::Ipv4),
            "-m conntrack --ctstate RELATED,ESTABLISHED"
        );
        let (name, revision, bytes) = info(known, Family::Ipv4);
        assert_eq!((name, revision, bytes.len()), ("conntrack", 3, 168));
        assert_eq!(bytes[146..152], [1u16, 0, 6].map(u16::to_ne_bytes).concat());

        let tracked = Conntrack::not_state(CtState::INVALID.or(CtState::UNTRACKED));
        assert_eq!(
            text(tracked, Family::Ipv6),
            "-m conntrack ! --ctstate INVALID,UNTRACKED"
        );
        assert_eq!(
            info(tracked, Family::Ipv6).2[146..152],
            [1u16, 1, 0x101].map(u16::to_ne_bytes).concat()
        );
    }
}
