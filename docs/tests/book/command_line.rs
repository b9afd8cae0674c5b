//! Commands that cannot be run, read by the command lines of the programs.

/// What `rampart-setup --help` says.
const SETUP: &str = include_str!("../../../packaging/rampart-setup");

/// Says what is wrong with the commands of our programs in a line of a shell; how many there are.
pub(crate) fn check(line: &str) -> Result<usize, String> {
    let mut seen = 0;
    let line = line.replace("\\\n", " ");
    for words in simple_commands(&line) {
        let mut words = words.iter().map(String::as_str).peekable();
        words.next_if_eq(&"sudo");
        let words: Vec<&str> = words.collect();
        let Some((program, arguments)) = words.split_first() else {
            continue;
        };
        let command = match *program {
            "firewall-apply" => firewall_apply::command(),
            "log-scanner" => log_scanner::command(),
            "log-collector" => log_collector::command(),
            "rampart-setup" => {
                for flag in arguments.iter().filter(|word| word.starts_with("--")) {
                    if !SETUP.contains(&format!(" {flag}) ")) {
                        return Err(format!("rampart-setup knows no {flag}"));
                    }
                }
                seen += 1;
                continue;
            }
            _ => continue,
        };
        seen += 1;
        let read = command.try_get_matches_from(&words);
        read.map_err(|error| format!("{}: {error}", words.join(" ")))?;
    }
    Ok(seen)
}

/// The words of each command of a line: quotes, a comment, and what joins commands are known.
fn simple_commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut redirected = false;
    for sign in line.chars() {
        match (quote, sign) {
            (Some(open), _) if open == sign => quote = None,
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(sign);
            }
            (None, '#') if word.is_none() => break,
            (None, ' ' | '\n' | '|' | '&' | ';' | '<' | '>') => {
                if let (Some(word), Some(command)) = (word.take(), commands.last_mut()) {
                    if !redirected && !matches!(word.as_str(), "2" | "1" if sign == '>') {
                        command.push(word);
                    }
                    redirected = false;
                }
                match sign {
                    '|' | '&' | ';' if !redirected => commands.push(Vec::new()),
                    '<' | '>' => redirected = true,
                    _ => {}
                }
            }
            _ => word.get_or_insert_default().push(sign),
        }
    }
    if let (Some(word), Some(command), false) = (word, commands.last_mut(), redirected) {
        command.push(word);
    }
    commands
}

pub(crate) fn mistakes() {
    for (line, expected) in [
        ("firewall-apply apply --confirm-within 60s", Some(1)),
        ("sudo firewall-apply check && sudo firewall-apply", Some(2)),
        ("fetch >/tmp/x 2>&1; log-scanner exempt # why", Some(1)),
        ("log-scanner ban 192.0.2.1 --for 1d --why 'a b'", Some(1)),
        ("log-scanner \\\n  --rules x --dryrun", Some(1)),
        ("apt install ./rampart.deb", Some(0)),
        ("firewall-apply applly", None),
        ("true | log-scanner --rules", None),
        ("rampart-setup --whitelist-me --dry-run", Some(1)),
        ("rampart-setup --nothing", None),
    ] {
        assert_eq!(check(line).ok(), expected, "{line}");
    }
}
