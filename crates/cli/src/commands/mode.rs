//! `remit mode`: set the mode of a running or stored session.
//!
//! Not here: what a mode means (that is `policy`).

use crate::commands::run::{about, session_id};
use crate::failure::Failure;
use crate::opening::engine_failure;
use crate::out::outln;
use crate::stored::{Stored, existing_journal};
use crate::{control, draw, person, rates, wiring};
use anyhow::anyhow;
use engine::Replayed;
use gate::{Gate, Person};
use journal::{Journal, SessionId};
use policy::ModeChoice;
use std::process::ExitCode;
use wire::{ControlReply, ControlRequest, YoloStatus, YoloSwitch};

const EXAMPLES: &str = r#"Examples:
  remit mode k3f9xq2mzp              shows the mode and the money
  remit mode k3f9xq2mzp plan
  remit mode k3f9xq2mzp yolo:10      a new cap replaces the old one; what was spent stays spent
  remit mode k3f9xq2mzp '{"enabled": true, "cost_cap_usd": 10}'

The last form is for scripts, and is answered in JSON: without `cost_cap_usd` the session keeps its last cap or takes
the default, `null` is no cap at all, and `{"enabled": false}` is Agent.

A running session is told at once: what it is asking about is judged again."#;

/// Which session, and the mode.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The session; `remit sessions` lists them
    id: String,
    /// `plan`, `agent`, `yolo`, `yolo:5`, `yolo:uncapped` or a JSON switch; without it the mode is shown
    mode: Option<String>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Shows or sets it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let id = session_id(&args.id)?;
    let switch = args.mode.as_deref().filter(|text| text.trim_start().starts_with('{'));
    let switch = switch.map(YoloSwitch::read).transpose().map_err(Failure::user)?;
    let (is_switch, mode) = (switch.is_some(), switch.map(|switch| switch.mode()).or(args.mode));
    let wish = mode.as_deref().map(str::parse::<ModeChoice>).transpose().map_err(Failure::user)?;
    let person = wish.map(|_| person::at_the_command_line()).transpose()?;
    let request = mode.map_or(ControlRequest::Status, |mode| ControlRequest::SetMode { mode });
    let (config, paths) = wiring::configured()?;
    let default_cap = wiring::default_cap(&config)?;
    let reply = crate::runtime()?.block_on(async {
        if let Some(reply) = control::ask(&paths.socket(id.as_str()), &request).await? {
            return Ok(reply);
        }
        let journal = existing_journal().await?;
        match (person, wish) {
            (Some(person), Some(wish)) => {
                set_stored(&journal, &id, &person, |last| wish.resolve(last, default_cap)).await
            }
            (None, _) | (_, None) => {
                let Replayed { state, requests, .. } = Stored::read(&journal, &id).await?.replayed()?;
                Ok(engine::bill::status(&state, &requests))
            }
        }
    })?;
    match reply {
        ControlReply::Refused { why } => Err(Failure::user(anyhow!("{why}"))),
        ControlReply::Status { mode, spend, .. } if is_switch => {
            let status = YoloStatus::of(&mode, &spend);
            outln!("{}", serde_json::to_string(&status).map_err(Failure::bug)?);
            Ok(ExitCode::SUCCESS)
        }
        status if args.json => {
            outln!("{}", serde_json::to_string(&status).map_err(Failure::bug)?);
            Ok(ExitCode::SUCCESS)
        }
        ControlReply::Status { chip, spend, .. } => {
            outln!("{chip}");
            draw::spend_lines(&spend).iter().for_each(|line| outln!("{line}"));
            Ok(ExitCode::SUCCESS)
        }
        other => Err(Failure::host(anyhow!("the session answered something else: {other:?}"))),
    }
}

/// Nobody owns the session: this program does, for as long as it takes to write one record.
async fn set_stored(
    journal: &Journal,
    id: &SessionId,
    person: &Person,
    mode: impl FnOnce(Option<money::Usd>) -> policy::Mode,
) -> Result<ControlReply, Failure> {
    let log = journal.resume(id).await.map_err(Failure::user)?;
    let stored = Stored::read(journal, id).await?;
    let Replayed { state, requests, .. } = stored.replayed()?;
    let mode = mode(state.last_cap);
    if mode.limit().is_some() {
        let model = about(&stored.row)?.model;
        let (config, paths) = wiring::configured()?;
        let tariff = rates::tariff_live(&config, &paths, &model).await?;
        engine::can_be_capped(mode, &model, &tariff).map_err(engine_failure)?;
    }
    let mut gate = Gate::resume(log, state, wiring::now_ms);
    gate.set_mode(person, mode).await.map_err(|why| engine_failure(why.into()))?;
    Ok(engine::bill::status(gate.state(), &requests))
}
