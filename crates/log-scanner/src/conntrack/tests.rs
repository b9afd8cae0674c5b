use ipset_netlink::testing::{Answer, Script};

use super::*;

const EPERM: i32 = 1;
const EINVAL: i32 = 22;
const ENOMEM: i32 = 12;

fn failure(code: i32) -> String {
    let script = Script::new([Answer::error(code)]);
    let mut conntrack = Conntrack::with_transport(script);
    let failure = conntrack.connections(|_| true).expect_err("refused");
    failure.to_string()
}

#[test]
fn what_the_kernel_says_is_said() {
    assert_eq!(failure(EPERM), "CAP_NET_ADMIN is missing");
    assert!(failure(EINVAL).contains("no connection tracking over netlink"));
    assert!(failure(ENOMEM).starts_with("the kernel refuses: "));
}

#[test]
fn silence_is_an_error() {
    let mut conntrack = Conntrack::with_transport(Script::new([]));
    let silence = conntrack.connections(|_| true);
    assert!(matches!(silence, Err(Error::Transport(_))), "{silence:?}");
}
