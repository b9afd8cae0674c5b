//! What `--help` says.

pub(super) const USAGE: &str = "\
log-scanner --rule NAME --type NAME --howmany N --within DURATION --ipset NAME --removeafter DURATION [OPTIONS]
       log-scanner --rules FILE [OPTIONS]
       log-scanner follow --rules FILE [OPTIONS]
       log-scanner bans [ADDRESS[/PREFIX]] [OPTIONS]
       log-scanner exempt [ADDRESS[/PREFIX]] [OPTIONS]
       log-scanner ban|unban ADDRESS[/PREFIX] [OPTIONS]
       log-scanner try --rules FILE [OPTIONS]
       log-scanner report [--html FILE] [OPTIONS]
       log-scanner events [OPTIONS]";

pub(super) const AFTER_HELP: &str = "\
Examples:
  Who would be banned for 100 blocked TCP packets in 5 minutes? Changes nothing:
    log-scanner --rule blocked --type tcp --howmany 100 --within 5m \\
        --ipset blacklist --removeafter 1d --dryrun

  500 blocked TCP packets in 30 minutes: throttle for 2 hours:
    log-scanner --rule blocked --type tcp --howmany 500 --within 30m \\
        --ipset throttle-hard --removeafter 2h

  200 blocked pings in a minute, over IPv4 or IPv6: throttle for 6 hours; anybody can forge a ping:
    log-scanner --rule blocked --type icmp --howmany 200 --within 1m \\
        --ipset throttle-hard --removeafter 6h

  Who tried 20 ports or more, counted by network; their open connections end, too:
    log-scanner --rule blocked --type tcp --howmany 20 --distinct-ports 20 --within 1m \\
        --aggregate-v6 64 --ipset blacklist --removeafter 1d --cut-connections

  Several rules while the log is read once:
    log-scanner --rules /etc/rampart/scan.toml

  Try rules on a log; who breaks them, who comes near, and what they do not count:
    log-scanner try --rules /etc/rampart/scan.toml --log iptables.log.2.gz --as-of log-end

  Figures for Prometheus, by the textfile collector of node_exporter:
    log-scanner --rules /etc/rampart/scan.toml --textfile /run/rampart-metrics/scan.prom

  Ban at the line that breaks a threshold, as long as it runs:
    log-scanner follow --rules /etc/rampart/scan.toml
    journalctl -kf -o short-iso | log-scanner follow --rules /etc/rampart/scan.toml --log -

  Who is banned, since when, until when and why? Is one address, and by which network?
    log-scanner bans
    log-scanner bans 203.0.113.7

  Ban and let go by hand:
    log-scanner ban 203.0.113.0/24 --for 7d --why 'asked for by the provider'
    log-scanner unban 203.0.113.7 --why 'the new backup server'

  Who is never banned, and why?
    log-scanner exempt

  What came in today, from whom, and who is banned for it:
    log-scanner report
    log-scanner report --since 7d --html report.html

  See what the scanner sees:
    log-scanner events --json | jq -c 'select(.dpt == 22)'

DURATION is whole numbers with s, m, h, d or w: 90s, 30m, 1h30m, 7d.

A rules FILE is TOML: a table [[rule]] for each rule, with the flags' names as keys:
    [[rule]]
    rule = \"blocked\"
    type = \"tcp\"
    howmany = 500
    within = \"30m\"
    ipset = \"throttle-hard\"
    removeafter = \"1h\"
