//! The page of the contract: what each mode does with each kind of call.
//!
//! Not here: any cell. Each is what the contract answered when it was asked.

use crate::page::frame::Frame;
use crate::page::head::ContractRow;
use maud::{Markup, html};

/// What the columns are, in words.
const COLUMNS: &[(&str, &str)] = &[
    ("reads", "what you put in front of the agent: its folder, your MCP servers"),
    ("reaches", "looks beyond that, at an address the model chose"),
    ("confined run", "a program that the kernel holds to reading"),
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
