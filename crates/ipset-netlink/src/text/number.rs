//! Numbers and addresses as text. A listing of a million entries is made of little else, so nothing
//! here goes through `std::fmt`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[inline]
pub(super) fn decimal(out: &mut Vec<u8>, number: impl Into<u64>) {
    let mut rest: u64 = number.into();
    let mut digits = [b'0'; 20];
    let mut unused = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit += low_byte(rest % 10);
        rest /= 10;
        unused -= 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(unused..).unwrap_or_default());
}

/// No prefix, and no more digits than it takes.
fn hex(out: &mut Vec<u8>, number: u32) {
    let digits = 8 - number.leading_zeros() / 4;
    for place in (0..digits.max(1)).rev() {
        out.push(hex_digit(low_byte(number >> (4 * place))));
    }
}

/// Writes an address in figures.
#[inline]
pub fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => inet(out, address),
        IpAddr::V6(address) => inet6(out, address),
    }
}

#[inline]
fn inet(out: &mut Vec<u8>, address: Ipv4Addr) {
    let [a, b, c, d] = address.octets();
    two_octets(out, a, b);
    two_octets(out, c, d);
    // The last dot.
    out.pop();
}

/// Each with a dot after it: at most 8 bytes, put together in a register and written at once.
#[inline]
fn two_octets(out: &mut Vec<u8>, first: u8, second: u8) {
    let (first, length) = octet(first);
    let (second, second_length) = octet(second);
    let text = u64::from(first) | u64::from(second) << (8 * length);
    let end = out.len() + length + second_length;
    out.extend_from_slice(&text.to_le_bytes());
    out.truncate(end);
}

/// The digits and a dot, and how many bytes they are.
#[inline]
fn octet(number: u8) -> (u32, usize) {
    let [text @ .., length] = OCTETS.get(usize::from(number)).copied().unwrap_or_default();
    (u32::from_le_bytes(text), length.into())
}

/// The digits of each number with a dot after them, and how many bytes they are.
static OCTETS: [[u8; 5]; 256] = octets();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "the compiler runs it"
)]
const fn octets() -> [[u8; 5]; 256] {
    let mut table = [[0; 5]; 256];
    let mut n = 0;
    while n < table.len() {
        let (a, b, c) = (n / 100, n / 10 % 10, n % 10);
        let (a, b, c) = (b'0' + a as u8, b'0' + b as u8, b'0' + c as u8);
        table[n] = match n {
            100.. => [a, b, c, b'.', 4],
            10.. => [b, c, b'.', 0, 3],
            _ => [c, b'.', 0, 0, 2],
        };
        n += 1;
    }
    table
}

/// As `inet_ntop` writes it: unlike the standard library it knows addresses of the obsolete form
/// `::192.0.2.1`.
fn inet6(out: &mut Vec<u8>, address: Ipv6Addr) {
    let segments = address.segments();
    let (gap, length) = longest_gap(segments);
    if gap == 0 && (length == 6 || (length == 5 && segments.get(5) == Some(&0xffff))) {
        out.extend_from_slice(if length == 6 { b"::" } else { b"::ffff:" });
        let [.., a, b, c, d] = address.octets();
        return inet(out, Ipv4Addr::new(a, b, c, d));
    }
    for (n, segment) in segments.into_iter().enumerate() {
        if length > 0 && (gap..gap + length).contains(&n) {
            if n == gap {
                out.extend_from_slice(if n == 0 { b"::" } else { b":" });
            }
            continue;
        }
        hex(out, segment.into());
        if n < 7 {
            out.push(b':');
        }
    }
}

/// Where the first of the longest runs of zeros begins, and how long it is: 0 or at least 2.
fn longest_gap(segments: [u16; 8]) -> (usize, usize) {
    let mut longest = (0, 0);
    let mut current = (0, 0);
    for (n, segment) in segments.into_iter().enumerate() {
        if segment == 0 {
            if current.1 == 0 {
                current.0 = n;
            }
            current.1 += 1;
            if current.1 > longest.1 {
                longest = current;
            }
        } else {
            current.1 = 0;
        }
    }
    if longest.1 < 2 { (0, 0) } else { longest }
}

fn hex_digit(number: u8) -> u8 {
    match number & 0xf {
        digit @ 0..=9 => b'0' + digit,
        digit => b'a' - 10 + digit,
    }
}

fn low_byte(number: impl Into<u64>) -> u8 {
    let [byte, ..] = number.into().to_le_bytes();
    byte
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        // What is there before must stay as it is.
        let mut out = b"add x ".to_vec();
        write(&mut out);
        String::from_utf8(out.split_off(6)).unwrap()
    }

    /// As `ipset list` of version 7.17 writes them.
    #[test]
    fn addresses_of_ipv6_are_written_as_the_c_library_writes_them() {
        for address_text in [
            "::",
            "::1",
            "::0.2.0.0",
            "::0.2.0.3",
            "::1.2.3.4",
            "::ffff:1.2.3.4",
            "::ffff:0:1:2",
            "64:ff9b::102:304",
            "1::",
            "1:0:2::3",
            "1::2:0:0:3:4",
            "0:1::",
            "2001:db8:0:1:1:1:1:1",
            "2001:0:0:1::1",
            "1:2:3:4:5:6:7:0",
        ] {
            let address = address_text.parse().unwrap();
            assert_eq!(text(|out| inet6(out, address)), address_text);
        }
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_the_standard_library_writes_them(number: u64, shift in 0..64u32) {
            let number = number >> shift;
            prop_assert_eq!(text(|out| decimal(out, number)), number.to_string());
        }

        #[test]
        fn inet_is_written_as_the_standard_library_writes_it(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            prop_assert_eq!(text(|out| inet(out, address)), address.to_string());
        }

        #[test]
        fn inet6_is_written_as_the_standard_library_writes_it(
            segments in prop::array::uniform8(prop_oneof![Just(0u16), any::<u16>(), 0..9u16]),
        ) {
            let address = Ipv6Addr::from(segments);
            let written = text(|out| inet6(out, address));
            prop_assert_eq!(written.parse(), Ok(address));
            if !written.contains('.') {
                prop_assert_eq!(written, address.to_string());
            }
        }
    }

    #[test]
    fn every_octet_is_in_the_table() {
        for n in 0..=255 {
            let address = Ipv4Addr::new(n, 0, n, n);
            assert_eq!(text(|out| inet(out, address)), address.to_string());
        }
    }
}
