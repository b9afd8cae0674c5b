//! What rules need of a kernel that has `nf_tables`.

use std::collections::BTreeSet;
use std::fmt;

use crate::encoding::Expression;
use crate::{BuildError, Chain, Family, Rule, Ruleset};

/// A part of the kernel that rules need and that may be missing: an xtables match or target, or an
/// expression that is a module of its own.
///
/// ```
/// use iptables_ruleset::{Config, Family};
///
/// let ruleset = Config::default().ruleset(Family::Ipv4)?;
/// let needs: Vec<String> = ruleset.requirements()?.iter().map(ToString::to_string).collect();
/// assert!(needs.contains(&"xt match hashlimit, revision 3".to_owned()));
/// assert!(needs.contains(&"xt target LOG, revision 0".to_owned()));
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    family: Family,
    part: Part,
}

/// Which part it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    Match { name: String, revision: u32 },
    Target { name: String, revision: u32 },
    Expression(String),
}

impl Requirement {
    /// The xtables match of this name, `hashlimit`, and revision: the kernel's version number for
    /// its structure.
    pub fn of_match(family: Family, name: &str, revision: u32) -> Self {
        let name = name.to_owned();
        let part = Part::Match { name, revision };
        Self { family, part }
    }

    /// The xtables target of this name, `LOG`, and revision.
    pub fn of_target(family: Family, name: &str, revision: u32) -> Self {
        let name = name.to_owned();
        let part = Part::Target { name, revision };
        Self { family, part }
    }

    /// The `nf_tables` expression of this name: `limit`.
    pub fn of_expression(family: Family, name: &str) -> Self {
        let part = Part::Expression(name.to_owned());
        Self { family, part }
    }

    /// The family that it has to work in.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The module that has it, as `modprobe` and the kernel's packages call it: `xt_hashlimit`. A
    /// kernel may have it built in.
    pub fn module(&self) -> String {
        match &self.part {
            // Their home since 5.11; before, it was ip_tables and ip6_tables.
            Part::Match { name, .. } if matches!(&**name, "icmp" | "icmp6" | "tcp" | "udp") => {
                "xt_tcpudp".to_owned()
            }
            Part::Target { name, .. } if name == "REJECT" => match self.family {
                Family::Ipv4 => "ipt_REJECT".to_owned(),
                Family::Ipv6 => "ip6t_REJECT".to_owned(),
            },
            Part::Target { name, .. } if name == "DNAT" => "xt_nat".to_owned(),
            Part::Target { name, .. } if name == "SET" => "xt_set".to_owned(),
            Part::Match { name, .. } | Part::Target { name, .. } => format!("xt_{name}"),
            Part::Expression(name) => format!("nft_{name}"),
        }
    }

    #[cfg_attr(not(feature = "nft"), expect(dead_code, reason = "nothing is asked"))]
    pub(crate) fn part(&self) -> &Part {
        &self.part
    }
}

/// `xt match hashlimit, revision 3`
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Part::Match { name, revision } => write!(f, "xt match {name}, revision {revision}"),
            Part::Target { name, revision } => write!(f, "xt target {name}, revision {revision}"),
            Part::Expression(name) => write!(f, "expression {name}"),
        }
    }
}

impl Ruleset {
    /// What its rules need of the kernel besides `nf_tables` itself, each once.
    ///
    /// # Errors
    /// When a rule cannot be encoded at all, as [`check`](Self::check) says.
    pub fn requirements(&self) -> Result<BTreeSet<Requirement>, BuildError> {
        let mut found = BTreeSet::new();
        let rules = self.chains().flat_map(Chain::rules);
        for rule in rules {
            note(rule, self.family(), &mut found)?;
        }
        Ok(found)
    }
}

fn note(rule: &Rule, family: Family, found: &mut BTreeSet<Requirement>) -> Result<(), BuildError> {
    // Which set it is makes no difference to what it needs.
    let encoded = rule.encode(family, &mut |_| Ok(0))?;
    found.extend(
        encoded
            .expressions
            .iter()
            .filter_map(|expression| match expression {
                Expression::Match(xt) => Some(Requirement::of_match(family, xt.name, xt.revision)),
                Expression::Target(xt) => {
                    Some(Requirement::of_target(family, xt.name, xt.revision))
                }
                Expression::Limit { .. } => Some(Requirement::of_expression(family, "limit")),
                Expression::Log { .. } => Some(Requirement::of_expression(family, "log")),
                Expression::Counter => Some(Requirement::of_expression(family, "counter")),
                // The others are nf_tables itself.
                _ => None,
            }),
    );
    Ok(())
}
