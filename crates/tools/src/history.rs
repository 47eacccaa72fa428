//! `history`: what git knows of the workspace, read-only, with typed operations only.
//!
//! Not here: keeping git from running what a repository configures (that is `host::git`), or changing anything (that is
//! `shell`).

use crate::call::{Invalid, Priced};
use crate::site::Site;
use crate::{json, text};
use gate::{Act, Done, Permit};
use host::children::ChildEnd;
use host::files;
use host::git;
use host::repository::Repository;
use host::scene::{Progress, Scene};
use policy::{Action, Effect, Place, Price, Subject};
use serde::Deserialize;
use serde_json::Value;
use turn::chat::ToolSpec;

/// The name the model calls it by.
pub const NAME: &str = "history";

/// How many commits are shown when nobody says how many, and at most.
const COMMITS: u32 = 20;
const MOST_COMMITS: u32 = 1000;
/// How long a revision or a text to look for may be.
const LONGEST: usize = 500;
/// The most bytes of names of changed files.
const MOST_NAMES: u64 = 64 << 20;

/// Declares the tool.
pub fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Reads git history and state; changes nothing.".to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": {
                "operation": { "enum": ["log", "show", "diff", "blame", "status"] },
                "revision": { "type": "string", "description": "such as `HEAD~2`, `main..HEAD`, `HEAD:file`" },
                "path": { "type": "string" },
                "detail": { "enum": ["stat", "patch"] },
                "limit": { "type": "integer", "description": "log: commits; default 20" },
                "contains": { "type": "string", "description": "log: only commits that add or remove this text" },
                "staged": { "type": "boolean", "description": "diff: the index" },
                "lines": { "type": "array", "items": { "type": "integer" }, "description": "blame: [first, last]" }
            },
            "required": ["operation"],
            "additionalProperties": false
        }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    operation: Operation,
    #[serde(default)]
    revision: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    detail: Option<Detail>,
    #[serde(default)]
    limit: Option<u32>,
    #[serde(default)]
    contains: Option<String>,
    #[serde(default)]
    staged: Option<bool>,
    #[serde(default)]
    lines: Option<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Log,
    Show,
    Diff,
    Blame,
    Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Detail {
    Stat,
    Patch,
}

/// A call that asks git.
#[derive(Debug)]
pub struct History {
    place: Place,
    repository: Option<Repository>,
    question: Vec<String>,
    summary: String,
    shown: String,
}

/// Understands a call.
pub fn parse(arguments: Value, site: &Site) -> Result<History, Invalid> {
    let shown = arguments.to_string();
    let arguments: Arguments = json::typed(NAME, arguments)?;
    fitting(&arguments)?;
    let place = site.place(NAME, arguments.path.as_deref().unwrap_or("."))?;
    if place.spelled.inside.is_none() {
        return Err(Invalid::of(NAME, "`path`: only what is in the workspace has a history here"));
    }
    let question = question(&arguments)?;
    let about = [arguments.revision.as_deref(), arguments.path.as_deref()];
    let about: String = about.into_iter().flatten().map(|word| format!(" {}", text::beginning(word, 80))).collect();
    let summary = format!("history: git {}{about}", question[0]);
    Ok(History { repository: Repository::of(&site.workspace, &place), place, question, summary, shown })
}

/// Refuses a field that the operation does not have.
fn fitting(arguments: &Arguments) -> Result<(), Invalid> {
    use Operation::{Blame, Diff, Log, Show, Status};
    let fields: [(&str, bool, &[Operation]); 6] = [
        ("revision", arguments.revision.is_some(), &[Log, Show, Diff, Blame]),
        ("detail", arguments.detail.is_some(), &[Log, Show, Diff]),
        ("limit", arguments.limit.is_some(), &[Log]),
        ("contains", arguments.contains.is_some(), &[Log]),
        ("staged", arguments.staged.is_some(), &[Diff]),
        ("lines", arguments.lines.is_some(), &[Blame]),
    ];
    for (field, is_given, operations) in fields {
        if is_given && !operations.contains(&arguments.operation) {
            return Err(Invalid::of(NAME, format!("`{field}` is not for this operation")));
        }
    }
    match arguments.operation {
        Blame if arguments.path.is_none() => Err(Invalid::of(NAME, "`path`: `blame` needs a file")),
        Log | Show | Diff | Blame | Status => Ok(()),
    }
}

