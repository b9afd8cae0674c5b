//! What a rule asks of a packet, in the words of iptables: as much of it as is understood, the rest
//! by name or as "what cannot be read".

use std::net::{Ipv4Addr, Ipv6Addr};

use super::attribute::Attributes;
use crate::kernel::snapshot::Condition;
use crate::match_::protocol_name;

/// Reads the expressions of a rule. Whatever the bytes, it ends, and holds no more than they do.
pub(super) fn condition(expressions: Attributes<'_>) -> Condition {
    let mut reader = Reader::default();
    for (_, element) in expressions {
        let element = Attributes(element);
        if let Some(name) = element.string(NFTA_EXPR_NAME) {
            reader.expression(&name, &element.nested(NFTA_EXPR_DATA));
        }
    }
    reader.finish()
}

/// What is in the register.
#[derive(Clone, Copy)]
enum Load {
    Protocol,
    InInterface,
    OutInterface,
    Mark,
    Network { offset: u32, length: u32 },
    Transport { offset: u32, length: u32 },
    State,
    Unknown,
}

#[derive(Default)]
struct Reader {
    words: Vec<String>,
    load: Option<Load>,
    mask: Option<Vec<u8>>,
    protocol: Option<u8>,
    ports: Vec<String>,
    routine: bool,
    unread: bool,
    undecided: bool,
}

impl Reader {
    fn expression(&mut self, name: &str, data: &Attributes<'_>) {
        match name {
            "meta" => self.loads(match data.u32(NFTA_META_KEY) {
                Some(NFT_META_L4PROTO) => Load::Protocol,
                Some(NFT_META_IIFNAME) => Load::InInterface,
                Some(NFT_META_OIFNAME) => Load::OutInterface,
                Some(NFT_META_MARK) => Load::Mark,
                _ => Load::Unknown,
            }),
            "payload" => {
                let offset = data.u32(NFTA_PAYLOAD_OFFSET).unwrap_or(u32::MAX);
                let length = data.u32(NFTA_PAYLOAD_LEN).unwrap_or(0);
                self.loads(match data.u32(NFTA_PAYLOAD_BASE) {
                    Some(NFT_PAYLOAD_NETWORK_HEADER) => Load::Network { offset, length },
                    Some(NFT_PAYLOAD_TRANSPORT_HEADER) => Load::Transport { offset, length },
                    _ => Load::Unknown,
                });
            }
            "ct" => self.loads(match data.u32(NFTA_CT_KEY) {
                Some(NFT_CT_STATE) => Load::State,
                _ => Load::Unknown,
            }),
            "bitwise" => {
                let mask = data.nested(NFTA_BITWISE_MASK);
                self.mask = mask.find(NFTA_DATA_VALUE).map(<[u8]>::to_vec);
            }
            "cmp" => self.compares(data),
            "range" => self.ranges(data),
            "lookup" => {
                // The verdict itself is looked up.
                self.undecided |= data.u32(NFTA_LOOKUP_DREG) == Some(NFT_REG_VERDICT);
                self.unread = true;
            }
            "match" => self.extension(data),
            "limit" => self.words.push("-m limit".to_owned()),
            // They are no conditions.
            "counter" | "log" | "immediate" | "target" | "reject" | "queue" | "nat" | "redir"
            | "masq" | "notrack" | "flow_offload" => {}
            _ => self.unread = true,
        }
    }

    fn loads(&mut self, load: Load) {
        self.load = Some(load);
        self.mask = None;
    }

    fn compares(&mut self, data: &Attributes<'_>) {
        let not = match data.u32(NFTA_CMP_OP) {
            Some(NFT_CMP_EQ) => "",
            Some(NFT_CMP_NEQ) => "! ",
            _ => {
                self.unread = true;
                return;
            }
        };
        let value = data.nested(NFTA_CMP_DATA).find(NFTA_DATA_VALUE);
        let mask = self.mask.take();
        let words = match (self.load, value) {
            (Some(load), Some(value)) => self.compared(load, not, value, mask.as_deref()),
            _ => None,
        };
        match words {
            Some(words) => self.words.push(words),
            None => self.unread = true,
        }
    }

