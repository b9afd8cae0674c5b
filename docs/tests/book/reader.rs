//! One who reads a chapter and does what it says.

use std::fmt::Write as _;
use std::path::Path;

use netns_testbed::Failed;

use crate::chapter::{Chapter, Command, Item};
use crate::command_line;
use crate::compare::same;
use crate::host::Host;

/// Does all of a chapter in order and says, at its end, all that was not as it is told.
pub(crate) fn read(chapter: &Chapter) -> Result<(), Failed> {
    let mut host = None;
    let mut wrong = String::new();
    for item in &chapter.items {
        match item {
            Item::Console {
                commands,
                not_run: true,
            } => {
                for command in commands {
                    if let Err(error) = command_line::check(&command.text) {
                        say(&mut wrong, chapter, command.line, &error);
                    }
                }
            }
            Item::Console { commands, .. } => {
                let host = up(&mut host)?;
                for command in commands {
                    do_it(host, chapter, command, &mut wrong)?;
                }
            }
            Item::File { line, path, text } => {
                let host = up(&mut host)?;
                host.write(path, text)?;
                if let Err(error) = check_file(host, path, text) {
                    let error = error.message().unwrap_or_default().to_owned();
                    say(&mut wrong, chapter, *line, &error);
                }
            }
            Item::Traffic(traffic) => up(&mut host)?.receive(traffic)?,
            Item::Rust | Item::Picture => {}
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.into())
    }
}

fn up(host: &mut Option<Host>) -> Result<&mut Host, Failed> {
    match host {
        Some(host) => Ok(host),
        None => Ok(host.insert(Host::new()?)),
    }
}

fn do_it(
    host: &mut Host,
    chapter: &Chapter,
    command: &Command,
    wrong: &mut String,
) -> Result<(), Failed> {
    let line = command.text.replace("\\\n", " ");
    let gone = || format!("docs/src/{}:{}: ends the shell", chapter.name, command.line);
    let printed = host.run(&line)?.ok_or_else(gone)?;
    let lines: Vec<&str> = printed.lines.iter().map(String::as_str).collect();
    if printed.status != "0" || !same(&command.prints, &lines) {
        let (status, lines) = (printed.status, lines.join("\n"));
        let said = format!("{}\nexit status {status}, prints\n{lines}", command.text);
        say(wrong, chapter, command.line, &said);
    }
    Ok(())
}

/// The file is one that its reader takes.
fn check_file(host: &mut Host, path: &str, text: &str) -> Result<(), Failed> {
    let is_toml = Path::new(path).extension().is_some_and(|end| end == "toml");
    if path == "/etc/rampart/scan.toml" {
        host.done("true >/tmp/empty; log-scanner --rules /etc/rampart/scan.toml --log /tmp/empty --dryrun")?;
    } else if path.starts_with("/etc/rampart/firewall") && is_toml {
        host.done("firewall-apply check")?;
    } else if path.starts_with("/etc/cron.d/") {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let command = line
                .splitn(7, ' ')
                .nth(6)
                .ok_or("not a line of a crontab")?;
            command_line::check(command)?;
        }
    } else if is_toml {
        return Err(format!("{path}: nobody reads it").into());
    }
    Ok(())
}

fn say(wrong: &mut String, chapter: &Chapter, line: usize, what: &str) {
    // Writing into a string does not fail.
    let _ = writeln!(wrong, "docs/src/{}:{line}: {what}\n", chapter.name);
}
