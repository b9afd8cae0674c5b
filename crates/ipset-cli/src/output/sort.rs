//! The order of `-sorted`: by text, but its numbers by value, in hexadecimal whatever they are, and
//! smaller networks first.
//!
//! It is not an order in which all entries agree (a mark can be both before and after another), so
//! how the entries are sorted is part of the result.

use std::cmp::Ordering;

/// Entries as text, each without its end.
#[derive(Debug, Default)]
pub(super) struct Entries {
    text: Vec<u8>,
    starts: Vec<usize>,
}

impl Entries {
    /// Where the text of the next entry goes.
    pub(super) fn next(&mut self) -> &mut Vec<u8> {
        self.starts.push(self.text.len());
        &mut self.text
    }

    /// The entries in order; `offset` bytes of each do not count, or all count as they are.
    pub(super) fn sorted(&self, offset: Option<usize>) -> impl Iterator<Item = &[u8]> {
        let ends = self.starts.iter().skip(1).copied();
        let ranges = self.starts.iter().zip(ends.chain([self.text.len()]));
        let texts: Vec<&[u8]> = ranges
            .map(|(start, end)| self.text.get(*start..end).unwrap_or_default())
            .collect();
        let comes_first = |a: &[u8], b: &[u8]| match offset {
            None => a <= b,
            Some(offset) => compare(rest(a, offset), rest(b, offset)) <= 0,
        };
        sort(texts, comes_first).into_iter()
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.starts.clear();
    }
}

/// So many entries are sorted exactly as `ipset` sorts them, which takes time with their square.
const FEW: usize = 2048;

/// Puts each item before the first one that does not come before it, the way of `ipset`. More than
/// a few are merged: the same result wherever all agree on one order.
fn sort<T: Copy>(items: Vec<T>, comes_first: impl Fn(T, T) -> bool) -> Vec<T> {
    if items.len() > FEW {
        return merge_sort(items, comes_first);
    }
    let mut sorted = Vec::with_capacity(items.len());
    for item in items {
        let place = sorted.iter().position(|&other| !comes_first(other, item));
        sorted.insert(place.unwrap_or(sorted.len()), item);
    }
    sorted
}

/// Merges runs of the same length as soon as there are two.
fn merge_sort<T: Copy>(items: Vec<T>, comes_first: impl Fn(T, T) -> bool) -> Vec<T> {
    let mut runs: Vec<Vec<T>> = Vec::new();
    for item in items {
        let mut current = vec![item];
        let mut level = 0;
        while let Some(run) = runs.get_mut(level).filter(|run| !run.is_empty()) {
            current = merge(std::mem::take(run), current, &comes_first);
            level += 1;
        }
        match runs.get_mut(level) {
            Some(run) => *run = current,
            None => runs.push(current),
        }
    }
    let merged = |longer, run| merge(run, longer, &comes_first);
    runs.into_iter().reduce(merged).unwrap_or_default()
}

fn merge<T: Copy>(a: Vec<T>, b: Vec<T>, comes_first: &impl Fn(T, T) -> bool) -> Vec<T> {
    let mut merged = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    while let (Some(first), Some(second)) = (a.peek(), b.peek()) {
        let next = if comes_first(*first, *second) {
            a.next()
        } else {
            b.next()
        };
        merged.extend(next);
    }
    merged.extend(a.chain(b));
    merged
}

/// Negative where `a` comes first, 0 where neither does.
fn compare(mut a: &[u8], mut b: &[u8]) -> i32 {
    let mut sign: i64 = 1;
    while !a.is_empty() && !b.is_empty() {
        let (Some((n, after_a)), Some((m, after_b))) = (number(a), number(b)) else {
            let (n, m) = (word(a), word(b));
            if n == 0 && m == 0 {
                return by_bytes(a, b);
            }
            if n != m {
                return if n < m { -1 } else { 1 };
            }
            match by_bytes(a.get(..n).unwrap_or(a), b.get(..n).unwrap_or(b)) {
                0 => {}
                unequal => return unequal,
            }
            (a, b) = (rest(a, n + 1), rest(b, n + 1));
            sign = 1;
            continue;
        };
        if n != m {
            return low_bits(sign.wrapping_mul(n.wrapping_sub(m)));
        }
        let (next_a, next_b) = (first(after_a), first(after_b));
        if next_a == b'/' || next_b == b'/' {
            if next_a != next_b {
                return if next_a == b'/' { 1 } else { -1 };
            }
            // The longer prefix is the smaller network.
            sign = -1;
        }
        (a, b) = (rest(after_a, 1), rest(after_b, 1));
        match (first(a) == b':', first(b) == b':') {
            (true, true) => (a, b) = (rest(a, 1), rest(b, 1)),
            (true, false) => return -1,
            (false, true) => return 1,
            (false, false) => {}
        }
    }
    i32::from(!a.is_empty()) - i32::from(a.is_empty() && !b.is_empty())
}

