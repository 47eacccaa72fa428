//! `remit prices`: what models, job hardware and tools cost, with who says so and how old that is.
//!
//! In reading order: [`page`] has what is shown; [`listing`] finds it; [`near`] says what a stranger may have meant;
//! [`text`] shows it to a person and [`json`] to a program.
//!
//! Not here: who is believed (that is `rates`), or the prices that come with the program (that is `pricing`).

mod json;
mod listing;
mod near;
mod page;
mod text;

use crate::config::Config;
use crate::failure::Failure;
use crate::out::{out, outln};
use crate::paths::Paths;
use crate::wiring;
use listing::Listing;
use std::process::ExitCode;
pub use text::grouped;

const EXAMPLES: &str = "Examples:
  remit prices                          everything, your own prices first
  remit prices anthropic/claude-opus-5-5
  remit prices opus                     whatever has this in its name
  remit prices huggingface/             what the Hugging Face router lists
  remit prices a10g-small               job hardware, by the hour and by the minute
  remit prices --json | jq '.models[].name'

Your own prices stand in the configuration: models.\"PROVIDER/NAME\".price, providers.NAME.free, prices.NAME.";

/// Which price.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A model as PROVIDER/NAME, job hardware, a tool, or a part of a name; everything without it
    name: Option<String>,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

/// Everything, as JSON.
pub async fn in_json(config: &Config, paths: &Paths) -> Result<serde_json::Value, Failure> {
    let page = Listing::new(config, paths)?.everything().await;
    Ok(json::of(&page, wiring::now_ms()))
}

/// Shows it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let (config, paths) = wiring::configured()?;
    let page = crate::runtime()?.block_on(async {
        let listing = Listing::new(&config, &paths)?;
        match args.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            None => Ok(listing.everything().await),
            Some(name) => listing.named(name).await,
        }
    })?;
    let now_ms = wiring::now_ms();
    match args.json {
        true => outln!("{}", json::of(&page, now_ms)),
        false => out!("{}", text::of(&page, now_ms)),
    }
    Ok(ExitCode::SUCCESS)
}
