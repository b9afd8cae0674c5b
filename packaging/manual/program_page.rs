//! The page of a program, and one for each of its subcommands.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::page::{Issue, MANUAL, heading, literal, paragraph, see_also, term, tidy};
use crate::trailer::{Block, sections};

/// The pages of `program` and of what it can be told, each with its name: `firewall-apply-diff`.
pub(crate) fn pages(program: &Command, issue: &Issue) -> Vec<(String, String)> {
    let mut program = program.clone().disable_help_subcommand(true);
    program.build();
    let family: Vec<String> = commands(&program).map(reference).collect();
    let pages = commands(&program).map(|command| {
        let own = reference(command);
        // What a program can be told is a section of its page.
        let is_program = own == reference(&program);
        let family = family.iter().filter(|page| !is_program && **page != own);
        let files = files(program.get_name()).iter();
        let others: Vec<String> = family
            .cloned()
            .chain(files.map(|page| (*page).to_owned()))
            .collect();
        (name(command).to_owned(), page(command, issue, &others))
    });
    pages.collect()
}

/// A program and its subcommands; none has subcommands of its own.
fn commands(program: &Command) -> impl Iterator<Item = &Command> {
    let shown = program
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    std::iter::once(program).chain(shown)
}

fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or(command.get_name())
}

fn reference(command: &Command) -> String {
    format!("{}(8)", name(command))
}

/// The pages of what a program reads and of those it works with.
fn files(program: &str) -> &'static [&'static str] {
    match program {
        "firewall-apply" => &[
            "firewall.toml(5)",
            "log-scanner(8)",
            "iptables(8)",
            "ipset(8)",
        ],
        "log-scanner" => &["scan.toml(5)", "firewall-apply(8)", "ipset(8)"],
        _ => &["firewall.toml(5)", "firewall-apply(8)", "log-scanner(8)"],
    }
}

fn page(command: &Command, issue: &Issue, others: &[String]) -> String {
    let man = Man::new(command.clone())
        .title(name(command))
        .section("8")
        .date(&issue.date)
        .source(&issue.source)
        .manual(MANUAL);
    let mut page = Vec::new();
    // Writing into memory does not fail.
    let _ = standard(&man, &mut page);
    let mut page = String::from_utf8_lossy(&page).into_owned();

    let mut roff = Roff::new();
    let shown = command
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let shown: Vec<_> = shown.collect();
    if !shown.is_empty() {
        heading(&mut roff, "COMMANDS");
        for command in shown {
            let about = command.get_about().map(ToString::to_string);
            term(&mut roff, &reference(command), &about.unwrap_or_default());
        }
    }
    let trailer = command.get_after_long_help().or(command.get_after_help());
    for section in sections(&trailer.map(ToString::to_string).unwrap_or_default()) {
        heading(&mut roff, &section.heading);
        for block in &section.blocks {
            match block {
                Block::Text(text) => paragraph(&mut roff, [roman(text)]),
                Block::Literal(lines) => literal(&mut roff, lines.iter().map(String::as_str)),
            }
        }
    }
    see_also(&mut roff, others);
    page.push_str(&roff.to_roff());
    tidy(&page)
}

/// The sections that clap knows how to make.
fn standard(man: &Man, page: &mut Vec<u8>) -> io::Result<()> {
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)
}
