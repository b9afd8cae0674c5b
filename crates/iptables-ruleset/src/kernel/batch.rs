/// Changes that the kernel makes all or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {}
