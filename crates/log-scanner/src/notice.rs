//! What a program is told of a ban: the objects of `--json` and of `--notify-socket`.

use jiff::Timestamp;
use serde::Serialize;

use crate::violation::{Banned, Dropped, Lifted, Outcome, TakenBack};
use crate::words::as_text;

/// Something that was done, as one object.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub(crate) enum Notice<'a> {
    Ban {
        #[serde(serialize_with = "as_text")]
        time: Timestamp,
        /// From 1.
        number: usize,
        rule: String,
        #[serde(flatten)]
        banned: &'a Banned<'a>,
    },
    Lifted {
        #[serde(serialize_with = "as_text")]
        time: Timestamp,
        #[serde(flatten)]
        lifted: &'a Lifted,
    },
    Dropped {
        #[serde(serialize_with = "as_text")]
        time: Timestamp,
        #[serde(flatten)]
        dropped: &'a Dropped,
    },
    TakenBack {
        #[serde(serialize_with = "as_text")]
        time: Timestamp,
        #[serde(flatten)]
        taken_back: &'a TakenBack,
    },
}

impl<'a> Notice<'a> {
    /// What became of a ban.
    pub(crate) fn of_ban(banned: &'a Banned<'a>) -> Self {
        Self::Ban {
            time: Timestamp::now(),
            number: banned.ban.number,
            rule: banned.ban.rule.name.to_string(),
            banned,
        }
    }

    /// That an exception went.
    pub(crate) fn of_lifted(lifted: &'a Lifted) -> Self {
        let time = Timestamp::now();
        Self::Lifted { time, lifted }
    }

    /// That a ban gave way.
    pub(crate) fn of_dropped(dropped: &'a Dropped) -> Self {
        let time = Timestamp::now();
        Self::Dropped { time, dropped }
    }

    /// That a ban was taken back.
    pub(crate) fn of_taken_back(taken_back: &'a TakenBack) -> Self {
        let time = Timestamp::now();
        Self::TakenBack { time, taken_back }
    }
}

/// Whether a ban was made, prolonged or refused, which whoever listens wants to know.
pub(crate) fn is_notable(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Added | Outcome::Refreshed | Outcome::Refused(_)
    )
}

/// What was done by hand, as one object.
#[derive(Serialize)]
pub(crate) struct ByHandNotice<'a, T> {
    /// `ban` or `unban`.
    pub(crate) event: &'static str,
    #[serde(serialize_with = "as_text")]
    pub(crate) time: Timestamp,
    /// What the command says with `--json`.
    #[serde(flatten)]
    pub(crate) done: &'a T,
}
