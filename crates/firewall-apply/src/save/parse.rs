//! Reading a saved file, ours or one that `ipset save` wrote.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::str::FromStr;

use ipset_netlink::{Counters, CreateSet, Entry, Family, Key, SetName, SetType, Timeout};
use jiff::Timestamp;

use super::format::{END, MAGIC, Member, Saved, SavedSet, misfit};

/// Longer than any line `ipset save` writes: a comment has at most 255 bytes.
const MAX_LINE: u64 = 4096;
/// Of a file that is garbage throughout this many lines are named, the rest is counted.
const NAMED: usize = 20;

/// What was read: all that could be, and the lines that could not.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// The good lines.
    pub(crate) saved: Saved,
    /// The first bad lines.
    pub(crate) bad: Vec<BadLine>,
    /// How many more there are.
    pub(crate) more_bad: usize,
}

/// A line that cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct BadLine {
    /// Its number, from 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) why: String,
}

/// Reads a file to its end.
///
/// # Errors
///
/// Those of `input`; what is wrong with the text itself is in [`Parsed::bad`].
pub(crate) fn parse(mut input: impl BufRead) -> io::Result<Parsed> {
    let mut parsed = Parsed::default();
    let mut sets = Sets::default();
    let mut buffer = Vec::new();
    let (mut number, mut ours, mut ended) = (0, false, false);
    while read_line(&mut input, &mut buffer)? {
        number += 1;
        let line = match text(&buffer) {
            Ok(line) => line.trim_ascii(),
            Err(why) => {
                parsed.reject(number, why);
                continue;
            }
        };
        let outcome = if let Some(header) = line.strip_prefix(MAGIC).filter(|_| number == 1) {
            ours = true;
            header_time(header).map(|at| parsed.saved.at = Some(at))
        } else if line.is_empty() || line.starts_with('#') {
            ended |= line == END;
            Ok(())
        } else {
            sets.statement(line, number)
        };
        if let Err(why) = outcome {
            parsed.reject(number, why);
        }
    }
    if ours && !ended {
        let why = format!("the file is cut off after this line: it should end with {END:?}");
        parsed.reject(number, why);
    }
    parsed.saved.sets = sets.list;
    Ok(parsed)
}

impl Parsed {
    fn reject(&mut self, line: usize, why: String) {
        if self.bad.len() < NAMED {
            self.bad.push(BadLine { line, why });
        } else {
            self.more_bad += 1;
        }
    }
}

