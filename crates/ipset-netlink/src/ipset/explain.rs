//! From the kernel's number to an error that says what to do about it.

use std::thread;
use std::time::Duration;

use super::exchange::Failure;
use crate::error::{Cause, InputError, KernelError, Operation};
use crate::{Element, Error, Family, IpSet, Key, SetHeader, Transport};

impl<T: Transport> IpSet<T> {
    /// Says why `operation` failed, with a look at the set where the number alone does not tell.
    pub(super) fn explain(&mut self, operation: Operation, failure: Failure) -> Error {
        let mut header = None;
        self.explain_with(operation, failure, &mut header)
    }

    /// As [`IpSet::explain`], for many failures with one set: its header is read once.
    pub(super) fn explain_with(
        &mut self,
        operation: Operation,
        failure: Failure,
        header: &mut Option<SetHeader>,
    ) -> Error {
        let (error, is_change) = match failure {
            Failure::Input(error) => return Error::new(operation, error),
            Failure::Question(error) => (error, false),
            Failure::Change(error) => (error, true),
        };
        let outcome_unknown = is_change && error.is_outcome_unknown();
        let cause = match error {
            netlink_session::Error::Refused { code, .. } => {
                let cause = self.explain_number(code, &operation, header);
                return Error::new(operation, cause).with_code(code);
            }
            netlink_session::Error::Length(length) => InputError::TooLong(length).into(),
            netlink_session::Error::Decode(error) => error.into(),
            error => Cause::Transport(error.into()),
        };
        let error = Error::new(operation, cause);
        if outcome_unknown {
            return error.with_outcome_unknown();
        }
        error
    }

    fn explain_number(
        &mut self,
        code: u32,
        operation: &Operation,
        known: &mut Option<SetHeader>,
    ) -> KernelError {
        let error = KernelError::new(code, operation);
        match (&error, operation) {
            // There may be no set to look at, or one of another type.
            (KernelError::Unknown(_), Operation::Create { set_type, .. })
                if KernelError::is_type_specific(code) =>
            {
                return KernelError::of_type(code, set_type, None, operation);
            }
            (KernelError::Busy, Operation::DestroyAll) => return self.explain_busy_sets(),
            (
                KernelError::SetExists { .. }
                | KernelError::Malformed
                | KernelError::Busy
                | KernelError::Unknown(_),
                _,
            ) => {}
            _ => return error,
        }
        let Some(set) = operation.set() else {
            return error;
        };
        if known.is_none() {
            *known = self.read_header(set).ok();
        }
        let Some(header) = known else {
            return error;
        };
        match error {
            KernelError::SetExists { .. } => KernelError::SetExists {
                header: Some(Box::new(header.clone())),
            },
            KernelError::Busy
                if header.references > 0 && !matches!(operation, Operation::Swap(..)) =>
            {
                KernelError::InUse {
                    set: None,
                    references: header.references,
                }
            }
            // What the kernel says of an address of the other family.
            KernelError::Malformed
                if operation
                    .key()
                    .is_some_and(|key| differs(key, header.family)) =>
            {
                KernelError::FamilyMismatch(header.family)
            }
            KernelError::Unknown(_) if KernelError::is_type_specific(code) => {
                KernelError::of_type(code, &header.set_type, Some(&header.options), operation)
            }
            error => error,
        }
    }

    /// Which of all sets cannot be destroyed.
    fn explain_busy_sets(&mut self) -> KernelError {
        let headers = self.headers().unwrap_or_default();
        let used = headers.into_iter().find(|header| header.references > 0);
        used.map_or(KernelError::Busy, |header| KernelError::InUse {
            references: header.references,
            set: Some(header.name),
        })
    }

    /// Tries again while another program lists the set, which ends by itself, for about a second.
    ///
    /// The kernel has one number for that and for a set that rules refer to; the header tells them
    /// apart.
    pub(super) fn with_patience(
        &mut self,
        operation: &Operation,
        mut attempt: impl FnMut(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Error> {
        let mut pause = Duration::from_millis(1);
        loop {
            let Err(failure) = attempt(self) else {
                return Ok(());
            };
            let error = self.explain(operation.clone(), failure);
            if !error.is_being_listed() || pause > LONGEST_PAUSE {
                return Err(error);
            }
            thread::sleep(pause);
            pause *= 2;
        }
    }
}

fn differs(key: &Key, family: Family) -> bool {
    let mut families = key.elements().iter().filter_map(Element::family);
    families.any(|of_element| of_element != family)
}

const LONGEST_PAUSE: Duration = Duration::from_millis(512);
