//! The page of `rampart-setup`: what the script says of itself.

use clap_mangen::roff::{Roff, roman};

use crate::page::{Issue, head, heading, literal, paragraph, see_also, tidy};

pub(crate) const NAME: &str = "rampart-setup";
const SCRIPT: &str = include_str!("../rampart-setup");

/// `None` where the script has no text for `--help`.
pub(crate) fn page(issue: &Issue) -> Option<String> {
    let (_, text) = SCRIPT.split_once("<<'TEXT'\n")?;
    let (text, _) = text.split_once("\nTEXT\n")?;
    let (usage, text) = text.split_once("\n\n")?;
    let mut roff = Roff::new();
    head(
        &mut roff,
        NAME,
        "8",
        "brings Rampart up on this host, with each command shown",
        issue,
    );
    heading(&mut roff, "SYNOPSIS");
    literal(&mut roff, usage.trim_start_matches("usage: ").lines());
    heading(&mut roff, "DESCRIPTION");
    paragraph(
        &mut roff,
        [roman(
            "A script of the administrator's: it runs the commands that the README names, in their order, and shows each.",
        )],
    );
    literal(&mut roff, text.lines());
    let pages = ["firewall-apply(8)", "firewall.toml(5)", "scan.toml(5)"];
    see_also(&mut roff, &pages.map(str::to_owned));
    Some(tidy(&roff.to_roff()))
}
