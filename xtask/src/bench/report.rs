//! What was measured, as a table for people and as JSON.
//!
//! Not here: measuring.

use super::machine::Machine;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Everything that was measured, and where.
pub struct Report {
    /// Where and what.
    pub machine: Machine,
    /// What came of it.
    pub rows: Vec<Row>,
}

/// One thing that was measured, several times.
#[derive(Debug)]
pub struct Row {
    name: String,
    unit: Unit,
    median: f64,
    least: f64,
    most: f64,
    runs: usize,
    target: Option<f64>,
}

/// What a number counts.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Seconds / 1,000,000,000.
    Nanoseconds,
    /// Seconds / 1,000,000.
    Microseconds,
    /// Seconds / 1,000.
    Milliseconds,
    /// 1,024 x 1,024 bytes.
    Mebibytes,
    /// 1,000,000 bytes.
    Megabytes,
    /// 1,000 bytes.
    Kilobytes,
    /// One by one.
    Bytes,
    /// Hundredths.
    Percent,
    /// How many in a second.
    PerSecond,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Nanoseconds => "ns",
            Unit::Microseconds => "µs",
            Unit::Milliseconds => "ms",
            Unit::Mebibytes => "MiB",
            Unit::Megabytes => "MB",
            Unit::Kilobytes => "KB",
            Unit::Bytes => "bytes",
            Unit::Percent => "%",
            Unit::PerSecond => "a second",
        }
    }
}

impl Row {
    /// Takes the median of what was measured.
    ///
    /// # Panics
    /// When nothing was measured.
    pub fn new(name: impl Into<String>, unit: Unit, values: &[f64]) -> Row {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
            panic!("a row of a report is something that was measured");
        };
        let (least, most) = (*least, *most);
        Row { name: name.into(), unit, median: median(&sorted), least, most, runs: sorted.len(), target: None }
    }

    /// Sets what the median should not exceed.
    pub fn target(mut self, most: f64) -> Row {
        self.target = Some(most);
        self
    }

    fn met(&self) -> Option<&'static str> {
        self.target.map(|target| if self.median <= target { "met" } else { "missed" })
    }
}

/// The middle of sorted numbers, or the mean of the two in the middle.
pub fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => f64::midpoint(sorted[half - 1], sorted[half]),
        _ => sorted[half],
    }
}

impl Report {
    /// The table, with a line above it that says where it was measured.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let machine: Vec<String> = self.machine.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let mut line = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        line(machine.join("; "));
        line(String::new());
        line("| | median | least to most | runs | target | |".to_owned());
        line("|---|---|---|---|---|---|".to_owned());
        for row in &self.rows {
            let unit = row.unit.name();
            let target = row.target.map_or(String::new(), |target| format!("{} {unit}", short(target)));
            line(format!(
                "| {} | {} {unit} | {} to {} | {} | {target} | {} |",
                row.name,
                short(row.median),
                short(row.least),
                short(row.most),
                row.runs,
                row.met().unwrap_or(""),
            ));
        }
        text
    }

    /// The same as JSON.
    pub fn json(&self) -> String {
        let machine: Map<String, Value> =
            self.machine.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "name": row.name, "unit": row.unit.name(), "median": row.median, "least": row.least,
                    "most": row.most, "runs": row.runs, "target": row.target, "outcome": row.met(),
                })
            })
            .collect();
        json!({ "machine": machine, "rows": rows }).to_string()
    }
}

/// A number with about three digits that count.
fn short(number: f64) -> String {
    let digits = match number.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let mut text = String::new();
    write!(text, "{number:.digits$}").expect("a string takes whatever is written to it");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let rows = vec![
            Row::new("start", Unit::Milliseconds, &[19.0, 30.0, 18.5]).target(20.0),
            Row::new("size", Unit::Megabytes, &[31.25]).target(30.0),
            Row::new("`decide`", Unit::Nanoseconds, &[140.0, 150.0]),
        ];
        Report { machine: vec![("cores", "2".to_owned())], rows }
    }

    #[test]
    fn the_table_says_the_median_and_whether_the_target_is_met() {
        let expected = "cores: 2\n\n\
            | | median | least to most | runs | target | |\n|---|---|---|---|---|---|\n\
            | start | 19.0 ms | 18.5 to 30.0 | 3 | 20.0 ms | met |\n\
            | size | 31.2 MB | 31.2 to 31.2 | 1 | 30.0 MB | missed |\n\
            | `decide` | 145 ns | 140 to 150 | 2 |  |  |\n";
        assert_eq!(report().markdown(), expected);
    }

    #[test]
    fn the_json_says_the_same() {
        let said: Value = serde_json::from_str(&report().json()).unwrap();
        assert_eq!(said["machine"]["cores"], "2");
        assert_eq!(said["rows"][0]["median"], 19.0);
        assert_eq!(said["rows"][1]["outcome"], "missed");
        assert_eq!(said["rows"][2]["target"], Value::Null);
    }
}
