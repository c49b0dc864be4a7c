//! The handbook's table of metrics and what the daemon serves are the same list.

use mbx_tests::installation::{Installation, Setup};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Name → label and its values; no label: none of them.
type Metrics = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// What is served. Buckets, counts and sums of a histogram count as the histogram.
fn served(text: &str) -> Metrics {
    let kinds: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    // A family that has no sample yet is there all the same.
    let family = |(name, kind): (&&str, &&str)| {
        let suffix = if *kind == "counter" { "_total" } else { "" };
        (format!("{name}{suffix}"), BTreeMap::new())
    };
    let mut metrics: Metrics = kinds.iter().map(family).collect();
    for line in text.lines().filter(|line| line.starts_with("mbx_")) {
        let (sample, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
        let histogram = ["_bucket", "_count", "_sum"]
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix))
            .find(|family| kinds.get(family) == Some(&"histogram"));
        let metric = metrics.entry(histogram.unwrap_or(name).to_owned()).or_default();
        for label in labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()) {
            let (label, value) = label.split_once('=').unwrap();
            if label != "le" {
                let values = metric.entry(label.to_owned()).or_default();
                values.insert(value.trim_matches('"').to_owned());
            }
        }
    }
    metrics
}

/// A row of the handbook's table.
struct Row {
    /// Names, each with its labels.
    metrics: Vec<(String, Vec<String>)>,
    /// What is said of them.
    words: String,
}

fn documented() -> Vec<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("docs/handbook/operate.md")).unwrap();
    let metric = |text: &str| {
        let (name, labels) = text.split_once('{').unwrap_or((text, ""));
        let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
        (name.to_owned(), labels.map(|label| label.trim().to_owned()).collect())
    };
    text.lines()
        .filter(|line| line.starts_with("| `mbx_"))
        .map(|line| {
            let cells: Vec<&str> = line.split(" | ").collect();
            let metrics = cells[0].split('`').skip(1).step_by(2).map(metric).collect();
            Row { metrics, words: cells[1..].join(" | ") }
        })
        .collect()
}

#[test]
fn the_handbook_names_every_metric_with_its_labels_and_no_other() {
    let installation = Installation::ready(&Setup::default());
    let text = installation.metrics();
    let served = served(&text);
    let documented = documented();
    let named: BTreeSet<&String> =
        documented.iter().flat_map(|row| &row.metrics).map(|(name, _)| name).collect();
    let there: BTreeSet<&String> = served.keys().collect();
    assert!(there.len() > 10, "{there:?}");
    assert_eq!(named, there);
    for Row { metrics, words } in &documented {
        for (name, labels) in metrics {
            let metric = &served[name];
            let expected: Vec<&String> = metric.keys().collect();
            let has_samples = text.lines().any(|line| line.starts_with(name.as_str()));
            if has_samples {
                assert_eq!(labels.iter().collect::<Vec<_>>(), expected, "{name}");
            }
            for value in metric.values().flatten() {
                assert!(words.contains(&format!("`{value}`")), "{name}: {value} is not told");
            }
        }
    }
}
