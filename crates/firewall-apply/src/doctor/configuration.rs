//! Whether the configuration can be read, and is what went in.

use super::context::Context;
use super::found::{Found, Item, Outcome};
use crate::standing;

pub(super) const ITEM: Item = Item {
    name: "configuration",
    look,
};

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let failures = context.problems.iter();
    let mut found: Vec<Found> = failures
        .map(|problem| {
            Found::failure(
                problem.to_string(),
                "`firewall-apply check` shows the place",
            )
        })
        .collect();
    if let Some(why) = context.last.trouble() {
        found.push(Found::of_sentence(
            Outcome::Warning,
            &format!("the configuration that went in last cannot be read: {why}; `firewall-apply` writes it anew"),
        ));
    }
    if standing::is_changed(context.wanted, &context.last) == Some(true) {
        found.push(Found::warning(
            format!(
                "{} was changed since it went in",
                context.config.path.display()
            ),
            "`firewall-apply`",
        ));
    }
    if found.is_empty() {
        found.push(Found::ok(format!("{} can be read", context.config)));
    }
    found
}
