//! How long an entry stays in a set.

use std::fmt;
use std::time::Duration;

/// How long an entry stays in a set: whole seconds, at most 2147483 (24 days and 20 hours), or for
/// ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeout(u32);

impl Timeout {
    /// The entry stays until it is deleted; `timeout 0` in the words of `ipset`.
    pub const PERMANENT: Self = Self(0);

    /// The longest time the kernel can count. It takes longer ones without a word and shortens
    /// them to this, which is why this type refuses them.
    pub const MAX: Self = Self(IPSET_MAX_TIMEOUT);

    /// A time in seconds as `ipset` writes it, where 0 is [`Timeout::PERMANENT`].
    ///
    /// # Errors
    ///
    /// More than [`Timeout::MAX`].
    pub fn from_secs(seconds: u32) -> Result<Self, TimeoutError> {
        if seconds > IPSET_MAX_TIMEOUT {
            return Err(TimeoutError(Fault::TooLong(seconds.into())));
        }
        Ok(Self(seconds))
    }

    /// The seconds as `ipset` writes them: 0 for [`Timeout::PERMANENT`].
    pub const fn as_secs(self) -> u32 {
        self.0
    }

    /// Whether the entry stays until it is deleted.
    pub fn is_permanent(self) -> bool {
        self == Self::PERMANENT
    }

    /// The time, or `None` for [`Timeout::PERMANENT`].
    pub fn duration(self) -> Option<Duration> {
        (!self.is_permanent()).then(|| Duration::from_secs(self.0.into()))
    }

    /// Seconds as the kernel reports them.
    pub(crate) fn from_kernel(seconds: u32) -> Self {
        Self(seconds)
    }
}

/// A fraction of a second counts as a whole one, so that 500 ms is one second and never 0, which
/// would be for ever. A duration of zero is refused for the same reason: something that is over
/// must not become permanent.
impl TryFrom<Duration> for Timeout {
    type Error = TimeoutError;

    fn try_from(duration: Duration) -> Result<Self, Self::Error> {
        let seconds = duration
            .as_secs()
            .saturating_add(u64::from(duration.subsec_nanos() > 0));
        if seconds == 0 {
            return Err(TimeoutError(Fault::Zero));
        }
        match u32::try_from(seconds) {
            Ok(seconds) => Self::from_secs(seconds),
            Err(_) => Err(TimeoutError(Fault::TooLong(seconds))),
        }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_permanent() {
            f.pad("ever")
        } else {
            write!(f, "{} s", self.0)
        }
    }
}

/// Why a duration is not a [`Timeout`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct TimeoutError(Fault);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("a timeout of {0} s is longer than the kernel's {IPSET_MAX_TIMEOUT} s")]
    TooLong(u64),
    #[error(
        "a timeout of no time at all would be for ever; say Timeout::PERMANENT if that is meant"
    )]
    Zero,
}

// linux/netfilter/ipset/ip_set.h of the kernel (not uapi): UINT_MAX / MSEC_PER_SEC / 2.
const IPSET_MAX_TIMEOUT: u32 = u32::MAX / 1000 / 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_round_up_and_never_to_for_ever() {
        let timeout = |duration| Timeout::try_from(duration).map(Timeout::as_secs);
        assert_eq!(timeout(Duration::from_nanos(1)), Ok(1));
        assert_eq!(timeout(Duration::from_millis(500)), Ok(1));
        assert_eq!(timeout(Duration::from_secs(1)), Ok(1));
        assert_eq!(timeout(Duration::from_millis(1001)), Ok(2));
        assert_eq!(timeout(Duration::from_secs(2_147_483)), Ok(2_147_483));
        assert!(timeout(Duration::ZERO).is_err());
    }

    #[test]
    fn longer_than_the_kernel_counts_is_an_error() {
        assert_eq!(
            Timeout::try_from(Duration::from_millis(2_147_483_001))
                .unwrap_err()
                .to_string(),
            "a timeout of 2147484 s is longer than the kernel's 2147483 s",
        );
        assert!(Timeout::try_from(Duration::MAX).is_err());
        assert!(Timeout::from_secs(2_147_484).is_err());
        assert_eq!(Timeout::from_secs(0), Ok(Timeout::PERMANENT));
    }
}
