//! `shell`: runs a command line in the workspace, in the foreground or the background, confined to reading or not.
//!
//! Not here: taking the line apart for rules (that is `shell_line`), or the runs in the background (that is `runs`).

use crate::call::{Invalid, Priced};
use crate::json;
use crate::shell_line::{self, ShellGrammar};
use crate::site::Site;
use crate::text;
use gate::{Act, Done, Permit, Report};
use host::children::{ChildEnd, Exit, LineShell, NotLaunched, Program, launch};
use host::confine;
use host::scene::Scene;
use policy::{Action, Effect, Price, ShellLine, Subject};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use turn::chat::ToolSpec;

/// The name the model calls it by.
pub const NAME: &str = "shell";

/// How long a command may take when nobody says how long.
const USUAL_LIMIT: u64 = 120;
/// How long a command may take in the foreground at most; longer ones belong in the background.
const LONGEST_IN_FRONT: u64 = 3600;
/// How long a command may take in the background, where it is given a limit at all.
const LONGEST_BEHIND: u64 = 7 * 24 * 3600;
/// How long a command line may be, in bytes; the kernel takes no argument of 128 KiB.
const LONGEST_LINE: usize = 100_000;

/// Declares the tool.
pub fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Runs a command line (bash) in the workspace; no terminal, no input. What it leaves running is ended, unless \
                      it is a background run. confined: read-only workspace, no network, empty HOME; needs no permission where \
                      other commands do."
            .to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": {
                "command": { "type": "string" },
                "timeout_s": { "type": "integer", "minimum": 1, "description": "default 120, at most 3600; background: none" },
                "background": { "type": "boolean", "description": "returns at once; see `runs`" },
                "confined": { "type": "boolean" }
            },
            "required": ["command"],
            "additionalProperties": false
        }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    command: String,
    #[serde(default)]
    timeout_s: Option<u64>,
    #[serde(default)]
    background: Option<bool>,
    #[serde(default)]
    confined: Option<bool>,
}

/// A call that runs a command line.
#[derive(Debug)]
pub struct Shell {
    command: String,
    /// The shell that the line was read for, and that runs it.
    shell: LineShell,
    line: ShellLine,
    limit: Option<Duration>,
    place: Stand,
    reach: Walls,
    shown: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Front,
    Behind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walls {
    Open,
    Confined,
}

/// Understands a call.
pub fn parse(arguments: Value, _site: &Site) -> Result<Shell, Invalid> {
    let shown = arguments.to_string();
    let Arguments { command, timeout_s, background, confined } = json::typed(NAME, arguments)?;
    if command.trim().is_empty() {
        return Err(Invalid::of(NAME, "`command` is empty"));
    }
    if command.contains('\0') {
        return Err(Invalid::of(NAME, "`command` holds a NUL byte"));
    }
    if command.len() > LONGEST_LINE {
        let why =
            format!("`command` has {} bytes; write a script of more than {LONGEST_LINE} to a file", command.len());
        return Err(Invalid::of(NAME, why));
    }
    let place = if background == Some(true) { Stand::Behind } else { Stand::Front };
    let reach = if confined == Some(true) { Walls::Confined } else { Walls::Open };
    let limit = limit(timeout_s, place)?;
    let shell = LineShell::of_this_machine();
    let dialect = match shell {
        LineShell::Bash => ShellGrammar::Bash,
        LineShell::Sh => ShellGrammar::Sh,
    };
    let line = shell_line::read(&command, dialect);
    Ok(Shell { command, shell, line, limit, place, reach, shown })
}

fn limit(timeout_s: Option<u64>, place: Stand) -> Result<Option<Duration>, Invalid> {
    let (usual, longest) = match place {
        Stand::Front => (Some(USUAL_LIMIT), LONGEST_IN_FRONT),
        Stand::Behind => (None, LONGEST_BEHIND),
    };
    match timeout_s {
        Some(0) => Err(Invalid::of(NAME, "`timeout_s` is at least 1")),
        Some(seconds) if seconds > longest => Err(Invalid::of(
            NAME,
            format!("`timeout_s` is at most {longest} here; run what takes longer in the background"),
        )),
        seconds => Ok(seconds.or(usual).map(Duration::from_secs)),
    }
}

impl Act for Shell {
    fn action(&self) -> Action {
        let first = self.command.trim().lines().next().unwrap_or_default();
        let more = if self.command.trim().lines().nth(1).is_some() { " …" } else { "" };
        let how = match (self.place, self.reach) {
            (Stand::Front, Walls::Open) => "",
            (Stand::Front, Walls::Confined) => " (confined)",
            (Stand::Behind, Walls::Open) => " (in the background)",
            (Stand::Behind, Walls::Confined) => " (confined, in the background)",
        };
        Action {
            tool: NAME.to_owned(),
            effect: match self.reach {
                Walls::Open => Effect::Change,
                Walls::Confined => Effect::Confined,
            },
            price: Price::Free,
            summary: format!("shell: {}{more}{how}", text::beginning(first, 200)),
            subject: Subject::Shell(self.line.clone()),
            shown: self.shown.clone(),
        }
    }
}

/// Runs the command line.
pub async fn run(permit: Permit<Priced<Shell>>, scene: &Scene) -> Done {
    let report = match permit.act().place {
        Stand::Front => in_front(&permit, scene).await,
        Stand::Behind => behind(&permit, scene),
    };
    let report = report.unwrap_or_else(|why| Report::Failed(why.to_string()));
    permit.finish(report)
}

fn program(permit: &Permit<Priced<Shell>>, scene: &Scene) -> Result<Program, NotLaunched> {
    let Shell { command, shell, limit, reach, .. } = &**permit.act();
    let program = Program::line(command, *shell, scene.workspace.root());
    let program = match limit {
        Some(limit) => program.within(*limit),
        None => program,
    };
    match reach {
        Walls::Open => Ok(program),
        Walls::Confined => Ok(confine::hold(program, scene)?),
    }
}

async fn in_front(permit: &Permit<Priced<Shell>>, scene: &Scene) -> Result<Report, NotLaunched> {
    let exit = launch(permit, program(permit, scene)?, scene).await?;
    let said = told(&exit);
    Ok(if exit.ending == ChildEnd::Code(0) { Report::Done(said) } else { Report::Failed(said) })
}

fn behind(permit: &Permit<Priced<Shell>>, scene: &Scene) -> Result<Report, NotLaunched> {
    let started = scene.runs.start(permit, permit.act().command.clone(), program(permit, scene)?, scene)?;
    let (id, file) = (started.id, started.file.display());
    Ok(Report::Done(format!("started as `{id}`; its output grows in `{file}`; read or stop it with `runs`")))
}

/// What the model reads of a run that has ended.
pub(crate) fn told(exit: &Exit) -> String {
    let mut said = exit.output.text();
    if said.is_empty() {
        said.push_str("(no output)");
    }
    if !said.ends_with('\n') {
        said.push('\n');
    }
    said.push_str(&format!("[{} after {:.1} s]", exit.ending, exit.took.as_secs_f64()));
    if exit.left_behind > 0 {
        let left = text::count(exit.left_behind, "program");
        said.push_str(&format!("\n[{left} left running and ended; use background for what is to go on]"));
    }
    if exit.beyond_reach > 0 {
        let left = text::count(exit.beyond_reach, "program");
        said.push_str(&format!("\n[{left} could not be ended and may go on]"));
    }
    said
}