/// The words for git, up to the path.
fn question(arguments: &Arguments) -> Result<Vec<String>, Invalid> {
    let mut words: Vec<String> = Vec::new();
    let mut say = |more: &[&str]| words.extend(more.iter().map(|word| (*word).to_owned()));
    const PLAIN: &[&str] =
        &["--no-color", "--no-ext-diff", "--no-textconv", "--submodule=short", "--ignore-submodules=dirty"];
    match arguments.operation {
        Operation::Log => {
            say(&["log", "--no-show-signature", "--date=short", "--decorate=short", "--diff-merges=off"]);
            say(PLAIN);
            say(match arguments.detail {
                None => &["--format=%h %ad %an%d %s"],
                Some(Detail::Stat) => &["--format=medium", "--stat"],
                Some(Detail::Patch) => &["--format=medium", "--patch"],
            });
            let limit = arguments.limit.unwrap_or(COMMITS);
            if !(1..=MOST_COMMITS).contains(&limit) {
                return Err(Invalid::of(NAME, format!("`limit`: 1 to {MOST_COMMITS} commits can be shown")));
            }
            say(&[&format!("--max-count={limit}")]);
            if let Some(text) = &arguments.contains {
                say(&[&format!("-S{}", checked("contains", text)?)]);
            }
        }
        Operation::Show => {
            say(&["show", "--no-show-signature", "--date=iso", "--format=medium", "--diff-merges=dense-combined"]);
            say(PLAIN);
            say(match arguments.detail {
                Some(Detail::Stat) => &["--stat"],
                Some(Detail::Patch) | None => &["--stat", "--patch"],
            });
        }
        Operation::Diff => {
            say(&["diff", "--diff-merges=off"]);
            say(PLAIN);
            say(match arguments.detail {
                Some(Detail::Stat) => &["--stat"],
                Some(Detail::Patch) | None => &["--patch"],
            });
            say(if arguments.staged == Some(true) { &["--cached"] } else { &[] });
        }
        Operation::Blame => {
            say(&["blame", "--no-textconv", "--date=short"]);
            if let Some((first, last)) = arguments.lines {
                if first == 0 || last < first {
                    return Err(Invalid::of(NAME, "`lines`: [first, last], counted from 1"));
                }
                say(&[&format!("-L{first},{last}")]);
            }
        }
        Operation::Status => {
            say(&["status", "--short", "--branch", "--untracked-files=normal", "--ignore-submodules=dirty"])
        }
    }
    // Without a revision `blame` looks at the working tree, and would read through links in it.
    let standing = (arguments.operation == Operation::Blame).then_some("HEAD");
    if let Some(revision) = arguments.revision.as_deref().or(standing) {
        let revision = checked("revision", revision)?;
        if revision.starts_with('-') {
            return Err(Invalid::of(NAME, "`revision`: it cannot begin with `-`"));
        }
        say(&[revision]);
    }
    Ok(words)
}

fn checked<'a>(field: &str, text: &'a str) -> Result<&'a str, Invalid> {
    let is_right = !text.is_empty() && text.len() <= LONGEST && !text.contains(['\0', '\n']);
    if is_right { Ok(text) } else { Err(Invalid::of(NAME, format!("`{field}`: 1 to {LONGEST} bytes on one line"))) }
}

impl History {
    /// Something of the repository's own that is outside the workspace, where there is such a thing.
    fn stray(&self) -> Option<&Place> {
        self.repository.as_ref().and_then(|repository| repository.stray.as_ref())
    }
}

