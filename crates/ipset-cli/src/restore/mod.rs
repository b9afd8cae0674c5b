//! Reads commands from a file.
