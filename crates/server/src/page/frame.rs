//! What every page has: its head, the bar above, and the way to what matters on it.
//!
//! Not here: what a page is about. There is no script and no style in the HTML, so that the policy for contents can forbid both.

use crate::page::assets;
use maud::{DOCTYPE, Markup, html};

/// One page.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The words of the browser's tab.
    pub title: String,
    /// What stands in the bar above, beside the name.
    pub bar: Markup,
    /// What it is about, in a `main`.
    pub main: Markup,
    /// The class of its body.
    pub class: &'static str,
}

/// Whose page it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Who {
    /// Nobody signed in.
    #[default]
    Nobody,
    /// The one person of a server started for oneself.
    Local,
    /// A person, by name.
    Person(String),
}

impl Frame {
    /// The whole page.
    pub fn draw(&self, who: &Who) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    // Without it a form of this page would be sent as if from nowhere, and be taken for another site's.
                    meta name="referrer" content="same-origin";
                    title { (self.title) }
                    link rel="icon" href=(assets::url("icon.svg"));
                    link rel="stylesheet" href=(assets::url("app.css"));
                    script src=(assets::url("theme.js")) {}
                    script type="module" src=(assets::url("app.js")) {}
                }
                body class=(self.class) {
                    a.skip href="#main" { "Skip to the content" }
                    header.bar {
                        a.home href="/" { span.mark aria-hidden="true" {} "Remit" }
                        (self.bar)
                        div.tools {
                            @if let Who::Person(name) = who {
                                form method="post" action="/sign-out" { button.quiet title={ "Signed in as " (name) } { "Sign out" } }
                            }
                            button.quiet #theme type="button" hidden { "Theme" }
                            button.quiet #help-open type="button" hidden aria-haspopup="dialog" { "Help" }
                        }
                    }
                    main #main tabindex="-1" { (self.main) }
                    (help())
                    dialog #dialog aria-label="Dialog" { div #dialog-body {} }
                    p #announce.sr role="status" {}
                }
            }
        }
    }
}

/// What the keys do.
const KEYS: &[(&str, &str)] = &[
    ("Enter", "sends what you wrote; while the agent works it reads it with its next step"),
    ("Shift Enter", "a new line"),
    ("@", "a file of the workspace"),
    ("Esc", "closes what is open; else stops the agent"),
    ("Ctrl /", "goes to where you write"),
    ("Alt Q", "goes to the question that waits"),
    ("y s n", "on a question: yes once, yes for this session, no"),
    ("Alt 1 2 3", "Plan, Agent, YOLO"),
    ("?", "this help"),
];

fn help() -> Markup {
    html! {
        dialog #help aria-labelledby="help-title" {
            h2 #help-title { "Keys" }
            dl.keys { @for (key, does) in KEYS { div { dt { @for part in key.split(' ') { kbd { (part) } } } dd { (does) } } } }
            form method="dialog" { button { "Close" } }
        }
    }
}
