//! `report`: its figures against `awk` over the same log, what it says of sets, rules and places, and
//! that nothing of a log becomes markup.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use netns_testbed::{Failed, Tool};
use serde_json::{Value, json};

use super::support::{PROGRAM, START, Scanner, Sets, blocked, line, packet, stamp};

super::trials!(
    its_figures_are_those_of_awk,
    who_is_new_and_what_is_left_out,
    it_ends_with_the_log,
    a_page_is_80_columns_wide,
    bans_are_those_of_the_sets,
    without_right_it_says_so,
    the_rules_are_judged_as_a_scan_does,
    places_come_from_a_file,
    nothing_of_a_log_becomes_markup,
    the_file_is_whole_or_not_there,
    a_flood_takes_bounded_memory,
    what_is_refused,
);

/// Draws a log of two hours, the same for the same seed.
fn drawn(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |most: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % most).expect("small")
    };
    let sources = [
        "203.0.113.7",
        "203.0.113.8",
        "198.51.100.1",
        "198.51.100.77",
        "2001:db8:1::7",
        "2001:db8:1::8",
        "2001:db8:2::9",
    ];
    let mut log = String::new();
    for _ in 0..600 {
        let second = i64::try_from(below(7200)).expect("small");
        let source = sources[below(7).min(below(7))];
        let prefix = ["BLOCKED", "BLOCKED", "ALLOWED", "INVALID"][below(4)];
        let icmp = if source.contains(':') {
            "ICMPv6"
        } else {
            "ICMP"
        };
        let protocol = ["TCP", "TCP", "UDP", icmp][below(4)];
        let packet = packet(prefix, source, protocol);
        let port = 20 + below(5);
        let packet = packet.replace("DPT=22", &format!("DPT={port}"));
        log.push_str(&line(START + second, &packet));
        if below(20) == 0 {
            log.push_str(&format!(
                "{} fw cron[1]: SRC=192.0.2.9 nothing\n",
                stamp(START + second)
            ));
        }
    }
    log
}

/// `--since 1h` before two hours after the begin.
fn report(scanner: Scanner) -> Value {
    let scanner = scanner
        .with("report --log fw.log --since 1h --top 100")
        .at(7200);
    scanner.json(0)
}

/// What `awk` says of a log: lines of `what` and a number.
fn awk(scanner: &Scanner, program: &str) -> Result<BTreeMap<String, u64>, Failed> {
    // Whoever writes RFC 3339 in UTC is sorted as text.
    let (since, until) = (stamp(START + 3600), stamp(START + 7200));
    let begin = format!(
        "function field(key,  i) {{ for (i = 1; i <= NF; i++) if (index($i, key) == 1) return substr($i, length(key) + 1) }}
         $3 != \"kernel:\" || $1 < \"{since}\" || $1 > \"{until}\" {{ next }}
         {program}
         END {{ for (k in n) print k, n[k] }}"
    );
    let output = Command::new("awk")
        .args([&begin, "fw.log"])
        .current_dir(scanner.path("fw.log").parent().ok_or("no directory")?)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
    lines
        .map(|(key, number)| Ok((key.to_owned(), number.parse()?)))
        .collect()
}

/// By name, what the report has: `name blocked`, `name allowed`; none of 0.
fn numbers(list: &Value, name: impl Fn(&Value) -> String) -> BTreeMap<String, u64> {
    let list = list.as_array().expect("a list").iter();
    let both = list.flat_map(|one| {
        ["blocked", "allowed"].map(|what| {
            let number = one[what].as_u64().expect("a number");
            (format!("{} {what}", name(one)), number)
        })
    });
    both.filter(|(_, number)| *number > 0).collect()
}

