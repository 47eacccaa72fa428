//! `remit explain`: what would happen to one call, and why. It runs nothing.
//!
//! In reading order: [`judgement`] asks the contract; this file says what about, and shows the answer.
//!
//! Not here: deciding (that is `policy`).

pub mod judgement;

use crate::commands::mcp::connection;
use crate::config::Config;
use crate::failure::Failure;
use crate::out::{out, outln};
use crate::wiring;
use anyhow::{Context, anyhow};
use engine::work::Desk;
use gate::State;
use host::place::Workspace;
use judgement::{Judgement, judge, price_word};
use policy::{Attendance, Cap, Mode, ModeChoice, Price};
use serde_json::json;
use server::house::Explained;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wire::http::Explanation;

const EXAMPLES: &str = "Examples:
  remit explain -- git push
  remit explain --mode yolo:5 -- 'cargo test && git push origin main'
  remit explain --mode plan write '{\"path\": \"a.txt\", \"content\": \"x\"}'
  remit explain --mode yolo --cap 1 hf_jobs '{\"operation\": \"scheduled ps\"}'
  remit explain --unattended mcp:forge/create_pull_request '{\"title\": \"x\"}'

The answer is that of a new session in this folder, with your prohibitions, prices and secrets. Nothing \
runs. For a tool of an MCP server, the server is asked how it declares the tool; the tool is not called.";

/// Which call, and in which mode.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// `plan`, `agent`, `yolo`, `yolo:5` or `yolo:uncapped`; `agent` without it
    #[arg(long, value_name = "MODE")]
    mode: Option<ModeChoice>,
    /// The cap of YOLO in US dollars, or `uncapped`; with `--mode yolo`
    #[arg(long, value_name = "USD")]
    cap: Option<Cap>,
    /// Somebody can be asked, as at a terminal; this is how it is without the option
    #[arg(long, conflicts_with = "unattended")]
    attended: bool,
    /// Nobody can be asked, as in `remit run`
    #[arg(long)]
    unattended: bool,
    /// The folder the call would be made in
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
    /// The tool: a built-in one, or `mcp:SERVER/TOOL`
    #[arg(conflicts_with = "command")]
    tool: Option<String>,
    /// Its arguments as JSON; `{}` without them
    #[arg(value_name = "ARGS-JSON")]
    arguments: Option<String>,
    /// A command line of the tool `shell`, instead of a tool
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Says it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let (config, _) = wiring::configured()?;
    let mode = chosen_mode(args.mode, args.cap)?.resolve(None, wiring::default_cap(&config)?);
    let attendance = if args.unattended { Attendance::Unattended } else { Attendance::Attended };
    let (tool, arguments) = wanted_call(args.tool, args.arguments, &args.command)?;
    let state = State::open(mode, attendance, wiring::prohibitions(&config)?);
    let judgement = crate::runtime()?.block_on(judged(&state, (&tool, &arguments), &args.directory, &config))?;
    if args.json {
        outln!("{}", serde_json::to_string(&explanation(&judgement)).map_err(Failure::bug)?);
    } else {
        out!("{}", as_text(&judgement, mode, attendance));
    }
    Ok(ExitCode::SUCCESS)
}

/// What would happen to a call that somebody asks the server about.
pub async fn of_call(config: &Config, folder: &Path, call: Explained) -> Result<Explanation, Failure> {
    let mode = call.mode.unwrap_or(ModeChoice::DEFAULT).resolve(None, wiring::default_cap(config)?);
    let state = State::open(mode, call.attendance, wiring::prohibitions(config)?);
    let folder = call.workspace.as_deref().unwrap_or(folder);
    let judgement = judged(&state, (&call.tool, &call.arguments), folder, config).await?;
    Ok(explanation(&judgement))
}

/// The mode that was asked for, with the cap as part of it.
fn chosen_mode(mode: Option<ModeChoice>, cap: Option<Cap>) -> Result<ModeChoice, Failure> {
    match (mode, cap) {
        (None, None) => Ok(ModeChoice::DEFAULT),
        (Some(mode), None) => Ok(mode),
        (None | Some(ModeChoice::YoloAsBefore), Some(cap)) => Ok(ModeChoice::with_cap(cap)),
        (Some(ModeChoice::Exactly(_)), Some(_)) => {
            let cause = anyhow!("`--cap` goes with `--mode yolo`, and this mode is complete without it");
            Err(Failure::user(cause).hint("write the cap once: `--mode yolo:5`"))
        }
    }
}

