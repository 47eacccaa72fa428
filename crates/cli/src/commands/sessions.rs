//! `remit sessions`: list sessions.
//!
//! Not here: what is in one (that is `show`).

use crate::commands::run::about;
use crate::draw;
use crate::failure::Failure;
use crate::out::outln;
use crate::wiring;
use journal::{IfMissing, Journal, JournalError, SessionRow};
use serde_json::json;
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:
  remit sessions
  remit sessions --here
  remit sessions --json | jq -r '.id'";

/// Which sessions.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only those of this folder
    #[arg(long)]
    here: bool,
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Lists them, the one written to last first.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let (_, paths) = wiring::configured()?;
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