fn its_figures_are_those_of_awk() -> Result<(), Failed> {
    const WORD: &str = "word = ($0 ~ /TABLES-ALLOWED/) ? \"allowed\" : \"blocked\";";
    for seed in 1..=3 {
        let scanner = Scanner::new(drawn(seed));
        let by = |key: &str| {
            awk(
                &scanner,
                &format!("{{ {WORD} key = {key}; if (key != \"\") n[key \" \" word]++ }}"),
            )
        };
        let all = by("\"all\"")?;
        let sources = by("field(\"SRC=\")")?;
        let ports = by("field(\"DPT=\") == \"\" ? \"\" : field(\"DPT=\") \" \" field(\"PROTO=\")")?;
        let protocols = by("field(\"PROTO=\")")?;
        let prefixes = by("$6")?;
        // Parts of 75 seconds each, the last with its end.
        let over_time = by(
            "int(((substr($1, 12, 2) - 9) * 3600 + substr($1, 15, 2) * 60 + substr($1, 18, 2)) / 75)",
        )?;
        let report = report(scanner);
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let packets = json!([report["packets"]]);
        assert_eq!(numbers(&packets, |_| "all".to_owned()), all);
        let long = |value: &Value| match text(value).parse::<std::net::Ipv6Addr>() {
            // As the kernel writes it.
            Ok(address) => {
                let groups = address.segments().map(|group| format!("{group:04x}"));
                groups.join(":")
            }
            Err(_) => text(value),
        };
        assert_eq!(
            numbers(&report["sources"]["top"], |one| long(&one["source"])),
            sources
        );
        let name = |one: &Value| format!("{} {}", one["port"], text(&one["protocol"]));
        assert_eq!(numbers(&report["ports"], name), ports);
        assert_eq!(
            numbers(&report["protocols"], |one| text(&one["name"])),
            protocols
        );
        assert_eq!(
            numbers(&report["prefixes"], |one| text(&one["name"])),
            prefixes
        );
        let found = report["over_time"].as_array().expect("a list");
        assert_eq!(found.len(), 48);
        assert_eq!(found[0]["begin"], stamp(START + 3600));
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for (place, part) in report["over_time"]
            .as_array()
            .expect("a list")
            .iter()
            .enumerate()
        {
            for (key, number) in numbers(&json!([part]), |_| place.to_string()) {
                found.insert(key, number);
            }
        }
        // What is at the very end is in the last part.
        let mut expected = over_time;
        for word in ["blocked", "allowed"] {
            if let Some(last) = expected.remove(&format!("48 {word}")) {
                *expected.entry(format!("47 {word}")).or_default() += last;
            }
        }
        assert_eq!(found, expected, "seed {seed}");
    }
    Ok(())
}

fn who_is_new_and_what_is_left_out() -> Result<(), Failed> {
    let allowed = packet("ALLOWED", "2001:db8:1::7", "TCP");
    let log = [
        blocked(&["203.0.113.7", "203.0.113.9"], [0, 10]),
        blocked(&["203.0.113.7", "203.0.113.8"], [3700, 3710]),
        line(START + 3720, &allowed),
        // What this host sent, and what came after the end.
        line(
            START + 3720,
            &packet("OUT-BLOCKED", "192.0.2.1", "TCP").replace("IN=eth0 OUT=", "IN= OUT=eth0"),
        ),
        blocked(&["203.0.113.7"], [7300]),
    ]
    .concat();
    let report = report(Scanner::new(log));
    let sources = &report["sources"];
    assert_eq!(
        (&sources["all"], &sources["known"], &sources["exact"]),
        (&json!(3), &json!(1), &json!(true))
    );
    let top = sources["top"].as_array().expect("a list").iter();
    let top: Vec<_> = top
        .map(|one| json!([one["source"], one["blocked"], one["allowed"], one["known"]]))
        .collect();
    let expected = [
        json!(["203.0.113.7", 2, 0, true]),
        json!(["203.0.113.8", 2, 0, false]),
        json!(["2001:db8:1::7", 0, 1, false]),
    ];
    assert_eq!(top, expected);
    assert_eq!(report["sources"]["top"][0]["first_seen"], stamp(START));
    assert_eq!(report["own"], 1);
    let networks = report["networks"].as_array().expect("a list").iter();
    let networks: Vec<_> = networks
        .map(|one| json!([one["source"], one["blocked"]]))
        .collect();
    assert_eq!(
        networks,
        [json!(["203.0.113.0/24", 4]), json!(["2001:db8:1::/64", 0])]
    );
    Ok(())
}

