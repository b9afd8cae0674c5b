//! Each error provoked on the kernel, and what it says.

use ipset_netlink::{
    Counters, CreateSet, Error, Family, IfExists, IfMissing, IpSet, SetType, Timeout,
};
use netns_testbed::{Failed, Tool, Trial};

use crate::{entry, key, make, name, plain, seconds, with_session};

pub(crate) fn trials(trials: &mut Vec<Trial>) {
    with_session(trials, "errors_of_sets", errors_of_sets);
    with_session(trials, "errors_of_entries", errors_of_entries);
    with_session(trials, "errors_of_a_set_in_use", errors_of_a_set_in_use);
    with_session(trials, "errors_of_options", errors_of_options);
    with_session(
        trials,
        "a_listing_in_progress_is_waited_for",
        a_listing_in_progress_is_waited_for,
    );
    with_session(trials, "without_the_privilege", without_the_privilege);
}

/// Checks what went wrong, by text and by question.
#[track_caller]
pub(crate) fn expect<T: std::fmt::Debug>(
    result: Result<T, Error>,
    is: fn(&Error) -> bool,
    text: &str,
) {
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), text);
    assert!(is(&error), "{error}");
}

fn errors_of_sets(sets: &mut IpSet) -> Result<(), Failed> {
    let (gone, s) = (name("gone"), make(sets, "s"));
    let missing = Error::is_set_not_found;
    expect(
        sets.flush(&gone),
        missing,
        "cannot flush set \"gone\": there is no set \"gone\"",
    );
    expect(
        sets.destroy(&gone, IfMissing::Fail),
        missing,
        "cannot destroy set \"gone\": there is no set \"gone\"",
    );
    expect(
        sets.list(&gone),
        missing,
        "cannot list set \"gone\": there is no set \"gone\"",
    );
    expect(
        sets.header(&gone),
        missing,
        "cannot read the header of set \"gone\": there is no set \"gone\"",
    );
    expect(
        sets.index(&gone),
        missing,
        "cannot find the index of set \"gone\": there is no set \"gone\"",
    );
    expect(
        sets.swap(&gone, &s),
        missing,
        "cannot swap sets \"gone\" and \"s\": there is no set \"gone\"",
    );
    expect(
        sets.swap(&s, &gone),
        missing,
        "cannot swap sets \"s\" and \"gone\": there is no set \"gone\"",
    );
    expect(
        sets.rename(&gone, &s),
        missing,
        "cannot rename set \"gone\" to \"s\": there is no set \"gone\"",
    );
    expect(
        sets.add_all(&gone, [entry("192.0.2.1")], IfExists::Fail),
        missing,
        "cannot add entries to set \"gone\": there is no set \"gone\"",
    );
    let t = make(sets, "t");
    expect(
        sets.rename(&s, &t),
        Error::is_set_exists,
        "cannot rename set \"s\" to \"t\": there is a set of that name already",
    );
    expect(
        sets.create(&plain("s", SetType::HashNet, Family::Inet), IfExists::Fail),
        Error::is_set_exists,
        "cannot create set \"s\": it exists already, as hash:net family inet maxelem 65536",
    );
    expect(
        sets.create(&plain("s", SetType::HashIp, Family::Inet), IfExists::Update),
        Error::is_set_exists,
        "cannot create set \"s\": it exists already, as hash:net family inet maxelem 65536",
    );
    sets.create(
        &plain("six", SetType::HashNet, Family::Inet6),
        IfExists::Fail,
    )?;
    expect(
        sets.swap(&s, &name("six")),
        Error::is_type_mismatch,
        "cannot swap sets \"s\" and \"six\": the two are not of the same type and family",
    );
    Ok(())
}

fn errors_of_entries(sets: &mut IpSet) -> Result<(), Failed> {
    let set = make(sets, "s");
    let any: fn(&Error) -> bool = |_| true;
    let mut add = |entry, is, why: &str| {
        let text = format!("cannot add 192.0.2.7 to set \"s\": {why}");
        expect(sets.add(&set, &entry, IfExists::Update), is, &text);
    };
    let seven = entry("192.0.2.7");
    add(
        seven.clone().timeout(seconds(1)),
        Error::is_timeout_unsupported,
        "the set was created without timeouts",
    );
    add(
        seven.clone().timeout(Timeout::PERMANENT),
        Error::is_timeout_unsupported,
        "the set was created without timeouts",
    );
    add(
        seven.clone().comment("x".parse()?),
        Error::is_comment_unsupported,
        "the set was created without comments",
    );
    add(
        seven.clone().counters(Counters::default()),
        Error::is_counters_unsupported,
        "the set was created without counters",
    );

    sets.add(&set, &seven, IfExists::Fail)?;
    expect(
        sets.add(&set, &seven, IfExists::Fail),
        Error::is_entry_exists,
        "cannot add 192.0.2.7 to set \"s\": it is in the set already",
    );
    let six = entry("2001:db8::7");
    expect(
        sets.add(&set, &six, IfExists::Update),
        Error::is_family_mismatch,
        "cannot add 2001:db8::7 to set \"s\": the set holds inet addresses",
    );
    expect(
        sets.delete(&set, &key("2001:db8::7")),
        Error::is_family_mismatch,
        "cannot delete 2001:db8::7 from set \"s\": the set holds inet addresses",
    );

    let tiny = plain("tiny", SetType::HashIp, Family::Inet).max_elements(2);
    sets.create(&tiny, IfExists::Fail)?;
    let result = (1..=9).try_for_each(|n| {
        sets.add(
            &tiny.name,
            &entry(&format!("192.0.2.{n}")),
            IfExists::Update,
        )
    });
    expect(
        result,
        Error::is_set_full,
        "cannot add 192.0.2.3 to set \"tiny\": the set is full (maxelem 2)",
    );
    expect(
        sets.add(&tiny.name, &entry("0.0.0.0"), IfExists::Update),
        any,
        "cannot add 0.0.0.0 to set \"tiny\": the type cannot hold the address of zeros only",
    );
    Ok(())
}

