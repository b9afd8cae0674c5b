//! What a plan sends and reads, against the kernel in memory: no more than differs.

#![expect(
    clippy::unwrap_used,
    clippy::unnecessary_wraps,
    reason = "a test says what went wrong by panicking, and a resolver may fail"
)]

use std::collections::BTreeSet;
use std::io;

use iptables_ruleset::match_::{Protocol, Tcp};
use iptables_ruleset::{
    ApplyError, Batch, Config, FakeKernel, Family, Hook, Kernel, KernelSet, Plan, Rule, Ruleset,
    Snapshot, Target,
};

fn any_set(name: &str) -> io::Result<KernelSet> {
    let family = if name.ends_with("_v6") {
        Family::Ipv6
    } else {
        Family::Ipv4
    };
    Ok(KernelSet::new(3, Some(family)))
}

/// Writes down what is sent and what is read.
#[derive(Default)]
struct Recorder {
    kernel: FakeKernel,
    sent: Vec<String>,
    read: Vec<String>,
    /// Somebody changes something after the next batch.
    interferes: bool,
}

impl Kernel for Recorder {
    fn snapshot(&mut self) -> Result<Snapshot, ApplyError> {
        self.read.push("everything".to_owned());
        self.kernel.snapshot()
    }

    fn outline(&mut self, with: &BTreeSet<String>) -> Result<Snapshot, ApplyError> {
        let names: Vec<&str> = with.iter().map(String::as_str).collect();
        self.read.push(names.join(" "));
        self.kernel.snapshot()
    }

    fn is_current(&mut self, snapshot: &Snapshot) -> Result<bool, ApplyError> {
        Ok(self.kernel.snapshot()?.generation() == snapshot.generation())
    }

    fn transact(&mut self, batch: &Batch) -> Result<(), ApplyError> {
        self.sent.extend(batch.items());
        self.kernel.transact(batch)?;
        if std::mem::take(&mut self.interferes) {
            let theirs = Rule::new(Target::Return);
            self.kernel.append(Family::Ipv4, Hook::Output, &theirs);
        }
        Ok(())
    }
}

/// A chain that accepts these ports.
fn accepting(ports: &[u16]) -> Ruleset {
    let mut ruleset = Ruleset::new(Family::Ipv4);
    ruleset.jump(Hook::Input, "IN".parse().unwrap());
    let chain = ruleset.chain("IN".parse().unwrap());
    for port in ports {
        let tcp = Tcp::new().destination(*port);
        chain.append(
            Rule::new(Target::Accept)
                .matching(Protocol::TCP)
                .matching(tcp),
        );
    }
    ruleset
}

fn accept(ports: &[u16], kernel: &mut Recorder) {
    let plan = Plan::install([&accepting(ports)], &mut any_set).unwrap();
    let applied = plan.apply(kernel).unwrap();
    assert!(applied.as_wanted, "{ports:?}");
    assert_eq!(
        kernel.kernel.iptables_save(Family::Ipv4),
        accepting(ports).to_iptables_save().to_string()
    );
}

#[test]
fn rules_that_stay_are_not_sent_again() {
    let mut kernel = Recorder::default();
    accept(&[1, 2, 3, 4, 5], &mut kernel);
    let rule = |number, port| {
        format!("ip filter/IN rule {number}: -p tcp -m tcp --dport {port} -j ACCEPT")
    };
    let removal = |handle: u64| format!("ip filter/IN removal of the rule with handle {handle}");
    let steps: [(&[u16], Vec<String>); 7] = [
        (&[1, 2, 3, 4, 5], vec![]),
        (&[1, 2, 9, 4, 5], vec![removal(3), rule(3, 9)]),
        (&[1, 2, 9, 4, 5, 6, 7], vec![rule(6, 6), rule(7, 7)]),
        (&[8, 9, 1, 2, 9, 4, 5, 6, 7], vec![rule(1, 8), rule(2, 9)]),
        (&[8, 9, 1, 2, 9, 4, 5], vec![removal(8), removal(9)]),
        (&[], vec!["ip filter/IN flush".to_owned()]),
        (&[1], vec![rule(1, 1)]),
    ];
    for (ports, sent) in steps {
        kernel.sent.clear();
        accept(ports, &mut kernel);
        assert_eq!(kernel.sent, sent, "{ports:?}");
    }
}

/// From any order of some rules to any other.
#[test]
fn whatever_stays_the_order_is_the_one_that_is_wanted() {
    let orders: [&[u16]; 9] = [
        &[],
        &[1],
        &[1, 1, 1],
        &[1, 2, 3, 4],
        &[4, 3, 2, 1],
        &[1, 3, 2, 4],
        &[1, 2, 1, 2, 1],
        &[2, 2, 1, 1, 3, 4],
        &[5, 6, 7, 8, 9, 1, 2, 3, 4],
    ];
    for from in orders {
        for to in orders {
            let mut kernel = Recorder::default();
            accept(from, &mut kernel);
            accept(to, &mut kernel);
        }
    }
}

#[test]
fn what_was_not_changed_is_not_read_back() {
    let rulesets = |text: &str| {
        let config = Config::parse(text).unwrap();
        Family::BOTH.map(|family| config.ruleset(family).unwrap())
    };
    let plan = |text: &str| Plan::install(&rulesets(text), &mut any_set).unwrap();
    let mut kernel = Recorder::default();
    plan("").apply(&mut kernel).unwrap();
    for interferes in [false, true] {
        kernel.interferes = interferes;
        kernel.read.clear();
        let level = 5 + u8::from(interferes);
        let text = format!("[log]\nblocked-level = {level}\n");
        let applied = plan(&text).apply(&mut kernel).unwrap();
        assert!(applied.changed && applied.as_wanted);
        let after = kernel.kernel.snapshot().unwrap();
        assert_eq!(applied.after, Some(after));
        // Where somebody else changed something, all is looked at.
        let mut expected = vec!["everything", "LOG_AND_DROP"];
        expected.extend(interferes.then_some("everything"));
        assert_eq!(kernel.read, expected);
    }
}

#[test]
fn what_somebody_takes_away_at_once_is_told() {
    struct Thief(FakeKernel);
    impl Kernel for Thief {
        fn snapshot(&mut self) -> Result<Snapshot, ApplyError> {
            self.0.snapshot()
        }
        fn transact(&mut self, batch: &Batch) -> Result<(), ApplyError> {
            self.0.transact(batch)?;
            let remove = Plan::remove([&accepting(&[])]).unwrap();
            remove.apply(&mut self.0).map(drop)
        }
    }
    let plan = Plan::install([&accepting(&[1])], &mut any_set).unwrap();
    let applied = plan.apply(&mut Thief(FakeKernel::new())).unwrap();
    assert!(applied.changed && !applied.as_wanted);
}
