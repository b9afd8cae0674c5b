//! Equal, where nothing but time and chance tell two outputs apart.

/// By how many seconds the time that is left may differ: the two programs run one beside the other.
const SECONDS: u64 = 10;
/// Before the seconds that an entry has left, in plain output and in XML.
const TIME_LEFT: [&str; 2] = [" timeout ", "<timeout>"];

/// Whether two outputs say the same.
///
/// What is left of a timeout may differ a little. Without `initval` in the script the kernel seeds
/// each hash at random: then also the seed, the order and the memory.
pub(crate) fn same(ours: &[u8], stock: &[u8], says_initval: bool) -> bool {
    if ours == stock {
        return true;
    }
    let lines = |bytes: &[u8]| -> Vec<String> {
        // A character a byte, so that no two different bytes look the same.
        let text: String = bytes.iter().copied().map(char::from).collect();
        text.split('\n').map(str::to_owned).collect()
    };
    let (mut ours, mut stock) = (lines(ours), lines(stock));
    without_memory_of_lists(&mut ours);
    without_memory_of_lists(&mut stock);
    if !says_initval {
        for lines in [&mut ours, &mut stock] {
            for line in lines.iter_mut() {
                *line = without_seed(line);
            }
            lines.sort();
        }
    }
    ours.len() == stock.len()
        && ours
            .iter()
            .zip(&stock)
            .all(|(ours, stock)| ours == stock || close(ours, stock))
}

/// Whether two lines differ in the time left only.
fn close(ours: &str, stock: &str) -> bool {
    if stock.starts_with("create ") || stock.starts_with("Header: ") || stock.contains("<header>") {
        return false;
    }
    let ((ours, our_times), (stock, stock_times)) = (without_times(ours), without_times(stock));
    ours == stock
        && our_times.len() == stock_times.len()
        && our_times
            .iter()
            .zip(stock_times)
            .all(|(ours, stock)| ours.abs_diff(stock) <= SECONDS && *ours > 0 && stock > 0)
}

/// The line without the times left, and these.
fn without_times(line: &str) -> (String, Vec<u64>) {
    let mut text = String::new();
    let mut times = Vec::new();
    let mut rest = line;
    while let Some(at) = TIME_LEFT
        .iter()
        .filter_map(|word| rest.find(word).map(|at| at + word.len()))
        .min()
    {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        let digits = after
            .find(|character: char| !character.is_ascii_digit())
            .unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        times.extend(number.parse::<u64>());
        rest = after;
    }
    text.push_str(rest);
    (text, times)
}

/// The kernel frees the members of a `list:set` some time after they are deleted, and counts their
/// comments until then.
fn without_memory_of_lists(lines: &mut [String]) {
    let mut list = false;
    for line in lines {
        if line.starts_with("Type: ") || line.contains("<type>") {
            list = line.contains("list:set");
        }
        if list {
            *line = without_memory(line);
        }
    }
}

fn without_seed(line: &str) -> String {
    let mut line = line.to_owned();
    for before in ["initval 0x", "<initval>0x"] {
        if let Some(at) = line.find(before).map(|at| at + before.len()) {
            let digits = line[at..]
                .find(|character: char| !character.is_ascii_hexdigit())
                .unwrap_or(line.len() - at);
            line.replace_range(at..at + digits, "");
        }
    }
    without_memory(&line)
}

fn without_memory(line: &str) -> String {
    let mut line = line.to_owned();
    for before in ["Size in memory: ", "<memsize>"] {
        if let Some(at) = line.find(before).map(|at| at + before.len()) {
            let digits = line[at..]
                .find(|character: char| !character.is_ascii_digit())
                .unwrap_or(line.len() - at);
            line.replace_range(at..at + digits, "");
        }
    }
    line
}
