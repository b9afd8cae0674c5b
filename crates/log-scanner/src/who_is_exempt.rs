//! `exempt`: who is never banned, and why.

use std::io::{self, Write};

use ban_sets::Network;
use ban_sets::network::holds;
use serde::Serialize;

use crate::args::ExemptArgs;
use crate::error::{Fatal, Stop};
use crate::exempt::{Exemptions, Part};
use crate::ours::rules_file;
use crate::sets::Sets;
use crate::source::Source;
use crate::status::{DONE, INCOMPLETE, complain};

/// Tells; 1 where somebody was asked for who is not exempt, or not all could be told.
pub(crate) fn run(args: &ExemptArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let file = rules_file(args.rules.as_deref())?.unwrap_or_default();
    let exemptions = Exemptions::of_this_host(&[]).map_err(Fatal::OwnAddresses)?;
    let (exemptions, unprotected) = exemptions.protecting(&file.protect);
    let mut troubles: Vec<_> = unprotected.into_iter().collect();
    let mut rows: Vec<_> = exemptions.iter().map(Row::from).collect();
    // No set is filled; the whitelists are looked for all the same.
    let (sets, more) = Sets::open(&[]);
    troubles.extend(more);
    let mut sets = sets;
    match sets.as_mut().map_or(Ok(Vec::new()), Sets::whitelisted) {
        Ok(members) => rows.extend(members.into_iter().map(|(set, member)| Row {
            source: member.into(),
            why: format!("a member of {set}"),
            rule: None,
        })),
        Err(why) => troubles.push(why),
    }
    for (rule, number) in file.rules.iter().zip(1..) {
        rows.extend(rule.exempt.iter().map(|network| Row {
            source: (*network).into(),
            why: format!("exempt from rule {number}"),
            rule: Some(number),
        }));
    }
    for trouble in &troubles {
        complain(&format!("[WARNING] {trouble}"));
    }
    let is_exempt = args.about.map(|about| {
        rows.retain(|row| row.is_about(about));
        rows.iter()
            .any(|row| row.rule.is_none() && row.holds(about))
    });
    if args.json {
        let told = Told {
            version: 1,
            exempt: &rows,
            about: args.about.map(Source::from),
            is_exempt,
        };
        serde_json::to_writer(&mut *out, &told).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        text(&rows, args.about.zip(is_exempt), out)?;
    }
    out.flush()?;
    Ok(if is_exempt == Some(false) || !troubles.is_empty() {
        INCOMPLETE
    } else {
        DONE
    })
}

fn text(rows: &[Row], about: Option<(Network, bool)>, out: &mut impl Write) -> io::Result<()> {
    if !rows.is_empty() {
        writeln!(out, "{:<20} WHY", "ADDRESS")?;
    }
    for Row { source, why, .. } in rows {
        writeln!(out, "{:<20} {why}", source.to_string())?;
    }
    if let Some((about, is_exempt)) = about {
        let is = if is_exempt { "is" } else { "is not" };
        writeln!(out, "{} {is} exempt", Source::from(about))?;
    }
    Ok(())
}

/// The document of `--json`.
#[derive(Serialize)]
struct Told<'a> {
    version: u32,
    exempt: &'a [Row],
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_exempt: Option<bool>,
}

/// Who is exempt.
#[derive(Serialize)]
struct Row {
    source: Source,
    /// As in "203.0.113.7 is …".
    why: String,
    /// The only rule that lets him go, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<usize>,
}

impl From<&Part> for Row {
    fn from(part: &Part) -> Self {
        Self {
            source: part.network.into(),
            why: part.why.clone(),
            rule: None,
        }
    }
}

impl Row {
    /// Whether a network is exempt by it.
    fn holds(&self, network: Network) -> bool {
        let mut forms = Source::from(network).forms();
        forms.any(|form| holds(self.source.network(), form))
    }

    /// Whether a network is exempt by it, or somebody in it is.
    fn is_about(&self, network: Network) -> bool {
        let mut forms = Source::from(network).forms();
        self.holds(network) || forms.any(|form| holds(form, self.source.network()))
    }
}
