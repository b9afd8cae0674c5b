//! `--repeat`: bans of who comes back are longer each time.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::removeafter;
use crate::duration::Seconds;

/// How bans grow: the n-th is `factor`^(n-1) times as long as the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Keys")]
pub(crate) struct Repeat {
    /// How long a source is remembered after what it was banned for.
    pub(crate) within: Seconds,
    /// At least 2.
    pub(crate) factor: NonZeroU32,
    /// The longest ban.
    pub(crate) at_most: Seconds,
}

/// A ban of a source that was banned before, or is for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Offence {
    /// Which one it is, from 1.
    #[serde(rename = "offence")]
    pub(crate) number: u32,
    /// How long a source is remembered, in seconds.
    #[serde(rename = "remembered")]
    pub(crate) within: Seconds,
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, within } = self;
        let ending = match (number % 100, number % 10) {
            (11..=13, _) => "th",
            (_, 1) => "st",
            (_, 2) => "nd",
            (_, 3) => "rd",
            _ => "th",
        };
        write!(f, "{number}{ending} ban within {within}")
    }
}

/// The keys as they are written in a rules file.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Keys {
    within: String,
    factor: u32,
    at_most: String,
}

impl Repeat {
    /// How long the `number`-th ban is, from 1, where the first is as long as `first`.
    pub(crate) fn length(self, first: Seconds, number: u32) -> u64 {
        let factor = u64::from(self.factor.get());
        let grown = first
            .get()
            .saturating_mul(factor.saturating_pow(number.saturating_sub(1)));
        grown.min(self.at_most.get())
    }

    /// Why a rule whose first ban is as long as `first` cannot have it.
    pub(crate) fn fault(self, first: Seconds) -> Option<String> {
        let Self { at_most, .. } = self;
        (at_most < first).then(|| {
            format!("at-most is {at_most}, and removeafter, the length of the first ban, is {first}: at-most has to be as long at least")
        })
    }
}

impl TryFrom<Keys> for Repeat {
    type Error = String;

    fn try_from(keys: Keys) -> Result<Self, String> {
        let of = |key: &str| {
            let key = key.to_owned();
            move |why: String| format!("{key}: {why}")
        };
        let within: Seconds = keys.within.parse().map_err(of("within"))?;
        let at_most = removeafter(&keys.at_most).map_err(of("at-most"))?;
        let factor = NonZeroU32::new(keys.factor).filter(|factor| factor.get() > 1);
        let factor = factor.ok_or("factor: a whole number from 2 on, 2 doubles each ban")?;
        if within <= at_most {
            return Err(format!(
                "within is {within} and at-most {at_most}: who is banned for longer than he is remembered never comes back as known; \
                 within has to be longer than at-most"
            ));
        }
        Ok(Self {
            within,
            factor,
            at_most,
        })
    }
}

/// `within=30d,factor=4,at-most=21d`, in any order.
impl FromStr for Repeat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut within, mut factor, mut at_most) = (None, None, None);
        for part in text.split(',') {
            let known = part.split_once('=').and_then(|(key, value)| {
                let place = match key.trim() {
                    "within" => &mut within,
                    "factor" => &mut factor,
                    "at-most" => &mut at_most,
                    _ => return None,
                };
                Some((place, value.trim()))
            });
            let (place, value) =
                known.ok_or_else(|| format!("{part:?} in it is none of {FORM}"))?;
            if place.replace(value).is_some() {
                return Err(format!("{part:?} in it stands there twice; {FORM}"));
            }
        }
        let (Some(within), Some(factor), Some(at_most)) = (within, factor, at_most) else {
            return Err(format!("all three are needed: {FORM}"));
        };
        Keys {
            within: within.to_owned(),
            factor: factor
                .parse()
                .map_err(|_| format!("factor: {factor:?} is no whole number"))?,
            at_most: at_most.to_owned(),
        }
        .try_into()
    }
}

impl fmt::Display for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            within,
            factor,
            at_most,
        } = self;
        write!(f, "within={within},factor={factor},at-most={at_most}")
    }
}

const FORM: &str = "within=DURATION,factor=N,at-most=DURATION";

#[cfg(test)]
mod tests {
    use super::*;

    fn repeat(text: &str) -> Repeat {
        text.parse().expect(text)
    }

    #[test]
    fn each_ban_is_so_many_times_as_long_up_to_the_longest() {
        let repeat = repeat("within=30d, factor=4,at-most=21d");
        let day = "1d".parse().expect("a day");
        let days = [1, 2, 3, 4, u32::MAX].map(|n| repeat.length(day, n) / 86_400);
        assert_eq!(days, [1, 4, 16, 21, 21]);
        assert_eq!(repeat.length(day, 0), 86_400);
        assert_eq!(repeat.fault(day), None);
        let month = "22d".parse().expect("22 days");
        let why = repeat.fault(month).expect("too short");
        assert!(why.starts_with("at-most is 3w, and removeafter"), "{why}");
        assert_eq!(repeat.to_string().parse(), Ok(repeat));
    }

    #[test]
    fn what_is_refused_and_why() {
        for (text, why) in [
            ("", "\"\" in it is none of within=DURATION,factor=N"),
            ("within=30d,factor=4", "all three are needed"),
            (
                "within=30d,factor=4,within=3d",
                "\"within=3d\" in it stands there twice",
            ),
            (
                "within=30d,factor=4,at-mots=3d",
                "\"at-mots=3d\" in it is none of",
            ),
            (
                "within=30,factor=4,at-most=3d",
                "within: a unit is missing at character 3",
            ),
            (
                "within=30d,factor=1,at-most=3d",
                "factor: a whole number from 2 on",
            ),
            (
                "within=30d,factor=1.5,at-most=3d",
                "factor: \"1.5\" is no whole number",
            ),
            (
                "within=30d,factor=4,at-most=25d",
                "at-most: 2160000 s are more than the kernel can count",
            ),
            (
                "within=3d,factor=4,at-most=3d",
                "within is 3d and at-most 3d: who is banned for longer",
            ),
        ] {
            let error = text.parse::<Repeat>().expect_err(text);
            assert!(error.starts_with(why), "{error}\nnot {why}");
        }
    }
}