fn it_ends_with_the_log() -> Result<(), Failed> {
    let log = blocked(&["203.0.113.7"], [0, 100]);
    let report = Scanner::new(&log)
        .with("report --log fw.log --as-of log-end --since 1m")
        .json(0);
    assert_eq!(report["until"], stamp(START + 100));
    assert_eq!(report["since"], stamp(START + 40));
    assert_eq!(report["packets"]["blocked"], 1);
    let ran = Scanner::new(&log)
        .with("report --log - --as-of log-end")
        .run();
    ran.done(2).complains("read twice");
    Ok(())
}

fn a_page_is_80_columns_wide() -> Result<(), Failed> {
    let prefix = "x".repeat(100);
    let log = drawn(5)
        + &line(
            START + 5000,
            &packet(&prefix, "2001:db8:1111:2222:3333:4444:5555:6666", "TCP"),
        );
    let scanner = Scanner::new(log).write("scan.toml", rules());
    let scanner = scanner
        .with("report --log fw.log --rules scan.toml --since 2h")
        .at(7200);
    let ran = scanner.run();
    ran.done(0)
        .says("Firewall report, 2026-11-22 08:00 to 2026-11-22 10:00")
        .says("each mark is 2m30s")
        .says("Whom the rules would have banned")
        .says("2001:db8:1111:2222:3333:4444:5555:6666          1         0 new");
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(ran.stdout.lines().any(|line| line.contains('█')));
    Ok(())
}

fn rules() -> &'static str {
    "protect = []\n[[rule]]\nrule = \"blocked\"\ntype = \"all\"\nhowmany = 3\nwithin = \"30s\"\nipset = \"blacklist\"\nremoveafter = \"1h\"\n"
}

fn bans_are_those_of_the_sets() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    let now = jiff::Timestamp::now().as_second() - START - 10;
    let recent = blocked(&["203.0.113.7"], now..now + 6);
    Scanner::new(&recent).rule().run().done(0);
    let by_hand = Scanner::new("")
        .with("ban 198.51.100.0/24 --for 1d --why <b>spam</b>")
        .run();
    by_hand.done(0);
    sets.add("blacklist_v6", "2001:db8::/64")?;
    let report = Scanner::new(&recent).with("report --log fw.log").json(0);
    let bans = &report["bans"];
    assert_eq!(bans["unknown"], Value::Null);
    assert_eq!(bans["sets"], json!({"blacklist": 2, "blacklist_v6": 1}));
    let latest = bans["latest"].as_array().expect("a list").iter();
    let latest: BTreeMap<_, _> = latest
        .map(|ban| (ban["source"].as_str().expect("text"), ban))
        .collect();
    let why = |source: &str| latest[source]["why"].as_str().expect("text");
    assert!(
        why("203.0.113.7").starts_with("blocked tcp: 6 hits within 10s"),
        "{}",
        why("203.0.113.7")
    );
    assert_eq!(why("198.51.100.0/24"), "by hand: <b>spam</b>");
    assert_eq!(latest["2001:db8::/64"]["until"], Value::Null);
    assert!(latest["203.0.113.7"]["until"].is_string());
    // As the stock tool lists them.
    assert_eq!(sets.names("blacklist")?.len(), 2);
    let page = html(&Scanner::new(&recent).with("report --log fw.log --html -"));
    assert!(page.contains("by hand: &lt;b&gt;spam&lt;/b&gt;"));
    Ok(())
}

fn without_right_it_says_so() -> Result<(), Failed> {
    let scanner = Scanner::new(blocked(&["203.0.113.7"], 0..6));
    let log = fs::File::open(scanner.path("fw.log")).expect("the log");
    let scanner = scanner.with("report --log - --json").at(10);
    let mut command = scanner.command_of(&["unshare", "--user", PROGRAM]);
    let output = command.stdin(log).output().expect("started");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["packets"]["blocked"], 6);
    assert!(report["bans"]["unknown"].is_string(), "{report}");
    Ok(())
}

