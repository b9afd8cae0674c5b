/// The `filter` tables of both families at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {}
