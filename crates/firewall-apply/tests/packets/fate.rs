//! What became of a packet.

use netns_testbed::{Family, Packet};

/// Verdict and log line of one packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fate {
    pub(crate) verdict: Verdict,
    pub(crate) log: Option<Log>,
}

/// Accepted, and logged so: what a new connection to a service is.
pub(crate) const ALLOWED: Fate = Fate {
    verdict: Verdict::Accepted,
    log: Some(Log::Allowed),
};
/// Dropped, and logged so: what everything is that no rule allows.
pub(crate) const BLOCKED: Fate = Fate {
    verdict: Verdict::Dropped,
    log: Some(Log::Blocked),
};
/// Dropped, and logged as too much: what is over the limit of a service.
pub(crate) const LIMITED: Fate = Fate {
    verdict: Verdict::Dropped,
    log: Some(Log::Limited),
};
/// Dropped, and logged as nobody's fault: what belongs to no connection and opens none.
pub(crate) const INVALID: Fate = Fate {
    verdict: Verdict::Dropped,
    log: Some(Log::Invalid),
};
/// Answered, and logged as blocked: what is rejected.
pub(crate) const REJECTED: Fate = Fate {
    verdict: Verdict::Accepted,
    log: Some(Log::Blocked),
};
/// Accepted without a word: what belongs to a connection.
pub(crate) const PASSED: Fate = Fate {
    verdict: Verdict::Accepted,
    log: None,
};
/// Dropped without a word: what is for others.
pub(crate) const IGNORED: Fate = Fate {
    verdict: Verdict::Dropped,
    log: None,
};

/// Whether a packet got through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Its answer came back.
    Accepted,
    /// None did, although that of a later packet did.
    Dropped,
}

/// Which of the chains logged a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Log {
    /// `LOG_AND_ACCEPT`.
    Allowed,
    /// `LOG_AND_DROP`.
    Blocked,
    /// `LOG_AND_DROP_LIMITED`.
    Limited,
    /// `LOG_AND_DROP_INVALID`.
    Invalid,
}

impl Log {
    /// The log with exactly this prefix.
    pub(crate) fn of(family: Family, prefix: &str) -> Option<Self> {
        [Self::Allowed, Self::Blocked, Self::Limited, Self::Invalid]
            .into_iter()
            .find(|log| log.prefix(family) == prefix)
    }

    /// The prefix, as the contract has it.
    pub(crate) fn prefix(self, family: Family) -> &'static str {
        match self {
            Self::Allowed => family.pick("IPTABLES-ALLOWED: ", "IP6TABLES-ALLOWED: "),
            Self::Blocked => family.pick("IPTABLES-BLOCKED: ", "IP6TABLES-BLOCKED: "),
            Self::Limited => family.pick("IPTABLES-LIMITED: ", "IP6TABLES-LIMITED: "),
            Self::Invalid => family.pick("IPTABLES-INVALID: ", "IP6TABLES-INVALID: "),
        }
    }
}

/// Whether `answer` is one that a host gives to `packet`: of an open or closed port, an echo reply,
/// or an ICMP error that quotes it.
pub(crate) fn answers(answer: &Packet, packet: &Packet) -> bool {
    if answer.source() == packet.destination() && answer.destination() == packet.source() {
        if let (Some((from, to)), Some((source, destination))) =
            (answer.endpoints(), packet.endpoints())
        {
            return (from, to) == (destination, source);
        }
        if let (Some(reply), Some(request)) = (answer.echo(), packet.echo()) {
            return reply == request;
        }
    }
    answer.quoted().is_some_and(|quoted| {
        quoted.source() == packet.source()
            && quoted.destination() == packet.destination()
            && quoted.protocol() == packet.protocol()
            && quoted.endpoints() == packet.endpoints()
    })
}
