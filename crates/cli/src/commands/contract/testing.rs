//! `remit contract test`: a file of cases against the contract, and what of it is answered otherwise.
//!
//! Not here: the form of the file (that is `cases`), or the judging (that is `trial`).

use super::cases::{self, Case, CaseFile};
use super::trial;
use crate::commands::explain::judgement::{Judgement, price_word};
use crate::failure::Failure;
use crate::out::{out, outln};
use anyhow::{Context, anyhow};
use mcp::{ServerName, Servers};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 8 << 20;

const EXAMPLES: &str = "Examples:
  remit contract test my-cases.toml
  remit contract test my-cases.toml --json

A file of cases:
  [[case]]
  id = \"a-push-asks\"
  mode = \"agent\"
  tool = \"shell\"
  args = { command = \"git push\" }
  expect = \"ask\"

docs/contract.md has every key. Your own configuration plays no part: a case says what it stands on. \
Exit status: 0 when every case is answered as it says, else 1; 2 when the file cannot be understood.";

/// Which file.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The file of cases
    file: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// One case with what came.
struct Tried<'a> {
    case: &'a Case,
    came: Judgement,
}

/// Goes through the file.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let source = read(&args.file)?;
    let file = cases::parse(&source).map_err(|wrong| {
        let cause = anyhow!(wrong).context(format!("`{}` is no file of cases", args.file.display()));
        Failure::user(cause).hint("`remit contract test --help` shows the form; docs/contract.md has every key")
    })?;
    let servers = declared(&file)?;
    let tried = file.cases.iter().map(|case| Ok(Tried { case, came: trial::judged(case, &servers)? }));
    let tried: Vec<Tried<'_>> = tried.collect::<Result<_, Failure>>()?;
    let differing = tried.iter().filter(|tried| tried.differs()).count();
    if args.json {
        let results: Vec<Value> = tried.iter().map(Tried::as_json).collect();
        outln!("{:#}", json!({ "cases": tried.len(), "differing": differing, "results": results }));
    } else {
        tried.iter().filter(|tried| tried.differs()).for_each(|tried| out!("{}", tried.as_text()));
        outln!("{} cases: {} as expected, {differing} differ", tried.len(), tried.len() - differing);
    }
    Ok(if differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &Path) -> Result<String, Failure> {
    let read = || -> anyhow::Result<String> {
        let size = std::fs::metadata(file)?.len();
        anyhow::ensure!(size <= LARGEST, "it has {size} bytes, and at most {LARGEST} are read");
        Ok(std::fs::read_to_string(file)?)
    };
    read().with_context(|| format!("`{}` cannot be read", file.display())).map_err(Failure::user)
}

/// The servers as the file declares them; none is started.
fn declared(file: &CaseFile) -> Result<Servers, Failure> {
    let named = file.servers.iter().map(|(name, tools)| Ok((name.parse::<ServerName>()?, tools.clone())));
    let named: BTreeMap<ServerName, Vec<Value>> =
        named.collect::<Result<_, mcp::BadServer>>().map_err(Failure::user)?;
    Servers::declared(named)
        .map_err(|left_out| Failure::user(anyhow!("a server's tool cannot be declared: {}", left_out.join("; "))))
}

impl Tried<'_> {
    fn differs(&self) -> bool {
        let (expected, decided) = (&self.case.expected, self.came.decided.as_ref());
        let price = expected.price.is_some_and(|price| !decided.is_some_and(|decided| price.is(&decided.price)));
        let by = expected.by.is_some_and(|by| decided.is_none_or(|decided| decided.by != by));
        self.came.answer != expected.answer || price || by
    }

    fn expected(&self) -> Vec<(&'static str, String)> {
        let expected = &self.case.expected;
        let price = expected.price.map(|price| ("price", price.to_string()));
        let by = expected.by.map(|by| ("decided_by", by.to_string()));
        [Some(("verdict", expected.answer.to_string())), price, by].into_iter().flatten().collect()
    }

    fn came(&self) -> Vec<(&'static str, String)> {
        let decided = self.came.decided.as_ref();
        let price = decided.map(|decided| ("price", price_word(&decided.price)));
        let by = decided.map(|decided| ("decided_by", decided.by.to_string()));
        [Some(("verdict", self.came.answer.to_string())), price, by].into_iter().flatten().collect()
    }

    fn as_text(&self) -> String {
        let case = self.case;
        let words = |parts: Vec<(&str, String)>| {
            let parts = parts.into_iter().map(|(name, value)| match name {
                "verdict" => value,
                "price" => format!("price {value}"),
                _ => format!("decided by {value}"),
            });
            parts.collect::<Vec<_>>().join(", ")
        };
        let mut text = format!("line {}: {} ({} in {})\n", case.line, case.id, case.tool, case.standing.mode);
        text.push_str(&format!("  expected  {}\n", words(self.expected())));
        text.push_str(&format!("  came      {}\n", words(self.came())));
        text.push_str(&format!("  because   {}\n", self.came.reason));
        if let Some(why) = &case.why {
            text.push_str(&format!("  the case  {why}\n"));
        }
        text
    }

    fn as_json(&self) -> Value {
        let object = |parts: Vec<(&str, String)>| -> Value {
            parts.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect()
        };
        json!({
            "id": self.case.id,
            "line": self.case.line,
            "as_expected": !self.differs(),
            "expected": object(self.expected()),
            "came": object(self.came()),
            "reason": self.came.reason,
        })
    }
}