/// A hexadecimal number at the beginning, as `strtol` reads it, and what comes after it.
fn number(text: &[u8]) -> Option<(i64, &[u8])> {
    let spaces = text
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r'))
        .count();
    let mut digits = rest(text, spaces);
    let negative = first(digits) == b'-';
    if matches!(first(digits), b'-' | b'+') {
        digits = rest(digits, 1);
    }
    if let [b'0', b'x' | b'X', digit, ..] = digits {
        if digit.is_ascii_hexdigit() {
            digits = rest(digits, 2);
        }
    }
    let mut number: i64 = 0;
    let mut length = 0;
    for byte in digits {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ => break,
        };
        number = number.saturating_mul(16).saturating_add(digit.into());
        length += 1;
    }
    if length == 0 {
        return None;
    }
    let number = if negative { -number } else { number };
    Some((number, rest(digits, length)))
}

/// How long the word is that ends at a `:` or `,`.
fn word(text: &[u8]) -> usize {
    text.iter()
        .take_while(|byte| !matches!(byte, b':' | b','))
        .count()
}

fn by_bytes(a: &[u8], b: &[u8]) -> i32 {
    match a.cmp(b) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

/// A difference as an `int`, which is what `ipset` makes of it.
fn low_bits(number: i64) -> i32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

fn first(text: &[u8]) -> u8 {
    text.first().copied().unwrap_or(0)
}

fn rest(text: &[u8], from: usize) -> &[u8] {
    text.get(from..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(lines: &[&str]) -> Vec<String> {
        let mut entries = Entries::default();
        for line in lines {
            let text = entries.next();
            text.extend_from_slice(b"add x ");
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        let text = |line: &[u8]| String::from_utf8(line[6..line.len() - 1].to_vec()).unwrap();
        entries.sorted(Some(6)).map(text).collect()
    }

    /// `ipset list -sorted` of these entries, version 7.17.
    #[test]
    fn smaller_networks_come_first() {
        assert_eq!(
            sorted(&[
                "11.0.0.0/8",
                "1.0.0.0/9",
                "10.0.0.0/8 nomatch",
                "1.0.0.0/10",
                "1.0.0.0"
            ]),
            [
                "1.0.0.0",
                "1.0.0.0/10",
                "1.0.0.0/9",
                "10.0.0.0/8 nomatch",
                "11.0.0.0/8"
            ]
        );
    }

    #[test]
    fn numbers_go_by_value() {
        assert_eq!(
            sorted(&["10.0.0.10", "10.0.0.9", "9.0.0.1", "10.0.0.9 timeout 3"]),
            ["9.0.0.1", "10.0.0.9", "10.0.0.9 timeout 3", "10.0.0.10"]
        );
        assert_eq!(
            sorted(&["2001::1", "::1", "1::", "2001:1::"]),
            ["::1", "1::", "2001::1", "2001:1::"]
        );
    }

    proptest! {
        /// Where the comparison is an order, the result is that of any stable sort.
        #[test]
        fn sorts_like_the_standard_library(items: Vec<(u8, u8)>) {
            let mut expected = items.clone();
            expected.sort_by_key(|item| item.0);
            prop_assert_eq!(merge_sort(items, |a, b| a.0 <= b.0), expected);
        }

        #[test]
        fn nothing_panics_or_gets_lost(lines: Vec<String>) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            prop_assert_eq!(sorted(&lines).len(), lines.len());
        }
    }
}
