//! `apply`: the sets and the chains of both families, all or nothing.

mod attempt;
mod before;
mod fallback;
mod foreign;
mod foreseen;
mod guard;
mod install;
mod lists;
mod members;
mod replace;
mod report;
mod saved_members;
mod sessions;
mod strangers;
mod tables_before;
mod typed_over;
mod unwanted_sets;

use attempt::Attempt;
use foreseen::Foreseen;
use guard::Guard;
use lists::Lists;
use report::Applied;
pub(crate) use report::Report;
use saved_members::SavedMembers;
use tables_before::TablesBefore;

use crate::args::ApplyArgs;
use crate::config::{Source, Wanted};
use crate::findings::Findings;
use crate::last::Last;
use crate::pending::Arming;
use crate::sets;
use crate::turn::wait_for_turn;

/// Puts the firewall in, or what comes nearest to it where the host would else stay open.
pub(crate) fn run(
    config: Source,
    wanted: Option<&Wanted>,
    args: &ApplyArgs,
    findings: &mut Findings,
) -> Report {
    let last = Last::read(args.last.as_deref(), &args.saved);
    let had_one = args.boot || last.exists();
    if wanted.is_none() && (!had_one || args.confirm_within.is_some()) {
        return Report::new(config);
    }
    let over = wanted.iter().flat_map(|wanted| &wanted.over);
    over.for_each(|over| findings.warn(over.clone()));
    let turn = wait_for_turn(findings);
    let tables = TablesBefore::look();
    let guard = Guard::new(args);
    let Some(held_back) = guard.holds_back(wanted, &last, tables.is_bare(), findings) else {
        return Report::new(config);
    };
    let Some(mut kernel) = sets::connect(findings) else {
        return Report::new(config);
    };
    let kept = last.kept().map(|kept| &kept.wanted);
    let is_foreign = !args.adopt && foreign::refuse(&tables, wanted.or(kept), args.boot, findings);
    if is_foreign && !args.boot {
        return Report::new(config);
    }
    let lists = wanted.map(|wanted| Lists::read(&mut kernel, wanted, findings));
    let saved = wanted.and_then(|wanted| {
        SavedMembers::read_where_missing(&mut kernel, &wanted.sets, &args.saved, findings)
    });
    let foreseen = wanted.zip(lists.as_ref()).map(|(wanted, lists)| Foreseen {
        wanted,
        before: last.kept().map(|kept| &kept.wanted),
        lists,
        saved: saved.as_ref().map(|(saved, _)| saved),
    });
    if let (Some(foreseen), false) = (&foreseen, args.force) {
        if let Some(session) = typed_over::Session::find(foreseen) {
            if let Some(why) = session.locks_out(&mut kernel) {
                findings.refuse(why);
                return Report::new(config);
            }
            if let Some(when) = session.closes(&mut kernel) {
                findings.warn(when);
            }
        }
    }
    if tables.is_bare() {
        before::run(&mut kernel, foreseen.as_ref(), findings);
    }
    if is_foreign {
        let before = tables.snapshot();
        let mut attempt = Attempt::new(&mut kernel, config, args, before, saved, findings);
        foreign::come_up(&mut attempt, &tables, wanted, &last);
        return attempt.finish();
    }
    let tables_now = tables.snapshot();
    let mut armed = match guard.arm(&mut kernel, tables_now, wanted, lists.as_ref(), &last) {
        Ok(Some(Arming::Waiter(waiter))) => {
            // What another run waits for ends with the first process.
            drop((turn, kernel));
            waiter.wait();
        }
        Ok(Some(Arming::Armed(armed))) => Some(armed),
        Ok(None) => None,
        Err(why) => {
            findings.refuse(why);
            return Report::new(config);
        }
    };
    let mut attempt = Attempt::new(
        &mut kernel,
        config,
        args,
        tables.snapshot(),
        saved,
        findings,
    );
    let done = wanted
        .zip(lists.as_ref())
        .filter(|_| !held_back)
        .filter(|(wanted, lists)| attempt.put_in(wanted, lists, Applied::Configuration));
    if let Some((wanted, _)) = done {
        attempt.take_out(last.kept().map(|kept| &kept.wanted), wanted);
        if let (Some(before), Some(after)) = (tables.snapshot(), &attempt.after) {
            strangers::note(before, after, wanted, &last, attempt.findings);
        }
        if let Some(armed) = &mut armed {
            let confirm = guard.start(armed, attempt.findings);
            // The rules that may come back look into whatever is there.
            attempt.waits(confirm);
        } else {
            attempt.destroy_unwanted(wanted);
            last.keep(wanted, attempt.findings);
            guard.forget();
        }
        return attempt.finish();
    }
    if let Some(armed) = &armed {
        attempt.give_up(armed);
    }
    if had_one && tables.is_bare() {
        fallback::run(&mut attempt, wanted, &last, args.boot);
    } else if args.boot && tables.stands() {
        attempt.findings.something_is_in();
    }
    attempt.finish()
}
