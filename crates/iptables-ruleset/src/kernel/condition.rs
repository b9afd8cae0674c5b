//! What a rule asks of a packet, in the words of iptables: as much of it as is understood, the rest
//! by name or as "a part that cannot be read".

use crate::encoding::{Expression, MetaKey, Native, PayloadBase};
use crate::match_::{Conntrack, CtState, Protocol};
use crate::ruleset::decode;
use crate::{Family, Match, PortRange, Target};

/// What a rule asks of a packet, as far as it is understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Condition {
    /// In the words of iptables; empty for every packet.
    pub(crate) words: String,
    /// Whether the rule is only for packets that the firewall lets in too, whoever sends them: over
    /// loopback, or of connections that are known.
    pub(crate) routine: bool,
    /// The ports that it is about: `tcp 22`.
    pub(crate) ports: Vec<String>,
}

/// What a rule of `family` with these expressions asks.
pub(crate) fn condition(expressions: &[Expression], family: Family) -> Condition {
    // Whose names the sets have makes no difference here.
    let rule = decode::rule(family, expressions, &|_| None);
    let mut reader = Reader {
        family,
        protocol: rule.protocol().filter(|protocol| !protocol.is_inverted()),
        load: None,
        mask: None,
        words: Vec::new(),
        unread: false,
        found: Condition::default(),
    };
    for one in rule.matches() {
        match one {
            Match::Other(other) => reader.expression(other.expression()),
            known => reader.known(known),
        }
    }
    if let Target::Other(other) = rule.target() {
        reader.expression(other.expression());
    }
    if reader.unread {
        reader.words.push("a part that cannot be read".to_owned());
    }
    Condition {
        words: reader.words.join(" "),
        ..reader.found
    }
}

struct Reader<'a> {
    family: Family,
    protocol: Option<&'a Protocol>,
    /// What an expression loaded that belongs to no match of iptables.
    load: Option<Load>,
    mask: Option<&'a [u8]>,
    words: Vec<String>,
    unread: bool,
    found: Condition,
}

#[derive(Clone, Copy)]
enum Load {
    Meta(MetaKey),
    /// A port, by its offset in the header.
    Port(u32),
    State,
}

impl<'a> Reader<'a> {
    /// A match that iptables has.
    fn known(&mut self, one: &Match) {
        self.load = None;
        let text = one.text(self.family);
        let words = match one {
            Match::Comment(_) => return,
            Match::Limit(_) => "-m limit",
            Match::HashLimit(_) => "-m hashlimit",
            // The rule has `-p` before it.
            Match::Tcp(_) => text.trim_start_matches("-m tcp "),
            Match::Udp(_) => text.trim_start_matches("-m udp "),
            _ => &text,
        };
        self.words.push(words.to_owned());
        self.found.routine |= match one {
            Match::InInterface(_) => words == "-i lo",
            Match::Conntrack(conntrack) => conntrack.is_for_known_connections(),
            _ => false,
        };
        for range in one.destination_ports() {
            self.asks_for(range);
        }
    }

    /// An expression that is no match of iptables where it stands.
    fn expression(&mut self, expression: &'a Expression) {
        let words = match expression {
            Expression::Counter
            | Expression::Log { .. }
            | Expression::Verdict(_)
            | Expression::Target(_) => return,
            Expression::Meta(key) => return self.loads(Some(Load::Meta(*key))),
            Expression::Payload {
                base: PayloadBase::Transport,
                offset: offset @ (SOURCE_PORT | DESTINATION_PORT),
                length: 2,
            } => return self.loads(Some(Load::Port(*offset))),
            Expression::Payload { .. } => return self.loads(None),
            Expression::Mask(mask) => {
                self.mask = Some(mask);
                return;
            }
            Expression::Compare { inverted, data } => self.compared(*inverted, data),
            Expression::Range { inverted, from, to } => self.port(*inverted, from, to),
            Expression::Limit { .. } => Some("-m limit".to_owned()),
            Expression::Match(xt) => match Conntrack::of_state_match(xt) {
                Some(conntrack) => return self.known(&conntrack.into()),
                None => Some(format!("-m {}", xt.name)),
            },
            Expression::Other(other) => match &other.native {
                Native::Asks if other.name == "limit" => Some("-m limit".to_owned()),
                Native::Asks => other
                    .name
                    .strip_prefix("match ")
                    .map(|name| format!("-m {}", name.escape_default())),
                Native::AsksForPorts {
                    source,
                    destination,
                } => Some(self.ports(&other.name, *source, *destination)),
                Native::LooksUpVerdict => None,
                Native::LoadsState => return self.loads(Some(Load::State)),
                Native::Loads | Native::DoesNothing => return self.loads(None),
                _ => return,
            },
        };
        match words {
            Some(words) => self.words.push(words),
            None => self.unread = true,
        }
    }

