//! A transport for tests.
