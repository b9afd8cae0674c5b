//! The messages of the templates, as a tree.
//!
//! Each node is a text and what follows it: a value, or the end of the line. The messages
//!
//! ```text
//! IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 … PROTO=TCP SPT=40000 DPT=22 … SYN URGP=0
//! IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.9 … PROTO=UDP SPT=40000 DPT=53 LEN=40
//! ```
//!
//! share the node "`IPTABLES-BLOCKED: IN=eth0 OUT= SRC=`, then the source" and part where one goes
//! on with `PROTO=TCP SPT=` and the other with `PROTO=UDP SPT=`: these are siblings.

use super::observation::{Observation, Source};
use super::padded::{PaddedLine, REACH};
use super::text::Text;
use super::value;
use crate::digits::{self, Limit};
use crate::rule::is_service_port;
use crate::trace::{Kind, Trace};

/// What is known of a line once it has come to the end of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf {
    /// See [`Observation::rule_set`].
    pub(super) rule_set: u32,
    /// Whether the first port in the line is one that the packet itself went to.
    pub(super) has_port: bool,
}

/// Where in a line a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Takes down where in a line values stand, while the line is parsed.
pub(super) struct Tracer<'a> {
    line: usize,
    fields: &'a mut Vec<Field>,
}

impl<'a> Tracer<'a> {
    /// For a line of so many bytes.
    pub(super) fn new(line: usize, fields: &'a mut Vec<Field>) -> Self {
        Self { line, fields }
    }
}

impl Trace for Tracer<'_> {
    fn value(&mut self, kind: Kind, text: &[u8], rest: &[u8]) {
        // Every text is the end of the line.
        self.fields.push(Field {
            kind,
            start: self.line.saturating_sub(text.len()),
            end: self.line.saturating_sub(rest.len()),
        });
    }
}

/// The tree; its root is the first node.
#[derive(Debug, Clone)]
pub(super) struct Templates {
    nodes: Vec<Node>,
    /// Whether any rule asks for ports.
    ports: bool,
    /// Which values that are part of the text at first are passed over by now, since there were too
    /// many different ones.
    wildcards: Wildcards,
    /// The lines for whose template there was no room.
    refused: u32,
}

/// Which values have become wildcards: destination addresses, and those and the octets of frames.
///
/// On a host these are few, and being part of the text makes them quick to compare. A router, or a
/// host in a large network, logs too many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wildcards {
    None,
    Destinations,
    Frames,
}

/// A text, and what follows it.
// Of a size that is quick to multiply with.
#[repr(C, align(128))]
#[derive(Debug, Clone)]
struct Node {
    text: Text,
    next: Next,
    /// The node after that; of several, the first.
    child: NodeId,
    /// The node to try where this one does not fit.
    sibling: NodeId,
}

/// The place of a node in [`Templates::nodes`]; [`NO_NODE`] for none.
type NodeId = u32;

const NO_NODE: NodeId = NodeId::MAX;

/// What comes after a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A number that is passed over.
    Number(Limit),
    /// The source, an IPv4 address.
    V4,
    /// The source, an IPv6 address.
    V6,
    /// The destination port of the packet itself.
    Port,
    /// A source port, and whether [answers come from it](is_service_port): a packet of the other
    /// sort is of another nature, so it has a template of its own.
    SourcePort(bool),
    /// A destination, and whether it is many hosts: likewise.
    Destination(Kind, bool),
    /// Another value that is passed over.
    Value(Kind),
    /// The end of the line.
    End(Leaf),
}

/// The most nodes, and the most siblings: so many are compared more quickly than a line is parsed.
const NODES: usize = 1024;
const BRANCHES: usize = 24;

/// Once so many lines have found no room, the log has become another one, and the tree is begun
/// anew.
const REFUSED: u32 = 1 << 12;

/// Once the tree is full, one line in so many is learned: whoever is logged can make every line
/// unlike all before it.
const TRIED: u32 = 16;

impl Templates {
    pub(super) fn new(ports: bool) -> Self {
        Self {
            nodes: Vec::new(),
            ports,
            wildcards: Wildcards::None,
            refused: 0,
        }
    }

    /// Reads the message that begins at a place of the line into `what`, if its template is known;
    /// where the line ends.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is called in one place")]
    pub(super) fn find(
        &self,
        line: PaddedLine<'_>,
        mut at: usize,
        what: &mut Observation,
    ) -> Option<usize> {
        let mut port = 0;
        let mut id = 0;
        loop {
            let node = self.node(id)?;
            let Some(start) = node.text.end(line, at) else {
                id = node.sibling;
                continue;
            };
            id = node.child;
            match &node.next {
                Next::Number(limit) => {
                    if let Some(length) = limit.short(*line.at(start)) {
                        at = start + length;
                    } else if let Some(length) = limit.long(line.from(start)) {
                        at = start + length;
                    } else {
                        id = node.sibling;
                    }
                }
                // Another kind of address may come after the same text.
                Next::V4 => match digits::ipv4_of_20(line.at(start)) {
                    Some((address, length)) => {
                        what.source = Source::from(address);
                        at = start + length;
                    }
                    None => id = node.sibling,
                },
                Next::V6 => match digits::ipv6(line.at(start)) {
                    Some(address) => {
                        what.source = Source::from(address);
                        at = start + digits::IPV6;
                    }
                    None => id = node.sibling,
                },
                Next::Port => match value::port(*line.at(start)) {
                    Some((number, length)) => {
                        port = number;
                        at = start + length;
                    }
                    None => id = node.sibling,
                },
                Next::SourcePort(answers) => match value::port(*line.at(start)) {
                    Some((number, length)) if is_service_port(number) == *answers => {
                        at = start + length;
                    }
                    _ => id = node.sibling,
                },
                Next::Destination(kind, many) => {
                    match value::destination(*kind, line.from(start)) {
                        Some((length, found)) if found == *many => at = start + length,
                        _ => id = node.sibling,
                    }
                }
                Next::Value(kind) => match value::length(*kind, line.from(start)) {
                    Some(length) => at = start + length,
                    None => id = node.sibling,
                },
                Next::End(leaf) => {
                    what.rule_set = leaf.rule_set;
                    what.port = leaf.has_port.then_some(port);
                    return (start < REACH).then_some(start);
                }
            }
        }
    }

