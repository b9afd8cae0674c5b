//! What the kernel has not is asked for when it has refused.

use std::ops::ControlFlow;

use netns_testbed::{Failed, Trial, trial};
use serde_json::Value;

use crate::machine::Machine;
use crate::traced::traced;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial(
        "what_the_kernel_lacks_is_asked_after_a_refusal",
        asked_after_a_refusal,
    )]
}

/// A service with a limit, which is a match of iptables'.
const LIMITED: &str =
    "[[service]]\nname = \"ssh\"\nprotocol = \"tcp\"\nports = [22]\nrate = \"10/minute\"\n";
/// The match, and a name that no kernel has.
const NAMES: [&[u8]; 2] = [b"hashlimit\0", b"hashlimix\0"];

/// What is sent to the kernel: `linux/netfilter/nfnetlink.h` and `nf_tables_compat.h`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Message {
    /// `NFNL_MSG_BATCH_BEGIN`
    Transaction,
    /// `NFNL_SUBSYS_NFT_COMPAT << 8 | NFNL_MSG_COMPAT_GET`
    Question,
}

impl Message {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.get(4..6)? {
            [0x10, 0] => Some(Self::Transaction),
            [0, 11] => Some(Self::Question),
            _ => None,
        }
    }
}

/// Nothing is asked of a kernel that has everything.
fn asked_after_a_refusal() -> Result<(), Failed> {
    let machine = Machine::new()?;
    let (said, sent) = apply(&machine, false)?;
    assert_eq!(said["exit_status"], 0, "{said:#}");
    assert!(sent.contains(&Message::Transaction), "{sent:?}");
    assert!(!sent.contains(&Message::Question), "{sent:?}");
    machine.reset()?.exits(0)?;

    let (said, sent) = apply(&machine, true)?;
    assert_ne!(said["exit_status"], 0, "{said:#}");
    let first = sent.iter().position(|one| *one == Message::Question);
    let refused = sent.iter().position(|one| *one == Message::Transaction);
    assert!(refused.is_some() && first > refused, "{sent:?}");
    let errors = said["errors"].to_string();
    for word in [
        "the kernel has no xt match hashlimit",
        "module xt_hashlimit",
    ] {
        assert!(errors.contains(word), "{word}: {errors}");
    }
    // The host is not left open.
    assert_eq!(said["applied"], "floor", "{said:#}");
    Ok(())
}

/// What `apply` says, and what it sent, of a kernel that has the match or has it not.
fn apply(machine: &Machine, lacks: bool) -> Result<(Value, Vec<Message>), Failed> {
    let mut sent = Vec::new();
    let said = traced(&machine.arguments(LIMITED, &[])?, |call| {
        for piece in call.sends()? {
            sent.extend(Message::of(&piece.bytes));
            let mut bytes = piece.bytes.clone();
            let [has, has_not] = NAMES;
            let places: Vec<usize> = bytes
                .windows(has.len())
                .enumerate()
                .filter(|(_, window)| *window == has)
                .map(|(at, _)| at)
                .collect();
            for at in places {
                if let (true, Some(name)) = (lacks, bytes.get_mut(at..at + has.len())) {
                    name.copy_from_slice(has_not);
                }
            }
            if bytes != piece.bytes {
                piece.change(&bytes)?;
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let said = said.ok_or("it was killed")?;
    Ok((serde_json::from_str(&said)?, sent))
}
