//! The pages and completions, held against `--help` and read by the programs that show them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netns_testbed::{Failed, Tool, program, run, trial};
use tempfile::TempDir;

const PROGRAMS: [&str; 3] = ["firewall-apply", "log-scanner", "log-collector"];

fn main() -> std::process::ExitCode {
    run(vec![
        trial("manual::a_page_for_every_command", a_page_for_every_command),
        trial("manual::every_flag_is_on_its_page", every_flag),
        trial("manual::man_has_nothing_to_say", man_has_nothing_to_say),
        trial(
            "manual::mandoc_has_nothing_to_say",
            mandoc_has_nothing_to_say,
        ),
        trial("manual::the_same_date_is_the_same_page", same_date),
        trial("completions::bash_completes", bash_completes),
        trial("completions::zsh_completes", zsh_completes),
        trial("completions::fish_completes", fish_completes),
    ])
}

/// All that is written, as of one day.
struct Manual(TempDir);

impl Manual {
    fn new() -> Result<Self, Failed> {
        let manual = Self(TempDir::new()?);
        let output = Command::new(env!("CARGO_BIN_EXE_rampart-manual"))
            .arg(manual.0.path())
            .env("SOURCE_DATE_EPOCH", "1764374400")
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
        Ok(manual)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> Result<String, Failed> {
        let path = self.path(name);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// The paths of all pages.
    fn pages(&self) -> Result<Vec<PathBuf>, Failed> {
        let mut pages = files(&self.path("man8"))?;
        pages.extend(files(&self.path("man5"))?);
        assert!(pages.len() > 20, "only {} pages", pages.len());
        Ok(pages)
    }
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, Failed> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

fn help(name: &str, subcommand: Option<&str>) -> Result<String, Failed> {
    let mut words: Vec<&str> = subcommand.into_iter().collect();
    words.push("--help");
    Tool::at(program(name)).run(&words)
}

/// What the program itself says it can be told.
fn subcommands(name: &str) -> Result<Vec<String>, Failed> {
    let help = help(name, None)?;
    let Some((_, list)) = help.split_once("\nCommands:\n") else {
        return Ok(Vec::new());
    };
    let list = list.lines().take_while(|line| !line.is_empty());
    // A text that goes on in the next line is indented further.
    let names = list.filter_map(|line| {
        let line = line.strip_prefix("  ")?;
        let name = line.split(' ').next().unwrap_or_default();
        (!name.is_empty() && name != "help").then(|| name.to_owned())
    });
    Ok(names.collect())
}

fn a_page_for_every_command() -> Result<(), Failed> {
    let manual = Manual::new()?;
    let mut expected = BTreeSet::from(["rampart-setup.8".to_owned()]);
    for program in PROGRAMS {
        expected.insert(format!("{program}.8"));
        for subcommand in subcommands(program)? {
            expected.insert(format!("{program}-{subcommand}.8"));
        }
    }
    for page in ["firewall-apply-doctor.8", "log-scanner-follow.8"] {
        assert!(expected.contains(page), "{expected:?}");
    }
    let names = files(&manual.path("man8"))?;
    let names = names.iter().filter_map(|path| path.file_name()?.to_str());
    let found: BTreeSet<String> = names.map(str::to_owned).collect();
    assert_eq!(found, expected);
    Ok(())
}

fn every_flag() -> Result<(), Failed> {
    let manual = Manual::new()?;
    let mut seen = 0;
    for program in PROGRAMS {
        let mut commands: Vec<Option<String>> = vec![None];
        commands.extend(subcommands(program)?.into_iter().map(Some));
        for command in commands {
            let help = help(program, command.as_deref())?;
            let page = match &command {
                Some(command) => format!("man8/{program}-{command}.8"),
                None => format!("man8/{program}.8"),
            };
            let text = manual.text(&page)?.replace("\\-", "-");
            for line in help.lines().map(str::trim_start) {
                let flag = line.strip_prefix("-h, ").or(line.strip_prefix("-V, "));
                let flag = flag.unwrap_or(line);
                let flag = flag.split([' ', ',']).next().unwrap_or_default();
                // A text may go on in the next line with one in quotes.
                let is_flag = flag.len() > 2 && flag.starts_with("--");
                if !is_flag || flag.contains(|sign: char| sign != '-' && !sign.is_alphanumeric()) {
                    continue;
                }
                assert!(
                    text.contains(&format!("\\fB{flag}\\fR")),
                    "{flag} is not in {page}"
                );
                seen += 1;
            }
            assert!(
                text.contains(".SH SYNOPSIS") && text.contains(".SH \"SEE ALSO\""),
                "{page}"
            );
        }
        let text = manual.text(&format!("man8/{program}.8"))?;
        assert!(
            text.contains(".SH \"EXIT STATUS\"") || program == "log-collector",
            "{text}"
        );
    }
    assert!(seen > 100, "only {seen} flags");
    Ok(())
}

fn man_has_nothing_to_say() -> Result<(), Failed> {
    let man = Tool::require("man")?;
    let manual = Manual::new()?;
    for page in manual.pages()? {
        let page = page.to_string_lossy().into_owned();
        let output = man.output(&["--warnings=w", "-E", "UTF-8", "-l", "-Tutf8", "-Z", &page])?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{page}: {said}");
    }
    Ok(())
}

fn mandoc_has_nothing_to_say() -> Result<(), Failed> {
    let mandoc = Tool::require("mandoc")?;
    let manual = Manual::new()?;
    for page in manual.pages()? {
        let page = page.to_string_lossy().into_owned();
        // Below a warning are matters of style, such as the length of the source's lines.
        let output = mandoc.output(&["-T", "lint", "-W", "warning", &page])?;
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
    Ok(())
}

fn same_date() -> Result<(), Failed> {
    let (one, two) = (Manual::new()?, Manual::new()?);
    for page in ["man5/firewall.toml.5", "man8/log-scanner.8"] {
        let text = one.text(page)?;
        assert_eq!(text, two.text(page)?);
        assert!(
            text.contains("2025-11-29") || text.contains("2025\\-11\\-29"),
            "{text}"
        );
    }
    Ok(())
}

/// The words that a shell offers for `firewall-apply sta` and `log-scanner --howm`.
const BASH: &str = r#"
set -eu
for file in bash/*; do . "$file"; done
complete -p firewall-apply log-scanner log-collector >/dev/null
offer() { # FUNCTION WORD...
    function=$1; shift
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    "$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
    echo "${COMPREPLY[@]}"
}
of() { complete -p "$1" | sed 's/.*-F \([^ ]*\).*/\1/'; }
offer "$(of firewall-apply)" firewall-apply sta
offer "$(of log-scanner)" log-scanner --howm
"#;

fn bash_completes() -> Result<(), Failed> {
    let bash = Tool::require("bash")?;
    let manual = Manual::new()?;
    let said = in_directory(&bash, &manual, &["-c", BASH])?;
    assert_eq!(said, "status\n--howmany\n");
    Ok(())
}

fn zsh_completes() -> Result<(), Failed> {
    let zsh = Tool::require("zsh")?;
    let manual = Manual::new()?;
    let script = "fpath=(./zsh $fpath); autoload -Uz compinit && compinit -u -D && \
                  for name in firewall-apply log-scanner log-collector; do \
                  autoload +X _$name && print -- ${_comps[$name]}; done";
    let said = in_directory(&zsh, &manual, &["-f", "-c", script])?;
    assert_eq!(said, "_firewall-apply\n_log-scanner\n_log-collector\n");
    for file in files(&manual.path("zsh"))? {
        zsh.run(&["-f", "-n", &file.to_string_lossy()])?;
    }
    Ok(())
}

fn fish_completes() -> Result<(), Failed> {
    let fish = Tool::require("fish")?;
    let manual = Manual::new()?;
    let script = "for file in fish/*; source $file; end; \
                  complete -C 'firewall-apply sta'; complete -C 'log-scanner --howm'";
    let said = in_directory(&fish, &manual, &["--no-config", "-c", script])?;
    let words = said.lines().filter_map(|line| line.split('\t').next());
    assert_eq!(words.collect::<Vec<_>>(), ["status", "--howmany"]);
    Ok(())
}

fn in_directory(shell: &Tool, manual: &Manual, arguments: &[&str]) -> Result<String, Failed> {
    let output = Command::new(shell.path())
        .args(arguments)
        .current_dir(manual.0.path())
        .env("HOME", manual.0.path())
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    Ok(String::from_utf8(output.stdout)?)
}
