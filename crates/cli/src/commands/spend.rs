//! `remit spend`: what one session has cost and holds, by kind and call by call; or all sessions since a while ago.
//!
//! In reading order: [`item`] reads what was paid for from a record; [`sums`] adds it up; [`text`], [`json`] and [`csv`]
//! show it; [`since`] has the sessions of a while.
//!
//! Not here: what anything costs (that is `pricing`), or the sums that a run ends with (that is `engine::bill`).

mod csv;
mod item;
mod json;
mod since;
mod sums;
mod text;

use crate::commands::run::about;
use crate::failure::Failure;
use crate::out::{out, outln};
use crate::paths::Paths;
use crate::stored::{Stored, existing_journal};
use anyhow::{Context, anyhow};
use engine::Replayed;
use item::Item;
use journal::{Journal, SessionId};
use since::Period;
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:
  remit spend                    the last session of this folder
  remit spend k3f9xq2mzp
  remit spend --since 7d         every session, what was booked in the last week
  remit spend --since 2w --csv > spend.csv
  remit spend --json | jq '.spend.budget'

Each state of money stands by itself: quoted is what could have been spent at most, held and open count in full \
until their outcome is known, settled is paid, and what has no bound is in no sum.";

/// Which session, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The session; the last one of this folder without it
    #[arg(conflicts_with = "since")]
    id: Option<String>,
    /// All sessions with anything booked since: `30m`, `24h`, `7d` or `2w`
    #[arg(long, value_name = "PERIOD")]
    since: Option<Period>,
    /// Write one JSON object
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Write one line for each request and each paid call, for a spreadsheet
    #[arg(long)]
    csv: bool,
}

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    Csv,
}

impl Args {
    fn form(&self) -> Form {
        match (self.json, self.csv) {
            (true, _) => Form::Json,
            (false, true) => Form::Csv,
            (false, false) => Form::Text,
        }
    }
}

/// A session with all that was paid for in it.
pub struct Bill {
    /// The session as it is stored.
    stored: Stored,
    /// What its record amounts to.
    replayed: Replayed,
    /// What was paid for, in order.
    items: Vec<Item>,
}

impl Bill {
    fn of(stored: Stored) -> Result<Bill, Failure> {
        let replayed = stored.replayed()?;
        let items = item::read(&stored.records, &replayed.state.book).map_err(Failure::host)?;
        Ok(Bill { stored, replayed, items })
    }
}

/// Shows it. Reading needs no ownership: a session that runs goes on.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let form = args.form();
    if let Some(period) = args.since {
        return since::run(period, form);
    }
    let bill = crate::runtime()?.block_on(async {
        let journal = existing_journal().await?;
        let id = match &args.id {
            Some(id) => crate::commands::run::session_id(id)?,
            None => last_here(&journal).await?,
        };
        Bill::of(Stored::read(&journal, &id).await?)
    })?;
    match form {
        Form::Text => out!("{}", text::session(&bill)?),
        Form::Json => outln!("{}", json::session(&bill)?),
        Form::Csv => out!("{}{}", csv::HEADER, csv::session(&bill.stored.row.id, &bill.items)),
    }
    Ok(ExitCode::SUCCESS)
}

/// What a run ends with for a person: what was paid for, by kind and by call. Empty where nothing was.
pub async fn at_the_end(journal: &Journal, id: &SessionId) -> Result<String, Failure> {
    Ok(text::at_the_end(&Bill::of(Stored::read(journal, id).await?)?))
}

/// What a stored session has cost, as JSON.
pub fn in_json(stored: Stored) -> Result<serde_json::Value, Failure> {
    json::session(&Bill::of(stored)?)
}

/// What a session has cost that is kept there, for a person to read.
pub fn in_words(paths: &Paths, id: &str) -> Result<String, Failure> {
    text::session(&Bill::of(Stored::kept_in(paths, id)?)?)
}

async fn last_here(journal: &Journal) -> Result<SessionId, Failure> {
    let here = std::env::current_dir().and_then(|folder| folder.canonicalize());
    let here = here.context("this folder cannot be found").map_err(Failure::host)?.display().to_string();
    for row in journal.sessions().await.map_err(Failure::host)? {
        if about(&row)?.workspace == here {
            return Ok(row.id);
        }
    }
    let cause = anyhow!("no session of `{here}` was found");
    Err(Failure::user(cause).hint("`remit sessions` lists them; `remit spend --since 7d` is about all of them"))
}