fn the_rules_are_judged_as_a_scan_does() -> Result<(), Failed> {
    let log = drawn(9);
    let scan = Scanner::new(&log).write("scan.toml", rules());
    let scan = scan
        .with("--rules scan.toml --log fw.log --dryrun --json")
        .at(7200)
        .run();
    let scan: Value = serde_json::from_str(&scan.stdout).map_err(|_| scan.stderr)?;
    let since = stamp(START + 3600);
    let violations = scan["rules"][0]["violations"]
        .as_array()
        .expect("a list")
        .iter();
    // A ban ends an hour after what it is dated from.
    let is_of_span = |one: &&Value| one["expires"].as_str() >= Some(stamp(START + 7200).as_str());
    let expected = violations.filter(is_of_span);
    let expected: BTreeSet<_> = expected
        .map(|one| json!([one["source"], one["hits"], one["expires"]]).to_string())
        .collect();
    assert!(!expected.is_empty());
    let report = Scanner::new(&log).write("scan.toml", rules());
    let report = report.with("report --rules scan.toml --log fw.log --since 1h --top 100");
    let report = report.at(7200).json(0);
    let rule = &report["rules"][0];
    let top = rule["top"].as_array().expect("a list").iter();
    let found: BTreeSet<_> = top
        .map(|one| json!([one["source"], one["hits"], one["expires"]]).to_string())
        .collect();
    assert_eq!(found, expected);
    assert_eq!(rule["violators"], expected.len());
    assert_eq!(rule["rule"], "blocked all");
    assert_eq!(report["since"], since);
    Ok(())
}

fn places_come_from_a_file() -> Result<(), Failed> {
    let log = [
        blocked(&["203.0.113.7"], 3700..3705),
        blocked(&["198.51.100.1"], 3700..3702),
    ]
    .concat();
    let countries = mmdb(&[
        ("203.0.113.0", 24, "country", Some("NL")),
        ("198.51.100.0", 25, "country", Some("<i>")),
    ]);
    let systems = mmdb(&[(
        "203.0.113.0",
        28,
        "autonomous_system_organization",
        Some("Examples & Co"),
    )]);
    let scanner = Scanner::new(log)
        .write("c.mmdb", countries)
        .write("a.mmdb", systems);
    let scanner = scanner
        .with("report --log fw.log --since 1h --mmdb c.mmdb --mmdb a.mmdb")
        .at(7200);
    let page = html(&scanner.with("--html -"));
    assert!(
        page.contains("AS64500 Examples &amp; Co") && page.contains("NL "),
        "{page}"
    );
    assert!(page.contains("&lt;i&gt;") && !page.contains("<i>"));
    let log = [
        blocked(&["203.0.113.7"], 3700..3705),
        blocked(&["198.51.100.1"], 3700..3702),
    ]
    .concat();
    let countries = mmdb(&[("203.0.113.0", 24, "country", Some("NL"))]);
    let scanner = Scanner::new(&log).write("c.mmdb", countries);
    let report = scanner
        .with("report --log fw.log --since 1h --mmdb c.mmdb")
        .at(7200)
        .json(0);
    let expected = json!([
        {"name": "NL", "blocked": 5, "allowed": 0},
        {"name": "unknown", "blocked": 2, "allowed": 0},
    ]);
    assert_eq!(report["places"]["countries"], expected);
    assert_eq!(report["sources"]["top"][0]["country"], "NL");
    assert!(report["sources"]["top"][1].get("country").is_none());
    let bad = Scanner::new(&log)
        .with("report --log fw.log --mmdb fw.log")
        .run();
    bad.done(2).complains("cannot read the database \"fw.log\"");
    Ok(())
}

/// The whole page on standard output.
#[track_caller]
fn html(scanner: &Scanner) -> String {
    let ran = scanner.run();
    ran.done(0);
    ran.stdout
}

/// Names of elements, and attributes that could run or fetch something.
fn elements(page: &str) -> (BTreeMap<String, usize>, Vec<String>, String) {
    let page = scraper::Html::parse_document(page);
    let (mut names, mut active, mut text) = (BTreeMap::new(), Vec::new(), String::new());
    for node in page.tree.nodes() {
        if let scraper::Node::Element(element) = node.value() {
            *names.entry(element.name().to_owned()).or_default() += 1;
            let attributes = element.attrs().map(|(name, _)| name);
            let is_active =
                |name: &&str| name.starts_with("on") || ["href", "src", "style"].contains(name);
            active.extend(attributes.filter(is_active).map(str::to_owned));
        } else if let scraper::Node::Text(piece) = node.value() {
            text.push_str(piece);
            text.push('\n');
        }
    }
    (names, active, text)
}

