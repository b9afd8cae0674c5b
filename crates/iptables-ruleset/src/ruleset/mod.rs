//! The rules of one table of a family: chains of our own, jumps to them and policies.

mod chain;
pub(crate) mod decode;
mod guest;
mod left_out;
pub(crate) mod requirement;
mod rule;
mod save;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use chain::Chain;
pub use guest::Guest;
pub use left_out::LeftOut;
pub use requirement::Requirement;
pub use rule::Rule;

use crate::model::BuildErrorKind;
use crate::{BuildError, ChainName, Family, Hook, Policy, Table};

/// Our part of one table of a family, of `filter` unless another is named: chains of our own, jumps
/// to them from the built-in chains, and the policies.
///
/// The built-in chains are shared with other programs, so nothing but a jump to a chain of our own
/// can be put into them, and what others put there stays.
///
/// ```
/// use iptables_ruleset::{Family, Hook, Policy, Rule, Ruleset, Target};
/// use iptables_ruleset::match_::{Tcp, Protocol};
///
/// let mut ruleset = Ruleset::new(Family::Ipv4);
/// ruleset.policy(Hook::Input, Policy::Drop).jump(Hook::Input, "WEB".parse()?);
/// ruleset.chain("WEB".parse()?).append(
///     Rule::new(Target::Accept).matching(Protocol::TCP).matching(Tcp::new().destination(443)),
/// );
/// assert_eq!(
///     ruleset.to_iptables_save().to_string(),
///     "*filter\n\
///      :INPUT DROP [0:0]\n\
///      :FORWARD ACCEPT [0:0]\n\
///      :OUTPUT ACCEPT [0:0]\n\
///      :WEB - [0:0]\n\
///      -A INPUT -j WEB\n\
///      -A WEB -p tcp -m tcp --dport 443 -j ACCEPT\n\
///      COMMIT\n",
/// );
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    family: Family,
    table: Table,
    policies: BTreeMap<Hook, Policy>,
    jumps: Vec<(Hook, ChainName)>,
    first: BTreeSet<Hook>,
    chains: BTreeMap<ChainName, Chain>,
    local: BTreeSet<ChainName>,
    guests: Vec<Guest>,
    left_out: Vec<LeftOut>,
}

impl Ruleset {
    /// A ruleset for the `filter` table that changes nothing yet.
    pub fn new(family: Family) -> Self {
        Self::of(Table::Filter, family)
    }

