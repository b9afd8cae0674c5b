//! The file that `restore` reads, line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Lines of a file, and whether reading on would have to wait for somebody to write.
pub(super) struct Input {
    file: BufReader<File>,
    /// It is all the same whether the next read waits.
    waits: bool,
}

/// What came of trying to read a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// The line is read, with its newline if it has one.
    Line,
    /// Nothing is there at the moment. What there is of a line has been read; it goes on where it
    /// was.
    Dry,
    /// The file has ended.
    End,
}

impl Input {
    pub(super) fn new(file: File) -> Self {
        Self {
            file: BufReader::with_capacity(BLOCK, file),
            waits: false,
        }
    }

    /// Appends the rest of a line to `line`.
    pub(super) fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<Read> {
        loop {
            if self.file.buffer().is_empty() && !self.waits && self.is_dry() {
                return Ok(Read::Dry);
            }
            let mut block = match self.file.fill_buf() {
                Ok(block) => block,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.waits = false;
            if block.is_empty() {
                let read = if line.is_empty() {
                    Read::End
                } else {
                    Read::Line
                };
                return Ok(read);
            }
            let length = block.read_until(b'\n', line)?;
            self.file.consume(length);
            if line.ends_with(b"\n") {
                return Ok(Read::Line);
            }
        }
    }

    /// From now until something is read, reading may wait.
    pub(super) fn wait(&mut self) {
        self.waits = true;
    }

    /// Whether a read would wait. Files never do; what cannot be asked is read.
    fn is_dry(&self) -> bool {
        let mut files = [PollFd::new(self.file.get_ref().as_fd(), PollFlags::POLLIN)];
        poll(&mut files, PollTimeout::ZERO) == Ok(0)
    }
}

/// How much of the file is read at once.
const BLOCK: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_pipe_runs_dry_and_goes_on_in_the_middle_of_a_line() {
        let (read, mut write) = UnixStream::pair().unwrap();
        let mut input = Input::new(File::from(OwnedFd::from(read)));
        let mut line = Vec::new();
        write.write_all(b"one\ntw").unwrap();
        assert_eq!(input.read_line(&mut line).unwrap(), Read::Line);
        assert_eq!(line, b"one\n");
        line.clear();
        assert_eq!(input.read_line(&mut line).unwrap(), Read::Dry);
        write.write_all(b"o\nthree").unwrap();
        input.wait();
        assert_eq!(input.read_line(&mut line).unwrap(), Read::Line);
        assert_eq!(line, b"two\n");
        line.clear();
        assert_eq!(input.read_line(&mut line).unwrap(), Read::Dry);
        drop(write);
        assert_eq!(input.read_line(&mut line).unwrap(), Read::Line);
        assert_eq!(line, b"three");
        line.clear();
        assert_eq!(input.read_line(&mut line).unwrap(), Read::End);
    }
}
