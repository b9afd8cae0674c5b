//! The shortest script that still shows a difference.

use netns_testbed::Failed;

use super::write::Generated;
use crate::pair::Pair;
use crate::script::Case;

/// The first difference that a script shows.
pub(crate) fn difference(pair: &Pair, generated: &Generated) -> Result<Option<String>, Failed> {
    let generated = generated.clone().without_aftermath(pair)?;
    Ok(pair.run(&generated.case(), 1)?.pop())
}

/// Takes out commands, and then words, as long as a difference is left; the script, and its
/// difference.
pub(crate) fn shortest(pair: &Pair, mut generated: Generated) -> Result<(Case, String), Failed> {
    let mut shorter = true;
    while shorter {
        shorter = false;
        for at in (0..generated.commands.len()).rev() {
            let mut tried = generated.clone();
            tried.commands.remove(at);
            if difference(pair, &tried)?.is_some() {
                generated = tried;
                shorter = true;
            }
        }
    }
    for command in 0..generated.commands.len() {
        for word in (1..generated.commands[command].len()).rev() {
            let mut tried = generated.clone();
            tried.commands[command].remove(word);
            if difference(pair, &tried)?.is_some() {
                generated = tried;
            }
        }
    }
    let message = difference(pair, &generated)?.unwrap_or_default();
    Ok((generated.without_aftermath(pair)?.case(), message))
}
