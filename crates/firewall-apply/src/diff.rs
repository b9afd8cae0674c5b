//! `diff`: the kernel against the configuration.

use std::cell::RefCell;
use std::fmt::{self, Display, Formatter};

use ipset_netlink::address_list::AddressList;
use ipset_netlink::text::Style;
use ipset_netlink::{CreateSet, IpSet, SetName};
use iptables_ruleset::{DiffLine, Kernel as _, Nftables, Ruleset, Side, Snapshot};
use serde::Serialize;

use crate::config::{Source, Wanted};
use crate::configured::ConfiguredSet;
use crate::findings::{Findings, causes, refusal};
use crate::lists::{Contents, Planned};
use crate::report;
use crate::rules::{family_name, place};
use crate::sets::as_configured;

/// What differs.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The configuration.
    pub(crate) config: Source,
    /// The sets that differ.
    pub(crate) sets: Vec<SetDiff>,
    /// The sets of lists that have other members than the files say.
    pub(crate) lists: Vec<ListDiff>,
    /// The tables of the families whose rules differ.
    pub(crate) families: Vec<FamilyDiff>,
}

impl report::Report for Report {
    const COMMAND: &'static str = "diff";
    const TEXT_IS_WANTED: bool = true;
}

/// A set that is missing or otherwise than wanted.
#[derive(Debug, Serialize)]
pub(crate) struct SetDiff {
    /// Its name.
    pub(crate) name: String,
    /// What the kernel has, as a line of `ipset save`; null when it has none.
    pub(crate) kernel: Option<String>,
    /// What is wanted, in the same form.
    pub(crate) wanted: String,
}

/// A set of a list with other members than its files say.
#[derive(Debug, Serialize)]
pub(crate) struct ListDiff {
    /// Its name.
    pub(crate) set: String,
    /// Networks that are in it and not in the files.
    pub(crate) kernel: u64,
    /// Networks that are in the files and not in it.
    pub(crate) wanted: u64,
    /// The first of both, as `ipset save` writes them, behind `-` and `+`.
    pub(crate) lines: Vec<String>,
}

/// The rules of a table that differ.
#[derive(Debug, Serialize)]
pub(crate) struct FamilyDiff {
    /// `inet` or `inet6`.
    pub(crate) family: &'static str,
    /// The table.
    pub(crate) table: &'static str,
    /// As people call the two: `IPv4`, `IPv4 raw`.
    #[serde(skip)]
    pub(crate) place: String,
    /// The lines that only one of the two has.
    pub(crate) lines: Vec<OneSided>,
    /// All lines, those that are the same among them.
    #[serde(skip)]
    pub(crate) all: Vec<DiffLine>,
}

/// A line that only one of the two has.
#[derive(Debug, Serialize)]
pub(crate) struct OneSided {
    /// `kernel` has it, or it is `wanted`.
    pub(crate) side: &'static str,
    /// The chain that it is about.
    pub(crate) chain: String,
    /// Which rule of the chain it is there, from 1; null for a policy or a chain.
    pub(crate) number: Option<usize>,
    /// The line as iptables-save prints it.
    pub(crate) line: String,
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, set) in (0..).zip(&self.sets) {
            if number == 0 {
                writeln!(f, "# sets")?;
            }
            if let Some(kernel) = &set.kernel {
                writeln!(f, "-{kernel}")?;
            }
            writeln!(f, "+{}", set.wanted)?;
        }
        for (number, list) in (0..).zip(&self.lists) {
            if number == 0 {
                writeln!(f, "# lists")?;
            }
            for line in &list.lines {
                writeln!(f, "{line}")?;
            }
            let (out, put_in) = (list.kernel, list.wanted);
            writeln!(f, "# set {}: {out} out, {put_in} in", list.set)?;
        }
        for family in &self.families {
            writeln!(f, "# {}", family.place)?;
            let all = &family.all;
            let mut before: Option<(usize, &DiffLine)> = None;
            for (at, line) in all.iter().enumerate().filter(|(at, _)| is_shown(all, *at)) {
                let left_out =
                    |(last, other): (usize, &DiffLine)| other.chain == line.chain && last + 1 < at;
                if before.is_some_and(left_out) {
                    writeln!(f, "...")?;
                }
                writeln!(f, "{}{}", mark(line.side), line.line)?;
                before = Some((at, line));
            }
        }
        Ok(())
    }
}

fn mark(side: Side) -> char {
    match side {
        Side::Kernel => '-',
        Side::Both => ' ',
        Side::Wanted => '+',
    }
}

/// A line that differs is shown, and its neighbours in the same chain, by which its place is seen.
fn is_shown(all: &[DiffLine], at: usize) -> bool {
    let differs = |line: &&DiffLine| line.side != Side::Both;
    let Some(line) = all.get(at) else {
        return false;
    };
    let near = at.saturating_sub(NEIGHBOURS)..=at.saturating_add(NEIGHBOURS);
    differs(&line)
        || near
            .filter_map(|other| all.get(other))
            .filter(differs)
            .any(|other| other.chain == line.chain && other.number.is_some())
}

