/// A kernel in memory, for tests that need no privileges.
#[derive(Debug, Clone, Default)]
pub struct FakeKernel {}
