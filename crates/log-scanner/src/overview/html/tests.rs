use proptest::prelude::*;
use scraper::{Html, Node};

use super::*;
use crate::overview::banned::{Banned, Bans};
use crate::overview::judged::{Judged, JudgedRule};
use crate::overview::{Countries, Destination, Part, Senders};
use crate::rule::network;
use crate::scan::LogRead;

/// A report in which `text` stands wherever a text can stand that somebody else wrote.
fn overview(text: &str) -> Overview {
    let text = || text.to_owned();
    let at = |second: i64| Timestamp::from_second(1_795_334_400 + second).expect("a time");
    let packets = Numbers {
        blocked: 1_234,
        allowed: 5,
    };
    let named = || Named {
        name: text(),
        packets,
    };
    let place = || Place {
        country: Some(text()),
        system: Some(text()),
    };
    let source = network("203.0.113.7").expect("an address").into();
    let sender = || Sender {
        source,
        packets,
        lacks: 1,
        first_seen: at(0),
        last_seen: at(60),
        known: false,
        place: place(),
    };
    Overview {
        version: 1,
        since: at(0),
        until: at(86_400),
        logs: vec![LogRead {
            path: text(),
            lines: 2,
            ..LogRead::default()
        }],
        packets,
        own: 1,
        over_time: (0..48)
            .map(|part| Part {
                begin: at(part * 1800),
                packets,
            })
            .collect(),
        sources: Senders {
            all: 2,
            known: 1,
            exact: false,
            lacks: 1,
            top: vec![sender()],
        },
        networks: vec![sender()],
        ports: vec![Destination {
            protocol: text(),
            port: 22,
            packets,
        }],
        ports_all: 2,
        protocols: vec![named()],
        prefixes: vec![named()],
        places: Some(Countries {
            countries: vec![named()],
            systems: vec![named()],
        }),
        bans: Bans {
            unknown: None,
            sets: [(text(), 3)].into(),
            latest: vec![Banned {
                source,
                set: text(),
                since: Some(at(0)),
                until: None,
                why: text(),
                place: place(),
            }],
        },
        rules: vec![JudgedRule {
            rule: text(),
            wanted: text(),
            matched: 1,
            violators: 1,
            top: vec![Judged {
                source,
                hits: 1,
                peak_hits: 1,
                last_seen: at(0),
                expires: at(0),
                exempt: Some(text()),
            }],
        }],
        warnings: vec![text()],
    }
}

/// The elements of a page in order, with their attributes; and its text, in pieces.
fn parsed(page: &str) -> (Vec<String>, Vec<String>) {
    let page = Html::parse_document(page);
    let (mut elements, mut texts) = (Vec::new(), Vec::new());
    for node in page.tree.nodes() {
        match node.value() {
            Node::Element(element) => {
                let mut attributes: Vec<_> = element.attrs().collect();
                attributes.sort_unstable();
                elements.push(format!("{} {attributes:?}", element.name()));
            }
            Node::Text(text) => texts.push(text.to_string()),
            Node::Comment(comment) => elements.push(format!("comment {}", &**comment)),
            _ => {}
        }
    }
    (elements, texts)
}

fn with(text: &str) -> String {
    page(&overview(text), &TimeZone::UTC)
}

/// What must hold of every text: the page has the elements and attributes it has with a harmless one,
/// and the text stands in it as it is.
fn check(text: &str) {
    let (elements, texts) = parsed(&with(text));
    let (harmless, others) = parsed(&with("harmless"));
    assert_eq!(elements, harmless, "{text:?}");
    let expected = others.iter().map(|piece| piece.replace("harmless", text));
    // A path is one more time escaped, as a terminal would have it.
    let shown = plain(text.as_bytes());
    let is_same =
        |(one, other): (&String, String)| *one == other || *one == other.replace(text, &shown);
    assert_eq!(texts.len(), others.len());
    assert!(
        texts.iter().zip(expected).all(is_same),
        "{text:?}: {texts:?}"
    );
}

#[test]
fn nothing_becomes_markup() {
    for text in [
        "<script>alert(1)</script>",
        "</style><script>alert(1)</script>",
        "</title><img src=x onerror=alert(1)>",
        "\" onmouseover=\"alert(1)",
        "' onmouseover='alert(1)",
        "&lt;b&gt; &amp; &#60;",
        "<!-- ",
        "-->",
        "]]>",
        "<svg/onload=alert(1)>",
        "</svg></table></main>",
        "{{constructor}}",
        "javascript:alert(1)",
        "\u{202e}gnp.exe",
    ] {
        check(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_that_is_drawn_becomes_markup(
        text in "[<>&\"'/=!a-z -]{1,40}|[^\\p{C}]{1,40}|(</?(script|style|svg|td|title|a|img)[ />]?){1,4}"
    ) {
        check(&text);
    }
}

#[test]
fn nothing_is_fetched_or_run() {
    let page = with("x");
    let (elements, _) = parsed(&page);
    let names: std::collections::BTreeSet<_> = elements
        .iter()
        .filter_map(|element| element.split(' ').next())
        .collect();
    let known = [
        "b", "body", "div", "h1", "h2", "h3", "head", "html", "line", "main", "meta", "p",
        "polyline", "rect", "section", "span", "style", "svg", "table", "tbody", "td", "text",
        "th", "thead", "title", "tr", "wbr",
    ];
    assert!(names.is_subset(&known.into()), "{names:?}");
    for element in &elements {
        for never in ["\"href\"", "\"src\"", "\"style\"", "\"on", "url("] {
            assert!(!element.contains(never), "{element}");
        }
    }
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    assert!(
        !page
            .replace("http://www.w3.org/2000/svg", "")
            .contains("://")
    );
}

/// The hash in the policy is that of the style sheet, by a program that is not this one.
#[test]
fn the_policy_lets_only_this_style_sheet_in() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut command = Command::new("sha256sum");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("sha256sum");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(STYLE.as_bytes()).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("done").stdout;
    let hex = String::from_utf8(output).expect("text");
    let bytes: Vec<u8> = (0..32)
        .map(|place| u8::from_str_radix(&hex[place * 2..place * 2 + 2], 16).expect("hex"))
        .collect();
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<char> = digits.chars().collect();
    let base64: String = bytes
        .chunks(3)
        .flat_map(|three| {
            let bits = three
                .iter()
                .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
            let bits = bits << (8 * (3 - three.len()));
            (0..=three.len()).map(move |place| bits >> (18 - 6 * place) & 63)
        })
        .map(|digit| digits[digit])
        .collect();
    assert!(POLICY.contains(&format!("'sha256-{base64}='")), "{base64}=");
}

#[test]
fn numbers_are_easy_to_read() {
    assert_eq!(thousands(0), "0");
    assert_eq!(thousands(999), "999");
    assert_eq!(thousands(1_000), "1,000");
    assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
}

/// A picture is drawn of whatever there is.
#[test]
fn a_picture_of_anything() {
    let at = |second: i64| Timestamp::from_second(second).expect("a time");
    let part = |second, blocked| Part {
        begin: at(second),
        packets: Numbers {
            blocked,
            allowed: 1,
        },
    };
    let ends = [at(0), Timestamp::MIN, Timestamp::MAX];
    assert!(chart::chart(&[], &TimeZone::UTC).starts_with("<svg"));
    assert!(chart::chart(&[part(0, u64::MAX)], &TimeZone::UTC).ends_with("</svg>\n"));
    let parts = ends.map(|begin| Part {
        begin,
        packets: Numbers::default(),
    });
    assert!(chart::chart(&parts, &TimeZone::UTC).starts_with("<svg"));
}
