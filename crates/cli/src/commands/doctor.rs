//! `remit doctor`: whether everything a session needs is there, and what to do where it is not.
//!
//! In reading order: [`checks`] has one function a check; this file goes through them and shows what was found.
//!
//! Not here: mending anything.

mod checks;

use crate::commands::mcp::connection;
use crate::failure::Failure;
use crate::out::{out, outln};
use crate::paths::Paths;
use checks::{Finding, Health};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:
  remit doctor
  remit doctor --network    also tries to reach the model's service and the Hub
  remit doctor --json

Starts each MCP server of the configuration, lists its tools, and stops it. Calls no model and no tool, \
and changes nothing. Exit status: 0 when nothing fails, else 1.";

/// What to check.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Also try to reach the model's service, and the Hub where it is used
    #[arg(long)]
    network: bool,
    /// The folder that MCP servers are started in
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Goes through the checks.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let findings = crate::runtime()?.block_on(examine(&args));
    let failed = findings.iter().filter(|finding| finding.health == Health::Fail).count();
    if args.json {
        let findings: Vec<Value> = findings.iter().map(as_json).collect();
        outln!("{:#}", json!({ "checks": findings, "failed": failed }));
    } else {
        findings.iter().for_each(|finding| out!("{}", as_text(finding)));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn examine(args: &Args) -> Vec<Finding> {
    let paths = match Paths::find() {
        Ok(paths) => paths,
        Err(failure) => return vec![Finding::failure("folders", &failure)],
    };
    let mut findings = vec![];
    match crate::config::load(&paths) {
        Err(failure) => findings.push(Finding::failure("configuration", &failure)),
        Ok(loaded) => {
            findings.extend(checks::configuration(&loaded));
            findings.push(checks::model(&loaded.config));
            if args.network {
                findings.extend(checks::network(&loaded.config).await);
            }
            let connected = connection::connect(&loaded.config.mcp, &loaded.config, &args.directory).await;
            findings.extend(checks::servers(&loaded.config, connected).await);
        }
    }
    findings.push(checks::sandbox().await);
    findings.push(checks::git());
    findings.push(checks::database(&paths).await);
    findings.extend(checks::folders(&paths));
    findings.push(checks::lineage());
    findings
}

fn as_text(finding: &Finding) -> String {
    let mut text = format!("{:<5} {:<14} {}\n", finding.health.to_string(), finding.check, finding.found);
    for advice in &finding.advice {
        text.push_str(&format!("{:<20} -> {advice}\n", ""));
    }
    text
}

fn as_json(finding: &Finding) -> Value {
    json!({
        "check": finding.check,
        "health": finding.health.to_string(),
        "found": finding.found,
        "advice": finding.advice,
    })
}
