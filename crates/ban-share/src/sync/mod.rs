//! `sync`: tells what is new here, takes in what is new elsewhere, and puts it into the sets.

mod apply;
mod kept;
mod looking;
mod protected;
mod reason;
mod report;

use std::io::Write;
use std::time::SystemTime;

use apply::{Applied, Applying};
use ban_fleet::{ClockState, Node, Outbox, Policy, Record, Time};
use ban_sets::Backend;
use jiff::Timestamp;
use looking::Looking;
use netfilter_host::turn::Turn;
use report::Report;

use crate::args::SyncArgs;
use crate::config::Config;
use crate::error::{Stop, chain};
use crate::valkey::{EngineError, Valkey};
use crate::{DONE, FINDING};

/// One round; 1 where something is not as it should be.
pub(crate) fn run(args: &SyncArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let config = Config::read(&args.config).map_err(|source| Stop::Config {
        path: args.config.clone(),
        source,
    })?;
    let mut report = Report::new(&config, args.dry_run);
    let mut node = kept::read(&config).unwrap_or_else(|lost| {
        report.findings.push(format!(
            "what was known of the fleet is asked for again: state \"{}\": {}",
            config.state.display(),
            chain(&lost)
        ));
        Node::new(config.host.clone())
    });
    let own = own(&config, args.dry_run, &mut report)?;
    let waiting = own.len();
    for record in own {
        node.tell(record);
    }
    match Valkey::connect(&config) {
        Ok(engine) => round(&config, engine, node, args.dry_run, &mut report)?,
        Err(error @ EngineError::Password(_)) => return Err(error.into()),
        Err(error) => report.findings.push(unreachable(&error, waiting)),
    }
    if args.json {
        report.write_json(out)?;
    } else {
        report.write_text(out)?;
    }
    Ok(if report.findings.is_empty() {
        DONE
    } else {
        FINDING
    })
}

fn unreachable(error: &EngineError, waiting: usize) -> String {
    format!("{}; {waiting} records stay in the outbox", chain(error))
}

/// What this host has to tell.
fn own(config: &Config, dry_run: bool, report: &mut Report) -> Result<Vec<Record>, Stop> {
    let now = Time::from(SystemTime::now());
    let outbox = Outbox::new(&config.outbox);
    let contents = outbox.read(now)?;
    if let Some((line, why)) = contents.damage.first.first() {
        report.findings.push(format!(
            "outbox \"{}\": {} lines are no records, the first is line {line}: {why}",
            config.outbox.display(),
            contents.damage.count
        ));
        // It has been said.
        if !dry_run {
            outbox.prune(now)?;
        }
    }
    Ok(contents.records)
}

/// Tells, is told, and acts.
fn round(
    config: &Config,
    mut engine: Valkey,
    mut node: Node,
    dry_run: bool,
    report: &mut Report,
) -> Result<(), Stop> {
    let offset = engine.clock_offset();
    report.clock_offset_ms = Some(offset.millis());
    match offset.state() {
        ClockState::Good => {}
        state => {
            let seconds = offset.millis() / 1000;
            let refused = if state == ClockState::Refuse {
                ": nothing was told and nothing applied"
            } else {
                ""
            };
            report.findings.push(format!(
                "the engine's clock is {seconds:+} s from this host's{refused}"
            ));
            if state == ClockState::Refuse {
                return Ok(());
            }
        }
    }
    let mut policy = config.take.policy(&config.host);
    let now = engine.now();
    let waiting = node.unsent();
    let synced = if dry_run {
        node.sync(&mut Looking::new(&mut engine), &policy, now)
    } else {
        node.sync(&mut engine, &policy, now)
    };
    let synced = match synced {
        Ok(synced) => synced,
        Err(error) => {
            // What is kept is as it was before this round, which the next one begins with.
            report.findings.push(unreachable(&error, waiting));
            return Ok(());
        }
    };
    report.told(synced);
    let applied = act(&mut policy, config, &node, engine.now(), dry_run, report)?;
    report.applied(applied);
    if !dry_run {
        kept::keep(config, &node)?;
    }
    Ok(())
}

/// Puts what is wanted into the sets.
fn act(
    policy: &mut Policy,
    config: &Config,
    node: &Node,
    now: Time,
    dry_run: bool,
    report: &mut Report,
) -> Result<Applied, Stop> {
    let mut sets: Box<dyn Backend> = ban_sets::of_this_host()?;
    // From looking what is in the sets until they are filled.
    let _turn = if dry_run {
        None
    } else {
        let turn = Turn::take().map_err(|error| report.findings.push(chain(&error)));
        turn.ok()
    };
    if let Err(unknown) = protected::protect(policy, config, &mut *sets) {
        report
            .findings
            .push(format!("nothing was applied: {}", chain(&unknown)));
        return Ok(Applied::default());
    }
    let wanted = node.wanted(policy, now);
    let mut applying = Applying {
        sets: &mut *sets,
        own: &config.host,
        state: node.state(),
        wanted: &wanted,
        now: time(now).unwrap_or_else(Timestamp::now),
        dry_run,
        applied: Applied::default(),
    };
    let pardons = node.pardons(policy, now);
    let taken: Vec<_> = config.take.sets.keys().cloned().collect();
    applying.pardon(pardons.iter(), &taken);
    applying.ban();
    let applied = applying.applied;
    report.wanted(wanted);
    Ok(applied)
}

/// An instant as sets have it.
fn time(time: Time) -> Option<Timestamp> {
    let millis = i64::try_from(time.millis()).ok()?;
    Timestamp::from_millisecond(millis).ok()
}

fn as_text<T: std::fmt::Display, S: serde::Serializer>(text: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(text)
}

fn as_texts<T: std::fmt::Display, S: serde::Serializer>(
    texts: &[T],
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_seq(texts.iter().map(ToString::to_string))
}