/// The next line, but no more than a little over [`MAX_LINE`] bytes of it. `false` at the end.
fn read_line(input: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<bool> {
    buffer.clear();
    input
        .by_ref()
        .take(MAX_LINE + 1)
        .read_until(b'\n', buffer)?;
    if buffer.len() as u64 > MAX_LINE && !buffer.ends_with(b"\n") {
        input.skip_until(b'\n')?;
    }
    Ok(!buffer.is_empty())
}

fn text(line: &[u8]) -> Result<&str, String> {
    if line.len() as u64 > MAX_LINE {
        return Err(format!("it is longer than {MAX_LINE} bytes"));
    }
    std::str::from_utf8(line)
        .map_err(|error| format!("byte {} is no UTF-8 text", error.valid_up_to() + 1))
}

fn header_time(header: &str) -> Result<Timestamp, String> {
    let Some(rest) = header.strip_prefix("1 ") else {
        return Err("only version 1 of the format can be read".into());
    };
    let saved = rest
        .split_ascii_whitespace()
        .find_map(|word| word.strip_prefix("saved="))
        .ok_or("the time of saving (saved=…) is missing")?;
    saved
        .parse()
        .map_err(|error| format!("saved={saved} is no RFC 3339 time: {error}"))
}

/// The sets so far.
#[derive(Default)]
struct Sets {
    list: Vec<SavedSet>,
    index: HashMap<SetName, usize>,
}

impl Sets {
    /// Takes in a line; a bad one leaves nothing behind.
    fn statement(&mut self, line: &str, number: usize) -> Result<(), String> {
        let mut words = Words(line);
        let command = words.next()?.unwrap_or_default();
        if !matches!(command, "create" | "add") {
            return Err(format!("{command:?} is neither create nor add"));
        }
        let name = words.next()?.ok_or("the name of the set is missing")?;
        let name: SetName = name.parse().map_err(text_of)?;
        let known = self.index.get(&name).and_then(|i| self.list.get_mut(*i));
        if command == "create" {
            if known.is_some() {
                return Err(format!("an earlier line has set \"{name}\" already"));
            }
            let create = create(&mut words, name.clone())?;
            self.push(name, Some(create), Vec::new());
            return Ok(());
        }
        let created = known.as_ref().and_then(|set| set.create.as_ref());
        let entry = entry(&mut words, created)?;
        let member = Member {
            line: number,
            entry,
        };
        match known {
            Some(set) => set.members.push(member),
            None => self.push(name, None, vec![member]),
        }
        Ok(())
    }

    fn push(&mut self, name: SetName, create: Option<CreateSet>, members: Vec<Member>) {
        self.index.insert(name.clone(), self.list.len());
        self.list.push(SavedSet {
            name,
            create,
            members,
        });
    }
}

fn create(words: &mut Words<'_>, name: SetName) -> Result<CreateSet, String> {
    let set_type = match words.next()?.ok_or("the type of the set is missing")? {
        "hash:ip" => SetType::HashIp,
        "hash:net" => SetType::HashNet,
        other => {
            return Err(format!(
                "sets of type {other:?} are not restored, only hash:ip and hash:net"
            ));
        }
    };
    let mut create = CreateSet::new(name, set_type, Family::Inet);
    while let Some(word) = words.next()? {
        match word {
            "family" => {
                create.family = match words.value(word)? {
                    "inet" => Family::Inet,
                    "inet6" => Family::Inet6,
                    other => return Err(format!("family {other:?} is neither inet nor inet6")),
                }
            }
            "hashsize" => {
                let buckets = words.number(word)?;
                if buckets > CreateSet::MAX_HASH_SIZE {
                    let most = CreateSet::MAX_HASH_SIZE;
                    return Err(format!("hashsize {buckets} is more than {most}"));
                }
                create.options.hash_size = Some(buckets);
            }
            "maxelem" => create.options.max_elements = Some(words.number(word)?),
            "timeout" => create.options.timeout = Some(words.timeout()?),
            "netmask" if create.set_type == SetType::HashIp => {
                create.options.netmask = Some(words.number(word)?);
            }
            "counters" => create.options.counters = true,
            "comment" => create.options.comments = true,
            // How the kernel lays its table out: the members are the same with any.
            "bucketsize" | "initval" => drop(words.value(word)?),
            other => return Err(format!("sets with {other:?} are not restored")),
        }
    }
    Ok(create)
}

fn entry(words: &mut Words<'_>, set: Option<&CreateSet>) -> Result<Entry, String> {
    let key: Key = words
        .next()?
        .ok_or("the address is missing")?
        .parse()
        .map_err(text_of)?;
    if let Some(why) = set.and_then(|set| misfit(&key, set)) {
        return Err(why);
    }
    let mut entry = Entry::new(key);
    let mut counters = Counters::default();
    while let Some(word) = words.next()? {
        let possible = match word {
            "timeout" => {
                entry.timeout = Some(words.timeout()?);
                set.is_none_or(|set| set.options.timeout.is_some())
            }
            "packets" => {
                counters.packets = words.number(word)?;
                entry.counters = Some(counters);
                set.is_none_or(|set| set.options.counters)
            }
            "bytes" => {
                counters.bytes = words.number(word)?;
                entry.counters = Some(counters);
                set.is_none_or(|set| set.options.counters)
            }
            "comment" => {
                entry.comment = Some(words.value(word)?.parse().map_err(text_of)?);
                set.is_none_or(|set| set.options.comments)
            }
            "nomatch" => {
                entry.nomatch = true;
                set.is_none_or(|set| set.set_type == SetType::HashNet)
            }
            other => return Err(format!("members with {other:?} are not restored")),
        };
        if !possible {
            return Err(format!("the set was not created for members with {word:?}"));
        }
    }
    Ok(entry)
}

/// The words of a line; one in double quotes may hold blanks.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<Option<&'a str>, String> {
        let rest = self.0.trim_ascii_start();
        let (word, rest) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted.split_once('"').ok_or("a quote is not closed")?
        } else if rest.is_empty() {
            return Ok(None);
        } else {
            rest.split_once(|c: char| c.is_ascii_whitespace())
                .unwrap_or((rest, ""))
        };
        self.0 = rest;
        Ok(Some(word))
    }

    fn value(&mut self, option: &str) -> Result<&'a str, String> {
        self.next()?
            .ok_or_else(|| format!("{option} lacks its value"))
    }

    fn number<N: FromStr>(&mut self, option: &str) -> Result<N, String> {
        let text = self.value(option)?;
        text.parse()
            .map_err(|_| format!("{option} {text:?} is no number, or out of range"))
    }

    fn timeout(&mut self) -> Result<Timeout, String> {
        Timeout::from_secs(self.number("timeout")?).map_err(text_of)
    }
}

