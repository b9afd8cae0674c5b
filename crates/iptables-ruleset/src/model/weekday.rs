//! The days of the week.

use std::fmt;
use std::str::FromStr;

use crate::BuildError;

/// A day of the week. Its text has three letters: `Mon`, read in any case.
///
/// ```
/// use iptables_ruleset::Weekday;
///
/// assert_eq!("mon".parse(), Ok(Weekday::Monday));
/// assert_eq!(Weekday::Sunday.to_string(), "Sun");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a week has seven days")]
pub enum Weekday {
    /// `Mon`.
    Monday,
    /// `Tue`.
    Tuesday,
    /// `Wed`.
    Wednesday,
    /// `Thu`.
    Thursday,
    /// `Fri`.
    Friday,
    /// `Sat`.
    Saturday,
    /// `Sun`.
    Sunday,
}

impl Weekday {
    /// All of them, from Monday.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Its number, Monday being 1.
    pub(crate) fn number(self) -> u32 {
        self as u32 + 1
    }

    /// The day so many days after Monday.
    pub(crate) fn after_monday(days: i64) -> Self {
        let at = usize::try_from(days.rem_euclid(7)).unwrap_or(0);
        Self::ALL.get(at).copied().unwrap_or(Self::Monday)
    }
}

impl FromStr for Weekday {
    type Err = BuildError;

    fn from_str(text: &str) -> Result<Self, BuildError> {
        let known = |day: &Self| day.to_string().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(known).ok_or_else(|| {
            let reason = "expected mon, tue, wed, thu, fri, sat or sun";
            BuildError::value("day", text, reason)
        })
    }
}

/// `Mon`
impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Monday => "Mon",
            Self::Tuesday => "Tue",
            Self::Wednesday => "Wed",
            Self::Thursday => "Thu",
            Self::Friday => "Fri",
            Self::Saturday => "Sat",
            Self::Sunday => "Sun",
        })
    }
}
