//! Lines that say that packets or messages never got into the log, as `log-collector: 4711 packets
//! lost`.

/// How such a line ends, and the name of who writes it.
const ENDS: [(&[u8], &[u8]); 7] = [
    (b"packets lost", b"log-collector"),
    (b"packets lost, how many is not known", b"log-collector"),
    // runtime/ratelimit.c of rsyslog, and its imjournal, which goes on with what it allows.
    (b"due to rate-limiting", b"rsyslogd"),
    (b"due to rate-limiting", b"imjournal"),
    (b" seconds)", b"due to rate-limiting"),
    (b" kernel messages", b"systemd-journald"),
    // Of syslog daemons that do not say which message.
    (b" times", b"last message repeated"),
];

/// How many packets or messages a line says were not written; 0 if it does not say how many. `None`
/// for any other line.
pub(crate) fn lost(line: &[u8]) -> Option<u64> {
    let line = line.trim_ascii_end();
    let is_loss = |(end, name): &(&[u8], &[u8])| {
        line.ends_with(end) && memchr::memmem::find(line, name).is_some()
    };
    if !ENDS.iter().any(is_loss) {
        return None;
    }
    let words: Vec<&[u8]> = line.rsplit(|byte| *byte == b' ').take(16).collect();
    // From the last to the first.
    let number = words.windows(2).find_map(|pair| match pair {
        [b"packets" | b"messages" | b"kernel" | b"times", number] => {
            let number = std::str::from_utf8(number).ok()?;
            number.parse::<u32>().ok()
        }
        _ => None,
    });
    // What begins to be dropped is told when it ends, and how much it was.
    let begins = memchr::memmem::find(line, b"begin to drop").is_some();
    (!begins).then(|| u64::from(number.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_is_read_from_the_lines_that_say_so() {
        for (line, expected) in [
            (
                "2026-11-22T09:25:54.194069+00:00 fw log-collector: 4711 packets lost",
                Some(4711),
            ),
            (
                "2026-11-22T09:25:54.194069+00:00 fw log-collector: packets lost, how many is not known",
                Some(0),
            ),
            (
                "Nov 22 09:25:54 fw rsyslogd: imuxsock[pid: 812, name: /usr/sbin/sshd]: 46 messages lost due to rate-limiting",
                Some(46),
            ),
            (
                "Nov 22 09:25:54 fw rsyslogd-2177: imuxsock lost 46 messages from pid 812 due to rate-limiting",
                Some(46),
            ),
            (
                "Nov 22 09:25:54 fw rsyslogd: imjournal: 9124 messages lost due to rate-limiting (20000 allowed within 600 seconds)",
                Some(9124),
            ),
            (
                "Nov 22 09:25:54 fw rsyslogd: imjournal: begin to drop messages due to rate-limiting",
                None,
            ),
            (
                "Nov 22 09:25:54 fw systemd-journald[312]: Missed 1288 kernel messages",
                Some(1288),
            ),
            (
                "Nov 22 09:25:54 fw last message repeated 12 times",
                Some(12),
            ),
            (
                "Nov 22 09:25:54 fw kernel: last message repeated 12 times\r\n",
                Some(12),
            ),
            (
                "Nov 22 09:25:54 fw log-collector: 99999999999999999999 packets lost",
                Some(0),
            ),
            ("Nov 22 09:25:54 fw sshd[1]: 5 packets lost", None),
            ("Nov 22 09:25:54 fw cron[1]: tried 3 times", None),
            ("", None),
        ] {
            assert_eq!(lost(line.as_bytes()), expected, "{line}");
        }
    }
}
