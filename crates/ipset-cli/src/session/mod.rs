//! Runs commands on the kernel's sets.
