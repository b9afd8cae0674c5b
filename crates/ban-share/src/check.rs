//! `check`: whether the fleet can be worked with.

use std::io::{self, Write};

use ban_fleet::ClockState;
use serde::Serialize;

use crate::args::CheckArgs;
use crate::config::Config;
use crate::error::Stop;
use crate::valkey::{Rights, Valkey};
use crate::{DONE, FINDING};

/// The oldest server.
const OLDEST: (u32, u32) = (7, 0);

/// What was found.
#[derive(Debug, Serialize)]
struct Checked {
    version: u32,
    fleet: String,
    host: String,
    address: String,
    server: String,
    clock_offset_ms: i64,
    findings: Vec<String>,
}

/// Asks; 1 where something is not as it should be.
pub(crate) fn run(args: &CheckArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let unusable = |source| Stop::Config {
        path: args.config.clone(),
        source,
    };
    let config = Config::read(&args.config).map_err(unusable)?;
    let mut engine = Valkey::connect(&config)?;
    let mut findings = Vec::new();
    let server = engine.version()?;
    if parts(&server) < OLDEST {
        findings.push(format!(
            "the server is of version {server}, and 7.0 is the oldest that has every command"
        ));
    }
    let offset = engine.clock_offset();
    let (ahead, seconds) = (offset.millis(), offset.millis().unsigned_abs() / 1000);
    let whose = if ahead > 0 { "behind" } else { "ahead of" };
    match offset.state() {
        ClockState::Good => {}
        ClockState::Warn => findings.push(format!("this host's clock is {seconds} s {whose} the server's")),
        ClockState::Refuse => findings.push(format!(
            "this host's clock is {seconds} s {whose} the server's: beyond a minute nothing is told and nothing applied"
        )),
    }
    findings.extend(engine.rights()?.findings(&config.host.to_string()));
    let status = if findings.is_empty() { DONE } else { FINDING };
    let checked = Checked {
        version: 1,
        fleet: config.fleet.to_string(),
        host: config.host.to_string(),
        address: config.engine.address.to_string(),
        server,
        clock_offset_ms: ahead,
        findings,
    };
    if args.json {
        serde_json::to_writer(&mut *out, &checked).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        let Checked {
            fleet,
            host,
            address,
            server,
            ..
        } = &checked;
        writeln!(
            out,
            "{host} of fleet {fleet}; engine {address}, version {server}, clock {ahead:+} ms"
        )?;
        for finding in &checked.findings {
            writeln!(out, "[WARNING] {finding}")?;
        }
    }
    Ok(status)
}

impl Rights {
    fn findings(self, host: &str) -> Vec<String> {
        let mut findings = Vec::new();
        if !self.own {
            findings.push(format!("the server does not let {host} write its own keys; what it needs: ban-share acl {host}"));
        }
        if self.others {
            findings.push(format!("the server lets {host} write the keys of others, so nobody can tell who banned; what it needs: ban-share acl {host}"));
        }
        if self.more {
            findings.push(format!("the server lets {host} ask for its configuration, which it has no need of; what it needs: ban-share acl {host}"));
        }
        findings
    }
}

/// The first two numbers of a version.
fn parts(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}
