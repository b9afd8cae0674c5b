//! lfd's port scan tracking, as a rule of log-scanner.

use iptables_ruleset::Network;

use super::super::translation::{ScanRule, Translation};
use super::conf::Conf;
use super::lists::List;

/// The rule, if lfd looks for port scans; who is ignored is exempt from it.
pub(super) fn rules(conf: &Conf, ignored: &List, made: &mut Translation) {
    for filter in &ignored.filters {
        made.left(
            &filter.place,
            &filter.text,
            "csf.ignore has addresses alone",
        );
    }
    let within = conf.number("PS_INTERVAL").unwrap_or(0);
    if within == 0 {
        if let Some(first) = ignored.members.first() {
            let why = format!(
                "no rule comes of it (PS_INTERVAL is 0), so {} addresses of it stand nowhere: they are `exempt` of a [[rule]] in scan.toml",
                ignored.members.len()
            );
            made.left(&first.place, "csf.ignore", &why);
        }
        return;
    }
    let place = conf.place("PS_INTERVAL");
    let permanent = conf.is_on("PS_PERMANENT");
    let removeafter = if permanent {
        ScanRule::LONGEST
    } else {
        conf.number("PS_BLOCK_TIME")
            .unwrap_or(3600)
            .clamp(1, ScanRule::LONGEST)
    };
    if permanent {
        made.note(
            &conf.place("PS_PERMANENT"),
            "PS_PERMANENT",
            "a ban lasts 24 days at most; who goes on is banned again. For good: log-scanner ban, or csf-deny.txt",
        );
    }
    // lfd bans at more than PS_LIMIT.
    let limit = conf.number("PS_LIMIT").unwrap_or(10).saturating_add(1);
    let diversity = conf.number("PS_DIVERSITY").unwrap_or(1);
    let mut rule = ScanRule {
        remarks: vec![super::from(
            &place,
            "PS_INTERVAL, PS_LIMIT (more than so many), PS_DIVERSITY, PS_BLOCK_TIME",
        )],
        rule: "blocked",
        protocol: "all".to_owned(),
        howmany: u32::try_from(limit).unwrap_or(u32::MAX),
        within: within.min(ScanRule::LONGEST),
        distinct_ports: u16::try_from(diversity).ok().filter(|ports| *ports > 1),
        removeafter,
        exempt: exempt(ignored, made),
        ..ScanRule::default()
    };
    repeat(conf, &mut rule, made);
    neighbours(conf, &mut rule, made);
    ports(conf, made);
    made.rules.push(rule);
}

fn exempt(ignored: &List, made: &mut Translation) -> Vec<Network> {
    let exempt = ignored.members.iter().map(|member| member.network);
    if let Some(beyond) = ignored.members.get(ScanRule::MOST_EXEMPT) {
        let why = format!(
            "a rules file has room for some {} addresses that are exempt; put the rest into the whitelist",
            ScanRule::MOST_EXEMPT
        );
        made.left(&beyond.place, "csf.ignore, from here on", &why);
    }
    exempt.take(ScanRule::MOST_EXEMPT).collect()
}

/// `LF_PERMBLOCK`: who was banned more than so often is banned for as long as can be.
fn repeat(conf: &Conf, rule: &mut ScanRule, made: &mut Translation) {
    if !conf.is_on("LF_PERMBLOCK") || rule.removeafter >= ScanRule::LONGEST {
        return;
    }
    let place = conf.place("LF_PERMBLOCK");
    let bans = conf.number("LF_PERMBLOCK_COUNT").unwrap_or(4);
    let steps = u32::try_from(bans).unwrap_or(u32::MAX).clamp(1, 40);
    // The smallest factor by which the ban behind so many is the longest.
    let mut factor = 2_u32;
    while rule
        .removeafter
        .saturating_mul(u64::from(factor).saturating_pow(steps))
        < ScanRule::LONGEST
    {
        factor = factor.saturating_add(1);
    }
    rule.repeat = Some((ScanRule::REMEMBERED, factor, ScanRule::LONGEST));
    rule.remarks.push(super::from(&place, "LF_PERMBLOCK"));
    made.note(
        &place,
        "LF_PERMBLOCK",
        &format!(
            "csf bans for good behind {bans} bans in LF_PERMBLOCK_INTERVAL; here each ban is {factor} times as long as the one before, up to 24 days, and who was banned is remembered for 30"
        ),
    );
}

/// `LF_NETBLOCK`: a network in which so many are banned.
fn neighbours(conf: &Conf, rule: &mut ScanRule, made: &mut Translation) {
    let Some(place) = conf.set_place("LF_NETBLOCK") else {
        return;
    };
    let class = conf.value("LF_NETBLOCK_CLASS");
    if !class.eq_ignore_ascii_case("C") {
        let what = format!("LF_NETBLOCK_CLASS = {class}");
        let why = "networks that are banned as one are /24 of IPv4 and /64 of IPv6";
        made.left(&conf.place("LF_NETBLOCK_CLASS"), &what, why);
        return;
    }
    let count = conf
        .number("LF_NETBLOCK_COUNT")
        .unwrap_or(4)
        .saturating_add(1);
    rule.aggregate_at = u32::try_from(count).ok();
    rule.remarks.push(super::from(&place, "LF_NETBLOCK"));
    made.note(
        &place,
        "LF_NETBLOCK",
        "the /24 of IPv4, or the /64 of IPv6, is banned while more than LF_NETBLOCK_COUNT of it are banned, and not for good",
    );
}

fn ports(conf: &Conf, made: &mut Translation) {
    let ports = conf.value("PS_PORTS").replace(' ', "");
    if !matches!(ports.as_str(), "" | "0:65535,ICMP" | "1:65535,ICMP") {
        made.left(
            &conf.place("PS_PORTS"),
            &format!("PS_PORTS = {ports}"),
            "a rule counts packets to all ports; those of `log = false` services are never counted",
        );
    }
}
