//! What `ipset-cli restore` leaves in the kernel and says, with files longer than one message to
//! the kernel.
#![expect(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::fmt::Write;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use ipset_netlink::{IpSet, SetName};
use netns_testbed::{Failed, Tool, program, trial};

fn main() -> ExitCode {
    netns_testbed::run(vec![
        trial(
            "lines_before_a_refused_entry_are_in_the_kernel",
            lines_before_a_refused_entry_are_in_the_kernel,
        ),
        trial(
            "lines_before_a_line_that_makes_no_sense_are_in_the_kernel",
            lines_before_a_line_that_makes_no_sense_are_in_the_kernel,
        ),
        trial(
            "of_two_mistakes_the_first_counts",
            of_two_mistakes_the_first_counts,
        ),
        trial("lines_keep_their_order", lines_keep_their_order),
        trial(
            "what_is_there_already_is_fine_with_exist",
            what_is_there_already_is_fine_with_exist,
        ),
        trial("what_was_saved_is_restored", what_was_saved_is_restored),
        trial(
            "a_pipe_that_stays_open_keeps_nothing_back",
            a_pipe_that_stays_open_keeps_nothing_back,
        ),
        trial("a_million_entries_survive", a_million_entries_survive),
    ])
}

fn ours() -> Tool {
    Tool::at(program("ipset-cli"))
}

/// A line for each of these addresses, with comments and other lines that do nothing between them.
fn adds(numbers: std::ops::Range<u32>) -> String {
    let mut text = String::new();
    for n in numbers {
        if n % 1000 == 7 {
            text.push_str("# a comment\n\n  COMMIT\n");
        }
        let space = if n % 100 == 9 { "\t" } else { " " };
        writeln!(
            text,
            "add s{space}10.{}.{}.{}",
            n >> 16,
            n >> 8 & 255,
            n & 255
        )
        .unwrap();
    }
    text
}

fn elements(set: &str) -> Option<u32> {
    let set: SetName = set.parse().unwrap();
    IpSet::connect().unwrap().header(&set).unwrap().elements
}

/// The error and the exit status of our program, and of the stock one where it is there.
fn both_say(file: &str, options: &[&str]) -> Result<(String, Option<i32>), Failed> {
    let arguments = [options, &["restore"]].concat();
    let mut said = Vec::new();
    for tool in Tool::find("ipset").into_iter().chain([ours()]) {
        let mut sets = IpSet::connect()?;
        sets.destroy_all()?;
        let output = tool.input(file).output(&arguments)?;
        said.push((String::from_utf8(output.stderr)?, output.status.code()));
    }
    let ours = said.pop().unwrap_or_default();
    assert!(
        said.iter().all(|theirs| *theirs == ours),
        "{said:?} and {ours:?}"
    );
    Ok(ours)
}

fn lines_before_a_refused_entry_are_in_the_kernel() -> Result<(), Failed> {
    for before in [0, 1, 1199, 1200, 1201, 5000] {
        let file = format!(
            "create s hash:ip\n{}add s 10.0.0.1\n{}",
            adds(1..before + 1),
            adds(before + 1..before + 3000)
        );
        let mistake = if before == 0 {
            "add s 0.0.0.0"
        } else {
            "add s 10.0.0.1"
        };
        let file = file.replacen(
            "add s 10.0.0.1\n",
            &format!("{mistake}\n"),
            usize::from(before == 0),
        );
        let line = file
            .lines()
            .enumerate()
            .filter(|(_, line)| *line == mistake)
            .last()
            .unwrap()
            .0
            + 1;
        let (error, status) = both_say(&file, &[])?;
        assert!(
            error.starts_with(&format!("ipset v7.17: Error in line {line}: ")),
            "{error}"
        );
        assert_eq!(status, Some(1));
        assert_eq!(elements("s"), Some(before));
    }
    Ok(())
}

fn lines_before_a_line_that_makes_no_sense_are_in_the_kernel() -> Result<(), Failed> {
    for (nonsense, status) in [
        ("add s 10.1.2.x", 1),
        ("add s 10.1.2.3 timeout", 2),
        ("add t 10.1.2.3", 1),
        ("nonsense", 2),
        ("add s \"10.1.2.3", 2),
        ("restore", 2),
    ] {
        let file = format!(
            "create s hash:ip\n{}{nonsense}\n{}",
            adds(1..2001),
            adds(2001..2010)
        );
        let (_, code) = both_say(&file, &["-quiet"])?;
        assert_eq!(code, Some(status), "{nonsense}");
        assert_eq!(elements("s"), Some(2000), "{nonsense}");
    }
    Ok(())
}

/// The stock program says the second: it reads on before it sends.
fn of_two_mistakes_the_first_counts() -> Result<(), Failed> {
    let file = "create s hash:ip\nadd s 10.0.0.1\nadd s 10.0.0.1\nadd s nonsense\n";
    let output = ours().input(file).output(&["restore"])?;
    assert_eq!(
        String::from_utf8(output.stderr)?,
        "ipset v7.17: Error in line 3: Element cannot be added to the set: it's already added\n"
    );
    assert_eq!(elements("s"), Some(1));
    Ok(())
}

