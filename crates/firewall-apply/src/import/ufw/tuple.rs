//! The rules that were told to ufw: `### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in`.

use super::super::place::Place;
use super::super::source::Source;
use super::super::translation::Translation;

/// A rule, as its line says it.
#[derive(Clone, Debug)]
pub(super) struct Tuple {
    pub(super) place: Place,
    pub(super) action: String,
    pub(super) logged: bool,
    /// Whether it is about what is passed on.
    pub(super) route: bool,
    pub(super) protocol: String,
    pub(super) port: String,
    pub(super) to: String,
    pub(super) from_port: String,
    pub(super) from: String,
    /// The profile of the application that the ports are of, of each end.
    pub(super) profiles: [Option<String>; 2],
    pub(super) out: bool,
    pub(super) comes_in_by: Option<String>,
    pub(super) leaves_by: Option<String>,
    pub(super) comment: String,
}

/// The rules of a file in their order. A rule that somebody wrote into it by hand is left.
pub(super) fn all(source: &Source, made: &mut Translation) -> Vec<Tuple> {
    let mut tuples = Vec::new();
    let (mut among_rules, mut told) = (false, false);
    for (place, text) in source.lines() {
        match text {
            "### RULES ###" => among_rules = true,
            "### END RULES ###" => among_rules = false,
            "" => told = false,
            _ => {}
        }
        if let Some(tuple) = text.strip_prefix("### tuple ###") {
            told = true;
            match parse(tuple, &place) {
                Some(tuple) => tuples.push(tuple),
                None => made.left(&place, text, "this is no rule that ufw 0.36 writes"),
            }
        } else if among_rules && !told && text.starts_with('-') {
            made.left(
                &place,
                text,
                "it stands here without a word of ufw's: say it as a [[service]]",
            );
        }
    }
    tuples
}

fn parse(text: &str, place: &Place) -> Option<Tuple> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let mut comment = String::new();
    if let Some(hex) = words.last().and_then(|word| word.strip_prefix("comment=")) {
        comment = unhex(hex);
        words.pop();
    }
    let (action, protocol, port, to, from_port, from, profiles, direction) = match words.as_slice()
    {
        [action, protocol, port, to, from_port, from, direction] => (
            action, protocol, port, to, from_port, from, [None; 2], direction,
        ),
        [
            action,
            protocol,
            port,
            to,
            from_port,
            from,
            there,
            here,
            direction,
        ] => {
            let profile = |word: &'_ str| (word != "-").then_some(());
            let profiles = [
                profile(there).map(|()| *there),
                profile(here).map(|()| *here),
            ];
            (
                action, protocol, port, to, from_port, from, profiles, direction,
            )
        }
        _ => return None,
    };
    let (route, action) = match action.strip_prefix("route:") {
        Some(action) => (true, action),
        None => (false, *action),
    };
    let (action, logged) = match action.split_once('_') {
        Some((action, _)) => (action, true),
        None => (action, false),
    };
    let mut tuple = Tuple {
        place: place.clone(),
        action: action.to_owned(),
        logged,
        route,
        protocol: (*protocol).to_owned(),
        port: (*port).to_owned(),
        to: (*to).to_owned(),
        from_port: (*from_port).to_owned(),
        from: (*from).to_owned(),
        profiles: profiles.map(|profile| profile.map(|name| name.replace("%20", " "))),
        out: false,
        comes_in_by: None,
        leaves_by: None,
        comment,
    };
    // `in`, `out_eth0`, `in_eth1!out_eth0`.
    for part in direction.split('!') {
        let (way, interface) = match part.split_once('_') {
            Some((way, interface)) => (way, Some(interface.to_owned())),
            None => (part, None),
        };
        match way {
            "in" => tuple.comes_in_by = interface,
            "out" => (tuple.out, tuple.leaves_by) = (true, interface),
            _ => return None,
        }
    }
    Some(tuple)
}

impl Tuple {
    /// What the same rule of the other family says, too.
    pub(super) fn key(&self) -> String {
        let anybody = |address: &str| match address {
            "0.0.0.0/0" | "::/0" => "any".to_owned(),
            address => address.to_owned(),
        };
        format!(
            "{}{}{} {} {} {} {} {} {} {:?} {:?} {}",
            self.action,
            self.logged,
            self.route,
            self.protocol,
            self.port,
            anybody(&self.to),
            self.from_port,
            anybody(&self.from),
            self.out,
            self.comes_in_by,
            self.leaves_by,
            self.comment
        )
    }

    /// Whether it is for whoever it may be, from and to wherever.
    pub(super) fn is_for_everybody(&self) -> bool {
        [&self.to, &self.from]
            .into_iter()
            .all(|address| matches!(address.as_str(), "0.0.0.0/0" | "::/0"))
    }
}

/// A comment, which is written as the numbers of its bytes.
fn unhex(hex: &str) -> String {
    let digits = hex.as_bytes().chunks(2);
    let bytes = digits.map(|pair| {
        let text = std::str::from_utf8(pair)
            .ok()
            .filter(|text| text.len() == 2)?;
        u8::from_str_radix(text, 16).ok()
    });
    let bytes: Option<Vec<u8>> = bytes.collect();
    bytes.map_or_else(
        || hex.to_owned(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Tuple> {
        let path = std::path::Path::new("x").into();
        parse(text, &Place { path, line: 1 })
    }

    #[test]
    fn lines_of_ufw_are_read() {
        let one = read(" allow_log tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=7468652077617920696e");
        let one = one.unwrap();
        assert_eq!(
            (one.action.as_str(), one.logged, one.out),
            ("allow", true, false)
        );
        assert_eq!(one.comment, "the way in");
        let one = read(" route:deny tcp 25 192.0.2.2 any 0.0.0.0/0 in_eth0!out_eth1").unwrap();
        assert!(one.route && one.out);
        assert_eq!(one.comes_in_by.as_deref(), Some("eth0"));
        assert_eq!(one.leaves_by.as_deref(), Some("eth1"));
        let one = read(" allow tcp 8080 ::/0 any ::/0 WWW%20Cache - in").unwrap();
        assert_eq!(one.profiles, [Some("WWW Cache".to_owned()), None]);
    }

    #[test]
    fn what_is_none_is_none() {
        for text in [
            "",
            " allow",
            " allow tcp 22 a any b sideways",
            " a b c d e f g h",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
        for odd in ["comment=zz", "comment=\u{fc}", "comment=f"] {
            let one = read(&format!(" allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in {odd}"));
            assert_eq!(one.unwrap().comment, odd.trim_start_matches("comment="));
        }
    }
}
