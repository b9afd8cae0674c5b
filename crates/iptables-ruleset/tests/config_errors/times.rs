//! What is wrong with hours, days and ends is said with its place and a reason.

use iptables_ruleset::Config;

const NO_SUMMER_TIME: &str = "a rule cannot follow a clock that is changed for the summer, and no rule knows the names of zones";

/// What stands in the second line, and what is said about it.
const WRONG: &[(&str, &str)] = &[
    (
        "when = 8",
        "line 3, column 8: when in [[service]] must be a table: [service.when]",
    ),
    (
        "when = []",
        "line 3, column 8: an empty list: leave the key out for always",
    ),
    (
        "when = { zone = \"UTC\" }",
        "line 3, column 8: when says no time: it wants from, until or days, as in { from = \"08:00\", until = \"18:00\", days = [\"mon-fri\"], \
         zone = \"UTC\" }",
    ),
    (
        "when = { from = \"08:00\" }",
        "line 3, column 8: when has no zone: say by which clock, zone = \"UTC\" or zone = \"+01:00\"; NO_SUMMER_TIME",
    ),
    (
        "when = { from = \"08:00\", zone = \"Europe/Berlin\" }",
        "line 3, column 33: zone \"Europe/Berlin\": expected \"UTC\" or how far the clock is before it, \"-15:00\" to \"+15:00\", as in \
         \"+01:00\"; NO_SUMMER_TIME",
    ),
    (
        "when = { from = \"08:00\", zone = \"+16:00\" }",
        "line 3, column 33: zone \"+16:00\": expected \"UTC\" or how far the clock is before it, \"-15:00\" to \"+15:00\", as in \
         \"+01:00\"; NO_SUMMER_TIME",
    ),
    (
        "when = { from = \"8\", zone = \"UTC\" }",
        "line 3, column 17: \"8\" is no time of day: expected hours and minutes, \"00:00\" to \"23:59\"",
    ),
    (
        "when = { from = \"24:00\", zone = \"UTC\" }",
        "line 3, column 17: \"24:00\" is no time of day: expected hours and minutes, \"00:00\" to \"23:59\"",
    ),
    (
        "when = { until = \"12:60\", zone = \"UTC\" }",
        "line 3, column 18: \"12:60\" is no time of day: expected hours and minutes, \"00:00\" to \"24:00\"",
    ),
    (
        "when = { until = 1200, zone = \"UTC\" }",
        "line 3, column 18: until in [service.when] must be a string; it is integer",
    ),
    (
        "when = { from = \"08:00\", until = \"08:00\", zone = \"UTC\" }",
        "line 3, column 8: from and until are the same; for the whole day leave both out",
    ),
    (
        "when = { days = [], zone = \"UTC\" }",
        "line 3, column 17: an empty list: nobody could use the service; leave the key out for every day",
    ),
    (
        "when = { days = [\"mon\", \"weekend\"], zone = \"UTC\" }",
        "line 3, column 25: \"weekend\" is no day: expected mon, tue, wed, thu, fri, sat, sun, or several in a row, \"mon-fri\"",
    ),
    (
        "when = { form = \"08:00\", zone = \"UTC\" }",
        "line 3, column 10: unknown key \"form\" in [service.when]; did you mean \"from\"?",
    ),
    (
        "open-until = \"tomorrow\"",
        "line 3, column 14: open-until in [[service]] \"tomorrow\": expected a date, a time and an offset from UTC, as in \
         \"2026-12-01T18:00:00+01:00\" or \"2026-12-01T17:00:00Z\"",
    ),
    (
        "open-until = 2026-12-01T18:00:00",
        "line 3, column 14: open-until in [[service]] \"2026-12-01T18:00:00\": has no offset from UTC: write a date, a time and Z or the \
         offset, as in \"2026-12-01T18:00:00+01:00\"",
    ),
    (
        "open-until = 2038-01-19T03:14:08Z",
        "line 3, column 14: open-until 2038-01-19T03:14:08Z: iptables and its rules know no time after 2038-01-19T03:14:07Z; leave it \
         out for what stays open",
    ),
    (
        "open-until = \"1970-01-01T00:00:01Z\"",
        "line 3, column 14: open-until 1970-01-01T00:00:01Z: no rule can end that early",
    ),
    (
        "open-until = \"1960-01-01T00:00:01Z\"",
        "line 3, column 14: open-until in [[service]] \"1960-01-01T00:00:01Z\": rules know the years 1970 to 2106",
    ),
    (
        "action = \"drop\"\nopen-until = 2026-12-01T18:00:00Z",
        "line 4, column 14: open-until is about what is let in, and this lets nothing in; hours in which it is said are when",
    ),
];

#[test]
fn every_mistake_has_its_place_and_reason() {
    for (text, expected) in WRONG {
        let text = format!("[[service]]\nuse = \"ssh\"\n{text}\n");
        let error = Config::parse(&text).unwrap_err();
        let expected = expected.replace("NO_SUMMER_TIME", NO_SUMMER_TIME);
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[test]
fn an_end_that_is_over_is_told_with_its_place() {
    let text = "[[service]]\nuse = \"ssh\"\nopen-until = 2026-12-01T18:00:00+01:00\n\
        [[output.service]]\nuse = \"dns\"\nopen-until = \"2026-12-01T17:00:01Z\"\n\
        [[forward.allow]]\nfrom = \"lan0\"\nopen-until = \"2026-12-01T17:00:00Z\"\n";
    Config::parse(text).unwrap();
    let places = |now: &str| -> Vec<(usize, usize)> {
        let over = Config::over(text, now.parse().unwrap());
        over.iter().map(|one| (one.line(), one.column())).collect()
    };
    assert_eq!(places("2026-12-01T16:59:59Z"), []);
    assert_eq!(places("2026-12-01T17:00:00Z"), [(3, 14), (9, 14)]);
    assert_eq!(places("2026-12-01T17:00:01Z"), [(3, 14), (6, 14), (9, 14)]);
    let said = Config::over(text, "2027-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(
        said[0].message(),
        "open-until 2026-12-01T17:00:00Z is over: this is closed; take it out of the file, or give it a later end"
    );
}
