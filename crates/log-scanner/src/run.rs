//! A run from the first line to the last word: read, decide, fill, report.
//!
//! The rooms of this program, each of which knows only those above it:
//!
//! ```text
//! names   words   duration   source   clock   progress   bouts
//! rule                                             what is wanted
//! reason ◀ offender                                why an entry is in a set; whose past counts
//! error   prefixes                                 what ends a run
//! args                                             the command line
//! log     sets    status                           what is read, what is filled, how it ends
//! exempt                                           who is never banned
//! connected   violation                            whom this host needs; Violator ▶ Ban ▶ Banned
//! handshake   neighbours                           who has proven his address; who shares a network
//! scan ─▶ ban ─▶ cut                               one step each
//! report ◀ record   notice ◀ notify   metrics      text and JSON, and to whom besides
//! share                                            what other hosts may know
//! ours                                             which sets an administrator means
//! run     follow   try     report  events  bans  ban_by_hand  unban  who_is_exempt    the commands
//! ```

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::Instant;

use netfilter_host::conntrack::Conntrack;
use netfilter_host::turn::Turn;

use crate::args::ScanArgs;
use crate::ban::{Banning, Known, Quota, Span, pardons, set_aside};
use crate::clock::Present;
use crate::connected::{Peers, Table};
use crate::error::{Fatal, Stop};
use crate::exempt::Exemptions;
use crate::notice::{Notice, is_notable};
use crate::notify::{LAST, Notifier};
use crate::progress::Progress;
use crate::record::Records;
use crate::report::{self, Report, RuleReport};
use crate::rule::RulesFile;
use crate::scan::{self, Scan};
use crate::sets::Sets;
use crate::share::Share;
use crate::status::{DONE, INCOMPLETE, complain};
use crate::violation::{Ban, Banned, Dropped, Lifted};
use crate::{cut, log, metrics};

/// Scans, bans and reports; the exit status.
pub(crate) fn run(args: &ScanArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let started = Instant::now();
    let present = Present::new(args.as_of);
    let RulesFile {
        rules,
        protect,
        notify_socket,
    } = args.ban.wanted()?;
    let progress = Progress::new(args.json);
    let mut logs = log::open(&args.log.paths, !args.log.no_rotated, &progress)?;
    let (mut sets, troubles) = Sets::open(&rules);
    let dry_run = args.ban.dryrun;
    if !dry_run && !troubles.is_empty() {
        return Err(Fatal::Sets(troubles).into());
    }
    let exemptions = Exemptions::of_this_host(&args.ban.exempt).map_err(Fatal::OwnAddresses)?;
    let (exemptions, unprotected) = exemptions.protecting(&protect);
    let exempt = exemptions.in_networks(&rules, sets.as_mut())?;
    let pardoned_before = pardons(sets.as_mut(), present.now(present.instant))?;
    let scan = scan::run(
        &rules,
        &exempt,
        &pardoned_before,
        args.as_of,
        &present,
        &mut logs,
    );
    progress.finish();
    let Scan {
        as_of,
        logs,
        found,
        warnings: doubts,
    } = scan?;

    let mut counted = Vec::with_capacity(found.len());
    let mut bans = Vec::new();
    for ((rule, number), found) in rules.iter().zip(1..).zip(found) {
        counted.push(found.counted);
        let violators = found.violators.into_iter();
        bans.extend(violators.filter_map(|violator| Ban::new(rule, number, violator, as_of)));
    }
    // From looking what is in the sets until they are filled: the kernel takes the timeout it is
    // given last, which may be the shorter one.
    let turn = (!dry_run).then(Turn::take).transpose();
    let pardoned_by_now = pardons(sets.as_mut(), present.now(present.instant))?;
    let (bans, pardoned) = set_aside(bans, &pardoned_before, &pardoned_by_now);
    let mut banning = Banning {
        sets: sets.as_mut(),
        exemptions: &exemptions,
        pardons: &pardoned_by_now,
        dry_run,
        as_of,
        present: &present,
        quota: &Quota::new(args.ban.max_bans, Span::Run),
        known: Known::Nothing,
    };
    let mut table = Table::new(Peers::of_this_host);
    let mut acted = banning.act(&rules, bans, &mut table)?;
    acted.banned.extend(pardoned);
    let mut warnings: Vec<_> = unprotected.into_iter().collect();
    match turn {
        Ok(turn) => drop(turn),
        Err(error) => warnings.push(format!(
            "filled the sets without waiting any longer, so that the shorter of two bans may stay: {error}"
        )),
    }
    warnings.extend(troubles);
    warnings.extend(acted.warnings);
    warnings.extend(sets.as_mut().map(Sets::fullness).unwrap_or_default());
    let (banned, warning) = cut::act(Conntrack::open, acted.banned, sets.as_mut(), dry_run);
    warnings.extend(warning);
    if !dry_run {
        let (socket, lifted) = (notify_socket.as_deref(), &acted.lifted);
        warnings.extend(notify(socket, lifted, &acted.dropped, &banned));
        let mut share = Share::new(args.ban.share.as_deref());
        warnings.extend(share.leave(&banned, &[], present.now(as_of)));
    }

    let mut report = Report {
        as_of,
        protect,
        dry_run,
        logs,
        rules: RuleReport::of_each(&rules, counted, banned),
        lifted: acted.lifted,
        dropped: acted.dropped,
        notes: acted.notes,
        doubts,
        troubles: warnings,
    };
    if let Some(file) = &args.metrics.textfile {
        let figures = metrics::write_scan(file, &rules, &report, started.elapsed());
        report.troubles.extend(figures);
    }
    let status = if report.is_complete() {
        DONE
    } else {
        INCOMPLETE
    };
    match tell(&report, args, &present, out) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(status),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(status),
    }
}

/// Tells who listens, and the host's log; what to warn of.
fn notify(
    socket: Option<&Path>,
    lifted: &[Lifted],
    dropped: &[Dropped],
    banned: &[Banned<'_>],
) -> impl Iterator<Item = String> {
    let (mut notifier, mut records) = (Notifier::new(socket), Records::new(LAST));
    for lifted in lifted {
        notifier.tell(&Notice::of_lifted(lifted));
        records.lifted(lifted);
    }
    for dropped in dropped {
        notifier.tell(&Notice::of_dropped(dropped));
        records.dropped(dropped);
    }
    for banned in banned {
        if is_notable(&banned.outcome) {
            notifier.tell(&Notice::of_ban(banned));
            records.ban(banned);
        }
    }
    let warnings = [notifier.end(), records.warning()];
    warnings.into_iter().flatten()
}

fn tell(
    report: &Report<'_>,
    args: &ScanArgs,
    present: &Present,
    out: &mut impl Write,
) -> io::Result<()> {
    if args.json {
        for warning in report.doubts.iter().chain(&report.troubles) {
            complain(&format!("[WARNING] {warning}"));
        }
        report::write_json(report, out)?;
    } else {
        report::write_text(report, &present.zone, args.all, out)?;
    }
    out.flush()
}
