//! Records of systemd's journal as lines.

mod entry;
mod export;
mod json;

use std::io::{self, BufReader, Cursor, Read};

/// A reader of what `journalctl -o json` and `-o export` write, which gives each record as a line
/// that can be read as one of rsyslog's. What begins like neither is given as it is.
///
/// The kernel's are the records that journald itself took from the kernel (`_TRANSPORT=kernel`,
/// facility 0); all others get the tag of who wrote them, with its number, so that no name makes
/// them the kernel's. Bytes of control in a message become `\x0a` and the like, as in `/dev/kmsg`,
/// so that a record is one line. The kernel's time since boot comes first where the record has it.
///
/// ```
/// use std::io::Read as _;
///
/// use firewall_log::{Event, Journal};
///
/// # fn main() -> std::io::Result<()> {
/// let record = br#"{"__REALTIME_TIMESTAMP":"1795339554194069","_HOSTNAME":"fw","_TRANSPORT":"kernel","MESSAGE":"IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 "}"#;
/// let mut line = String::new();
/// Journal::new(&record[..]).read_to_string(&mut line)?;
/// assert!(line.starts_with("2026-11-22T09:25:54.194069+00:00 fw kernel: IPTABLES-BLOCKED: IN=eth0 "));
/// assert!(Event::parse(line.as_bytes()).is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Journal<R> {
    /// The first bytes, which tell what the rest is.
    head: Cursor<Vec<u8>>,
    inner: BufReader<R>,
    form: Option<Form>,
    /// The line that is being given, and how much of it has been.
    line: Vec<u8>,
    given: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Json,
    Export,
}

impl Form {
    const JSON: &'static [u8] = b"{\"";
    const EXPORT: &'static [u8] = b"__CURSOR=";
    /// How many bytes tell the form.
    const HEAD: u64 = 9;

    fn of(begin: &[u8]) -> Self {
        if begin.starts_with(Self::JSON) {
            Self::Json
        } else if begin.starts_with(Self::EXPORT) {
            Self::Export
        } else {
            Self::Plain
        }
    }
}

impl<R: Read> Journal<R> {
    /// Reads from where `inner` stands; the first bytes tell what it is.
    pub fn new(inner: R) -> Self {
        Self {
            head: Cursor::default(),
            inner: BufReader::with_capacity(64 * 1024, inner),
            form: None,
            line: Vec::new(),
            given: 0,
        }
    }

    /// The form of what is read. It is told by nine bytes, however few `inner` gives at a time.
    fn form(&mut self) -> io::Result<Form> {
        if let Some(form) = self.form {
            return Ok(form);
        }
        let missing = Form::HEAD.saturating_sub(self.head.get_ref().len() as u64);
        let head = self.head.get_mut();
        self.inner.by_ref().take(missing).read_to_end(head)?;
        Ok(*self.form.insert(Form::of(head)))
    }

    /// Reads the next record; `false` at the end.
    fn next(&mut self, form: Form) -> io::Result<bool> {
        self.line.clear();
        self.given = 0;
        let mut from = (&mut self.head).chain(&mut self.inner);
        let entry = match form {
            Form::Export => export::read(&mut from)?,
            Form::Json | Form::Plain => json::read(&mut from)?,
        };
        if let Some(entry) = &entry {
            entry.write(&mut self.line);
        }
        Ok(entry.is_some())
    }
}

impl Journal<()> {
    /// Whether what begins with these bytes, of which nine are enough, is records.
    pub fn begins(begin: &[u8]) -> bool {
        Form::of(begin) != Form::Plain
    }
}

impl<R: Read> Read for Journal<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let form = self.form()?;
        if form == Form::Plain {
            return (&mut self.head).chain(&mut self.inner).read(to);
        }
        while self.given == self.line.len() {
            if !self.next(form)? {
                return Ok(0);
            }
        }
        let mut rest = self.line.get(self.given..).unwrap_or_default();
        let read = rest.read(to)?;
        self.given += read;
        Ok(read)
    }
}

/// The longest field that is looked at; the kernel's messages are a kilobyte.
const FIELD_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
