//! What `explain` found.

use std::fmt::{self, Display, Formatter};

use iptables_ruleset::explain::{
    Added, Ending, Explanation, Holds, LogLine, Packet, Passage, Route, Step, Verdict,
};
use serde::Serialize;

use super::host::{Found, Host, Left};
use super::text;
use crate::report;

/// What becomes of a packet, and why.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// The packet; `None` where nothing could be asked.
    pub(super) packet: Option<PacketReport>,
    /// What becomes of it; `None` where that depends on something.
    pub(super) verdict: Option<&'static str>,
    /// The prefix of the line that is written, where that is sure.
    pub(super) log_prefix: Option<String>,
    /// How it can end; several where it depends on something.
    pub(super) endings: Vec<EndingReport>,
    /// The chains that it comes through, in the kernel's order.
    pub(super) passages: Vec<PassageReport>,
    /// The entries of sets that were found.
    pub(super) entries: Vec<Found>,
    /// What is left of limits that were asked.
    pub(super) limits: Vec<Left>,
}

impl report::Report for Report {
    const COMMAND: &'static str = "explain";
    const TEXT_IS_WANTED: bool = true;
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        text::write(self, f)
    }
}

/// The packet that was asked about.
#[derive(Debug, Serialize)]
pub(super) struct PacketReport {
    /// In words.
    pub(super) words: String,
    source: String,
    destination: Option<String>,
    in_interface: Option<String>,
    /// Its number.
    protocol: Option<u8>,
    port: Option<u16>,
    icmp_type: Option<u8>,
    /// Whether it is for another host.
    forwarded: bool,
    /// Whether this host sends it.
    sent: bool,
    out_interface: Option<String>,
    /// When it comes.
    time: Option<String>,
}

/// A way that it can end.
#[derive(Debug, Serialize)]
pub(super) struct EndingReport {
    /// What becomes of the packet.
    pub(super) verdict: &'static str,
    /// The lines that are written.
    pub(super) logged: Vec<LogReport>,
    /// The sets that its source goes into.
    pub(super) added: Vec<AddedReport>,
    /// The chain that it ends in.
    pub(super) place: String,
    /// The rule that says so; `None` for the policy.
    pub(super) by: Option<RuleReport>,
    /// The rules that have to match for it, of those of which that is not known.
    #[serde(rename = "if")]
    pub(super) conditions: Vec<RuleReport>,
}

/// A line that is written.
#[derive(Debug, Serialize)]
pub(super) struct LogReport {
    /// What it begins with.
    pub(super) prefix: String,
    /// Whether it is written for sure.
    pub(super) certain: bool,
}

/// A set that its source goes into.
#[derive(Debug, Serialize)]
pub(super) struct AddedReport {
    /// Its name.
    pub(super) set: String,
    /// Whether it goes there for sure.
    pub(super) certain: bool,
}

/// A rule.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RuleReport {
    /// Its chain.
    pub(super) chain: String,
    /// Its number, from 1.
    pub(super) number: usize,
    /// As iptables-save prints it behind `-A CHAIN`.
    pub(super) rule: String,
    /// In few words.
    #[serde(skip)]
    pub(super) words: String,
    /// Why, or on what it depends.
    pub(super) because: String,
}

/// A chain that the packet comes through.
#[derive(Debug, Serialize)]
pub(super) struct PassageReport {
    family: &'static str,
    table: String,
    chain: String,
    hook: &'static str,
    priority: i32,
    /// In words.
    #[serde(skip)]
    pub(super) words: String,
    /// What becomes of the packet there; `None` where that depends on something.
    pub(super) verdict: Option<&'static str>,
    /// The rules that were asked.
    pub(super) steps: Vec<StepReport>,
}

/// A rule that was asked.
#[derive(Debug, Serialize)]
pub(super) struct StepReport {
    pub(super) chain: String,
    pub(super) number: usize,
    pub(super) depth: usize,
    pub(super) rule: String,
    /// In few words.
    #[serde(skip)]
    pub(super) words: String,
    /// Whether the packet matches: yes, no, perhaps.
    pub(super) matches: &'static str,
    pub(super) asked: Vec<AskedReport>,
}

/// What a rule asked, and the answer.
#[derive(Debug, Serialize)]
pub(super) struct AskedReport {
    pub(super) what: String,
    /// yes, no, perhaps.
    pub(super) answer: &'static str,
    pub(super) because: String,
}

impl Report {
    pub(super) fn new(packet: &Packet, route: &Route, host: Host) -> Self {
        let endings: Vec<EndingReport> = route
            .endings
            .iter()
            .filter_map(|(at, ending)| {
                let passage = route.passages.get(*at)?;
                Some(EndingReport::new(passage, ending))
            })
            .collect();
        let (entries, limits) = host.into_findings();
        Self {
            packet: Some(PacketReport::new(packet)),
            verdict: route.verdict().map(verdict),
            log_prefix: sure_prefix(route),
            endings,
            passages: route.passages.iter().map(PassageReport::new).collect(),
            entries,
            limits,
        }
    }
}

