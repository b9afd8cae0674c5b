//! What a rule can ask of a packet: one file a match, with the text `iptables-save` prints for it
//! and the expressions that iptables-nft sends for it.

mod address;
mod addrtype;
mod comment;
mod connlimit;
mod conntrack;
mod hashlimit;
mod icmp;
mod interface;
mod iprange;
mod limit;
mod mark;
mod multiport;
mod other;
mod port;
mod protocol;
mod set;
mod socket;
mod tcp;
mod time;
mod udp;

use std::fmt;

pub use address::{Destination, Source};
pub use addrtype::{AddrType, AddrTypes};
pub use comment::Comment;
pub use connlimit::ConnLimit;
pub use conntrack::{Conntrack, CtState};
pub(crate) use hashlimit::DEFAULT_BURST;
pub use hashlimit::HashLimit;
pub use icmp::Icmp;
pub use interface::{InInterface, OutInterface};
pub use iprange::IpRange;
pub use limit::Limit;
pub use mark::Mark;
pub use multiport::Multiport;
pub use other::Other;
pub use protocol::Protocol;
pub use set::{Counter, Set};
pub use socket::Socket;
pub use tcp::{Tcp, TcpFlags};
pub use time::Time;
pub use udp::Udp;

use crate::decoding::Decoder;
use crate::encoding::Encoder;
pub use crate::model::Direction;
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family, PortRange};

/// What every match can do.
pub(crate) trait MatchKind {
    /// What iptables-save prints for it, and a blank.
    fn save(&self, f: &mut fmt::Formatter<'_>, family: Family) -> fmt::Result;

    /// The expressions iptables sends for it.
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError>;

    /// Reads what [`encode`](Self::encode) wrote, if that is what comes next.
    fn decode(decoder: &mut Decoder<'_>) -> Option<Self>
    where
        Self: Sized;

    /// Why it cannot be part of a rule with this `-p`, if so.
    fn check(&self, _protocol: Option<&Protocol>, _family: Family) -> Result<(), String> {
        Ok(())
    }

    /// Whether it is what this packet is like.
    fn ask(&self, _packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        Answer::perhaps("what it asks cannot be told from here")
    }

    /// What iptables-save prints for it, in few words.
    fn short(&self) -> Option<String> {
        None
    }
}

macro_rules! match_kinds {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One condition on a packet.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Match {
            $($(#[$doc])* $name($name),)*
        }

        $(impl From<$name> for Match {
            fn from(one: $name) -> Self {
                Self::$name(one)
            }
        })*

        impl Match {
            fn kind(&self) -> &dyn MatchKind {
                match self {
                    $(Self::$name(one) => one,)*
                }
            }
        }

        /// The match that the next expressions are.
        pub(crate) fn decode(decoder: &mut Decoder<'_>) -> Option<Match> {
            None$(.or_else(|| attempt(decoder, $name::decode)))*
        }
    };
}

match_kinds! {
    /// `-s`: where it comes from.
    Source,
    /// `-d`: where it goes.
    Destination,
    /// `-i`: the interface it came in by.
    InInterface,
    /// `-o`: the interface it leaves by.
    OutInterface,
    /// `-p`: its transport protocol.
    Protocol,
    /// `-m tcp`: ports and flags.
    Tcp,
    /// `-m udp`: ports.
    Udp,
    /// `-m multiport`: one of several ports.
    Multiport,
    /// `-m icmp`, `-m icmp6`: type and code.
    Icmp,
    /// `-m conntrack --ctstate`: what connection tracking knows of it.
    Conntrack,
    /// `-m set`: whether an ipset holds its address.
    Set,
    /// `-m mark`: its firewall mark.
    Mark,
    /// `-m limit`: so many packets, whoever sent them.
    Limit,
    /// `-m hashlimit`: so many packets from each source.
    HashLimit,
    /// `-m connlimit`: so many connections of each source.
    ConnLimit,
    /// `-m addrtype`: what kind of address it comes from or goes to.
    AddrType,
    /// `-m iprange`: an address between two.
    IpRange,
    /// `-m socket`: whether a socket is waiting for it.
    Socket,
    /// `-m time`: when it comes.
    Time,
    /// `-m comment`: matches everything.
    Comment,
    /// What another program asks for and is not known here.
    Other,
}

impl Match {
    /// Whether it is an option of the rule itself, given at most once, in a place of its own.
    pub(crate) fn is_header(&self) -> bool {
        self.text_rank() < LAST
    }

    /// Where iptables-save prints it.
    pub(crate) fn text_rank(&self) -> u8 {
        match self {
            Self::Source(_) => 0,
            Self::Destination(_) => 1,
            Self::InInterface(_) => 2,
            Self::OutInterface(_) => 3,
            Self::Protocol(_) => 4,
            _ => LAST,
        }
    }

    /// Where iptables puts its expressions.
    pub(crate) fn kernel_rank(&self) -> u8 {
        match self {
            Self::InInterface(_) => 0,
            Self::OutInterface(_) => 1,
            Self::Protocol(_) => 2,
            Self::Source(_) => 3,
            Self::Destination(_) => 4,
            _ => LAST,
        }
    }

    pub(crate) fn save(&self, f: &mut fmt::Formatter<'_>, family: Family) -> fmt::Result {
        self.kind().save(f, family)
    }

    /// What iptables-save prints for it.
    pub(crate) fn text(&self, family: Family) -> String {
        struct Text<'a>(&'a Match, Family);
        impl fmt::Display for Text<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.save(f, self.1)
            }
        }
        Text(self, family).to_string().trim_end().to_owned()
    }

