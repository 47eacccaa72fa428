//! The page of all sessions: which of them ask, work or wait, and how a new one begins.
//!
//! Not here: which sessions a person has.

use crate::page::frame::Frame;
use crate::page::text::line;
use maud::{Markup, html};

/// A session in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionLink {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The folder it works in.
    pub workspace: String,
    /// The model.
    pub model: String,
    /// The mode as a person reads it; empty where it is not known until the session is opened.
    pub chip: String,
    /// What it does.
    pub state: RowState,
    /// When something last happened in it, in words.
    pub when: String,
}

/// What a session in the list does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// So many questions wait for a person.
    Asks(usize),
    /// It works.
    Works,
    /// It is done, and waits for a person to speak.
    Done,
    /// It was cut off in the middle, and can go on.
    Parked,
}

/// What the page of all sessions is drawn from.
#[derive(Clone, Debug, Default)]
pub struct SessionsPage {
    /// The sessions, the newest first.
    pub rows: Vec<SessionLink>,
    /// What was searched for.
    pub query: String,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
    /// The folders to offer for a new session.
    pub workspaces: Vec<String>,
    /// The models to offer.
    pub models: Vec<String>,
    /// The default cap.
    pub default_cap: String,
    /// What a person could say first, if that is known.
    pub offered: String,
    /// What did not go as it should with a new session, and what was filled in.
    pub trouble: Option<(String, BeginForm)>,
}

/// What was filled in for a new session.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginForm {
    /// The folder.
    pub workspace: String,
    /// The mode: `plan`, `agent`, `yolo` or `yolo:uncapped`.
    pub mode: String,
    /// The cap, as it was typed; it counts with `yolo` alone.
    #[serde(default)]
    pub cap: String,
    /// The model; empty for the default.
    #[serde(default)]
    pub model: String,
    /// The first words; may be empty.
    #[serde(default)]
    pub text: String,
}

impl BeginForm {
    /// The mode that was picked, with the cap as it was typed.
    pub fn mode_text(&self) -> String {
        match self.mode.as_str() {
            "yolo" => format!("yolo:{}", self.cap.trim()),
            other => other.to_owned(),
        }
    }
}

/// The page.
pub fn sessions_page(page: &SessionsPage) -> Frame {
    let asking = page.rows.iter().filter(|row| matches!(row.state, RowState::Asks(_))).count();
    let title =
        if asking > 0 { format!("({asking}) Sessions \u{b7} Remit") } else { "Sessions \u{b7} Remit".to_owned() };
    Frame {
        title,
        class: "sessions",
        bar: html! { nav.session-links aria-label="Pages" { a href="/contract" data-dialog="contract" { "Contract" } } },
        main: html! {
            div.column {
                h1 { "Sessions" }
                (new_session(page))
                form.search role="search" method="get" action="/" {
                    label { span.sr { "Search the sessions" } input type="search" name="q" value=(page.query) placeholder="Search"; }
                    button.quiet { "Search" }
                }
                (list(page))
            }
        },
    }
}

fn list(page: &SessionsPage) -> Markup {
    html! {
        div #sessions data-refresh {
            @if page.rows.is_empty() {
                p.empty { @if page.query.is_empty() { "No session yet." } @else { "No session has that in it." } }
            }
            ul.session-list { @for row in &page.rows { (row_markup(row)) } }
            @if let Some(next) = &page.next { p { a href={ "/?after=" (next) "&q=" (page.query) } { "Older sessions" } } }
        }
    }
}

fn row_markup(row: &SessionLink) -> Markup {
    let (class, words) = match row.state {
        RowState::Asks(1) => ("asks", "asks 1 question".to_owned()),
        RowState::Asks(count) => ("asks", format!("asks {count} questions")),
        RowState::Works => ("works", "works".to_owned()),
        RowState::Done => ("done", "done".to_owned()),
        RowState::Parked => ("parked", "was cut off; can go on".to_owned()),
    };
    let title = line(&row.title);
    html! {
        li data-state=(class) {
            a href={ "/s/" (row.id) } { @if title.is_empty() { "New session" } @else { (title) } }
            span.state { (words) }
            details.row-more {
                summary title="Delete" { "Delete" span.sr { " " (title) } }
                form method="post" action={ "/s/" (row.id) "/delete" } { p { "Its record goes with it." } button.danger { "Delete for good" } }
            }
            span.meta { @if !row.chip.is_empty() { span.chip { (line(&row.chip)) } } (line(&row.workspace)) " \u{b7} " (line(&row.model)) " \u{b7} " (line(&row.when)) }
        }
    }
}

fn new_session(page: &SessionsPage) -> Markup {
    let blank = BeginForm {
        mode: "agent".to_owned(),
        cap: page.default_cap.clone(),
        text: page.offered.clone(),
        ..BeginForm::default()
    };
    let (trouble, filled) = match &page.trouble {
        Some((why, filled)) => (why.as_str(), filled),
        None => ("", &blank),
    };
    let folder = if filled.workspace.is_empty() {
        page.workspaces.first().map_or("", String::as_str)
    } else {
        &filled.workspace
    };
    html! {
        form.new-session #new method="post" action="/sessions" {
            h2 { "New session" }
            p.trouble role="alert" { (line(trouble)) }
            label.first-words { span { "What to do" } textarea name="text" rows="3" autofocus { "\n" (filled.text) } }
            div.new-row {
                label.folder {
                    span { "Folder" }
                    input name="workspace" value=(folder) list="workspaces" placeholder="the server\u{2019}s own" autocomplete="off" spellcheck="false";
                    datalist #workspaces { @for folder in &page.workspaces { option value=(folder) {} } }
                }
                label.model {
                    span { "Model" }
                    input name="model" value=(filled.model) list="models" placeholder="the default" autocomplete="off" spellcheck="false";
                    datalist #models { @for model in &page.models { option value=(model) {} } }
                }
            }
            fieldset.modes {
                legend { "Mode" }
                @for (value, name, says) in MODES {
                    label.mode-choice data-mode=(value) {
                        input type="radio" name="mode" value=(value) checked[filled.mode == *value];
                        span.name { (name) }
                        span.hint { (says) }
                    }
                }
                label.cap { span { "Cap for YOLO, in US dollars" } input name="cap" value=(filled.cap) inputmode="decimal" autocomplete="off"; }
            }
            button.send { "Begin" }
        }
    }
}

/// The modes that a session can begin in. What they do, in short; the contract says it in full.
const MODES: &[(&str, &str, &str)] = &[
    ("plan", "Plan", "looks and plans; changes nothing"),
    ("agent", "Agent", "looks freely; asks before it changes, reaches out or spends"),
    ("yolo", "YOLO", "acts by itself; asks only past the cap"),
    ("yolo:uncapped", "YOLO uncapped", "acts by itself; spends without a limit"),
];