    /// Whether the template of the next line is to be learned.
    pub(super) fn wants(&mut self) -> bool {
        let is_full = self.refused > 0;
        self.refused += u32::from(is_full);
        !is_full || self.refused % TRIED == 0
    }

    /// Learns the template of a line from its message on, which begins at `message`.
    #[cold]
    pub(super) fn learn(&mut self, line: &[u8], message: usize, fields: &[Field], leaf: Leaf) {
        if self.insert(line, message, fields, leaf) {
            return;
        }
        self.refused = self.refused.max(1);
        if self.wildcards < Wildcards::Frames || self.refused > REFUSED {
            self.nodes.clear();
            self.refused = 0;
            self.wildcards = match self.wildcards {
                Wildcards::None => Wildcards::Destinations,
                Wildcards::Destinations | Wildcards::Frames => Wildcards::Frames,
            };
            self.insert(line, message, fields, leaf);
        }
    }

    /// Whether there was room.
    fn insert(&mut self, line: &[u8], message: usize, fields: &[Field], leaf: Leaf) -> bool {
        let Some(nodes) = self.nodes_of(line, message, fields, leaf) else {
            // It cannot be told by a template.
            return true;
        };
        let mut before = None;
        for node in nodes {
            before = self.node_after(before, node);
            if before.is_none() {
                return false;
            }
        }
        true
    }

    /// The nodes of a line, one after the other and not yet linked; `None` if the values are not in
    /// order.
    fn nodes_of(
        &self,
        line: &[u8],
        message: usize,
        fields: &[Field],
        leaf: Leaf,
    ) -> Option<Vec<Node>> {
        let mut nodes = Vec::new();
        let (mut at, mut addresses, mut port) = (message, 0, !self.ports);
        for field in fields {
            let is_address = matches!(field.kind, Kind::Ipv4 | Kind::Ipv6);
            addresses += u32::from(is_address);
            // The second address is the destination; others are those of a packet that is quoted.
            let value = || line.get(field.start..);
            let next = match field.kind {
                Kind::Ipv4 if addresses == 1 => Next::V4,
                Kind::Ipv6 if addresses == 1 => Next::V6,
                _ if is_address && addresses == 2 && self.wildcards < Wildcards::Destinations => {
                    continue;
                }
                Kind::Colons if self.wildcards < Wildcards::Frames => continue,
                _ if field.kind == Kind::Colons || (is_address && addresses == 2) => {
                    let (_, many) = value::destination(field.kind, value()?)?;
                    Next::Destination(field.kind, many)
                }
                Kind::SourcePort if self.ports => {
                    let (number, _) = value::port(*value()?.first_chunk()?)?;
                    Next::SourcePort(is_service_port(number))
                }
                Kind::Port if !port => Next::Port,
                Kind::Port | Kind::SourcePort => Next::Number(Limit::new(u16::MAX.into())),
                Kind::Decimal(most) => Next::Number(Limit::new(most)),
                kind => Next::Value(kind),
            };
            port |= field.kind == Kind::Port;
            nodes.push(Node::new(line.get(at..field.start)?, next));
            at = field.end;
        }
        nodes.push(Node::new(line.get(at..)?, Next::End(leaf)));
        Some(nodes)
    }

    /// The child of `before`, or the root, that is like `node`; it is made if there is room.
    fn node_after(&mut self, before: Option<NodeId>, node: Node) -> Option<NodeId> {
        let first = match before {
            Some(before) => self.node(before)?.child,
            None if self.nodes.is_empty() => NO_NODE,
            None => 0,
        };
        let (mut last, mut id, mut branches) = (None, first, 0);
        while let Some(one) = self.node(id) {
            if one.is_like(&node) {
                return Some(id);
            }
            (last, id, branches) = (Some(id), one.sibling, branches + 1);
        }
        if self.nodes.len() >= NODES || branches >= BRANCHES {
            return None;
        }
        let id = NodeId::try_from(self.nodes.len()).ok()?;
        self.nodes.push(node);
        if let Some(last) = last {
            self.node_mut(last)?.sibling = id;
        } else if let Some(before) = before {
            self.node_mut(before)?.child = id;
        }
        Some(id)
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::try_from(id).ok()?)
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(id).ok()?)
    }
}

impl Node {
    /// A text and what follows it, without child and sibling.
    fn new(text: &[u8], next: Next) -> Self {
        Self {
            text: Text::new(text),
            next,
            child: NO_NODE,
            sibling: NO_NODE,
        }
    }

    /// Whether both have the same text and the same value after it, wherever they lead.
    fn is_like(&self, other: &Self) -> bool {
        self.text == other.text && self.next == other.next
    }
}
