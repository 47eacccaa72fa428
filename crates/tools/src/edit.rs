//! `edit`: exact replacements in one file, shown as a diff.
//!
//! Not here: making a new file (that is `write`).
//!
//! The change is worked out when the call is parsed, so that a person approves the very diff that is then made: the file
//! must hold, byte for byte, what the diff was worked out on. What makes the change impossible (no such file, no such
//! text) is no fault of the arguments: the call is judged all the same, and fails when it runs, for what the file holds
//! is not for the model to learn before that.

use crate::call::{Invalid, Priced};
use crate::diff::Diff;
use crate::read::LARGEST_KNOWN;
use crate::site::Site;
use crate::{json, text};
use gate::{Act, Done, Permit};
use host::files::{self, Expected};
use host::scene::{Scene, Stamp};
use policy::{Action, Effect, Place, Price, Subject};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use turn::chat::ToolSpec;

/// The name the model calls it by.
pub const NAME: &str = "edit";

/// How many replacements one call may make.
const MOST_EDITS: usize = 100;
/// Among how many lines, and how long ones, the nearest to a text that is not there is looked for.
const MOST_LINES: usize = 5000;
const LONGEST_LINE: usize = 300;

/// Declares the tool.
pub fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Replaces exact text in a file that was read before. Each old text must occur once, unless all."
            .to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": {
                "path": { "type": "string" },
                "old": { "type": "string" },
                "new": { "type": "string" },
                "all": { "type": "boolean" },
                "edits": {
                    "type": "array",
                    "description": "several, in order, instead of old/new",
                    "items": {
                        "type": "object",
                        "properties": {
                            "old": { "type": "string" },
                            "new": { "type": "string" },
                            "all": { "type": "boolean" }
                        },
                        "required": ["old", "new"]
                    }
                }
            },
            "required": ["path"],
            "additionalProperties": false
        }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    path: String,
    #[serde(default)]
    old: Option<String>,
    #[serde(default)]
    new: Option<String>,
    #[serde(default)]
    all: bool,
    #[serde(default)]
    edits: Option<Vec<Replacement>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replacement {
    old: String,
    new: String,
    #[serde(default)]
    all: bool,
}

/// A call that edits a file.
#[derive(Debug)]
pub struct Edit {
    place: Place,
    plan: Plan,
    shown: String,
}

/// What the call would do to the file as it was when the call was parsed.
#[derive(Debug)]
enum Plan {
    Change { before: Vec<u8>, after: String, diff: Diff },
    Impossible(String),
}

/// Understands a call and works out the change.
pub fn parse(arguments: Value, site: &Site) -> Result<Edit, Invalid> {
    let as_written = arguments.to_string();
    let arguments: Arguments = json::typed(NAME, arguments)?;
    let place = site.place(NAME, &arguments.path)?;
    let edits = replacements(arguments)?;
    let name = text::name(&place.real);
    let plan = planned(&place, name, &edits).unwrap_or_else(Plan::Impossible);
    let shown = match &plan {
        Plan::Change { diff, .. } => diff.text.clone(),
        Plan::Impossible(_) => as_written,
    };
    Ok(Edit { place, plan, shown })
}

fn replacements(arguments: Arguments) -> Result<Vec<Replacement>, Invalid> {
    let Arguments { old, new, all, edits, .. } = arguments;
    let edits = match (old, new, edits) {
        (Some(old), Some(new), None) => vec![Replacement { old, new, all }],
        (None, None, Some(edits)) if !all => edits,
        _mixed => return Err(Invalid::of(NAME, "give either `old` and `new`, or `edits`, a list of such pairs")),
    };
    if edits.is_empty() || edits.len() > MOST_EDITS {
        return Err(Invalid::of(NAME, format!("`edits`: 1 to {MOST_EDITS} replacements can be made at once")));
    }
    for edit in &edits {
        if edit.old.is_empty() {
            return Err(Invalid::of(NAME, "`old` is empty; give the text to replace, or make the file with `write`"));
        }
        if edit.old == edit.new {
            return Err(Invalid::of(NAME, "`old` and `new` are the same"));
        }
    }
    Ok(edits)
}

fn planned(place: &Place, name: &str, edits: &[Replacement]) -> Result<Plan, String> {
    let before = files::preview(place, LARGEST_KNOWN).map_err(|why| why.to_string())?;
    let text =
        std::str::from_utf8(&before).map_err(|_| format!("`{name}` is not UTF-8 text, so it cannot be edited"))?;
    let endings = Endings::of(text);
    let mut after = text.to_owned();
    for (at, edit) in edits.iter().enumerate() {
        let which = if edits.len() > 1 { format!("edit {}: ", at + 1) } else { String::new() };
        let (old, new) = (endings.worn_by(&edit.old), endings.worn_by(&edit.new));
        let spots = spots(&after, &old, edit).map_err(|why| format!("{which}in `{name}`, {why}"))?;
        let grown = (spots as u64).saturating_mul(new.len() as u64).saturating_add(after.len() as u64);
        if grown > 2 * LARGEST_KNOWN {
            return Err(format!("{which}`{name}` would grow past what can be edited"));
        }
        after = after.replace(&*old, &new);
    }
    if after == text {
        return Err(format!("the edits of `{name}` undo each other: nothing would change"));
    }
    let diff = Diff::of(name, text, &after);
    Ok(Plan::Change { after, diff, before })
}

