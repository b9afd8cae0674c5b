//! Replaces the contents of a set with a long list in one step, and accounts for every entry of the
//! list. What is refused is left out; where every entry must go in or none, `IpSet::replace_all`
//! does all of this in one call.
//!
//! ```sh
//! cargo build -p rampart-examples --examples
//! unshare --user --map-root-user --net target/debug/examples/fill_set
//! ```
//!
//! You will see that 100000 networks went in, that one was refused and why, and that the set under
//! its old name holds the new list. On the host: `ipset list -t blocklist` shows it, `ipset destroy
//! blocklist` undoes it.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};

use ipset_netlink::{CreateSet, Entry, Family, IfExists, IfMissing, IpSet, Key, SetName, SetType};

fn main() -> Result<(), Box<dyn Error>> {
    let list = (0..100_000_u32)
        .map(network)
        .chain(["2001:db8::1".parse()?]);

    let mut sets = IpSet::connect()?;
    let blocklist: SetName = "blocklist".parse()?;
    let filling: SetName = "blocklist-new".parse()?;
    for name in [&blocklist, &filling] {
        let create =
            CreateSet::new(name.clone(), SetType::HashNet, Family::Inet).max_elements(200_000);
        sets.create(&create, IfExists::Update)?;
    }

    // A rule that refers to "blocklist" sees the old list until the swap and the new one from then
    // on.
    sets.flush(&filling)?;
    let outcome = sets.add_all(&filling, list.map(Entry::new), IfExists::Update)?;
    sets.swap(&filling, &blocklist)?;
    sets.destroy(&filling, IfMissing::Fail)?;

    println!("{} entries accepted", outcome.accepted);
    for failure in &outcome.failures {
        println!("entry {} refused: {}", failure.index, failure.error);
    }
    println!(
        "10.0.7.1 is in {blocklist}: {}",
        sets.contains(&blocklist, &"10.0.7.1".parse()?)?
    );
    Ok(())
}

/// The `n`th network of 256 addresses from 10.0.0.0 on.
fn network(n: u32) -> Key {
    let address = IpAddr::from(Ipv4Addr::from(0x0a00_0000 + (n << 8)));
    Key::net(address, 24).unwrap_or(Key::from(address))
}
