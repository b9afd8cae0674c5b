//! Records of the host's log: a ban, or what ends one before its time, in one record each. In the
//! journal its parts are fields: `journalctl RAMPART_SOURCE=203.0.113.7`.
//!
//! Nobody is waited for, and a host without journal and syslog is told nothing. What the log had no
//! room for is counted.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;
use netfilter_host::host_log::{HostLog, Level};

use crate::reason::ByHand;
use crate::report::text::{dropped, evidence, in_a_line, lifted, rule_name, taken_back, untagged};
use crate::source::Source;
use crate::violation::{Banned, Dropped, Lifted, TakenBack};
use crate::words::count;

/// How long it is until a log that is slow is tried again.
const BETWEEN: Duration = Duration::from_millis(5);

/// The host's log as one run fills it.
#[derive(Debug)]
pub(crate) struct Records {
    log: HostLog,
    /// How long a log that is slow is still waited for.
    patience: Duration,
    /// Whether a line of standard output that says the same would be there twice.
    is_output: bool,
    /// Whether nobody takes records.
    is_absent: bool,
    lost: u64,
    why: Option<io::Error>,
}

/// The parts of a record, each with the name of its field.
type Fields = Vec<(&'static str, String)>;

impl Records {
    /// Of this host; a log that is slow is waited for so long in all.
    pub(crate) fn new(patience: Duration) -> Self {
        Self::of(HostLog::of_this_host(), patience)
    }

    fn of(log: HostLog, patience: Duration) -> Self {
        Self {
            log,
            patience,
            is_output: is_output_in_journal(),
            is_absent: false,
            lost: 0,
            why: None,
        }
    }

    /// A ban that was made, prolonged or refused; whether it takes the place of a line.
    pub(crate) fn ban(&mut self, banned: &Banned<'_>) -> bool {
        let ban = &banned.ban;
        let fields = vec![
            (EVENT, "ban".to_owned()),
            (SOURCE, ban.source().to_string()),
            (SET, ban.set().to_string()),
            (OUTCOME, banned.outcome.word().to_owned()),
            (RULE, rule_name(ban.rule)),
            (EVIDENCE, evidence(banned, &TimeZone::UTC)),
            (END, ban.expires.to_string()),
        ];
        self.tell(&in_a_line(banned, &TimeZone::UTC), &fields)
    }

    /// An exception that went.
    pub(crate) fn lifted(&mut self, one: &Lifted) -> bool {
        let fields = gone("lifted", one.source, one.set.as_str());
        self.tell(&lifted(one, false), &fields)
    }

    /// A ban that gave way in a full set.
    pub(crate) fn dropped(&mut self, one: &Dropped) -> bool {
        let fields = gone("dropped", one.source, one.set.as_str());
        self.tell(&dropped(one, false), &fields)
    }

    /// A ban that was taken back.
    pub(crate) fn taken_back(&mut self, one: &TakenBack) -> bool {
        let fields = gone("taken-back", one.source, one.set.as_str());
        self.tell(&taken_back(one), &fields)
    }

    /// What was done by hand. Who reads it later was not at the terminal.
    pub(crate) fn by_hand(&mut self, done: &ByHandRecord<'_>) {
        let lines = done.lines.iter();
        let mut message = lines
            .map(|line| untagged(line))
            .collect::<Vec<_>>()
            .join("; ");
        let by = format!("by hand: {}", done.by_hand.why);
        if !message.contains(&by) {
            message = format!("{message}; {}", by.trim_end_matches([':', ' ']));
        }
        let mut fields = vec![
            (EVENT, done.event.to_owned()),
            (SOURCE, done.source.to_string()),
            (SINCE, done.by_hand.since.to_string()),
            (WHY, done.by_hand.why.clone()),
        ];
        let sets = done.sets.iter();
        fields.extend(sets.map(|set| (SET, set.clone())));
        fields.extend(done.end.clone().map(|end| (END, end)));
        // It has been said at the terminal.
        self.tell(&message, &fields);
    }

    fn tell(&mut self, message: &str, fields: &Fields) -> bool {
        if self.is_absent {
            return false;
        }
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let message = untagged(message);
        let tell = || {
            let name = env!("CARGO_PKG_NAME");
            self.log.tell(name, Level::Notice, message, &fields)
        };
        let mut told = tell();
        while is_slow(&told) && !self.patience.is_zero() {
            self.patience = self.patience.saturating_sub(BETWEEN);
            thread::sleep(BETWEEN);
            told = tell();
        }
        let is_told = told.is_ok();
        if let Err(error) = told {
            match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => self.is_absent = true,
                _ => {
                    self.lost += 1;
                    self.why = Some(error);
                }
            }
        }
        is_told && self.is_output
    }

    /// What to say of records that were lost since it was said last.
    pub(crate) fn warning(&mut self) -> Option<String> {
        let why = self.why.take()?;
        let lost = count(std::mem::take(&mut self.lost), "record");
        Some(format!("{lost} did not reach the host's log: {why}"))
    }
}

