//! Who has completed TCP handshakes: a source that forges its address gets no answer, and can
//! complete none.

use std::cell::RefCell;

use ban_sets::PrefixMap;
use jiff::{SignedDuration, Timestamp};
use netfilter_host::conntrack::Conntrack;

use crate::error::chain;
use crate::violation::Ban;

/// Seconds by which a connection may begin earlier than the log says.
const SLACK: SignedDuration = SignedDuration::from_secs(2);

/// The connections of each address that it opened by a handshake, once they have been asked for;
/// of each its begin, where the kernel keeps that.
#[derive(Default)]
pub(crate) struct Handshakes {
    known: Option<PrefixMap<Vec<Option<Timestamp>>>>,
    failed: Option<String>,
}

impl Handshakes {
    /// Whether the source of a ban has completed as many as make a violator, none of them before
    /// the window. Nobody has where the kernel does not tell.
    pub(crate) fn prove(&mut self, ban: &Ban<'_>) -> bool {
        let within = SignedDuration::try_from(std::time::Duration::from(ban.rule.within));
        let window = within.unwrap_or(SignedDuration::MAX).saturating_add(SLACK);
        let begin = ban.violator.last_violating.saturating_sub(window);
        let begin = begin.unwrap_or(Timestamp::MIN);
        let connections = self.known().within(ban.source().network());
        let all = connections.flat_map(|(_, connections)| connections);
        let proven = all.filter(|began| began.is_none_or(|began| began >= begin));
        u32::try_from(proven.count()).unwrap_or(u32::MAX) >= ban.rule.howmany.get()
    }

    fn known(&mut self) -> &PrefixMap<Vec<Option<Timestamp>>> {
        self.known.get_or_insert_with(|| {
            ask().unwrap_or_else(|why| {
                self.failed = Some(format!(
                    "cannot tell who has completed a handshake, so that rules with handshake ban nobody: {why}"
                ));
                PrefixMap::default()
            })
        })
    }

    /// What to say where the kernel did not answer.
    pub(crate) fn warning(self) -> Option<String> {
        self.failed
    }
}

fn ask() -> Result<PrefixMap<Vec<Option<Timestamp>>>, String> {
    let mut conntrack = Conntrack::open().map_err(|error| chain(&error))?;
    let known = RefCell::new(PrefixMap::<Vec<_>>::default());
    // A busy server has more connections than have to be kept as such.
    let asked = conntrack.connections(|connection| {
        if connection.is_by_handshake() {
            let source = connection.source().into();
            let mut known = known.borrow_mut();
            known.or_default(source).push(connection.began());
        }
        false
    });
    asked.map_err(|error| chain(&error))?;
    Ok(known.into_inner())
}
