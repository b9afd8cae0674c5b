//! The arguments after a set and its entry.

use ipset_netlink::Family;

use super::Session;
use crate::command_line::{Command, Stop};
use crate::grammar::{self, Values};
use crate::types::{Argument, CommandSpec, Field, TypeSpec};

/// Which arguments are read: the family comes first, wherever it stands, since others depend on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Family,
    Others,
}

/// A command on sets of one type, in the revision the kernel has.
#[derive(Clone, Copy)]
pub(super) struct Syntax {
    pub(super) command: Command,
    spec: &'static TypeSpec,
    of_command: &'static CommandSpec,
    revision: u8,
}

impl Syntax {
    pub(super) fn new(command: Command, spec: &'static TypeSpec, revision: u8) -> Self {
        let of_command = match command {
            Command::Create => &spec.create,
            Command::Add => &spec.add,
            Command::Del => &spec.del,
            _ => &spec.test,
        };
        Self {
            command,
            spec,
            of_command,
            revision,
        }
    }

    /// Its arguments, with those that a newer kernel would have.
    fn arguments(&self) -> impl Iterator<Item = (Argument, u8)> + '_ {
        self.of_command.arguments.iter().copied()
    }

    fn find(&self, word: &str) -> Result<Argument, Stop> {
        let name = word.strip_prefix("--").unwrap_or(word);
        let mut newer = None;
        for (argument, since) in self.arguments() {
            if argument.name() == name {
                if since <= self.revision {
                    return Ok(argument);
                }
                newer = newer.or(Some(since));
            }
        }
        Err(Stop::Usage(match newer {
            None => format!("Unknown argument: `{word}'"),
            Some(since) => format!(
                "Argument `{word}' is supported in the kernel module of the set type {} starting from \
                 the revision {since} and you have installed revision {} only. Your kernel is behind \
                 your ipset utility.",
                self.spec.name, self.revision
            ),
        }))
    }

    /// What a line must say, and what it must not.
    pub(super) fn check(&self, values: &Values) -> Result<(), Stop> {
        let CommandSpec {
            needed, allowed, ..
        } = self.of_command;
        // A network is a range, too.
        let given = |field| values.has(field) || (field == Field::IpTo && values.has(Field::Cidr));
        let missing = self
            .arguments()
            .map(|(argument, _)| argument)
            .find(|argument| needed.contains(argument.field()) && !given(argument.field()));
        if let Some(argument) = missing {
            return Err(Stop::Usage(format!(
                "Mandatory option `{}' is missing",
                argument.name()
            )));
        }
        for (field, what) in [
            (Field::IpTo, "FROM-TO IP range"),
            (Field::Cidr, "IP/CIDR range"),
            (Field::PortTo, "FROM-TO port range"),
        ] {
            let allowed =
                allowed.contains(field) || (field == Field::Cidr && allowed.contains(Field::IpTo));
            if values.has(field) && !allowed {
                return Err(Stop::Failed(format!(
                    "{what} is not allowed in command {} with set type {} and family {}",
                    self.command.name(),
                    self.spec.name,
                    values.family.unwrap_or(Family::Unspec),
                )));
            }
        }
        Ok(())
    }
}

impl Session {
    pub(super) fn read_arguments(
        &mut self,
        syntax: Syntax,
        words: &[String],
        which: Which,
        values: &mut Values,
    ) -> Result<(), Stop> {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let argument = syntax.find(word)?.definition();
            let text = if argument.takes_value {
                words.next().ok_or_else(|| {
                    Stop::Usage(format!(
                        "Missing mandatory argument of option `{}'",
                        argument.name
                    ))
                })?
            } else {
                word
            };
            if (argument.field == Field::Family) != (which == Which::Family) {
                continue;
            }
            let assumed = argument.field == Field::Family && values.family_is_assumed;
            if values.has(argument.field) && !argument.field.is_flag() && !assumed {
                return Err(self
                    .report
                    .syntax_error(format_args!("{} already specified", argument.name))
                    .into());
            }
            grammar::read_argument(values, &mut self.report, syntax.find(word)?, text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types;

    fn syntax(command: Command, name: &str, revision: u8) -> Syntax {
        Syntax::new(command, types::find(name).unwrap(), revision)
    }

    #[test]
    fn an_argument_that_the_kernel_is_too_old_for_is_told_apart() {
        let create = |revision| syntax(Command::Create, "hash:ip", revision).find("--bitmask");
        assert_eq!(create(6), Ok(Argument::Bitmask));
        assert_eq!(
            create(5),
            Err(Stop::Usage(
                "Argument `--bitmask' is supported in the kernel module of the set type hash:ip starting \
                 from the revision 6 and you have installed revision 5 only. Your kernel is behind your \
                 ipset utility."
                    .into()
            ))
        );
        assert_eq!(
            syntax(Command::Del, "hash:ip", 6).find("comment"),
            Err(Stop::Usage("Unknown argument: `comment'".into()))
        );
    }

    #[test]
    fn what_is_missing_is_the_first_argument_that_would_say_it() {
        let create = syntax(Command::Create, "bitmap:ip", 3);
        let mut values = Values::default();
        let missing =
            |name: &str| Err(Stop::Usage(format!("Mandatory option `{name}' is missing")));
        assert_eq!(create.check(&values), missing("range"));
        values.given.insert(Field::Ip);
        assert_eq!(create.check(&values), missing("to"));
        values.given.insert(Field::Cidr);
        assert_eq!(create.check(&values), Ok(()));
    }

    #[test]
    fn what_must_not_be_said_is_called_by_what_it_is() {
        let mut values = Values::default();
        values.given.insert(Field::Ip);
        values.given.insert(Field::Cidr);
        let of = |name, command| syntax(command, name, 3).check(&values);
        assert_eq!(of("hash:net", Command::Test), Ok(()));
        assert_eq!(of("hash:ip", Command::Add), Ok(()));
        assert_eq!(
            of("bitmap:ip", Command::Test),
            Err(Stop::Failed(
                "IP/CIDR range is not allowed in command test with set type bitmap:ip and family unspec"
                    .into()
            ))
        );
    }
}
