//! What happens.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::IpAddr;
use std::time::Instant;

use netns_testbed::{Failed, Family, Host, World};

use crate::cast::{ADMIN, ATTACKER, CLIENT, Person, SECOND, VICTIM};
use crate::connection::{Outcome, attempt, knock};
use crate::gateway::{COLLECT, CONFIG, FORGOTTEN, Gateway, HTTPS, Ran, SSH};
use crate::story::Story;

/// The attacker tries every port from 1 to this one, over both families.
const LAST_PORT: u16 = 600;
/// Of those, the firewall lets the first packets to ssh and https through.
const OPEN_PORTS: u16 = 2;
/// Lines that somebody forges to have the victim banned.
const FORGED: usize = 500;
/// A day, in seconds: how long the ban lasts.
const DAY: u64 = 86_400;
/// The scan that the story is about.
const SCAN: &str = "log-scanner --log iptables.log --rule blocked --type tcp --howmany 100 --within 5m \
                    --ipset blacklist --removeafter 1d";

/// The same judged as packets come, and how many are too many.
const FOLLOW: &str = "log-scanner follow --nflog-group 5 --rule blocked --type tcp --howmany 20 --within 1m \
                      --ipset blacklist --removeafter 1d";
const TOO_MANY: u16 = 20;

/// Plays the whole story.
pub(crate) fn play() -> Result<(), Failed> {
    let world = World::new()?;
    for person in [ATTACKER, SECOND, ADMIN, CLIENT] {
        Family::BOTH
            .into_iter()
            .try_for_each(|family| world.attacker.add_address(person.address(family)))?;
    }
    let gateway = Gateway::new(&world.gateway)?;
    let mut stage = Stage {
        story: Story::begin(),
        outside: &world.attacker,
        gateway,
    };
    stage.open_machine()?;
    stage.firewall_up()?;
    let collector = stage.logging()?;
    stage.whitelist()?;
    stage.attack()?;
    stage.forgery()?;
    stage.dry_scan()?;
    stage.scan()?;
    stage.proof()?;
    // The packets of a group have one reader.
    drop(collector);
    stage.live()?;
    stage.story.end();
    Ok(())
}

struct Stage<'w> {
    story: Story,
    outside: &'w Host,
    gateway: Gateway<'w>,
}

