//! The configuration of a row's firewall.

use std::fmt::Write as _;

use crate::Case;

/// Where the rules log to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Target {
    /// A group that a program reads.
    Nflog,
    /// The kernel log.
    Log,
}

/// The group that the rules log to with [`Target::Nflog`].
pub(crate) const GROUP: u16 = 5;

/// What a row wants of the firewall beyond the defaults.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Config {
    /// Services instead of ssh and https.
    pub(crate) services: &'static [Service],
    /// More of the part about throttled sources.
    pub(crate) throttle: &'static str,
    /// More of the part about the log.
    pub(crate) log: &'static str,
    /// The part about the policies.
    pub(crate) policy: &'static str,
    /// Whole parts, word by word.
    pub(crate) more: &'static str,
}

/// A `[[service]]`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service {
    /// TCP port 8443 for everybody, as often as they like.
    Unlimited,
    /// A TCP port that nobody listens on, as often as one likes.
    Unheard,
    /// ICMP and ICMPv6 of every type.
    Icmp,
    /// UDP ports 5300 to 5399 and 5500.
    Udp,
    /// TCP port 8443 for strangers 0 to 15 of either family.
    ForSome,
    /// TCP port 8443 from inside.
    FromInside,
    /// TCP port 8443, ten a minute and three at once for a small network.
    Network,
    /// TCP port 22, five an hour: nothing comes back while a row runs.
    Hourly,
    /// What stands in it, word by word.
    Written(&'static str),
}

impl Service {
    /// The port of [`Service::Unheard`].
    pub(crate) const UNHEARD: u16 = 8450;
}

impl Config {
    /// The configuration file.
    pub(crate) fn toml(&self, case: Case) -> String {
        let mut text = String::new();
        if case.early || !self.policy.is_empty() {
            let early = case.early;
            let _ = writeln!(text, "[policy]\nearly-drop = {early}\n{}", self.policy);
        }
        let _ = writeln!(text, "{}{}", case.sets(), self.more);
        let target = match case.target {
            Target::Nflog => format!("target = \"NFLOG\"\nnflog-group = {GROUP}"),
            Target::Log => "target = \"LOG\"".to_owned(),
        };
        let _ = writeln!(text, "[log]\n{target}\n{}", self.log);
        text.push_str(&case.throttle(self.throttle));
        for service in self.services {
            let service = match service {
                Service::Unlimited => "name = \"unlimited\"\nprotocol = \"tcp\"\nports = [8443]",
                Service::Unheard => "name = \"unheard\"\nprotocol = \"tcp\"\nports = [8450]",
                Service::Udp => "name = \"udp\"\nprotocol = \"udp\"\nports = [\"5300:5399\", 5500]",
                Service::ForSome => {
                    "name = \"some\"\nprotocol = \"tcp\"\nports = [8443]\n\
                     sources = [\"198.51.100.0/28\", \"2001:db8:66::/124\"]"
                }
                Service::FromInside => {
                    "name = \"inside\"\nprotocol = \"tcp\"\nports = [8443]\n\
                     interfaces = [\"eth1\"]"
                }
                Service::Network => {
                    "name = \"network\"\nprotocol = \"tcp\"\nports = [8443]\n\
                     rate = \"10/minute\"\nburst = 3\nper-v4 = 30\nper-v6 = 126"
                }
                Service::Hourly => {
                    "name = \"hourly\"\nprotocol = \"tcp\"\nports = [22]\nrate = \"5/hour\""
                }
                Service::Written(text) => text,
                Service::Icmp => "name = \"icmp\"\nprotocol = \"icmp\"",
            };
            let _ = writeln!(text, "[[service]]\n{service}");
        }
        text
    }
}
