//! An engine that is only looked at: what would be told is not.

use ban_fleet::{Cursor, Engine, Host, Mark, Pardon, Pulled, Push, Snapshot};

/// Tells nothing, and answers as if it had.
pub(crate) struct Looking<'e, E> {
    engine: &'e mut E,
    pretended: Option<Mark>,
}

impl<'e, E> Looking<'e, E> {
    pub(crate) fn new(engine: &'e mut E) -> Self {
        Self {
            engine,
            pretended: None,
        }
    }
}

impl<E: Engine> Engine for Looking<'_, E> {
    type Error = E::Error;

    fn push(&mut self, origin: &Host, push: &Push<'_>) -> Result<Mark, E::Error> {
        let before = match self.pretended {
            Some(mark) => mark,
            None => self.engine.pull_since(origin, &Cursor::default())?.mark,
        };
        self.pretended = Some(push.mark);
        Ok(before)
    }

    fn pull_since(&mut self, reader: &Host, cursor: &Cursor) -> Result<Pulled, E::Error> {
        let mut pulled = self.engine.pull_since(reader, cursor)?;
        pulled.mark = self.pretended.unwrap_or(pulled.mark);
        Ok(pulled)
    }

    fn snapshot(&mut self, of: Option<&Host>, most: usize) -> Result<Snapshot, E::Error> {
        self.engine.snapshot(of, most)
    }

    fn pardon(&mut self, _: &Host, _: &Pardon) -> Result<(), E::Error> {
        Ok(())
    }
}