/// How the lines of a file end.
#[derive(Clone, Copy)]
enum Endings {
    CrLf,
    LfOrMixed,
}

impl Endings {
    fn of(text: &str) -> Endings {
        let all = text.matches('\n').count();
        if all > 0 && all == text.matches("\r\n").count() { Endings::CrLf } else { Endings::LfOrMixed }
    }

    /// The text with these endings, when it was written without any carriage return.
    fn worn_by(self, text: &str) -> Cow<'_, str> {
        match self {
            Endings::CrLf if !text.contains('\r') => Cow::Owned(text.replace('\n', "\r\n")),
            Endings::CrLf | Endings::LfOrMixed => Cow::Borrowed(text),
        }
    }
}

/// How many spots a replacement is about, or why that is not clear.
fn spots(text: &str, old: &str, edit: &Replacement) -> Result<usize, String> {
    let Some(first) = text.find(old) else {
        return Err(format!("`old` does not occur{}", nearest(text, old)));
    };
    let count = text.matches(old).count();
    // Two spots may overlap, and then it is not clear which one is meant.
    let after_first = first + text[first..].chars().next().map_or(1, char::len_utf8);
    if edit.all || !text[after_first..].contains(old) {
        return Ok(count);
    }
    let line_of = |(at, _)| text[..at].matches('\n').count() + 1;
    let lines: Vec<String> = text.match_indices(old).take(10).map(|spot| line_of(spot).to_string()).collect();
    let more = if count > 10 { ", …" } else { "" };
    Err(format!(
        "`old` occurs {} times (line {}{more}); give more of the text around it, or set `all`",
        count.max(2),
        lines.join(", ")
    ))
}

/// A word on what comes nearest to a text that does not occur.
fn nearest(text: &str, old: &str) -> String {
    let Some(wanted) = old.lines().map(str::trim).find(|line| !line.is_empty()) else {
        return String::new();
    };
    let numbered = || text.lines().enumerate().take(MOST_LINES);
    if let Some((at, _)) = numbered().find(|(_, line)| line.trim() == wanted) {
        return format!("; line {} begins like it but for white space or the lines that follow", at + 1);
    }
    if wanted.len() > LONGEST_LINE {
        return String::new();
    }
    let lines: Vec<&str> = numbered().map(|(_, line)| line.trim()).filter(|line| line.len() <= LONGEST_LINE).collect();
    let Some(close) = similar::get_close_matches(wanted, &lines, 1, 0.6).first().copied() else {
        return String::new();
    };
    let at = numbered().find(|(_, line)| line.trim() == close).map_or(0, |(at, _)| at + 1);
    format!("; nearest is line {at}: `{close}`")
}

impl Act for Edit {
    fn action(&self) -> Action {
        let counts = match &self.plan {
            Plan::Change { diff, .. } => format!(" (+{} -{})", diff.added, diff.removed),
            Plan::Impossible(_) => String::new(),
        };
        Action {
            tool: NAME.to_owned(),
            effect: Effect::Change,
            price: Price::Free,
            summary: format!("edit {}{counts}", text::place(&self.place)),
            subject: Subject::Write(self.place.clone()),
            shown: self.shown.clone(),
        }
    }
}

/// Makes the change.
pub async fn run(permit: Permit<Priced<Edit>>, scene: &Scene) -> Done {
    let outcome = changed(&permit, scene);
    permit.finish(text::report(outcome))
}

fn changed(permit: &Permit<Priced<Edit>>, scene: &Scene) -> Result<String, String> {
    let Edit { place, plan, .. } = &**permit.act();
    let name = text::name(&place.real);
    let (before, after, diff) = match plan {
        Plan::Change { before, after, diff } => (before, after, diff),
        Plan::Impossible(why) => return Err(why.clone()),
    };
    match scene.seen.stamp(place) {
        None => return Err(format!("`{name}` was not read in this session; read it before you edit it")),
        Some(known) if known != Stamp::of(before) => {
            return Err(format!("`{name}` changed since you read it; read it again"));
        }
        Some(_) => {}
    }
    files::replace(permit, place, after.as_bytes(), Expected::Exactly(before)).map_err(|why| why.to_string())?;
    scene.seen.note(place, Stamp::of(after.as_bytes()));
    Ok(text::fitted(permit, scene, format!("edited `{name}`\n{}", diff.text)))
}
