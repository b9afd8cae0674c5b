//! `-m conntrack --ctstate`.

use std::fmt;

use super::MatchKind;
use crate::decoding::{Decoder, Fields};
use crate::encoding::{Encoder, Extension, Field, Info};
use crate::packet::{Answer, Facts, Packet, Tracking};
use crate::{BuildError, Family};

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

    /// The state that an xt match asks for, and nothing else, be it as `-m state`.
    pub(crate) fn of_state_match(xt: &Extension) -> Option<Self> {
        let info = Fields(&xt.info);
        let asked = info.u16(MATCH_FLAGS)? & !XT_CONNTRACK_STATE_ALIAS;
        let is_state =
            xt.name == "conntrack" && matches!(xt.revision, 2 | 3) && asked == XT_CONNTRACK_STATE;
        is_state.then(|| Self::of_info(info)).flatten()
    }

    fn of_info(info: Fields<'_>) -> Option<Self> {
        Some(Self {
            state: CtState(info.u16(STATE_MASK)?),
            inverted: info.u16(INVERT_FLAGS)? & XT_CONNTRACK_STATE != 0,
        })
    }

    /// Whether only packets of connections that are known match.
    pub(crate) fn is_for_known_connections(self) -> bool {
        !self.inverted && self.state.is_known_connection()
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

    /// The state of a packet.
    fn of(tracking: Tracking) -> Self {
        match tracking {
            Tracking::New => Self::NEW,
            Tracking::Established => Self::ESTABLISHED,
            Tracking::Invalid => Self::INVALID,
            Tracking::Untracked => Self::UNTRACKED,
        }
    }

    /// The bits that nft loads for a packet.
    pub(crate) fn nft_bits(tracking: Tracking) -> u32 {
        match tracking {
            Tracking::Untracked => NF_CT_STATE_UNTRACKED_BIT,
            tracked => Self::of(tracked).0.into(),
        }
    }

    /// The states behind the bits that nft loads.
    pub(crate) fn of_nft(bits: u32) -> Self {
        let all = [Self::INVALID, Self::ESTABLISHED, Self::RELATED, Self::NEW];
        let common = all
            .into_iter()
            .filter(|state| bits & u32::from(state.0) != 0);
        let untracked = (bits & NF_CT_STATE_UNTRACKED_BIT != 0).then_some(Self::UNTRACKED);
        common.chain(untracked).fold(Self(0), Self::or)
    }

    /// Whether it is none but those of connections that are known.
    pub(crate) fn is_known_connection(self) -> bool {
        self.0 & !(Self::ESTABLISHED.0 | Self::RELATED.0) == 0
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

impl MatchKind for Conntrack {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        write!(
            f,
            "-m conntrack {}--ctstate {} ",
            if self.inverted { "! " } else { "" },
            self.state
        )
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let invert = if self.inverted { XT_CONNTRACK_STATE } else { 0 };
        let info = Info::new()
            .put(MATCH_FLAGS, XT_CONNTRACK_STATE.to_ne_bytes())
            .put(INVERT_FLAGS, invert.to_ne_bytes())
            .put(STATE_MASK, self.state.0.to_ne_bytes())
            .finish();
        encoder.extension("conntrack", 3, info);
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        Self::of_info(decoder.extension("conntrack")?)
    }

    fn ask(&self, packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        let state = CtState::of(packet.state());
        let asked = self.state.0 & state.0 != 0;
        Answer::known(asked, format!("it is {state}")).inverted(self.inverted)
    }
}

/// Fields of struct `xt_conntrack_mtinfo3`, `linux/netfilter/xt_conntrack.h`, 164 bytes, padded;
/// revision 2 has them in the same places.
const SIZE: usize = 168;
const MATCH_FLAGS: Field<SIZE, 2> = Field::at(146);
const INVERT_FLAGS: Field<SIZE, 2> = Field::at(148);
const STATE_MASK: Field<SIZE, 2> = Field::at(150);

/// `linux/netfilter/xt_conntrack.h`; the alias is `-m state`.
const XT_CONNTRACK_STATE: u16 = 1;
const XT_CONNTRACK_STATE_ALIAS: u16 = 1 << 13;
/// `NF_CT_STATE_UNTRACKED_BIT`, `linux/netfilter/nf_conntrack_common.h`.
const NF_CT_STATE_UNTRACKED_BIT: u32 = 1 << 6;

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