fn text_of(error: impl std::error::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(text: &str) -> Saved {
        let parsed = parse(text.as_bytes()).unwrap();
        assert_eq!(parsed.bad, [], "{text}");
        parsed.saved
    }

    fn bad(text: &str) -> Vec<BadLine> {
        parse(text.as_bytes()).unwrap().bad
    }

    /// What `ipset save` of ipset 7.17 printed on Linux 6.18 after the like of
    /// `ipset add blacklist_v6 2001:db8::1 timeout 50 packets 3 bytes 5 comment "x y"`.
    const STOCK: &str = "\
create blacklist hash:net family inet hashsize 1024 maxelem 65536 timeout 0 bucketsize 12 initval 0x75275df8
add blacklist 1.2.3.4 timeout 99
add blacklist 10.1.0.0/16 timeout 7 nomatch
add blacklist 10.0.0.0/8 timeout 0
create blacklist_v6 hash:ip family inet6 hashsize 2048 maxelem 1048576 timeout 600 counters comment bucketsize 12 initval 0xd704e795
add blacklist_v6 2001:db8::1 timeout 49 packets 3 bytes 5 comment \"x y\"
create plain hash:ip family inet hashsize 1024 maxelem 65536 netmask 24 bucketsize 12 initval 0x66850ebc
";

    #[test]
    fn reads_what_ipset_writes() {
        let saved = good(STOCK);
        assert_eq!(saved.at, None);
        let mut out = Vec::new();
        saved.write(&mut out).unwrap();
        let mut expected = STOCK.to_owned();
        for initval in ["0x75275df8", "0xd704e795", "0x66850ebc"] {
            expected = expected.replace(&format!(" bucketsize 12 initval {initval}"), "");
        }
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn reads_back_what_it_writes() {
        let mut saved = good(STOCK);
        saved.at = Some("2026-11-22T09:00:00Z".parse().unwrap());
        let mut out = Vec::new();
        saved.write(&mut out).unwrap();
        assert!(out.starts_with(b"# rampart sets.save 1 saved=2026-11-22T09:00:00Z\n"));
        let mut read = good(std::str::from_utf8(&out).unwrap());
        // The first line moved every other one down.
        for member in read.sets.iter_mut().flat_map(|set| &mut set.members) {
            member.line -= 1;
        }
        assert_eq!(read, saved);
    }

    #[test]
    fn lines_without_create_and_comments_and_blank_lines_are_fine() {
        let saved = good("# mine\n\n  add s 192.0.2.1\nadd s 192.0.2.2 comment one");
        let [set] = &saved.sets[..] else {
            panic!("{saved:?}")
        };
        assert_eq!((set.name.as_str(), &set.create), ("s", &None));
        let comments: Vec<_> = set
            .members
            .iter()
            .map(|member| member.entry.comment.as_ref().map(AsRef::as_ref))
            .collect();
        assert_eq!(comments, [None, Some("one")]);
    }

    #[test]
    fn every_bad_line_is_named_and_the_others_are_read() {
        let text = "\
create s hash:ip timeout 0
add s 192.0.2.1
add s 192.0.2.0/24
add s 2001:db8::1
add s 192.0.2.2 timeout 2147484
add s 192.0.2.3 timeout
add s 192.0.2.4 comment \"a
add s 192.0.2.5 comment a
add s 192.0.2.6 nomatch
add s 192.0.2.7 skbmark 0x1
add s host
add s
del s 192.0.2.1
create s hash:ip
create t hash:ip,port
create a-name-of-more-than-thirty-one-bytes hash:ip
add t 192.0.2.1/33
create u hash:ip hashsize 4294967295
add s 192.0.2.9 timeout 2147483
";
        let parsed = parse(text.as_bytes()).unwrap();
        let lines: Vec<_> = parsed.bad.iter().map(|bad| bad.line).collect();
        assert_eq!(lines, (3..=18).collect::<Vec<_>>());
        let [set] = &parsed.saved.sets[..] else {
            panic!("{parsed:?}")
        };
        let lines: Vec<_> = set.members.iter().map(|member| member.line).collect();
        assert_eq!(lines, [2, 19]);
    }

    #[test]
    fn a_file_of_ours_that_is_cut_off_is_known() {
        let whole = "\
# rampart sets.save 1 saved=2026-11-22T09:00:00Z
add s 192.0.2.1 timeout 86400
# rampart sets.save end
";
        assert_eq!(bad(whole), []);
        for end in 1..whole.len() - 1 {
            // Within the first words it is not yet known as ours, but nothing is in it either.
            if end > MAGIC.len() {
                assert_ne!(bad(&whole[..end]), [], "{:?}", &whole[..end]);
            }
        }
    }

    #[test]
    fn the_header_has_a_version_and_a_time() {
        for header in [
            "2 saved=2026-11-22T09:00:00Z",
            "1 at=2026-11-22T09:00:00Z",
            "1 saved=now",
        ] {
            let bad = bad(&format!("{MAGIC}{header}\n{END}\n"));
            assert_eq!(bad.len(), 1, "{header}");
            assert_eq!(bad[0].line, 1, "{header}");
        }
    }

    #[test]
    fn garbage_is_counted_not_kept() {
        let mut garbage = vec![b'x'; 100_000];
        garbage.extend(b"\nadd s \xff\n".repeat(50));
        let parsed = parse(&garbage[..]).unwrap();
        assert_eq!(parsed.bad.len(), NAMED);
        assert_eq!(parsed.bad[0].line, 1);
        assert!(parsed.bad[0].why.contains("longer"), "{:?}", parsed.bad[0]);
        // The long line, and fifty that are no text; the blank ones between them are fine.
        assert_eq!(parsed.bad.len() + parsed.more_bad, 51);
        assert!(parsed.saved.sets.is_empty());
    }
}
