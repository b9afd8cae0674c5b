//! A host's knowledge as text, so that a program that runs from time to time goes on where it was.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr;

use super::Node;
use crate::engine::Mark;
use crate::name::Host;
use crate::record::Record;
use crate::time::Time;
use crate::trust::{Cut, Intake};

/// Why a text is no host's knowledge; its line, from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// It is of another host, or of a program that writes it otherwise.
    #[error("its first line is not `{HEADER} {0}`")]
    Foreign(Host),
    /// A line says nothing.
    #[error("line {0} makes no sense")]
    Line(usize),
    /// The last line is not there, or others are not.
    #[error("lines are missing")]
    Short,
}

const HEADER: &str = "rampart-node 1";

impl Node {
    /// All that it knows, as lines of text; [`restore`](Self::restore) reads them.
    pub fn save(&self) -> String {
        let mut text = String::new();
        let lines = self.write(&mut text).unwrap_or_default();
        // Writing into a string does not fail.
        let _ = writeln!(text, "end {lines}");
        text
    }

    /// What [`save`](Self::save) has written. Whatever else a text says is an error, and never a
    /// host that knows half of it.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use ban_fleet::{Node, Record};
    ///
    /// let mut node = Node::new("web1".parse()?);
    /// node.tell(Record::parse(b"ban blacklist 203.0.113.7 end=2000 last=1000 hand why=")?);
    /// let text = node.save();
    /// assert_eq!(Node::restore("web1".parse()?, &text)?.save(), text);
    /// assert!(Node::restore("web2".parse()?, &text).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails where the text is of another host, cut short, or has a line that is none.
    pub fn restore(own: Host, text: &str) -> Result<Self, SavedError> {
        let (body, end) = text
            .strip_suffix('\n')
            .and_then(|text| text.rsplit_once('\n'))
            .ok_or(SavedError::Short)?;
        let mut lines = body.split('\n').zip(1..);
        let first = lines.next().map(|(first, _)| first);
        if first != Some(&format!("{HEADER} {own}")) {
            return Err(SavedError::Foreign(own));
        }
        let mut read = Read {
            node: Self::new(own),
            settled: None,
            allowances: BTreeMap::new(),
            cuts: BTreeMap::new(),
        };
        let mut count = 1_usize;
        for (line, number) in lines {
            read.line(line).ok_or(SavedError::Line(number))?;
            count = number;
        }
        if end != format!("end {count}") {
            return Err(SavedError::Short);
        }
        let mut node = read.node;
        node.intake = Intake::kept(read.settled, read.allowances, read.cuts);
        Ok(node)
    }

    /// Writes all but the last line; how many there are.
    fn write(&self, text: &mut String) -> Result<usize, std::fmt::Error> {
        let mut lines = 2;
        writeln!(text, "{HEADER} {}", self.own)?;
        writeln!(text, "mark {}", self.mark.get())?;
        if self.is_whole {
            writeln!(text, "whole")?;
            lines += 1;
        }
        // A position that is more than a word could be any other line. Without it all is asked for.
        let words = self.cursor.iter().filter(|(_, at)| is_word(at));
        for (host, position) in words {
            writeln!(text, "at {host} {position}")?;
            lines += 1;
        }
        let (settled, allowances) = self.intake.allowances();
        if let Some(settled) = settled {
            writeln!(text, "settled {settled}")?;
            lines += 1;
        }
        for (host, left) in allowances {
            writeln!(text, "pace {host} {left}")?;
            lines += 1;
        }
        for (host, cut) in self.intake.cuts() {
            let (word, number) = match cut {
                Cut::TooMany(most) => (MANY, most.to_string()),
                Cut::TooFast(most) => (FAST, most.to_string()),
            };
            writeln!(text, "cut {host} {word} {number}")?;
            lines += 1;
        }
        let unsent = self.unsent.iter().map(|record| ("unsent", record));
        let gone = self.gone.iter().map(|record| ("gone", record));
        for (word, record) in unsent.chain(gone) {
            writeln!(text, "{word} {record}")?;
            lines += 1;
        }
        for (host, record) in self.state.records() {
            writeln!(text, "told {host} {record}")?;
            lines += 1;
        }
        Ok(lines)
    }
}

const MANY: &str = "many";
const FAST: &str = "fast";

/// A host, as its lines come.
struct Read {
    node: Node,
    settled: Option<Time>,
    allowances: BTreeMap<Host, i64>,
    cuts: BTreeMap<Host, Cut>,
}

impl Read {
    fn line(&mut self, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let node = &mut self.node;
        match word {
            "mark" => node.mark = Mark::new(number(rest)?),
            "whole" if rest.is_empty() => node.is_whole = true,
            "at" => {
                let (host, position) = of_host(rest)?;
                let position = Some(position).filter(|at| is_word(at))?;
                node.cursor.set(host, position.to_owned());
            }
            "settled" => self.settled = Some(Time::from_millis(number(rest)?)),
            "pace" => {
                let (host, left) = of_host(rest)?;
                self.allowances.insert(host, number(left)?);
            }
            "cut" => {
                let (host, cut) = of_host(rest)?;
                let (word, most) = cut.split_once(' ')?;
                let cut = match word {
                    MANY => Cut::TooMany(number(most)?),
                    FAST => Cut::TooFast(number(most)?),
                    _ => return None,
                };
                self.cuts.insert(host, cut);
            }
            "unsent" => node.unsent.push(Record::parse(rest.as_bytes()).ok()?),
            "gone" => node.gone.push(Record::parse(rest.as_bytes()).ok()?),
            "told" => {
                let (host, record) = of_host(rest)?;
                node.state
                    .insert(&host, Record::parse(record.as_bytes()).ok()?);
            }
            _ => return None,
        }
        Some(())
    }
}

fn of_host(rest: &str) -> Option<(Host, &str)> {
    let (host, rest) = rest.split_once(' ')?;
    Some((host.parse().ok()?, rest))
}

fn number<N: FromStr>(text: &str) -> Option<N> {
    text.parse().ok()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