    fn loads(&mut self, load: Option<Load>) {
        self.load = load;
        self.mask = None;
    }

    /// A comparison with what was loaded; `None` when it is not understood.
    fn compared(&mut self, inverted: bool, data: &[u8]) -> Option<String> {
        let not = if inverted { "! " } else { "" };
        match (self.load?, self.mask.take()) {
            (Load::Meta(key @ (MetaKey::InInterface | MetaKey::OutInterface)), None) => {
                // nft fills the register with zeros.
                let name = data.split(|byte| *byte == 0).next()?;
                let beginning = if name.len() == data.len() { "+" } else { "" };
                let option = if key == MetaKey::InInterface {
                    "-i"
                } else {
                    "-o"
                };
                let name = String::from_utf8_lossy(name);
                let words = format!("{not}{option} {}{beginning}", name.escape_default());
                self.found.routine |= words == "-i lo";
                Some(words)
            }
            (Load::Port(_), None) => self.port(inverted, data, data),
            // `(state & bits) != 0` is how nft asks for one of some states.
            (Load::State, Some(mask)) if inverted && data.iter().all(|byte| *byte == 0) => {
                let state = CtState::of_nft(u32::from_ne_bytes(*mask.first_chunk()?));
                self.found.routine |= state.is_known_connection();
                Some(format!("-m conntrack --ctstate {state}"))
            }
            _ => None,
        }
    }

    /// A port, or one of a range.
    fn port(&mut self, inverted: bool, from: &[u8], to: &[u8]) -> Option<String> {
        let Some(Load::Port(offset)) = self.load else {
            return None;
        };
        let port = |bytes: &[u8]| bytes.try_into().ok().map(u16::from_be_bytes);
        let range = PortRange::new(port(from)?, port(to)?).ok()?;
        let option = if offset == DESTINATION_PORT {
            "--dport"
        } else {
            "--sport"
        };
        if offset == DESTINATION_PORT && !inverted {
            self.asks_for(range);
        }
        let not = if inverted { "! " } else { "" };
        Some(format!("{not}{option} {range}"))
    }

    /// The words of the xt match `tcp` or `udp`, without flags and inversions.
    fn ports(&mut self, name: &str, source: (u16, u16), destination: (u16, u16)) -> String {
        let mut words = Vec::new();
        for (option, (first, last)) in [("--sport", source), ("--dport", destination)] {
            let range = PortRange::new(first, last);
            if let (Ok(range), false) = (range, (first, last) == (0, u16::MAX)) {
                if option == "--dport" {
                    self.asks_for(range);
                }
                words.push(format!("{option} {range}"));
            }
        }
        if words.is_empty() {
            words.push(name.replace("match ", "-m "));
        }
        words.join(" ")
    }

    fn asks_for(&mut self, range: PortRange) {
        let protocol = self
            .protocol
            .map_or("port".into(), |protocol| protocol.name());
        self.found.ports.push(format!("{protocol} {range}"));
    }
}

