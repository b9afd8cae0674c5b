//! What hosts tell, and are told, over a server.

use std::collections::BTreeSet;
use std::time::Duration;

use ban_fleet::{Cursor, Engine, Host, Mark, Pardon, Pulled, Push, Record, Snapshot, Told};
use redis::{Pipeline, Value, cmd, pipe};

use super::answer::{Entry, bytes, bytes_of_each, entries};
use super::{EngineError, MOST_HOSTS, Valkey};

/// What was told stays in order so long; after that it is in snapshots.
const HISTORY: Duration = Duration::from_secs(48 * 3600);
/// Of a host that tells nothing more nothing is left after so many seconds; no pardon lasts longer.
const KEPT: u64 = 60 * 24 * 3600;
/// So many records are one entry of a stream.
const TOGETHER: usize = 100;
/// So many entries of one host are asked for at a time.
const AT_A_TIME: usize = 1000;

impl Valkey {
    /// The hosts that have told something.
    fn hosts(&mut self) -> Result<BTreeSet<Host>, EngineError> {
        let what = "ask who has told something";
        let pattern = self.keys.of_all("log");
        let mut hosts = BTreeSet::new();
        let mut place = "0".to_owned();
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&place)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(1000)
                .arg("TYPE")
                .arg("stream");
            let (next, found): (String, Vec<Vec<u8>>) = scan
                .query(&mut self.connection)
                .map_err(|source| self.failed(what, source))?;
            hosts.extend(found.iter().filter_map(|key| self.keys.host(key, "log")));
            if hosts.len() > MOST_HOSTS {
                return Err(EngineError::Hosts(self.address.clone()));
            }
            if next == "0" {
                return Ok(hosts);
            }
            place = next;
        }
    }

    /// Appends to a transaction what a host tells.
    fn append(&self, commands: &mut Pipeline, origin: &Host, records: &[Record]) {
        let now = self.now();
        let (log, held) = (self.keys.of(origin, "log"), self.keys.of(origin, "held"));
        for part in records.chunks(TOGETHER) {
            let lines: Vec<_> = part.iter().map(ToString::to_string).collect();
            let mut zadd = cmd("ZADD");
            zadd.arg(&held);
            for (record, line) in part.iter().zip(&lines) {
                zadd.arg(record.end().millis()).arg(line);
            }
            commands.add_command(zadd).ignore();
            let oldest = now
                .millis()
                .saturating_sub(u64::try_from(HISTORY.as_millis()).unwrap_or(u64::MAX));
            let mut xadd = cmd("XADD");
            xadd.arg(&log)
                .arg("MINID")
                .arg("~")
                .arg(oldest)
                .arg("*")
                .arg("r")
                .arg(lines.join("\n"));
            commands.add_command(xadd).ignore();
        }
        commands
            .cmd("ZREMRANGEBYSCORE")
            .arg(&held)
            .arg("-inf")
            .arg(now.millis())
            .ignore();
        for key in [log, held] {
            commands.cmd("EXPIRE").arg(key).arg(KEPT).ignore();
        }
    }
}

impl Engine for Valkey {
    type Error = EngineError;

    fn push(&mut self, origin: &Host, push: &Push<'_>) -> Result<Mark, EngineError> {
        let what = "tell what is new";
        let (held, mark) = (self.keys.of(origin, "held"), self.keys.of(origin, "mark"));
        let mut commands = pipe();
        commands.atomic();
        commands
            .cmd("SET")
            .arg(&mark)
            .arg(push.mark.get())
            .arg("EX")
            .arg(KEPT)
            .arg("GET");
        if push.is_all {
            commands.cmd("DEL").arg(&held).ignore();
        }
        for part in push.gone.chunks(TOGETHER) {
            let lines = part.iter().map(ToString::to_string);
            commands
                .cmd("ZREM")
                .arg(&held)
                .arg(lines.collect::<Vec<_>>())
                .ignore();
        }
        self.append(&mut commands, origin, push.records);
        let answers = self.ask_all(what, &commands)?;
        let before = answers.first().ok_or_else(|| self.senseless(what))?;
        Ok(mark_of(before))
    }