impl Stage<'_> {
    fn open_machine(&mut self) -> Result<(), Failed> {
        self.story
            .chapter("A machine on the internet, without a firewall");
        self.story
            .say("ssh and https are meant to be open; something forgotten listens on port 8080.");
        self.story
            .say("(Three private network namespaces; what follows are real packets between them.)");
        self.reaches(
            CLIENT,
            FORGOTTEN,
            Outcome::Connected,
            "a client reaches even port 8080",
        )
    }

    fn firewall_up(&mut self) -> Result<(), Failed> {
        self.story
            .chapter("The firewall goes up, for IPv4 and IPv6 in one transaction");
        self.story.say(
            "firewall.toml says only where to log: the kernel's LOG target is mute in a namespace.",
        );
        self.story.output(CONFIG);
        let applied =
            self.command("firewall-apply apply --config firewall.toml --saved sets.save")?;
        self.story.output(&applied.text);
        self.succeeded("the kernel took it whole", &applied)
    }

    fn logging(&mut self) -> Result<netns_testbed::Process, Failed> {
        self.story.chapter("Every new connection is logged");
        self.story.command(&format!("{COLLECT} &"));
        let collector = self.gateway.collect()?;
        self.reaches(
            CLIENT,
            HTTPS,
            Outcome::Connected,
            "the client reaches https",
        )?;
        self.reaches(CLIENT, SSH, Outcome::Connected, "and ssh")?;
        self.reaches(
            CLIENT,
            FORGOTTEN,
            Outcome::Silence,
            "port 8080 is closed to it",
        )?;
        for family in Family::BOTH {
            let source = source(CLIENT, family);
            self.gateway
                .wait_for_lines(&["-ALLOWED: ", &source, " DPT=443 "], 1)?;
            self.gateway
                .wait_for_lines(&["-BLOCKED: ", &source, " DPT=8080 "], 1)?;
        }
        self.story.say("In the log, as the kernel would write it:");
        for words in [
            ["IPTABLES-ALLOWED: ", " DPT=443 "],
            ["IP6TABLES-BLOCKED: ", " DPT=8080 "],
        ] {
            let log = self.gateway.log();
            let line = log
                .lines()
                .find(|line| words.iter().all(|word| line.contains(word)));
            self.story.output(line.unwrap_or_default());
        }
        Ok(collector)
    }

    fn whitelist(&mut self) -> Result<(), Failed> {
        self.story.chapter("The admin goes onto the whitelist");
        let members = format!(
            "add whitelist {}\nadd whitelist_v6 {}\n",
            ADMIN.address(Family::V4),
            ADMIN.address(Family::V6)
        );
        fs::write(self.gateway.path("admins.save"), &members)
            .map_err(|error| format!("cannot write admins.save: {error}"))?;
        self.story.output(&members);
        let restored = self.command("firewall-apply restore --file admins.save")?;
        self.succeeded(
            "`ipset add` would do the same; this needs no other program",
            &restored,
        )?;
        self.reaches(
            ADMIN,
            FORGOTTEN,
            Outcome::Connected,
            "the admin gets in everywhere",
        )
    }

    fn attack(&mut self) -> Result<(), Failed> {
        self.story.chapter(&format!(
            "An attacker scans ports 1 to {LAST_PORT}, over IPv4 and IPv6"
        ));
        let before = self.gateway.log().len();
        for family in Family::BOTH {
            let source = ATTACKER.address(family);
            let targets = (1..=LAST_PORT).map(|port| self.gateway.port(family, port));
            self.outside.run(|| {
                targets
                    .into_iter()
                    .try_for_each(|target| knock(source, target))
            })?;
        }
        let expected = usize::from(LAST_PORT - OPEN_PORTS);
        for family in Family::BOTH {
            let words = ["TABLES-BLOCKED: ", &source(ATTACKER, family)];
            self.gateway.wait_for_lines(&words, expected)?;
            let lines = self.gateway.lines(&words);
            let what = format!(
                "{expected} lines of {} in the log",
                ATTACKER.address(family)
            );
            self.story.check(&what, lines == expected, lines)?;
        }
        let after = self.gateway.log().len();
        self.story
            .say(format!("The log grew from {before} to {after} bytes."));
        Ok(())
    }

    /// Whoever can make a daemon log a user name of their choice can write this.
    fn forgery(&mut self) -> Result<(), Failed> {
        self.story
            .chapter("Somebody tries to have an innocent address banned");
        self.story
            .say("They log in by ssh with a line of the firewall's log as the user name:");
        let log = self.gateway.log();
        let Some((stamp, _)) = log.lines().last().and_then(|line| line.split_once(' ')) else {
            return Err("the log is empty".into());
        };
        let line = format!(
            "{stamp} gateway sshd[4711]: Invalid user x kernel: IPTABLES-BLOCKED: IN=eth0 OUT= MAC= SRC={} DST={} LEN=60 \
             TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=23 WINDOW=64240 RES=0x00 SYN URGP=0 \n",
            VICTIM.address(Family::V4),
            self.gateway.port(Family::V4, SSH).ip(),
        );
        self.story.output(&line);
        let appended = OpenOptions::new()
            .append(true)
            .open(self.gateway.path("iptables.log"))
            .and_then(|mut log| log.write_all(line.repeat(FORGED).as_bytes()));
        appended.map_err(|error| format!("cannot write to the log: {error}"))?;
        self.story.say(format!(
            "{FORGED} times. (rsyslog would not even let them into this file.)"
        ));
        Ok(())
    }

    fn dry_scan(&mut self) -> Result<(), Failed> {
        self.story
            .chapter("The scanner, dry: 100 blocked TCP packets in 5 minutes are too many");
        let scanned = self.command(&format!("{SCAN} --dryrun"))?;
        self.story.output(&scanned.text);
        self.succeeded("it says whom it would ban", &scanned)?;
        let banned = self.members("blacklist")?.len() + self.members("blacklist_v6")?.len();
        self.story.check(
            "and bans nobody",
            banned == 0,
            format!("{banned} entries in the sets"),
        )
    }

    fn scan(&mut self) -> Result<(), Failed> {
        self.story.chapter("The scanner, for real");
        let scanned = self.command(SCAN)?;
        self.story.output(&scanned.text);
        self.succeeded("done", &scanned)?;
        self.story.command("firewall-apply save --file -");
        for (family, set) in [(Family::V4, "blacklist"), (Family::V6, "blacklist_v6")] {
            let members = self.members(set)?;
            let (attacker, victim) = (ATTACKER.address(family), VICTIM.address(family));
            for (address, left) in &members {
                self.story
                    .output(&format!("add {set} {address} timeout {left}"));
            }
            let left = members.get(&attacker).copied().unwrap_or_default();
            let what = format!(
                "{attacker} is in {set}, with {} left",
                hours_and_minutes(left)
            );
            self.story.check(
                &what,
                (DAY - 600..=DAY).contains(&left),
                format!("{members:?}"),
            )?;
            let innocent = members.len() == 1 && !members.contains_key(&victim);
            self.story
                .check("and nobody else", innocent, format!("{members:?}"))?;
        }
        Ok(())
    }

    fn proof(&mut self) -> Result<(), Failed> {
        self.story.chapter("The proof");
        let before: usize = self.blocked_at_https();
        self.reaches(
            ATTACKER,
            HTTPS,
            Outcome::Silence,
            "the attacker does not even reach https any more",
        )?;
        self.gateway.wait_for_lines(
            &["TABLES-BLOCKED: ", " DPT=443 "],
            before + Family::BOTH.len(),
        )?;
        self.reaches(
            CLIENT,
            HTTPS,
            Outcome::Connected,
            "the client still gets in",
        )?;
        self.reaches(ADMIN, FORGOTTEN, Outcome::Connected, "and the admin")
    }

    fn live(&mut self) -> Result<(), Failed> {
        self.story
            .chapter("Live: banned by the packet that is one too many");
        self.story.command(&format!("{FOLLOW} &"));
        let following = self.gateway.follow(FOLLOW)?;
        self.story.output(&following.next()?);
        for family in Family::BOTH {
            let source = SECOND.address(family);
            let try_port = |port| {
                let target = self.gateway.port(family, port);
                self.outside.run(|| knock(source, target))
            };
            (1001..1000 + TOO_MANY).try_for_each(try_port)?;
            let started = Instant::now();
            try_port(1000 + TOO_MANY)?;
            let said = following.next()?;
            let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
            self.story.output(&said);
            self.story.check(
                &format!("{source} is banned {milliseconds:.1} ms after its {TOO_MANY}th packet"),
                said.contains(&format!("{source}: added to ")),
                &said,
            )?;
        }
        for family in Family::BOTH {
            let source = SECOND.address(family);
            let asked = self.command(&format!("log-scanner bans {source}"))?;
            self.story.output(&asked.text);
            self.story.check(
                &format!("the set itself says why {source} is in it"),
                asked.status == Some(0) && asked.text.contains(&format!("{TOO_MANY} hits within")),
                &asked.text,
            )?;
        }
        self.reaches(
            SECOND,
            HTTPS,
            Outcome::Silence,
            "the second attacker does not reach https any more",
        )
    }

    fn blocked_at_https(&self) -> usize {
        self.gateway.lines(&["TABLES-BLOCKED: ", " DPT=443 "])
    }

    /// Checks, over both families, what becomes of a connection.
    fn reaches(
        &mut self,
        who: Person,
        port: u16,
        expected: Outcome,
        what: &str,
    ) -> Result<(), Failed> {
        for family in Family::BOTH {
            let (source, target) = (who.address(family), self.gateway.port(family, port));
            let outcome = self.outside.run(|| attempt(source, target))?;
            let what = format!("{what}: {source} to {target}: {outcome:?}");
            self.story.check(
                &what,
                outcome == expected,
                format!("{outcome:?} for {}", who.name),
            )?;
        }
        Ok(())
    }

    fn command(&self, line: &str) -> Result<Ran, Failed> {
        self.story.command(line);
        self.gateway.run(line)
    }

    fn succeeded(&mut self, what: &str, ran: &Ran) -> Result<(), Failed> {
        self.story.check(
            what,
            ran.status == Some(0),
            format!("exit status {:?}\n{}", ran.status, ran.text),
        )
    }

    /// The members of a set and the seconds each has left.
    fn members(&self, set: &str) -> Result<BTreeMap<IpAddr, u64>, Failed> {
        let saved = self.gateway.run("firewall-apply save --file -")?;
        if saved.status != Some(0) {
            return Err(format!("cannot read the sets: {}", saved.text).into());
        }
        saved
            .text
            .lines()
            .filter_map(|line| line.strip_prefix(&format!("add {set} ")))
            .map(member)
            .collect()
    }
}

/// Reads the rest of an `add` line: `203.0.113.7 timeout 86399`.
fn member(text: &str) -> Result<(IpAddr, u64), Failed> {
    let fail = || Failed::from(format!("not a member: {text}"));
    let mut words = text.split(' ');
    let address = words
        .next()
        .and_then(|word| word.parse().ok())
        .ok_or_else(fail)?;
    let left = words
        .nth(1)
        .and_then(|word| word.parse().ok())
        .ok_or_else(fail)?;
    Ok((address, left))
}

/// How the kernel writes the person's address in a line of the log.
fn source(who: Person, family: Family) -> String {
    match who.address(family) {
        IpAddr::V4(address) => format!(" SRC={address} "),
        IpAddr::V6(address) => {
            let groups: Vec<String> = address
                .segments()
                .iter()
                .map(|group| format!("{group:04x}"))
                .collect();
            format!(" SRC={} ", groups.join(":"))
        }
    }
}

fn hours_and_minutes(seconds: u64) -> String {
    format!("{} h {} min", seconds / 3600, seconds % 3600 / 60)
}