fn nothing_of_a_log_becomes_markup() -> Result<(), Failed> {
    let hostile = [
        "<script>alert(1)</script>",
        "</style><script>alert(1)</script>",
        "</title><img src=x onerror=alert(1)>",
        "\"><svg onload=alert(1)>",
        "<!--",
        "&lt;b&gt;",
        "\x1b]0;x\x07\x1b[2J",
        "\u{202e}abc",
    ];
    let log = |texts: &[&str]| -> String {
        let lines = texts.iter().map(|text| {
            let packet = packet("X", "203.0.113.7", "TCP")
                .replace("IPTABLES-X", &format!("IPTABLES-{text}"));
            line(START + 3700, &packet) + &format!("{} fw sshd[1]: {text}\n", stamp(START + 3700))
        });
        lines.collect()
    };
    let page = |texts: &[&str]| {
        html(
            &Scanner::new(log(texts))
                .with("report --log fw.log --since 1h --html -")
                .at(7200),
        )
    };
    let harmless: Vec<_> = (0..hostile.len())
        .map(|number| format!("word{number}"))
        .collect();
    let harmless: Vec<_> = harmless.iter().map(String::as_str).collect();
    let (names, active, text) = elements(&page(&hostile));
    let (others, none, _) = elements(&page(&harmless));
    assert_eq!(names, others);
    assert!(active.is_empty() && none.is_empty(), "{active:?}");
    for one in &hostile[..6] {
        assert!(
            text.contains(&format!("IPTABLES-{one}:\n")),
            "{one}: {text}"
        );
    }
    assert!(!page(&hostile).contains('\x1b') && !text.contains('\u{202e}'));
    let head = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-";
    assert!(page(&hostile).contains(head));
    Ok(())
}

fn the_file_is_whole_or_not_there() -> Result<(), Failed> {
    let scanner = Scanner::new(blocked(&["203.0.113.7"], 0..6)).write("precious", "mine");
    symlink("precious", scanner.path("r.html"))?;
    let scanner = scanner.with("report --log fw.log --html r.html").at(10);
    scanner.run().done(0).says("wrote r.html, ");
    // The link was replaced and not followed.
    assert_eq!(fs::read_to_string(scanner.path("precious"))?, "mine");
    let page = fs::read_to_string(scanner.path("r.html"))?;
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    let names = |path: &Path| -> Result<BTreeSet<_>, Failed> {
        let all = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name()));
        Ok(all.collect::<Result<_, _>>()?)
    };
    let directory = scanner.path("");
    assert_eq!(
        names(&directory)?,
        ["fw.log", "precious", "r.html"].map(Into::into).into()
    );
    let scanner = Scanner::new("").with("report --log fw.log --html none/r.html");
    scanner.run().done(1).complains("none/r.html");
    Ok(())
}

fn a_flood_takes_bounded_memory() -> Result<(), Failed> {
    Tool::require("sh")?;
    let begin = line(START + 3700, &packet("BLOCKED", "203.0.113.7", "TCP"));
    let mut log = String::new();
    for number in 0..110_000_u32 {
        let source = std::net::Ipv4Addr::from(0x0a00_0000 + number).to_string();
        log.push_str(&begin.replace("203.0.113.7", &source));
        if number % 100 == 0 {
            log.push_str(&begin);
        }
    }
    let scanner = Scanner::new(log)
        .with("report --log fw.log --since 1h --json")
        .at(7200);
    let limited = format!("ulimit -v 700000; exec {PROGRAM} \"$@\"");
    let output = scanner.command_of(&["sh", "-c", &limited, "sh"]).output()?;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let sources = &report["sources"];
    assert_eq!(sources["top"][0]["source"], "203.0.113.7");
    assert_eq!(sources["top"][0]["blocked"], 1_100);
    assert_eq!(sources["exact"], false);
    let number = sources["all"].as_u64().ok_or("no number")?;
    assert!((107_800..=112_200).contains(&number), "{number}");
    assert!((1..=3).contains(&sources["lacks"].as_u64().ok_or("no number")?));
    assert_eq!(report["packets"]["blocked"], 111_100);
    Ok(())
}

