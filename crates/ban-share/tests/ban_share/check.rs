//! `check` and `acl`.

use std::fs;

use crate::server::{Server, path, program};

#[test]
fn a_host_with_its_rules_is_as_it_should_be() {
    let Some(server) = Server::start(&["web1"]) else {
        return;
    };
    let config = server.config("web1");
    let checked = program(&["check", "--config", path(&config)]);
    let text = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(0), "{text}");
    assert!(text.starts_with("web1 of fleet main; engine /"), "{text}");
    assert!(text.contains(", version "), "{text}");
    let checked = program(&["check", "--json", "--config", path(&config)]);
    let json: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(
        (&json["version"], &json["host"], &json["findings"]),
        (&1.into(), &"web1".into(), &serde_json::json!([]))
    );
}

#[test]
fn rights_that_are_too_few_or_too_many_are_named() {
    let Some(server) = Server::start(&["web1"]) else {
        return;
    };
    let config = server.config("root");
    let text = fs::read_to_string(&config)
        .unwrap()
        .replace("host = \"root\"", "host = \"web1\"")
        .replace("[engine]\n", "[engine]\nuser = \"root\"\n");
    fs::write(&config, text).unwrap();
    let checked = program(&["check", "--config", path(&config)]);
    let text = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(1), "{text}");
    assert!(
        text.contains("[WARNING] the server lets web1 write the keys of others"),
        "{text}"
    );
    assert!(text.contains("ask for its configuration"), "{text}");
    let config = server.config("web1");
    let text = fs::read_to_string(&config)
        .unwrap()
        .replace("host = \"web1\"", "host = \"web2\"")
        .replace("[engine]\n", "[engine]\nuser = \"web1\"\n");
    fs::write(&config, text).unwrap();
    let checked = program(&["check", "--config", path(&config)]);
    let text = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(1), "{text}");
    assert!(
        text.contains("does not let web2 write its own keys; what it needs: ban-share acl web2"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_used_is_told_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("share.toml");
    for (text, expected) in [
        ("", "line 1, column 1: missing field `host`"),
        (
            "host = \"a b\"",
            "line 1, column 8: ' ' in a name of a host",
        ),
        (
            "host = \"a\"\nhots = 1",
            "line 2, column 1: unknown field `hots`",
        ),
        (
            "host = \"a\"\n[engine]\naddress = \"::1:6379\"",
            "line 3, column 11: \"::1:6379\" is no address of a server",
        ),
        (
            "host = \"a\"\n[engine]\naddress = \"192.0.2.9\"",
            "line 3, column 11: \"192.0.2.9\" is no address",
        ),
        (
            "host = \"a\"\n[engine]\naddress = \"[::1]:0x\"",
            "line 3, column 11: ",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let checked = program(&["check", "--config", path(&file)]);
        let error = String::from_utf8(checked.stderr).unwrap();
        assert_eq!(checked.status.code(), Some(2), "{error}");
        assert!(
            error.contains(&format!("share.toml\": {expected}")),
            "{text}\n{error}"
        );
    }
    let missing = directory.path().join("socket");
    fs::write(
        &file,
        format!(
            "host = \"a\"\n[engine]\naddress = \"{}\"\n",
            missing.display()
        ),
    )
    .unwrap();
    let checked = program(&["check", "--config", path(&file)]);
    let error = String::from_utf8(checked.stderr).unwrap();
    assert_eq!(checked.status.code(), Some(2));
    assert!(
        error.starts_with("[ERROR] engine /") && error.contains("cannot connect"),
        "{error}"
    );
    let refused = program(&["acl", "a b"]);
    assert_eq!(refused.status.code(), Some(2));
}
