//! From the kernel's number to an error that says what to do about it.

use std::{thread, time::Duration};

use super::exchange::Failure;
use crate::{
    Error, Family, IpSet, SetHeader, Transport,
    error::{Cause, KernelError, Operation},
    set_type::Kind,
};

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
        let cause = match failure {
            Failure::Input(error) => Cause::Input(error),
            Failure::Transport(error) => Cause::Transport(error),
            Failure::Decode(error) => Cause::Decode(error),
            Failure::Refused { code, .. } => {
                let cause = self.explain_number(code, &operation, header);
                return Error::new(operation, cause).with_code(code);
            }
        };
        Error::new(operation, cause)
    }

    fn explain_number(
        &mut self,
        code: u32,
        operation: &Operation,
        known: &mut Option<SetHeader>,
    ) -> KernelError {
        let error = KernelError::new(code, operation);
        let of_interest = KernelError::is_type_specific(code)
            || matches!(
                error,
                KernelError::SetExists { .. } | KernelError::Malformed | KernelError::Busy
            );
        let (true, Some(set)) = (of_interest, operation.set()) else {
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
                    references: header.references,
                }
            }
            // What the kernel says of an address of the other family.
            KernelError::Malformed
                if differs(operation.key().and_then(crate::Key::family), header.family) =>
            {
                KernelError::FamilyMismatch(header.family)
            }
            _ if KernelError::is_type_specific(code)
                && header.set_type.kind() == Some(Kind::Hash) =>
            {
                KernelError::of_hash(code, header)
            }
            error => error,
        }
    }

    /// Tries again while another program lists the set, which ends by itself, for about a second.
    ///
    /// The kernel has one number for that and for a set that rules refer to; the header tells them apart.
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

fn differs(family: Option<Family>, of_set: Family) -> bool {
    family.is_some_and(|family| family != of_set)
}

const LONGEST_PAUSE: Duration = Duration::from_millis(512);
