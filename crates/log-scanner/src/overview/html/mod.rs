//! The page of HTML: one file that fetches nothing and runs nothing.
//!
//! What stands in it comes from logs, sets and databases, and so from attackers. `maud` escapes every
//! text; the two that it is given as they are, the style sheet and the picture, are of this program
//! alone. Should that fail, the policy in the head lets a browser neither run nor fetch anything.

mod chart;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::places::Place;
use super::{Named, Numbers, Overview, Sender};
use crate::source::Source;
use crate::words::{count, local, plain};

const STYLE: &str = include_str!("style.css");

/// Only this style sheet, by its hash (SHA-256), and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'sha256-nW1wvkHQbpgqaIrfl681ByqY8+MokI8twfJM6wXulRE='; base-uri 'none'; form-action 'none'";

/// Countries that are told.
const COUNTRIES: usize = 30;

/// The whole page, times in `zone`.
pub(super) fn page(overview: &Overview, zone: &TimeZone) -> String {
    let page = Page { overview, zone };
    let title = format!("Firewall report, {}", page.time(overview.until));
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (page.heading())
                    (page.numbers())
                    (page.over_time())
                    (page.senders("Top sources", &overview.sources.top))
                    (page.columns())
                    (page.senders("Top networks", &overview.networks))
                    (page.banned())
                    (page.judged())
                }
            }
        }
    };
    whole.into_string()
}

struct Page<'a> {
    overview: &'a Overview,
    zone: &'a TimeZone,
}

