//! Hits that did not come in order of time, as a balanced tree.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use crate::rule::Window;

/// The times of a source's hits, and for each how many hits the window that begins there holds.
///
/// A treap: a search tree by time whose nodes are also a heap by a priority drawn at random, which
/// keeps it about as deep as the logarithm of its size, whatever the order of arrival. A new hit
/// adds one to every window that begins up to `within` before it; those are a range of the tree,
/// and the sum is kept at the top of the range until someone looks below it.
#[derive(Debug, Clone)]
pub(super) struct Late {
    nodes: Vec<Node>,
    root: Link,
    within: i64,
    /// State of the priorities' generator, never 0. Whoever could foresee it and write stamps of
    /// his choice could make of the tree a list, deeper than the stack.
    seed: u32,
}

/// A node's place in [`Late::nodes`]; beyond the end for none.
type Link = u32;
const NONE: Link = Link::MAX;

#[derive(Debug, Clone, Copy)]
struct Node {
    time: i64,
    left: Link,
    right: Link,
    priority: u32,
    /// Nodes of the subtree.
    size: u32,
    /// Hits of the window that begins at this hit.
    hits: u32,
    /// The most hits of any window that begins in the subtree.
    most: u32,
    /// Still to be added to everything below.
    below: u32,
}

impl Late {
    /// From times that are in order.
    pub(super) fn new(times: &[i64], within: i64) -> Self {
        let mut tree = Self {
            nodes: Vec::with_capacity(times.len() + 1),
            root: NONE,
            within,
            seed: random_seed(),
        };
        for time in times {
            tree.insert(*time);
        }
        tree
    }

    /// Adds a hit. Answers the fullest window that holds it; of equally full ones the last.
    pub(super) fn insert(&mut self, time: i64) -> Option<Window> {
        // At a time that was there before, the new hit is the last.
        let (before, after) = self.split(self.root, |node| node.time <= time);
        let earliest = time.saturating_sub(self.within);
        let (before, windows) = self.split(before, |node| node.time < earliest);
        self.raise(windows, 1);
        let latest = time.saturating_add(self.within);
        let (reached, after) = self.split(after, |node| node.time <= latest);
        let node = self.push(time, self.size(reached) + 1);
        let windows = self.join(windows, node);
        let fullest = self.fullest(windows);
        let before = self.join(before, windows);
        let after = self.join(reached, after);
        self.root = self.join(before, after);
        let (hits, first) = fullest?;
        Some(Window {
            hits: hits.into(),
            first,
            last: self.last_until(first.saturating_add(self.within)),
        })
    }

    /// All times, in order.
    pub(super) fn times(&self) -> Vec<i64> {
        let mut times: Vec<i64> = self.nodes.iter().map(|node| node.time).collect();
        times.sort_unstable();
        times
    }

    /// The last of the fullest windows that begin in a subtree: its hits and where it begins.
    fn fullest(&mut self, mut top: Link) -> Option<(u32, i64)> {
        let most = self.most(top);
        loop {
            self.hand_down(top);
            let node = *self.node(top)?;
            if self.most(node.right) == most {
                top = node.right;
            } else if node.hits == most {
                return Some((most, node.time));
            } else {
                top = node.left;
            }
        }
    }

    /// The last hit up to `latest`.
    fn last_until(&self, latest: i64) -> i64 {
        let (mut found, mut top) = (latest, self.root);
        while let Some(node) = self.node(top) {
            if node.time <= latest {
                (found, top) = (node.time, node.right);
            } else {
                top = node.left;
            }
        }
        found
    }

    /// Parts a subtree into what `is_left` holds for and the rest, which all comes after it.
    fn split(&mut self, top: Link, is_left: impl Fn(&Node) -> bool + Copy) -> (Link, Link) {
        self.hand_down(top);
        let Some(node) = self.node(top).copied() else {
            return (NONE, NONE);
        };
        if is_left(&node) {
            let (left, right) = self.split(node.right, is_left);
            self.update(top, |node| node.right = left);
            (top, right)
        } else {
            let (left, right) = self.split(node.left, is_left);
            self.update(top, |node| node.left = right);
            (left, top)
        }
    }

    /// Makes one tree of two, of which the second comes after the first.
    fn join(&mut self, left: Link, right: Link) -> Link {
        self.hand_down(left);
        self.hand_down(right);
        match (self.node(left).copied(), self.node(right).copied()) {
            (None, _) => right,
            (_, None) => left,
            (Some(first), Some(second)) if first.priority >= second.priority => {
                let below = self.join(first.right, right);
                self.update(left, |node| node.right = below);
                left
            }
            (Some(_), Some(second)) => {
                let below = self.join(left, second.left);
                self.update(right, |node| node.left = below);
                right
            }
        }
    }

    /// Changes a node's children, then its totals.
    fn update(&mut self, link: Link, change: impl FnOnce(&mut Node)) {
        let Some(mut node) = self.node(link).copied() else {
            return;
        };
        change(&mut node);
        node.size = 1 + self.size(node.left) + self.size(node.right);
        node.most = node
            .hits
            .max(self.most(node.left))
            .max(self.most(node.right));
        if let Some(place) = self.node_mut(link) {
            *place = node;
        }
    }

    /// Adds to every window that begins in a subtree.
    fn raise(&mut self, top: Link, by: u32) {
        if let Some(node) = self.node_mut(top) {
            node.hits += by;
            node.most += by;
            node.below += by;
        }
    }

    fn hand_down(&mut self, link: Link) {
        let Some(node) = self.node_mut(link) else {
            return;
        };
        let (by, left, right) = (std::mem::take(&mut node.below), node.left, node.right);
        if by > 0 {
            self.raise(left, by);
            self.raise(right, by);
        }
    }

    fn push(&mut self, time: i64, hits: u32) -> Link {
        // Marsaglia's xorshift.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 17;
        self.seed ^= self.seed << 5;
        let link = Link::try_from(self.nodes.len()).unwrap_or(NONE);
        let (priority, size, most, below) = (self.seed, 1, hits, 0);
        self.nodes.push(Node {
            time,
            left: NONE,
            right: NONE,
            priority,
            size,
            hits,
            most,
            below,
        });
        link
    }

    fn size(&self, top: Link) -> u32 {
        self.node(top).map_or(0, |node| node.size)
    }

    fn most(&self, top: Link) -> u32 {
        self.node(top).map_or(0, |node| node.most)
    }

    fn node(&self, link: Link) -> Option<&Node> {
        self.nodes.get(usize::try_from(link).ok()?)
    }

    fn node_mut(&mut self, link: Link) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(link).ok()?)
    }
}

/// What std's maps draw their keys from.
fn random_seed() -> u32 {
    let bits = RandomState::new().build_hasher().finish();
    u32::try_from(bits >> 32).unwrap_or_default() | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(tree: &Late) -> usize {
        let (mut deepest, mut open) = (0, vec![(tree.root, 1)]);
        while let Some((top, depth)) = open.pop() {
            if let Some(node) = tree.node(top) {
                deepest = deepest.max(depth);
                open.extend([(node.left, depth + 1), (node.right, depth + 1)]);
            }
        }
        deepest
    }

    #[test]
    fn no_order_of_arrival_known_beforehand_makes_the_tree_deep() {
        let seen = Late::new(&[0; 2000], 0);
        assert!(depth(&seen) < 200);
        // Times that are in the same order as the priorities of an earlier tree.
        let mut tree = Late::new(&[], 0);
        for node in &seen.nodes {
            tree.insert(node.priority.into());
        }
        assert!(depth(&tree) < 200, "{}", depth(&tree));
    }
}
