//! What `help` prints.

use std::io::{self, Write};

use ipset_netlink::text::IcmpNames;

use super::command::COMMANDS;
use super::option::OPTIONS;
use super::{PROGRAM, VERSION};
use crate::types::{self, Families, TypeSpec};

/// Commands and options.
pub(crate) fn help(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{PROGRAM} v{VERSION}\n\nUsage: {PROGRAM} [options] COMMAND\n\nCommands:"
    )?;
    for command in &COMMANDS {
        writeln!(out, "{} {}", command.name(), command.help)?;
    }
    writeln!(out, "\nOptions:")?;
    for option in &OPTIONS {
        writeln!(out, "{} {}", option.short, option.help)?;
    }
    Ok(())
}

/// One type, or a list of them all.
pub(crate) fn type_help(out: &mut dyn Write, spec: Option<&TypeSpec>) -> io::Result<()> {
    match spec {
        Some(spec) => one_type(out, spec),
        None => all_types(out),
    }
}

fn all_types(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nSupported set types:")?;
    for spec in types::ALL.iter() {
        let tabs = if spec.name.len() < 12 { "\t\t" } else { "\t" };
        for (number, description) in spec.revisions.iter().rev() {
            writeln!(out, "    {}{tabs}{number}\t{description}", spec.name)?;
        }
    }
    Ok(())
}

fn one_type(out: &mut dyn Write, spec: &TypeSpec) -> io::Result<()> {
    let name = spec.name;
    writeln!(out, "\n{name} type specific options:\n")?;
    for (command, of) in [
        ("create", &spec.create),
        ("add   ", &spec.add),
        ("del   ", &spec.del),
        ("test  ", &spec.test),
    ] {
        writeln!(out, "{command} SETNAME {name} {}", of.help)?;
        for (argument, _) in &of.arguments {
            let help = argument.definition().help;
            if !help.is_empty() {
                writeln!(out, "               {help}")?;
            }
        }
    }
    writeln!(out, "\n{}", spec.usage.join("\n"))?;
    if spec.explains_ports {
        ports(out)?;
    }
    let families = match spec.families {
        Families::Neutral => "is family neutral",
        Families::Both => "supports inet and inet6",
        Families::Inet => "supports family inet only",
    };
    writeln!(out, "\nType {name} {families}.")
}

fn ports(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(
        b"      [PROTO:]PORT is a valid pattern of the following:
           PORTNAME         TCP port name from /etc/services
           PORTNUMBER       TCP port number identifier
           tcp|sctp|udp|udplite:PORTNAME|PORTNUMBER
           icmp:CODENAME    supported ICMP codename
           icmp:TYPE/CODE   ICMP type/code value
           icmpv6:CODENAME  supported ICMPv6 codename
           icmpv6:TYPE/CODE ICMPv6 type/code value
           PROTO:0          all other protocols

",
    )?;
    for names in [IPPROTO_ICMP, IPPROTO_ICMPV6]
        .into_iter()
        .filter_map(IcmpNames::of)
    {
        writeln!(out, "           Supported {} codenames:", names.protocol())?;
        for name in names.names() {
            writeln!(out, "               {name}")?;
        }
    }
    Ok(())
}

// linux/in.h and linux/in6.h
const IPPROTO_ICMP: u8 = 1;
const IPPROTO_ICMPV6: u8 = 58;
