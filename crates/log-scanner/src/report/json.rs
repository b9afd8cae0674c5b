//! The report as one JSON document.

use std::io;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{LogReport, Outcome, Report, RuleReport, ViolationReport};

/// The version of the document's form; fields may be added without a new one.
const VERSION: u32 = 1;

/// Writes the document and a line feed.
pub(crate) fn write(report: &Report, out: &mut impl io::Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Document::from(report))?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    #[serde(serialize_with = "time")]
    as_of: Timestamp,
    dry_run: bool,
    logs: Vec<LogObject<'a>>,
    rules: [RuleObject<'a>; 1],
}

#[derive(Serialize)]
struct LogObject<'a> {
    path: &'a str,
    bytes: u64,
    lines: u64,
    events: u64,
    unparsed: u64,
    rejected: u64,
}

#[derive(Serialize)]
struct RuleObject<'a> {
    rule: &'a str,
    #[serde(rename = "type")]
    protocols: &'a str,
    howmany: u32,
    within: u64,
    ipset: &'a str,
    removeafter: u64,
    matched: u64,
    sources: u64,
    sources_exact: bool,
    violations: Vec<ViolationObject<'a>>,
}

#[derive(Serialize)]
struct ViolationObject<'a> {
    source: IpAddr,
    set: &'a str,
    hits: u64,
    peak_hits: u64,
    #[serde(serialize_with = "time")]
    first_seen: Timestamp,
    #[serde(serialize_with = "time")]
    last_seen: Timestamp,
    #[serde(serialize_with = "time")]
    expires: Timestamp,
    timeout: u32,
    outcome: &'static str,
    error: Option<&'a str>,
}

fn time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

impl<'a> From<&'a Report> for Document<'a> {
    fn from(report: &'a Report) -> Self {
        Self {
            version: VERSION,
            as_of: report.as_of,
            dry_run: report.dry_run,
            logs: report.logs.iter().map(LogObject::from).collect(),
            rules: [RuleObject::from(&report.rule)],
        }
    }
}

impl<'a> From<&'a LogReport> for LogObject<'a> {
    fn from(log: &'a LogReport) -> Self {
        Self {
            path: &log.path,
            bytes: log.bytes,
            lines: log.lines,
            events: log.events,
            unparsed: log.unparsed,
            rejected: log.rejected,
        }
    }
}

impl<'a> From<&'a RuleReport> for RuleObject<'a> {
    fn from(rule: &'a RuleReport) -> Self {
        Self {
            rule: &rule.rule,
            protocols: &rule.protocols,
            howmany: rule.howmany,
            within: rule.within.get(),
            ipset: rule.ipset.inet.as_str(),
            removeafter: rule.removeafter.get(),
            matched: rule.matched,
            sources: rule.sources,
            sources_exact: rule.sources_exact,
            violations: rule.violations.iter().map(ViolationObject::from).collect(),
        }
    }
}

impl<'a> From<&'a ViolationReport> for ViolationObject<'a> {
    fn from(violation: &'a ViolationReport) -> Self {
        Self {
            source: violation.source,
            set: &violation.set,
            hits: violation.hits,
            peak_hits: violation.peak_hits,
            first_seen: violation.first_seen,
            last_seen: violation.last_seen,
            expires: violation.expires,
            timeout: violation.timeout,
            outcome: violation.outcome.word(),
            error: match &violation.outcome {
                Outcome::Refused(error) => Some(error),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{report, violation};
    use super::*;

    #[test]
    fn the_document_to_the_letter() {
        let report = report(
            false,
            vec![
                violation("203.0.113.7", Outcome::Added),
                violation(
                    "2001:db8::7",
                    Outcome::Refused("the set is full".to_owned()),
                ),
            ],
        );
        let mut json = Vec::new();
        write(&report, &mut json).expect("written");
        let expected = concat!(
            r#"{"version":1,"as_of":"2026-11-22T09:00:00Z","dry_run":false,"#,
            r#""logs":[{"path":"/ram/iptables.log","bytes":123456,"lines":700,"events":690,"unparsed":1,"rejected":2}],"#,
            r#""rules":[{"rule":"blocked","type":"tcp","howmany":500,"within":1800,"ipset":"blacklist","removeafter":86400,"#,
            r#""matched":650,"sources":7,"sources_exact":true,"violations":["#,
            r#"{"source":"203.0.113.7","set":"blacklist","hits":512,"peak_hits":501,"#,
            r#""first_seen":"2026-11-22T08:00:00Z","last_seen":"2026-11-22T08:59:00.25Z","#,
            r#""expires":"2026-11-23T08:59:00.25Z","timeout":86341,"outcome":"added","error":null},"#,
            r#"{"source":"2001:db8::7","set":"blacklist_v6","hits":512,"peak_hits":501,"#,
            r#""first_seen":"2026-11-22T08:00:00Z","last_seen":"2026-11-22T08:59:00.25Z","#,
            r#""expires":"2026-11-23T08:59:00.25Z","timeout":86341,"outcome":"refused","error":"the set is full"}"#,
            "]}]}\n",
        );
        assert_eq!(String::from_utf8(json).expect("UTF-8"), expected);
    }
}
