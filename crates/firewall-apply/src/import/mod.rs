//! `import`: what another firewall's files say, as files of ours; applies nothing.

mod address;
mod csf;
mod fail2ban;
mod ipset;
mod place;
mod put;
mod rate;
mod report;
mod saved;
mod source;
mod translation;
mod ufw;
mod write;

use iptables_ruleset::Config;

use crate::args::{ImportArgs, Origin};
use crate::findings::{Findings, Problem};
use report::Report;
use translation::Translation;

/// Reads the files, writes what they come to, and names what is left.
pub(crate) fn run(args: &ImportArgs, findings: &mut Findings) -> Report {
    let from = args.path().to_owned();
    let read = match args.origin {
        Origin::Csf => csf::read(&from),
        Origin::Ufw => ufw::read(&from),
        Origin::Fail2ban => fail2ban::read(&from, args.bans.as_deref()),
        Origin::Ipset => ipset::read(&from, &args.renamed),
    };
    let mut report = Report::new(args.origin, from, args.to.clone());
    let translation = match read {
        Ok(translation) => translation,
        Err(problem) => {
            findings.refuse(problem);
            return report;
        }
    };
    let files = write::files(args.origin, &report.path, &translation);
    if let Some(problem) = files.iter().find_map(cannot_be_read) {
        findings.refuse(problem);
        return report;
    }
    match put::into(&args.to, &files) {
        Ok(written) => report.written = written,
        Err(problem) => {
            findings.refuse(problem);
            return report;
        }
    }
    report.describe(&translation);
    let Translation { left, notes, .. } = translation;
    for note in notes.into_problems() {
        findings.warn(note);
    }
    for left in left.into_problems() {
        findings.fail(left);
    }
    report
}

/// What is wrong with a configuration that was made: nothing is written that would not be read.
fn cannot_be_read(file: &write::Made) -> Option<Problem> {
    if file.name != write::FIREWALL {
        return None;
    }
    let error = Config::parse(&file.text).err()?;
    let line = file.text.lines().nth(error.line().saturating_sub(1));
    let line = line.unwrap_or_default();
    Some(Problem::from(format!(
        "these files come to a configuration that is refused, and nothing was written: {error}: {line}"
    )))
}
