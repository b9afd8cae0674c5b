//! `report`: what the log of a span of time holds, for people: when, who, whereto, who was banned and
//! whom the rules would have banned; a page at the terminal, one of HTML, or JSON.

mod banned;
mod gather;
mod html;
mod judged;
mod places;
mod text;
mod write_file;

use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, PoisonError};

use ban_sets::Pardons;
use firewall_log::survey::Split;
use firewall_log::{Protocol, Threshold};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use self::banned::Bans;
use self::gather::Gather;
use self::judged::{JudgedRule, judged};
use self::places::{Place, Places};
use crate::args::ReportArgs;
use crate::clock::{AsOf, Present};
use crate::error::{Fatal, Stop};
use crate::exempt::Exemptions;
use crate::log::{self, Log};
use crate::ours::rules_file;
use crate::progress::Progress;
use crate::scan::{self, LogRead, Reading};
use crate::source::Source;
use crate::status::{DONE, complain};
use crate::words::{as_text, plain};

/// The version of the document's form; fields may be added without a new one.
const VERSION: u32 = 1;

/// Parts that the span is shown in.
const PARTS: usize = 48;

/// All that is told; also the document of `--json`. No text in it steers a terminal.
#[derive(Debug, Serialize)]
struct Overview {
    version: u32,
    #[serde(serialize_with = "as_text")]
    since: Timestamp,
    #[serde(serialize_with = "as_text")]
    until: Timestamp,
    logs: Vec<LogRead>,
    /// Packets of the span.
    packets: Numbers,
    /// Lines of what this host sent, which are in no other number.
    own: u64,
    over_time: Vec<Part>,
    sources: Senders,
    /// IPv4 /24 and IPv6 /64.
    networks: Vec<Sender>,
    ports: Vec<Destination>,
    ports_all: usize,
    protocols: Vec<Named>,
    prefixes: Vec<Named>,
    /// `None` without a database.
    places: Option<Countries>,
    bans: Bans,
    rules: Vec<JudgedRule>,
    #[serde(skip)]
    warnings: Vec<String>,
}

/// Packets by what the firewall did with them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Numbers {
    blocked: u64,
    allowed: u64,
}

/// A part of the span.
#[derive(Debug, Serialize)]
struct Part {
    #[serde(serialize_with = "as_text")]
    begin: Timestamp,
    #[serde(flatten)]
    packets: Numbers,
}

/// Who sent.
#[derive(Debug, Serialize)]
struct Senders {
    all: u64,
    /// Those of them that the log has from before the span, too.
    known: u64,
    exact: bool,
    /// Packets that a source may have which is in no list.
    lacks: u64,
    top: Vec<Sender>,
}

/// A source or a network.
#[derive(Debug, Serialize)]
struct Sender {
    source: Source,
    #[serde(flatten)]
    packets: Numbers,
    /// Packets that may be missing.
    #[serde(skip_serializing_if = "crate::words::is_zero")]
    lacks: u64,
    #[serde(serialize_with = "as_text")]
    first_seen: Timestamp,
    #[serde(serialize_with = "as_text")]
    last_seen: Timestamp,
    /// Whether the log has it from before the span, too.
    known: bool,
    #[serde(flatten)]
    place: Place,
}

/// A destination port.
#[derive(Debug, Serialize)]
struct Destination {
    protocol: String,
    port: u16,
    #[serde(flatten)]
    packets: Numbers,
}

/// Something with a name: a protocol, a prefix, a country.
#[derive(Debug, Serialize)]
struct Named {
    name: String,
    #[serde(flatten)]
    packets: Numbers,
}

/// Where packets came from.
#[derive(Debug, Serialize)]
struct Countries {
    /// All of them; what is not in the database has no name.
    countries: Vec<Named>,
    systems: Vec<Named>,
}

impl From<Split> for Numbers {
    fn from(Split { blocked, allowed }: Split) -> Self {
        Self { blocked, allowed }
    }
}

impl Numbers {
    fn all(self) -> u64 {
        self.blocked.saturating_add(self.allowed)
    }
}

/// Reads and tells.
pub(crate) fn run(args: &ReportArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let places = Places::open(&args.mmdb)?;
    let file = rules_file(args.sets.rules())?.unwrap_or_default();
    let progress = Progress::new(args.json || args.html.is_some());
    let end = end_of(args, &progress)?;
    let present = Present::new(AsOf::At(end));
    let since = SignedDuration::try_from(std::time::Duration::from(args.since));
    let since = since.ok().and_then(|span| end.checked_sub(span).ok());
    let since = since.unwrap_or(Timestamp::MIN);

    let mut warnings = Vec::new();
    let exemptions = Exemptions::of_this_host(&[]).map_err(Fatal::OwnAddresses)?;
    let (exemptions, unprotected) = exemptions.protecting(&file.protect);
    warnings.extend(unprotected);
    let exempt = exemptions.in_networks(&file.rules, None)?;

    let gather = Gather::new(since, &present, places);
    let gather = Arc::new(Mutex::new(gather));
    let mut logs = open(args, &progress)?;
    for log in &mut logs {
        let gather = gather.clone();
        log.each_line(move |_, line| {
            let mut gather = gather.lock().unwrap_or_else(PoisonError::into_inner);
            gather.add(line);
        });
    }
    let thresholds = file
        .rules
        .iter()
        .map(|rule| rule.threshold(&exempt, &Pardons::default()));
    let thresholds: Vec<Threshold> = thresholds.collect();
    let read = scan::read(&file.rules, thresholds, AsOf::At(end), &present, &mut logs);
    progress.finish();
    let (reading, findings) = read?;
    // Each log has its own hand on it.
    drop(logs);
    let Some(gather) = Arc::into_inner(gather) else {
        return Err(io::Error::other("a log is still being read").into());
    };
    let gather = gather.into_inner().unwrap_or_else(PoisonError::into_inner);
    let rules = judged(
        &file.rules,
        &findings,
        &reading,
        &exemptions,
        since,
        args.top,
    )?;
    let bans = Bans::of_kernel(&args.sets, Timestamp::now(), args.top, &present.zone);
    let overview = overview(
        gather,
        reading,
        (since, end),
        (rules, bans),
        warnings,
        args.top,
    );
    match tell(&overview, args, &present, out) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(DONE),
    }
}

