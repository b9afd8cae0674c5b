//! The shortest script that still shows a difference.

use netns_testbed::Failed;

use super::write::Generated;
use crate::pair::Pair;
use crate::script::Case;

/// Takes out commands, and then words, as long as a difference is left.
pub(crate) fn shortest(pair: &Pair, mut generated: Generated, failed: Failed) -> (Case, String) {
    let mut message = text(&failed);
    let mut shorter = true;
    while shorter {
        shorter = false;
        for at in (0..generated.commands.len()).rev() {
            let mut tried = generated.clone();
            tried.commands.remove(at);
            shorter |= keep(pair, &mut generated, tried, &mut message);
        }
    }
    for command in 0..generated.commands.len() {
        for word in (1..generated.commands[command].len()).rev() {
            let mut tried = generated.clone();
            tried.commands[command].remove(word);
            keep(pair, &mut generated, tried, &mut message);
        }
    }
    (generated.case(), message)
}

/// Puts `tried` in the place of `generated` if it differs as well.
fn keep(pair: &Pair, generated: &mut Generated, tried: Generated, message: &mut String) -> bool {
    let Err(failed) = pair.run(&tried.case()) else {
        return false;
    };
    *generated = tried;
    *message = text(&failed);
    true
}

fn text(failed: &Failed) -> String {
    failed.message().unwrap_or("failed").to_owned()
}
