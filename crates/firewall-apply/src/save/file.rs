//! Files that only root reads, written whole or not at all.

use std::path::Path;

use netfilter_host::whole_file::{self, Readers, WriteError};

/// Replaces `path` by `content`, with mode 0600: readers see the old file or the new one, also
/// after a crash.
///
/// A missing directory is created with mode 0700.
///
/// # Errors
///
/// Those of [`whole_file::write`]. The old file is then as it was.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<(), WriteError> {
    whole_file::write(path, content, Readers::Owner)
}
