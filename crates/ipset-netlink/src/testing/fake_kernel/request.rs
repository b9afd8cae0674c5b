//! What is asked of the fake kernel, and how it refuses.

use crate::packet::{IpSetAttribute, IpSetMessage};
use crate::testing::{Answer, error_at_line};
use crate::{SetName, SetType};

/// What a request is about.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) name: Option<SetName>,
    pub(super) second: Option<SetName>,
    pub(super) set_type: Option<SetType>,
    pub(super) index: u16,
    pub(super) flags: u32,
}

impl Asked {
    pub(super) fn of(request: &IpSetMessage) -> Self {
        let mut asked = Self::default();
        for attribute in &request.attributes {
            match attribute {
                IpSetAttribute::SetName(name) => asked.name = Some(SetName::from_kernel(name)),
                IpSetAttribute::SetName2(name) => asked.second = Some(SetName::from_kernel(name)),
                IpSetAttribute::TypeName(name) => asked.set_type = name.parse().ok(),
                IpSetAttribute::Index(index) => asked.index = *index,
                IpSetAttribute::Flags(flags) => asked.flags = *flags,
                _ => {}
            }
        }
        asked
    }
}

/// An error number, and the line of the entry it is about.
pub(super) struct Refusal {
    pub(super) code: u32,
    pub(super) line: Option<u32>,
}

impl From<u32> for Refusal {
    fn from(code: u32) -> Self {
        Self { code, line: None }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let code = i32::try_from(refusal.code).unwrap_or(i32::MAX);
        match refusal.line {
            Some(line) => error_at_line(code, line),
            None => Self::error(code),
        }
    }
}
