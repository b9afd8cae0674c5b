//! How the rows are run: by family, target of the log, and what the configuration says of sets,
//! throttled sources and bans.

use netns_testbed::{Family, Trial, trial};

use crate::Row;
use crate::config::Target;

/// How a row is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) family: Family,
    pub(crate) target: Target,
    pub(crate) within: Within,
    pub(crate) sets: Sets,
    /// Whether bans hold before connection tracking.
    pub(crate) early: bool,
}

/// What becomes of who is throttled and within the limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Within {
    /// On to the services.
    Continue,
    /// In, whatever the port.
    Accept,
}

/// The type of whitelist, blacklist and the throttle sets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sets {
    /// `hash:net`
    Net,
    /// `hash:ip`
    Ip,
}

/// Every row is run so: with the defaults for each family and target, and in four ways more, so
/// that each value of each of the five meets each value of every other. All 32 would take minutes.
pub(crate) const CASES: [Case; 8] = {
    use Family::{V4, V6};
    use Sets::{Ip, Net};
    use Target::{Log, Nflog};
    use Within::{Accept, Continue};
    [
        case(V4, Nflog, Continue, Net, false),
        case(V6, Nflog, Continue, Net, false),
        case(V4, Log, Continue, Net, false),
        case(V6, Log, Continue, Net, false),
        case(V4, Nflog, Continue, Ip, true),
        case(V6, Nflog, Accept, Net, true),
        case(V6, Log, Continue, Ip, true),
        case(V4, Log, Accept, Ip, false),
    ]
};

const fn case(family: Family, target: Target, within: Within, sets: Sets, early: bool) -> Case {
    Case {
        family,
        target,
        within,
        sets,
        early,
    }
}

impl Case {
    /// The part of the configuration about throttled sources, whose limits are `limits`.
    pub(crate) fn throttle(self, limits: &str) -> String {
        let within = match self.within {
            Within::Continue => "continue",
            Within::Accept => "accept",
        };
        format!("[throttle]\nwithin-limit = \"{within}\"\n{limits}\n")
    }

    /// The part of the configuration about sets.
    pub(crate) fn sets(self) -> &'static str {
        match self.sets {
            Sets::Net => "",
            Sets::Ip => "[sets]\ntype = \"hash:ip\"\n",
        }
    }

    /// The row, run so.
    pub(crate) fn trial(self, (name, row): Row) -> Trial {
        let words = [
            self.early.then_some("early"),
            (self.within == Within::Accept).then_some("accept"),
            (self.sets == Sets::Ip).then_some("ip"),
            (self.target == Target::Log).then_some("log"),
            Some(self.family.pick("v4", "v6")),
            Some(name),
        ];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        trial(words.join("::"), move || row(self))
    }
}
