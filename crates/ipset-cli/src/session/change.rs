//! From the words of a line to what is asked of the kernel.

use ipset_netlink::packet::errno::IPSET_ERR_INVALID_CIDR;
use ipset_netlink::{CreateSet, Entry, Family, SetName};

use super::Session;
use super::arguments::{Syntax, Which};
use super::describe::describe;
use crate::command_line::{Call, Command, Stop};
use crate::grammar::{self, Values};
use crate::types::{self, Families, Field, Reading, TypeSpec};
use crate::{error_text, text};

/// An entry to be added, deleted or looked for.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) set: SetName,
    pub(crate) spec: &'static TypeSpec,
    pub(crate) entry: Entry,
    /// The entry in words, for a test.
    pub(crate) text: String,
}

impl Session {
    /// Reads a line that creates a set.
    pub(super) fn read_create(
        &mut self,
        call: &Call,
    ) -> Result<(CreateSet, &'static TypeSpec), Stop> {
        let set = self.read_set_name(call.first.as_deref().unwrap_or_default())?;
        let name = call.second.as_deref().unwrap_or_default();
        let spec = if text::len(name) > SetName::MAX_LEN {
            Err(self.report.syntax_error(format_args!(
                "typename '{name}' is longer than {} characters",
                SetName::MAX_LEN
            )))
        } else {
            types::find(name).ok_or_else(|| {
                self.report
                    .syntax_error(format_args!("typename '{name}' is unknown"))
            })
        }?;
        let revision = self.revision_of(spec)?;
        let mut values = Values::default();
        if spec.families != Families::Neutral {
            values.family = Some(spec.families.default_family());
            values.family_is_assumed = spec.families == Families::Both;
            values.given.insert(Field::Family);
        }
        let syntax = Syntax::new(Command::Create, spec, revision);
        self.read_arguments(syntax, &call.rest, Which::Family, &mut values)?;
        self.read_arguments(syntax, &call.rest, Which::Others, &mut values)?;
        syntax.check(&values)?;
        let create = values.create_set(&mut self.report, set, spec)?;
        Ok((create, spec))
    }

    /// Reads a line that adds, deletes or tests an entry.
    pub(crate) fn read_change(&mut self, call: &Call) -> Result<Change, Stop> {
        let set = self.read_set_name(call.first.as_deref().unwrap_or_default())?;
        let known = self.known_set(&set)?;
        let mut values = Values {
            family: Some(known.family),
            ..Values::default()
        };
        if known.family != Family::Unspec {
            values.given.insert(Field::Family);
        }
        let text = call.second.as_deref().unwrap_or_default();
        let read = grammar::read_entry(&mut values, &mut self.report, known.spec, text);
        self.tell_remarks(&values);
        read?;
        let syntax = Syntax::new(call.command, known.spec, known.revision);
        self.read_arguments(syntax, &call.rest, Which::Others, &mut values)?;
        syntax.check(&values)?;
        let mut words = String::new();
        let holds_addresses = matches!(
            &*known.spec.elements,
            [(Reading::Ip | Reading::IpOrRange, _), ..]
        );
        if call.command == Command::Test {
            words = describe(known.spec, &values);
            // The kernel looks for the first address of a range, and of a network where the set
            // holds no networks.
            values.ip_to = None;
            values.ip2_to = None;
            if holds_addresses {
                values.cidr = None;
            }
        } else if holds_addresses && values.cidr == Some(0) {
            // The host bits of what is sent are zero, so that the kernel would call it null.
            let text = error_text::text(IPSET_ERR_INVALID_CIDR, call.command, None);
            return Err(self.report.error(text).into());
        }
        let entry = values
            .entry(known.spec)
            .ok_or_else(|| Stop::Failed(format!("Cannot make an entry of {text}")))?;
        Ok(Change {
            set,
            spec: known.spec,
            entry,
            text: words,
        })
    }
}