impl Page<'_> {
    fn heading(&self) -> Markup {
        let Overview {
            since,
            until,
            logs,
            warnings,
            ..
        } = self.overview;
        html! {
            h1 { "Firewall report" }
            p.soft { (self.time(*since)) " to " (self.time(*until)) " (" (self.offset()) ")" }
            @for log in logs {
                p.soft {
                    span.a { (plain(log.path.as_bytes())) } ": "
                    (count(log.lines, "line")) ", " (log.events) " of them of the firewall"
                }
            }
            @for warning in warnings {
                section.warning { (warning) }
            }
        }
    }

    fn numbers(&self) -> Markup {
        let Overview {
            packets,
            sources,
            bans,
            ..
        } = self.overview;
        let about = if sources.exact { "" } else { "about " };
        html! {
            div.numbers {
                div { b { (thousands(packets.blocked)) } "packets blocked" }
                div { b { (thousands(packets.allowed)) } "packets allowed" }
                div { b { (about) (thousands(sources.all)) } "sources" }
                div {
                    b { (about) (thousands(sources.all.saturating_sub(sources.known))) }
                    "of them new to this log"
                }
                div {
                    b { @if bans.unknown.is_some() { "?" } @else { (thousands(bans.all())) } }
                    "banned now"
                }
            }
        }
    }

    fn over_time(&self) -> Markup {
        let own = self.overview.own;
        html! {
            section.whole {
                h2 { "Blocked and allowed over time" }
                p.soft { span.key.blocked {} "blocked" span.key.allowed {} "allowed" }
                div.wide { (PreEscaped(chart::chart(&self.overview.over_time, self.zone))) }
                @if own > 0 {
                    p.soft { (count(own, "line")) " of what this host sent are not in this report." }
                }
            }
        }
    }

    fn senders(&self, title: &str, all: &[Sender]) -> Markup {
        let most = all.iter().map(|sender| sender.packets.all()).max();
        let most = most.unwrap_or_default();
        let lacks = self.overview.sources.lacks;
        let is_placed = self.overview.places.is_some();
        html! {
            section {
                h2 { (title) }
                @if lacks > 0 {
                    p.soft {
                        "There were too many to keep all. Whoever is not named may have "
                        (count(lacks, "packet")) "; a + marks numbers that may be more by as much."
                    }
                }
                @if all.is_empty() { p.soft { "None." } } @else {
                    table {
                        thead { tr {
                            th { "source" }
                            @if is_placed { th { "where" } }
                            th.n { "blocked" } th.n { "allowed" } th.b {} th.m { "last seen" }
                        } }
                        @for sender in all {
                            tr {
                                td.a.s {
                                    (address(sender.source))
                                    @if !sender.known { " " span.new { "new" } }
                                }
                                @if is_placed { td { (place(&sender.place)) } }
                                td.n {
                                    (thousands(sender.packets.blocked))
                                    @if sender.lacks > 0 { "+" }
                                }
                                td.n { (thousands(sender.packets.allowed)) }
                                td.b { (bar(sender.packets, most)) }
                                td.w.m { (self.time(sender.last_seen)) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// What is counted by name, side by side.
    fn columns(&self) -> Markup {
        let Overview {
            ports,
            ports_all,
            protocols,
            prefixes,
            places,
            ..
        } = self.overview;
        let named: Vec<_> = ports
            .iter()
            .map(|port| Named {
                name: format!("{} {}", port.port, port.protocol),
                packets: port.packets,
            })
            .collect();
        let more = ports_all.saturating_sub(ports.len());
        html! {
            div.columns {
                section {
                    h2 { "Destination ports" }
                    (table(&named))
                    @if more > 0 { p.soft { "and " (more) " more" } }
                }
                section {
                    h2 { "Protocols" }
                    (table(protocols))
                    h2.next { "Log prefixes" }
                    (table(prefixes))
                }
                @if let Some(places) = places {
                    section {
                        h2 { "Countries" }
                        (table(places.countries.get(..COUNTRIES).unwrap_or(&places.countries)))
                    }
                    section { h2 { "Autonomous systems" } (table(&places.systems)) }
                }
            }
        }
    }

    fn banned(&self) -> Markup {
        let bans = &self.overview.bans;
        let told = u64::try_from(bans.latest.len()).unwrap_or(u64::MAX);
        let more = bans.all().saturating_sub(told);
        let sets = bans.sets.iter().filter(|(_, number)| **number > 0);
        html! {
            section {
                h2 { "Banned now" }
                @if let Some(why) = &bans.unknown {
                    p { "Not known: " (why) }
                } @else if bans.all() == 0 {
                    p.soft { "Nobody." }
                } @else {
                    p.soft {
                        @for (place, (set, number)) in sets.enumerate() {
                            @if place > 0 { ", " }
                            (thousands(*number)) " in " span.a { (set) }
                        }
                    }
                    table {
                        thead { tr {
                            th { "source" } th.m { "set" } th.m { "since" } th { "until" } th { "why" }
                        } }
                        @for ban in &bans.latest {
                            tr {
                                td.a.s { (address(ban.source)) }
                                td.a.w.m { (ban.set) }
                                td.w.m { @if let Some(since) = ban.since { (self.time(since)) } }
                                td.w {
                                    @if let Some(until) = ban.until { (self.time(until)) }
                                    @else { "for good" }
                                }
                                td { (ban.why) " " (ban.place.spelled()) }
                            }
                        }
                    }
                    @if more > 0 { p.soft { "and " (thousands(more)) " more" } }
                }
            }
        }
    }

    fn judged(&self) -> Markup {
        let rules = &self.overview.rules;
        html! {
            @if !rules.is_empty() {
                section {
                    h2 { "Whom the rules would have banned, by this log alone" }
                    @for rule in rules {
                        h3 { (rule.rule) ": " (rule.violators) }
                        p.soft { (rule.wanted) }
                        @if !rule.top.is_empty() {
                            table {
                                thead { tr {
                                    th { "source" } th.n { "packets" } th.n.m { "in one window" }
                                    th { "until" } th.m {}
                                } }
                                @for one in &rule.top {
                                    tr {
                                        td.a.s { (address(one.source)) }
                                        td.n { (thousands(one.hits)) }
                                        td.n.m { (thousands(one.peak_hits)) }
                                        td.w { (self.time(one.expires)) }
                                        td.m {
                                            @if let Some(why) = &one.exempt { "exempt: " (why) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// To the minute.
    fn time(&self, time: Timestamp) -> String {
        let text = local(time, self.zone);
        text.get(..16).unwrap_or(&text).to_owned()
    }

    /// What the times are ahead of UTC at the end.
    fn offset(&self) -> String {
        let text = local(self.overview.until, self.zone);
        text.get(20..).unwrap_or_default().to_owned()
    }
}

fn table(all: &[Named]) -> Markup {
    let most = all.iter().map(|named| named.packets.all()).max();
    let most = most.unwrap_or_default();
    html! {
        @if all.is_empty() { p.soft { "None." } } @else {
            table {
                thead { tr { th {} th.n { "blocked" } th.n { "allowed" } th.b {} } }
                @for named in all {
                    tr {
                        td.a { (named.name) }
                        td.n { (thousands(named.packets.blocked)) }
                        td.n { (thousands(named.packets.allowed)) }
                        td.b { (bar(named.packets, most)) }
                    }
                }
            }
        }
    }
}

/// Where somebody is; on a narrow page only the country.
fn place(place: &Place) -> Markup {
    html! {
        @if let Some(country) = &place.country { (country) " " }
        @if let Some(system) = &place.system { span.m { (system) } }
    }
}

/// An address, which a narrow page may break behind its colons and nowhere else.
fn address(source: Source) -> Markup {
    let spelled = source.to_string();
    html! {
        @for (place, group) in spelled.split(':').enumerate() {
            @if place > 0 { ":" wbr; }
            (group)
        }
    }
}

/// How much of the most there is, as a picture.
fn bar(packets: Numbers, most: u64) -> Markup {
    let part = |number: u64| {
        let part = u128::from(number) * 1000 / u128::from(most.max(1));
        u64::try_from(part).unwrap_or(1000)
    };
    let (blocked, allowed) = (part(packets.blocked), part(packets.allowed));
    html! {
        svg.bar viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.blocked width=(blocked) height="10" {}
            rect.allowed x=(blocked) width=(allowed) height="10" {}
        }
    }
}

/// `1,234,567`
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut spelled = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            spelled.push(',');
        }
        spelled.push(digit);
    }
    spelled
}

#[cfg(test)]
mod tests;