/// The tool and its arguments as JSON text. Words after `--` are one call of `shell`: several are quoted where a shell would
/// split them, one is the command line as it stands.
fn wanted_call(
    tool: Option<String>,
    arguments: Option<String>,
    command: &[String],
) -> Result<(String, String), Failure> {
    let line = match (tool, command) {
        (Some(tool), _) => return Ok((tool, arguments.unwrap_or_else(|| "{}".to_owned()))),
        (None, []) => {
            let cause = anyhow!("there is nothing to explain");
            return Err(Failure::user(cause)
                .hint("name a tool and its arguments: `remit explain read '{\"path\": \"README.md\"}'`")
                .hint("or give a command line: `remit explain -- git push`"));
        }
        (None, [line]) => line.clone(),
        (None, words) => shlex::try_join(words.iter().map(String::as_str))
            .context("a word of the command holds a zero byte")
            .map_err(Failure::user)?,
    };
    Ok(("shell".to_owned(), json!({ "command": line }).to_string()))
}

async fn judged(
    state: &State,
    (tool, arguments): (&str, &str),
    folder: &Path,
    config: &Config,
) -> Result<Judgement, Failure> {
    let workspace = Workspace::open(folder).map_err(Failure::user)?;
    let root = workspace.root().to_owned();
    let site = wiring::site(config, workspace)?;
    let prices = wiring::tool_prices(config)?;
    let asked = connection::concerned(config, tool);
    for name in asked.keys() {
        eprintln!("asking the MCP server `{name}` which tools it declares; none is called");
    }
    let connected = connection::connect(&asked, config, &root).await?;
    // A server that is down has no tools to be understood by: that is no answer of the contract.
    if let Some((name, why)) = connected.down().into_iter().next() {
        connected.servers.stop().await;
        let cause = anyhow!("what `{tool}` declares is not known: server `{name}` {why}");
        return Err(Failure::host(cause).hint(format!("`remit mcp test {name}` shows more")));
    }
    let desk = Desk { site: &site, servers: &connected.servers, prices: &prices };
    let judgement = judge(state, tool, arguments, &desk);
    connected.servers.stop().await;
    Ok(judgement)
}

fn explanation(judgement: &Judgement) -> Explanation {
    let decided = judgement.decided.as_ref();
    // The one word for such a price leaves out why it is none.
    let reason = match decided.map(|decided| &decided.price) {
        Some(Price::Unknown(why) | Price::Unbounded(why)) => format!("{}; {why}", judgement.reason),
        Some(Price::Free | Price::AtMost(_)) | None => judgement.reason.clone(),
    };
    Explanation {
        verdict: judgement.answer.to_string(),
        effect: decided.map(|decided| decided.effect.to_string()),
        price: decided.map(|decided| price_word(&decided.price)),
        decided_by: decided.map(|decided| decided.by.to_string()),
        reason,
    }
}

fn as_text(judgement: &Judgement, mode: Mode, attendance: Attendance) -> String {
    let mut lines = vec![("verdict", judgement.answer.to_string()), ("why", judgement.reason.clone())];
    if let Some(decided) = &judgement.decided {
        lines.push(("call", decided.summary.clone()));
        lines.push(("effect", decided.effect.to_string()));
        lines.push(("price", decided.price.to_string()));
        lines.push(("decided by", decided.by.to_string()));
    }
    lines.push(("mode", format!("{mode}, {attendance}")));
    lines.into_iter().map(|(name, text)| format!("{name:<11}{}\n", text.replace('\n', "\n           "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn command_line(given: &[&str]) -> String {
        let (tool, arguments) = wanted_call(None, None, &words(given)).unwrap();
        assert_eq!(tool, "shell");
        let arguments: serde_json::Value = serde_json::from_str(&arguments).unwrap();
        arguments["command"].as_str().unwrap().to_owned()
    }

    #[test]
    fn words_are_joined_so_that_a_shell_splits_them_the_same_way() {
        let given = ["git", "commit", "-m", "it's \"two\" words", "", "$HOME", "a;b"];
        let line = command_line(&given);
        assert_eq!(shlex::split(&line).unwrap(), words(&given));
        assert!(line.starts_with("git commit -m "), "{line}");
    }

    #[test]
    fn one_string_is_the_command_line_itself() {
        assert_eq!(command_line(&["true && git push"]), "true && git push");
    }

    #[test]
    fn a_tool_without_arguments_gets_none() {
        let call = wanted_call(Some("list".into()), None, &[]).unwrap();
        assert_eq!(call, ("list".to_owned(), "{}".to_owned()));
        assert!(wanted_call(None, None, &[]).is_err());
    }

    #[test]
    fn a_cap_completes_yolo_and_nothing_else() {
        let cap = || Some("3".parse::<Cap>().unwrap());
        let mode = |text: &str| Some(text.parse::<ModeChoice>().unwrap());
        let resolved = |choice: ModeChoice| choice.resolve(None, money::Usd::ZERO).to_string();
        assert_eq!(resolved(chosen_mode(None, None).unwrap()), "agent");
        assert_eq!(resolved(chosen_mode(None, cap()).unwrap()), "yolo:3.00");
        assert_eq!(resolved(chosen_mode(mode("yolo"), cap()).unwrap()), "yolo:3.00");
        assert!(chosen_mode(mode("plan"), cap()).is_err());
        assert!(chosen_mode(mode("yolo:5"), cap()).is_err());
    }
}