fn lines_keep_their_order() -> Result<(), Failed> {
    let file = "create a hash:ip\ncreate b hash:ip\nadd a 10.0.0.1\nadd a 10.0.0.2\nflush a\n\
        add a 10.0.0.2\nadd b 10.0.0.3\ndel a 10.0.0.2\nadd a 10.0.0.2\nadd a 10.0.0.4\nswap a b\n\
        add a 10.0.0.5\nrename b c\ndel c 10.0.0.4\nadd c 10.0.0.6 -exist\n";
    assert_eq!(both_say(file, &[])?, (String::new(), Some(0)));
    assert_eq!((elements("a"), elements("c")), (Some(2), Some(2)));
    let listed = ours().run(&["-sorted", "-output", "save", "list", "c"])?;
    assert!(
        listed.ends_with("add c 10.0.0.2\nadd c 10.0.0.6\n"),
        "{listed}"
    );
    Ok(())
}

fn what_is_there_already_is_fine_with_exist() -> Result<(), Failed> {
    let file = format!(
        "create s hash:ip\n{}{}del s 10.0.0.1\ndel s 10.0.0.1\ndel s 10.9.9.9\n",
        adds(1..3000),
        adds(1..4000)
    );
    assert_eq!(both_say(&file, &["-exist"])?, (String::new(), Some(0)));
    assert_eq!(elements("s"), Some(3998));
    Ok(())
}

fn what_was_saved_is_restored() -> Result<(), Failed> {
    let mut file = String::from(
        "create s hash:net timeout 0 counters comment maxelem 100000\ncreate s6 hash:ip family inet6\n\
         create l list:set\nadd l s6\nadd l s before s6\n",
    );
    for n in 0..20_000_u32 {
        let net = format!("10.{}.{}.{}", n >> 14, n >> 6 & 255, n << 2 & 255);
        writeln!(
            file,
            "add s {net}/30 timeout 0 packets {n} bytes 9 comment \"c {n}\""
        )
        .unwrap();
        writeln!(file, "add s6 2001:db8::{n:x}").unwrap();
    }
    ours().input(file).run(&["restore"])?;
    let saved = ours().run(&["-sorted", "save"])?;
    assert_eq!(saved.lines().count(), 40_005);
    ours().run(&["destroy", "l"])?;
    ours().run(&["destroy"])?;
    ours().input(saved.clone()).run(&["restore"])?;
    assert_eq!(ours().run(&["-sorted", "save"])?, saved);
    Ok(())
}

/// What a program that writes to it now and then has written is in the kernel, whatever it writes
/// next.
fn a_pipe_that_stays_open_keeps_nothing_back() -> Result<(), Failed> {
    let stock = Tool::require("ipset")?;
    let mut child = Command::new(program("ipset-cli"))
        .arg("restore")
        .stdin(Stdio::piped())
        .spawn()?;
    let mut pipe = child.stdin.take().ok_or("no pipe")?;
    pipe.write_all(b"create s hash:ip comment timeout 0\n")?;
    let entries = || -> Result<u32, Failed> {
        let listed = stock.output(&["list", "-t", "s"])?;
        let listed = String::from_utf8(listed.stdout)?;
        let number = listed.split_once("Number of entries: ");
        let number = number.and_then(|(_, rest)| rest.lines().next());
        Ok(number.map_or(0, |number| number.parse().unwrap()))
    };
    let mut written = 0_u32;
    // One, what fits into a message and more, and a burst; each ends within the line that comes
    // next.
    for count in [1, 7, 1200, 1201, 10_000] {
        let mut lines = String::from(if written == 0 { "ad" } else { "" });
        for n in written..written + count {
            let address = Ipv4Addr::from(0x0a00_0001 + n);
            let comment = if n % 3 == 0 { " comment \"c d\"" } else { "" };
            write!(lines, "d s {address} timeout 9000{comment}\nad")?;
        }
        pipe.write_all(lines.as_bytes())?;
        written += count;
        let end = Instant::now() + Duration::from_secs(30);
        while entries()? != written {
            assert!(
                Instant::now() < end,
                "{} of {written} are in the kernel",
                entries()?
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    pipe.write_all(b"d s 10.255.0.1\n")?;
    drop(pipe);
    assert!(child.wait()?.success());
    assert_eq!(entries()?, written + 1);
    Ok(())
}

fn a_million_entries_survive() -> Result<(), Failed> {
    const N: u32 = 1_000_000;
    let mut file = format!("create m hash:ip maxelem {N} hashsize 524288\n");
    for n in 1..=N {
        // An odd factor keeps them different and spreads them.
        let address = Ipv4Addr::from(n.wrapping_mul(2_654_435_761));
        writeln!(file, "add m {address}").unwrap();
    }
    ours().input(file).run(&["restore"])?;
    let sorted = |saved: &str| {
        let mut lines: Vec<_> = saved.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    let saved = ours().run(&["save"])?;
    ours().run(&["destroy", "m"])?;
    ours().input(saved.clone()).run(&["restore"])?;
    let lines = sorted(&saved);
    assert_eq!(lines.len(), 1_000_001);
    assert!(sorted(&Tool::require("ipset")?.run(&["save"])?) == lines);
    Ok(())
}