    /// A ruleset for any table that changes nothing yet.
    ///
    /// ```
    /// use iptables_ruleset::{Family, Hook, Rule, Ruleset, Table, Target};
    ///
    /// let mut ruleset = Ruleset::of(Table::Raw, Family::Ipv6);
    /// ruleset.jump(Hook::Prerouting, "EARLY".parse()?);
    /// ruleset.chain("EARLY".parse()?).append(Rule::new(Target::Drop));
    /// assert!(ruleset.to_iptables_save().to_string().starts_with("*raw\n:PREROUTING ACCEPT"));
    /// ruleset.jump(Hook::Input, "EARLY".parse()?);
    /// let error = ruleset.check().unwrap_err();
    /// assert_eq!(error.to_string(), "IPv6 raw ruleset: table raw has no chain INPUT");
    /// # Ok::<(), iptables_ruleset::BuildError>(())
    /// ```
    pub fn of(table: Table, family: Family) -> Self {
        Self {
            family,
            table,
            policies: BTreeMap::new(),
            jumps: Vec::new(),
            first: BTreeSet::new(),
            chains: BTreeMap::new(),
            local: BTreeSet::new(),
            guests: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// The family it is for.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The table it is for.
    pub fn table(&self) -> Table {
        self.table
    }

    /// Sets the policy of a built-in chain. Without this call the policy stays what it is.
    pub fn policy(&mut self, hook: Hook, policy: Policy) -> &mut Self {
        self.policies.insert(hook, policy);
        self
    }

    /// Wants a jump from a built-in chain to a chain of our own. It is appended the first time and
    /// keeps its place after.
    pub fn jump(&mut self, hook: Hook, to: ChainName) -> &mut Self {
        if !self.jumps.contains(&(hook, to.clone())) {
            self.jumps.push((hook, to));
        }
        self
    }

    /// The jumps from `hook` go before all rules of others, and are put back there each time.
    pub fn jump_first(&mut self, hook: Hook) -> &mut Self {
        self.first.insert(hook);
        self
    }

    /// Whether the jumps from `hook` go before all rules of others.
    pub fn is_first(&self, hook: Hook) -> bool {
        self.first.contains(&hook)
    }

    /// Wants packets to come from `hook` to a chain of our own before anybody else decides about
    /// them, by a jump that is the first rule of `host`, a chain that somebody else leads there
    /// first (`DOCKER-USER`). The host is made where it is missing, so that it makes no difference
    /// which of the two programs comes first; as long as `hook` does not jump to it, a jump stands
    /// first in `hook` too. Nothing else in the host is touched.
    ///
    /// ```
    /// use iptables_ruleset::{Family, Hook, Rule, Ruleset, Target};
    ///
    /// let mut ruleset = Ruleset::new(Family::Ipv4);
    /// ruleset.jump_through(Hook::Forward, "DOCKER-USER".parse()?, "MY_BANS".parse()?);
    /// ruleset.chain("MY_BANS".parse()?).append(Rule::new(Target::Return));
    /// let text = ruleset.to_iptables_save().to_string();
    /// assert!(text.contains("-A FORWARD -j MY_BANS\n-A DOCKER-USER -j MY_BANS\n"));
    /// # Ok::<(), iptables_ruleset::BuildError>(())
    /// ```
    pub fn jump_through(&mut self, hook: Hook, host: ChainName, to: ChainName) -> &mut Self {
        let guest = Guest::new(hook, host, to);
        if !self.guests.contains(&guest) {
            self.guests.push(guest);
        }
        self
    }

    /// The jumps to chains of ours that stand in chains of others.
    pub fn guests(&self) -> impl Iterator<Item = &Guest> {
        self.guests.iter()
    }

    /// Wants a chain of ours not to be there, nor a jump to it.
    ///
    /// ```
    /// use iptables_ruleset::{Family, Hook, LeftOut, Ruleset};
    ///
    /// let mut ruleset = Ruleset::new(Family::Ipv4);
    /// ruleset.leave_out(LeftOut::new("MY_OUTPUT".parse()?).opening(Hook::Output));
    /// assert!(!ruleset.to_iptables_save().to_string().contains("MY_OUTPUT"));
    /// # Ok::<(), iptables_ruleset::BuildError>(())
    /// ```
    pub fn leave_out(&mut self, chain: LeftOut) -> &mut Self {
        self.left_out.push(chain);
        self
    }

    /// The chains of ours that shall not be there.
    pub fn left_out(&self) -> impl Iterator<Item = &LeftOut> {
        self.left_out.iter()
    }

    /// The chain of that name, made empty if there is none yet.
    pub fn chain(&mut self, name: ChainName) -> &mut Chain {
        self.chains
            .entry(name.clone())
            .or_insert_with(|| Chain::new(name))
    }

    /// Wants a chain for rules of others, the administrator's for instance, that our rules can jump
    /// to. It is made where it is missing; nothing is ever put into it or taken out. Taking the
    /// ruleset out leaves it where it has rules, or where others jump to it.
    ///
    /// ```
    /// use iptables_ruleset::{Family, Rule, Ruleset};
    ///
    /// let mut ruleset = Ruleset::new(Family::Ipv4);
    /// ruleset.local_chain("MY_OWN".parse()?);
    /// ruleset.chain("IN".parse()?).append(Rule::new("MY_OWN".parse::<iptables_ruleset::ChainName>()?));
    /// assert!(ruleset.check().is_ok());
    /// assert!(ruleset.to_iptables_save().to_string().contains(":MY_OWN - [0:0]\n"));
    /// # Ok::<(), iptables_ruleset::BuildError>(())
    /// ```
    pub fn local_chain(&mut self, name: ChainName) -> &mut Self {
        self.local.insert(name);
        self
    }

    /// The chains for rules of others, sorted by name.
    pub fn local_chains(&self) -> impl Iterator<Item = &ChainName> {
        self.local.iter()
    }

    /// The policy that is wanted for `hook`; `None`: it stays what it is.
    pub fn policy_of(&self, hook: Hook) -> Option<Policy> {
        self.policies.get(&hook).copied()
    }

    /// The chains that `hook` shall jump to, in order.
    pub fn jumps_from(&self, hook: Hook) -> impl Iterator<Item = &ChainName> {
        self.jumps
            .iter()
            .filter(move |(from, _)| *from == hook)
            .map(|(_, to)| to)
    }

    /// The chains of our own, sorted by name, as iptables keeps them.
    pub fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.chains.values()
    }

    /// Whether there is a chain of that name, ours or for rules of others.
    pub fn has_chain(&self, name: &str) -> bool {
        let mut names = self.chains.keys().chain(&self.local);
        names.any(|own| own.as_str() == name)
    }

    /// What `iptables-save -t TABLE` prints once the ruleset is in an otherwise empty kernel, but
    /// for the comments and the packet counters, which are zero here.
    ///
    /// ```
    /// use iptables_ruleset::{Config, Family};
    ///
    /// let ruleset = Config::default().ruleset(Family::Ipv4)?;
    /// let text = ruleset.to_iptables_save().to_string();
    /// assert!(text.contains("-A FIREWALL_INPUT -m set --match-set blacklist src -j LOG_AND_DROP\n"));
    /// # Ok::<(), iptables_ruleset::BuildError>(())
    /// ```
    pub fn to_iptables_save(&self) -> impl fmt::Display + '_ {
        save::Save(self)
    }

