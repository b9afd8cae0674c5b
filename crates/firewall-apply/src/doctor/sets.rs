//! Whether the sets are there, of the right type, and have room.

use super::context::{Context, Kernel};
use super::found::{Found, Item};
use crate::findings::{Findings, causes};
use crate::lists::{Contents, Planned};
use crate::set_fill::SetFill;
use crate::sets::examine;

pub(super) const ITEM: Item = Item { name: "sets", look };

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let Some((
        expected,
        Kernel {
            sets: Some(sets), ..
        },
    )) = context.expected_and_kernel()
    else {
        return Vec::new();
    };
    let fine = format!("the {} sets are there and have room", expected.sets.len());
    Found::of_findings(&fine, |findings| {
        for one in examine(sets, &expected.sets, findings) {
            if one.usable && one.found.is_none() {
                findings.fail(format!(
                    "set \"{}\" is missing; `firewall-apply` makes it",
                    one.wanted.name()
                ));
            }
        }
        for wanted in &expected.sets {
            match SetFill::look(sets, &wanted.create) {
                // One that a file fills grows with it.
                Ok(_) if wanted.is_filled_by_a_file() => {}
                Ok(fill) => {
                    let why = fill.is_near_full(wanted.origin);
                    match fill.percent() {
                        Some(100..) => why.into_iter().for_each(|why| findings.fail(why)),
                        _ => why.into_iter().for_each(|why| findings.warn(why)),
                    }
                }
                Err(error) => findings.fail(causes(&error)),
            }
        }
        // Sets keep what they have, whatever is wrong with a file.
        let mut about_lists = Findings::default();
        let contents = Contents::read(&expected.lists, &mut about_lists);
        for planned in Planned::all(sets, &contents, expected, false, &mut about_lists) {
            if planned.sets.iter().any(|set| set.change().is_some()) {
                let name = &planned.list.name;
                findings.warn(format!(
                    "list \"{name}\" is not what its sets have; `firewall-apply refresh {name}`"
                ));
            }
        }
        for problem in about_lists.take() {
            findings.warn(problem);
        }
    })
}
