//! `remit sessions`: list sessions, give one another title, delete one.
//!
//! Not here: what is in one (that is `show`).

#![allow(clippy::disallowed_methods, reason = "a session's outputs go with it")]

use crate::commands::run::{about, session_id};
use crate::failure::Failure;
use crate::out::outln;
use crate::paths::Paths;
use crate::stored::existing_journal;
use crate::{control, draw, person, wiring};
use anyhow::anyhow;
use journal::{IfMissing, Journal, JournalError, SessionRow};
use serde_json::json;
use std::process::ExitCode;
use wire::{ControlReply, ControlRequest};

const EXAMPLES: &str = "Examples:
  remit sessions
  remit sessions --here
  remit sessions --json | jq -r '.id'
  remit sessions rename k3f9xq2mzp \"the lost examples\"
  remit sessions delete k3f9xq2mzp";

/// Which sessions.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    change: Option<Change>,
    /// Only those of this folder
    #[arg(long)]
    here: bool,
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

/// What is done to one.
#[derive(Debug, clap::Subcommand)]
enum Change {
    /// Give a session another title
    Rename {
        /// The session
        id: String,
        /// Its title
        title: String,
    },
    /// Delete a session with its whole record, for good: what it has cost is then in no sum any more
    Delete {
        /// The session
        id: String,
    },
}

/// Lists them, the one written to last first, or changes one.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let (_, paths) = wiring::configured()?;
    if let Some(change) = args.change {
        person::at_the_command_line()?;
        let done = async {
            match change {
                Change::Rename { id, title } => rename(&paths, &id, title).await,
                Change::Delete { id } => delete(&paths, &id).await,
            }
        };
        return crate::runtime()?.block_on(done).map(|()| ExitCode::SUCCESS);
    }
    let rows = crate::runtime()?.block_on(async {
        match Journal::open(&paths.database(), IfMissing::Refuse).await {
            Ok(journal) => journal.sessions().await.map_err(Failure::host),
            Err(JournalError::NotFound { .. }) => Ok(Vec::new()),
            Err(why) => Err(Failure::host(why)),
        }
    })?;
    let here =
        if args.here { Some(std::env::current_dir().map_err(Failure::host)?.display().to_string()) } else { None };
    for row in rows {
        let about = about(&row)?;
        if here.as_ref().is_some_and(|here| about.workspace != *here) {
            continue;
        }
        if args.json {
            let SessionRow { id, created_at_ms, updated_at_ms, records, .. } = &row;
            let line = json!({
                "id": id.to_string(), "created_at_ms": created_at_ms, "updated_at_ms": updated_at_ms,
                "records": records, "workspace": about.workspace, "model": about.model, "title": about.title,
            });
            outln!("{line}");
        } else {
            let age = age(wiring::now_ms().saturating_sub(row.updated_at_ms));
            outln!("{}  {age:>9}  {}", row.id, draw::short(&about.title));
            outln!("            {}  {}", draw::clean(&about.workspace), draw::clean(&about.model));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Gives a session another title; the program that has it hears of it.
pub async fn rename(paths: &Paths, id: &str, title: String) -> Result<(), Failure> {
    let id = session_id(id)?;
    let request = ControlRequest::Rename { title: title.clone() };
    match control::ask(&paths.socket(id.as_str()), &request).await? {
        Some(ControlReply::Refused { why }) => Err(Failure::user(anyhow!(why))),
        Some(_done) => Ok(()),
        None => existing_journal().await?.rename(&id, &title).await.map_err(Failure::user),
    }
}

/// Deletes a session that no program has, with the whole outputs of its commands.
pub async fn delete(paths: &Paths, id: &str) -> Result<(), Failure> {
    let id = session_id(id)?;
    existing_journal().await?.delete(&id).await.map_err(Failure::user)?;
    let outputs = paths.outputs(id.as_str());
    match std::fs::remove_dir_all(&outputs) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::host(anyhow!(why).context(format!("`{}` cannot be deleted", outputs.display()))))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// How long ago something was, in the largest unit that fits.
pub fn age(ms: i64) -> String {
    let minutes = ms / 60_000;
    match (minutes, minutes / 60, minutes / 60 / 24) {
        (0, ..) => "now".to_owned(),
        (minutes, 0, _) => format!("{minutes} min"),
        (_, hours, 0) => format!("{hours} h"),
        (_, _, days) => format!("{days} d"),
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn an_age_is_told_in_the_largest_unit_that_fits() {
        let told = [59_999, 60_000, 3_599_999, 3_600_000, 86_400_000 * 3].map(age);
        assert_eq!(told, ["now", "1 min", "59 min", "1 h", "3 d"]);
    }
}
