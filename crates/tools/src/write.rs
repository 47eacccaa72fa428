//! `write`: a whole file, new or in place of an old one.
//!
//! Not here: changing a part of a file (that is `edit`).

use crate::call::{Invalid, Priced};
use crate::diff::Diff;
use crate::site::Site;
use crate::{json, text};
use gate::{Act, Done, Permit};
use host::files::{self, Expected, FileError, Written};
use host::scene::{Scene, Stamp};
use policy::{Action, Effect, Place, Price, Subject};
use serde::Deserialize;
use serde_json::Value;
use turn::chat::ToolSpec;

/// The name the model calls it by.
pub const NAME: &str = "write";

/// The largest old content that is compared with the new one, and the longest diff that is told.
const LARGEST_OLD: u64 = 1 << 20;
const LONGEST_DIFF: usize = 4000;

/// Declares the tool.
pub fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Makes a file, or replaces it whole; folders are made as needed.".to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": { "path": { "type": "string" }, "content": { "type": "string" } },
            "required": ["path", "content"],
            "additionalProperties": false
        }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    path: String,
    content: String,
}

/// A call that writes a file.
#[derive(Debug)]
pub struct Write {
    place: Place,
    content: String,
}

/// Understands a call.
pub fn parse(arguments: Value, site: &Site) -> Result<Write, Invalid> {
    let Arguments { path, content } = json::typed(NAME, arguments)?;
    Ok(Write { place: site.place(NAME, &path)?, content })
}

impl Act for Write {
    fn action(&self) -> Action {
        Action {
            tool: NAME.to_owned(),
            effect: Effect::Change,
            price: Price::Free,
            summary: format!("write {} ({})", text::place(&self.place), text::size(self.content.len() as u64)),
            subject: Subject::Write(self.place.clone()),
            shown: format!("{}\n{}", self.place.real.absolute, self.content),
        }
    }
}

/// Writes the file.
pub async fn run(permit: Permit<Priced<Write>>, scene: &Scene) -> Done {
    let outcome = written(&permit, scene).map_err(|why| why.to_string());
    permit.finish(text::report(outcome))
}

fn written(permit: &Permit<Priced<Write>>, scene: &Scene) -> Result<String, FileError> {
    let Write { place, content } = &**permit.act();
    // It may be missing, too large, or not for reading; whether it can be written is found out by writing.
    let old = files::open(permit, place).and_then(|source| source.read_whole(LARGEST_OLD)).ok();
    let known = scene.seen.stamp(place);
    let done = files::replace(permit, place, content.as_bytes(), Expected::Anything)?;
    scene.seen.note(place, Stamp::of(content.as_bytes()));
    let name = text::name(&place.real);
    let now = format!("{}, {}", text::count(content.lines().count(), "line"), text::size(content.len() as u64));
    Ok(match (done, old) {
        (Written::New, _) => format!("made `{name}` ({now})"),
        (Written::Replaced, None) => format!("replaced `{name}` ({now}); what it held before was not looked at"),
        (Written::Replaced, Some(old)) if old == content.as_bytes() => {
            format!("`{name}` held just that already ({now})")
        }
        (Written::Replaced, Some(old)) => {
            let unread = if known == Some(Stamp::of(&old)) { "" } else { ", which you had not read as it was" };
            format!("replaced `{name}`{unread} ({now})\n{}", difference(name, &old, content))
        }
    })
}

fn difference(name: &str, old: &[u8], new: &str) -> String {
    match std::str::from_utf8(old) {
        Ok(old) => text::beginning(&Diff::of(name, old, new).text, LONGEST_DIFF).into_owned(),
        Err(_) => format!("it held {} that were not text", text::size(old.len() as u64)),
    }
}