    /// `None` for what is not understood.
    fn compared(
        &mut self,
        load: Load,
        not: &str,
        value: &[u8],
        mask: Option<&[u8]>,
    ) -> Option<String> {
        let plain = not.is_empty();
        match load {
            Load::Protocol => {
                let number = *value.first()?;
                if plain {
                    self.protocol = Some(number);
                }
                Some(format!("{not}-p {}", protocol_name(number)))
            }
            Load::InInterface | Load::OutInterface => {
                let option = if matches!(load, Load::InInterface) {
                    "-i"
                } else {
                    "-o"
                };
                let (name, more) = match value.iter().position(|byte| *byte == 0) {
                    Some(end) => (value.get(..end)?, ""),
                    None => (value, "+"),
                };
                self.routine |= plain && option == "-i" && name == b"lo" && more.is_empty();
                let name = String::from_utf8_lossy(name);
                Some(format!("{not}{option} {}{more}", name.escape_default()))
            }
            Load::Mark => {
                let number = u32::from_ne_bytes(*value.first_chunk()?);
                Some(format!("{not}-m mark --mark {number:#x}"))
            }
            Load::Network { offset, length } => {
                let (option, text) = address(offset, length, value, mask)?;
                Some(format!("{not}{option} {text}"))
            }
            Load::Transport { offset, length } => {
                let first = u16::from_be_bytes(*value.first_chunk()?);
                match (offset, length, mask) {
                    (0, 2, None) => Some(format!("{not}--sport {first}")),
                    (2, 2, None) => {
                        self.asks_for(plain, first, first);
                        Some(format!("{not}--dport {first}"))
                    }
                    (0, 4, None) => {
                        let second = u16::from_be_bytes(*value.get(2..)?.first_chunk()?);
                        self.asks_for(plain, second, second);
                        Some(format!("{not}--sport {first} --dport {second}"))
                    }
                    _ => None,
                }
            }
            // `(state & bits) != 0` is how nft asks for one of some states.
            Load::State => {
                let bits = u32::from_ne_bytes(*mask?.first_chunk()?);
                let is_zero = value.iter().all(|byte| *byte == 0);
                if plain || !is_zero {
                    return None;
                }
                let known = NF_CT_STATE_ESTABLISHED | NF_CT_STATE_RELATED;
                self.routine |= bits & !known == 0;
                Some(format!("-m conntrack {}", states(bits)))
            }
            Load::Unknown => None,
        }
    }

    fn ranges(&mut self, data: &Attributes<'_>) {
        let end = |kind| -> Option<u16> {
            let value = data.nested(kind).find(NFTA_DATA_VALUE)?;
            Some(u16::from_be_bytes(*value.first_chunk()?))
        };
        let ends = (end(NFTA_RANGE_FROM_DATA), end(NFTA_RANGE_TO_DATA));
        let not = if data.u32(NFTA_RANGE_OP) == Some(NFT_CMP_NEQ) {
            "! "
        } else {
            ""
        };
        match (self.load, ends) {
            (Some(Load::Transport { offset, length: 2 }), (Some(from), Some(to)))
                if matches!(offset, 0 | 2) =>
            {
                if offset == 2 {
                    self.asks_for(not.is_empty(), from, to);
                }
                let option = if offset == 0 { "--sport" } else { "--dport" };
                self.words.push(format!("{not}{option} {from}:{to}"));
            }
            _ => self.unread = true,
        }
    }