/// What was done by hand, as it is told.
pub(crate) struct ByHandRecord<'a> {
    /// What was said at the terminal.
    pub(crate) lines: Vec<String>,
    /// `ban` or `unban`.
    pub(crate) event: &'static str,
    pub(crate) source: Source,
    pub(crate) by_hand: &'a ByHand,
    pub(crate) sets: Vec<String>,
    /// When a ban ends.
    pub(crate) end: Option<String>,
}

fn is_slow(told: &io::Result<()>) -> bool {
    let error = told.as_ref().err();
    error.is_some_and(|error| error.kind() == ErrorKind::WouldBlock)
}

fn gone(event: &str, source: Source, set: &str) -> Fields {
    vec![
        (EVENT, event.to_owned()),
        (SOURCE, source.to_string()),
        (SET, set.to_owned()),
    ]
}

/// Whether what is written to standard output goes into the journal, so that a line beside a record
/// would say the same again.
fn is_output_in_journal() -> bool {
    let Some(stream) = std::env::var_os("JOURNAL_STREAM") else {
        return false;
    };
    let file = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let meta = file.and_then(|file| file.metadata());
    meta.is_ok_and(|meta| stream == *format!("{}:{}", meta.dev(), meta.ino()))
}

const EVENT: &str = "RAMPART_EVENT";
const SOURCE: &str = "RAMPART_SOURCE";
const SET: &str = "RAMPART_SET";
const OUTCOME: &str = "RAMPART_OUTCOME";
const RULE: &str = "RAMPART_RULE";
const EVIDENCE: &str = "RAMPART_EVIDENCE";
const END: &str = "RAMPART_END";
const SINCE: &str = "RAMPART_SINCE";
const WHY: &str = "RAMPART_WHY";

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn a_log_that_is_slow_loses_what_is_counted() {
        let host = tempfile::tempdir().expect("a directory");
        let records = || Records::of(HostLog::under(host.path()), 4 * BETWEEN);
        let one = Lifted {
            source: crate::rule::network("203.0.113.9").expect("one").into(),
            set: "blacklist".parse().expect("a name"),
            error: None,
        };
        // Nobody is there, which is nobody's fault.
        let mut nobody = records();
        assert!(!nobody.lifted(&one));
        assert_eq!(nobody.warning(), None);

        std::fs::create_dir(host.path().join("dev")).expect("made");
        let log = UnixDatagram::bind(host.path().join("dev/log")).expect("bound");
        let mut records = records();
        records.is_output = true;
        let taken = (0..10_000).take_while(|_| records.lifted(&one)).count();
        assert!((1..10_000).contains(&taken), "{taken}");
        assert!(records.patience.is_zero());
        assert!(!records.lifted(&one));
        let warning = records.warning().expect("lost");
        assert!(
            warning.starts_with("2 records did not reach the host's log: "),
            "{warning}"
        );
        assert_eq!(records.warning(), None);
        let mut datagram = [0; 500];
        for _ in 0..taken {
            log.recv(&mut datagram).expect("received");
        }
        assert!(records.lifted(&one));
    }
}
