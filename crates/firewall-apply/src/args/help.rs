//! What stands below the options in `--help`: the exit status, and examples of each command.
//!
//! No line is longer than a narrow terminal, which would break it in two. Each example stands on a
//! line of its own, so that a test reads it as the command line does.

macro_rules! exit_status {
    () => {
        "\
Exit status:
  0  all that was wanted is in the kernel, or was printed or written
  1  the run finished, but something wanted is not in the kernel: each is named;
     `diff`: kernel and configuration differ
  2  command line, configuration or input cannot be read: nothing was changed

It needs CAP_NET_ADMIN in the network namespace, and nothing else; `check` and
`print` need nothing. No program is ever started."
    };
}

/// Below the options of the program, in `-h`.
pub(super) const BRIEF: &str = exit_status!();

/// Below the options of the program, in `--help`.
pub(super) const WHOLE: &str = concat!(
    exit_status!(),
    "

Files:
  /etc/rampart/firewall.toml, /etc/rampart/firewall.d/*.toml
      The configuration. Without it the defaults are applied: INPUT and FORWARD
      DROP, OUTPUT ACCEPT, ssh and https open with a limit for each source.
  /var/lib/rampart/sets.save
      The saved sets, in the format of `ipset save`. Lines that could not be put
      back are kept in sets.save.bad.
  /var/lib/rampart/firewall.last.toml
      The last configuration that went in.
  /var/lib/rampart/firewall.pending.json
      What `apply --confirm-within` goes back to; there as long as it waits.

Examples:
  A change, from the first look to the last:
    firewall-apply check
    firewall-apply diff
    firewall-apply

  The same from far away; the second from a new session, or all goes back:
    firewall-apply apply --confirm-within 60s
    firewall-apply confirm

  What stands, and what came to it? Again and again?
    firewall-apply status
    firewall-apply status --watch

  What is wrong on this host, and what cures it?
    firewall-apply doctor

  Would this address get in, and why?
    firewall-apply explain 192.0.2.7 --port 22

  Keep the members of the sets over a reboot; open the host again:
    firewall-apply save
    firewall-apply reset

JSON:
  { \"version\": 1, \"command\": \"apply\", \"exit_status\": 0, ...,
    \"warnings\": [], \"errors\": [] }
  One document, also when the run fails. A warning or error has \"message\", and
  \"path\", \"line\" and \"column\" where they are known. The rest is what the text
  says, command by command; README.md of firewall-apply lists it."
);

/// Of `apply`.
pub(super) const APPLY: &str = "\
Exit status:
  0  the firewall of the configuration is in
  1  it is in and something is missing, or another is in instead: each is named
  2  nothing was changed, and why

Examples:
  Install what stands in /etc/rampart/firewall.toml:
    firewall-apply

  From far away: after a minute all is as it was, unless `firewall-apply confirm`
  is said from a new session, which shows that one still gets in:
    firewall-apply apply --confirm-within 1m

  Another file, to try it:
    firewall-apply --config ./firewall.toml apply --confirm-within 5m

  As the unit does when the host comes up:
    firewall-apply apply --boot";

/// Of `confirm`.
pub(super) const CONFIRM: &str = "\
Exit status:
  0  it stays
  2  nothing waits to be confirmed, or what waits cannot be read

Example:
  From a new session, after `firewall-apply apply --confirm-within 60s`:
    firewall-apply confirm";

/// Of `rollback`.
pub(super) const ROLLBACK: &str = "\
Exit status:
  0  what was there is back
  1  it is back, but for what is named
  2  nothing waits to be confirmed, or going back failed

Example:
    firewall-apply rollback";

/// Of `check`.
pub(super) const CHECK: &str = "\
Exit status:
  0  nothing is wrong; there may be warnings
  1  a file of a list is wrong: `apply` would leave that list as it is
  2  the configuration is wrong: `apply` would change nothing

Examples:
    firewall-apply check
    firewall-apply --config ./firewall.toml check";

/// Of `diff`.
pub(super) const DIFF: &str = "\
Exit status:
  0  they are the same; nothing is printed
  1  they differ
  2  they cannot be compared

Examples:
  What would `apply` change?
    firewall-apply diff

  Has anybody changed our rules by hand? For cron:
    firewall-apply diff || logger -p auth.warning 'the firewall was changed'";

/// Of `print`.
pub(super) const PRINT: &str = "\
Exit status:
  0  it is printed
  2  the configuration is wrong

Examples:
    firewall-apply print
    firewall-apply print --family inet6 | ip6tables-restore --test
    firewall-apply print --format ipset-save | ipset restore -exist";

/// Of `status`.
pub(super) const STATUS: &str = "\
Exit status:
  0  the firewall stands; with --textfile, the file is written
  1  it does not, something of it is missing, or a rule of others makes it void

Examples:
    firewall-apply status
    firewall-apply status --watch 10
    firewall-apply status --json | jq '.sets[] | {name, entries}'

  For Prometheus, by the textfile collector of node_exporter; rampart-metrics.timer does it:
    firewall-apply status --textfile /run/rampart-metrics/firewall.prom";

/// Of `doctor`.
pub(super) const DOCTOR: &str = "\
Exit status:
  0  nothing has failed; there may be warnings
  1  something has failed

Example:
    firewall-apply doctor";

/// Of `explain`.
pub(super) const EXPLAIN: &str = "\
Exit status:
  0  it is said what becomes of the packet, whatever that is
  2  the kernel cannot be asked, or there is no such packet

Examples:
  Would this address get in by ssh?
    firewall-apply explain 203.0.113.7 --port 22

  A name server's datagram; a ping; one that comes in by another interface:
    firewall-apply explain 2001:db8::7 --port 53 --proto udp
    firewall-apply explain 203.0.113.7 --proto icmp
    firewall-apply explain 192.168.1.20 --port 443 --in lan0

  May this host itself ask that name server?
    firewall-apply explain 192.0.2.53 --port 53 --proto udp --out eth0

  What this host passes on:
    firewall-apply explain 203.0.113.7 --port 443 --to 192.168.1.10 --in wan0";

/// Of `import`.
pub(super) const IMPORT: &str = "\
Exit status:
  0  all was translated
  1  something was left: each is named with its file and line
  2  the files cannot be read, or the directory is not empty: nothing was written

Examples:
  CSF, from this host or a copy of another's /etc/csf:
    firewall-apply import csf
    firewall-apply import csf ./etc-csf --to ./new

  ufw; fail2ban, with who is banned; sets, of which one is the blacklist:
    firewall-apply import ufw
    firewall-apply import fail2ban --bans banned.txt
    firewall-apply import ipset sets.txt --as bad-guys=blacklist

  Then look at it, and put it up from far away:
    firewall-apply --config rampart-import/firewall.toml check
    firewall-apply --config rampart-import/firewall.toml apply --confirm-within 60s";

/// Of `refresh`.
pub(super) const REFRESH: &str = "\
Exit status:
  0  each list holds what its files say
  1  a list was left as it was, and why
  2  the configuration is wrong, or has no list of that NAME

Examples:
  All lists; one; one that has become much smaller, and that is right:
    firewall-apply refresh
    firewall-apply refresh spamhaus
    firewall-apply refresh spamhaus --allow-shrink";

/// Of `reset`.
pub(super) const RESET: &str = "\
Exit status:
  0  the host is open, as far as we closed it
  1  something of ours is still there: it is named
  2  nothing was changed, and why

Examples:
    firewall-apply reset
    firewall-apply reset --sets";

/// Of `save`.
pub(super) const SAVE: &str = "\
Exit status:
  0  all our sets are in the file
  1  a set is missing or cannot be saved, or the file cannot be written

Examples:
    firewall-apply save
    firewall-apply save --file - | gzip > sets.save.gz";

/// Of `restore`.
pub(super) const RESTORE: &str = "\
Exit status:
  0  all members of the file are in the sets
  1  some are not: each is named
  2  the file cannot be read, or has a bad line: nothing was changed

Examples:
    firewall-apply restore
    gzip -dc sets.save.gz | firewall-apply restore --file -";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use crate::args::Args;

    /// The command lines of the program in a text: lines that are indented by four blanks. Of a
    /// pipe it is the part with the program.
    fn examples(help: &str) -> Vec<Vec<String>> {
        let (_, examples) = help.split_once("\nExample").unwrap_or_default();
        let lines = examples.lines().filter(|line| line.starts_with("    "));
        lines
            .filter_map(|line| {
                let commands = line.split(['|', '>']).map(str::trim);
                let ours = commands.map(|command| command.split_whitespace().map(str::to_owned));
                let mut ours = ours.map(Iterator::collect::<Vec<String>>);
                ours.find(|words| words.first().is_some_and(|word| word == "firewall-apply"))
            })
            .collect()
    }

    #[test]
    fn every_command_has_examples_and_each_of_them_is_understood() {
        let mut program = Args::command();
        program.build();
        let mut told = vec![(String::new(), program.render_long_help().to_string())];
        for command in program.get_subcommands_mut() {
            if command.get_name() != "help" {
                let name = command.get_name().to_owned();
                told.push((name, command.render_long_help().to_string()));
            }
        }
        assert!(told.len() > 12);
        for (name, help) in &told {
            assert!(help.contains("\nExit status:\n  0  "), "{name}: {help}");
            let examples = examples(help);
            assert!(!examples.is_empty(), "{name}: {help}");
            for words in &examples {
                let args = Args::try_parse_from(words).and_then(|args| {
                    args.check()?;
                    Ok(args)
                });
                assert!(args.is_ok(), "{name}: {words:?}: {args:?}");
            }
            // Of the command that they stand with.
            let mut of_it = examples.iter().filter(|words| words.contains(name));
            assert!(name.is_empty() || of_it.next().is_some(), "{name}");
            let wide: Vec<&str> = help
                .lines()
                .filter(|line| line.chars().count() > 90)
                .collect();
            assert!(wide.is_empty(), "{name}: {wide:#?}");
        }
    }

    /// What the documents tell to type is what the program knows.
    #[test]
    fn commands_of_the_documents_are_understood() {
        let documents = [
            include_str!("../../README.md"),
            include_str!("../../../../README.md"),
        ];
        let mut understood = 0;
        for document in documents {
            let quoted = document.split('`').skip(1).step_by(2);
            // What stands in a block, up to its remark.
            let blocks = document.lines().filter_map(|line| {
                let line = line.strip_prefix("    ").or(line.strip_prefix("sudo "))?;
                line.split("  ").next()?.split(" #").next()
            });
            let commands = quoted.chain(blocks);
            for command in commands.filter(|text| text.starts_with("firewall-apply ")) {
                // A place for something, or an option that may be there.
                if command.contains(['[', '…']) {
                    continue;
                }
                let words: Vec<String> = command
                    .split_whitespace()
                    .map(|word| match word {
                        "ADDRESS" => "192.0.2.1".to_owned(),
                        "N" => "22".to_owned(),
                        "IFACE" => "eth0".to_owned(),
                        "DURATION" => "60s".to_owned(),
                        _ => word.to_owned(),
                    })
                    .collect();
                let help = words.iter().any(|word| word == "--help");
                let args = Args::try_parse_from(&words);
                assert!(args.is_ok() || help, "{command}: {args:?}");
                understood += 1;
            }
        }
        assert!(understood > 20, "{understood}");
    }
}