    /// The matches of xtables.
    fn extension(&mut self, data: &Attributes<'_>) {
        let name = data.string(NFTA_XT_NAME).unwrap_or_default();
        let info = data.find(NFTA_XT_INFO).unwrap_or(&[]);
        let revision = data.u32(NFTA_XT_REV);
        let words = match (&*name, revision) {
            ("comment", _) => return,
            ("conntrack", Some(2 | 3)) => self.conntrack(info),
            ("tcp" | "udp", _) => self.ports_of(info),
            ("multiport", Some(1)) => self.multiport(info),
            _ => None,
        };
        self.words
            .push(words.unwrap_or_else(|| format!("-m {}", name.escape_default())));
    }

    /// struct `xt_conntrack_mtinfo2` and 3, `linux/netfilter/xt_conntrack.h`.
    fn conntrack(&mut self, info: &[u8]) -> Option<String> {
        let field = |at: usize| -> Option<u16> {
            Some(u16::from_ne_bytes(*info.get(at..)?.first_chunk()?))
        };
        let (asked, inverted, bits) = (field(146)?, field(148)?, field(150)?);
        if asked & !XT_CONNTRACK_STATE_ALIAS != XT_CONNTRACK_STATE {
            return None;
        }
        let not = if inverted & XT_CONNTRACK_STATE == 0 {
            ""
        } else {
            "! "
        };
        let known = NF_CT_STATE_ESTABLISHED | NF_CT_STATE_RELATED;
        self.routine |= not.is_empty() && u32::from(bits) & !known == 0;
        Some(format!("-m conntrack {not}{}", states(bits.into())))
    }

    /// struct `xt_tcp` and `xt_udp`, `linux/netfilter/xt_tcpudp.h`: both begin with the ports,
    /// first and last.
    fn ports_of(&mut self, info: &[u8]) -> Option<String> {
        let port = |at: usize| -> Option<u16> {
            Some(u16::from_ne_bytes(*info.get(at..)?.first_chunk()?))
        };
        let mut words = Vec::new();
        for (option, from, to) in [
            ("--sport", port(0)?, port(2)?),
            ("--dport", port(4)?, port(6)?),
        ] {
            if (from, to) == (0, u16::MAX) {
                continue;
            }
            if option == "--dport" {
                self.asks_for(true, from, to);
            }
            words.push(if from == to {
                format!("{option} {from}")
            } else {
                format!("{option} {from}:{to}")
            });
        }
        // Flags, and what is inverted, are not told.
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// struct `xt_multiport_v1`, `linux/netfilter/xt_multiport.h`.
    fn multiport(&mut self, info: &[u8]) -> Option<String> {
        let option = match info.first()? {
            0 => "--sports",
            1 => "--dports",
            _ => "--ports",
        };
        let count = usize::from(*info.get(1)?).min(15);
        let mut list: Vec<String> = Vec::new();
        let mut open: Option<u16> = None;
        for at in 0..count {
            let port = u16::from_ne_bytes(*info.get(2 + 2 * at..)?.first_chunk()?);
            if *info.get(32 + at)? != 0 && open.is_none() {
                open = Some(port);
                continue;
            }
            let from = open.take().unwrap_or(port);
            if option != "--sports" {
                self.asks_for(true, from, port);
            }
            list.push(if from == port {
                port.to_string()
            } else {
                format!("{from}:{port}")
            });
        }
        let not = if *info.get(47)? == 0 { "" } else { "! " };
        Some(format!("-m multiport {not}{option} {}", list.join(",")))
    }

    fn asks_for(&mut self, plain: bool, from: u16, to: u16) {
        if !plain {
            return;
        }
        let protocol = self.protocol.map_or("port".to_owned(), protocol_name);
        self.ports.push(if from == to {
            format!("{protocol} {from}")
        } else {
            format!("{protocol} {from}:{to}")
        });
    }

    fn finish(mut self) -> Condition {
        if self.unread {
            self.words.push("a part that cannot be read".to_owned());
        }
        Condition {
            words: self.words.join(" "),
            routine: self.routine,
            ports: self.ports,
            undecided: self.undecided,
        }
    }
}

/// `-s` or `-d`, and the network.
fn address(
    offset: u32,
    length: u32,
    value: &[u8],
    mask: Option<&[u8]>,
) -> Option<(&'static str, String)> {
    let (option, v6) = match offset {
        12 => ("-s", false),
        16 => ("-d", false),
        8 => ("-s", true),
        24 => ("-d", true),
        _ => return None,
    };
    let bits = match mask {
        Some(mask) => mask.iter().map(|byte| byte.count_ones()).sum::<u32>(),
        None => length.checked_mul(8)?,
    };
    let value = value.get(..usize::try_from(length).ok()?)?;
    let text = if v6 {
        let mut octets = [0; 16];
        octets.get_mut(..value.len())?.copy_from_slice(value);
        format!("{}/{bits}", Ipv6Addr::from(octets))
    } else {
        let mut octets = [0; 4];
        octets.get_mut(..value.len())?.copy_from_slice(value);
        format!("{}/{bits}", Ipv4Addr::from(octets))
    };
    Some((option, text))
}

/// `NF_CT_STATE_BIT`, `linux/netfilter/nf_conntrack_common.h`.
fn states(bits: u32) -> String {
    let names = [
        (1, "INVALID"),
        (NF_CT_STATE_ESTABLISHED, "ESTABLISHED"),
        (NF_CT_STATE_RELATED, "RELATED"),
        (8, "NEW"),
        (64, "UNTRACKED"),
    ];
    let on: Vec<&str> = names
        .into_iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, name)| name)
        .collect();
    format!("--ctstate {}", on.join(","))
}

