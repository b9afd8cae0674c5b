//! Lists multiply, and a packet is held against one rule after another.

use iptables_ruleset::Config;

#[test]
fn a_service_of_too_many_combinations_is_refused_with_a_hint() {
    let list = |count: u32, item: &dyn Fn(u32) -> String| {
        let items: Vec<String> = (0..count).map(item).collect();
        format!("[{}]", items.join(", "))
    };
    let address = |number: u32| format!("\"192.0.{}.{}\"", number / 256, number % 256);
    let port = |number: u32| (2 * number + 1).to_string();
    let service = |sources: u32, destinations: u32, ports: u32| {
        format!(
            "[[service]]\nname = \"x\"\nprotocol = [\"tcp\", \"udp\"]\nports = {}\nsources = {}\ndestinations = {}\n",
            list(ports, &port),
            list(sources, &address),
            list(destinations, &address)
        )
    };
    // Two protocols, and 15 ports at a time.
    for (sources, destinations, ports, wrong) in [
        (500, 1, 15, None),
        (
            501,
            1,
            15,
            Some((5, "1002 rules", "put them into a set (\"set:NAME\")")),
        ),
        (10, 26, 30, Some((6, "1040 rules", "name networks"))),
        (25, 20, 15, None),
        (10, 5, 180, Some((4, "1200 rules", "name ranges of ports"))),
    ] {
        let read = Config::parse(&service(sources, destinations, ports));
        match wrong {
            None => assert!(read.is_ok(), "{read:?}"),
            Some((line, count, hint)) => {
                let error = read.unwrap_err();
                let said = error.to_string();
                assert_eq!(error.line(), line, "{said}");
                assert!(said.contains(count) && said.contains(hint), "{said}");
            }
        }
    }
}

#[test]
fn what_goes_out_or_is_passed_on_has_the_same_bound() {
    let networks = |count: u32| {
        let all: Vec<String> = (0..count)
            .map(|n| format!("\"192.0.{}.{}\"", n / 256, n % 256))
            .collect();
        format!("[{}]", all.join(", "))
    };
    let out = |count| {
        format!(
            "[[output.service]]\nname = \"x\"\nprotocol = [\"tcp\", \"udp\"]\nports = [1]\ndestinations = {}\n",
            networks(count)
        )
    };
    let through = |count| {
        format!(
            "[[forward.allow]]\nfrom = [\"a\", \"b\"]\nto = \"c\"\nsources = {}\n",
            networks(count)
        )
    };
    let sent_on = |count| {
        format!(
            "[[forward.port]]\non = \"a\"\nprotocol = [\"tcp\", \"udp\"]\nport = 1\nto = \"10.0.0.1\"\nsources = {}\n",
            networks(count)
        )
    };
    for (file, line) in [
        (&out as &dyn Fn(u32) -> String, 5),
        (&through, 4),
        (&sent_on, 6),
    ] {
        assert!(Config::parse(&file(500)).is_ok());
        let error = Config::parse(&file(501)).unwrap_err();
        let said = error.to_string();
        assert_eq!(error.line(), line, "{said}");
        assert!(
            said.contains("takes 1002 rules or more") && said.contains("put them into a set"),
            "{said}"
        );
    }
    // A set is one look, whoever is in it, and IPv6 has rules of its own.
    let both = "[[forward.allow]]\nfrom = \"a\"\nsources = [\"set:x\"]\n";
    assert!(Config::parse(both).is_ok());
}
