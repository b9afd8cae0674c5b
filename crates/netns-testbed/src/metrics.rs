//! Figures as others read them: promtool, which reads as the textfile collector does, and the
//! client library of Prometheus for Python.

use std::collections::BTreeMap;

use libtest_mimic::Failed;
use serde_json::Value;

use crate::tool::Tool;

/// A text with figures.
#[derive(Clone, Debug)]
pub enum MetricsText {
    /// OpenMetrics 1.0.
    OpenMetrics(String),
    /// What a textfile collector reads.
    Prometheus(String),
}

/// The figures of a text.
#[derive(Clone, Debug)]
pub struct MetricsRead(Vec<SampleRead>);

#[derive(Clone, Debug)]
struct SampleRead {
    kind: String,
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// Reads a text by the client library, and has promtool look for what is bad style in it.
///
/// # Errors
///
/// When it is no such text, or bad style; or when there is no `promtool` or no
/// `python3-prometheus-client`, as [`Tool::require`] says it.
pub fn read_metrics(text: &MetricsText) -> Result<MetricsRead, Failed> {
    let (parser, text) = match text {
        MetricsText::OpenMetrics(text) => ("prometheus_client.openmetrics.parser", text),
        MetricsText::Prometheus(text) => ("prometheus_client.parser", text),
    };
    if parser == "prometheus_client.parser" {
        Tool::require("promtool")?
            .input(&**text)
            .run(&["check", "metrics"])?;
    }
    // The system's own, which has the library; another may come first.
    let python = Tool::at("/usr/bin/python3").input(&**text);
    python.require_library(&["-c", "import prometheus_client"], LIBRARY)?;
    let json = python.run(&["-c", READ, parser])?;
    let json: Value = serde_json::from_str(&json)?;
    let samples = json.as_array().into_iter().flatten();
    let samples = samples.map(|sample| SampleRead::of(sample).ok_or_else(|| sample.to_string()));
    Ok(MetricsRead(samples.collect::<Result<_, _>>()?))
}

impl SampleRead {
    fn of(json: &Value) -> Option<Self> {
        let labels = json.get(2)?.as_object()?.iter();
        let labels = labels.map(|(label, value)| Some((label.clone(), value.as_str()?.to_owned())));
        Some(Self {
            kind: json.get(0)?.as_str()?.to_owned(),
            name: json.get(1)?.as_str()?.to_owned(),
            labels: labels.collect::<Option<_>>()?,
            value: json.get(3)?.as_f64()?,
        })
    }
}

impl MetricsRead {
    /// The value of the only sample of this name that has these labels, among others.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut found = self.values(name, labels);
        let value = found.next();
        value.filter(|_| found.next().is_none())
    }

    /// The sum of all of them.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.values(name, labels).sum()
    }

    /// The type of a sample's metric.
    pub fn kind(&self, name: &str) -> Option<&str> {
        let mut samples = self.0.iter();
        Some(&samples.find(|sample| sample.name == name)?.kind)
    }

    /// The names of all samples.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|sample| &*sample.name)
    }

    /// What any label says, with the label.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        let samples = self.0.iter();
        samples.flat_map(|sample| {
            sample
                .labels
                .iter()
                .map(|(label, said)| (&**label, &**said))
        })
    }

    fn values<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&str, &str)],
    ) -> impl Iterator<Item = f64> + 'a {
        let samples = self.0.iter().filter(move |sample| {
            let says = |(label, said): &(&str, &str)| {
                sample.labels.get(*label).is_some_and(|has| has == said)
            };
            sample.name == name && labels.iter().all(says)
        });
        samples.map(|sample| sample.value)
    }
}

/// What the library's package is called.
const LIBRARY: &str = "python3-prometheus-client";
/// Reads standard input by a parser of the library; writes type, name, labels and value of each
/// sample.
const READ: &str = "
import importlib, json, sys
parser = importlib.import_module(sys.argv[1])
text = sys.stdin.buffer.read().decode()
print(json.dumps([[family.type, sample.name, sample.labels, sample.value]
    for family in parser.text_string_to_metric_families(text) for sample in family.samples]))
";
