//! Every example does what its header says.

use std::process::{Command, ExitCode};

use netns_testbed::{Failed, Tool, program, run, trial};

fn main() -> ExitCode {
    run(vec![
        trial("print_firewall", print_firewall),
        trial("ban_from_log", ban_from_log),
        trial("fill_set", fill_set),
        trial("own_firewall", own_firewall),
    ])
}

fn print_firewall() -> Result<(), Failed> {
    let text = example("print_firewall", &[])?;
    assert_eq!(text.matches("*filter").count(), 2, "{text}");
    let tables = text.split_inclusive("COMMIT\n");
    for (table, source) in tables.zip(["-s 192.0.2.0/24 ", "-s 2001:db8::/32 "]) {
        let of_port = |line: &&str| line.contains("--dport 8443 ");
        let rules: Vec<&str> = table.lines().filter(of_port).collect();
        assert!(rules.iter().all(|rule| rule.contains(source)), "{table}");
        let accepts = |rule: &&str| rule.ends_with("-j LOG_AND_ACCEPT");
        assert!(rules.iter().any(accepts), "{table}");
    }
    assert!(!text.contains(":FORWARD DROP"), "{text}");
    Ok(())
}

fn ban_from_log() -> Result<(), Failed> {
    let text = example("ban_from_log", &[])?;
    let expected = [
        "banned 203.0.113.7 after 10 packets",
        "banned 203.0.113.7 after 11 packets",
        "banned 203.0.113.7 after 12 packets",
        "26 lines read, 12 of them not the kernel's",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    let listed = Tool::require("ipset")?.run(&["list", "banned"])?;
    let members: Vec<&str> = listed
        .lines()
        .skip_while(|line| *line != "Members:")
        .skip(1)
        .collect();
    let is_banned = |member: &str| member.starts_with("203.0.113.7 timeout 3");
    assert!(matches!(members[..], [one] if is_banned(one)), "{listed}");
    Ok(())
}

fn fill_set() -> Result<(), Failed> {
    let text = example("fill_set", &[])?;
    assert!(
        text.starts_with("100000 entries accepted\nentry 100000 refused: "),
        "{text}"
    );
    assert!(
        text.ends_with("\n10.0.7.1 is in blocklist: true\n"),
        "{text}"
    );
    let ipset = Tool::require("ipset")?;
    let listed = ipset.run(&["list", "-terse"])?;
    assert!(listed.contains("Number of entries: 100000\n"), "{listed}");
    assert_eq!(ipset.run(&["list", "-name"])?, "blocklist\n");
    Ok(())
}

fn own_firewall() -> Result<(), Failed> {
    let text = example("own_firewall", &[])?;
    for (tool, printed) in ["iptables-save", "ip6tables-save"]
        .into_iter()
        .zip(text.split_inclusive("COMMIT\n"))
    {
        let listed = Tool::require(tool)?.run(&["-t", "filter"])?;
        let rules = |text: &str| -> Vec<String> {
            text.lines()
                .filter(|line| line.starts_with("-A "))
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(rules(&listed), rules(printed), "{tool}");
        assert!(listed.contains(":INPUT DROP"), "{listed}");
    }
    example("own_firewall", &["remove"])?;
    let left = Tool::require("iptables-save")?.run(&["-t", "filter"])?;
    assert!(
        !left.contains("EXAMPLE") && left.contains(":INPUT ACCEPT"),
        "{left}"
    );
    Ok(())
}

fn example(name: &str, arguments: &[&str]) -> Result<String, Failed> {
    let output = Command::new(program(&format!("examples/{name}")))
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot run {name}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{name}: {}\n{}", output.status, text(&output.stderr)).into())
    }
}
