//! Reading a saved file, ours or one that `ipset save` wrote.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use ipset_netlink::text::Line;
use ipset_netlink::{CreateSet, Entry, SetName, SetType};
use jiff::Timestamp;

use super::format::{END, MAGIC, Member, Saved, SavedSet, misfit};
use crate::files;
use crate::findings::Problem;

/// Bytes of a saved file: eight sets of a few million members each.
const MAX_SIZE: u64 = 2 << 30;

/// Longer than any line `ipset save` writes: a comment has at most 255 bytes.
const MAX_LINE: u64 = 4096;
/// Of a file that is garbage throughout this many lines are named, the rest is counted.
const NAMED: usize = 20;
/// Of a file that is garbage throughout the numbers of so many lines are remembered.
const REMEMBERED: usize = 100_000;

/// What was read: all that could be, and the lines that could not.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// The good lines.
    pub(crate) saved: Saved,
    /// The first bad lines.
    pub(crate) bad: Vec<BadLine>,
    /// How many more there are.
    pub(crate) more_bad: usize,
    /// The numbers of all of them, as far as they are worth keeping.
    pub(crate) rejected: BTreeSet<usize>,
}

/// A line that cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct BadLine {
    /// Its number, from 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) why: String,
}

/// Reads the file, or standard input for `-`.
pub(crate) fn read(
    path: &Path,
    type_of: &mut dyn FnMut(&SetName) -> Option<SetType>,
) -> io::Result<Parsed> {
    if path == Path::new("-") {
        return parse(io::stdin().lock(), type_of);
    }
    // A directory opens, and only then cannot be read.
    let mut input = BufReader::with_capacity(1 << 16, files::open(path, MAX_SIZE)?.take(MAX_SIZE));
    input.fill_buf()?;
    parse(input, type_of)
}

/// Reads a file to its end. `type_of` tells the type of a set that the file does not create.
///
/// # Errors
///
/// Those of `input`; what is wrong with the text itself is in [`Parsed::bad`].
pub(crate) fn parse(
    mut input: impl BufRead,
    type_of: &mut dyn FnMut(&SetName) -> Option<SetType>,
) -> io::Result<Parsed> {
    let mut parsed = Parsed::default();
    let mut sets = Sets::default();
    let mut buffer = Vec::new();
    let (mut number, mut ours, mut ended) = (0, false, false);
    while read_line(&mut input, &mut buffer)? {
        number += 1;
        let line = match bounded(&buffer) {
            Ok(line) => line.trim_ascii(),
            Err(why) => {
                parsed.reject(number, why);
                continue;
            }
        };
        let outcome =
            if let Some(header) = line.strip_prefix(MAGIC.as_bytes()).filter(|_| number == 1) {
                ours = true;
                text(header)
                    .and_then(header_time)
                    .map(|at| parsed.saved.at = Some(at))
            } else if line.is_empty() || line.starts_with(b"#") {
                ended |= line == END.as_bytes();
                Ok(())
            } else {
                sets.statement(line, number, type_of)
            };
        if let Err(why) = outcome {
            parsed.reject(number, why);
        }
    }
    if ours && !ended {
        let why = format!("the file is cut off after this line: it should end with {END:?}");
        let good = !parsed.rejected.contains(&number);
        parsed.reject(number, why);
        if good {
            parsed.rejected.remove(&number);
        }
    }
    parsed.saved.sets = sets.list;
    Ok(parsed)
}

impl Parsed {
    /// The lines that cannot be read, as problems.
    pub(crate) fn bad_lines(&self, path: &Path) -> Vec<Problem> {
        let named = self.bad.iter();
        let mut problems: Vec<_> = named
            .map(|bad| Problem::line(path, bad.line, bad.why.clone()))
            .collect();
        if self.more_bad > 0 {
            let more = format!("{} more lines cannot be read", self.more_bad);
            problems.push(Problem::file(path, more));
        }
        problems
    }

