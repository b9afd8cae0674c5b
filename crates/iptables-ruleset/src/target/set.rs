//! `-j SET`.

use std::fmt;
use std::time::Duration;

use crate::decoding::Fields;
use crate::encoding::{Encoder, Expression, Extension, Field, Info};
use crate::model::{Dimensions, Direction};
use crate::{BuildError, SetName};

/// `-j SET`: the packet's address goes into an ipset, or out of it; then the next rule.
///
/// ```
/// use std::time::Duration;
///
/// use iptables_ruleset::match_::{Direction, Protocol};
/// use iptables_ruleset::target::Set;
/// use iptables_ruleset::{Family, Rule};
///
/// let ban = Set::add("banned".parse()?, Direction::Source).timeout(Duration::from_secs(600))?;
/// let rule = Rule::new(ban).matching(Protocol::TCP);
/// assert_eq!(
///     rule.to_iptables_save(Family::Ipv4).to_string(),
///     "-p tcp -j SET --add-set banned src --timeout 600",
/// );
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
///
/// **Into a `hash:net` goes a network.** The kernel adds with the longest prefix that is in the set
/// already: the /24 around the address, where the set holds nothing but a /24. Only a set that is
/// empty, or holds a single address, gets a single address. So a set that packets fill is a
/// `hash:ip` without a netmask.
///
/// What cannot be added, because the set is full or the entry is there, changes nothing, and the
/// next rule is asked all the same. The entry has no comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    name: SetName,
    dimensions: Dimensions,
    change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Add { exist: bool, seconds: Option<u32> },
    Delete,
}

impl Set {
    /// The longest time that ipset knows: 2147483 s, which is 24 days.
    pub const MAX_TIMEOUT: Duration = Duration::from_secs(2_147_483);

    /// `--add-set`: what `direction` says of the packet goes into the set. An entry that is there
    /// stays as it is.
    pub fn add(name: SetName, direction: Direction) -> Self {
        let change = Change::Add {
            exist: false,
            seconds: None,
        };
        Self::new(name, direction, change)
    }

    /// `--del-set`: what `direction` says of the packet goes out of the set.
    pub fn delete(name: SetName, direction: Direction) -> Self {
        Self::new(name, direction, Change::Delete)
    }

    /// The next dimension of the set's elements too, the port of `hash:ip,port` for instance: at
    /// most 6 in all.
    pub fn and(mut self, direction: Direction) -> Self {
        self.dimensions.push(direction);
        self
    }

    /// `--exist`: an entry that is there gets the timeout anew, also where that ends it sooner.
    /// Without effect on [`delete`](Self::delete).
    pub fn exist(mut self) -> Self {
        if let Change::Add { exist, .. } = &mut self.change {
            *exist = true;
        }
        self
    }

    /// `--timeout`: how long the entry stays, in whole seconds, zero for ever; without it the set's
    /// default. Without effect on [`delete`](Self::delete).
    ///
    /// # Errors
    /// When it is longer than [`MAX_TIMEOUT`](Self::MAX_TIMEOUT), or no whole number of seconds.
    pub fn timeout(mut self, timeout: Duration) -> Result<Self, BuildError> {
        let whole = u32::try_from(timeout.as_secs()).ok();
        let whole = whole.filter(|_| timeout <= Self::MAX_TIMEOUT && timeout.subsec_nanos() == 0);
        if whole.is_none() {
            let reason = format!(
                "must be whole seconds, at most {}",
                Self::MAX_TIMEOUT.as_secs()
            );
            return Err(BuildError::value("timeout", format!("{timeout:?}"), reason));
        }
        if let Change::Add { seconds, .. } = &mut self.change {
            *seconds = whole;
        }
        Ok(self)
    }

    /// The set's name.
    pub fn name(&self) -> &SetName {
        &self.name
    }

    /// Whether the address goes into the set.
    pub fn adds(&self) -> bool {
        matches!(self.change, Change::Add { .. })
    }

    fn new(name: SetName, direction: Direction, change: Change) -> Self {
        Self {
            name,
            dimensions: Dimensions::new(direction),
            change,
        }
    }

