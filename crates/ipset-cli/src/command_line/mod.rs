//! The words of a command line: options, the command, and what belongs to it.

/// Options that stand anywhere on a line and are about how the command is run.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "options are there or not, in any mixture"
)]
pub struct Options {
    /// How to write a listing; the command has a default.
    pub output: Option<Output>,
    pub sorted: bool,
    pub quiet: bool,
    pub resolve: bool,
    pub exist: bool,
    /// Names of sets only.
    pub names: bool,
    /// Headers of sets only.
    pub terse: bool,
    /// Where `restore` reads and listings are written.
    pub file: Option<String>,
}

/// How a listing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    Plain,
    Save,
    Xml,
    Json,
}
