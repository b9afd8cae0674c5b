//! The kernel's error numbers in the words of `ipset`.