/// The prefix of the one line that all endings write.
fn sure_prefix(route: &Route) -> Option<String> {
    let line = |ending: &Ending| match ending.logged.as_slice() {
        [
            LogLine {
                prefix,
                certain: true,
                ..
            },
        ] => Some(prefix.clone()),
        _ => None,
    };
    let mut lines = route.endings.iter().map(|(_, ending)| line(ending));
    let first = lines.next().flatten()?;
    lines
        .all(|other| other.as_ref() == Some(&first))
        .then_some(first)
}

impl PacketReport {
    fn new(packet: &Packet) -> Self {
        Self {
            words: packet.to_string(),
            source: packet.source().to_string(),
            destination: packet.destination().map(|address| address.to_string()),
            in_interface: packet.in_interface().map(str::to_owned),
            protocol: packet.protocol_number(),
            port: packet.destination_port(),
            icmp_type: packet.icmp_type().map(|(kind, _)| kind),
            forwarded: packet.is_passed_on(),
            sent: packet.is_sent(),
            out_interface: packet.out_interface().map(str::to_owned),
            time: packet.time().map(|time| time.to_string()),
        }
    }
}

impl EndingReport {
    fn new(passage: &Passage, ending: &Ending) -> Self {
        let explanation = &passage.explanation;
        let rule = |at: &usize| explanation.steps.get(*at).map(RuleReport::new);
        let by = explanation.deciding(ending).map(RuleReport::new);
        let conditions = ending.if_matched.iter().filter_map(rule);
        Self {
            verdict: verdict(ending.verdict),
            logged: ending.logged.iter().map(LogReport::new).collect(),
            added: ending.added.iter().map(AddedReport::new).collect(),
            place: words(passage),
            conditions: conditions.collect(),
            by,
        }
    }
}

impl LogReport {
    fn new(line: &LogLine) -> Self {
        Self {
            prefix: line.prefix.clone(),
            certain: line.certain,
        }
    }
}

impl AddedReport {
    fn new(added: &Added) -> Self {
        Self {
            set: added.set.clone(),
            certain: added.certain,
        }
    }
}

impl RuleReport {
    fn new(step: &Step) -> Self {
        Self {
            chain: step.chain.clone(),
            number: step.number,
            rule: step.rule.clone(),
            words: in_short(step),
            because: because(step),
        }
    }
}

/// A rule without the long options of limits.
fn in_short(step: &Step) -> String {
    let asked = step.asked.iter().map(|asked| asked.what.as_str());
    let words: Vec<&str> = asked.chain([step.target.as_str()]).collect();
    words.join(" ")
}

/// What the answer of a rule is due to.
fn because(step: &Step) -> String {
    let counts = |holds: Holds| match step.holds {
        Holds::Perhaps => holds == Holds::Perhaps,
        _ => true,
    };
    let mut said: Vec<&str> = Vec::new();
    for asked in &step.asked {
        let why = asked.answer.because.as_str();
        if counts(asked.answer.holds) && !why.is_empty() && !said.contains(&why) {
            said.push(why);
        }
    }
    said.join(", ")
}

impl PassageReport {
    fn new(passage: &Passage) -> Self {
        let Explanation { steps, .. } = &passage.explanation;
        let place = &passage.place;
        Self {
            family: place.family,
            table: place.table.clone(),
            chain: place.chain.clone(),
            hook: place.hook,
            priority: place.priority,
            words: words(passage),
            verdict: passage.explanation.verdict().map(verdict),
            steps: steps.iter().map(StepReport::new).collect(),
        }
    }
}

impl StepReport {
    fn new(step: &Step) -> Self {
        let asked = |one: &iptables_ruleset::explain::Asked| AskedReport {
            what: one.what.clone(),
            answer: answer(one.answer.holds),
            because: one.answer.because.clone(),
        };
        Self {
            chain: step.chain.clone(),
            number: step.number,
            depth: step.depth,
            rule: step.rule.clone(),
            words: in_short(step),
            matches: answer(step.holds),
            asked: step.asked.iter().map(asked).collect(),
        }
    }
}

/// `INPUT of table ip filter`.
fn words(passage: &Passage) -> String {
    let place = &passage.place;
    format!("{} of table {} {}", place.chain, place.family, place.table)
}

fn answer(holds: Holds) -> &'static str {
    match holds {
        Holds::Yes => YES,
        Holds::No => NO,
        Holds::Perhaps => PERHAPS,
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "accepted",
        Verdict::Drop => "dropped",
        Verdict::Reject => "rejected",
        Verdict::Queue => "handed to a program",
        Verdict::Redirect => "passed on to another destination",
        _ => "undecided",
    }
}

pub(super) const YES: &str = "yes";
pub(super) const NO: &str = "no";
pub(super) const PERHAPS: &str = "perhaps";
