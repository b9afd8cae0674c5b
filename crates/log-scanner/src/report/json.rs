//! The report as one JSON document.

use std::io;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{Connections, Lifted, LogReport, Report, RuleReport, ViolationReport};
use crate::prefixes::Held;
use crate::rule::PrefixLength;
use crate::source::Source;

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
    rules: Vec<RuleObject<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lifted: Vec<LiftedObject<'a>>,
}

#[derive(Serialize)]
struct LiftedObject<'a> {
    source: Source,
    set: &'a str,
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct LogObject<'a> {
    path: &'a str,
    bytes: u64,
    lines: u64,
    events: u64,
    unparsed: u64,
    rejected: u64,
    #[serde(skip_serializing_if = "is_none")]
    misplaced: u64,
    #[serde(skip_serializing_if = "is_none")]
    repeated: u64,
}

#[derive(Serialize)]
struct RuleObject<'a> {
    rule: String,
    #[serde(rename = "type")]
    protocols: String,
    howmany: u32,
    within: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    distinct_ports: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregate_v4: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregate_v6: Option<u8>,
    #[serde(skip_serializing_if = "is_default")]
    count_answers: bool,
    #[serde(skip_serializing_if = "is_default")]
    count_multicast: bool,
    ipset: &'a str,
    removeafter: u64,
    matched: u64,
    sources: u64,
    sources_exact: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prefixes: Vec<PrefixObject>,
    violations: Vec<ViolationObject<'a>>,
}

#[derive(Serialize)]
struct PrefixObject {
    prefix: String,
    lines: u64,
}

#[derive(Serialize)]
struct ViolationObject<'a> {
    source: Source,
    set: &'a str,
    hits: u64,
    peak_hits: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_ports: Option<u32>,
    #[serde(serialize_with = "time")]
    first_seen: Timestamp,
    #[serde(serialize_with = "time")]
    last_seen: Timestamp,
    #[serde(serialize_with = "time")]
    expires: Timestamp,
    timeout: u32,
    outcome: &'static str,
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    except: Vec<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connections_cut: Option<u64>,
    #[serde(skip_serializing_if = "is_none")]
    connections_left: u64,
}

/// Of a switch that is off unless set.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_default(switch: &bool) -> bool {
    !switch
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_none(number: &u64) -> bool {
    *number == 0
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
            rules: report.rules.iter().map(RuleObject::from).collect(),
            lifted: report.lifted.iter().map(LiftedObject::from).collect(),
        }
    }
}

impl<'a> From<&'a Lifted> for LiftedObject<'a> {
    fn from(lifted: &'a Lifted) -> Self {
        Self {
            source: lifted.source,
            set: lifted.set.as_str(),
            error: lifted.error.as_deref(),
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
            misplaced: log.misplaced,
            repeated: log.repeated,
        }
    }
}

impl<'a> From<&'a RuleReport> for RuleObject<'a> {
    fn from(report: &'a RuleReport) -> Self {
        let rule = &report.rule;
        Self {
            rule: rule.name.to_string(),
            protocols: rule.protocols.to_string(),
            howmany: rule.howmany.get(),
            within: rule.within.get(),
            distinct_ports: rule.distinct_ports.map(u16::from),
            aggregate_v4: rule.aggregate_v4.map(PrefixLength::get),
            aggregate_v6: rule.aggregate_v6.map(PrefixLength::get),
            count_answers: rule.count_answers,
            count_multicast: rule.count_multicast,
            ipset: rule.ipset.inet.as_str(),
            removeafter: rule.removeafter.get(),
            matched: report.matched,
            sources: report.sources,
            sources_exact: report.sources_exact,
            prefixes: report.prefixes.iter().map(PrefixObject::from).collect(),
            violations: report
                .violations
                .iter()
                .map(ViolationObject::from)
                .collect(),
        }
    }
}

impl From<&Held> for PrefixObject {
    fn from((prefix, lines): &Held) -> Self {
        Self {
            prefix: String::from_utf8_lossy(prefix).into_owned(),
            lines: *lines,
        }
    }
}

impl<'a> From<&'a ViolationReport> for ViolationObject<'a> {
    fn from(violation: &'a ViolationReport) -> Self {
        Self {
            source: violation.source,
            set: violation.set.as_str(),
            hits: violation.hits,
            peak_hits: violation.peak_hits,
            peak_ports: violation.peak_ports,
            first_seen: violation.first_seen,
            last_seen: violation.last_seen,
            expires: violation.expires,
            timeout: violation.timeout,
            outcome: violation.outcome.word(),
            error: violation.error(),
            except: violation
                .exceptions
                .iter()
                .map(|part| part.network.into())
                .collect(),
            connections_left: violation.connections_left,
            connections_cut: violation
                .connections
                .as_ref()
                .map(|connections| match connections {
                    Connections::Cut(number)
                    | Connections::WouldCut(number)
                    | Connections::Refused(number, _) => *number,
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
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

    #[test]
    fn what_is_asked_for_is_there() {
        let mut scan = violation("2001:db8::/64", Outcome::Added);
        scan.peak_ports = Some(25);
        scan.exceptions = vec![crate::exempt::Part {
            network: crate::rule::network("2001:db8::9").expect("an address"),
            why: "a member of whitelist_v6".to_owned(),
            by_run: false,
        }];
        scan.connections = Some(Connections::Cut(3));
        let mut failed = violation("203.0.113.7", Outcome::Added);
        failed.connections = Some(Connections::Refused(1, "no".to_owned()));
        let mut report = report(false, vec![failed, scan]);
        let rule = &mut report.rules[0].rule;
        rule.distinct_ports = 20.try_into().ok();
        rule.aggregate_v6 = "64".parse().ok();
        rule.count_multicast = true;
        let mut json = Vec::new();
        write(&report, &mut json).expect("written");
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        let rule = &json["rules"][0];
        assert_eq!(rule["distinct_ports"], 20);
        assert_eq!(rule["aggregate_v6"], 64);
        assert!(rule.get("aggregate_v4").is_none());
        assert_eq!(rule["count_multicast"], true);
        assert!(rule.get("count_answers").is_none());
        assert_eq!(rule["violations"][0]["connections_cut"], 1);
        assert_eq!(rule["violations"][0]["error"], "no");
        assert_eq!(rule["violations"][1]["source"], "2001:db8::/64");
        assert_eq!(rule["violations"][1]["peak_ports"], 25);
        assert_eq!(
            rule["violations"][1]["except"],
            serde_json::json!(["2001:db8::9"])
        );
        assert!(rule["violations"][0].get("except").is_none());
        assert_eq!(rule["violations"][1]["connections_cut"], 3);
        assert!(!report.is_complete());
    }
}