    /// Finds what the kernel or `iptables` would refuse, and names the rule.
    ///
    /// # Errors
    /// A match without the protocol it needs or of the other family, a jump to a chain that the
    /// ruleset has not, chains that jump in a circle, rules in a chain that is for others, a chain
    /// that is both wanted and left out, a built-in chain that the table has not, or DROP as a
    /// policy in `nat`.
    pub fn check(&self) -> Result<(), BuildError> {
        self.check_hooks()?;
        if let Some(both) = self
            .local
            .iter()
            .find(|name| self.chains.contains_key(name))
        {
            return Err(self.wrong(format!(
                "chain {both} is for rules of others and has rules of ours"
            )));
        }
        if let Some(both) = self
            .left_out
            .iter()
            .map(LeftOut::name)
            .find(|name| self.has_chain(name.as_str()))
        {
            return Err(self.wrong(format!("chain {both} is in it and left out")));
        }
        for guest in &self.guests {
            let (host, to) = (guest.host(), guest.to());
            if self.has_chain(host.as_str()) {
                return Err(self.wrong(format!("chain {host} is to be somebody else's")));
            }
            if !self.chains.contains_key(to) {
                return Err(self.wrong(format!("{host} jumps to chain {to}, which is not in it")));
            }
        }
        for (hook, to) in &self.jumps {
            if !self.has_chain(to.as_str()) {
                return Err(self.wrong(format!("{hook} jumps to chain {to}, which is not in it")));
            }
        }
        for chain in self.chains() {
            for (number, rule) in (1..).zip(chain.rules()) {
                rule.check(self.family)
                    .and_then(|()| match rule.target().jump() {
                        Some(to) if !self.has_chain(to.as_str()) => {
                            Err(format!("jumps to chain {to}, which is not in the ruleset"))
                        }
                        _ => Ok(()),
                    })
                    .map_err(|reason| BuildErrorKind::Rule {
                        family: self.family,
                        table: self.table,
                        chain: chain.name().to_string(),
                        number,
                        rule: rule.to_iptables_save(self.family).to_string(),
                        reason,
                    })?;
            }
        }
        self.check_circles()
    }

    fn check_hooks(&self) -> Result<(), BuildError> {
        let table = self.table;
        let of_jumps = self.jumps.iter().map(|(hook, _)| *hook);
        let of_guests = self.guests.iter().map(Guest::hook);
        let of_others = self.policies.keys().chain(&self.first).copied();
        let mut hooks = of_jumps.chain(of_guests).chain(of_others);
        if let Some(none) = hooks.find(|hook| !table.hooks().contains(hook)) {
            return Err(self.wrong(format!("table {table} has no chain {none}")));
        }
        let mut policies = self.policies.values();
        if table == Table::Nat && policies.any(|policy| *policy == Policy::Drop) {
            // As iptables says: it sees only the first packet of a connection.
            return Err(self.wrong("table nat is not for filtering".to_owned()));
        }
        Ok(())
    }

    /// Takes away chains that jump to nothing left, until nothing can be taken: what remains goes
    /// round.
    fn check_circles(&self) -> Result<(), BuildError> {
        let mut left: BTreeMap<&ChainName, Vec<&ChainName>> = self
            .chains()
            .map(|chain| {
                (
                    chain.name(),
                    chain
                        .rules()
                        .iter()
                        .filter_map(|rule| rule.target().jump())
                        .collect(),
                )
            })
            .collect();
        loop {
            let before = left.len();
            let names: Vec<&ChainName> = left.keys().copied().collect();
            left.retain(|_, targets| targets.iter().any(|to| names.contains(to)));
            if left.len() == before {
                break;
            }
        }
        match left.keys().next() {
            None => Ok(()),
            Some(chain) => Err(self.wrong(format!("chain {chain} leads to a circle of jumps"))),
        }
    }

    fn wrong(&self, reason: String) -> BuildError {
        BuildErrorKind::Ruleset {
            family: self.family,
            table: self.table,
            reason,
        }
        .into()
    }
}