    fn pull_since(&mut self, reader: &Host, cursor: &Cursor) -> Result<Pulled, EngineError> {
        let what = "ask what is new";
        let hosts = self.hosts()?;
        let own_mark = self.ask(what, cmd("GET").arg(self.keys.of(reader, "mark")))?;
        let mark = mark_of(&own_mark);
        // Of a host that was not there before nobody knows what is no longer told.
        let is_other = hosts.iter().any(|host| cursor.position(host).is_none())
            || cursor.iter().any(|(host, _)| !hosts.contains(host));
        if is_other {
            return Ok(Pulled { news: None, mark });
        }
        let mut told = Vec::new();
        let mut ends = cursor.clone();
        let mut commands = pipe();
        for (host, position) in cursor.iter() {
            let key = self.keys.of(host, "log");
            commands
                .cmd("XRANGE")
                .arg(&key)
                .arg(position)
                .arg(position)
                .arg("COUNT")
                .arg(1);
            commands
                .cmd("XRANGE")
                .arg(&key)
                .arg(format!("({position}"))
                .arg("+")
                .arg("COUNT")
                .arg(AT_A_TIME);
        }
        let answers = if hosts.is_empty() {
            Vec::new()
        } else {
            self.ask_each(what, &commands)?
        };
        for ((host, position), answers) in cursor.iter().zip(answers.chunks(2)) {
            let [here, behind] = answers else {
                return Err(self.senseless(what));
            };
            // What was read last is gone, and so may be what came after it.
            if position != NOTHING && entries(here).next().is_none() {
                return Ok(Pulled { news: None, mark });
            }
            for entry in entries(behind) {
                ends.set(host.clone(), entry.id.clone());
                told.extend(lines(host, &entry));
            }
        }
        Ok(Pulled {
            news: Some((told, ends)),
            mark,
        })
    }

    fn snapshot(&mut self, of: Option<&Host>, most: usize) -> Result<Snapshot, EngineError> {
        let what = "ask what holds";
        let hosts = match of {
            Some(host) => BTreeSet::from([host.clone()]),
            None => self.hosts()?,
        };
        let now = self.now().millis();
        let mut snapshot = Snapshot::default();
        for host in hosts {
            let (log, held) = (self.keys.of(&host, "log"), self.keys.of(&host, "held"));
            let mut commands = pipe();
            // Where the history ends before it is read.
            commands
                .cmd("XREVRANGE")
                .arg(log)
                .arg("+")
                .arg("-")
                .arg("COUNT")
                .arg(1);
            commands
                .cmd("ZRANGEBYSCORE")
                .arg(held)
                .arg(format!("({now}"))
                .arg("+inf")
                .arg("LIMIT")
                .arg(0)
                .arg(most);
            let answers = self.ask_each(what, &commands)?;
            let [last, lines] = answers.as_slice() else {
                return Err(self.senseless(what));
            };
            let last = entries(last)
                .next()
                .map_or_else(|| NOTHING.to_owned(), |entry| entry.id);
            snapshot.told.extend(bytes_of_each(lines).map(|line| Told {
                origin: host.clone(),
                line: line.to_vec(),
            }));
            snapshot.cursor.set(host, last);
        }
        Ok(snapshot)
    }

    fn pardon(&mut self, admin: &Host, pardon: &Pardon) -> Result<(), EngineError> {
        let mut commands = pipe();
        commands.atomic();
        self.append(&mut commands, admin, &[Record::Pardon(pardon.clone())]);
        self.ask_all("tell of the pardon", &commands).map(drop)
    }
}

/// The position before all entries.
const NOTHING: &str = "0-0";

/// The lines of an entry, whatever else it has.
fn lines(host: &Host, entry: &Entry<'_>) -> Vec<Told> {
    let values = entry.fields.chunks(2).filter_map(|field| match field {
        [name, value] if bytes(name) == Some(b"r") => bytes(value),
        _ => None,
    });
    let lines = values.flat_map(|value| value.split(|byte| *byte == b'\n'));
    let told = lines.map(|line| Told {
        origin: host.clone(),
        line: line.to_vec(),
    });
    told.collect()
}

/// The mark that a text says.
fn mark_of(value: &Value) -> Mark {
    let text = bytes(value).and_then(|bytes| std::str::from_utf8(bytes).ok());
    Mark::new(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}