and, where wanted, distinct-ports = 20, aggregate-v4 = 24, aggregate-v6 = 64, aggregate-auto = true, aggregate-at = 8, exempt = [\"192.0.2.0/24\"], \
count-answers = true, count-multicast = true, handshake = true, repeat = { within = \"30d\", factor = 4, at-most = \"21d\" }, cut-connections = true, cut-older = true, ban-connected = true and max-bans = 100. When two rules ban the same address into the same set, the later end wins.

Above its rules it may have notify-socket = \"PATH\", as --notify-socket.

A TCP packet counts only if it opens a connection (SYN without ACK and RST; for --rule invalid also NULL, FIN and Xmas scans), \
an ICMP message only if it is no reply and no error: all others can be answers to packets that somebody forged in this \
host's name. Packets to multicast and broadcast addresses and this host's own (IN= is empty) do not count. A packet that \
hides its transport (cut short before it, or fragmented within the header of TCP) counts for every --type.

A source is a violator when at least N of its matching lines lie at most --within apart. Its ban \
ends --removeafter after the last line of the last such window, however late the scan is: \
scanning the same log again prolongs nothing. Scans that run at the same time fill the sets one after the other, \
and of two bans the longer stays.

--repeat bans who comes back for longer: the n-th ban is N to the power of n-1 times as long as --removeafter, at most as long as at-most says. \
What comes while a ban lasts belongs to it; what comes after its end, and not later than within after the last line before, is the next one. It \
follows from the log, so a line that is read again counts nothing again. Who was banned how often is kept in the sets offenders and offenders_v6. Rules with \
--repeat count together.

Never added: members of the sets whitelist and whitelist_v6, --exempt, this host's own addresses, \
loopback, unspecified, multicast and broadcast addresses, and what the set itself excepts (nomatch); unless --protect, or \
protect = [] before the rules of the file, says otherwise, also this host's gateways, resolvers and time servers that files name by address, and \
the other ends of ssh sessions that somebody is logged in by. log-scanner exempt lists them. \
Of --aggregate-v4 and --aggregate-v6: such addresses in a network are not counted with it and excepted (nomatch) from its ban, \
and the report names them; a set with forceadd cannot promise that, so there the network is not banned.

--handshake, and handshake = true of a rule, ban only who has completed as many TCP handshakes in the window as make a violator, by what connection \
tracking knows still: those that are open, and for two minutes those that are over. Whoever forges his address gets no answer and completes none. It is for \
rules about what is allowed in.

Named and not banned either: whom this host has opened a TCP connection to that is established, by connection tracking. Who connects to this \
host does not get that protection. --ban-connected, and ban-connected = true of a rule, ban him all the same.

A rule adds at most 1000 new bans in one run, those that went furthest over their threshold, or max-bans = N of the rule; all rules together at most --max-bans, \
where it is given. The rest is counted in a warning that names the rule, and has its turn in the next run.

Where a set is full, the bans of scans that end soonest give way to those that end later, and the report names them; what has no end, and what \
an administrator banned, stays. A set without comments, where the two cannot be told apart, takes no more bans.

--aggregate-auto bans the whole IPv4 /24 or IPv6 /64 around addresses as long as --aggregate-at of them, 8 unless given, are banned by the rule; \
with fewer each is banned by itself. Who is exempt is not one of them, and is excepted.

An exception that a scan made goes with the scan that finds nobody in it exempt any more. It is known by its end, ten minutes after that of a \
network around it; what an administrator excepted stays.

--cut-connections deletes the tracked connections that a banned source opened, those through this host included, and \
ends the TCP sockets of this host that they lead to. Connections to it that were opened from here stay. So does one that is \
older than the first line of its source, where the kernel keeps when it began (sysctl net.netfilter.nf_conntrack_timestamp=1): the lines may be \
forged, and the connection is not. --cut-older, and cut-older = true of a rule, ends it too. Where a server behind \
this host goes on sending, the kernel tracks the connection anew, unless net.netfilter.nf_conntrack_tcp_loose is 0.

Afterwards the sets are read back: a ban that is not there is an error, and so is a set that is full; one that is 80 % \
full is a warning.

Exit status: 0 when every violator is dealt with; 1 when one could not be added or its connections not be cut (each is named with [ERROR], of \
each rule 50 unless --all or --json is given), or when there were more than --max-bans; 2 for wrong usage, an unreadable log or an unusable set, and then nothing was changed.

Needs CAP_NET_ADMIN; with --dryrun only the right to read the log.";

pub(super) const FOLLOW_AFTER_HELP: &str = "\
Reads what the logs hold, PATH.1 before PATH, and then every line as it comes. The same lines give the same violators, sets and ends \
as scans without follow would: log-scanner --help explains rules, sets, exemptions and connections. Nothing is kept on disk; a \
restart reads the logs again.

A log may be rotated, by a new name or by being emptied, may not be there yet, and its directory may be mounted anew. What is no file \
(-, a pipe) is read to its end, and its end ends the run once no file is followed.

--nflog-group reads packets as the kernel logs them (target = \"NFLOG\" of the firewall), each within milliseconds and without a file. \
One program can read a group, so log-collector needs another. What was counted is forgotten with a restart; bans are not.

A source that breaks a threshold is banned at once. While it goes on, its ban is prolonged every few seconds, and to the \
exact end when the run ends.

SIGHUP reads the rules file and the logs anew; where the file has a mistake, the old rules stay. SIGTERM and SIGINT end the run once \
everybody is banned who is to be.

Exit status: 0 when it was ended and everybody was dealt with; 1 when one could not be added or his connections not be cut, or a log \
not be read any further; 2 for wrong usage or an unusable set, and then nothing was changed.

Needs CAP_NET_ADMIN; with --dryrun only the right to read the log.

Examples:
  By the rules of the scans; see first whom they would ban:
    log-scanner follow --rules /etc/rampart/scan.toml --dryrun
    log-scanner follow --rules /etc/rampart/scan.toml

  Without a log in between, where no log-collector reads that group:
    log-scanner follow --rules /etc/rampart/scan.toml --nflog-group 5";

/// Below the options of `events`.
pub(super) const EVENTS_AFTER_HELP: &str = "\
Exit status: 0 when the log was read, whatever stands in it; 2 when it cannot be. Needs the right to read the log.

Examples:
  What the last scan saw of one address:
    log-scanner events --json | jq -c 'select(.src == \"203.0.113.7\")'

  Lines that count for nothing, and why:
    log-scanner events --json | jq -c 'select(.rejected or .unparsed)'

  Any other log:
    log-scanner events --log old.log.gz --as-of 2026-01-01T00:00:00Z";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use crate::args::Cli;

    /// The command lines of the program in a text: indented by four blanks, over several lines
    /// where a backslash ends one. Of a pipe it is the part with the program.
    fn examples(help: &str) -> Vec<Vec<String>> {
        let whole = help.replace("\\\n", " ");
        let lines = whole.lines().filter(|line| line.starts_with("    "));
        let commands = lines.flat_map(|line| line.split('|').map(words));
        let ours = commands.filter(|words| words.first().is_some_and(|word| word == "log-scanner"));
        // Three dots stand for what is left out.
        ours.filter(|words| !words.contains(&"...".to_owned()))
            .collect()
    }

    /// Words, as a shell takes them apart.
    fn words(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (number, part) in line.split('\'').enumerate() {
            if number % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        words
    }

    #[test]
    fn every_command_has_examples_and_each_of_them_is_understood() {
        let mut program = Cli::command();
        program.build();
        let mut told = vec![(String::new(), program.render_long_help().to_string())];
        for command in program.get_subcommands_mut() {
            if command.get_name() != "help" {
                let name = command.get_name().to_owned();
                told.push((name, command.render_long_help().to_string()));
            }
        }
        for (name, help) in &told {
            assert!(help.contains("\nExit status: 0"), "{name}: {help}");
            let (_, examples_of_it) = help.split_once("\nExample").unwrap_or_default();
            let examples = examples(examples_of_it);
            let mut of_it = examples.iter().filter(|words| words.contains(name));
            assert!(name.is_empty() || of_it.next().is_some(), "{name}: {help}");
            assert!(!examples.is_empty(), "{name}: {help}");
            for words in &examples {
                let cli = Cli::try_parse_from(words);
                assert!(cli.is_ok(), "{name}: {words:?}: {cli:?}");
            }
        }
    }
}
