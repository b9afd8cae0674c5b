//! `pardon` and `ban`: what an administrator has to tell. It goes into the outbox, on disk, and is
//! told by the next round, whether the engine is there by now or not.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use ban_fleet::{Ban, Cause, Outbox, Pardon, Record, Time};

use crate::DONE;
use crate::args::{BanArgs, PardonArgs};
use crate::config::Config;
use crate::error::Stop;

/// Longer than any ban can last that is dated from before a pardon: the kernel counts 24 days and
/// 20 hours.
const OUTLASTING: Duration = Duration::from_secs(25 * 24 * 3600);

/// Pardons a prefix.
pub(crate) fn pardon(args: &PardonArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let config = read(&args.config)?;
    let now = Time::from(SystemTime::now());
    let pardon = Pardon {
        prefix: args.prefix,
        at: now,
        until: now.after(OUTLASTING),
        why: args.why.clone(),
    };
    Outbox::new(&config.outbox).append(&[pardon.into()], now)?;
    let enough = config.take.pardon_seen_by;
    let whose = if config.take.policy(&config.host).is_admin(&config.host) {
        "it holds everywhere".to_owned()
    } else {
        format!(
            "it holds here, and elsewhere once {enough} hosts say so: this one's name is no administrator's"
        )
    };
    writeln!(
        out,
        "{} is pardoned by {}, which the next sync tells; {whose}",
        args.prefix, config.host
    )?;
    Ok(DONE)
}

/// Bans a prefix.
pub(crate) fn ban(args: &BanArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let config = read(&args.config)?;
    let now = Time::from(SystemTime::now());
    let ban = Ban {
        set: args.set.clone(),
        prefix: args.prefix,
        end: now.after(args.span),
        last_hit: now,
        cause: Cause::Hand {
            why: args.why.clone(),
        },
    };
    Outbox::new(&config.outbox).append(&[Record::Ban(ban)], now)?;
    let whose = if config.take.policy(&config.host).is_admin(&config.host) {
        "it needs nobody else who has seen it"
    } else {
        "it is one host's word: this one's name is no administrator's"
    };
    writeln!(
        out,
        "{} is banned in {} by {}, which the next sync tells; {whose}",
        args.prefix, args.set, config.host
    )?;
    Ok(DONE)
}

fn read(path: &Path) -> Result<Config, Stop> {
    Config::read(path).map_err(|source| Stop::Config {
        path: path.to_owned(),
        source,
    })
}