    fn reject(&mut self, line: usize, why: String) {
        if self.rejected.len() < REMEMBERED {
            self.rejected.insert(line);
        }
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

fn bounded(line: &[u8]) -> Result<&[u8], String> {
    if line.len() as u64 > MAX_LINE {
        return Err(format!("it is longer than {MAX_LINE} bytes"));
    }
    Ok(line)
}

fn text(line: &[u8]) -> Result<&str, String> {
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
    /// Where in the list each is, and its type.
    index: HashMap<SetName, (usize, Option<SetType>)>,
}

impl Sets {
    /// Takes in a line; a bad one leaves nothing behind.
    fn statement(
        &mut self,
        line: &[u8],
        number: usize,
        type_of: &mut dyn FnMut(&SetName) -> Option<SetType>,
    ) -> Result<(), String> {
        let mut known = None;
        let line = Line::parse(line, |name| {
            let (at, set_type) = self.index.get(name).cloned().unwrap_or_else(|| {
                let set_type = type_of(name);
                (self.list.len(), set_type)
            });
            known = Some((at, set_type.clone()));
            // One that nobody knows may be any of those that hold addresses.
            Some(set_type.unwrap_or(SetType::HashNet))
        });
        match line.map_err(|error| error.reason().to_owned())? {
            Line::Create(create) => self.create(create),
            Line::Add(name, entry) => {
                let (at, set_type) = known.unwrap_or((self.list.len(), None));
                let create = self.list.get(at).and_then(|set| set.create.as_ref());
                if let Some(why) = create.and_then(|create| cannot_have(create, &entry)) {
                    return Err(why);
                }
                if at == self.list.len() {
                    self.push(name, None, set_type);
                }
                if let Some(set) = self.list.get_mut(at) {
                    set.members.push(Member {
                        line: number,
                        entry,
                    });
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn create(&mut self, create: CreateSet) -> Result<(), String> {
        let (name, set_type) = (create.name.clone(), create.set_type.clone());
        if self.index.contains_key(&name) {
            return Err(format!("an earlier line has set \"{name}\" already"));
        }
        if let SetType::Other(name) = &set_type {
            return Err(format!("{name:?} is no type of set that is known"));
        }
        self.push(name, Some(create), Some(set_type));
        Ok(())
    }

    fn push(&mut self, name: SetName, create: Option<CreateSet>, set_type: Option<SetType>) {
        self.index.insert(name.clone(), (self.list.len(), set_type));
        self.list.push(SavedSet {
            name,
            create,
            members: Vec::new(),
        });
    }
}

/// Why a set that was created so has no such entry.
fn cannot_have(create: &CreateSet, entry: &Entry) -> Option<String> {
    let options = &create.options;
    let mut without = None;
    entry.each_option(|word, _| {
        let has = match word {
            "timeout" => options.timeout.is_some(),
            "packets" | "bytes" => options.counters,
            "comment" => options.comments,
            "skbmark" | "skbprio" | "skbqueue" => options.skbinfo,
            _ => true,
        };
        if !has {
            without.get_or_insert(word);
        }
    });
    misfit(entry, create).or_else(|| {
        without.map(|word| format!("the set was not created for members with {word:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(text: &str) -> Saved {
        let parsed = parse(text.as_bytes(), &mut |_| None).unwrap();
        assert_eq!(parsed.bad, [], "{text}");
        parsed.saved
    }

    fn bad(text: &str) -> Vec<BadLine> {
        parse(text.as_bytes(), &mut |_| None).unwrap().bad
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
        assert_eq!(String::from_utf8(saved.text()).unwrap(), STOCK);
    }

    #[test]
    fn reads_back_what_it_writes() {
        let mut saved = good(STOCK);
        saved.at = Some("2026-11-22T09:00:00Z".parse().unwrap());
        let out = saved.text();
        assert!(out.starts_with(b"# rampart sets.save 1 saved=2026-11-22T09:00:00Z\n"));
        let mut read = good(std::str::from_utf8(&out).unwrap());
        // The first line moved every other one down.
        for member in read.sets.iter_mut().flat_map(|set| &mut set.members) {
            member.line -= 1;
        }
        assert_eq!(read, saved);
    }

    /// What `ipset save` of ipset 7.17 printed on Linux 6.18 of sets with every option and entries
    /// with all they can carry.
    const EVERYTHING: &str = "\
create all hash:net family inet hashsize 64 maxelem 1000 timeout 0 counters comment skbinfo bucketsize 4 initval 0x00001234
add all 192.0.2.7 timeout 0 nomatch packets 0 bytes 0 skbmark 0x10
add all 192.0.2.0/24 timeout 0 packets 3 bytes 5 comment \"a b\" skbmark 0x1/0xff skbprio 1:a skbqueue 7
create masked hash:ip family inet hashsize 1024 maxelem 65536 bitmask 255.0.255.0 comment bucketsize 12 initval 0xd20cdf9a
create bn bitmap:ip range 10.0.0.0-10.255.255.255 netmask 16
add bn 10.1.0.0
create bm bitmap:ip,mac range 192.0.2.0-192.0.2.255
add bm 192.0.2.9,02:00:00:00:00:01
create bp bitmap:port range 1-1024 timeout 0
add bp 80 timeout 0
create ip hash:ip,port family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x6cef31e9
add ip 192.0.2.1,udp:53
create ipn hash:ip,port,net family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x871e9999
add ipn 192.0.2.1,tcp:1,198.51.100.0/24 nomatch
create ni hash:net,iface family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0xbd9a9784
add ni 192.0.2.0/24,physdev:eth0
add ni 192.0.2.0/24,eth wildcard
create ls list:set size 16 timeout 0 comment
add ls blacklist timeout 0 comment \"first\"
";

    /// The kernel knows no encoding of comments; names that are not UTF-8 are refused.
    #[test]
    fn comments_are_bytes() {
        let file = b"create s hash:ip comment\nadd s 192.0.2.1 comment \"caf\xe9 \xff\" timeout 5\nadd t\xe9 192.0.2.1\n\
            add s 192.0.2.2 comment \"caf\xc3\xa9\"\nadd s 192.0.2.3 comment \xe9\n";
        let parsed = parse(&file[..], &mut |_| None).unwrap();
        let bad: Vec<_> = parsed
            .bad
            .iter()
            .map(|bad| (bad.line, bad.why.as_str()))
            .collect();
        assert_eq!(
            bad,
            [
                (2, "the set was not created for members with \"timeout\""),
                (3, "\"t\\xe9\" is no UTF-8 text")
            ]
        );
        let out = parsed.saved.text();
        let (_, added) = out.split_at(out.iter().position(|byte| *byte == b'\n').unwrap() + 1);
        assert_eq!(
            added,
            b"add s 192.0.2.2 comment \"caf\xc3\xa9\"\nadd s 192.0.2.3 comment \"\xe9\"\n"
        );
    }

    /// Types and options that the kernel those lines came from has not; it never lists `forceadd`
    /// and places in a list.
    const MORE: &str = "\
create im hash:ip,mark family inet6 markmask 0x0000ff00 skbinfo forceadd
add im 2001:db8::1,0x00000100 skbmark 0x1 skbprio ffff:0
create m hash:mac hashsize 64
add m 02:00:00:00:00:01
create ls list:set
add ls a before b
add ls c after b
";

    #[test]
    fn every_option_of_every_type_is_read_and_written() {
        let write = |saved: &Saved| String::from_utf8(saved.text()).unwrap();
        assert_eq!(write(&good(EVERYTHING)), EVERYTHING);
        assert_eq!(write(&good(MORE)), MORE);
    }

    #[test]
    fn what_a_type_does_not_have_is_named() {
        for (lines, why) in [
            ("create s hash:net netmask 24", "netmask"),
            ("create s bitmap:port range 192.0.2.0/24", "range"),
            ("create s hash:ip hashsize +1", "hashsize"),
            ("create s hash:ip initval 0x100000000", "initval"),
            ("create s hash:ip,port\nadd s 192.0.2.1", "hash:ip,port"),
            (
                "create s hash:ip,port\nadd s 192.0.2.1,tcp:1 nomatch",
                "nomatch",
            ),
            (
                "create s hash:ip skbinfo\nadd s 192.0.2.1 skbmark x",
                "skbmark",
            ),
            (
                "create s hash:ip skbinfo\nadd s 192.0.2.1 skbprio 1",
                "skbprio",
            ),
            (
                "create s hash:ip skbinfo\nadd s 192.0.2.1 skbqueue 65536",
                "skbqueue",
            ),
            ("create s hash:ip\nadd s 192.0.2.1 skbqueue 6", "skbqueue"),
            ("create s hash:ip\nadd s 192.0.2.1 before t", "before"),
            ("create s hash:net\nadd s 192.0.2.1 wildcard", "wildcard"),
        ] {
            let bad = bad(lines);
            assert_eq!(bad.len(), 1, "{lines}");
            assert_eq!(bad[0].line, lines.lines().count(), "{lines}");
            assert!(bad[0].why.contains(why), "{lines}: {}", bad[0].why);
        }
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
create t hash:unknown
create a-name-of-more-than-thirty-one-bytes hash:ip
add t 192.0.2.1/33
create u hash:net netmask 24
add s 192.0.2.9 timeout 2147483
";
        let parsed = parse(text.as_bytes(), &mut |_| None).unwrap();
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
        let parsed = parse(&garbage[..], &mut |_| None).unwrap();
        assert_eq!(parsed.bad.len(), NAMED);
        assert_eq!(parsed.bad[0].line, 1);
        assert!(parsed.bad[0].why.contains("longer"), "{:?}", parsed.bad[0]);
        // The long line, and fifty that are no text; the blank ones between them are fine.
        assert_eq!(parsed.bad.len() + parsed.more_bad, 51);
        assert!(parsed.saved.sets.is_empty());
    }
}
