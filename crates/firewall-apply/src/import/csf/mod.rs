//! `import csf`: the directory of CSF, `ConfigServer` Security & Firewall.
//!
//! What a setting means is what csf 15 makes of it (`csf.pl`, `lfd.pl`), not what its comment says.

mod advanced;
mod blocklists;
mod conf;
mod incoming;
mod keys;
mod limits;
mod lists;
mod outgoing;
mod ports;
mod redirect;
mod scan;

use std::path::Path;

use self::conf::Conf;
use super::place::Place;
use super::source::Source;
use super::translation::Translation;
use crate::findings::Problem;

/// Reads a directory such as /etc/csf.
pub(super) fn read(directory: &Path) -> Result<Translation, Problem> {
    let mut made = Translation::default();
    let path = directory.join("csf.conf");
    let source = Source::read(&path)?;
    let conf = Conf::parse(&source, &mut made);
    made.read.push(path);

    policy(&conf, &mut made);
    let allowed = lists::read(directory, "csf.allow", &mut made)?;
    let denied = lists::read(directory, "csf.deny", &mut made)?;
    let ignored = lists::read(directory, "csf.ignore", &mut made)?;
    // In csf's order: who is allowed, who is denied, and then the ports.
    lists::allow(&allowed, &mut made);
    let deny_list = lists::deny(&denied, &mut made);
    lists::contradictions(&allowed, &denied, &mut made);
    advanced::services(&conf, &allowed, &denied, &mut made)?;
    incoming::services(&conf, &mut made)?;
    outgoing::services(&conf, deny_list.as_deref(), &mut made)?;
    scan::rules(&conf, &ignored, &mut made);
    blocklists::read(directory, &mut made)?;
    redirect::read(directory, &conf, &mut made)?;
    keys::others(&conf, &mut made);
    keys::other_files(directory, &mut made)?;
    Ok(made)
}

fn policy(conf: &Conf, made: &mut Translation) {
    let place = conf.place("csf.conf").to_string();
    let policies = &mut made.firewall.policies;
    policies.push(("input", "drop", place.clone()));
    policies.push(("output", "drop", place.clone()));
    if conf.is_on("DOCKER") {
        let docker = conf.place("DOCKER");
        policies.push(("forward", "untouched", docker.to_string()));
        made.firewall.protect = Some(format!("{docker}: DOCKER"));
        made.note(
            &docker,
            "DOCKER",
            "Docker itself looks after its rules, as it does without csf: restart it once csf is gone; bans hold before published ports (forward.protect)",
        );
    } else {
        policies.push(("forward", "drop", place));
    }
    for (word, place) in conf.words("ETH_DEVICE_SKIP") {
        match word.parse() {
            Ok(name) => {
                let said = format!("{place}: ETH_DEVICE_SKIP");
                made.firewall.trusted.push((name, said));
            }
            Err(error) => made.left(
                &place,
                &format!("ETH_DEVICE_SKIP {word}"),
                &error.to_string(),
            ),
        }
    }
    if conf.is_on("TESTING") {
        made.note(
            &conf.place("TESTING"),
            "TESTING",
            "a firewall that goes away by itself is `firewall-apply apply --confirm-within 60s`",
        );
    }
    if !conf.is_on("IPV6") {
        made.note(
            &conf.place("IPV6"),
            "IPV6",
            "csf left IPv6 alone; here both families have the same rules, so the ports of IPv4 are open over IPv6, too, and everything else is closed there",
        );
    }
    if let Some(place) = conf.set_place("ETH_DEVICE") {
        made.note(
            &place,
            "ETH_DEVICE",
            "the ports are open on every interface; give a [[service]] `interfaces` to open it on that one alone",
        );
    }
}

/// A remark that says where something came from.
fn from(place: &Place, what: &str) -> String {
    format!("{place}: {what}")
}
