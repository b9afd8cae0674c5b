//! The text of `explain`: the answer, why, and rule by rule how it came about. No line is longer
//! than a narrow terminal.

use std::fmt::{self, Formatter};

use super::report::{
    AddedReport, EndingReport, LogReport, NO, PERHAPS, PassageReport, Report, RuleReport,
    StepReport,
};

pub(super) fn write(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    let Some(packet) = &report.packet else {
        return Ok(());
    };
    wrapped(f, "", &packet.words)?;
    for passage in &report.passages {
        self::passage(passage, f)?;
    }
    writeln!(f)?;
    match (report.verdict, report.endings.as_slice()) {
        (_, []) => wrapped(f, "", "accepted: no rule has anything to say"),
        (_, [only]) => ending(only, "", f),
        (Some(verdict), many) => {
            wrapped(f, "", &format!("{verdict}, in one of {} ways:", many.len()))?;
            many.iter().try_for_each(|one| ending(one, "  ", f))
        }
        (None, many) => {
            wrapped(f, "", "it depends:")?;
            many.iter().try_for_each(|one| ending(one, "  ", f))
        }
    }
}

/// What becomes of the packet, and which rule says so.
fn ending(ending: &EndingReport, indent: &str, f: &mut Formatter<'_>) -> fmt::Result {
    let lines: Vec<String> = ending.logged.iter().map(log).collect();
    let logged = match lines.as_slice() {
        [] => String::new(),
        some => format!(", logged {}", some.join(" and ")),
    };
    let added: Vec<String> = ending.added.iter().map(into).collect();
    let added = added.concat();
    wrapped(f, indent, &format!("{}{logged}{added}", ending.verdict))?;
    let inner = format!("{indent}  ");
    let by = ending.by.as_ref();
    let is_by = |rule: &RuleReport| {
        by.is_some_and(|by| (&by.chain, by.number) == (&rule.chain, rule.number))
    };
    match by {
        Some(rule) => {
            let by = format!("by rule {} of {}: {}", rule.number, rule.chain, rule.words);
            wrapped(f, &inner, &by)?;
            if !rule.because.is_empty() && !ending.conditions.iter().any(is_by) {
                wrapped(f, &inner, &rule.because)?;
            }
        }
        None => wrapped(f, &inner, &format!("by the policy of {}", ending.place))?,
    }
    for (number, rule) in ending.conditions.iter().enumerate() {
        let and = if number == 0 { "if" } else { "and if" };
        let which = if is_by(rule) {
            "it".to_owned()
        } else {
            format!("rule {} of {}", rule.number, rule.chain)
        };
        let what = format!("{and} {which} matches, which depends on {}", rule.because);
        wrapped(f, &inner, &what)?;
    }
    Ok(())
}

fn log(line: &LogReport) -> String {
    let how = if line.certain {
        "as"
    } else {
        "if the limit of lines allows as"
    };
    format!("{how} \"{}\"", line.prefix.trim_end().escape_debug())
}

fn into(added: &AddedReport) -> String {
    let how = if added.certain { "put" } else { "perhaps put" };
    format!(", {how} into {}", added.set)
}

fn passage(passage: &PassageReport, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f)?;
    let verdict = passage.verdict.unwrap_or("it depends");
    wrapped(f, "", &format!("{}: {verdict}", passage.words))?;
    let mut chain = None;
    let mut steps = passage.steps.as_slice();
    while let Some((step, rest)) = steps.split_first() {
        if chain != Some((&step.chain, step.depth)) {
            wrapped(f, &margin(step), &step.chain)?;
            chain = Some((&step.chain, step.depth));
        }
        // Rules that do not match for the same reason are one line.
        let same = rest
            .iter()
            .take_while(|next| step.matches == NO && alike(step, next))
            .count();
        line(step, same, f)?;
        steps = rest.get(same..).unwrap_or_default();
    }
    Ok(())
}

fn alike(step: &StepReport, next: &StepReport) -> bool {
    let why = |step: &StepReport| step.asked.last().map(|asked| asked.because.clone());
    next.matches == NO
        && (&step.chain, step.depth) == (&next.chain, next.depth)
        && why(step) == why(next)
}

/// One rule, and how many behind it do not match either for the same reason.
fn line(step: &StepReport, more: usize, f: &mut Formatter<'_>) -> fmt::Result {
    let numbers = match more {
        0 => step.number.to_string(),
        more => format!("{}-{}", step.number, step.number + more),
    };
    let head = format!("{}  {numbers:<8} {:<8} ", margin(step), step.matches);
    let last = step.asked.last();
    let because = last.map_or("", |asked| asked.because.as_str());
    if step.matches == NO {
        let what = last.map_or("", |asked| asked.what.as_str());
        let others = match more {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        return hanging(f, &head, &format!("{because}: {what}{others}"));
    }
    hanging(f, &head, &step.words)?;
    let why = step
        .asked
        .iter()
        .filter(|asked| step.matches != PERHAPS || asked.answer == PERHAPS)
        .filter(|asked| step.matches == PERHAPS || is_news(&asked.what))
        .map(|asked| asked.because.as_str())
        .filter(|why| !why.is_empty());
    let depends = if step.matches == PERHAPS {
        "depends on "
    } else {
        ""
    };
    for why in why {
        let head = " ".repeat(head.chars().count());
        hanging(f, &head, &format!("{depends}{why}"))?;
    }
    Ok(())
}

/// Whether the answer says more than the question, as that of a set, a limit or a time does.
fn is_news(what: &str) -> bool {
    ["-m set", "-m hashlimit", "-m time"]
        .iter()
        .any(|of| what.starts_with(of))
}

fn margin(step: &StepReport) -> String {
    "  ".repeat(step.depth.min(4))
}

fn wrapped(f: &mut Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
    let further = format!("{indent}  ");
    fill(f, indent, &further, text)
}

fn hanging(f: &mut Formatter<'_>, head: &str, text: &str) -> fmt::Result {
    fill(f, head, &" ".repeat(head.chars().count()), text)
}

/// Words, in lines of at most [`WIDTH`] characters unless one of them is longer.
fn fill(f: &mut Formatter<'_>, first: &str, further: &str, text: &str) -> fmt::Result {
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = line.chars().count() + word.chars().count() + usize::from(!empty);
        if !empty && length > WIDTH {
            writeln!(f, "{}", line.trim_end())?;
            further.clone_into(&mut line);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    writeln!(f, "{}", line.trim_end())
}

/// Characters of a narrow terminal.
const WIDTH: usize = 80;
