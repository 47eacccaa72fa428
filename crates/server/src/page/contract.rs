//! The page of the contract: what each mode does with each kind of call.
//!
//! Not here: any cell. Each is what the contract answered when it was asked.

use crate::page::frame::Frame;
use crate::page::head::{ContractCell, ContractRow};
use maud::{Markup, html};
use serde_json::Value;

/// What the columns are, in words.
const COLUMNS: &[(&str, &str)] = &[
    ("reads", "what you put in front of the agent: its folder, your MCP servers"),
    ("reaches", "looks beyond that, at an address the model chose"),
    ("confined", "a program that the kernel holds to reading"),
    ("changes", "everything else: writes, runs, sends, publishes, deletes"),
    ("costs money", "a call with a price, whatever it does: a job, a tool you priced"),
];

/// What holds in every mode.
const ALWAYS: &[&str] = &[
    "A question to you is delivered, never gated; what you do yourself is not gated.",
    "What you prohibited is refused, never asked.",
    "Where nobody can answer, what asks is refused.",
    "The model\u{2019}s own requests run and are metered; under a cap each has to fit.",
    "A price fits if spent + held + price \u{2264} cap; one that is unknown, or has no bound, never fits.",
];

/// The page.
pub fn contract_page(rows: &[ContractRow]) -> Frame {
    Frame {
        title: "The contract \u{b7} Remit".to_owned(),
        main: html! { div.column.wide { h1.sr { "The contract" } (contract(rows)) } },
        ..Frame::default()
    }
}

fn contract(rows: &[ContractRow]) -> Markup {
    html! {
        section #contract.contract aria-labelledby="contract-title" {
            h2 #contract-title { "The mode is the contract" }
            p { "You pick a mode; it alone says what happens to every call that the model makes." }
            div.table tabindex="0" role="group" aria-label="The table" {
                table {
                    thead { tr { th scope="col" { "Mode" } @if let Some(row) = rows.first() { @for cell in &row.cells { th scope="col" { (cell.column) } } } } }
                    tbody {
                        @for row in rows {
                            tr data-mode=(row.kind) {
                                th scope="row" { (row.name) }
                                @for cell in &row.cells { td data-verdict=(cell.verdict) { (cell.words) } }
                            }
                        }
                    }
                }
            }
            dl.columns { @for (name, says) in COLUMNS { div { dt { (name) } dd { (says) } } } }
            h3 { "In every mode" }
            ul { @for line in ALWAYS { li { (line) } } }
            p { "The cap covers what Remit itself pays for. A program that the agent runs can spend by itself, with credentials that it finds." }
        }
    }
}

/// The rows of the contract as `remit contract --json` has it.
pub fn contract_rows(told: &Value) -> Vec<ContractRow> {
    let all = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let word = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let cell = |told: &Value| {
        let words = word(told, "says");
        let verdict = if words.contains("if it fits") { "fits".to_owned() } else { words.clone() };
        ContractCell { column: word(told, "column"), verdict, words }
    };
    let row = |told: &Value| {
        let mode = word(told, "mode");
        let kind = match mode.strip_prefix("yolo:") {
            Some("uncapped") => "uncapped".to_owned(),
            Some(_cap) => "yolo".to_owned(),
            None => mode,
        };
        ContractRow { name: word(told, "name"), kind, cells: all(told, "columns").iter().map(cell).collect() }
    };
    all(told, "modes").iter().map(row).collect()
}

/// The cap that YOLO has where nobody says another, from the same.
pub fn default_cap(told: &Value) -> String {
    let modes = told.get("modes").and_then(Value::as_array).into_iter().flatten();
    let caps = modes.filter_map(|mode| mode.get("mode")?.as_str()?.strip_prefix("yolo:"));
    caps.into_iter().find(|cap| *cap != "uncapped").unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_contract_is_read_as_it_is_told() {
        let column = |says: &str| json!({ "column": "costs money", "says": says, "answers": [] });
        let mode = |mode: &str, says: &str| json!({ "mode": mode, "name": mode, "columns": [column(says)] });
        let told = json!({ "modes": [
            mode("plan", "refused"), mode("agent", "asks"), mode("yolo:2.50", "runs if it fits, else asks"), mode("yolo:uncapped", "runs"),
        ] });
        let rows = contract_rows(&told);
        let kinds: Vec<(&str, &str)> = rows.iter().map(|row| (&*row.kind, &*row.cells[0].verdict)).collect();
        assert_eq!(kinds, [("plan", "refused"), ("agent", "asks"), ("yolo", "fits"), ("uncapped", "runs")]);
        assert_eq!(default_cap(&told), "2.50");
        assert!(contract_rows(&json!(null)).is_empty() && default_cap(&json!([])).is_empty());
    }
}