/// The instant that the report ends at.
fn end_of(args: &ReportArgs, progress: &Progress) -> Result<Timestamp, Fatal> {
    let present = Present::new(args.as_of);
    if args.as_of != AsOf::LogEnd {
        return Ok(present.instant);
    }
    for path in &args.log.paths {
        // What is no file is gone once it is read.
        if !path.is_file() {
            return Err(Fatal::ReadTwice { path: path.clone() });
        }
    }
    let mut logs = open(args, progress)?;
    let (reading, _) = scan::read(&[], [], AsOf::LogEnd, &present, &mut logs)?;
    progress.finish();
    Ok(reading.as_of)
}

fn open(args: &ReportArgs, progress: &Progress) -> Result<Vec<Log>, Fatal> {
    log::open(&args.log.paths, !args.log.no_rotated, progress)
}

fn overview(
    gather: Gather,
    reading: Reading,
    (since, until): (Timestamp, Timestamp),
    (rules, mut bans): (Vec<JudgedRule>, Bans),
    mut warnings: Vec<String>,
    top: usize,
) -> Overview {
    warnings.extend(reading.warnings);
    let (survey, own, places) = gather.into_parts();
    for ban in &mut bans.latest {
        ban.place = places.of(ban.source.address());
    }
    let senders = |all: Vec<firewall_log::survey::Frequency>| {
        let told = all.into_iter().filter_map(|one| {
            Some(Sender {
                source: Source::new(one.source, one.prefix_length).ok()?,
                packets: one.packets.into(),
                lacks: one.lacks,
                first_seen: one.first_seen.try_into().ok()?,
                last_seen: one.last_seen.try_into().ok()?,
                known: one.known,
                place: places.of(one.source),
            })
        });
        told.collect::<Vec<_>>()
    };
    let number = survey.number_of_sources();
    let protocol = |protocol: Option<Protocol>| {
        protocol.map_or_else(|| "none shown".to_owned(), |protocol| protocol.to_string())
    };
    let named = |name: String, packets: Split| Named {
        name,
        packets: packets.into(),
    };
    let over_time = survey.over_time().filter_map(|(begin, packets)| {
        Some(Part {
            begin: begin.try_into().ok()?,
            packets: packets.into(),
        })
    });
    let ports = survey.ports(top).into_iter();
    let ports = ports.map(|(of, port, packets)| Destination {
        protocol: of.to_string(),
        port,
        packets: packets.into(),
    });
    let protocols = survey.protocols().into_iter();
    let protocols = protocols.map(|(of, packets)| named(protocol(of), packets));
    let prefixes = survey.prefixes().into_iter().take(top);
    let prefixes = prefixes.map(|(prefix, packets)| {
        let prefix = prefix.map(|prefix| plain(prefix.trim_ascii_end()));
        named(prefix.unwrap_or_else(|| "others".to_owned()), packets)
    });
    Overview {
        version: VERSION,
        since,
        until,
        logs: reading.logs,
        packets: survey.packets().into(),
        own,
        over_time: over_time.collect(),
        sources: Senders {
            all: number.all,
            known: number.known,
            exact: number.exact,
            lacks: survey.lacks(),
            top: senders(survey.sources(top)),
        },
        networks: senders(survey.networks(top)),
        ports: ports.collect(),
        ports_all: survey.number_of_ports(),
        protocols: protocols.collect(),
        prefixes: prefixes.collect(),
        places: places.into_countries(top),
        bans,
        rules,
        warnings,
    }
}

fn tell(
    overview: &Overview,
    args: &ReportArgs,
    present: &Present,
    out: &mut impl Write,
) -> io::Result<()> {
    if args.json {
        warn(overview);
        serde_json::to_writer(&mut *out, overview)?;
        writeln!(out)?;
    } else if let Some(path) = &args.html {
        warn(overview);
        let page = html::page(overview, &present.zone);
        if path.as_os_str() == "-" {
            out.write_all(page.as_bytes())?;
        } else {
            let name = plain(path.as_os_str().as_encoded_bytes());
            let written = write_file::write(path, page.as_bytes());
            written.map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
            writeln!(out, "wrote {name}, {} bytes", page.len())?;
        }
    } else {
        text::write(overview, &present.zone, out)?;
    }
    out.flush()
}

fn warn(overview: &Overview) {
    for warning in &overview.warnings {
        complain(&format!("[WARNING] {warning}"));
    }
}