/// Offsets in struct tcphdr and struct udphdr, linux/tcp.h and linux/udp.h.
const SOURCE_PORT: u32 = 0;
const DESTINATION_PORT: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{Encoder, Extension, Unknown};
    use crate::match_::{Comment, InInterface, Mark, Multiport, Source, Tcp, TcpFlags};
    use crate::{Network, Rule};

    fn compare(inverted: bool, data: &[u8]) -> Expression {
        Expression::Compare {
            inverted,
            data: data.to_vec(),
        }
    }

    fn other(name: &str, native: Native) -> Expression {
        Expression::Other(Box::new(Unknown {
            name: name.to_owned(),
            data: Vec::new(),
            native,
        }))
    }

    fn words(expressions: &[Expression]) -> String {
        condition(expressions, Family::Ipv4).words
    }

    fn of_rule(rule: &Rule) -> Condition {
        let encoded = rule.encode(Family::Ipv4, &mut |_| Ok(7)).unwrap();
        condition(&encoded.expressions, Family::Ipv4)
    }

    #[test]
    fn what_iptables_writes_is_told_in_its_words_and_the_order_of_the_kernel() {
        let rule = Rule::new(Target::Accept)
            .matching(Source::new("192.0.2.0/25".parse::<Network>().unwrap()))
            .matching(InInterface::not("eth+".parse().unwrap()))
            .matching(Protocol::TCP)
            .matching(Tcp::new().destination("1000:2000".parse::<PortRange>().unwrap()))
            .matching(Comment::new("x").unwrap());
        let asked = of_rule(&rule);
        assert_eq!(
            asked.words,
            "! -i eth+ -p tcp -s 192.0.2.0/25 --dport 1000:2000"
        );
        assert_eq!(asked.ports, ["tcp 1000:2000"]);
        assert!(!asked.routine);
        let list = ["53", "100:200"].map(|ports| ports.parse().unwrap());
        let rule = Rule::new(Target::Accept)
            .matching(Protocol::UDP)
            .matching(Multiport::destinations(list).unwrap());
        assert_eq!(of_rule(&rule).ports, ["udp 53", "udp 100:200"]);
        let rule = Rule::new(Target::Accept)
            .matching(Protocol::TCP)
            .matching(Tcp::new().flags(TcpFlags::SYN, TcpFlags::SYN))
            .matching(Mark::new(0x10).mask(0xf0));
        assert_eq!(
            of_rule(&rule).words,
            "-p tcp --tcp-flags SYN SYN -m mark --mark 0x10/0xf0"
        );
    }

    #[test]
    fn loopback_and_known_connections_are_routine() {
        let known = CtState::RELATED.or(CtState::ESTABLISHED);
        for (one, routine) in [
            (Match::from(InInterface::new("lo".parse().unwrap())), true),
            (InInterface::not("lo".parse().unwrap()).into(), false),
            (Conntrack::state(known).into(), true),
            (Conntrack::not_state(known).into(), false),
            (Conntrack::state(known.or(CtState::NEW)).into(), false),
        ] {
            let asked = of_rule(&Rule::new(Target::Accept).matching(one));
            assert_eq!(asked.routine, routine, "{}", asked.words);
        }
    }

    #[test]
    fn the_state_match_is_conntrack_under_another_name() {
        let mut indexes = |_: &str| Ok(0);
        let mut encoder = Encoder::new(Family::Ipv4, &mut indexes);
        Match::from(Conntrack::state(CtState::NEW))
            .encode(&mut encoder)
            .unwrap();
        let [Expression::Match(Extension { info, .. })] = &mut encoder.expressions[..] else {
            panic!("not one match");
        };
        // XT_CONNTRACK_STATE_ALIAS in the upper byte of the flags.
        info[147] |= 0x20;
        assert_eq!(words(&encoder.expressions), "-m conntrack --ctstate NEW");
        let [Expression::Match(Extension { info, .. })] = &mut encoder.expressions[..] else {
            panic!("not one match");
        };
        // XT_CONNTRACK_PROTO besides.
        info[146] |= 0x02;
        assert_eq!(words(&encoder.expressions), "-m conntrack");
    }

    #[test]
    fn what_only_nft_writes_is_read_as_far_as_it_goes() {
        let load = |offset| Expression::Payload {
            base: PayloadBase::Transport,
            offset,
            length: 2,
        };
        let mut lo = *b"lo\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let interface = [Expression::Meta(MetaKey::InInterface), compare(false, &lo)];
        let asked = condition(&interface, Family::Ipv4);
        assert_eq!((&*asked.words, asked.routine), ("-i lo", true));
        lo[0] = b'\n';
        let interface = [Expression::Meta(MetaKey::OutInterface), compare(true, &lo)];
        assert_eq!(words(&interface), "! -o \\no");

        let state = [
            other("ct", Native::LoadsState),
            Expression::Mask(0x46u32.to_ne_bytes().to_vec()),
            compare(true, &[0; 4]),
        ];
        assert_eq!(
            words(&state),
            "-m conntrack --ctstate RELATED,ESTABLISHED,UNTRACKED"
        );
        // Ports of a protocol for which iptables has no match of its own.
        let asked = condition(&[load(2), compare(false, &[0, 22])], Family::Ipv6);
        assert_eq!(
            (&*asked.words, &asked.ports[..]),
            ("--dport 22", &["port 22".to_owned()][..])
        );
        let range = Expression::Range {
            inverted: true,
            from: vec![0, 1],
            to: vec![0, 9],
        };
        let asked = condition(&[load(2), range], Family::Ipv6);
        assert_eq!((&*asked.words, asked.ports.len()), ("! --dport 1:9", 0));

        let ports = Native::AsksForPorts {
            source: (0, u16::MAX),
            destination: (80, 80),
        };
        assert_eq!(words(&[other("match tcp", ports)]), "--dport 80");
        assert_eq!(words(&[other("match owner", Native::Asks)]), "-m owner");
        for unread in [
            other("lookup", Native::Asks),
            other("lookup", Native::LooksUpVerdict),
            other("fib", Native::Asks),
        ] {
            assert_eq!(words(&[unread]), "a part that cannot be read");
        }
        // What is compared is not what was loaded before.
        let other_load = [
            load(2),
            other("payload", Native::Loads),
            compare(false, &[0, 22]),
        ];
        assert_eq!(words(&other_load), "a part that cannot be read");
        assert_eq!(words(&[other("masq", Native::Acts)]), "");
    }
}
