//! `remit show`: what was said and done in a session, and what it cost.
//!
//! Not here: checking the record (that is `verify`).

use crate::commands::run::about;
use crate::draw::{clean, short, spend_lines};
use crate::failure::Failure;
use crate::out::outln;
use crate::stored::Stored;
use engine::Replayed;
use gate::GateEvent;
use serde_json::{Value, json};
use std::process::ExitCode;
use turn::TurnEvent;

const EXAMPLES: &str = "Examples:
  remit show k3f9xq2mzp
  remit show k3f9xq2mzp --json | jq '.spend'";

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

/// Shows it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let stored = Stored::named(&args.id)?;
    let about = about(&stored.row)?;
    let Replayed { state, turn, requests } = stored.replayed()?;
    let (records, spend) = (&stored.records, engine::bill::spend(&state, &requests));
    if args.json {
        let bodies: Result<Vec<Value>, _> = records.iter().map(|record| serde_json::from_str(&record.body)).collect();
        let whole = json!({
            "id": stored.row.id.to_string(), "workspace": about.workspace, "model": about.model, "title": about.title,
            "mode": state.mode.to_string(), "spend": spend, "tokens": engine::bill::tokens(requests.usage),
            "messages": turn.messages(), "records": bodies.map_err(Failure::host)?,
        });
        outln!("{whole}");
        return Ok(ExitCode::SUCCESS);
    }
    outln!("{}  {}", engine::bill::chip(state.mode, &state), clean(&about.model));
    outln!("{}", clean(&about.workspace));
    for record in records {
        match record.kind.as_str() {
            gate::RECORD_KIND => serde_json::from_str(&record.body).map(|event| decided(&event)),
            engine::record::TURN_KIND => serde_json::from_str(&record.body).map(|event| said(&event)),
            // What a request cost stands with its hold.
            _request => Ok(()),
        }
        .map_err(Failure::host)?;
    }
    outln!();
    spend_lines(&spend).iter().for_each(|line| outln!("{line}"));
    Ok(ExitCode::SUCCESS)
}

fn decided(event: &GateEvent) {
    match event {
        GateEvent::Decided(decision) => {
            let reason = decision.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let (outcome, by) = (&decision.outcome, &decision.decided_by);
            outln!("  {outcome} by {by}{reason}  {} ({})", short(&decision.summary), decision.price);
        }
        GateEvent::ModeSet { mode, surface } => outln!("mode: {mode} (by the person, {surface})"),
        GateEvent::Answered { call, consent, .. } => outln!("  the person answered {consent} to {call}"),
        GateEvent::Ended { entry: Some(entry), .. } | GateEvent::Posted { entry, .. } => outln!("  {entry}"),
        GateEvent::Opened { .. } | GateEvent::Revoked { .. } | GateEvent::Ended { entry: None, .. } => {}
    }
}

fn said(event: &TurnEvent) {
    match event {
        TurnEvent::Said { text } => outln!("\n> {}", clean(text)),
        TurnEvent::Replied { reply, .. } if !reply.text.is_empty() => outln!("\n{}", clean(&reply.text)),
        TurnEvent::CallEnded { text, .. } => outln!("    {}", short(text)),
        TurnEvent::ModelFailed { why } => outln!("the model failed: {}", clean(why)),
        TurnEvent::Compacted { .. } => outln!("(older messages were summed up)"),
        TurnEvent::Stopped => outln!("(stopped)"),
        TurnEvent::CapReached { why } => outln!("(the cap is reached: {})", clean(why)),
        TurnEvent::Limited { .. }
        | TurnEvent::Replied { .. }
        | TurnEvent::GoOn
        | TurnEvent::ContextFull
        | TurnEvent::SumUp => {}
    }
}
