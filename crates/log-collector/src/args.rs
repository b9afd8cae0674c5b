//! The command line.

use std::path::PathBuf;

use clap::Parser;
use netfilter_host::metrics::Textfile;

/// The smallest `--max-size`: room for the longest line.
const SMALLEST: u64 = 4096;

// No line is longer than a narrow terminal, which would break it in two.
const AFTER_HELP: &str = "\
Exit status:
  0  ended by a signal, with everything written
  1  the group could not be read any longer
  2  nothing was begun, and why

Examples:
  What the unit does, where the firewall has target = \"NFLOG\":
    log-collector

  Another group and file, which may take 200 MiB with its old ones:
    log-collector --group 7 --output /ram/other.log --max-size 50M --keep 3

  With figures for Prometheus, by the textfile collector of node_exporter:
    log-collector --textfile /run/rampart-metrics/collector.prom";

/// Write the packets of an NFLOG group into a log file, one line per packet.
///
/// The lines are those that rsyslog makes of the kernel's LOG target, with RFC 3339 stamps in UTC,
/// so that log-scanner and everything else that reads a firewall's log can read them. What the
/// kernel had to drop is counted and written, too. The only privilege needed is CAP_NET_ADMIN in
/// the network namespace.
///
/// Nobody else may be able to write the file's directory, and its disk must have room for all
/// files. On a disk that is full all the same the oldest lines are removed.
///
/// SIGHUP opens the file again. SIGTERM and SIGINT end the program once everything logged so far is
/// written.
#[expect(clippy::doc_markdown, reason = "--help shows it as it stands")]
#[derive(Debug, Parser)]
#[command(name = "log-collector", version, max_term_width = 90, after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The group that the rules send to: iptables -j NFLOG --nflog-group N
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) group: u16,

    /// The file to append to
    #[arg(long, value_name = "PATH", default_value = "/ram/iptables.log")]
    pub(crate) output: PathBuf,

    /// Begin a new file before this one grows larger; K, M and G mean 1024 bytes and its powers
    #[arg(long, value_name = "SIZE", default_value = "100M", value_parser = size)]
    pub(crate) max_size: u64,

    /// How many old files to keep, as PATH.1 (the newest) to PATH.N; 0 empties the file instead
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) keep: u8,

    /// Write figures for Prometheus into this file every 15 seconds, for the textfile collector of
    /// node_exporter; PATH ends in .prom
    #[arg(long, value_name = "PATH")]
    pub(crate) textfile: Option<Textfile>,
}

/// `4096`, `64K`, `100M`, `1G`
fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.bytes().last().map(|unit| unit.to_ascii_uppercase()) {
        Some(b'K') => (text.get(..text.len() - 1), 1 << 10),
        Some(b'M') => (text.get(..text.len() - 1), 1 << 20),
        Some(b'G') => (text.get(..text.len() - 1), 1 << 30),
        _ => (Some(text), 1),
    };
    let number: u64 = number
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|number| number.parse().ok())
        .ok_or("expected a whole number of bytes, or one with K, M or G, such as 100M")?;
    match number.checked_mul(unit) {
        Some(bytes) if bytes >= SMALLEST => Ok(bytes),
        Some(_) => Err(format!("too small: at least {SMALLEST} bytes")),
        None => Err("too large".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_example_is_understood() {
        let help = Args::command().render_long_help().to_string();
        let lines = help.lines().map(str::trim);
        let examples: Vec<&str> = lines
            .filter(|line| *line == "log-collector" || line.starts_with("log-collector --"))
            .collect();
        assert_eq!(examples.len(), 3, "{help}");
        for example in examples {
            let args = Args::try_parse_from(example.split_whitespace());
            assert!(args.is_ok(), "{example}: {args:?}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("4096", Some(4096)),
            ("64K", Some(65536)),
            ("100M", Some(104_857_600)),
            ("100m", Some(104_857_600)),
            ("1G", Some(1 << 30)),
            ("4095", None),
            ("3K", None),
            ("", None),
            ("M", None),
            ("+5M", None),
            ("1.5G", None),
            ("10MB", None),
            ("10é", None),
            ("18446744073709551615G", None),
        ] {
            assert_eq!(size(text).ok(), bytes, "{text}");
        }
    }
}