    /// What iptables-save prints for it, or less where that is long.
    pub(crate) fn short(&self, family: Family) -> String {
        self.kind().short().unwrap_or_else(|| self.text(family))
    }

    /// Whether it is what this packet is like.
    pub(crate) fn ask(&self, packet: &Packet, facts: &mut dyn Facts) -> Answer {
        self.kind().ask(packet, facts)
    }

    pub(crate) fn check(&self, protocol: Option<&Protocol>, family: Family) -> Result<(), String> {
        self.kind().check(protocol, family)
    }

    pub(crate) fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        self.kind().encode(encoder)
    }

    /// The ports of which a packet has to go to one.
    pub(crate) fn destination_ports(&self) -> Vec<PortRange> {
        match self {
            Self::Tcp(tcp) => tcp.destination_ports(),
            Self::Udp(udp) => udp.destination_ports(),
            Self::Multiport(list) => list.destination_ports(),
            _ => Vec::new(),
        }
    }
}

/// Reads with `decode`, or leaves everything unread: also where what was read is not all there is
/// to say.
fn attempt<M: Into<Match>>(
    decoder: &mut Decoder<'_>,
    decode: impl FnOnce(&mut Decoder<'_>) -> Option<M>,
) -> Option<Match> {
    let mut ahead = *decoder;
    let found = decode(&mut ahead)?.into();
    let read = decoder.read_by(&ahead)?;
    // The kernel's index of a set is not in the match.
    let mut set_index = |_: &str| Ok(set::index(read).unwrap_or_default());
    let mut encoder = Encoder::new(decoder.family, &mut set_index);
    found.encode(&mut encoder).ok()?;
    (encoder.expressions == read).then_some(())?;
    *decoder = ahead;
    Some(found)
}

/// The rank behind everything that has a place of its own.
const LAST: u8 = 5;

#[cfg(test)]
pub(crate) mod testing {
    use crate::encoding::Expression;
    use crate::{Family, Match, Rule, Target};

    /// The text of a rule with this match, without its target.
    pub(crate) fn text(one: impl Into<Match>, family: Family) -> String {
        let rule = Rule::new(Target::Accept).matching(one);
        rule.to_iptables_save(family)
            .to_string()
            .trim_end_matches("-j ACCEPT")
            .trim_end()
            .to_owned()
    }

    /// The expressions of this match alone; every set has the index 7.
    pub(crate) fn expressions(one: impl Into<Match>, family: Family) -> Vec<Expression> {
        let rule = Rule::new(Target::Accept).matching(one);
        let mut expressions = rule
            .encode(family, &mut |_| Ok(7))
            .expect("encodes")
            .expressions;
        expressions.truncate(expressions.len() - 2);
        expressions
    }

    /// The structure of an xt match: its name and revision, and its bytes.
    pub(crate) fn info(one: impl Into<Match>, family: Family) -> (&'static str, u32, Vec<u8>) {
        match expressions(one, family).as_slice() {
            [Expression::Match(xt)] => (xt.name, xt.revision, xt.info.clone()),
            other => panic!("not one xt match: {other:?}"),
        }
    }

    /// Why the match cannot be in a rule with these other matches.
    pub(crate) fn refusal(one: impl Into<Match>, others: Vec<Match>, family: Family) -> String {
        let rule = others
            .into_iter()
            .fold(Rule::new(Target::Accept), Rule::matching);
        rule.matching(one).check(family).expect_err("refused")
    }
}
