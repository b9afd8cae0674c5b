//! The report as one JSON document. What it says of a rule and of a log are their own fields.

use std::io;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{Report, RuleReport};
use crate::rule::{Offence, Protect};
use crate::scan::LogRead;
use crate::source::Source;
use crate::violation::{Banned, Dropped, Lifted, Outcome};
use crate::words::{as_text, is_zero};

/// The version of the document's form; fields may be added without a new one.
const VERSION: u32 = 1;

/// Writes the document and a line feed.
pub(crate) fn write(report: &Report<'_>, out: &mut impl io::Write) -> io::Result<()> {
    let document = Document {
        version: VERSION,
        as_of: report.as_of,
        dry_run: report.dry_run,
        protect: &report.protect,
        logs: &report.logs,
        rules: &report.rules,
        lifted: &report.lifted,
        dropped: &report.dropped,
    };
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    #[serde(serialize_with = "as_text")]
    as_of: Timestamp,
    dry_run: bool,
    protect: &'a Protect,
    logs: &'a [LogRead],
    rules: &'a [RuleReport<'a>],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    lifted: &'a [Lifted],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    dropped: &'a [Dropped],
}

#[derive(Serialize)]
struct Violation<'a> {
    source: Source,
    set: &'a str,
    hits: u64,
    peak_hits: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_ports: Option<u32>,
    #[serde(serialize_with = "as_text")]
    first_seen: Timestamp,
    #[serde(serialize_with = "as_text")]
    last_seen: Timestamp,
    #[serde(serialize_with = "as_text")]
    expires: Timestamp,
    timeout: u32,
    #[serde(flatten)]
    offence: Option<Offence>,
    outcome: &'static str,
    error: Option<&'a str>,
    /// Why the source is exempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    except: Vec<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connections_cut: Option<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    connections_left: u64,
}

impl Serialize for Banned<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let violator = &self.ban.violator;
        let connections = self.connections.as_ref();
        let exceptions = self.exceptions.iter();
        let violation = Violation {
            source: violator.source,
            set: self.ban.set().as_str(),
            hits: violator.hits,
            peak_hits: violator.peak_hits,
            peak_ports: violator.peak_ports,
            first_seen: violator.first_seen,
            last_seen: violator.last_seen,
            expires: self.ban.expires,
            timeout: self.ban.timeout,
            offence: self.ban.offence,
            outcome: self.outcome.word(),
            error: self.error(),
            why: match &self.outcome {
                Outcome::Exempt(why) => Some(why),
                _ => None,
            },
            except: exceptions.map(|part| part.network.into()).collect(),
            connections_cut: connections.map(|connections| connections.cut),
            connections_left: connections.map_or(0, |connections| connections.left),
        };
        violation.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{report, report_by, violation};
    use super::*;
    use crate::rule::Rule;
    use crate::violation::tests::rule;
    use crate::violation::{Connections, Outcome};

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
            r#""protect":["gateways","resolvers","time-servers","ssh"],"#,
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
        scan.ban.violator.peak_ports = Some(25);
        scan.exceptions = vec![crate::exempt::Part {
            network: crate::rule::network("2001:db8::9").expect("an address"),
            why: "a member of whitelist_v6".to_owned(),
            by_run: false,
        }];
        let connections = |cut, error: Option<&str>| Connections {
            cut,
            left: 0,
            error: error.map(str::to_owned),
        };
        scan.connections = Some(connections(3, None));
        let mut failed = violation("203.0.113.7", Outcome::Added);
        failed.connections = Some(connections(1, Some("no")));
        let rule = Rule {
            distinct_ports: 20.try_into().ok(),
            aggregate_v6: "64".parse().ok(),
            count_multicast: true,
            ..rule()
        };
        let report = report_by(&rule, false, vec![failed, scan]);
        let mut json = Vec::new();
        write(&report, &mut json).expect("written");
        let of_rule = r#""within":1800,"distinct_ports":20,"aggregate_v6":64,"count_multicast":true,"ipset":"blacklist","removeafter":86400,"matched""#;
        let text = String::from_utf8_lossy(&json);
        assert!(text.contains(of_rule), "{text}");
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
