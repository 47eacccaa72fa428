//! `remit verify`: check a session's record: its hash chain, and that every decision follows from what came before it.
//!
//! Not here: how either is done (that is `journal` and `engine`).

use crate::commands::run::session_id;
use crate::failure::Failure;
use crate::out::outln;
use crate::stored::{Stored, existing_journal};
use journal::Verified;
use serde_json::json;
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:
  remit verify k3f9xq2mzp

Exit status: 0 the record is intact; 1 it is not.";

/// Which session.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The session; `remit sessions` lists them
    id: String,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

/// Checks it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let id = session_id(&args.id)?;
    let (verified, followed) = crate::runtime()?.block_on(async {
        let journal = existing_journal().await?;
        let stored = Stored::read(&journal, &id).await?;
        let verified = journal.verify(&id).await.map_err(Failure::host)?;
        Ok::<_, Failure>((verified, engine::record::check(&stored.records)))
    })?;
    let chain = match verified {
        Verified::Intact { records, head } => Ok((records, head.to_string())),
        Verified::Broken { seq, why } => Err(format!("the chain breaks at record {seq}: {why}")),
    };
    let found = chain.and_then(|intact| followed.map(|()| intact).map_err(|why| why.to_string()));
    match (found, args.json) {
        (Ok((records, head)), true) => outln!("{}", json!({"intact": true, "records": records, "head": head})),
        (Ok((records, head)), false) => outln!("intact: {records} records, head {head}"),
        (Err(why), true) => {
            outln!("{}", json!({"intact": false, "why": why}));
            return Ok(ExitCode::FAILURE);
        }
        (Err(why), false) => {
            outln!("not intact: {why}");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