/// `linux/netfilter/nf_tables.h`: enum `nft_expr_attributes`, `nft_meta_attributes`,
/// `nft_payload_attributes`, `nft_ct_attributes`, `nft_bitwise_attributes`, `nft_cmp_attributes`,
/// `nft_range_attributes`, `nft_lookup_attributes`, `nft_data_attributes`; `NFTA_MATCH_NAME`,
/// `_REV` and `_INFO`.
const NFTA_EXPR_NAME: u16 = 1;
const NFTA_EXPR_DATA: u16 = 2;
const NFTA_META_KEY: u16 = 2;
const NFTA_PAYLOAD_BASE: u16 = 2;
const NFTA_PAYLOAD_OFFSET: u16 = 3;
const NFTA_PAYLOAD_LEN: u16 = 4;
const NFTA_CT_KEY: u16 = 2;
const NFTA_BITWISE_MASK: u16 = 4;
const NFTA_CMP_OP: u16 = 2;
const NFTA_CMP_DATA: u16 = 3;
const NFTA_RANGE_OP: u16 = 2;
const NFTA_RANGE_FROM_DATA: u16 = 3;
const NFTA_RANGE_TO_DATA: u16 = 4;
const NFTA_LOOKUP_DREG: u16 = 3;
const NFTA_DATA_VALUE: u16 = 1;
const NFTA_XT_NAME: u16 = 1;
const NFTA_XT_REV: u16 = 2;
const NFTA_XT_INFO: u16 = 3;
const NFT_REG_VERDICT: u32 = 0;
const NFT_META_MARK: u32 = 3;
const NFT_META_IIFNAME: u32 = 6;
const NFT_META_OIFNAME: u32 = 7;
const NFT_META_L4PROTO: u32 = 16;
const NFT_PAYLOAD_NETWORK_HEADER: u32 = 1;
const NFT_PAYLOAD_TRANSPORT_HEADER: u32 = 2;
const NFT_CT_STATE: u32 = 0;
const NFT_CMP_EQ: u32 = 0;
const NFT_CMP_NEQ: u32 = 1;
/// `linux/netfilter/xt_conntrack.h`; the alias is `-m state`.
const XT_CONNTRACK_STATE: u16 = 1;
const XT_CONNTRACK_STATE_ALIAS: u16 = 1 << 13;
const NF_CT_STATE_ESTABLISHED: u32 = 2;
const NF_CT_STATE_RELATED: u32 = 4;
