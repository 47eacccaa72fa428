//! `remit export`: a session's record as JSON lines, whole, so that another program can check its chain.
//!
//! Not here: the chain's definition (that is `journal::record`).

use crate::failure::Failure;
use crate::out::out;
use crate::stored::Stored;
use anyhow::Context;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:
  remit export k3f9xq2mzp > session.jsonl
  remit export k3f9xq2mzp --output session.jsonl";

/// Which session, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The session; `remit sessions` lists them
    id: String,
    /// The file; standard output without it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let text = in_lines(&Stored::named(&args.id)?);
    match args.output {
        Some(file) => {
            let written =
                std::fs::write(&file, text).with_context(|| format!("`{}` cannot be written", file.display()));
            written.map_err(Failure::host)?;
        }
        None => out!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// A session's header and records, one JSON object a line.
pub fn in_lines(Stored { row, records }: &Stored) -> String {
    let mut lines =
        vec![json!({"session": row.id.to_string(), "created_at_ms": row.created_at_ms, "about": row.about})];
    lines.extend(records.iter().map(|record| {
        json!({
            "seq": record.seq, "at_ms": record.at_ms, "kind": record.kind, "body": record.body,
            "hash": record.hash.to_string(),
        })
    }));
    lines.iter().map(|line| format!("{line}\n")).collect()
}
