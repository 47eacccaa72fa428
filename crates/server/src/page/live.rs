//! What happens, as changes to a page that is open: each event becomes fragments of HTML, and where they go.
//!
//! Not here: how they travel.
//!
//! A page that was drawn after some event and was told of every one since is the page that is drawn after the last: no
//! fragment depends on anything but the conversation, and one that comes again changes nothing but what grows by it.

use crate::page::conversation::{Change, Conversation, ItemKind};
use crate::page::head::{self, ContractRow};
use crate::page::item::item;
use crate::page::question::together;
use crate::page::speaking::Spoken;
use maud::{Markup, html};
use serde::Serialize;

/// A piece of the page, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fragment {
    /// The element's id.
    pub target: String,
    /// What becomes of it.
    pub swap: Swap,
    /// The HTML; empty where there is none.
    pub html: String,
}

/// What becomes of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Swap {
    /// It is replaced; where there is none yet, it comes at the end of the conversation.
    Put,
    /// What is in it is replaced.
    Inner,
    /// More comes to its end.
    Add,
    /// It goes.
    Gone,
    /// It is shown as the page's title.
    Title,
}

/// The fragments that make a page show what changed.
pub fn fragments(of: &Conversation, changes: &[Change], contract: &[ContractRow]) -> Vec<Fragment> {
    let mut out = Vec::new();
    for change in changes {
        match change {
            Change::Anew => {
                out.push(fragment("conversation", Swap::Inner, items(of)));
                out.push(fragment("speaking-here", Swap::Inner, speaking(of)));
                out.extend(around(of, contract));
            }
            Change::Item(at) => {
                let Some(changed) = of.items.get(*at) else { continue };
                out.push(fragment(&changed.key, Swap::Put, item(of, changed)));
            }
            Change::Gone(key) => out.push(fragment(key, Swap::Gone, Markup::default())),
            Change::Thought(at, piece) => out.extend(more(of, *at, ("-w", piece))),
            Change::Output(at, piece) => out.extend(more(of, *at, ("-o", piece))),
            Change::Speaks => out.push(fragment("speaking-here", Swap::Inner, speaking(of))),
            Change::Silent => out.push(fragment("speaking-here", Swap::Inner, Markup::default())),
            Change::Spoken(spoken) => out.extend(spoken_fragments(of, spoken)),
            Change::Mode => {
                out.push(fragment("mode", Swap::Put, head::mode_control(of)));
                out.push(fragment("may", Swap::Put, head::may(of, contract)));
            }
            Change::About => out.extend(about(of)),
            Change::Doing => out.extend(doing(of)),
        }
    }
    out
}

/// All items, drawn.
pub fn items(of: &Conversation) -> Markup {
    html! { @for one in &of.items { (item(of, one)) } }
}

/// What the model is saying, drawn.
pub fn speaking(of: &Conversation) -> Markup {
    of.speaking.as_ref().map(|speaking| speaking.draw()).unwrap_or_default()
}

/// What stands around the conversation.
fn around(of: &Conversation, contract: &[ContractRow]) -> Vec<Fragment> {
    let mode =
        [fragment("mode", Swap::Put, head::mode_control(of)), fragment("may", Swap::Put, head::may(of, contract))];
    mode.into_iter().chain(about(of)).chain(doing(of)).collect()
}

fn about(of: &Conversation) -> [Fragment; 2] {
    [fragment("about", Swap::Put, head::about(of)), fragment("title", Swap::Title, title(of))]
}

fn doing(of: &Conversation) -> [Fragment; 3] {
    [
        fragment("doing", Swap::Put, head::doing(of)),
        fragment("together", Swap::Put, together(of)),
        fragment("title", Swap::Title, title(of)),
    ]
}

/// The words of the browser's tab: what waits for a person comes first.
pub fn title(of: &Conversation) -> Markup {
    let asked = of.asked().count();
    let title = crate::page::text::line(&of.about.title);
    let title = if title.is_empty() { "New session".to_owned() } else { title };
    html! { @if asked > 0 { "(" (asked) ") " } (title) " \u{b7} Remit" }
}

fn more(of: &Conversation, at: usize, (part, piece): (&str, &str)) -> Option<Fragment> {
    let grown = of.items.get(at)?;
    let words = match &grown.kind {
        ItemKind::Thought(..) => crate::page::text::plain(piece).into_owned(),
        _ => piece.to_owned(),
    };
    Some(fragment(&format!("{}{part}", grown.key), Swap::Add, html! { (words) }))
}

fn spoken_fragments(of: &Conversation, spoken: &Spoken) -> Vec<Fragment> {
    let Some(speaking) = &of.speaking else { return Vec::new() };
    match spoken {
        Spoken::Settled(last) => {
            vec![fragment("said", Swap::Add, speaking.settled(*last)), fragment("unsaid", Swap::Inner, speaking.open())]
        }
        Spoken::Open => vec![fragment("unsaid", Swap::Inner, speaking.open())],
        Spoken::Code(more) => vec![fragment("code", Swap::Add, html! { (more) })],
    }
}

fn fragment(target: &str, swap: Swap, html: Markup) -> Fragment {
    Fragment { target: target.to_owned(), swap, html: html.into_string() }
}
