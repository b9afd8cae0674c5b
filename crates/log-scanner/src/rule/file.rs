//! A rules file: `[[rule]]` tables whose keys are the names of the flags.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ban_sets::Network;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny};

use super::{Protect, Rule, network, removeafter};
use crate::duration::Seconds;

/// A rules file is written by hand. A device, or a log given by mistake, is not read into memory.
const MOST: u64 = 1024 * 1024;

/// The whole file; at least one rule.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RulesFile {
    /// Who is never banned by any of them.
    #[serde(default)]
    pub(crate) protect: Protect,
    /// Who is told of each ban.
    #[serde(default)]
    pub(crate) notify_socket: Option<PathBuf>,
    #[serde(rename = "rule", default)]
    pub(crate) rules: Vec<Rule>,
}

/// Why there are no rules to go by.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RulesFileError {
    #[error("cannot read it")]
    Read(#[source] io::Error),
    #[error("it is larger than {MOST} bytes")]
    TooLarge,
    #[error("it holds no [[rule]]")]
    Empty,
    #[error("line {line}, column {column}: {why}")]
    At {
        line: usize,
        /// In characters, from 1.
        column: usize,
        why: String,
    },
}

impl RulesFile {
    /// Reads and checks the whole file.
    pub(crate) fn read(path: &Path) -> Result<Self, RulesFileError> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes))
            .map_err(RulesFileError::Read)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST) {
            return Err(RulesFileError::TooLarge);
        }
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, RulesFileError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| at(bytes, error.valid_up_to(), "this is not UTF-8"))?;
        let file: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            at(bytes, start, error.message().trim_end())
        })?;
        if file.rules.is_empty() {
            return Err(RulesFileError::Empty);
        }
        for (place, rule) in file.rules.iter().enumerate() {
            if let Some(why) = rule.fault() {
                return Err(at(bytes, place_of_repeat(text, place), &why));
            }
        }
        Ok(file)
    }
}

/// Where the value of `repeat` begins in one of the rules, from 0.
fn place_of_repeat(text: &str, rule: usize) -> usize {
    #[derive(serde::Deserialize)]
    struct Places {
        rule: Vec<Place>,
    }
    #[derive(serde::Deserialize)]
    struct Place {
        repeat: Option<toml::Spanned<IgnoredAny>>,
    }
    let places = toml::from_str::<Places>(text).ok();
    let place = places.and_then(|mut places| places.rule.drain(..).nth(rule)?.repeat);
    place.map_or(0, |repeat| repeat.span().start)
}

/// An error at a place in the file.
fn at(file: &[u8], place: usize, why: &str) -> RulesFileError {
    let before = String::from_utf8_lossy(file.get(..place).unwrap_or_default());
    let line_so_far = before.rsplit('\n').next().unwrap_or_default();
    RulesFileError::At {
        line: before.matches('\n').count() + 1,
        column: line_so_far.chars().count() + 1,
        why: why.replace('\n', " "),
    }
}

/// A value that is written as on the command line.
pub(super) fn by_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(deserializer)?
        .parse()
        .map_err(D::Error::custom)
}