impl Act for History {
    /// A repository whose own files are elsewhere shows what is elsewhere: then the call reaches out, to there.
    fn action(&self) -> Action {
        Action {
            tool: NAME.to_owned(),
            effect: if self.stray().is_some() { Effect::Reach } else { Effect::Read },
            price: Price::Free,
            summary: self.summary.clone(),
            subject: Subject::Read(self.stray().unwrap_or(&self.place).clone()),
            shown: self.shown.clone(),
        }
    }
}

/// Asks git.
pub async fn run(permit: Permit<Priced<History>>, scene: &Scene) -> Done {
    let outcome = asked(&permit, scene).await;
    permit.finish(text::report(outcome))
}

async fn asked(permit: &Permit<Priced<History>>, scene: &Scene) -> Result<String, String> {
    let History { place, repository, question, .. } = &**permit.act();
    let Some(judged) = repository else {
        return Err("there is no git repository here: neither the path nor a folder above it, up to the workspace, has a `.git`".to_owned());
    };
    if Repository::of(&scene.workspace, place).as_ref() != Some(judged) {
        return Err(format!("`{}/.git` changed since it was judged", judged.tree));
    }
    let mut words = question.clone();
    words.push("--".to_owned());
    let below = place.spelled.absolute.strip_prefix(&judged.tree).unwrap_or_default().trim_start_matches('/');
    if !below.is_empty() {
        words.push(below.to_owned());
    }
    if question[0] == "diff" {
        stays_inside(permit, judged, &words, scene).await?;
    }
    let exit = git::ask(permit, judged, words, scene).await.map_err(|why| why.to_string())?;
    let said = exit.output.text();
    match exit.ending {
        ChildEnd::Code(0) if said.trim().is_empty() => Ok("git has nothing to show for this".to_owned()),
        ChildEnd::Code(0) => Ok(said),
        ending => Err(format!("git: {ending}\n{said}")),
    }
}

/// Refuses to compare files that are not in the working tree. git takes the names in the index as they are, and an index
/// that was made to deceive names files above the working tree, whose contents a diff would show.
async fn stays_inside(
    permit: &Permit<Priced<History>>,
    repository: &Repository,
    words: &[String],
    scene: &Scene,
) -> Result<(), String> {
    let mut listing = words.to_vec();
    listing.splice(1..1, ["--name-only", "-z", "--no-renames"].map(str::to_owned));
    listing.retain(|word| word != "--patch" && word != "--stat");
    let unwatched = Scene { progress: Progress::nobody(), ..scene.clone() };
    let exit = git::ask(permit, repository, listing, &unwatched).await.map_err(|why| why.to_string())?;
    if exit.ending != ChildEnd::Code(0) {
        return Err(format!("git: {}\n{}", exit.ending, exit.output.text()));
    }
    let names = match (exit.output.whole(), exit.output.file()) {
        (Some(names), _) => names,
        (None, Some(file)) => {
            let place = file.to_str().ok_or("the list of changed files is kept nowhere")?;
            let place = scene.workspace.place(place).map_err(|why| why.to_string())?;
            let kept = files::open(permit, &place).and_then(|kept| kept.read_whole(MOST_NAMES));
            kept.map_err(|why| format!("the list of changed files: {why}"))?
        }
        (None, None) => return Err("the list of changed files could not be kept".to_owned()),
    };
    let leads_out = |name: &[u8]| name.starts_with(b"/") || name.split(|byte| *byte == b'/').any(|part| part == b"..");
    match names.split(|byte| *byte == 0).find(|name| leads_out(name)) {
        Some(name) => Err(format!(
            "the index of this repository names `{}`, which is not in its working tree; nothing was compared",
            String::from_utf8_lossy(name).escape_debug()
        )),
        None => Ok(()),
    }
}