    pub(super) fn save(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name, dimensions, ..
        } = self;
        match self.change {
            Change::Delete => write!(f, "-j SET --del-set {name} {dimensions}"),
            Change::Add { exist, seconds } => {
                write!(f, "-j SET --add-set {name} {dimensions}")?;
                if exist {
                    f.write_str(" --exist")?;
                }
                match seconds {
                    Some(seconds) => write!(f, " --timeout {seconds}"),
                    None => Ok(()),
                }
            }
        }
    }

    pub(super) fn encode(&self, encoder: &mut Encoder<'_>) -> Result<Expression, BuildError> {
        let index = encoder.set_index(self.name.as_str())?;
        Ok(self.with_index(index))
    }

    fn with_index(&self, index: u16) -> Expression {
        let (of_set, exist, seconds) = match self.change {
            Change::Add { exist, seconds } => (ADDED, exist, seconds),
            Change::Delete => (DELETED, false, None),
        };
        let [number, directions] = self.dimensions.encode();
        let flags = if exist { IPSET_FLAG_EXIST } else { 0 };
        let [a, b] = index.to_ne_bytes();
        let info = [ADDED, DELETED, MAPPED]
            .into_iter()
            .fold(Info::new(), |info, field| info.put(field, NO_SET))
            .put(of_set, [a, b, number, directions])
            .put(FLAGS, flags.to_ne_bytes())
            .put(TIMEOUT, seconds.unwrap_or(NO_TIMEOUT).to_ne_bytes());
        Expression::Target(Extension {
            name: "SET",
            revision: 3,
            info: info.finish(),
        })
    }

    pub(super) fn decode(
        expression: &Expression,
        set_name: &dyn Fn(u16) -> Option<String>,
    ) -> Option<Self> {
        let Expression::Target(Extension {
            name: "SET", info, ..
        }) = expression
        else {
            return None;
        };
        let fields = Fields(info);
        let seconds = fields.u32(TIMEOUT)?;
        let (of_set, change) = if *fields.bytes(ADDED)? == NO_SET {
            (DELETED, Change::Delete)
        } else {
            let exist = fields.u32(FLAGS)? & IPSET_FLAG_EXIST != 0;
            let seconds = (seconds != NO_TIMEOUT).then_some(seconds);
            (ADDED, Change::Add { exist, seconds })
        };
        let [a, b, number, directions] = *fields.bytes(of_set)?;
        let index = u16::from_ne_bytes([a, b]);
        let found = Self {
            name: set_name(index)?.parse().ok()?,
            dimensions: Dimensions::decode([number, directions])?,
            change,
        };
        // Two sets in one rule, and what else iptables can say, are kept as they are.
        (found.with_index(index) == *expression).then_some(found)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.dimensions.check()
    }
}

/// Fields of struct `xt_set_info_target_v3`, `linux/netfilter/xt_set.h`: three of struct
/// `xt_set_info`, flags, and seconds.
const SIZE: usize = 24;
const ADDED: Field<SIZE, 4> = Field::at(0);
const DELETED: Field<SIZE, 4> = Field::at(4);
const MAPPED: Field<SIZE, 4> = Field::at(8);
const FLAGS: Field<SIZE, 4> = Field::at(12);
const TIMEOUT: Field<SIZE, 4> = Field::at(16);
/// `IPSET_INVALID_ID`, `linux/netfilter/ipset/ip_set.h`, no dimension, no direction.
const NO_SET: [u8; 4] = [0xff, 0xff, 0, 0];
/// `linux/netfilter/ipset/ip_set.h`.
const IPSET_FLAG_EXIST: u32 = 1;
/// What `extensions/libxt_SET.c` says for none.
const NO_TIMEOUT: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, Rule, Target};

    fn name(name: &str) -> SetName {
        name.parse().unwrap()
    }

    fn hex(set: &Set) -> String {
        let Expression::Target(xt) = set.with_index(7) else {
            panic!("not a target")
        };
        assert_eq!((xt.name, xt.revision), ("SET", 3));
        let byte = |byte: &u8| format!("{byte:02x}");
        xt.info.iter().map(byte).collect()
    }

    /// The structures of iptables 1.8.9: `iptables -A INPUT -j SET --add-set banned src --exist
    /// --timeout 600` and the like, where the set has the index 7.
    #[test]
    fn the_structure_is_the_one_of_iptables() {
        let add = || Set::add(name("banned"), Direction::Source);
        for (set, text, bytes) in [
            (
                add(),
                "--add-set banned src",
                "07000102ffff0000ffff000000000000ffffffff00000000",
            ),
            (
                add().exist().timeout(Duration::from_secs(600)).unwrap(),
                "--add-set banned src --exist --timeout 600",
                "07000102ffff0000ffff0000010000005802000000000000",
            ),
            (
                Set::delete(name("banned"), Direction::Source).and(Direction::Destination),
                "--del-set banned src,dst",
                "ffff000007000202ffff000000000000ffffffff00000000",
            ),
        ] {
            assert_eq!(hex(&set), bytes, "{text}");
            let read = Set::decode(&set.with_index(7), &|_| Some("banned".to_owned()));
            assert_eq!(read, Some(set.clone()));
            let rule = Rule::new(set);
            let saved = rule.to_iptables_save(Family::Ipv6).to_string();
            assert_eq!(saved, format!("-j SET {text}"));
        }
        // Of a set that is gone the rule keeps its bytes.
        let unknown = Target::decode(&add().with_index(7), Family::Ipv4, &|_| None);
        assert!(matches!(unknown, Target::Other(_)), "{unknown:?}");
    }

    #[test]
    fn what_no_set_can_keep_is_refused() {
        let add = || Set::add(name("banned"), Direction::Source);
        for (milliseconds, is_good) in [
            (0, true),
            (2_147_483_000, true),
            (2_147_484_000, false),
            (1500, false),
        ] {
            let timeout = add().timeout(Duration::from_millis(milliseconds));
            assert_eq!(timeout.is_ok(), is_good, "{milliseconds} ms");
        }
        let many = (0..6).fold(add(), |set, _| set.and(Direction::Destination));
        assert!(Rule::new(many).check(Family::Ipv4).is_err());
    }
}