fn what_is_refused() -> Result<(), Failed> {
    let log = blocked(&["203.0.113.7"], 0..6);
    let status = |more: &str| Scanner::new(&log).with("report").with(more).run().status;
    assert_eq!(status("--log fw.log"), Some(0));
    assert_eq!(status("--log none.log"), Some(2));
    assert_eq!(status("--log fw.log --since 5"), Some(2));
    assert_eq!(status("--log fw.log --json --html -"), Some(2));
    assert_eq!(status("--log fw.log --rules none.toml"), Some(2));
    assert_eq!(status("--log fw.log --mmdb none.mmdb"), Some(2));
    Ok(())
}

/// A database (.mmdb) by its specification (version 2.0): networks of IPv4 and a text
/// each.
fn mmdb(networks: &[(&str, u8, &str, Option<&str>)]) -> Vec<u8> {
    // Nodes of two records of 32 bits each; which node, or what is there.
    #[derive(Clone, Copy)]
    enum To {
        Nothing,
        Node(usize),
        Data(usize),
    }
    let text = |text: &str| {
        let length = u8::try_from(text.len()).expect("short");
        let head = match length.checked_sub(29) {
            Some(more) => vec![0x5d, more],
            None => vec![0x40 | length],
        };
        [head, text.as_bytes().to_vec()].concat()
    };
    let map = |pairs: &[(&str, Vec<u8>)]| {
        let body = pairs
            .iter()
            .flat_map(|(key, value)| [text(key), value.clone()].concat());
        [
            vec![0xe0 | u8::try_from(pairs.len()).expect("few")],
            body.collect(),
        ]
        .concat()
    };
    let number = |number: u32| [vec![0xc4], number.to_be_bytes().to_vec()].concat();
    let short = |number: u16| [vec![0xa2], number.to_be_bytes().to_vec()].concat();
    let (mut nodes, mut data) = (vec![[To::Nothing; 2]], Vec::new());
    for (address, length, key, value) in networks {
        let value = value.expect("a text");
        let record = match *key {
            "country" => map(&[("country", map(&[("iso_code", text(value))]))]),
            key => map(&[
                ("autonomous_system_number", number(64_500)),
                (key, text(value)),
            ]),
        };
        let place = data.len();
        data.extend(record);
        let address = address
            .parse::<std::net::Ipv4Addr>()
            .expect("an address")
            .to_bits();
        let mut at = 0;
        for bit in 0..*length {
            let side = usize::from(address >> (31 - bit) & 1 == 1);
            if bit + 1 == *length {
                nodes[at][side] = To::Data(place);
            } else if let To::Node(next) = nodes[at][side] {
                at = next;
            } else {
                nodes.push([To::Nothing; 2]);
                nodes[at][side] = To::Node(nodes.len() - 1);
                at = nodes.len() - 1;
            }
        }
    }
    let count = nodes.len();
    let record = |to: &To| match to {
        To::Nothing => count,
        To::Node(node) => *node,
        To::Data(place) => count + 16 + place,
    };
    let tree = nodes
        .iter()
        .flatten()
        .flat_map(|to| u32::try_from(record(to)).expect("small").to_be_bytes());
    let mut file: Vec<u8> = tree.collect();
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    file.extend(map(&[
        ("node_count", number(u32::try_from(count).expect("few"))),
        ("record_size", short(32)),
        ("ip_version", short(4)),
        ("database_type", text("Test")),
        ("languages", vec![0x00, 0x04]),
        ("binary_format_major_version", short(2)),
        ("binary_format_minor_version", short(0)),
        (
            "build_epoch",
            [vec![0x08, 0x02], 1_u64.to_be_bytes().to_vec()].concat(),
        ),
        ("description", map(&[])),
    ]));
    file
}
