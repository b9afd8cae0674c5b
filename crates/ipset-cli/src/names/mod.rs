//! Names of hosts and services, which are numbers in the kernel.

mod host;
mod service;

pub(crate) use host::{Host, address_of, name_of};
pub(crate) use service::port_of;
