//! The text of records, a line each.
//!
//! There is one text for each record and one record for each text: fields stand in their order, with
//! one space between them, numbers have no sign and no zeros before them, prefixes their shortest
//! text. What is otherwise is refused with its place, and not guessed at.

mod fields;
#[cfg(test)]
mod tests;

use std::fmt;

use fields::Fields;

use crate::prefix::Prefix;
use crate::record::{Ban, Bucket, Cause, Evidence, Pardon, Record, Words};
use crate::time::Time;

/// The longest line of a record, in bytes.
pub const MAX_LINE: usize = 512;

/// Why a line is no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {why}")]
pub struct WireError {
    /// In bytes, from 1.
    column: usize,
    why: String,
}

impl WireError {
    pub(crate) fn new(column: usize, why: impl Into<String>) -> Self {
        Self {
            column,
            why: why.into(),
        }
    }

    /// Where it is wrong: in bytes, from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl Record {
    /// Reads a line, without its end.
    ///
    /// ```
    /// use ban_fleet::Record;
    ///
    /// let line = "ban blacklist 203.0.113.7 end=1795425954000 last=1795339554000 scan rule=blocked hits=501 ports=20";
    /// let record = Record::parse(line.as_bytes()).unwrap();
    /// assert_eq!(record.to_string(), line);
    /// let wrong = Record::parse(b"ban blacklist 203.0.113.7/24").unwrap_err();
    /// assert_eq!(wrong.to_string(), "column 15: the first address of this network is 203.0.113.0");
    /// ```
    ///
    /// # Errors
    ///
    /// Fails where it is not exactly the text of a record, or longer than [`MAX_LINE`] bytes.
    pub fn parse(line: &[u8]) -> Result<Self, WireError> {
        if line.len() > MAX_LINE {
            return Err(WireError::new(MAX_LINE + 1, "the line is too long"));
        }
        let text = std::str::from_utf8(line)
            .map_err(|error| WireError::new(error.valid_up_to() + 1, "this is not UTF-8"))?;
        let mut fields = Fields::new(text);
        let record = match fields.word()? {
            "ban" => ban(&mut fields)?.into(),
            "pardon" => pardon(&mut fields)?.into(),
            "evidence" => evidence(&mut fields)?.into(),
            _ => return Err(WireError::new(1, "a record is a ban, a pardon or evidence")),
        };
        fields.end()?;
        Ok(record)
    }
}

fn ban(fields: &mut Fields<'_>) -> Result<Ban, WireError> {
    let set = fields.parse()?;
    let prefix = prefix(fields)?;
    let end = time(fields, "end")?;
    let last_hit = time(fields, "last")?;
    if last_hit > end {
        return Err(fields.wrong("a ban does not end before its last hit"));
    }
    let cause = match fields.word()? {
        "scan" => Cause::Scan {
            rule: fields.parse_value("rule")?,
            hits: fields.number("hits", 1..=u64::MAX)?,
            ports: fields.number_or_none("ports")?,
        },
        "hand" => Cause::Hand { why: why(fields)? },
        _ => return Err(fields.wrong("a ban is by a scan or by hand")),
    };
    Ok(Ban {
        set,
        prefix,
        end,
        last_hit,
        cause,
    })
}

fn pardon(fields: &mut Fields<'_>) -> Result<Pardon, WireError> {
    let prefix = prefix(fields)?;
    let at = time(fields, "at")?;
    let until = time(fields, "until")?;
    if at > until {
        return Err(fields.wrong("a pardon is not forgotten before its instant"));
    }
    let why = why(fields)?;
    Ok(Pardon {
        prefix,
        at,
        until,
        why,
    })
}

fn evidence(fields: &mut Fields<'_>) -> Result<Evidence, WireError> {
    let rule = fields.parse()?;
    let width = fields.number("width", 1..=crate::record::MAX_WIDTH)?;
    let number = fields.number("bucket", 0..=u64::MAX)?;
    let bucket = Bucket::new(width, number)
        .ok_or_else(|| fields.wrong("this bucket ends after the year 9999"))?;
    let source = prefix(fields)?;
    let hits = fields.number("hits", 1..=u64::MAX)?;
    Ok(Evidence {
        rule,
        bucket,
        source,
        hits,
    })
}

fn prefix(fields: &mut Fields<'_>) -> Result<Prefix, WireError> {
    let (prefix, text): (Prefix, &str) = fields.parse_with_text()?;
    if prefix.to_string() == text {
        Ok(prefix)
    } else {
        Err(fields.wrong(format!("the shortest text of this prefix is {prefix}")))
    }
}

fn time(fields: &mut Fields<'_>, key: &str) -> Result<Time, WireError> {
    let millis = fields.number(key, 0..=Time::MAX.millis())?;
    Ok(Time::from_millis(millis))
}

/// The last field, which goes to the end of the line.
fn why(fields: &mut Fields<'_>) -> Result<Words, WireError> {
    fields.rest("why")
}

/// As a line, without its end.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ban(ban) => {
                let Ban {
                    set,
                    prefix,
                    end,
                    last_hit,
                    cause,
                } = ban;
                write!(f, "ban {set} {prefix} end={end} last={last_hit} ")?;
                match cause {
                    Cause::Scan { rule, hits, ports } => {
                        write!(f, "scan rule={rule} hits={hits} ports=")?;
                        match ports {
                            Some(ports) => ports.fmt(f),
                            None => f.write_str("-"),
                        }
                    }
                    Cause::Hand { why } => write!(f, "hand why={why}"),
                }
            }
            Self::Pardon(pardon) => {
                let Pardon {
                    prefix,
                    at,
                    until,
                    why,
                } = pardon;
                write!(f, "pardon {prefix} at={at} until={until} why={why}")
            }
            Self::Evidence(evidence) => {
                let Evidence {
                    rule,
                    bucket,
                    source,
                    hits,
                } = evidence;
                let (width, number) = (bucket.width(), bucket.number());
                write!(
                    f,
                    "evidence {rule} width={width} bucket={number} {source} hits={hits}"
                )
            }
        }
    }
}