pub(super) fn removeafter_by_text<'de, D>(deserializer: D) -> Result<Seconds, D::Error>
where
    D: Deserializer<'de>,
{
    removeafter(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

pub(super) fn texts<'de, D>(deserializer: D) -> Result<Vec<Network>, D::Error>
where
    D: Deserializer<'de>,
{
    Vec::<String>::deserialize(deserializer)?
        .iter()
        .map(|text| network(text).map_err(D::Error::custom))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::PrefixLength;
    use super::*;

    const RULE: &str = "\
[[rule]]
rule = \"blocked\"
type = \"tcp\"
howmany = 100
within = \"5m\"
ipset = \"blacklist\"
removeafter = \"1d\"
";

    fn why(text: &str) -> String {
        RulesFile::parse(text.as_bytes())
            .expect_err(text)
            .to_string()
    }

    #[test]
    fn every_key() {
        let more = "\
distinct-ports = 20
aggregate-v4 = 24
aggregate-v6 = 64
exempt = [\"192.0.2.1\", \"2001:db8::/32\"]
cut-connections = true
count-answers = true
count-multicast = true
ban-connected = true
cut-older = true
max-bans = 50
aggregate-auto = true
aggregate-at = 4
repeat = { within = \"30d\", factor = 4, at-most = \"21d\" }
handshake = true
share = false
";
        let file = RulesFile::parse(format!("{RULE}{RULE}{more}").as_bytes()).expect("valid");
        let [plain, full] = file.rules.as_slice() else {
            panic!("{file:?}")
        };
        assert_eq!(plain.name.to_string(), "blocked");
        assert_eq!(plain.howmany.get(), 100);
        assert_eq!(plain.removeafter.get(), 86_400);
        assert!(plain.distinct_ports.is_none() && plain.exempt.is_empty());
        assert!(!plain.cut_connections && full.cut_connections);
        assert!(!plain.count_answers && full.count_answers);
        assert!(!plain.count_multicast && full.count_multicast);
        assert!(!plain.ban_connected && full.ban_connected);
        assert!(!plain.cut_older && full.cut_older);
        assert!(!plain.handshake && full.handshake);
        assert_eq!((plain.share, full.share), (None, Some(false)));
        assert!(!plain.aggregate_auto && full.aggregate_auto);
        assert_eq!(full.enough_neighbours().get(), 4);
        assert_eq!(plain.enough_neighbours().get(), 8);
        assert!(plain.max_bans.is_none());
        assert_eq!(full.max_bans.map(u32::from), Some(50));
        let repeat = full.repeat.map(|repeat| repeat.to_string());
        assert_eq!(repeat.as_deref(), Some("within=30d,factor=4,at-most=3w"));
        assert!(plain.repeat.is_none());
        assert_eq!(full.distinct_ports.map(u16::from), Some(20));
        assert_eq!(full.aggregate_v4.map(PrefixLength::get), Some(24));
        assert_eq!(full.aggregate_v6.map(PrefixLength::get), Some(64));
        let exempt: Vec<_> = full.exempt.iter().map(ToString::to_string).collect();
        assert_eq!(exempt, ["192.0.2.1/32", "2001:db8::/32"]);
        assert_eq!(file.protect, Protect::default());
    }

    #[test]
    fn keys_before_the_rules() {
        let protect = |value: &str| {
            let file = RulesFile::parse(format!("protect = {value}\n{RULE}").as_bytes());
            file.map(|file| file.protect.to_string())
        };
        assert_eq!(protect("[]").expect("valid"), "none");
        assert_eq!(
            protect("[\"ssh\", \"gateways\"]").expect("valid"),
            "gateways,ssh"
        );
        let error = protect("[\"ssh\", \"router\"]").expect_err("no role");
        assert!(
            error.to_string().starts_with(
                "line 1, column 19: unknown variant `router`, expected one of `gateways`, `resolvers`, `time-servers`, `ssh`"
            ),
            "{error}"
        );
    }

    #[test]
    fn what_is_wrong_and_where() {
        let with = |key: &str, value: &str| {
            let line = RULE
                .lines()
                .find(|line| line.starts_with(&format!("{key} ")));
            RULE.replace(line.expect(key), &format!("{key} = {value}"))
        };
        for (text, start) in [
            (String::new(), "it holds no [[rule]]"),
            ("rule = 5".to_owned(), "line 1, column 8: invalid type"),
            (
                format!("{RULE}howmeny = 5\n"),
                "line 8, column 1: unknown field `howmeny`",
            ),
            (
                format!("{RULE}howmany = 5\n"),
                "line 8, column 1: duplicate key",
            ),
            (
                format!("{RULE}\n[rules]\n"),
                "line 9, column 2: unknown field `rules`",
            ),
            (
                with("howmany", "0"),
                "line 4, column 11: invalid value: integer `0`",
            ),
            (
                with("howmany", "\"5\""),
                "line 4, column 11: invalid type: string \"5\"",
            ),
            (
                with("within", "\"5\""),
                "line 5, column 10: a unit is missing at character 2",
            ),
            (
                with("type", "\"tpc\""),
                "line 3, column 8: \"tpc\" is not a protocol",
            ),
            (
                with("rule", "\"IPTABLES-X\""),
                "line 2, column 8: leave IPTABLES- away",
            ),
            (
                with("ipset", "\"whitelist\""),
                "line 6, column 9: its members are accepted",
            ),
            (
                with("removeafter", "\"4w\""),
                "line 7, column 15: 2419200 s are more than the kernel",
            ),
            (
                format!("{RULE}aggregate-v4 = 0"),
                "line 8, column 16: 0 is no prefix length",
            ),
            (
                format!("{RULE}aggregate-v6 = 129"),
                "line 8, column 16: 129 is no prefix length",
            ),
            (
                format!("{RULE}distinct-ports = 0"),
                "line 8, column 18: invalid value",
            ),
            (
                format!("{RULE}distinct-ports = 65536"),
                "line 8, column 18: invalid value",
            ),
            (
                format!("{RULE}exempt = [\"192.0.2.1\", \"host\"]"),
                "line 8, column 10: ",
            ),
            (
                RULE.replace("type = \"tcp\"\n", ""),
                "line 1, column 1: missing field `type`",
            ),
            (
                format!("{RULE}repeat = {{ within = \"30d\", factor = 4 }}"),
                "line 8, column 10: missing field `at-most`",
            ),
            (
                format!("{RULE}repeat = {{ within = \"30d\", factor = 1, at-most = \"2d\" }}"),
                "line 8, column 10: factor: a whole number from 2 on",
            ),
            (
                format!(
                    "{RULE}{RULE}repeat = {{ within = \"30d\", factor = 2, at-most = \"2h\" }}"
                ),
                "line 15, column 10: repeat: at-most is 2h, and removeafter",
            ),
            (format!("{RULE}é = ["), "line 8, column "),
        ] {
            let why = why(&text);
            assert!(why.starts_with(start), "{why}\nnot {start}\n{text}");
        }
        let error = RulesFile::parse(b"[[rule]]\nrule = \"\xff\"").expect_err("not UTF-8");
        assert_eq!(error.to_string(), "line 2, column 9: this is not UTF-8");
    }
}
