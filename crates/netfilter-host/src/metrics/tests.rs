use std::fs;
use std::time::Duration;

use super::*;

fn counted(number: u64) -> Metrics {
    let mut metrics = Metrics::new("test", "1").everywhere("textfile", "one");
    metrics
        .counter("rampart_bans", "Bans.")
        .sample(&[("rule", "blocked")], number)
        .sample(&[("rule", "a \"b\"\\\n")], 1_u64);
    metrics.gauge("rampart_set_entries", "Members.").is(number);
    metrics
}

#[test]
fn both_texts_to_the_letter() {
    let mut metrics = Metrics::new("test", "1");
    metrics.counter("a", "A.").is(7_u64);
    metrics.gauge("b_seconds", "B.").is(0.25);
    let mut taken = Histogram::new(&[0.0005, 1.0]);
    for millis in [0, 1, 1000, 1001] {
        taken.observe(Duration::from_millis(millis));
    }
    metrics.histogram("c_seconds", "C.", &taken);
    metrics.gauge("none", "Without a sample.");
    let of_c = "# HELP c_seconds C.\n# TYPE c_seconds histogram\n\
                c_seconds_bucket{le=\"0.0005\"} 1\nc_seconds_bucket{le=\"1.0\"} 3\n\
                c_seconds_bucket{le=\"+Inf\"} 4\nc_seconds_sum 2.002\nc_seconds_count 4\n# EOF\n";
    let info = "# HELP rampart_build_info The program that counts; always 1.\n\
                # TYPE rampart_build_info gauge\n\
                rampart_build_info{program=\"test\",version=\"1\"} 1\n";
    let b = "# HELP b_seconds B.\n# TYPE b_seconds gauge\nb_seconds 0.25\n";
    assert_eq!(
        metrics.openmetrics(),
        format!("{info}# HELP a A.\n# TYPE a counter\na_total 7\n{b}{of_c}")
    );
    assert_eq!(
        metrics.prometheus(),
        format!(
            "# Rampart metrics 1\n{info}# HELP a_total A.\n# TYPE a_total counter\na_total 7\n{b}{of_c}"
        )
    );
}

#[test]
fn counters_go_on_and_gauges_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scan.prom");
    let file: Textfile = path.to_str().unwrap().parse().unwrap();
    assert_eq!(file.name(), "scan");
    for (run, so_far) in [(5, 5), (6, 11), (0, 11)] {
        let mut metrics = counted(run);
        metrics.go_on_from(&file.before().unwrap());
        file.write(&metrics).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for line in [
            format!("rampart_bans_total{{textfile=\"one\",rule=\"blocked\"}} {so_far}\n"),
            format!("rampart_set_entries{{textfile=\"one\"}} {run}\n"),
        ] {
            assert!(text.contains(&line), "{line}: {text}");
        }
    }
    // Also the one whose name has everything in it that is escaped.
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("rule=\"a \\\"b\\\"\\\\\\n\"} 3\n"), "{text}");
    // Nobody's counter overflows.
    fs::write(&path, text.replace("} 11\n", "} 18446744073709551615\n")).unwrap();
    let mut metrics = counted(9);
    metrics.go_on_from(&file.before().unwrap());
    assert!(metrics.prometheus().contains(" 18446744073709551615\n"));
}

#[test]
fn a_damaged_file_begins_anew_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scan.prom");
    let file: Textfile = path.to_str().unwrap().parse().unwrap();
    file.write(&counted(5)).unwrap();
    let whole = fs::read(&path).unwrap();
    let damaged: [(Vec<u8>, &str); 6] = [
        (Vec::new(), "does not begin"),
        (b"rampart_bans_total 7\n".to_vec(), "does not begin"),
        (whole[..whole.len() - 1].to_vec(), "does not end"),
        (whole[..whole.len() / 2].to_vec(), "does not end"),
        ([&whole[..], b"\xff"].concat(), "UTF-8"),
        (
            String::from_utf8(whole.clone())
                .unwrap()
                .replace("} 5\n", "} five\n")
                .into_bytes(),
            "is no sample",
        ),
    ];
    for (bytes, why) in damaged {
        fs::write(&path, bytes).unwrap();
        let said = file.before().unwrap_err();
        assert!(said.contains("begin anew") && said.contains(why), "{said}");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(file.before().unwrap_err().contains("regular file"));
}

#[test]
fn only_what_a_collector_reads_is_a_textfile() {
    for path in [
        "/var/lib/x.txt",
        "x.prom.bak",
        "x",
        ".prom",
        "/etc/passwd",
        "",
    ] {
        assert!(path.parse::<Textfile>().is_err(), "{path}");
    }
    assert!("x.prom".parse::<Textfile>().is_ok());
}

#[test]
fn a_program_that_stays_does_not_wait_and_hears_of_failures() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("follow.prom");
    let file: Textfile = path.to_str().unwrap().parse().unwrap();
    let background = Background::start(file.clone()).unwrap();
    for number in 0..1000 {
        background.write(&counted(number));
    }
    assert_eq!(background.end(&counted(1000)), None);
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("} 1000\n") && text.ends_with("# EOF\n"),
        "{text}"
    );

    let nowhere: Textfile = "/nonexistent/follow.prom".parse().unwrap();
    let why = Background::start(nowhere).unwrap().end(&counted(1));
    assert!(why.unwrap().contains("/nonexistent"));
}