/// How many networks of a list are shown that are to be taken out, and that are to be put in.
const SHOWN: usize = 10;
/// How many lines before and after one that differs are shown.
const NEIGHBOURS: usize = 1;

/// Compares the kernel with the configuration; where they cannot be compared errors say why.
pub(crate) fn run(config: Source, wanted: Option<&Wanted>, findings: &mut Findings) -> Report {
    let mut report = Report {
        config,
        sets: Vec::new(),
        lists: Vec::new(),
        families: Vec::new(),
    };
    let Some(wanted) = wanted else { return report };
    match compare(wanted, findings) {
        Ok(Compared {
            sets,
            lists,
            families,
        }) => {
            if !sets.is_empty() || !lists.is_empty() || !families.is_empty() {
                findings.differs();
            }
            report.sets = sets;
            report.lists = lists;
            report.families = families;
        }
        Err(why) => findings.refuse(why),
    }
    report
}

/// What was found to differ.
struct Compared {
    sets: Vec<SetDiff>,
    lists: Vec<ListDiff>,
    families: Vec<FamilyDiff>,
}

fn compare(wanted: &Wanted, findings: &mut Findings) -> Result<Compared, String> {
    let mut sets = IpSet::connect().map_err(|error| causes(&error))?;
    let mut of_sets = Vec::new();
    for set in &wanted.sets {
        of_sets.extend(compare_set(&mut sets, set)?);
    }
    let of_lists = compare_lists(&mut sets, wanted, findings);
    let tables = Nftables::connect().and_then(|mut nftables| nftables.snapshot());
    let tables = tables.map_err(|error| refusal(&error))?;
    Ok(Compared {
        sets: of_sets,
        lists: of_lists,
        families: compare_rules(wanted, &tables, sets),
    })
}

fn compare_set(kernel: &mut IpSet, wanted: &ConfiguredSet) -> Result<Option<SetDiff>, String> {
    let name = wanted.name().to_string();
    match kernel.header(wanted.name()) {
        Ok(found) => {
            let configured = line(&as_configured(wanted, &found));
            let there = line(&CreateSet::from(&found));
            Ok((configured != there).then_some(SetDiff {
                name,
                kernel: Some(there),
                wanted: configured,
            }))
        }
        Err(error) if error.is_set_not_found() => Ok(Some(SetDiff {
            name,
            kernel: None,
            wanted: line(&wanted.create),
        })),
        Err(error) => Err(causes(&error)),
    }
}

fn compare_lists(kernel: &mut IpSet, wanted: &Wanted, findings: &mut Findings) -> Vec<ListDiff> {
    let contents = Contents::read(&wanted.lists, findings);
    let mut differ = Vec::new();
    for planned in Planned::all(kernel, &contents, wanted, false, findings) {
        for set in &planned.sets {
            let Some((found, files)) = set.change() else {
                continue;
            };
            let out = found.addresses.without(files);
            let put_in = files.without(&found.addresses);
            let name = set.name.as_str();
            let lines = |sign: char, list: &AddressList| {
                let networks = list.networks(set.family).take(SHOWN);
                networks
                    .map(|network| format!("{sign}add {name} {network}"))
                    .collect::<Vec<_>>()
            };
            differ.push(ListDiff {
                set: name.to_owned(),
                kernel: out.networks(set.family).count() as u64,
                wanted: put_in.networks(set.family).count() as u64,
                lines: [lines('-', &out), lines('+', &put_in)].concat(),
            });
        }
    }
    differ
}

/// The `create` line of a set, without what the kernel chooses as the set grows.
fn line(set: &CreateSet) -> String {
    let mut set = set.clone();
    set.options.hash_size = None;
    set.options.bucket_size = None;
    set.options.initial_value = None;
    let mut text = Vec::new();
    Style::default().create(&mut text, &set);
    String::from_utf8_lossy(&text).into_owned()
}

fn compare_rules(wanted: &Wanted, tables: &Snapshot, sets: IpSet) -> Vec<FamilyDiff> {
    let sets = RefCell::new(sets);
    // Also of sets that are not ours: somebody put such a rule there.
    let set_name = |index| {
        let found = sets.borrow_mut().name_of(index).ok();
        found.map(|name: SetName| name.to_string())
    };
    let mut families = Vec::new();
    let mut note = |ruleset: &Ruleset, all: Vec<DiffLine>| {
        let lines: Vec<OneSided> = all.iter().filter_map(one_sided).collect();
        if !lines.is_empty() {
            families.push(FamilyDiff {
                family: family_name(ruleset.family()),
                table: ruleset.table().name(),
                place: place(ruleset),
                lines,
                all,
            });
        }
    };
    for ruleset in &wanted.rulesets {
        note(ruleset, tables.diff(ruleset, set_name));
    }
    for ruleset in &wanted.unwanted {
        note(ruleset, tables.leftovers(ruleset, set_name));
    }
    families
}

fn one_sided(line: &DiffLine) -> Option<OneSided> {
    let side = match line.side {
        Side::Kernel => "kernel",
        Side::Wanted => "wanted",
        Side::Both => return None,
    };
    Some(OneSided {
        side,
        chain: line.chain.clone(),
        number: line.number,
        line: line.line.clone(),
    })
}
