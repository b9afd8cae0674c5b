//! Words for the log of the host, from a process that nobody reads.

use netfilter_host::host_log::HostLog;
pub(crate) use netfilter_host::host_log::Level;

use crate::host::Host;

/// Says it to the journal, or else to syslog, or else to the kernel's log: to the first that takes
/// it. Waits for none of them.
pub(crate) fn tell(host: &Host, level: Level, message: &str) {
    let log = HostLog::under(&host.path("/")).or_kernel();
    // There is nobody left to be told that.
    let _ = log.tell(env!("CARGO_PKG_NAME"), level, message, &[]);
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::host::testing::Made;

    #[test]
    fn the_kernel_s_log_has_it_where_there_is_no_other() {
        let made = Made::new(&[("/dev/kmsg", "")]);
        tell(&made.host(), Level::Critical, "it\nfails");
        let kernel = fs::read_to_string(made.host().path("/dev/kmsg")).unwrap();
        assert!(kernel.starts_with("<26>firewall-apply["), "{kernel}");
        assert!(kernel.ends_with("]: it fails"), "{kernel}");
    }
}