fn errors_of_a_set_in_use(sets: &mut IpSet) -> Result<(), Failed> {
    let ipset = Tool::require("ipset")?;
    let set = make(sets, "s");
    ipset.run(&["create", "l", "list:set"])?;
    ipset.run(&["add", "l", "s"])?;
    assert_eq!(sets.header(&set)?.references, 1);
    expect(
        sets.destroy(&set, IfMissing::Fail),
        Error::is_busy,
        "cannot destroy set \"s\": it is in use by a rule or set",
    );
    expect(
        sets.rename(&set, &name("t")),
        Error::is_busy,
        "cannot rename set \"s\" to \"t\": it is in use by a rule or set",
    );
    expect(
        sets.destroy_all(),
        Error::is_busy,
        "cannot destroy all sets: set \"s\" is in use by a rule or set",
    );
    let t = make(sets, "t");
    sets.swap(&set, &t)?;
    sets.flush_all()?;
    sets.destroy_all()?;
    assert_eq!(sets.names()?, []);
    Ok(())
}

fn errors_of_options(sets: &mut IpSet) -> Result<(), Failed> {
    let any: fn(&Error) -> bool = |_| true;
    let create = |set_type, family| CreateSet::new(name("s"), set_type, family);
    expect(
        sets.create(
            &create(SetType::HashIp, Family::Inet).hash_size(1 << 31),
            IfExists::Fail,
        ),
        any,
        "cannot create set \"s\": Cannot allocate memory (os error 12)",
    );
    expect(
        sets.create(
            &create(SetType::HashNet, Family::Inet).netmask(24),
            IfExists::Fail,
        ),
        any,
        "cannot create set \"s\": hash:net sets have no netmask",
    );
    expect(
        sets.create(
            &create(SetType::HashIp, Family::Inet).netmask(33),
            IfExists::Fail,
        ),
        any,
        "cannot create set \"s\": the netmask is not one of the set's address family",
    );
    let result = sets.create(&create(SetType::HashIp, Family::Other(77)), IfExists::Fail);
    expect(
        result,
        Error::is_family_mismatch,
        "cannot create set \"s\": the type does not support this address family",
    );
    assert_eq!(sets.names()?, []);
    Ok(())
}

/// A program that lists a set and stops reading holds on to it; one that goes on reading lets go.
fn a_listing_in_progress_is_waited_for(sets: &mut IpSet) -> Result<(), Failed> {
    use ipset_netlink::{Entry, NetlinkFamily, NetlinkSocket, Transport};
    let (s, t) = (make(sets, "s"), make(sets, "t"));
    let entries = (1..=20_000_u32).map(|n| Entry::new(std::net::Ipv4Addr::from(n).into()));
    assert!(sets.add_all(&s, entries, IfExists::Fail)?.is_complete());
    let mut reader = NetlinkSocket::connect(NetlinkFamily::Netfilter)?;
    reader.send(&list_request())?;
    let mut datagram = Vec::new();
    reader.receive(&mut datagram)?;

    let busy = Error::is_busy;
    expect(
        sets.swap(&s, &t),
        busy,
        "cannot swap sets \"s\" and \"t\": another program is listing it",
    );
    expect(
        sets.destroy(&s, IfMissing::Fail),
        busy,
        "cannot destroy set \"s\": another program is listing it",
    );
    expect(
        sets.rename(&s, &name("u")),
        busy,
        "cannot rename set \"s\" to \"u\": another program is listing it",
    );
    expect(
        sets.destroy_all(),
        busy,
        "cannot destroy all sets: another program is listing it",
    );
    // These do not mind.
    sets.create(
        &plain("s", SetType::HashNet, Family::Inet),
        IfExists::Update,
    )?;
    sets.add(&s, &entry("198.51.100.1"), IfExists::Update)?;
    // Dropping the socket while we wait ends the listing.
    let waiter = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        drop(reader);
    });
    sets.swap(&s, &t)?;
    waiter.join().map_err(|_| "the reader panicked")?;
    Ok(())
}

/// Everything needs the privilege, the first question too. The child is in a user namespace that
/// does not own the network namespace.
fn without_the_privilege(_: &mut IpSet) -> Result<(), Failed> {
    let unshare = Tool::require("unshare")?;
    let this = std::env::current_exe()?;
    let said = unshare.run(&["--user", &this.to_string_lossy(), WITHOUT_PRIVILEGE])?;
    assert_eq!(
        said,
        "true cannot ask the kernel for its ipset protocol: \
         CAP_NET_ADMIN is needed in this network namespace\n"
    );
    Ok(())
}

/// What the child does.
pub(crate) fn try_without_privilege() {
    let error = IpSet::connect().unwrap_err();
    println!("{} {error}", error.is_permission_denied());
}

pub(crate) const WITHOUT_PRIVILEGE: &str = "--without-privilege";

fn list_request() -> Vec<u8> {
    use ipset_netlink::packet::{Command, IpSetAttribute, IpSetMessage};
    use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage};
    let list = IpSetMessage::new(Command::List, vec![IpSetAttribute::Protocol(7)]);
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut request = NetlinkMessage::new(header, list.into());
    request.finalize();
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);
    bytes
}
