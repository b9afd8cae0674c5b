//! Where something stands in a file.

use std::fmt::{self, Display, Formatter};
use std::path::Path;
use std::rc::Rc;

use crate::findings::Problem;

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: Rc<Path>,
    /// From 1; 0 is the file as a whole.
    pub(crate) line: usize,
}

impl Place {
    /// A problem there.
    pub(crate) fn problem(&self, message: String) -> Problem {
        match self.line {
            0 => Problem::file(&self.path, message),
            line => Problem::line(&self.path, line, message),
        }
    }
}

/// `/etc/csf/csf.conf:12`.
impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match self.line {
            0 => Ok(()),
            line => write!(f, ":{line}"),
        }
    }
}
